// SPDX-License-Identifier: Apache-2.0
#include "collector/merge/open.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/utf8.h"
#include "collector/merge/resolve.h"

#define ARENA_MAX                                                                                  \
	((size_t)8 << 30) /* bounded by nodes and workloads, which have limits of their own */

/* A node that has been silent for longer is not counted as running its containers. */
#define SILENT_NS (15 * PF_NS_PER_MIN)

enum { LABEL_VALUE_MAX = 63 };

struct node_view {
	struct pf_open *open;
	const struct pf_report *newest;
	const char *node_class, *node; /* node: in the open set's arena */
	bool silent;
};

int pf_open_init(struct pf_open *open, uint32_t from, uint64_t now_unix_ns, size_t max_workloads,
		 const struct pf_vpa_settings *settings, const char *node_class_label)
{
	*open = (struct pf_open){ .from = from,
				  .now_unix_ns = now_unix_ns,
				  .node_class_label = node_class_label };
	pf_arena_init(&open->arena, ARENA_MAX);
	pf_arena_init(&open->lists, ARENA_MAX);
	open->ooms = pf_arena_array(&open->arena, PF_FLEET_OOMS_MAX, sizeof(*open->ooms));
	if (!open->ooms)
		return -ENOMEM;
	return pf_merge_set_init(&open->set, max_workloads, settings);
}

int pf_open_begin_part(struct pf_open *open, uint32_t part, uint32_t nr_parts)
{
	struct pf_merge_set old = open->set;
	/* The limit is one of all parts together. */
	size_t room = old.max - PF_MIN(old.max, pf_map_count(old.map));
	int r = pf_merge_set_init(&open->set, room, &old.settings);

	if (r < 0) {
		open->set = old;
		return r;
	}
	open->set.nr_left_out = old.nr_left_out;
	pf_merge_set_done(&old);
	pf_arena_reset(&open->lists);
	open->part = part;
	open->nr_parts = nr_parts;
	open->nr_nodes = 0;
	return 0;
}

void pf_open_done(struct pf_open *open)
{
	pf_merge_set_done(&open->set);
	pf_arena_done(&open->arena);
	pf_arena_done(&open->lists);
}

void pf_merge_key_of(const struct pf_report *report, const struct pf_identity *identity,
		     const char *node_class, struct pf_workload_key *ret_key)
{
	*ret_key = (struct pf_workload_key){ .cluster = report->cluster,
					     .namespace_name = identity->namespace_name,
					     .kind = identity->workload_kind,
					     .workload = *identity->workload ? identity->workload
									     : identity->pod,
					     .container = identity->container,
					     .node_class = node_class };
}

/* A key of the store: what Kubernetes would not take as a label is none. */
static const char *class_of(const char *value)
{
	return strlen(value) <= LABEL_VALUE_MAX && pf_utf8_is_valid(value) ? value : "";
}

const char *pf_merge_node_class(const struct pf_report *report, const char *label)
{
	for (size_t i = 0; *label && i < report->nr_node_labels; i++)
		if (!strcmp(report->node_labels[i].key, label))
			return class_of(report->node_labels[i].value);
	return "";
}

static struct pf_open_extra *extra_of(struct pf_open *open, struct pf_merged *merged)
{
	struct pf_open_extra *extra = merged->extra;

	if (extra)
		return extra;
	extra = pf_arena_alloc(&open->arena, sizeof(*extra));
	if (!extra)
		return NULL;
	extra->image = extra->runtime_kind = extra->executable = extra->enforced_note = "";
	extra->usage_now_millicores = extra->hot_now_bytes = NAN;
	merged->extra = extra;
	return extra;
}

/* ---- evidence ---- */

/* Instances of different nodes are different ones, even if a pod's name and id were copied. */
static uint64_t instance_on(const struct pf_report *report, uint64_t instance)
{
	return instance ^ pf_evidence_instance_id(report->node) * 31;
}

