// SPDX-License-Identifier: Apache-2.0
/*
 * agent_export.c - reports out: to the sinks by the clock, to the API on demand.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "export/push.h"
#include "main/agent.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/log.h"
#include "wire/wire.h"

#define AREA "export"

static int encode(struct pf_agent *agent, unsigned parts, struct pf_buf *out)
{
	struct pf_agent_report report;
	struct pf_arena arena;
	int r;

	pf_arena_init(&arena, PF_AGENT_REPORT_MEMORY_MAX);
	r = pf_agent_build_report(agent, parts, &arena, &report);
	if (r == 0)
		r = pf_agent_encode_report(agent, &report, out);
	pf_arena_done(&arena);
	return r;
}

static bool write_sinks(struct pf_agent *agent, const struct pf_report *report,
			const struct pf_buf *encoded)
{
	static struct pf_log_limit limit = PF_LOG_LIMIT(3, 10 * PF_NS_PER_MIN);
	bool taken = true;

	for (size_t i = 0; i < agent->nr_sinks; i++) {
		struct pf_agent_sink *sink = &agent->sinks[i];
		char error[256] = "";

		if (sink->ops->write(sink->sink, report, encoded, error, sizeof(error)) == 0)
			continue;
		taken = false;
		sink->nr_lost++;
		pf_log_limited(&limit, PF_LOG_ERROR, AREA, "%s: %s", sink->ops->name, error);
	}
	return taken;
}

/* Those that the report had. */
static void drop_kills(struct pf_agent *agent)
{
	size_t nr = 0;

	for (size_t i = 0; i < agent->nr_kills; i++)
		if (agent->kills[i]->waits)
			agent->kills[nr++] = agent->kills[i];
		else
			free(agent->kills[i]);
	agent->nr_kills = nr;
}

static int report_to_sinks(struct pf_agent *agent, unsigned parts, struct pf_arena *arena,
			   struct pf_buf *encoded)
{
	struct pf_agent_report report;
	int r = pf_agent_build_report(agent, parts, arena, &report);

	if (r == 0)
		r = pf_agent_encode_report(agent, &report, encoded);
	if (r < 0)
		return r;
	agent->nr_reports++;
	if (write_sinks(agent, &report.report, encoded)) {
		/* A slice closed by the snapshot just taken ended before it. */
		pf_tracks_taken(agent->tracks, agent->last_snapshot_ns);
		drop_kills(agent);
	}
	return 0;
}

void pf_agent_export(struct pf_agent *agent, bool last)
{
	unsigned parts =
		PF_AGENT_INTERVAL | PF_AGENT_SLICES | PF_AGENT_ADVICE | (last ? PF_AGENT_LAST : 0);
	struct pf_arena arena;
	struct pf_buf encoded;
	int r = 0;

	agent->sequence++;
	pf_arena_init(&arena, PF_AGENT_REPORT_MEMORY_MAX);
	pf_buf_init(&encoded, PF_WIRE_MESSAGE_MAX);
	if (agent->nr_sinks) {
		r = report_to_sinks(agent, parts, &arena, &encoded);
	} else {
		/* Nobody to tell, but histories take what is final. */
		struct pf_agent_report unused;

		r = pf_agent_build_report(agent, parts, &arena, &unused);
		if (r == 0)
			pf_tracks_taken(agent->tracks, agent->last_snapshot_ns);
	}
	if (r < 0)
		pf_log(PF_LOG_ERROR, AREA, "building a report: %s; the next one will tell it all",
		       strerror(-r));
	pf_agent_otlp_push(agent);
	pf_tracks_begin_interval(agent->tracks);
	agent->interval_start_ns = agent->last_snapshot_ns;
	pf_buf_done(&encoded);
	pf_arena_done(&arena);
}

static int encode_status(struct pf_agent *agent, struct pf_buf *out)
{
	struct pf_agent_status status;
	struct pf_arena arena;
	int r;

	pf_arena_init(&arena, PF_AGENT_REPORT_MEMORY_MAX);
	r = pf_agent_build_status(agent, &arena, &status);
	if (r == 0)
		r = pf_wire_encode_status(&status, out);
	pf_arena_done(&arena);
	return r;
}

static int on_view(void *arg, enum pf_api_view view, struct pf_buf *out)
{
	struct pf_agent *agent = arg;

	switch (view) {
	case PF_API_STATUS:
		return encode_status(agent, out);
	case PF_API_REPORT:
		return encode(agent, PF_AGENT_SLICES | PF_AGENT_ADVICE, out);
	case PF_API_REPORT_NO_SLICES:
		return encode(agent, 0, out);
	case PF_API_RECOMMENDATIONS:
		return encode(agent, PF_AGENT_ADVICE, out);
	case PF_API_LEAKS:
		return encode(agent, PF_AGENT_LEAKING, out);
	case PF_API_METRICS:
		return pf_agent_write_metrics(agent, out);
	default:
		return -EOPNOTSUPP;
	}
}

static bool on_ready(void *arg, char *reason, size_t reason_size)
{
	return pf_agent_ready(arg, reason, reason_size);
}

static bool on_started(void *arg)
{
	const struct pf_agent *agent = arg;

	return agent->nr_snapshots > 0;
}

