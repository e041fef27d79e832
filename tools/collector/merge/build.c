// SPDX-License-Identifier: Apache-2.0
#include "collector/merge/build.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "core/recommend.h"
#include "core/runtime.h"

/* One workload on its way into the snapshot. */
struct entry {
	const struct pf_merged *base, *open; /* one of them may be NULL */
};

static const struct pf_workload_key *key_of(const struct entry *entry)
{
	return entry->open ? &entry->open->key : &entry->base->key;
}

static int by_key(const void *left, const void *right)
{
	return pf_workload_key_compare(key_of(left), key_of(right));
}

/* Every workload of both sets that is of the open set's part, sorted. */
static int gather(const struct pf_base *base, const struct pf_open *open, struct entry **ret_list,
		  size_t *ret_nr)
{
	struct pf_map *old = base->set.map, *now = open->set.map;
	struct entry *list = calloc(pf_map_count(old) + pf_map_count(now) + 1, sizeof(*list));
	struct pf_merged *merged;
	size_t nr = 0;

	if (!list)
		return -ENOMEM;
	pf_map_for_each(now, cursor, merged)
		list[nr++] = (struct entry){ pf_merge_find(&base->set, &merged->key), merged };
	pf_map_for_each(old, cursor2, merged)
		if (pf_merge_part_of(&merged->key, open->nr_parts) == open->part &&
		    !pf_merge_find(&open->set, &merged->key))
			list[nr++] = (struct entry){ merged, NULL };
	qsort(list, nr, sizeof(*list), by_key);
	*ret_list = list;
	*ret_nr = nr;
	return 0;
}

static int copy_key(struct pf_arena *arena, const struct pf_workload_key *from,
		    struct pf_workload_key *to)
{
	*to = (struct pf_workload_key){
		.cluster = pf_arena_strdup(arena, from->cluster),
		.namespace_name = pf_arena_strdup(arena, from->namespace_name),
		.kind = from->kind,
		.workload = pf_arena_strdup(arena, from->workload),
		.container = pf_arena_strdup(arena, from->container),
		.node_class = pf_arena_strdup(arena, from->node_class),
	};
	return arena->err;
}

/* ---- one workload's recommendation ---- */

int pf_build_recommend(const struct pf_build_one *one, struct pf_arena *arena,
		       struct pf_recommendation *ret_recommendation)
{
	const struct pf_open_extra *extra = one->extra;
	struct pf_identity named = { .workload_kind = one->key->kind };
	struct pf_recommend_input input;
	struct pf_rules rules;

	(void)snprintf(named.namespace_name, sizeof(named.namespace_name), "%s",
		       one->key->namespace_name);
	(void)snprintf(named.workload, sizeof(named.workload), "%s", one->key->workload);
	(void)snprintf(named.container, sizeof(named.container), "%s", one->key->container);
	pf_policy_rules(one->policy, extra && extra->identity ? extra->identity : &named, &rules);
	pf_recommend_input_clear(&input);
	input.evidence = one->evidence;
	input.rules = &rules;
	input.nr_vpa_containers = one->nr_containers;
	if (extra && extra->identity) {
		input.present = extra->identity->spec;
		input.nr_replicas = extra->nr_running;
		input.hpa_on_cpu = extra->identity->hpa_on_cpu;
		input.hpa_on_memory = extra->identity->hpa_on_memory;
		input.leak = extra->leak.worst;
		input.runtime = pf_runtime_parse(extra->runtime_kind);
		input.time_scale = extra->time_scale;
		if (extra->max_cpu_millicores)
			input.node_cpu_millicores = extra->max_cpu_millicores;
		if (extra->max_memory_bytes)
			input.node_memory_bytes = extra->max_memory_bytes;
	}
	return pf_recommend(&input, arena, ret_recommendation);
}

/* The evidence of all hours together. *ret_owned is to be freed, *ret_all not. */
static int join(const struct pf_base *base, const struct entry *entry,
		struct pf_evidence **ret_owned, const struct pf_evidence **ret_all)
{
	PF_AUTO(pf_evidence_freep) struct pf_evidence *both = NULL;
	int r;

	*ret_owned = NULL;
	if (!entry->base) {
		*ret_all = entry->open->evidence;
		return 0;
	}
	r = pf_merge_copy(&base->set, entry->base, &both);
	if (r == 0 && entry->open)
		r = pf_evidence_merge(both, entry->open->evidence);
	if (r < 0)
		return r;
	*ret_all = both;
	*ret_owned = pf_take(both);
	return 0;
}

