// SPDX-License-Identifier: Apache-2.0
/*
 * agent_capture.c - the capture source, and what it tells, into the table of containers.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "main/agent.h"
#include "sys/clock.h"
#include "sys/log.h"

#define AREA "capture"

static void on_appeared(void *arg, const struct pf_cgroup *cgroup)
{
	static struct pf_log_limit limit = PF_LOG_LIMIT(3, 10 * PF_NS_PER_MIN);
	struct pf_agent *agent = arg;
	struct pf_track *track;
	int r = pf_tracks_appeared(agent->tracks, cgroup, pf_clock_monotonic_ns(),
				   agent->wall_offset_ns, &track);

	if (r == 0) {
		pf_agent_state_appeared(agent, track);
		pf_meta_appeared(agent->meta, cgroup);
	} else
		pf_log_limited(&limit, PF_LOG_WARNING, AREA, "%s: not tracked: %s", cgroup->path,
			       r == -ENOSPC ? "the table is full (--capture.max-containers)"
					    : strerror(-r));
}

static void on_sampled(void *arg, const struct pf_sample *sample)
{
	struct pf_agent *agent = arg;

	if (sample->cpu_weight != PF_UNKNOWN)
		pf_meta_hint(agent->meta, sample->handle, sample->cpu_weight);
	/* -ENOENT: not taken when it appeared; -ENOMEM, -ENOSPC: counted by the table. */
	(void)pf_tracks_sampled(agent->tracks, sample, agent->wall_offset_ns);
	pf_agent_leaks_sampled(agent, sample);
}

static void on_vanished(void *arg, uint64_t handle)
{
	struct pf_agent *agent = arg;
	uint64_t now_ns = pf_clock_monotonic_ns();

	pf_agent_leaks_vanished(agent, handle);
	pf_tracks_vanished(agent->tracks, handle, now_ns, agent->wall_offset_ns);
}

#define KEEP(kill, field)                                                                          \
	((void)snprintf((kill)->field, sizeof((kill)->field), "%s", (kill)->record.field),         \
	 (kill)->record.field = (kill)->field)

static void keep_names(struct pf_agent_kill *kill)
{
	KEEP(kill, container_id);
	KEEP(kill, namespace_name);
	KEEP(kill, pod);
	KEEP(kill, container);
	KEEP(kill, workload);
}

/* A container that is killed in its first minute is known by its path only. */
bool pf_agent_name_kill(struct pf_agent *agent, struct pf_agent_kill *kill)
{
	struct pf_track *track = kill->handle ? pf_tracks_find(agent->tracks, kill->handle) : NULL;
	int r;

	if (track)
		(void)pf_agent_identify(agent, track);
	r = pf_tracks_name_oom(agent->tracks, kill->handle, &kill->record);
	if (r == 0)
		keep_names(kill);
	kill->waits = r == -EAGAIN;
	return !kill->waits;
}

static void on_oom_killed(void *arg, const struct pf_oom_kill *oom)
{
	struct pf_agent *agent = arg;
	struct pf_agent_kill *kill = NULL;

	if (!agent->kills)
		agent->kills = calloc(PF_OOM_EVENTS_MAX, sizeof(struct pf_agent_kill *));
	if (agent->kills && agent->nr_kills < PF_OOM_EVENTS_MAX)
		kill = calloc(1, sizeof(*kill));
	if (!kill) {
		agent->nr_kills_lost++;
		return;
	}
	pf_agent_leaks_oom_killed(agent, oom->handle);
	pf_tracks_oom_killed(agent->tracks, oom, agent->wall_offset_ns, &kill->record);
	kill->handle = oom->handle;
	kill->record.comm = oom->comm;
	keep_names(kill);
	KEEP(kill, comm);
	agent->kills[agent->nr_kills++] = kill;
	pf_log(PF_LOG_INFO, AREA, "OOM kill: %s (pid %u) in %s", kill->comm, oom->pid,
	       kill->container[0] ? kill->container
	       : oom->whole_node  ? "the node as a whole"
				  : "an untracked cgroup");
}

static void on_readable(void *arg, int fd, uint32_t events)
{
	struct pf_agent *agent = arg;
	int r = agent->capture_ops->dispatch(agent->capture);

	(void)fd;
	(void)events;
	if (r < 0) {
		static struct pf_log_limit limit = PF_LOG_LIMIT(3, 10 * PF_NS_PER_MIN);

		pf_log_limited(&limit, PF_LOG_WARNING, AREA, "reading events: %s", strerror(-r));
	}
}

static struct pf_capture_opts options_of(struct pf_agent *agent)
{
	const struct pf_config *config = agent->config;

	return (struct pf_capture_opts){
		.cgroup_root = config->cgroup_root,
		.proc_root = config->path_procfs,
		.replay_path = config->capture_replay_file[0] ? config->capture_replay_file : NULL,
		.max_containers = (uint32_t)config->capture_max_containers,
		.interval_ns = agent->interval_ns,
		.growth_stacks = config->capture_growth_stacks,
		.fresh_memory = config->time_scale > 1,
		.cpu_budget_ratio = config->capture_cpu_budget,
		.classify = pf_cgroup_classify,
		.classify_arg = &agent->rules,
		.sink = { .arg = agent,
			  .appeared = on_appeared,
			  .sampled = on_sampled,
			  .vanished = on_vanished,
			  .oom_killed = on_oom_killed },
	};
}

static int open_source(struct pf_agent *agent, const char *name, char *error, size_t error_size)
{
	const struct pf_capture_opts opts = options_of(agent);
	const struct pf_capture_ops *ops = pf_capture_find(name);
	int r;

	if (!ops) {
		(void)snprintf(error, error_size, "this build has no such source");
		return -EOPNOTSUPP;
	}
	r = ops->open(&opts, &agent->capture, error, error_size);
	if (r < 0)
		return r;
	agent->capture_ops = ops;
	return 0;
}

