// SPDX-License-Identifier: Apache-2.0
/*
 * agent_state.c - what survives a restart, read at the start and written every few minutes and at
 * the end.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "main/agent.h"
#include "store/checkpoint.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/log.h"

#define AREA "state"
/* 5 min: what a crash may cost, against a write of some hundred KiB. */
#define SAVE_NS (5 * PF_NS_PER_MIN)

static struct pf_checkpoint_parts parts_of(const struct pf_agent *agent)
{
	return (struct pf_checkpoint_parts){ .histories = agent->histories,
					     .leaks = pf_agent_leak_book(agent),
					     .tracks = agent->tracks,
					     .now_ns = pf_clock_monotonic_ns(),
					     .now_unix_ns = pf_clock_wall_ns() };
}

void pf_agent_state_save(struct pf_agent *agent)
{
	static struct pf_log_limit limit = PF_LOG_LIMIT(2, 30 * PF_NS_PER_MIN);
	const struct pf_checkpoint_parts parts = parts_of(agent);
	int r;

	if (!agent->config->state_directory[0])
		return;
	r = pf_checkpoint_save(&pf_sys_real, agent->config->state_directory, &parts);
	if (r < 0)
		pf_log_limited(&limit, PF_LOG_ERROR, AREA,
			       "%s: %s; the checkpoint of before stays, a restart would lose what "
			       "came since",
			       agent->config->state_directory, strerror(-r));
}

static void on_save(void *arg, uint64_t now_ns)
{
	(void)now_ns;
	pf_agent_state_save(arg);
}

int pf_agent_state_open(struct pf_agent *agent, char error[PF_AGENT_ERROR_MAX])
{
	const char *directory = agent->config->state_directory;
	const struct pf_checkpoint_parts parts = parts_of(agent);
	char why[400] = "";
	int r;

	if (!directory[0])
		return 0;
	r = pf_file_make_dirs(&pf_sys_real, AT_FDCWD, directory, 0750);
	if (r < 0) {
		(void)snprintf(error, PF_AGENT_ERROR_MAX, "--state.directory=%s: %s", directory,
			       strerror(-r));
		return 2;
	}
	r = pf_checkpoint_load(&pf_sys_real, directory, &parts, &agent->feeds, why, sizeof(why));
	if (r >= 0)
		pf_log(PF_LOG_INFO, AREA, "%d histories from before", r);
	else if (r != -ENOENT)
		pf_log(PF_LOG_ERROR, AREA, "%s; starting without history", why);
	r = pf_loop_add_timer(agent->loop, SAVE_NS, SAVE_NS, on_save, agent, NULL);
	if (r < 0)
		(void)snprintf(error, PF_AGENT_ERROR_MAX, "state: %s", strerror(-r));
	return r < 0 ? 1 : 0;
}

void pf_agent_state_appeared(struct pf_agent *agent, struct pf_track *track)
{
	pf_checkpoint_feed(agent->feeds, track);
}

void pf_agent_state_close(struct pf_agent *agent)
{
	pf_checkpoint_feeds_free(agent->feeds);
	agent->feeds = NULL;
}