static int add_to(struct pf_merge_set *set, const struct pf_workload_key *key,
		  const struct pf_resolved *one)
{
	struct pf_merged *merged;
	int r = pf_merge_get(set, key, &merged);

	if (r == -ENOSPC)
		return 0; /* counted by the set */
	if (r < 0)
		return r;
	return pf_merge_add_slice(merged, instance_on(one->report, one->instance), one->slice,
				  one->new_instance, &one->container->identity->spec);
}

int pf_merge_add_resolved(struct pf_merge_set *set, const struct pf_resolved *one,
			  const char *node_class)
{
	const struct pf_identity *identity = one->container->identity;
	struct pf_workload_key key;
	int r;

	pf_merge_key_of(one->report, identity, "", &key);
	r = add_to(set, &key, one);
	if (r < 0 || identity->workload_kind != PF_WORKLOAD_DAEMON_SET || !*node_class)
		return r;
	key.node_class = node_class;
	return add_to(set, &key, one);
}

static bool is_wanted(const struct node_view *view, const struct pf_identity *identity)
{
	const struct pf_workload_key *only = view->open->only;
	uint32_t nr_parts = view->open->nr_parts;
	struct pf_workload_key key;

	if (!only && nr_parts < 2)
		return true;
	pf_merge_key_of(view->newest, identity, only ? only->node_class : "", &key);
	if (!only)
		return pf_merge_part_of(&key, nr_parts) == view->open->part;
	return pf_workload_key_compare(&key, only) == 0 &&
	       (!*only->node_class || !strcmp(only->node_class, view->node_class));
}

static int add_slice(void *arg, const struct pf_resolved *one)
{
	const struct node_view *view = arg;

	if (!is_wanted(view, one->container->identity))
		return 0;
	return pf_merge_add_resolved(&view->open->set, one, view->node_class);
}

/* ---- what is true now ---- */

static double per_second(uint64_t amount, uint64_t covered_ns)
{
	if (amount == PF_UNKNOWN || !covered_ns)
		return NAN;
	return (double)amount * (double)PF_NS_PER_S / (double)covered_ns;
}

static const struct pf_slice *newest_slice(const struct pf_report_container *c)
{
	const struct pf_slice *newest = NULL;

	for (size_t i = 0; i < c->nr_slices; i++)
		if (!newest || c->slices[i]->hour > newest->hour)
			newest = c->slices[i];
	return newest;
}

static void describe_slice(const struct pf_slice *slice, struct pf_fleet_instance *in)
{
	double value;

	in->usage_mean_millicores = per_second(slice->usage_ns, slice->covered_ns) / 1e6;
	in->contention_wait_ns_per_s = per_second(slice->contention_wait_ns, slice->covered_ns);
	if (slice->nr_periods != PF_UNKNOWN && slice->nr_periods)
		in->throttled_ratio = (double)slice->nr_throttled / (double)slice->nr_periods;
	if (slice->hists[PF_HIST_DEMAND] &&
	    pf_hist_quantile(
		    PF_LAYOUT_MILLICORES, slice->hists[PF_HIST_DEMAND],
		    slice->nr_demand_idle_windows == PF_UNKNOWN ? 0 : slice->nr_demand_idle_windows,
		    0.99, &value) == 0)
		in->demand_p99_millicores = value;
	in->hot_peak_bytes = slice->hot_peak_bytes;
	in->memory_peak_bytes = slice->memory_peak_bytes;
	in->oom_kills = slice->oom_kills;
}

static void describe_instance(const struct node_view *view, const struct pf_report_container *c,
			      bool running, struct pf_fleet_instance *in)
{
	const struct pf_slice *slice = newest_slice(c);

	*in = (struct pf_fleet_instance){
		.node = view->node,
		.pod = pf_arena_strdup(&view->open->arena, c->identity->pod),
		.id = pf_evidence_instance_id(c->instance),
		.first_seen_unix_ns = c->first_seen_unix_ns,
		.running = running,
		.usage_mean_millicores = NAN,
		.demand_p99_millicores = NAN,
		.throttled_ratio = NAN,
		.contention_wait_ns_per_s = NAN,
		.hot_peak_bytes = PF_UNKNOWN,
		.memory_peak_bytes = PF_UNKNOWN,
		.runq_p99_ns = c->now.runq_p99_ns,
		.restarts = c->identity->restart_count,
		.oom_kills = PF_UNKNOWN,
	};
	if (slice)
		describe_slice(slice, in);
}

