// SPDX-License-Identifier: Apache-2.0
/*
 * get_report.c - a whole report out of bytes.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "wire/internal.h"

/* Cut if too long, maybe within a character. Names become keys of databases, which take UTF-8 only. */
static void copy_text(char *to, size_t size, const char *text)
{
	(void)snprintf(to, size, "%s", text);
	pf_utf8_clean(to);
}

#define COPY_TEXT(to, from, field) copy_text((to), sizeof(to), GET_TEXT(from, field))

static int get_labels(struct pf_arena *arena, Podfit__V1__Label *const *from, size_t nr,
		      const struct pf_label **ret_labels)
{
	struct pf_label *labels = pf_arena_array(arena, nr, sizeof(*labels));

	if (!labels)
		return arena->err;
	for (size_t i = 0; i < nr; i++) {
		labels[i].key = from[i]->key ? from[i]->key : pf_arena_strdup(arena, "");
		labels[i].value = from[i]->value ? from[i]->value : pf_arena_strdup(arena, "");
		if (!labels[i].key || !labels[i].value)
			return arena->err;
	}
	*ret_labels = labels;
	return 0;
}

static void get_resources(const Podfit__V1__Resources *from, struct pf_resources *to)
{
	static const Podfit__V1__Resources none = PODFIT__V1__RESOURCES__INIT;

	from = from ? from : &none;

	bool known = from->has_known && from->known;

	*to = (struct pf_resources){
		.cpu_request_millicores =
			pf_wire_request(GET_LIMIT(from, cpu_request_millicores, known)),
		.cpu_limit_millicores = GET_LIMIT(from, cpu_limit_millicores, known),
		.memory_request_bytes =
			pf_wire_request(GET_LIMIT(from, memory_request_bytes, known)),
		.memory_limit_bytes = GET_LIMIT(from, memory_limit_bytes, known),
	};
}

static int get_identity(struct pf_arena *arena, const Podfit__V1__Container *message,
			struct pf_report_container *container)
{
	static const Podfit__V1__Identity none = PODFIT__V1__IDENTITY__INIT;
	const Podfit__V1__Identity *from = message->identity ? message->identity : &none;
	struct pf_identity *to = pf_arena_alloc(arena, sizeof(*to));
	int r;

	if (!to)
		return arena->err;
	COPY_TEXT(to->namespace_name, from, namespace_);
	COPY_TEXT(to->pod, from, pod);
	COPY_TEXT(to->pod_uid, from, pod_uid);
	COPY_TEXT(to->container, from, container);
	COPY_TEXT(to->container_id, from, container_id);
	COPY_TEXT(to->workload, from, workload);
	COPY_TEXT(to->image, from, image);
	to->type = (unsigned)from->container_type <= PF_CONTAINER_EPHEMERAL
			   ? (enum pf_container_type)from->container_type
			   : PF_CONTAINER_MAIN;
	to->workload_kind = (unsigned)from->workload_kind < PF_NR_WORKLOAD_KINDS
				    ? (enum pf_workload_kind)from->workload_kind
				    : PF_WORKLOAD_OTHER;
	to->qos =
		(unsigned)from->qos <= PF_QOS_BEST_EFFORT ? (enum pf_qos)from->qos : PF_QOS_UNKNOWN;
	to->restart_count = GET_OR(from, restart_count, 0);
	to->named = GET_OR(from, named, 0);
	to->started_unix_s = GET_OR(from, started_unix_s, 0);
	to->hpa_known = from->has_hpa_on_cpu || from->has_hpa_on_memory;
	to->hpa_on_cpu = GET_OR(from, hpa_on_cpu, 0);
	to->hpa_on_memory = GET_OR(from, hpa_on_memory, 0);
	get_resources(message->spec, &to->spec);
	get_resources(message->actual, &to->actual);
	get_resources(message->pod_level, &to->pod_level);
	r = get_labels(arena, from->labels, from->n_labels, &to->labels);
	if (r < 0)
		return r;
	to->nr_labels = (uint32_t)from->n_labels;
	container->identity = to;
	container->cgroup_path = GET_TEXT(from, cgroup_path);
	container->runtime = GET_TEXT(from, runtime);
	return 0;
}

