// SPDX-License-Identifier: Apache-2.0
/*
 * agent_metrics.c - what GET /metrics needs of the table of containers.
 */
#include "export/prometheus.h"
#include "main/agent.h"

static void fill(struct pf_agent *agent, const struct pf_track *track,
		 const struct pf_report_container *container, struct pf_prometheus_container *to)
{
	static const uint32_t none[PF_LATENCY_BUCKETS];
	const struct pf_history *history = track->history;

	*to = (struct pf_prometheus_container){
		.container = container,
		.waits = !track->waits_known ? NULL
			 : track->waits	     ? track->waits->total
					     : none,
		.cpu = history && history->advised ? &history->cpu : NULL,
		.memory = history && history->advised ? &history->memory : NULL,
		.leak = pf_agent_leak_state(agent, track),
	};
}

int pf_agent_write_metrics(struct pf_agent *agent, struct pf_buf *out)
{
	struct pf_prometheus_container *containers;
	struct pf_agent_report report;
	struct pf_arena arena;
	int r;

	pf_arena_init(&arena, PF_AGENT_REPORT_MEMORY_MAX);
	r = pf_agent_build_report(agent, PF_AGENT_TOTALS, &arena, &report);
	containers =
		r < 0 ? NULL
		      : pf_arena_array(&arena, report.report.nr_containers, sizeof(*containers));
	if (r == 0 && !containers)
		r = arena.err;
	for (size_t i = 0; r == 0 && i < report.report.nr_containers; i++)
		fill(agent, report.tracks[i], &report.containers[i], &containers[i]);
	if (r == 0)
		r = pf_prometheus_write(
			&report.report, containers, report.report.nr_containers,
			&(struct pf_prometheus_opts){
				.max_containers = (uint32_t)agent->config->metrics_max_containers,
				.min_age_ns = agent->config->metrics_min_age_ns,
				.now_unix_ns = report.report.end_unix_ns,
				.nr_snapshots = agent->nr_snapshots,
				.nr_reports = agent->nr_reports },
			out);
	pf_arena_done(&arena);
	return r;
}