static int list_instance(const struct node_view *view, struct pf_open_extra *extra,
			 const struct pf_report_container *c, bool running)
{
	if (extra->nr_listed == PF_FLEET_INSTANCES_MAX)
		return 0;
	if (extra->nr_listed == extra->cap) {
		uint32_t cap = extra->cap ? extra->cap * 4 : 4;
		struct pf_fleet_instance *more =
			pf_arena_array(&view->open->lists, cap, sizeof(*more));

		if (!more)
			return -ENOMEM;
		if (extra->nr_listed)
			memcpy(more, extra->instances, extra->nr_listed * sizeof(*more));
		extra->instances = more;
		extra->cap = cap;
	}
	describe_instance(view, c, running, &extra->instances[extra->nr_listed++]);
	return 0;
}

static struct pf_leak_finding *copy_leak(struct pf_arena *arena, const struct pf_leak_finding *from)
{
	struct pf_leak_finding *to = pf_arena_alloc(arena, sizeof(*to));
	struct pf_growth_process *processes;

	if (!to)
		return NULL;
	*to = *from;
	to->effective_limit_of = pf_arena_strdup(arena, from->effective_limit_of);
	to->test = pf_arena_strdup(arena, from->test);
	to->stacks_note = pf_arena_strdup(arena, from->stacks_note);
	processes = pf_arena_array(arena, from->nr_processes + 1, sizeof(*processes));
	to->nr_processes = processes ? from->nr_processes : 0;
	for (size_t i = 0; i < to->nr_processes; i++) {
		processes[i] = from->processes[i];
		processes[i].comm = pf_arena_strdup(arena, from->processes[i].comm);
	}
	to->processes = processes;
	return to;
}

static struct pf_stack_frame *copy_frames(struct pf_arena *arena,
					  const struct pf_growth_trace *from)
{
	struct pf_stack_frame *to = pf_arena_array(arena, from->nr_frames + 1, sizeof(*to));

	for (size_t i = 0; to && i < from->nr_frames; i++) {
		to[i] = from->frames[i];
		to[i].symbol = pf_arena_strdup(arena, from->frames[i].symbol);
		to[i].module = pf_arena_strdup(arena, from->frames[i].module);
		to[i].build_id = pf_arena_strdup(arena, from->frames[i].build_id);
	}
	return to;
}

static void copy_stacks(struct pf_arena *arena, const struct pf_leak_finding *from,
			struct pf_leak_finding *to)
{
	struct pf_growth_trace *stacks =
		pf_arena_array(arena, from->nr_stacks + 1, sizeof(*stacks));

	to->stacks = stacks;
	to->nr_stacks = stacks ? from->nr_stacks : 0;
	for (size_t i = 0; i < to->nr_stacks; i++) {
		stacks[i] = from->stacks[i];
		stacks[i].comm = pf_arena_strdup(arena, from->stacks[i].comm);
		stacks[i].frames = copy_frames(arena, &from->stacks[i]);
		if (!stacks[i].frames)
			stacks[i].nr_frames = 0;
	}
}

/* Alarms before suspicions, then the earlier end, then the steeper one. */
static bool is_worse(const struct pf_leak_finding *a, const struct pf_leak_finding *b)
{
	if (a->state != b->state)
		return a->state > b->state;
	if (a->eta_unix_ns != b->eta_unix_ns)
		return a->eta_unix_ns < b->eta_unix_ns; /* PF_UNKNOWN is the largest number */
	return a->slope_bytes_per_hour > b->slope_bytes_per_hour;
}

