// SPDX-License-Identifier: Apache-2.0
/*
 * put_report.c - a whole report into bytes.
 */
#include <errno.h>

#include "wire/internal.h"

_Static_assert((int)PODFIT__V1__WORKLOAD_KIND__OTHER == (int)PF_WORKLOAD_OTHER &&
		       (int)PODFIT__V1__CONTAINER_TYPE__EPHEMERAL == (int)PF_CONTAINER_EPHEMERAL &&
		       (int)PODFIT__V1__QOS_CLASS__BEST_EFFORT == (int)PF_QOS_BEST_EFFORT,
	       "the core's numbers are the wire's");

enum {
	CONTAINER_MEMORY_MAX = 8 << 20, /* of one container's message while it is packed */
	HEADER_MEMORY_MAX = 16 << 20,
	CONTAINERS_FIELD = 18, /* NodeReport.containers */
	LENGTH_DELIMITED = 2,
};

static void put_labels(struct pf_arena *arena, Podfit__V1__Label *const *to, size_t nr,
		       const struct pf_label *labels)
{
	for (size_t i = 0; i < nr; i++) {
		PUT_TEXT(arena, to[i], key, labels[i].key);
		PUT_TEXT(arena, to[i], value, labels[i].value);
	}
}

static Podfit__V1__Identity *put_identity(struct pf_arena *arena,
					  const struct pf_report_container *container)
{
	const struct pf_identity *from = container->identity;
	Podfit__V1__Identity *to = pf_arena_alloc(arena, sizeof(*to));

	if (!to)
		return NULL;
	podfit__v1__identity__init(to);
	PUT_TEXT(arena, to, namespace_, from->namespace_name);
	PUT_TEXT(arena, to, pod, from->pod);
	PUT_TEXT(arena, to, pod_uid, from->pod_uid);
	PUT_TEXT(arena, to, container, from->container);
	PUT_TEXT(arena, to, container_id, from->container_id);
	PUT_ANY(to, container_type, (Podfit__V1__ContainerType)from->type);
	PUT_ANY(to, workload_kind, (Podfit__V1__WorkloadKind)from->workload_kind);
	PUT_TEXT(arena, to, workload, from->workload);
	PUT_TEXT(arena, to, image, from->image);
	PUT_ANY(to, qos, (Podfit__V1__QosClass)from->qos);
	PUT_ANY(to, restart_count, from->restart_count);
	PUT_ANY(to, named, from->named);
	PUT_TEXT(arena, to, cgroup_path, container->cgroup_path);
	PUT_TEXT(arena, to, runtime, container->runtime);
	if (from->started_unix_s)
		PUT_ANY(to, started_unix_s, from->started_unix_s);
	PUT_MESSAGES(arena, to, labels, podfit__v1__label__descriptor, from->nr_labels);
	put_labels(arena, to->labels, to->n_labels, from->labels);
	if (from->hpa_known) {
		PUT_ANY(to, hpa_on_cpu, from->hpa_on_cpu);
		PUT_ANY(to, hpa_on_memory, from->hpa_on_memory);
	}
	return to;
}

static Podfit__V1__Resources *put_resources(struct pf_arena *arena, const struct pf_resources *from)
{
	Podfit__V1__Resources *to;

	if (from->cpu_request_millicores == PF_UNKNOWN &&
	    from->cpu_limit_millicores == PF_UNKNOWN && from->memory_request_bytes == PF_UNKNOWN &&
	    from->memory_limit_bytes == PF_UNKNOWN)
		return NULL;
	to = pf_arena_alloc(arena, sizeof(*to));
	if (!to)
		return NULL;
	podfit__v1__resources__init(to);
	PUT_ANY(to, known, 1);
	PUT(to, cpu_request_millicores, from->cpu_request_millicores);
	PUT(to, cpu_limit_millicores, from->cpu_limit_millicores);
	PUT(to, memory_request_bytes, from->memory_request_bytes);
	PUT(to, memory_limit_bytes, from->memory_limit_bytes);
	return to;
}