static void get_enforced(const Podfit__V1__Enforced *from, struct pf_enforced *to)
{
	bool memory_known = from->has_memory_known && from->memory_known;

	*to = (struct pf_enforced){
		.cfs_quota_us = GET_LIMIT(from, cfs_quota_us, from->cpu_known),
		.cfs_period_us = GET(from, cfs_period_us),
		.cfs_burst_us = GET(from, cfs_burst_us),
		.cpu_weight = GET(from, cpu_weight),
		.memory_limit_bytes = GET_LIMIT(from, memory_limit_bytes, memory_known),
		.memory_high_bytes = GET_LIMIT(from, memory_high_bytes, memory_known),
		.swap_limit_bytes = GET_LIMIT(from, swap_limit_bytes, from->swap_known),
		.note = from->note,
	};
}

static void get_now(const Podfit__V1__Now *from, struct pf_report_now *to)
{
	*to = (struct pf_report_now){
		.interval_ns = GET(from, interval_ns),
		.usage_ns = GET(from, usage_ns),
		.nr_periods = GET(from, nr_periods),
		.nr_throttled = GET(from, nr_throttled),
		.throttled_ns = GET(from, throttled_ns),
		.quota_wait_ns = GET(from, quota_wait_ns),
		.contention_wait_ns = GET(from, contention_wait_ns),
		.nr_waits = GET(from, nr_waits),
		.runq_p50_ns = GET(from, runq_p50_ns),
		.runq_p99_ns = GET(from, runq_p99_ns),
		.memory_usage_bytes = GET(from, memory_usage_bytes),
		.memory_peak_bytes = GET(from, memory_peak_bytes),
		.working_set_bytes = GET(from, working_set_bytes),
		.hot_bytes = GET(from, hot_bytes),
		.nr_threads = GET(from, nr_threads),
		.hot_trend_bytes_per_hour = GET_DOUBLE(from, hot_trend_bytes_per_hour),
		.demand_peak_millicores = GET(from, demand_peak_millicores),
		.oom_kills = GET(from, oom_kills),
	};
	pf_wire_get_kinds(from->memory, &to->memory);
	pf_wire_get_psi(from->psi, &to->psi);
}

static int get_fleet(struct pf_arena *arena, const Podfit__V1__FleetInfo *from,
		     const struct pf_fleet_info **ret_fleet)
{
	struct pf_fleet_info *to;

	if (!from)
		return 0;
	to = pf_arena_alloc(arena, sizeof(*to));
	if (!to)
		return arena->err;
	*to = (struct pf_fleet_info){
		.cluster = GET_TEXT(from, cluster),
		.node_class = GET_TEXT(from, node_class),
		.nr_instances = GET_OR(from, nr_instances, 0),
		.nr_nodes = GET_OR(from, nr_nodes, 0),
		.first_unix_ns = GET(from, first_unix_ns),
		.last_unix_ns = GET(from, last_unix_ns),
		.usage_now_millicores = GET_DOUBLE(from, usage_now_millicores),
		.hot_now_bytes = GET_DOUBLE(from, hot_now_bytes),
		.nr_leaking_instances = GET_OR(from, nr_leaking_instances, 0),
		.nr_leaking_nodes = GET_OR(from, nr_leaking_nodes, 0),
		.leak_slope_min = GET_DOUBLE(from, leak_slope_min),
		.leak_slope_max = GET_DOUBLE(from, leak_slope_max),
		.leak_slope_mean = GET_DOUBLE(from, leak_slope_mean),
		.leaking_nodes = (const char *const *)from->leaking_nodes,
		.nr_leaking_named = from->n_leaking_nodes,
		.worst_leak_node = GET_TEXT(from, worst_leak_node),
		.worst_leak_pod = GET_TEXT(from, worst_leak_pod),
	};
	*ret_fleet = to;
	return 0;
}

