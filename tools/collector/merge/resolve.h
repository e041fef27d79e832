/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolve.h - from a node's stored reports to the state of each of its hour slices: within a key
 * (instance, hour, run) the highest sequence holds, whatever order reports came in.
 */
#ifndef PF_COLLECTOR_MERGE_RESOLVE_H
#define PF_COLLECTOR_MERGE_RESOLVE_H

#include "core/report.h"

/* One slice that holds. */
struct pf_resolved {
	const struct pf_report *report; /* that it is from */
	const struct pf_report_container *container;
	const struct pf_slice *slice;
	uint64_t instance; /* hash of its name */
	bool new_instance; /* no slice of this instance and hour was given before (other runs have theirs) */
};

typedef int (*pf_resolve_fn)(void *arg, const struct pf_resolved *resolved);

/**
 * pf_resolve() - calls @fn for every slice of the hours [@from, @to] that holds, by instance, hour
 * and run.
 * @reports: of one node, in any order. The names of a container are those of the newest report that
 * knows them, since they may come later than its first slices.
 * Return: 0; -ENOMEM; what @fn gave.
 */
PF_MUST_CHECK int pf_resolve(const struct pf_report *const *reports, size_t nr_reports,
			     uint32_t from, uint32_t to, pf_resolve_fn fn, void *arg);

/** pf_resolve_newest() - the report with the newest end (then sequence); NULL of none. */
const struct pf_report *pf_resolve_newest(const struct pf_report *const *reports,
					  size_t nr_reports);

#endif