static int fill_spark(struct pf_arena *arena, const struct entry *entry,
		      struct pf_fleet_workload *to)
{
	const struct pf_base_spark *spark = entry->base ? entry->base->extra : NULL;
	float *values;

	if (!spark)
		return 0;
	values = pf_arena_array(arena, PF_FLEET_SPARK, sizeof(*values));
	if (!values)
		return -ENOMEM;
	for (uint32_t i = 0; i < PF_FLEET_SPARK; i++) /* oldest first */
		values[i] = spark->p99[(spark->newest_hour + 1 + i) % PF_FLEET_SPARK];
	to->spark = values;
	to->spark_hour = spark->newest_hour;
	return 0;
}

static int fill_extra(struct pf_arena *arena, const struct pf_open_extra *extra,
		      struct pf_fleet_workload *to)
{
	struct pf_fleet_instance *instances;

	to->image = to->runtime_kind = to->executable = to->enforced_note = "";
	to->usage_now_millicores = to->hot_now_bytes = NAN;
	to->present = (struct pf_resources){ PF_UNKNOWN, PF_UNKNOWN, PF_UNKNOWN, PF_UNKNOWN };
	if (!extra || !extra->identity)
		return 0;
	instances = pf_arena_array(arena, extra->nr_listed + 1, sizeof(*instances));
	if (!instances)
		return -ENOMEM;
	if (extra->nr_listed)
		memcpy(instances, extra->instances, extra->nr_listed * sizeof(*instances));
	to->identity = extra->identity;
	to->image = extra->image;
	to->runtime_kind = extra->runtime_kind;
	to->executable = extra->executable;
	to->enforced_note = extra->enforced_note;
	to->present = extra->identity->spec;
	to->nr_instances = extra->nr_running;
	to->nr_nodes = extra->nr_nodes;
	to->instances = instances;
	to->nr_listed = extra->nr_listed;
	to->leak = extra->leak;
	to->usage_now_millicores = extra->usage_now_millicores;
	to->hot_now_bytes = extra->hot_now_bytes;
	return 0;
}

static uint64_t time_or_unknown(int64_t ns)
{
	return ns == PF_VPA_NO_TIME || ns < 0 ? PF_UNKNOWN : (uint64_t)ns;
}

static int fill_workload(const struct pf_build *build, const struct pf_base *base,
			 const struct entry *entry, unsigned nr_containers,
			 struct pf_fleet_workload *to)
{
	struct pf_arena *arena = &build->open->arena;
	PF_AUTO(pf_evidence_freep) struct pf_evidence *owned = NULL;
	const struct pf_evidence *all;
	struct pf_build_one one = { .policy = build->policy,
				    .key = key_of(entry),
				    .extra = entry->open ? entry->open->extra : NULL,
				    .nr_containers = nr_containers };
	int r = join(base, entry, &owned, &all);

	if (r == 0)
		r = copy_key(arena, one.key, &to->key);
	if (r == 0)
		r = fill_extra(arena, one.extra, to);
	if (r < 0)
		return r;
	to->first_unix_ns = time_or_unknown(all->first_ns);
	to->last_unix_ns = time_or_unknown(all->last_ns);
	one.evidence = all;
	r = fill_spark(arena, entry, to);
	return r < 0 ? r : pf_build_recommend(&one, arena, &to->recommendation);
}

static bool same_pod(const struct pf_workload_key *a, const struct pf_workload_key *b)
{
	return a->kind == b->kind && !strcmp(a->workload, b->workload) &&
	       !strcmp(a->namespace_name, b->namespace_name) && !strcmp(a->cluster, b->cluster);
}

/* Containers of the pod that entry @at belongs to; node classes are the same containers again. */
static unsigned containers_of_pod(const struct entry *list, size_t nr, size_t at)
{
	const struct pf_workload_key *key = key_of(&list[at]);
	size_t first = at, count = 0;

	while (first && same_pod(key_of(&list[first - 1]), key))
		first--;
	for (; first < nr && same_pod(key_of(&list[first]), key); first++)
		count += !*key_of(&list[first])->node_class;
	return count ? (unsigned)count : 1;
}

/* ---- sums ---- */

static void add_known(uint64_t *sum, uint64_t each, uint64_t count)
{
	if (each < PF_NO_LIMIT)
		*sum += each * count;
}

/* A sum of limits is none as soon as one container has none. */
static void add_limit(uint64_t *sum, uint64_t each, uint64_t count)
{
	if (!count || *sum == PF_NO_LIMIT)
		return;
	if (each == PF_NO_LIMIT)
		*sum = PF_NO_LIMIT;
	else
		add_known(sum, each, count);
}