int pf_wire_get_container(struct pf_arena *arena, const Podfit__V1__Container *message,
			  struct pf_report_container *ret_container, struct pf_wire_error *error)
{
	struct pf_report_container container;
	const struct pf_slice **slices;
	int r;

	pf_report_container_clear(&container);
	r = get_identity(arena, message, &container);
	if (r < 0)
		return r;
	container.instance = GET_TEXT(message, instance);
	container.first_seen_unix_ns = GET(message, first_seen_unix_ns);
	container.ended_unix_ns = GET(message, ended_unix_ns);
	container.runtime_kind = GET_TEXT(message, runtime_kind);
	container.executable = GET_TEXT(message, executable);
	if (message->enforced)
		get_enforced(message->enforced, &container.enforced);
	if (message->now)
		get_now(message->now, &container.now);
	slices = pf_arena_array(arena, message->n_slices, sizeof(*slices));
	if (!slices)
		return arena->err;
	for (size_t i = 0; i < message->n_slices; i++) {
		struct pf_slice *slice;

		r = pf_wire_get_slice(arena, message->slices[i], &slice, error);
		if (r < 0)
			return r;
		slices[i] = slice;
	}
	container.slices = slices;
	container.nr_slices = message->n_slices;
	r = get_fleet(arena, message->fleet, &container.fleet);
	if (r < 0)
		return r;
	if (message->recommendation) {
		struct pf_recommendation *recommendation;

		r = pf_wire_get_recommendation(arena, message->recommendation, &recommendation);
		if (r < 0)
			return r;
		container.recommendation = recommendation;
	}
	if (message->leak) {
		struct pf_leak_finding *leak;

		r = pf_wire_get_leak(arena, message->leak, &leak);
		if (r < 0)
			return r;
		container.leak = leak;
	}
	*ret_container = container;
	return 0;
}

static const struct pf_report_signal *get_signals(struct pf_arena *arena,
						  Podfit__V1__Signal *const *from, size_t nr)
{
	struct pf_report_signal *to = pf_arena_array(arena, nr, sizeof(*to));

	for (size_t i = 0; to && i < nr; i++)
		to[i] = (struct pf_report_signal){ .name = GET_TEXT(from[i], name),
						   .on = GET_OR(from[i], on, 0),
						   .reason = GET_TEXT(from[i], reason) };
	return to;
}

static const struct pf_loss *get_losses(struct pf_arena *arena, Podfit__V1__Loss *const *from,
					size_t nr)
{
	struct pf_loss *to = pf_arena_array(arena, nr, sizeof(*to));

	for (size_t i = 0; to && i < nr; i++)
		to[i] = (struct pf_loss){ .reason = GET_TEXT(from[i], reason),
					  .count = GET_OR(from[i], count, 0) };
	return to;
}

static const struct pf_report_oom *get_ooms(struct pf_arena *arena,
					    Podfit__V1__OomKill *const *from, size_t nr)
{
	struct pf_report_oom *to = pf_arena_array(arena, nr, sizeof(*to));

	for (size_t i = 0; to && i < nr; i++) {
		to[i] = (struct pf_report_oom){
			.kill_id = GET_OR(from[i], kill_id, 0),
			.at_unix_ns = GET(from[i], at_unix_ns),
			.container_id = GET_TEXT(from[i], container_id),
			.namespace_name = GET_TEXT(from[i], namespace_),
			.pod = GET_TEXT(from[i], pod),
			.container = GET_TEXT(from[i], container),
			.workload = GET_TEXT(from[i], workload),
			.workload_kind = (unsigned)from[i]->workload_kind < PF_NR_WORKLOAD_KINDS
						 ? (enum pf_workload_kind)from[i]->workload_kind
						 : PF_WORKLOAD_OTHER,
			.pid = GET_OR(from[i], pid, 0),
			.comm = GET_TEXT(from[i], comm),
			.whole_node = GET_OR(from[i], whole_node, 0),
			.usage_bytes = GET(from[i], usage_bytes),
			.limit_bytes = GET(from[i], limit_bytes),
			.victim_anon_bytes = GET(from[i], victim_anon_bytes),
			.victim_file_bytes = GET(from[i], victim_file_bytes),
			.victim_shmem_bytes = GET(from[i], victim_shmem_bytes),
			.growth_bytes_per_second = GET_DOUBLE(from[i], growth_bytes_per_second),
			.overshoot_bytes = GET(from[i], overshoot_bytes),
		};
		pf_wire_get_kinds(from[i]->memory, &to[i].memory);
	}
	return to;
}

