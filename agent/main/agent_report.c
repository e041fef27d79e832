// SPDX-License-Identifier: Apache-2.0
/*
 * agent_report.c - from the table of containers to a report.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "core/enforced.h"
#include "export/push.h"
#include "main/agent.h"
#include "sys/clock.h"
#include "wire/wire.h"

enum {
	LOSSES_MAX = 64,
	CONTAINER_MEMORY_MAX = 4 << 20, /* slices and advice of one container */
};

static const struct pf_report_signal *build_signals(struct pf_agent *agent, struct pf_arena *arena)
{
	const struct pf_signal_state *states = agent->capture_ops->signals(agent->capture);
	struct pf_report_signal *signals = pf_arena_array(arena, PF_NR_SIGNALS, sizeof(*signals));

	for (size_t i = 0; signals && i < PF_NR_SIGNALS; i++)
		signals[i] = (struct pf_report_signal){ pf_signal_name(i), states[i].on,
							states[i].reason };
	return signals;
}

static const struct pf_loss *build_losses(struct pf_agent *agent, struct pf_arena *arena,
					  size_t *ret_nr)
{
	struct pf_loss *losses = pf_arena_array(arena, LOSSES_MAX, sizeof(*losses));
	const struct pf_tracks_losses tracks = pf_tracks_get_losses(agent->tracks);
	const struct pf_loss own[] = {
		{ "tracks_full", tracks.tracks_full },
		{ "ended_untaken", tracks.ended_untaken },
		{ "slices_untaken", tracks.slices_untaken },
		{ "samples_no_memory", tracks.samples_no_memory },
		{ "vpa_peaks_full", tracks.peaks_full },
		{ "oom_kills_full", agent->nr_kills_lost },
		{ "histories_full", pf_histories_nr_refused(agent->histories) },
		{ "histories_dropped", pf_histories_nr_dropped(agent->histories) },
		{ "slices_no_memory", agent->nr_slices_forgotten },
		{ "clock_set_back", agent->nr_clock_set_back },
	};
	size_t nr;

	if (!losses)
		return NULL;
	nr = agent->capture_ops->losses(agent->capture, losses, LOSSES_MAX);
	for (size_t i = 0; i < PF_ARRAY_SIZE(own) && nr < LOSSES_MAX; i++)
		losses[nr++] = own[i];
	nr += pf_agent_leaks_losses(agent, losses + nr, LOSSES_MAX - nr);
	nr += pf_meta_losses(agent->meta, losses + nr, LOSSES_MAX - nr);
	for (size_t i = 0; i < agent->nr_sinks; i++) {
		const struct pf_agent_sink *sink = &agent->sinks[i];

		if (nr < LOSSES_MAX)
			losses[nr++] = (struct pf_loss){ pf_arena_printf(arena, "export_%s_refused",
									 sink->ops->name),
							 sink->nr_lost };
		if (sink->ops->losses)
			nr += sink->ops->losses(sink->sink, losses + nr, LOSSES_MAX - nr);
	}
	if (agent->otlp)
		nr += pf_sink_push.losses(agent->otlp, losses + nr, LOSSES_MAX - nr);
	*ret_nr = nr;
	return losses;
}

static void build_cost(struct pf_agent *agent, struct pf_self_cost *cost)
{
	pf_self_cost_clear(cost);
	agent->capture_ops->cost(agent->capture, cost);
	cost->agent_cpu_ns = pf_clock_process_cpu_ns();
	cost->resident_bytes = pf_node_resident_bytes();
}

static void build_container(const struct pf_track *track, unsigned parts, struct pf_arena *arena,
			    struct pf_report_container *container)
{
	char note[256];

	pf_report_container_clear(container);
	container->identity = &track->identity;
	container->cgroup_path = track->cgroup.path;
	container->runtime = track->cgroup.class.runtime;
	container->instance = track->instance;
	container->enforced = track->enforced;
	if (pf_enforced_note(&track->identity, &track->enforced, note, sizeof(note)))
		container->enforced.note = pf_arena_strdup(arena, note);
	container->first_seen_unix_ns = track->first_seen_unix_ns;
	container->ended_unix_ns = track->ended_unix_ns;
	container->now = parts & PF_AGENT_INTERVAL ? track->interval
			 : parts & PF_AGENT_TOTALS ? track->total
						   : track->latest;
	container->runtime_kind = pf_runtime_name(track->runtime);
	container->executable = track->executable;
}

static int add_slices(const struct pf_track *track, struct pf_arena *arena,
		      struct pf_report_container *container)
{
	size_t nr_slices = track->slices.nr_closed + (track->slices.open != NULL);
	const struct pf_slice **slices = pf_arena_array(arena, nr_slices, sizeof(*slices));

