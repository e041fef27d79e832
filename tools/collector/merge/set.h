/* SPDX-License-Identifier: Apache-2.0 */
/*
 * set.h - a bounded table of workloads and the evidence merged for each of them. Evidence takes 11 kB
 * however little there is of it; packed it takes 1 to 4 kB, in the form it has in the store.
 */
#ifndef PF_COLLECTOR_MERGE_SET_H
#define PF_COLLECTOR_MERGE_SET_H

#include "base/buf.h"
#include "base/map.h"
#include "collector/store/store.h"
#include "core/evidence.h"
#include "core/hour_point.h"

enum {
	PF_MERGE_POINTS_MAX = 3,    /* hours that are not sealed yet */
	PF_MERGE_DENSE_MAX = 12288, /* workloads unpacked at once, about: 150 MB of evidence */
	PF_MERGE_PARTS_MAX = 1024,
};

struct pf_merged {
	struct pf_workload_key key;   /* owned */
	struct pf_evidence *evidence; /* NULL while it is packed */
	struct pf_hour_point *points; /* of the hours merged one by one; NULL: none */
	uint32_t nr_points;
	char *packed;
	size_t packed_len;
	void *extra; /* the set's owner's */
};

struct pf_merge_set {
	struct pf_map *map;
	struct pf_vpa_settings settings;
	size_t max;
	uint64_t nr_left_out; /* containers' hours that found the table full */
};

/** pf_merge_set_init() - Return: 0; -ENOMEM. */
PF_MUST_CHECK int pf_merge_set_init(struct pf_merge_set *set, size_t max,
				    const struct pf_vpa_settings *settings);
void pf_merge_set_done(struct pf_merge_set *set); /* extra is not freed */

/** pf_merge_get() - the workload's place, made if there is none. Return: 0; -ENOSPC: the table is
 * full; -ENOMEM. */
PF_MUST_CHECK int pf_merge_get(struct pf_merge_set *set, const struct pf_workload_key *key,
			       struct pf_merged **ret_merged);

/** pf_merge_find() - NULL if it is not there. */
struct pf_merged *pf_merge_find(const struct pf_merge_set *set, const struct pf_workload_key *key);

/**
 * pf_merge_add_slice() - adds a slice to the workload's evidence and to its point of that hour.
 * @instance: hash of the instance's name and node.
 * Return: 0; -ENOMEM.
 */
PF_MUST_CHECK int pf_merge_add_slice(struct pf_merged *merged, uint64_t instance,
				     const struct pf_slice *slice, bool new_instance,
				     const struct pf_resources *present);

/** pf_merge_finish() - computes what points tell of the whole hour; once all slices are in. */
void pf_merge_finish(struct pf_merge_set *set);

/** pf_merge_add_evidence() - adds evidence merged before. Return: 0; -ENOSPC; -ENOMEM. */
PF_MUST_CHECK int pf_merge_add_evidence(struct pf_merge_set *set, const struct pf_workload_key *key,
					const struct pf_evidence *evidence);

/**
 * pf_merge_pack_all() - evidence and points of all that are not packed become bytes, as
 * pf_wire_encode_summary() makes them. Return: 0; -ENOMEM; -ENOSPC: more than one may have.
 */
PF_MUST_CHECK int pf_merge_pack_all(struct pf_merge_set *set);

/** pf_merge_unpack() - evidence is there again, to the bit; the points are not. Return: 0; -ENOMEM. */
PF_MUST_CHECK int pf_merge_unpack(const struct pf_merge_set *set, struct pf_merged *merged);

/** pf_merge_copy() - a copy of the evidence, packed or not; to be freed. Return: 0; -ENOMEM. */
PF_MUST_CHECK int pf_merge_copy(const struct pf_merge_set *set, const struct pf_merged *merged,
				struct pf_evidence **ret_evidence);

/** pf_merge_part_of() - which of @nr_parts a workload belongs to; all of a pod are in one part. */
uint32_t pf_merge_part_of(const struct pf_workload_key *key, uint32_t nr_parts);

/** pf_workload_key_compare() - by cluster, namespace, kind, workload, container, node class. */
int pf_workload_key_compare(const struct pf_workload_key *a, const struct pf_workload_key *b);

#endif
