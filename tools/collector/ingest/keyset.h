/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keyset.h - which slices a report has, and how new each is: what decides if a stored report is
 * still needed.
 */
#ifndef PF_COLLECTOR_INGEST_KEYSET_H
#define PF_COLLECTOR_INGEST_KEYSET_H

#include "wire/index.h"

struct pf_keyset_entry {
	uint64_t key; /* hash of (instance, hour, run), or of an OOM kill */
	uint64_t sequence;
};

struct pf_keyset {
	struct pf_keyset_entry *entries; /* by key */
	size_t nr;
};

/** pf_keyset_of() - the slices and OOM kills of a report. Return: 0; -ENOMEM. */
PF_MUST_CHECK int pf_keyset_of(const struct pf_report_index *index, struct pf_keyset *ret_set);
void pf_keyset_done(struct pf_keyset *set);

/** pf_keyset_covers() - true if each entry of @old is in @set at least as new. */
bool pf_keyset_covers(const struct pf_keyset *set, const struct pf_keyset *old);

#endif