static uint64_t advised_limit(uint64_t present, uint64_t advised)
{
	return advised == PF_UNKNOWN ? present : advised;
}

static void add_resources(const struct pf_fleet_workload *w, struct pf_resources *requested,
			  struct pf_resources *advised)
{
	const struct pf_policy_result *result =
		pf_policy_result_of(&w->recommendation, w->recommendation.policy);
	struct pf_resources next = w->present;

	if (result) {
		if (result->cpu.target != PF_UNKNOWN)
			next.cpu_request_millicores = result->cpu.target;
		if (result->memory.target != PF_UNKNOWN)
			next.memory_request_bytes = result->memory.target;
		next.cpu_limit_millicores =
			advised_limit(w->present.cpu_limit_millicores, result->cpu.limit);
		next.memory_limit_bytes =
			advised_limit(w->present.memory_limit_bytes, result->memory.limit);
	}
	add_known(&requested->cpu_request_millicores, w->present.cpu_request_millicores,
		  w->nr_instances);
	add_known(&requested->memory_request_bytes, w->present.memory_request_bytes,
		  w->nr_instances);
	add_limit(&requested->cpu_limit_millicores, w->present.cpu_limit_millicores,
		  w->nr_instances);
	add_limit(&requested->memory_limit_bytes, w->present.memory_limit_bytes, w->nr_instances);
	add_known(&advised->cpu_request_millicores, next.cpu_request_millicores, w->nr_instances);
	add_known(&advised->memory_request_bytes, next.memory_request_bytes, w->nr_instances);
	add_limit(&advised->cpu_limit_millicores, next.cpu_limit_millicores, w->nr_instances);
	add_limit(&advised->memory_limit_bytes, next.memory_limit_bytes, w->nr_instances);
}

static void add_findings(struct pf_fleet_totals *totals, const struct pf_recommendation *rec)
{
	bool seen[PF_NR_VERDICTS] = { false };

	for (size_t i = 0; i < rec->nr_findings; i++) {
		enum pf_verdict verdict = rec->findings[i].verdict;

		if ((unsigned)verdict < PF_NR_VERDICTS && !seen[verdict])
			totals->verdicts[verdict]++;
		if ((unsigned)verdict < PF_NR_VERDICTS)
			seen[verdict] = true;
	}
}

static void sum_workload(struct pf_fleet_totals *totals, const struct pf_fleet_workload *w)
{
	totals->nr_workloads++;
	totals->nr_instances += w->nr_instances;
	totals->nr_leaks += w->leak.worst && w->leak.worst->state == PF_LEAK_ALARM;
	if (!isnan(w->usage_now_millicores))
		totals->cpu_used_millicores += w->usage_now_millicores;
	if (!isnan(w->hot_now_bytes))
		totals->memory_used_bytes += w->hot_now_bytes;
	pf_fleet_add_savings(&totals->savings, &w->recommendation.savings);
	add_findings(totals, &w->recommendation);
}

/* Nodes heard of as recently as instances have to be. */
static void sum_nodes(const struct pf_build *build, const struct pf_node_info *nodes,
		      size_t nr_nodes, struct pf_fleet_totals *totals)
{
	for (size_t i = 0; i < nr_nodes; i++) {
		const struct pf_node_info *node = &nodes[i];

		if ((uint64_t)node->received_unix_ms * PF_NS_PER_MS + 15 * PF_NS_PER_MIN <
		    build->open->now_unix_ns)
			continue;
		add_known(&totals->cpu_allocatable_millicores, node->cpu_allocatable_millicores, 1);
		add_known(&totals->memory_allocatable_bytes, node->memory_allocatable_bytes, 1);
	}
}

