/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_read.h - one cgroup's files into a record, v1, hybrid and v2. Descriptors are kept open while the budget
 * allows, because opening costs more than reading.
 */
#ifndef PF_CAPTURE_CGROUP_READ_H
#define PF_CAPTURE_CGROUP_READ_H

#include "capture/layout.h"
#include "capture/snap.h"

struct pf_cgroup_reader;

/* Shared by the readers of a source. */
struct pf_read_budget {
	uint32_t nr_open, max_open;
	uint64_t
		nr_unreadable; /* files that could not be read for another reason than that they are not there */
	uint64_t nr_malformed; /* files whose text was not understood; their numbers are unknown */
};

/** pf_cgroup_reader_new() - @layout and @budget are borrowed. Return: 0; -ENOMEM. */
PF_MUST_CHECK int pf_cgroup_reader_new(const struct pf_layout *layout, const char *path,
				       struct pf_read_budget *budget,
				       struct pf_cgroup_reader **ret_reader);
void pf_cgroup_reader_free(struct pf_cgroup_reader *reader); /* accepts NULL */

/**
 * pf_cgroup_read() - reads all files that are there. What is missing or malformed is unknown.
 * memory_peak_bytes is the kernel's watermark where there is one.
 * Return: 0; -ESTALE: not one file could be read, the cgroup is gone.
 */
PF_MUST_CHECK int pf_cgroup_read(struct pf_cgroup_reader *reader, struct pf_snap_rec *ret_snap);

#endif
