// SPDX-License-Identifier: Apache-2.0
/*
 * agent_advice.c - from slices to histories, from histories to recommendations.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/recommend.h"
#include "main/agent.h"
#include "main/process.h"
#include "sys/clock.h"
#include "sys/log.h"

#define AREA "advice"
/* A start script has become the real program by then. */
#define FIRST_LOOK_NS (5 * PF_NS_PER_S)
#define LATER_LOOK_NS (10 * PF_NS_PER_MIN)

int pf_agent_advice_open(struct pf_agent *agent, char error[PF_AGENT_ERROR_MAX])
{
	const char *path = agent->config->policy_file;
	char why[400];
	int r = pf_histories_new(2 * (uint32_t)agent->config->capture_max_containers,
				 &agent->histories);

	if (r < 0) {
		(void)snprintf(error, PF_AGENT_ERROR_MAX, "histories: %s", strerror(-r));
		return 1;
	}
	if (!path[0])
		return 0;
	r = pf_policy_load(path, &agent->policy, why, sizeof(why));
	if (r < 0) {
		(void)snprintf(error, PF_AGENT_ERROR_MAX, "--policy.file: %s", why);
		return 2;
	}
	return 0;
}

void pf_agent_reload_policy(struct pf_agent *agent)
{
	const char *path = agent->config->policy_file;
	struct pf_policy *policy;
	char why[400];

	if (!path[0])
		return;
	if (pf_policy_load(path, &policy, why, sizeof(why)) < 0) {
		pf_log(PF_LOG_ERROR, AREA, "policy not changed, the old one holds: %s", why);
		return;
	}
	pf_policy_free(agent->policy);
	agent->policy = policy;
	pf_log(PF_LOG_INFO, AREA, "policy read again: %zu rules", pf_policy_nr_rules(policy));
}

void pf_agent_advice_close(struct pf_agent *agent)
{
	pf_histories_free(agent->histories);
	pf_policy_free(agent->policy);
	agent->histories = NULL;
	agent->policy = NULL;
}

static void take(struct pf_agent *agent, struct pf_track *track, const struct pf_slice *slice)
{
	struct pf_slice moved = *slice; /* of before the clock was set back, maybe */

	pf_slice_rebase(&moved, pf_clock_wall_ns());
	if (pf_history_take(track->history, track->instance, &moved, pf_clock_monotonic_ns()) < 0)
		agent->nr_slices_forgotten++;
}

/* Slices that were closed since the last time; the open one too if the track goes. */
static void remember(struct pf_agent *agent, struct pf_track *track, bool all)
{
	struct pf_slices *slices = &track->slices;

	for (uint32_t i = 0; i < slices->nr_closed; i++) {
		if (slices->remembered[i])
			continue;
		take(agent, track, slices->closed[i]);
		slices->remembered[i] = true;
	}
	if (all && slices->open)
		take(agent, track, slices->open);
}

void pf_agent_remember_last(struct pf_agent *agent, struct pf_track *track)
{
	if (track->history)
		remember(agent, track, true);
}

static void examine(struct pf_agent *agent, struct pf_track *track)
{
	uint64_t now_ns = pf_clock_monotonic_ns();
	struct pf_process process;

	if (track->ended_ns != PF_UNKNOWN || now_ns < track->first_seen_ns + FIRST_LOOK_NS ||
	    (track->examined_ns && now_ns < track->examined_ns + LATER_LOOK_NS))
		return;
	if (pf_process_examine(agent->config->cgroup_root, agent->config->path_procfs,
			       track->cgroup.path, &process) < 0)
		return;
	track->examined_ns = now_ns;
	track->runtime = process.runtime;
	memcpy(track->executable, process.executable, sizeof(track->executable));
	free(track->command_line);
	track->command_line = process.command_line;
}

void pf_agent_settle(struct pf_agent *agent, struct pf_track *track)
{
	char key[PF_HISTORY_KEY_MAX];
	struct pf_history *history;

	examine(agent, track);
	pf_history_key(&track->identity, key);
	if (!track->history || strcmp(track->history->key, key)) {
		if (pf_histories_get(agent->histories, key, pf_clock_monotonic_ns(), &history) < 0)
			return; /* counted; it is reported without a recommendation */
		if (track->history)
			track->history->nr_living--;
		history->nr_living++;
		track->history = history;
		pf_agent_leaks_named(agent, track);
	}
	remember(agent, track, false);
}

/* What is known by now, the hours that are still open included. */
static int gather(struct pf_agent *agent, const struct pf_history *history,
		  struct pf_evidence **ret_evidence, unsigned *ret_nr_replicas)
{
	PF_AUTO(pf_evidence_freep) struct pf_evidence *evidence = NULL;
	struct pf_track *track;
	int r = pf_history_evidence(history, &evidence);

