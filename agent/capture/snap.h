/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snap.h - from two records of a cgroup's counters and gauges to the sample of the interval between. The BPF snapshot
 * program fills such records, and so do the readers of cgroup files.
 */
#ifndef PF_CAPTURE_SNAP_H
#define PF_CAPTURE_SNAP_H

#include <linux/types.h>

#include "core/types.h"
#include "podfit_abi.h"

/** pf_snap_clear() - nothing bound, every number unknown. */
void pf_snap_clear(struct pf_snap_rec *snap);

/** pf_snap_grown() - growth of a counter; PF_UNKNOWN if it is not known now, 0 if it was not before or seems to shrink. */
uint64_t pf_snap_grown(uint64_t now, uint64_t before);

/** pf_snap_memory_kinds() - a record's memory by kind; swap is PF_UNKNOWN. */
void pf_snap_memory_kinds(const __u64 *stats, struct pf_memory_kinds *ret_kinds);

/**
 * pf_snap_difference() - fills the CPU, memory, PSI and task fields of @sample that are bound in @now.
 * @v1: swap_usage and swap_max are of memory and swap together.
 */
void pf_snap_difference(const struct pf_snap_rec *now, const struct pf_snap_rec *before, bool v1,
			struct pf_sample *sample);

#endif