static void get_cost(const Podfit__V1__AgentCost *from, struct pf_self_cost *to,
		     uint64_t *ret_wall_ns)
{
	static const Podfit__V1__AgentCost none = PODFIT__V1__AGENT_COST__INIT;

	from = from ? from : &none;
	*to = (struct pf_self_cost){
		.agent_cpu_ns = GET(from, agent_cpu_ns),
		.bpf_run_ns = GET(from, bpf_run_ns),
		.bpf_run_count = GET(from, bpf_run_count),
		.resident_bytes = GET(from, resident_bytes),
		.map_bytes = GET(from, map_bytes),
		.bpf_sampled = GET_OR(from, bpf_sampled, 0),
		.thinning = GET_DOUBLE(from, thinning),
	};
	*ret_wall_ns = GET(from, wall_ns);
}

static void get_header(struct pf_arena *arena, const Podfit__V1__NodeReport *from,
		       struct pf_report *to)
{
	pf_report_clear(to);
	to->schema_major = GET_OR(from, schema_major, PF_SCHEMA_MAJOR);
	to->schema_minor = GET_OR(from, schema_minor, 0);
	to->cluster = GET_TEXT(from, cluster);
	to->node = GET_TEXT(from, node);
	to->boot_id = GET_TEXT(from, boot_id);
	to->run_id = GET_OR(from, run_id, 0);
	to->sequence = GET_OR(from, sequence, 0);
	to->agent_version = GET_TEXT(from, agent_version);
	to->kernel_release = GET_TEXT(from, kernel_release);
	to->start_unix_ns = GET_OR(from, start_unix_ns, 0);
	to->end_unix_ns = GET_OR(from, end_unix_ns, 0);
	to->nr_cpus = GET_OR(from, nr_cpus, 0);
	to->memory_total_bytes = GET_UPTO(from, memory_total_bytes, PF_WIRE_AMOUNT_MAX);
	to->cpu_allocatable_millicores =
		GET_UPTO(from, cpu_allocatable_millicores, PF_WIRE_AMOUNT_MAX);
	to->memory_allocatable_bytes = GET_UPTO(from, memory_allocatable_bytes, PF_WIRE_AMOUNT_MAX);
	to->capture_source = GET_TEXT(from, capture_source);
	to->cgroup_layout = GET_TEXT(from, cgroup_layout);
	to->meta_source = GET_TEXT(from, meta_source);
	to->time_scale = GET_OR(from, time_scale, 1);
	to->last = GET_OR(from, last, 0);
	to->signals = get_signals(arena, from->signals, from->n_signals);
	to->nr_signals = from->n_signals;
	to->losses = get_losses(arena, from->losses, from->n_losses);
	to->nr_losses = from->n_losses;
	to->oom_kills = get_ooms(arena, from->oom_kills, from->n_oom_kills);
	to->nr_oom_kills = from->n_oom_kills;
	get_cost(from->cost, &to->cost, &to->cost_wall_ns);
}

static int get_report(struct pf_arena *arena, const Podfit__V1__NodeReport *from,
		      struct pf_report *ret_report, struct pf_wire_error *error)
{
	struct pf_report_container *containers;
	struct pf_report report;
	int r;

