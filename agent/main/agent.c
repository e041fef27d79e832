// SPDX-License-Identifier: Apache-2.0
#include "main/agent.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "main/caps.h"
#include "sys/clock.h"
#include "sys/log.h"

#define AREA "agent"

/* The first snapshot after the baseline comes early, so that there is something to see. */
#define FIRST_SNAPSHOT_NS (500 * PF_NS_PER_MS)
/* Fast-forward: samples are not closer together than this. */
#define SHORTEST_INTERVAL_NS (100 * PF_NS_PER_MS)
/* What stopping may cost beyond the last snapshot: Kubernetes waits 30 s by default. */
#define FLUSH_NS	   (5 * PF_NS_PER_S)
#define SHORTEST_REPORT_NS (1 * PF_NS_PER_S)

static void on_snapshot(void *arg, uint64_t now_ns)
{
	(void)now_ns;
	pf_agent_snapshot(arg);
}

static void on_report(void *arg, uint64_t now_ns)
{
	(void)now_ns;
	pf_agent_export(arg, false);
}

static void on_stop_timer(void *arg, uint64_t now_ns)
{
	struct pf_agent *agent = arg;

	(void)now_ns;
	pf_log(PF_LOG_INFO, AREA, "the run's time is over, stopping");
	pf_loop_stop(agent->loop, 0);
}

static void on_stop_signal(void *arg, int signo)
{
	struct pf_agent *agent = arg;

	pf_log(PF_LOG_INFO, AREA, "%s, stopping", strsignal(signo));
	pf_loop_stop(agent->loop, 0);
}

static void on_reload_signal(void *arg, int signo)
{
	(void)signo;
	pf_agent_reload_policy(arg);
}

static uint64_t scaled(uint64_t ns, double scale, uint64_t shortest_ns)
{
	uint64_t shorter = (uint64_t)((double)ns / scale);

	return scale > 1 ? PF_MIN(ns, PF_MAX(shorter, shortest_ns)) : ns;
}

static int add_timers(struct pf_agent *agent)
{
	const struct pf_config *config = agent->config;
	uint64_t report_ns =
		scaled(config->export_interval_ns, config->time_scale, SHORTEST_REPORT_NS);
	int r = pf_loop_add_timer(agent->loop, PF_MIN(FIRST_SNAPSHOT_NS, agent->interval_ns),
				  agent->interval_ns, on_snapshot, agent, &agent->snapshot_timer);

	if (r == 0)
		r = pf_loop_add_timer(agent->loop, report_ns, report_ns, on_report, agent,
				      &agent->report_timer);
	if (r == 0 && config->run_duration_ns)
		r = pf_loop_add_timer(agent->loop, config->run_duration_ns, 0, on_stop_timer, agent,
				      &agent->stop_timer);
	if (r == 0)
		r = pf_loop_add_signal(agent->loop, SIGTERM, on_stop_signal, agent);
	if (r == 0)
		r = pf_loop_add_signal(agent->loop, SIGINT, on_stop_signal, agent);
	if (r == 0)
		r = pf_loop_add_signal(agent->loop, SIGHUP, on_reload_signal, agent);
	return r;
}

static int drop_rights(struct pf_agent *agent, char error[PF_AGENT_ERROR_MAX])
{
	const struct pf_config *config = agent->config;
	char keep[512], kept[512], why[200];
	int r;

	/* Symbols of another user's process are read through /proc/PID/root and maps. */
	(void)snprintf(keep, sizeof(keep), "%s%s", config->caps_keep,
		       config->capture_growth_stacks ? ",cap_sys_ptrace" : "");
	r = pf_caps_drop(keep, kept, sizeof(kept), why, sizeof(why));
	if (r < 0) {
		(void)snprintf(error, PF_AGENT_ERROR_MAX, "--caps.keep: %s", why);
		return r == -EINVAL ? 2 : 1;
	}
	pf_log(PF_LOG_INFO, AREA, "capabilities kept: %s", kept);
	return 0;
}

