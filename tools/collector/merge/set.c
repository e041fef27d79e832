// SPDX-License-Identifier: Apache-2.0
#include "collector/merge/set.h"

#include <errno.h>
#include <string.h>

#include "wire/summary.h"

enum {
	KEY_MAX = 2048,
	PACKED_MAX = 16 << 20, /* of one workload */
	UNPACK_MEMORY_MAX = 128 << 20,
};

static void key_text(const struct pf_workload_key *key, char *text, size_t size)
{
	/* Names have no control characters of their own: the API server and cgroup paths see to
	 * it, and a name that has would only be merged with its like. */
	(void)snprintf(text, size, "%s\n%s\n%d\n%s\n%s\n%s", key->cluster, key->namespace_name,
		       (int)key->kind, key->workload, key->container, key->node_class);
}

static void key_done(struct pf_workload_key *key)
{
	free((char *)(uintptr_t)key->cluster);
	free((char *)(uintptr_t)key->namespace_name);
	free((char *)(uintptr_t)key->workload);
	free((char *)(uintptr_t)key->container);
	free((char *)(uintptr_t)key->node_class);
}

static int key_copy(const struct pf_workload_key *key, struct pf_workload_key *ret_key)
{
	struct pf_workload_key copy = { .cluster = strdup(key->cluster),
					.namespace_name = strdup(key->namespace_name),
					.kind = key->kind,
					.workload = strdup(key->workload),
					.container = strdup(key->container),
					.node_class = strdup(key->node_class) };

	if (!copy.cluster || !copy.namespace_name || !copy.workload || !copy.container ||
	    !copy.node_class) {
		key_done(&copy);
		return -ENOMEM;
	}
	*ret_key = copy;
	return 0;
}

static void merged_free(struct pf_merged *merged)
{
	if (!merged)
		return;
	key_done(&merged->key);
	pf_evidence_free(merged->evidence);
	free(merged->points);
	free(merged->packed);
	free(merged);
}

static void merged_freep(struct pf_merged **merged)
{
	merged_free(*merged);
}

int pf_merge_set_init(struct pf_merge_set *set, size_t max, const struct pf_vpa_settings *settings)
{
	*set = (struct pf_merge_set){ .max = max, .settings = *settings };
	return pf_map_new_str(max, &set->map);
}

void pf_merge_set_done(struct pf_merge_set *set)
{
	struct pf_merged *merged;

	if (!set->map)
		return;
	pf_map_for_each(set->map, cursor, merged)
		merged_free(merged);
	pf_map_free(set->map);
	set->map = NULL;
}

int pf_merge_get(struct pf_merge_set *set, const struct pf_workload_key *key,
		 struct pf_merged **ret_merged)
{
	PF_AUTO(merged_freep) struct pf_merged *merged = NULL;
	struct pf_merged *found;
	char text[KEY_MAX];
	int r;

	key_text(key, text, sizeof(text));
	found = pf_map_get_str(set->map, text);
	if (found) {
		*ret_merged = found;
		return 0;
	}
	if (pf_map_count(set->map) >= set->max) {
		set->nr_left_out++;
		return -ENOSPC;
	}
	merged = calloc(1, sizeof(*merged));
	if (!merged)
		return -ENOMEM;
	r = key_copy(key, &merged->key);
	if (r == 0)
		r = pf_evidence_new(&set->settings, &merged->evidence);
	if (r == 0)
		r = pf_map_put_str(set->map, text, merged);
	if (r < 0)
		return r;
	*ret_merged = pf_take(merged);
	return 0;
}

struct pf_merged *pf_merge_find(const struct pf_merge_set *set, const struct pf_workload_key *key)
{
	char text[KEY_MAX];

	key_text(key, text, sizeof(text));
	return pf_map_get_str(set->map, text);
}

static struct pf_hour_point *point_of(struct pf_merged *merged, uint32_t hour)
{
	uint32_t oldest = 0;

	if (!merged->points)
		merged->points = calloc(PF_MERGE_POINTS_MAX, sizeof(*merged->points));
	if (!merged->points)
		return NULL; /* the evidence goes on without its chart */
	for (uint32_t i = 0; i < merged->nr_points; i++) {
		if (merged->points[i].hour == hour)
			return &merged->points[i];
		if (merged->points[i].hour < merged->points[oldest].hour)
			oldest = i;
	}
	if (merged->nr_points < PF_MERGE_POINTS_MAX)
		oldest = merged->nr_points++;
	else if (merged->points[oldest].hour > hour)
		return NULL;
	pf_hour_point_clear(&merged->points[oldest], hour);
	return &merged->points[oldest];
}

int pf_merge_add_slice(struct pf_merged *merged, uint64_t instance, const struct pf_slice *slice,
		       bool new_instance, const struct pf_resources *present)
{
	struct pf_hour_point *point = point_of(merged, slice->hour);
	int r = pf_evidence_add_slice(merged->evidence, instance, slice);

	if (r < 0 || !point)
		return r;
	pf_hour_point_add(point, slice, new_instance);
	point->present = *present;
	return 0;
}