	if (!slices)
		return arena->err;
	for (size_t i = 0; i < track->slices.nr_closed; i++)
		slices[i] = track->slices.closed[i];
	if (track->slices.open)
		slices[nr_slices - 1] = track->slices.open;
	container->slices = slices;
	container->nr_slices = nr_slices;
	return 0;
}

static int build_containers(struct pf_agent *agent, unsigned parts, struct pf_arena *arena,
			    struct pf_agent_report *report)
{
	size_t max = pf_tracks_count(agent->tracks), nr = 0;
	struct pf_track *track;

	report->containers = pf_arena_array(arena, max, sizeof(*report->containers));
	report->tracks = pf_arena_array(arena, max, sizeof(*report->tracks));
	if (!report->containers || !report->tracks)
		return arena->err;
	pf_tracks_for_each(agent->tracks, cursor, track)
	{
		if (!track->nr_samples || !pf_agent_identify(agent, track))
			continue; /* nothing is known of it yet */
		pf_agent_settle(agent, track);
		if (parts & PF_AGENT_LEAKING && pf_agent_leak_state(agent, track) == PF_LEAK_NONE)
			continue;
		build_container(track, parts, arena, &report->containers[nr]);
		report->tracks[nr++] = track;
	}
	report->report.containers = report->containers;
	report->report.nr_containers = nr;
	return 0;
}

static int complete_container(struct pf_agent *agent, struct pf_track *track, unsigned parts,
			      struct pf_arena *arena, struct pf_report_container *container)
{
	int r = pf_agent_leak_finding(agent, track, parts & (PF_AGENT_ADVICE | PF_AGENT_LEAKING),
				      arena, &container->leak);

	if (r == 0 && parts & PF_AGENT_SLICES)
		r = add_slices(track, arena, container);
	if (r == 0 && parts & PF_AGENT_ADVICE)
		r = pf_agent_advise(agent, track, container->leak, arena,
				    &container->recommendation);
	else
		container->recommendation = pf_agent_verdict_only(track, arena);
	return r;
}

int pf_agent_encode_report(struct pf_agent *agent, struct pf_agent_report *report,
			   struct pf_buf *out)
{
	struct pf_arena arena;
	int r = pf_wire_encode_header(&report->report, out);

	pf_arena_init(&arena, CONTAINER_MEMORY_MAX);
	for (size_t i = 0; r == 0 && i < report->report.nr_containers; i++) {
		struct pf_report_container *container = &report->containers[i];

		pf_arena_reset(&arena);
		r = complete_container(agent, report->tracks[i], report->parts, &arena, container);
		if (r == 0)
			r = pf_wire_encode_container(container, out);
		container->slices = NULL; /* of the arena: gone with the next one */
		container->nr_slices = 0;
		container->recommendation = NULL;
		container->leak = NULL;
	}
	pf_arena_done(&arena);
	return r;
}

static int build_kills(struct pf_agent *agent, struct pf_arena *arena, struct pf_report *report)
{
	struct pf_report_oom *kills = pf_arena_array(arena, agent->nr_kills, sizeof(*kills));

	if (!kills)
		return arena->err;
	report->oom_kills = kills;
	for (size_t i = 0; i < agent->nr_kills; i++)
		if (pf_agent_name_kill(agent, agent->kills[i]))
			kills[report->nr_oom_kills++] = agent->kills[i]->record;
	return 0;
}

int pf_agent_build_report(struct pf_agent *agent, unsigned parts, struct pf_arena *arena,
			  struct pf_agent_report *ret_report)
{
	struct pf_agent_report built = { .parts = parts };
	uint64_t now_ns = pf_clock_monotonic_ns(), start_ns;
	struct pf_meta_status meta;
	struct pf_report *report = &built.report;
	int r;