/* The socket's directory is ours to make: /run is empty after every boot. */
static void make_socket_directory(const char *path)
{
	char directory[256];
	const char *slash = strrchr(path, '/');

	if (!slash || slash == path || (size_t)(slash - path) >= sizeof(directory))
		return;
	memcpy(directory, path, (size_t)(slash - path));
	directory[slash - path] = '\0';
	if (pf_file_make_dirs(&pf_sys_real, AT_FDCWD, directory, 0755) < 0)
		pf_log(PF_LOG_DEBUG, AREA, "%s: cannot be made",
		       directory); /* binding will say why */
}

static int open_api(struct pf_agent *agent, char error[PF_AGENT_ERROR_MAX])
{
	const struct pf_api_provider provider = { agent, on_view, on_ready, on_started };
	const char *path = agent->config->api_socket;
	char listen[256], why[300] = "";
	int r = 0;

	if (path[0]) {
		make_socket_directory(path);
		(void)snprintf(listen, sizeof(listen), "unix:%s", path);
		r = pf_api_new(agent->loop, listen, true, &provider, &agent->api, why, sizeof(why));
		if (r < 0)
			(void)snprintf(error, PF_AGENT_ERROR_MAX, "--api.socket=%s: %s", path, why);
	}
	if (r == 0 && agent->config->web_listen_address[0]) {
		r = pf_api_new(agent->loop, agent->config->web_listen_address, false, &provider,
			       &agent->web, why, sizeof(why));
		if (r < 0)
			(void)snprintf(error, PF_AGENT_ERROR_MAX, "--web.listen-address=%s: %s",
				       agent->config->web_listen_address, why);
		else
			pf_log(PF_LOG_INFO, AREA, "metrics and health on %s",
			       pf_api_address(agent->web));
	}
	return r < 0 ? 2 : 0;
}

static void add_sink(struct pf_agent *agent, const struct pf_sink_ops *ops, void *sink)
{
	agent->sinks[agent->nr_sinks++] = (struct pf_agent_sink){ .ops = ops, .sink = sink };
}

static const char *or_null(const char *text)
{
	return text[0] ? text : NULL;
}

static int open_push(struct pf_agent *agent, char error[PF_AGENT_ERROR_MAX])
{
	const struct pf_config *config = agent->config;
	char spool[512] = "", why[300] = "out of memory";
	const struct pf_push_opts opts = {
		.kind = &pf_push_reports,
		.url = config->collector_url,
		.http = { .ca_file = or_null(config->collector_ca_file),
			  .token_file = or_null(config->collector_token_file),
			  .cert_file = or_null(config->collector_cert_file),
			  .key_file = or_null(config->collector_key_file),
			  .insecure = config->collector_insecure },
		.timeout_ns = config->collector_timeout_ns,
		.spool_directory = config->state_directory[0] ? spool : NULL,
		.spool_max_bytes = config->spool_max_bytes,
	};
	void *sink;

	(void)snprintf(spool, sizeof(spool), "%s/spool", config->state_directory);
	if (!pf_http_url_is_valid(config->collector_url)) {
		(void)snprintf(
			error, PF_AGENT_ERROR_MAX,
			"--export.collector.url=%s: not http://HOST[:PORT] or https://HOST[:PORT]",
			config->collector_url);
		return 2;
	}
	if (pf_push_open(agent->loop, &pf_sys_real, &opts, &sink, why, sizeof(why)) < 0) {
		(void)snprintf(error, PF_AGENT_ERROR_MAX, "--export.collector.url: %s", why);
		return 2;
	}
	add_sink(agent, &pf_sink_push, sink);
	return 0;
}

int pf_agent_export_open(struct pf_agent *agent, char error[PF_AGENT_ERROR_MAX])
{
	void *sink;

	if (agent->config->export_file[0]) {
		char why[300] = "";

		if (pf_sink_file_open(&pf_sys_real, agent->config->export_file, &sink, why,
				      sizeof(why)) < 0) {
			(void)snprintf(error, PF_AGENT_ERROR_MAX, "--export.file: %s", why);
			return 2;
		}
		add_sink(agent, &pf_sink_file, sink);
	}
	if (agent->config->collector_url[0]) {
		int code = open_push(agent, error);

		if (code)
			return code;
	}
	if (pf_agent_otlp_open(agent, error))
		return 2;
	return open_api(agent, error);
}

/* Gives sinks that send a moment to get rid of the last report; what stays is in the spool. */
void pf_agent_export_flush(struct pf_agent *agent, uint64_t patience_ns)
{
	uint64_t end_ns = pf_clock_monotonic_ns() + patience_ns;

	for (;;) {
		bool busy = false;
		uint64_t now_ns = pf_clock_monotonic_ns();

		for (size_t i = 0; i < agent->nr_sinks; i++)
			busy = busy || (agent->sinks[i].ops->busy &&
					agent->sinks[i].ops->busy(agent->sinks[i].sink));
		busy = busy || (agent->otlp && pf_sink_push.busy(agent->otlp));
		if (!busy || now_ns >= end_ns)
			return;
		if (pf_loop_run_once(agent->loop, end_ns - now_ns) < 0)
			return;
	}
}

void pf_agent_export_close(struct pf_agent *agent)
{
	pf_api_free(agent->api);
	pf_api_free(agent->web);
	agent->api = agent->web = NULL;
	for (size_t i = 0; i < agent->nr_sinks; i++)
		agent->sinks[i].ops->close(agent->sinks[i].sink);
	agent->nr_sinks = 0;
	pf_agent_otlp_close(agent);
}