	*ret_nr_replicas = 0;
	pf_tracks_for_each(agent->tracks, cursor, track)
	{
		if (r < 0 || track->history != history)
			continue;
		*ret_nr_replicas += track->ended_ns == PF_UNKNOWN;
		if (track->slices.open)
			r = pf_evidence_add_slice(evidence,
						  pf_evidence_instance_id(track->instance),
						  track->slices.open);
	}
	if (r < 0)
		return r;
	*ret_evidence = pf_take(evidence);
	return 0;
}

static unsigned containers_of_pod(const struct pf_agent *agent, const struct pf_track *track)
{
	struct pf_track *other;
	unsigned nr = 0;

	if (!track->identity.pod_uid[0])
		return 1;
	pf_tracks_for_each(agent->tracks, cursor, other) nr +=
		other->ended_ns == PF_UNKNOWN && other->identity.type == PF_CONTAINER_MAIN &&
		!strcmp(other->identity.pod_uid, track->identity.pod_uid);
	return PF_MAX(nr, 1u);
}

/* What the kernel enforces stands in for what nobody has told. */
static struct pf_resources present_of(const struct pf_track *track)
{
	const struct pf_enforced *enforced = &track->enforced;
	struct pf_resources present = track->identity.spec;

	if (track->identity.actual.cpu_request_millicores != PF_UNKNOWN)
		present = track->identity.actual;
	if (present.cpu_limit_millicores == PF_UNKNOWN && enforced->cfs_quota_us == PF_NO_LIMIT)
		present.cpu_limit_millicores = PF_NO_LIMIT;
	else if (present.cpu_limit_millicores == PF_UNKNOWN &&
		 enforced->cfs_quota_us != PF_UNKNOWN && enforced->cfs_period_us < PF_NO_LIMIT &&
		 enforced->cfs_period_us)
		present.cpu_limit_millicores =
			enforced->cfs_quota_us * 1000 / enforced->cfs_period_us;
	if (present.memory_limit_bytes == PF_UNKNOWN)
		present.memory_limit_bytes = enforced->memory_limit_bytes;
	return present;
}

int pf_agent_advise(struct pf_agent *agent, struct pf_track *track,
		    const struct pf_leak_finding *leak, struct pf_arena *arena,
		    const struct pf_recommendation **ret_recommendation)
{
	PF_AUTO(pf_evidence_freep) struct pf_evidence *evidence = NULL;
	struct pf_recommendation *recommendation;
	struct pf_recommend_input input;
	struct pf_rules rules;
	int r;

	*ret_recommendation = NULL;
	if (!track->history)
		return 0;
	pf_recommend_input_clear(&input);
	r = gather(agent, track->history, &evidence, &input.nr_replicas);
	if (r < 0)
		return r;
	pf_policy_rules(agent->policy, &track->identity, &rules);
	input.evidence = evidence;
	input.rules = &rules;
	input.present = present_of(track);
	input.nr_vpa_containers = containers_of_pod(agent, track);
	input.hpa_on_cpu = track->identity.hpa_on_cpu;
	input.hpa_on_memory = track->identity.hpa_on_memory;
	input.leak = leak;
	input.runtime = track->runtime;
	input.command_line = track->command_line;
	if (agent->node.nr_cpus)
		input.node_cpu_millicores = agent->node.nr_cpus * 1000ull;
	input.node_memory_bytes = agent->node.memory_total_bytes;
	input.time_scale = agent->config->time_scale;
	recommendation = pf_arena_alloc(arena, sizeof(*recommendation));
	if (!recommendation)
		return arena->err;
	r = pf_recommend(&input, arena, recommendation);
	if (r < 0)
		return r;
	track->history->verdict =
		recommendation->nr_findings ? recommendation->findings[0].verdict : PF_VERDICT_NONE;
	const struct pf_policy_result *result =
		pf_policy_result_of(recommendation, recommendation->policy);

	track->history->advised = result != NULL;
	if (result) {
		track->history->cpu = result->cpu;
		track->history->memory = result->memory;
	}
	*ret_recommendation = recommendation;
	return 0;
}

const struct pf_recommendation *pf_agent_verdict_only(const struct pf_track *track,
						      struct pf_arena *arena)
{
	struct pf_recommendation *recommendation;
	struct pf_finding *finding;

	if (!track->history || track->history->verdict == PF_VERDICT_NONE)
		return NULL;
	recommendation = pf_arena_alloc(arena, sizeof(*recommendation));
	finding = pf_arena_alloc(arena, sizeof(*finding));
	if (!recommendation || !finding)
		return NULL;
	pf_recommendation_clear(recommendation);
	finding->verdict = track->history->verdict;
	recommendation->findings = finding;
	recommendation->nr_findings = 1;
	return recommendation;
}