/* Upper edge of the bucket that holds 99 % of the windows. */
static uint64_t demand_p99(const struct pf_evidence *evidence)
{
	double total = (double)evidence->demand_idle, sum = (double)evidence->demand_idle;

	for (size_t i = 0; i < PF_MILLICORES_BUCKETS; i++)
		total += (double)evidence->demand[i];
	if (total <= 0)
		return PF_UNKNOWN;
	for (size_t i = 0; i < PF_MILLICORES_BUCKETS; i++) {
		if (sum >= 0.99 * total)
			return i ? pf_hist_edge(PF_LAYOUT_MILLICORES, i - 1) : 0;
		sum += (double)evidence->demand[i];
	}
	return pf_hist_edge(PF_LAYOUT_MILLICORES, PF_MILLICORES_BUCKETS - 1);
}

void pf_merge_finish(struct pf_merge_set *set)
{
	struct pf_merged *merged;

	pf_map_for_each(set->map, cursor, merged)
		for (uint32_t i = 0; i < merged->nr_points; i++)
			merged->points[i].demand_p99_millicores = demand_p99(merged->evidence);
}

int pf_merge_add_evidence(struct pf_merge_set *set, const struct pf_workload_key *key,
			  const struct pf_evidence *evidence)
{
	struct pf_merged *merged;
	int r = pf_merge_get(set, key, &merged);

	if (r == 0)
		r = pf_merge_unpack(set, merged);
	return r < 0 ? r : pf_evidence_merge(merged->evidence, evidence);
}

/* @scratch: reset; keeps its memory for the next. */
static int pack(struct pf_merged *merged, struct pf_buf *scratch)
{
	int r;

	if (!merged->evidence)
		return 0;
	pf_buf_reset(scratch);
	r = pf_wire_encode_summary(merged->evidence, merged->points, merged->nr_points, scratch);
	if (r < 0)
		return r;
	merged->packed = malloc(scratch->len + 1); /* never of no bytes, which may give NULL */
	if (!merged->packed)
		return -ENOMEM;
	memcpy(merged->packed, scratch->data, scratch->len);
	merged->packed_len = scratch->len;
	pf_evidence_free(merged->evidence);
	free(merged->points);
	merged->evidence = NULL;
	merged->points = NULL;
	merged->nr_points = 0;
	return 0;
}

int pf_merge_pack_all(struct pf_merge_set *set)
{
	struct pf_merged *merged;
	struct pf_buf scratch;
	int r = 0;

	pf_buf_init(&scratch, PACKED_MAX);
	pf_map_for_each(set->map, cursor, merged)
		if ((r = pack(merged, &scratch)) < 0)
			break;
	pf_buf_done(&scratch);
	return r;
}

/* What was packed here is not damaged: a failure is one of memory. */
static int unpack(const struct pf_merge_set *set, const struct pf_merged *merged,
		  struct pf_evidence **ret_evidence)
{
	struct pf_wire_error error;
	struct pf_arena arena;
	int r;

	pf_arena_init(&arena, UNPACK_MEMORY_MAX);
	r = pf_wire_decode_summary(merged->packed, merged->packed_len, &set->settings, &arena,
				   ret_evidence, NULL, NULL, &error);
	pf_arena_done(&arena);
	return r < 0 ? -ENOMEM : 0;
}

int pf_merge_unpack(const struct pf_merge_set *set, struct pf_merged *merged)
{
	int r = merged->evidence ? 0 : unpack(set, merged, &merged->evidence);

	if (r < 0)
		return r;
	free(merged->packed);
	merged->packed = NULL;
	merged->packed_len = 0;
	return 0;
}

int pf_merge_copy(const struct pf_merge_set *set, const struct pf_merged *merged,
		  struct pf_evidence **ret_evidence)
{
	return merged->evidence ? pf_evidence_copy(merged->evidence, ret_evidence)
				: unpack(set, merged, ret_evidence);
}

uint32_t pf_merge_part_of(const struct pf_workload_key *key, uint32_t nr_parts)
{
	uint64_t hash;

	if (nr_parts < 2)
		return 0;
	hash = pf_evidence_instance_id(key->cluster) * 31 +
	       pf_evidence_instance_id(key->namespace_name);
	hash = hash * 31 + pf_evidence_instance_id(key->workload) + (uint64_t)key->kind;
	return (uint32_t)((hash ^ hash >> 32) % nr_parts);
}

int pf_workload_key_compare(const struct pf_workload_key *a, const struct pf_workload_key *b)
{
	int r = strcmp(a->cluster, b->cluster);

	if (r == 0)
		r = strcmp(a->namespace_name, b->namespace_name);
	if (r == 0)
		r = (int)a->kind - (int)b->kind;
	if (r == 0)
		r = strcmp(a->workload, b->workload);
	if (r == 0)
		r = strcmp(a->container, b->container);
	return r ? r : strcmp(a->node_class, b->node_class);
}