static int add_leak(struct pf_open *open, struct pf_open_extra *extra,
		    const struct pf_report *report, const struct pf_report_container *c)
{
	struct pf_fleet_leak *leak = &extra->leak;
	double slope = c->leak->slope_bytes_per_hour;

	if (leak->worst && leak->worst->state > c->leak->state)
		return 0; /* an alarm is not watered down by suspicions */
	if (leak->worst && leak->worst->state < c->leak->state) {
		*leak = (struct pf_fleet_leak){ 0 };
		extra->slope_sum = 0;
		extra->last_leak_node = 0;
	}
	leak->nr_instances++;
	leak->slope_min = leak->nr_instances == 1 ? slope : fmin(leak->slope_min, slope);
	leak->slope_max = leak->nr_instances == 1 ? slope : fmax(leak->slope_max, slope);
	extra->slope_sum += slope;
	leak->slope_mean = extra->slope_sum / leak->nr_instances;
	if (extra->last_leak_node != open->nr_nodes) {
		extra->last_leak_node = open->nr_nodes;
		leak->nr_nodes++;
		if (leak->nr_nodes_named < PF_FLEET_LEAK_NODES_MAX)
			leak->nodes[leak->nr_nodes_named++] =
				pf_arena_strdup(&open->arena, report->node);
	}
	if (leak->worst && !is_worse(c->leak, leak->worst))
		return 0;

	struct pf_leak_finding *worst = copy_leak(&open->arena, c->leak);

	if (!worst)
		return -ENOMEM;
	copy_stacks(&open->arena, c->leak, worst);
	leak->worst = worst;
	leak->worst_node = pf_arena_strdup(&open->arena, report->node);
	leak->worst_pod = pf_arena_strdup(&open->arena, c->identity->pod);
	return 0;
}

static const struct pf_identity *copy_identity(struct pf_arena *arena,
					       const struct pf_identity *from)
{
	struct pf_identity *to = pf_arena_alloc(arena, sizeof(*to));
	struct pf_label *labels = pf_arena_array(arena, from->nr_labels + 1, sizeof(*labels));

	if (!to || !labels)
		return NULL;
	*to = *from;
	for (uint32_t i = 0; i < from->nr_labels; i++)
		labels[i] = (struct pf_label){ pf_arena_strdup(arena, from->labels[i].key),
					       pf_arena_strdup(arena, from->labels[i].value) };
	to->labels = labels;
	return to;
}

/* The newest instance says what is configured; within a report, the last one that started. */
static int describe_workload(struct pf_open *open, struct pf_open_extra *extra,
			     const struct pf_report *report, const struct pf_report_container *c)
{
	uint64_t stamp =
		c->first_seen_unix_ns == PF_UNKNOWN ? report->end_unix_ns : c->first_seen_unix_ns;

	if (extra->identity && stamp <= extra->newest_unix_ns)
		return 0;
	extra->newest_unix_ns = stamp;
	extra->time_scale = report->time_scale;
	extra->identity = copy_identity(&open->arena, c->identity);
	extra->image = pf_arena_strdup(&open->arena, c->identity->image);
	extra->runtime_kind = pf_arena_strdup(&open->arena, c->runtime_kind);
	extra->executable = pf_arena_strdup(&open->arena, c->executable);
	extra->enforced_note =
		pf_arena_strdup(&open->arena, c->enforced.note ? c->enforced.note : "");
	return open->arena.err;
}

static void add_now(struct pf_open_extra *extra, const struct pf_report_container *c)
{
	double usage = per_second(c->now.usage_ns, c->now.interval_ns) / 1e6;

	if (!isnan(usage))
		extra->usage_now_millicores =
			(isnan(extra->usage_now_millicores) ? 0 : extra->usage_now_millicores) +
			usage;
	if (c->now.hot_bytes != PF_UNKNOWN)
		extra->hot_now_bytes = (isnan(extra->hot_now_bytes) ? 0 : extra->hot_now_bytes) +
				       (double)c->now.hot_bytes;
}

static void count_node(struct pf_open *open, struct pf_open_extra *extra,
		       const struct pf_report *report)
{
	if (extra->last_node == open->nr_nodes)
		return;
	extra->last_node = open->nr_nodes;
	extra->nr_nodes++;
	if (report->cpu_allocatable_millicores != PF_UNKNOWN)
		extra->max_cpu_millicores =
			PF_MAX(extra->max_cpu_millicores, report->cpu_allocatable_millicores);
	if (report->memory_allocatable_bytes != PF_UNKNOWN)
		extra->max_memory_bytes =
			PF_MAX(extra->max_memory_bytes, report->memory_allocatable_bytes);
}