static int exit_code_of(int r)
{
	if (r == -EINVAL)
		return 2;
	if (r == -EBADMSG)
		return 5; /* a damaged recording */
	return r == -EPERM || r == -EACCES || r == -EOPNOTSUPP || r == -ENOENT ? 4 : 1;
}

static int open_auto(struct pf_agent *agent, char error[PF_AGENT_ERROR_MAX])
{
	char why[300] = "", why_files[160] = "";
	int r = open_source(agent, "bpf", why, sizeof(why));

	if (r == 0)
		return 0;
	pf_log(PF_LOG_WARNING, AREA,
	       "bpf: %s; reading cgroup files instead, so that latencies, 100 ms windows and "
	       "memory peaks are missing",
	       why);
	r = open_source(agent, "cgroupfs", why_files, sizeof(why_files));
	if (r < 0)
		(void)snprintf(error, PF_AGENT_ERROR_MAX, "no source works: bpf: %s; cgroupfs: %s",
			       why, why_files);
	return r;
}

static void log_signals(const struct pf_agent *agent)
{
	const struct pf_signal_state *signals = agent->capture_ops->signals(agent->capture);

	for (size_t i = 0; i < PF_NR_SIGNALS; i++)
		if (!signals[i].on)
			pf_log(PF_LOG_WARNING, AREA, "%s is off: %s", pf_signal_name(i),
			       signals[i].reason);
}

int pf_agent_capture_open(struct pf_agent *agent, char error[PF_AGENT_ERROR_MAX])
{
	const char *source = agent->config->capture_source;
	char why[400] = "";
	int r, fd;

	agent->rules.units_with_pods = agent->config->capture_units;
	r = pf_cgroup_rules_detect(&agent->rules, agent->config->cgroup_root);

	if (r < 0) {
		(void)snprintf(error, PF_AGENT_ERROR_MAX,
			       "%s: %s; mount the host's cgroups there, or tell where they are "
			       "with --cgroup.root",
			       agent->config->cgroup_root, strerror(-r));
		return 4;
	}
	agent->wall_offset_ns = pf_clock_wall_ns() - (int64_t)pf_clock_monotonic_ns();
	if (!strcmp(source, "auto")) {
		r = open_auto(agent, error);
	} else {
		r = open_source(agent, source, why, sizeof(why));
		if (r < 0)
			(void)snprintf(error, PF_AGENT_ERROR_MAX, "capture.source=%s: %s", source,
				       why);
	}
	if (r < 0)
		return exit_code_of(r);
	fd = agent->capture_ops->fd(agent->capture);
	if (fd >= 0)
		r = pf_loop_add_fd(agent->loop, fd, EPOLLIN, on_readable, agent,
				   &agent->capture_watch);
	if (r < 0) {
		(void)snprintf(error, PF_AGENT_ERROR_MAX, "waiting for events: %s", strerror(-r));
		return 1;
	}
	pf_log(PF_LOG_INFO, AREA, "source %s", agent->capture_ops->name);
	log_signals(agent);
	return 0;
}

/*
 * The wall clock may be set while we run. Set forward it is just followed; set back, what was learned would lie in the future
 * and outweigh all that comes, so it moves, too.
 */
static void follow_wall_clock(struct pf_agent *agent, uint64_t now_ns)
{
	static struct pf_log_limit limit = PF_LOG_LIMIT(3, 10 * PF_NS_PER_MIN);
	int64_t offset_ns = pf_clock_wall_ns() - (int64_t)now_ns,
		back_ns = agent->wall_offset_ns - offset_ns;

	agent->wall_offset_ns = offset_ns;
	if (back_ns < (int64_t)PF_NS_PER_S)
		return;
	agent->nr_clock_set_back++;
	pf_log_limited(&limit, PF_LOG_WARNING, AREA,
		       "the clock was set back by %lld s: what is known moves with it",
		       (long long)(back_ns / (int64_t)PF_NS_PER_S));
	if (pf_histories_rebase(agent->histories, (int64_t)now_ns + offset_ns) < 0)
		pf_log_limited(
			&limit, PF_LOG_WARNING, AREA,
			"out of memory: histories from before the clock was set back stay in "
			"the future until the next start");
}

void pf_agent_snapshot(struct pf_agent *agent)
{
	static struct pf_log_limit limit = PF_LOG_LIMIT(3, 10 * PF_NS_PER_MIN);
	uint64_t now_ns = pf_clock_monotonic_ns();
	int r;

	follow_wall_clock(agent, now_ns);
	r = agent->capture_ops->snapshot(agent->capture, now_ns);
	if (r < 0) {
		pf_log_limited(&limit, PF_LOG_WARNING, AREA,
			       "snapshot: %s, trying again in %llu ms", strerror(-r),
			       (unsigned long long)(agent->interval_ns / PF_NS_PER_MS));
		return;
	}
	agent->prev_snapshot_ns = agent->last_snapshot_ns;
	agent->last_snapshot_ns = now_ns;
	agent->nr_snapshots++;
}

void pf_agent_capture_close(struct pf_agent *agent)
{
	pf_watch_free(agent->capture_watch);
	agent->capture_watch = NULL;
	if (agent->capture_ops)
		agent->capture_ops->close(agent->capture);
	agent->capture = NULL;
	for (size_t i = 0; i < agent->nr_kills; i++)
		free(agent->kills[i]);
	free(agent->kills);
	agent->kills = NULL;
	agent->nr_kills = 0;
}
