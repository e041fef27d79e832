/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * stall.bpf.h - counts a rare stall of a slot: reclaim, block I/O.
 */
#ifndef PODFIT_STALL_BPF_H
#define PODFIT_STALL_BPF_H

#include "slots.bpf.h"

#include "hist.bpf.h"

enum pf_stall_kind { PF_STALL_RECLAIM, PF_STALL_BLOCK_IO };

/* The slot's record, made if there is none yet. */
static __always_inline struct pf_stall_rec *pf_stall_rec_of(__u32 slot)
{
	struct pf_stall_rec *rec = bpf_map_lookup_elem(&pf_stalls, &slot);

	if (rec)
		return rec;
	/* Another CPU may be first: its record is the one that is found. */
	bpf_map_update_elem(&pf_stalls, &slot, &pf_no_stalls, BPF_NOEXIST);
	return bpf_map_lookup_elem(&pf_stalls, &slot);
}

static __always_inline void pf_add_stall(__u32 slot, enum pf_stall_kind kind, __u64 took_ns)
{
	struct pf_window_rec *sums = bpf_map_lookup_elem(&pf_windows, &slot);
	struct pf_stall_rec *rec = pf_stall_rec_of(slot);
	__u64 bucket = PF_BOUND_INDEX(pf_latency_bucket(took_ns), 127);

	if (!rec || !sums || bucket >= PF_ABI_LATENCY_BUCKETS) {
		pf_drop(PF_DROP_RECORD);
		return;
	}
	if (kind == PF_STALL_RECLAIM) {
		__sync_fetch_and_add(&rec->reclaim[bucket], 1);
		__sync_fetch_and_add(&sums->reclaim_ns, took_ns);
	} else {
		__sync_fetch_and_add(&rec->block_io[bucket], 1);
		__sync_fetch_and_add(&sums->block_io_ns, took_ns);
	}
}

#endif