static void on_dropped(void *arg, struct pf_track *track)
{
	struct pf_agent *agent = arg;

	pf_agent_remember_last(agent, track);
	pf_meta_forget(agent->meta, track->cgroup.handle);
}

static int start(struct pf_agent *agent, char error[PF_AGENT_ERROR_MAX])
{
	const struct pf_config *config = agent->config;
	struct pf_vpa_settings vpa;
	int r, code;

	pf_vpa_settings_default(&vpa);
	agent->started_ns = pf_clock_monotonic_ns();
	agent->interval_start_ns = agent->started_ns;
	agent->interval_ns =
		scaled(config->capture_interval_ns, config->time_scale, SHORTEST_INTERVAL_NS);
	r = pf_node_read(config->node_name, config->path_procfs, &agent->node);
	if (r == 0)
		r = pf_loop_new(&agent->loop);
	if (r == 0)
		r = pf_tracks_new(
			&(struct pf_tracks_opts){
				/* as many ended ones may wait to be taken */
				.max_tracks = 2 * (uint32_t)config->capture_max_containers,
				.run_id = agent->node.run_id,
				.time_scale = config->time_scale,
				.vpa = &vpa,
				.arg = agent,
				.dropped = on_dropped },
			&agent->tracks);
	if (r < 0) {
		(void)snprintf(error, PF_AGENT_ERROR_MAX, "starting: %s", strerror(-r));
		return 1;
	}
	code = pf_agent_advice_open(agent, error);
	if (code == 0)
		code = pf_agent_leaks_open(agent, error);
	if (code == 0)
		code = pf_agent_state_open(agent, error);
	if (code == 0)
		code = pf_agent_meta_open(agent, error);
	if (code == 0)
		code = pf_agent_export_open(agent, error);
	if (code == 0)
		code = pf_agent_capture_open(agent, error);
	if (code == 0)
		code = drop_rights(agent, error);
	if (code)
		return code;
	r = add_timers(agent);
	if (r < 0) {
		(void)snprintf(error, PF_AGENT_ERROR_MAX, "starting: %s", strerror(-r));
		return 1;
	}
	return 0;
}

static void stop(struct pf_agent *agent)
{
	pf_agent_export_close(agent);
	pf_agent_capture_close(agent);
	pf_tracks_free(agent->tracks);
	pf_agent_state_close(agent);
	pf_agent_leaks_close(agent);
	pf_agent_advice_close(agent);
	pf_agent_meta_close(agent);
	pf_loop_free(agent->loop);
}

int pf_agent_run(const struct pf_config *config, char error[PF_AGENT_ERROR_MAX])
{
	struct pf_agent agent = { .config = config };
	int code = start(&agent, error);

	if (code == 0) {
		pf_log(PF_LOG_INFO, AREA, "podfit-agent %s on %s, kernel %s", PF_VERSION,
		       agent.node.name, agent.node.kernel_release);
		code = pf_loop_run(agent.loop);
		if (code < 0) {
			(void)snprintf(error, PF_AGENT_ERROR_MAX, "waiting: %s", strerror(-code));
			code = 1;
		}
		pf_agent_snapshot(&agent);
		pf_meta_settle(agent.meta);
		pf_agent_export(&agent, true);
		pf_agent_state_save(&agent);
		pf_agent_export_flush(&agent, FLUSH_NS);
		for (size_t i = 0; i < agent.nr_sinks && code == 0; i++) {
			if (!agent.sinks[i].nr_lost)
				continue;
			(void)snprintf(error, PF_AGENT_ERROR_MAX,
				       "%llu reports were lost by sink %s",
				       (unsigned long long)agent.sinks[i].nr_lost,
				       agent.sinks[i].ops->name);
			code = 1;
		}
	}
	stop(&agent);
	return code;
}