	if (GET_OR(from, schema_major, PF_SCHEMA_MAJOR) > PF_SCHEMA_MAJOR) {
		error->offset = 0;
		(void)snprintf(error->reason, sizeof(error->reason),
			       "schema version %u.%u is newer than %d.x, which this podfit reads",
			       from->schema_major, GET_OR(from, schema_minor, 0), PF_SCHEMA_MAJOR);
		return -EPROTONOSUPPORT;
	}
	get_header(arena, from, &report);
	r = get_labels(arena, from->node_labels, from->n_node_labels, &report.node_labels);
	if (r < 0)
		return r;
	report.nr_node_labels = from->n_node_labels;
	containers = pf_arena_array(arena, from->n_containers, sizeof(*containers));
	if (!containers || arena->err)
		return arena->err;
	for (size_t i = 0; i < from->n_containers; i++) {
		r = pf_wire_get_container(arena, from->containers[i], &containers[i], error);
		if (r == -EBADMSG) {
			char reason[sizeof(error->reason) - 48];

			memcpy(reason, error->reason, sizeof(reason));
			reason[sizeof(reason) - 1] = '\0';
			(void)snprintf(error->reason, sizeof(error->reason), "containers[%zu]: %s",
				       i, reason);
		}
		if (r < 0)
			return r;
	}
	report.containers = containers;
	report.nr_containers = from->n_containers;
	*ret_report = report;
	return 0;
}

static int explain(int r, const struct pf_arena *arena, struct pf_wire_error *error)
{
	if (r == -ENOSPC) {
		error->offset = 0;
		(void)snprintf(error->reason, sizeof(error->reason),
			       "it would take more than %zu bytes in memory", arena->max_bytes);
	}
	return r;
}

int pf_wire_decode_report(const void *data, size_t len, struct pf_arena *arena,
			  struct pf_report *ret_report, struct pf_wire_error *ret_error)
{
	ProtobufCMessage *message;
	int r = pf_wire_unpack(&podfit__v1__node_report__descriptor, data, len, arena, &message,
			       ret_error);

	if (r == 0)
		r = get_report(arena, (const Podfit__V1__NodeReport *)message, ret_report,
			       ret_error);
	return explain(r, arena, ret_error);
}

int pf_wire_decode_status(const void *data, size_t len, struct pf_arena *arena,
			  struct pf_agent_status *ret_status, struct pf_wire_error *ret_error)
{
	const Podfit__V1__AgentStatus *from;
	ProtobufCMessage *message;
	struct pf_agent_status status;
	int r = pf_wire_unpack(&podfit__v1__agent_status__descriptor, data, len, arena, &message,
			       ret_error);

	if (r < 0)
		return explain(r, arena, ret_error);
	from = (const Podfit__V1__AgentStatus *)message;
	status = (struct pf_agent_status){
		.version = GET_TEXT(from, version),
		.ready = GET_OR(from, ready, 0),
		.not_ready_reason = GET_TEXT(from, not_ready_reason),
		.uptime_ns = GET_OR(from, uptime_ns, 0),
		.nr_snapshots = GET_OR(from, nr_snapshots, 0),
		.nr_reports = GET_OR(from, nr_reports, 0),
		.nr_containers = GET_OR(from, nr_containers, 0),
		.signals = get_signals(arena, from->signals, from->n_signals),
		.nr_signals = from->n_signals,
		.losses = get_losses(arena, from->losses, from->n_losses),
		.nr_losses = from->n_losses,
		.meta_source = GET_TEXT(from, meta_source),
		.meta_state = GET_TEXT(from, meta_state),
		.export_state = GET_TEXT(from, export_state),
		.spool_bytes = GET(from, spool_bytes),
	};
	get_cost(from->cost, &status.cost, &status.cost_wall_ns);
	if (arena->err)
		return explain(arena->err, arena, ret_error);
	*ret_status = status;
	return 0;
}