/* Workloads are sorted by cluster and namespace first. */
static int sum_all(struct pf_fleet *fleet)
{
	struct pf_fleet_namespace *list =
		pf_arena_array(&fleet->arena, fleet->nr_workloads + 1, sizeof(*list));
	struct pf_fleet_totals *totals = &fleet->totals;
	size_t nr = 0;

	if (!list)
		return -ENOMEM;
	totals->savings.money_per_month = NAN;
	for (size_t i = 0; i < fleet->nr_workloads; i++) {
		const struct pf_fleet_workload *w = &fleet->workloads[i];

		if (*w->key.node_class)
			continue; /* counted as a whole */
		if (!nr || strcmp(list[nr - 1].name, w->key.namespace_name) != 0 ||
		    strcmp(list[nr - 1].cluster, w->key.cluster) != 0) {
			list[nr++] = (struct pf_fleet_namespace){ .cluster = w->key.cluster,
								  .name = w->key.namespace_name };
			list[nr - 1].savings.money_per_month = NAN;
		}
		list[nr - 1].nr_workloads++;
		list[nr - 1].nr_instances += w->nr_instances;
		add_resources(w, &list[nr - 1].requested, &list[nr - 1].advised);
		pf_fleet_add_savings(&list[nr - 1].savings, &w->recommendation.savings);
		sum_workload(totals, w);
	}
	for (size_t i = 0; i < nr; i++) {
		totals->cpu_requested_millicores += list[i].requested.cpu_request_millicores;
		totals->memory_requested_bytes += list[i].requested.memory_request_bytes;
		totals->cpu_advised_millicores += list[i].advised.cpu_request_millicores;
		totals->memory_advised_bytes += list[i].advised.memory_request_bytes;
	}
	fleet->namespaces = list;
	fleet->nr_namespaces = nr;
	return 0;
}

static int newest_first(const void *left, const void *right)
{
	const struct pf_fleet_oom *a = left, *b = right;

	if (a->kill.at_unix_ns != b->kill.at_unix_ns)
		return a->kill.at_unix_ns < b->kill.at_unix_ns ? 1 : -1;
	return 0;
}

void pf_build_done(struct pf_build *build)
{
	free(build->list);
	build->list = NULL;
	build->nr = build->cap = 0;
}

static int make_room(struct pf_build *build, size_t more)
{
	size_t cap = PF_MAX(build->nr + more, build->cap * 3 / 2);
	void *list;

	if (build->nr + more <= build->cap)
		return 0;
	list = realloc(build->list, cap * sizeof(*build->list));
	if (!list)
		return -ENOMEM;
	build->list = list;
	build->cap = cap;
	return 0;
}

int pf_build_part(struct pf_build *build, const struct pf_base *base)
{
	PF_AUTO(pf_freep) struct entry *list = NULL;
	size_t nr = 0;
	int r = gather(base, build->open, &list, &nr);

	if (r == 0)
		r = make_room(build, nr);
	for (size_t i = 0; i < nr && r == 0; i++) {
		struct pf_fleet_workload *to = &build->list[build->nr];

		*to = (struct pf_fleet_workload){ .identity = NULL };
		r = fill_workload(build, base, &list[i], containers_of_pod(list, nr, i), to);
		build->nr += r == 0;
	}
	return r;
}

static int workload_by_key(const void *left, const void *right)
{
	const struct pf_fleet_workload *a = left, *b = right;

	return pf_workload_key_compare(&a->key, &b->key);
}

static int take_workloads(struct pf_build *build, struct pf_fleet *fleet)
{
	struct pf_fleet_workload *list =
		pf_arena_array(&fleet->arena, build->nr + 1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	if (build->nr)
		memcpy(list, build->list, build->nr * sizeof(*list));
	fleet->nr_workloads = build->nr;
	pf_build_done(build);
	qsort(list, fleet->nr_workloads, sizeof(*list), workload_by_key); /* parts are sorted */
	fleet->workloads = list;
	return sum_all(fleet);
}

int pf_build_end(struct pf_build *build, const struct pf_base *base,
		 const struct pf_node_info *nodes, size_t nr_nodes, struct pf_fleet **ret_fleet)
{
	PF_AUTO(pf_fleet_unrefp) struct pf_fleet *fleet = calloc(1, sizeof(*fleet));
	struct pf_open *open = build->open;
	int r;

	if (!fleet)
		return -ENOMEM;
	atomic_init(&fleet->references, 1);
	fleet->arena = open->arena; /* instances and leaks are in it already */
	pf_arena_init(&open->arena, 0);
	fleet->at_unix_ns = open->now_unix_ns;
	fleet->open_from = open->from;
	fleet->nr_left_out = open->set.nr_left_out + base->set.nr_left_out;
	fleet->ooms = open->ooms;
	fleet->nr_ooms = open->nr_ooms;
	fleet->nr_all_ooms = open->nr_all_ooms;
	qsort(open->ooms, open->nr_ooms, sizeof(*open->ooms), newest_first);
	r = take_workloads(build, fleet);
	if (r < 0)
		return r;
	sum_nodes(build, nodes, nr_nodes, &fleet->totals);
	*ret_fleet = pf_take(fleet);
	return 0;
}