static Podfit__V1__Enforced *put_enforced(struct pf_arena *arena, const struct pf_enforced *from)
{
	Podfit__V1__Enforced *to = pf_arena_alloc(arena, sizeof(*to));

	if (!to)
		return NULL;
	podfit__v1__enforced__init(to);
	if (from->cfs_quota_us != PF_UNKNOWN)
		PUT_ANY(to, cpu_known, 1);
	if (from->memory_limit_bytes != PF_UNKNOWN)
		PUT_ANY(to, memory_known, 1);
	if (from->swap_limit_bytes != PF_UNKNOWN)
		PUT_ANY(to, swap_known, 1);
	PUT(to, cfs_quota_us, from->cfs_quota_us);
	PUT(to, cfs_period_us, from->cfs_period_us);
	PUT(to, cfs_burst_us, from->cfs_burst_us);
	PUT(to, cpu_weight, from->cpu_weight);
	PUT(to, memory_limit_bytes, from->memory_limit_bytes);
	PUT(to, memory_high_bytes, from->memory_high_bytes);
	PUT(to, swap_limit_bytes, from->swap_limit_bytes);
	PUT_TEXT(arena, to, note, from->note);
	return to;
}

static Podfit__V1__Now *put_now(struct pf_arena *arena, const struct pf_report_now *from)
{
	Podfit__V1__Now *to = pf_arena_alloc(arena, sizeof(*to));

	if (!to)
		return NULL;
	podfit__v1__now__init(to);
	PUT(to, interval_ns, from->interval_ns);
	PUT(to, usage_ns, from->usage_ns);
	PUT(to, nr_periods, from->nr_periods);
	PUT(to, nr_throttled, from->nr_throttled);
	PUT(to, throttled_ns, from->throttled_ns);
	PUT(to, quota_wait_ns, from->quota_wait_ns);
	PUT(to, contention_wait_ns, from->contention_wait_ns);
	PUT(to, nr_waits, from->nr_waits);
	PUT(to, runq_p50_ns, from->runq_p50_ns);
	PUT(to, runq_p99_ns, from->runq_p99_ns);
	PUT(to, memory_usage_bytes, from->memory_usage_bytes);
	PUT(to, memory_peak_bytes, from->memory_peak_bytes);
	PUT(to, working_set_bytes, from->working_set_bytes);
	PUT(to, hot_bytes, from->hot_bytes);
	to->memory = pf_wire_put_kinds(arena, &from->memory);
	to->psi = pf_wire_put_psi(arena, &from->psi);
	PUT(to, nr_threads, from->nr_threads);
	PUT_DOUBLE(to, hot_trend_bytes_per_hour, from->hot_trend_bytes_per_hour);
	PUT(to, demand_peak_millicores, from->demand_peak_millicores);
	PUT(to, oom_kills, from->oom_kills);
	return to;
}

static Podfit__V1__FleetInfo *put_fleet(struct pf_arena *arena, const struct pf_fleet_info *from)
{
	Podfit__V1__FleetInfo *to = from ? pf_arena_alloc(arena, sizeof(*to)) : NULL;

	if (!to)
		return NULL;
	podfit__v1__fleet_info__init(to);
	PUT_TEXT(arena, to, cluster, from->cluster);
	PUT_TEXT(arena, to, node_class, from->node_class);
	PUT_ANY(to, nr_instances, from->nr_instances);
	PUT_ANY(to, nr_nodes, from->nr_nodes);
	PUT(to, first_unix_ns, from->first_unix_ns);
	PUT(to, last_unix_ns, from->last_unix_ns);
	PUT_DOUBLE(to, usage_now_millicores, from->usage_now_millicores);
	PUT_DOUBLE(to, hot_now_bytes, from->hot_now_bytes);
	if (!from->nr_leaking_instances)
		return to;
	PUT_ANY(to, nr_leaking_instances, from->nr_leaking_instances);
	PUT_ANY(to, nr_leaking_nodes, from->nr_leaking_nodes);
	PUT_DOUBLE(to, leak_slope_min, from->leak_slope_min);
	PUT_DOUBLE(to, leak_slope_max, from->leak_slope_max);
	PUT_DOUBLE(to, leak_slope_mean, from->leak_slope_mean);
	PUT_TEXT(arena, to, worst_leak_node, from->worst_leak_node);
	PUT_TEXT(arena, to, worst_leak_pod, from->worst_leak_pod);
	to->leaking_nodes = pf_arena_array(arena, from->nr_leaking_named + 1, sizeof(char *));
	to->n_leaking_nodes = to->leaking_nodes ? from->nr_leaking_named : 0;
	for (size_t i = 0; i < to->n_leaking_nodes; i++)
		to->leaking_nodes[i] = pf_wire_text_field(arena, from->leaking_nodes[i])
					       ?: pf_arena_strdup(arena, "");
	return to;
}