static int add_state(const struct node_view *view, const struct pf_workload_key *key,
		     const struct pf_report_container *c)
{
	struct pf_open *open = view->open;
	struct pf_merged *merged = pf_merge_find(&open->set, key);
	bool running = !view->silent && c->ended_unix_ns == PF_UNKNOWN;
	struct pf_open_extra *extra;
	int r;

	if (!merged) /* it has no slice, or the table was full */
		return 0;
	extra = extra_of(open, merged);
	if (!extra)
		return -ENOMEM;
	r = describe_workload(open, extra, view->newest, c);
	if (r == 0)
		r = list_instance(view, extra, c, running);
	if (r < 0 || !running)
		return r;
	extra->nr_running++;
	count_node(open, extra, view->newest);
	add_now(extra, c);
	return c->leak && c->leak->state ? add_leak(open, extra, view->newest, c) : 0;
}

static int add_states(const struct node_view *view)
{
	const struct pf_report *report = view->newest;

	for (size_t i = 0; i < report->nr_containers; i++) {
		const struct pf_report_container *c = &report->containers[i];
		struct pf_workload_key key;
		int r;

		if (!is_wanted(view, c->identity))
			continue;
		pf_merge_key_of(report, c->identity, "", &key);
		r = add_state(view, &key, c);
		if (r == 0 && c->identity->workload_kind == PF_WORKLOAD_DAEMON_SET &&
		    *view->node_class) {
			key.node_class = view->node_class;
			r = add_state(view, &key, c);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- OOM kills ---- */

static bool is_known_kill(const struct pf_open *open, const struct pf_report *report,
			  uint64_t kill_id)
{
	for (uint32_t i = open->nr_ooms; i-- > 0;)
		if (open->ooms[i].run_id == report->run_id &&
		    open->ooms[i].kill.kill_id == kill_id &&
		    !strcmp(open->ooms[i].node, report->node))
			return true;
	return false;
}

static void add_ooms(struct pf_open *open, const struct pf_report *report, const char *node_class)
{
	struct pf_arena *arena = &open->arena;

	for (size_t i = 0; i < report->nr_oom_kills; i++) {
		const struct pf_report_oom *from = &report->oom_kills[i];
		struct pf_fleet_oom *to;

		if (is_known_kill(open, report, from->kill_id))
			continue;
		open->nr_all_ooms++;
		if (open->nr_ooms == PF_FLEET_OOMS_MAX)
			continue;
		to = &open->ooms[open->nr_ooms++];
		to->cluster = pf_arena_strdup(arena, report->cluster);
		to->node = pf_arena_strdup(arena, report->node);
		to->node_class = pf_arena_strdup(arena, node_class);
		to->run_id = report->run_id;
		to->kill = *from;
		to->kill.container_id = pf_arena_strdup(arena, from->container_id);
		to->kill.namespace_name = pf_arena_strdup(arena, from->namespace_name);
		to->kill.pod = pf_arena_strdup(arena, from->pod);
		to->kill.container = pf_arena_strdup(arena, from->container);
		to->kill.workload = pf_arena_strdup(arena, from->workload);
		to->kill.comm = pf_arena_strdup(arena, from->comm);
	}
}

int pf_open_add_node(struct pf_open *open, const struct pf_report *const *reports,
		     size_t nr_reports, uint64_t heard_unix_ns)
{
	struct node_view view = { .open = open, .newest = pf_resolve_newest(reports, nr_reports) };
	int r;

	if (!view.newest)
		return 0;
	open->nr_nodes++;
	view.node_class = pf_merge_node_class(view.newest, open->node_class_label);
	view.node = pf_arena_strdup(&open->arena, view.newest->node);
	view.silent = heard_unix_ns + SILENT_NS < open->now_unix_ns;
	r = pf_resolve(reports, nr_reports, open->from, UINT32_MAX, add_slice, &view);
	if (r == 0)
		r = add_states(&view);
	for (size_t i = 0; i < nr_reports && !open->part; i++)
		add_ooms(open, reports[i], view.node_class);
	return r < 0 ? r : open->arena.err;
}