	/* The newest sample's interval, or everything since the last exported report. */
	start_ns = parts & PF_AGENT_INTERVAL ? agent->interval_start_ns
		   : agent->prev_snapshot_ns ? agent->prev_snapshot_ns
					     : agent->started_ns;
	pf_report_clear(report);
	report->cluster = agent->config->cluster_name;
	report->node = agent->node.name;
	report->boot_id = agent->node.boot_id;
	report->run_id = agent->node.run_id;
	report->sequence = agent->sequence;
	report->agent_version = PF_VERSION;
	report->kernel_release = agent->node.kernel_release;
	report->start_unix_ns = start_ns + (uint64_t)agent->wall_offset_ns;
	report->end_unix_ns = now_ns + (uint64_t)agent->wall_offset_ns;
	report->nr_cpus = agent->node.nr_cpus;
	report->memory_total_bytes = agent->node.memory_total_bytes;
	report->capture_source = agent->capture_ops->name;
	report->cgroup_layout = agent->capture_ops->layout(agent->capture);
	pf_meta_status(agent->meta, &meta);
	report->meta_source = meta.source;
	report->time_scale = agent->config->time_scale;
	report->last = parts & PF_AGENT_LAST;
	report->cost_wall_ns = now_ns - agent->started_ns;
	build_cost(agent, &report->cost);
	report->signals = build_signals(agent, arena);
	report->nr_signals = PF_NR_SIGNALS;
	report->losses = build_losses(agent, arena, &report->nr_losses);
	if (arena->err)
		return arena->err;
	r = build_kills(agent, arena, report);
	if (r == 0)
		r = build_containers(agent, parts, arena, &built);
	if (r < 0)
		return r;
	*ret_report = built;
	return 0;
}

bool pf_agent_ready(const struct pf_agent *agent, char *reason, size_t reason_size)
{
	struct pf_meta_status meta;
	uint64_t late_ns = 3 * agent->interval_ns + 5 * PF_NS_PER_S;

	if (!agent->nr_snapshots) {
		(void)snprintf(reason, reason_size, "no snapshot yet\n");
		return false;
	}
	if (pf_clock_monotonic_ns() - agent->last_snapshot_ns > late_ns) {
		(void)snprintf(reason, reason_size, "the last snapshot is too long ago\n");
		return false;
	}
	pf_meta_status(agent->meta, &meta);
	if (!meta.ready) {
		(void)snprintf(reason, reason_size, "names of pods: %s\n", meta.state);
		return false;
	}
	reason[0] = '\0';
	return true;
}

static const char *describe_push(const char *to, const struct pf_push_status *push,
				 struct pf_arena *arena)
{
	char wait[48] = "";

	if (push->wait_ns)
		(void)snprintf(
			wait, sizeof(wait), ", next try in %llu s",
			(unsigned long long)((push->wait_ns + PF_NS_PER_S - 1) / PF_NS_PER_S));
	return pf_arena_printf(arena, "%s: %llu sent, %llu wait%s%s%s%s", to,
			       (unsigned long long)push->nr_sent,
			       (unsigned long long)push->spool.nr_entries, wait,
			       push->open ? ", circuit open" : "",
			       push->last_error[0] ? "; last error: " : "", push->last_error);
}

static void describe_export(const struct pf_agent *agent, struct pf_arena *arena,
			    struct pf_agent_status *status)
{
	for (size_t i = 0; i < agent->nr_sinks; i++) {
		struct pf_push_status push;

		if (agent->sinks[i].ops != &pf_sink_push)
			continue;
		pf_push_get_status(agent->sinks[i].sink, &push);
		status->spool_bytes = push.spool.bytes;
		status->export_state = describe_push("collector", &push, arena);
	}
	if (agent->otlp) {
		struct pf_push_status push;
		const char *before = status->export_state;

		pf_push_get_status(agent->otlp, &push);
		status->export_state = pf_arena_printf(arena, "%s%s%s", before ? before : "",
						       before && before[0] ? "; " : "",
						       describe_push("otlp", &push, arena) ?: "");
	}
}

int pf_agent_build_status(struct pf_agent *agent, struct pf_arena *arena,
			  struct pf_agent_status *ret_status)
{
	struct pf_agent_status status = {
		.version = PF_VERSION,
		.uptime_ns = pf_clock_monotonic_ns() - agent->started_ns,
		.nr_containers = (uint32_t)pf_tracks_count_living(agent->tracks),
		.nr_snapshots = agent->nr_snapshots,
		.nr_reports = agent->nr_reports,
		.nr_signals = PF_NR_SIGNALS,
		.export_state = "",
		.spool_bytes = PF_UNKNOWN,
	};
	struct pf_meta_status meta;
	char reason[512];
	char *copy;

	pf_meta_status(agent->meta, &meta);
	status.meta_source = meta.source;
	status.meta_state = pf_arena_strdup(arena, meta.state);
	status.ready = pf_agent_ready(agent, reason, sizeof(reason));
	reason[strcspn(reason, "\n")] = '\0';
	copy = pf_arena_strdup(arena, reason);
	status.not_ready_reason = copy;
	describe_export(agent, arena, &status);
	status.cost_wall_ns = status.uptime_ns;
	build_cost(agent, &status.cost);
	status.signals = build_signals(agent, arena);
	status.losses = build_losses(agent, arena, &status.nr_losses);
	if (arena->err)
		return arena->err;
	*ret_status = status;
	return 0;
}
