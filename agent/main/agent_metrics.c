// SPDX-License-Identifier: Apache-2.0
/*
 * agent_metrics.c - the table of containers as metrics: on GET /metrics, and pushed by OTLP.
 */
#include <errno.h>
#include <string.h>

#include "export/otlp.h"
#include "export/prometheus.h"
#include "export/push.h"
#include "main/agent.h"
#include "sys/log.h"
#include "wire/wire.h"

#define AREA "otlp"
/* Points of a minute and of 500 containers are some 100 KB packed. Later ones tell more than those
 * that wait, so it is a bridge over minutes, and in memory. */
#define WAITING_MAX (8 << 20)

static void fill(struct pf_agent *agent, const struct pf_track *track,
		 const struct pf_report_container *container, struct pf_metrics_container *to)
{
	static const uint32_t none[PF_LATENCY_BUCKETS];
	const struct pf_history *history = track->history;

	*to = (struct pf_metrics_container){
		.container = container,
		.waits = !track->waits_known ? NULL
			 : track->waits	     ? track->waits->total
					     : none,
		.cpu = history && history->advised ? &history->cpu : NULL,
		.memory = history && history->advised ? &history->memory : NULL,
		.leak = pf_agent_leak_state(agent, track),
	};
}

/* What is needed of the agent while metrics are written. */
struct gathered {
	struct pf_agent_report report;
	struct pf_metrics_opts opts;
	struct pf_metrics metrics;
};

static int gather(struct pf_agent *agent, struct pf_arena *arena, struct gathered *to)
{
	struct pf_metrics_container *containers;
	const struct pf_report *report = &to->report.report;
	int r = pf_agent_build_report(agent, PF_AGENT_TOTALS, arena, &to->report);

	if (r < 0)
		return r;
	containers = pf_arena_array(arena, report->nr_containers, sizeof(*containers));
	if (!containers)
		return arena->err;
	for (size_t i = 0; i < report->nr_containers; i++)
		fill(agent, to->report.tracks[i], &to->report.containers[i], &containers[i]);
	to->opts =
		(struct pf_metrics_opts){ .max_containers =
						  (uint32_t)agent->config->metrics_max_containers,
					  .min_age_ns = agent->config->metrics_min_age_ns,
					  .now_unix_ns = report->end_unix_ns,
					  .nr_snapshots = agent->nr_snapshots,
					  .nr_reports = agent->nr_reports };
	pf_metrics_select(report, containers, report->nr_containers, &to->opts, &to->metrics);
	return 0;
}

int pf_agent_write_metrics(struct pf_agent *agent, struct pf_buf *out)
{
	struct gathered gathered;
	struct pf_arena arena;
	int r;

	pf_arena_init(&arena, PF_AGENT_REPORT_MEMORY_MAX);
	r = gather(agent, &arena, &gathered);
	if (r == 0)
		r = pf_prometheus_write(&gathered.metrics, out);
	pf_arena_done(&arena);
	return r;
}

int pf_agent_otlp_open(struct pf_agent *agent, char error[PF_AGENT_ERROR_MAX])
{
	const struct pf_config *config = agent->config;
	const struct pf_push_opts opts = {
		.kind = &pf_push_metrics,
		.url = config->otlp_url,
		.http = { .ca_file = config->otlp_ca_file[0] ? config->otlp_ca_file : NULL,
			  .token_file =
				  config->otlp_token_file[0] ? config->otlp_token_file : NULL },
		.timeout_ns = config->collector_timeout_ns,
		.spool_max_bytes = WAITING_MAX,
	};
	char why[300] = "out of memory";

	if (!config->otlp_url[0])
		return 0;
	if (!pf_http_url_is_valid(config->otlp_url)) {
		(void)snprintf(
			error, PF_AGENT_ERROR_MAX,
			"--export.otlp.url=%s: not http://HOST[:PORT] or https://HOST[:PORT]",
			config->otlp_url);
		return 2;
	}
	if (pf_push_open(agent->loop, &pf_sys_real, &opts, &agent->otlp, why, sizeof(why)) < 0) {
		(void)snprintf(error, PF_AGENT_ERROR_MAX, "--export.otlp.url: %s", why);
		return 2;
	}
	return 0;
}

void pf_agent_otlp_push(struct pf_agent *agent)
{
	static struct pf_log_limit limit = PF_LOG_LIMIT(3, 10 * PF_NS_PER_MIN);
	struct gathered gathered;
	struct pf_arena arena;
	struct pf_buf encoded;
	char error[256] = "";
	int r;

	if (!agent->otlp)
		return;
	pf_arena_init(&arena, PF_AGENT_REPORT_MEMORY_MAX);
	pf_buf_init(&encoded, PF_WIRE_MESSAGE_MAX);
	r = gather(agent, &arena, &gathered);
	if (r == 0)
		r = pf_otlp_write(&gathered.metrics, &arena, &encoded);
	if (r < 0)
		(void)snprintf(error, sizeof(error), "%s", strerror(-r));
	else
		r = pf_sink_push.write(agent->otlp, &gathered.report.report, &encoded, error,
				       sizeof(error));
	if (r < 0)
		pf_log_limited(&limit, PF_LOG_ERROR, AREA, "metrics were not sent: %s", error);
	pf_buf_done(&encoded);
	pf_arena_done(&arena);
}

void pf_agent_otlp_close(struct pf_agent *agent)
{
	pf_sink_push.close(agent->otlp);
	agent->otlp = NULL;
}
