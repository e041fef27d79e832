// SPDX-License-Identifier: Apache-2.0
/*
 * agent_meta.c - who the containers are.
 */
#include <stdio.h>
#include <string.h>

#include "main/agent.h"
#include "sys/clock.h"
#include "sys/log.h"

#define TICK_NS (5 * PF_NS_PER_S)

static void on_tick(void *arg, uint64_t now_ns)
{
	struct pf_agent *agent = arg;

	pf_podmap_tick(agent->pods, now_ns);
}

int pf_agent_meta_open(struct pf_agent *agent, char error[PF_AGENT_ERROR_MAX])
{
	uint32_t max = (uint32_t)agent->config->capture_max_containers;
	const struct pf_podmap_opts opts = { .max_pods = max,
					     .max_cgroups = 4 * max,
					     .listless = true };
	int r = pf_podmap_new(&opts, &agent->pods);

	if (r == 0)
		r = pf_loop_add_timer(agent->loop, TICK_NS, TICK_NS, on_tick, agent,
				      &agent->pods_timer);
	if (r < 0) {
		(void)snprintf(error, PF_AGENT_ERROR_MAX, "pods: %s", strerror(-r));
		return 1;
	}
	return 0;
}

bool pf_agent_identify(struct pf_agent *agent, struct pf_track *track)
{
	enum pf_meta_answer answer = pf_podmap_lookup(agent->pods, &track->cgroup,
						      pf_clock_monotonic_ns(), &track->identity);

	track->pending = answer == PF_META_PENDING;
	return answer != PF_META_PENDING && answer != PF_META_SANDBOX;
}

const char *pf_agent_meta_source(const struct pf_agent *agent)
{
	(void)agent;
	return "none";
}

void pf_agent_meta_close(struct pf_agent *agent)
{
	pf_podmap_free(agent->pods);
	agent->pods = NULL;
}