static Podfit__V1__Container *put_container(struct pf_arena *arena,
					    const struct pf_report_container *container)
{
	Podfit__V1__Container *to = pf_arena_alloc(arena, sizeof(*to));

	if (!to)
		return NULL;
	podfit__v1__container__init(to);
	to->identity = put_identity(arena, container);
	PUT_TEXT(arena, to, instance, container->instance);
	to->spec = put_resources(arena, &container->identity->spec);
	to->actual = put_resources(arena, &container->identity->actual);
	to->pod_level = put_resources(arena, &container->identity->pod_level);
	to->enforced = put_enforced(arena, &container->enforced);
	PUT(to, first_seen_unix_ns, container->first_seen_unix_ns);
	PUT(to, ended_unix_ns, container->ended_unix_ns);
	to->now = put_now(arena, &container->now);
	to->slices = pf_arena_array(arena, container->nr_slices, sizeof(Podfit__V1__HourSlice *));
	for (size_t i = 0; to->slices && i < container->nr_slices; i++) {
		to->slices[i] = pf_wire_put_slice(arena, container->slices[i]);
		if (!to->slices[i])
			return NULL;
		to->n_slices++;
	}
	to->recommendation = pf_wire_put_recommendation(arena, container->recommendation);
	to->leak = pf_wire_put_leak(arena, container->leak);
	PUT_TEXT(arena, to, runtime_kind, container->runtime_kind);
	PUT_TEXT(arena, to, executable, container->executable);
	to->fleet = put_fleet(arena, container->fleet);
	return arena->err ? NULL : to;
}

static void put_signals(struct pf_arena *arena, Podfit__V1__Signal *const *to, size_t nr,
			const struct pf_report_signal *signals)
{
	for (size_t i = 0; i < nr; i++) {
		PUT_TEXT(arena, to[i], name, signals[i].name);
		PUT_ANY(to[i], on, signals[i].on);
		PUT_TEXT(arena, to[i], reason, signals[i].reason);
	}
}

static void put_losses(struct pf_arena *arena, Podfit__V1__Loss *const *to, size_t nr,
		       const struct pf_loss *losses)
{
	for (size_t i = 0; i < nr; i++) {
		PUT_TEXT(arena, to[i], reason, losses[i].reason);
		PUT_ANY(to[i], count, losses[i].count);
	}
}

static Podfit__V1__AgentCost *put_cost(struct pf_arena *arena, const struct pf_self_cost *cost,
				       uint64_t wall_ns)
{
	Podfit__V1__AgentCost *to = pf_arena_alloc(arena, sizeof(*to));

	if (!to)
		return NULL;
	podfit__v1__agent_cost__init(to);
	PUT(to, agent_cpu_ns, cost->agent_cpu_ns);
	PUT(to, bpf_run_ns, cost->bpf_run_ns);
	PUT(to, bpf_run_count, cost->bpf_run_count);
	if (cost->bpf_run_ns != PF_UNKNOWN)
		PUT_ANY(to, bpf_sampled, cost->bpf_sampled);
	PUT(to, resident_bytes, cost->resident_bytes);
	PUT(to, map_bytes, cost->map_bytes);
	PUT(to, wall_ns, wall_ns);
	PUT_DOUBLE(to, thinning, cost->thinning);
	return to;
}

