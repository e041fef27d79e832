/* SPDX-License-Identifier: Apache-2.0 */
/*
 * enforced.h - where what the kernel enforces is not what the pod asks for: an in-place resize that
 * is under way or impossible, a quota taken off for exclusive CPUs, somebody's hand.
 */
#ifndef PF_CORE_ENFORCED_H
#define PF_CORE_ENFORCED_H

#include <stddef.h>

#include "core/report.h"

/**
 * pf_enforced_note() - a sentence for each limit that differs, such as "memory limit 96Mi asked for,
 * 48Mi in force".
 *
 * Compared are the limits only: requests become weights, whose formulas differ by who wrote them.
 * Differences that rounding explains are none: the kubelet's least quota is 1 ms in 100 ms (10
 * millicores), quotas are whole microseconds, memory is whole pages (of up to 64 KiB).
 * Source: kubelet and runc as recorded, tests/fixtures/k8s.
 *
 * Return: whether there is a difference; @ret_text is "" if not.
 */
bool pf_enforced_note(const struct pf_identity *identity, const struct pf_enforced *enforced,
		      char *ret_text, size_t size);

#endif
