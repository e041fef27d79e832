/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * drops.bpf.h - nothing is lost in silence: every loss adds to pf_drops[reason], which user space
 * exports.
 */
#ifndef PODFIT_DROPS_BPF_H
#define PODFIT_DROPS_BPF_H

#include "compat.bpf.h"

extern __u64 pf_drops[PF_NR_DROPS];

/* Losses are rare, so one shared counter with an atomic add is cheap enough. */
static __always_inline void pf_drop(enum pf_drop reason)
{
	__sync_fetch_and_add(&pf_drops[reason], 1);
}

#endif