static void put_oom(struct pf_arena *arena, Podfit__V1__OomKill *to,
		    const struct pf_report_oom *from)
{
	PUT_ANY(to, kill_id, from->kill_id);
	PUT(to, at_unix_ns, from->at_unix_ns);
	PUT_TEXT(arena, to, container_id, from->container_id);
	PUT_TEXT(arena, to, namespace_, from->namespace_name);
	PUT_TEXT(arena, to, pod, from->pod);
	PUT_TEXT(arena, to, container, from->container);
	PUT_TEXT(arena, to, workload, from->workload);
	PUT_ANY(to, workload_kind, (Podfit__V1__WorkloadKind)from->workload_kind);
	PUT_ANY(to, pid, from->pid);
	PUT_TEXT(arena, to, comm, from->comm);
	PUT_ANY(to, whole_node, from->whole_node);
	PUT(to, usage_bytes, from->usage_bytes);
	PUT(to, limit_bytes, from->limit_bytes);
	to->memory = pf_wire_put_kinds(arena, &from->memory);
	PUT(to, victim_anon_bytes, from->victim_anon_bytes);
	PUT(to, victim_file_bytes, from->victim_file_bytes);
	PUT(to, victim_shmem_bytes, from->victim_shmem_bytes);
	PUT_DOUBLE(to, growth_bytes_per_second, from->growth_bytes_per_second);
	PUT(to, overshoot_bytes, from->overshoot_bytes);
}

/* All of the report but its containers. */
static int put_header(struct pf_arena *arena, const struct pf_report *report,
		      Podfit__V1__NodeReport *to)
{
	podfit__v1__node_report__init(to);
	PUT_ANY(to, schema_major, report->schema_major);
	PUT_ANY(to, schema_minor, report->schema_minor);
	PUT_TEXT(arena, to, cluster, report->cluster);
	PUT_TEXT(arena, to, node, report->node);
	PUT_TEXT(arena, to, boot_id, report->boot_id);
	PUT_ANY(to, run_id, report->run_id);
	PUT_ANY(to, sequence, report->sequence);
	PUT_TEXT(arena, to, agent_version, report->agent_version);
	PUT_TEXT(arena, to, kernel_release, report->kernel_release);
	PUT_ANY(to, start_unix_ns, report->start_unix_ns);
	PUT_ANY(to, end_unix_ns, report->end_unix_ns);
	if (report->nr_cpus)
		PUT_ANY(to, nr_cpus, report->nr_cpus);
	PUT(to, memory_total_bytes, report->memory_total_bytes);
	PUT_TEXT(arena, to, capture_source, report->capture_source);
	PUT_TEXT(arena, to, cgroup_layout, report->cgroup_layout);
	PUT_TEXT(arena, to, meta_source, report->meta_source);
	if (report->time_scale != 1)
		PUT_DOUBLE(to, time_scale, report->time_scale);
	PUT(to, cpu_allocatable_millicores, report->cpu_allocatable_millicores);
	PUT(to, memory_allocatable_bytes, report->memory_allocatable_bytes);
	if (report->last)
		PUT_ANY(to, last, 1);
	PUT_MESSAGES(arena, to, signals, podfit__v1__signal__descriptor, report->nr_signals);
	put_signals(arena, to->signals, to->n_signals, report->signals);
	PUT_MESSAGES(arena, to, losses, podfit__v1__loss__descriptor, report->nr_losses);
	put_losses(arena, to->losses, to->n_losses, report->losses);
	PUT_MESSAGES(arena, to, node_labels, podfit__v1__label__descriptor, report->nr_node_labels);
	put_labels(arena, to->node_labels, to->n_node_labels, report->node_labels);
	to->cost = put_cost(arena, &report->cost, report->cost_wall_ns);
	PUT_MESSAGES(arena, to, oom_kills, podfit__v1__oom_kill__descriptor, report->nr_oom_kills);
	for (size_t i = 0; i < to->n_oom_kills; i++)
		put_oom(arena, to->oom_kills[i], &report->oom_kills[i]);
	return arena->err;
}

static int pack(const ProtobufCMessage *message, struct pf_buf *out)
{
	size_t size = protobuf_c_message_get_packed_size(message);
	char *place;
	int r = pf_buf_reserve(out, size, &place);

	if (r < 0)
		return r;
	pf_buf_wrote(out, protobuf_c_message_pack(message, (uint8_t *)place));
	return 0;
}

static void add_varint(struct pf_buf *out, uint64_t value)
{
	uint8_t bytes[10];
	size_t n = 0;

	for (; value >= 0x80; value >>= 7)
		bytes[n++] = (uint8_t)(value | 0x80);
	bytes[n++] = (uint8_t)value;
	(void)pf_buf_add(out, bytes, n); /* out->err keeps it */
}

/* For callers that began with a buffer without error: else its error would be forgotten here. */
static int undo(struct pf_buf *out, size_t before, int r)
{
	if (r < 0)
		pf_buf_undo(out, before);
	return r;
}

int pf_wire_encode_header(const struct pf_report *report, struct pf_buf *out)
{
	Podfit__V1__NodeReport header;
	size_t before = out->len;
	struct pf_arena arena;
	int r;

	if (out->err)
		return out->err;
	pf_arena_init(&arena, HEADER_MEMORY_MAX);
	r = put_header(&arena, report, &header);
	if (r == 0)
		r = pack(&header.base, out);
	pf_arena_done(&arena);
	return undo(out, before, r);
}

/* Messages written one after another are one message: so containers need not all be held at once. */
static int add_container(const struct pf_report_container *container, struct pf_arena *arena,
			 struct pf_buf *out)
{
	size_t before = out->len;
	Podfit__V1__Container *message;
	int r;

	if (out->err)
		return out->err;
	message = put_container(arena, container);
	r = message ? 0 : arena->err;
	if (r == 0) {
		add_varint(out, CONTAINERS_FIELD << 3 | LENGTH_DELIMITED);
		add_varint(out, protobuf_c_message_get_packed_size(&message->base));
		r = out->err ? out->err : pack(&message->base, out);
	}
	return undo(out, before, r);
}

int pf_wire_encode_container(const struct pf_report_container *container, struct pf_buf *out)
{
	struct pf_arena arena;
	int r;

	pf_arena_init(&arena, CONTAINER_MEMORY_MAX);
	r = add_container(container, &arena, out);
	pf_arena_done(&arena);
	return r;
}

int pf_wire_encode_report(const struct pf_report *report, struct pf_buf *out)
{
	size_t before = out->len;
	struct pf_arena arena;
	int r = pf_wire_encode_header(report, out);

	if (r < 0)
		return r;
	pf_arena_init(&arena, CONTAINER_MEMORY_MAX);
	for (size_t i = 0; r == 0 && i < report->nr_containers; i++) {
		pf_arena_reset(&arena);
		r = add_container(&report->containers[i], &arena, out);
	}
	pf_arena_done(&arena);
	return undo(out, before, r);
}

int pf_wire_encode_status(const struct pf_agent_status *status, struct pf_buf *out)
{
	Podfit__V1__AgentStatus to = PODFIT__V1__AGENT_STATUS__INIT;
	size_t before = out->len;
	struct pf_arena arena;
	int r;

	if (out->err)
		return out->err;
	pf_arena_init(&arena, HEADER_MEMORY_MAX);
	PUT_TEXT(&arena, &to, version, status->version);
	PUT_ANY(&to, ready, status->ready);
	PUT_TEXT(&arena, &to, not_ready_reason, status->not_ready_reason);
	PUT_ANY(&to, uptime_ns, status->uptime_ns);
	PUT_ANY(&to, nr_containers, status->nr_containers);
	PUT_ANY(&to, nr_snapshots, status->nr_snapshots);
	PUT_ANY(&to, nr_reports, status->nr_reports);
	PUT_MESSAGES(&arena, &to, signals, podfit__v1__signal__descriptor, status->nr_signals);
	put_signals(&arena, to.signals, to.n_signals, status->signals);
	PUT_MESSAGES(&arena, &to, losses, podfit__v1__loss__descriptor, status->nr_losses);
	put_losses(&arena, to.losses, to.n_losses, status->losses);
	to.cost = put_cost(&arena, &status->cost, status->cost_wall_ns);
	PUT_TEXT(&arena, &to, meta_source, status->meta_source);
	PUT_TEXT(&arena, &to, meta_state, status->meta_state);
	PUT_TEXT(&arena, &to, export_state, status->export_state);
	PUT(&to, spool_bytes, status->spool_bytes);
	r = arena.err ? arena.err : pack(&to.base, out);
	pf_arena_done(&arena);
	return undo(out, before, r);
}
