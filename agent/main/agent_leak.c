// SPDX-License-Identifier: Apache-2.0
/*
 * agent_leak.c - leaks: the detector fed with every sample; a closer look at suspects.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/leak_book.h"
#include "main/agent.h"
#include "main/agent_suspect.h"
#include "sys/clock.h"
#include "sys/log.h"

#define AREA "leak"

enum {
	SUSPECTS_MAX =
		16, /* attributed at once; further ones are told without processes and stacks */
};

struct pf_agent_leaks {
	struct pf_leak_book *book;
	int64_t clock_offset_ns; /* wall clock less CLOCK_MONOTONIC at the start: the book's clock */
	struct pf_suspect *suspects[SUSPECTS_MAX];
	struct pf_suspect_roots roots;
	uint64_t nr_unattributed;
};

static int open_directory(const char *root, const char *name)
{
	char path[600];

	(void)snprintf(path, sizeof(path), "%s%s", root, name);
	return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

int pf_agent_leaks_open(struct pf_agent *agent, char error[PF_AGENT_ERROR_MAX])
{
	const struct pf_config *config = agent->config;
	struct pf_agent_leaks *leaks = calloc(1, sizeof(*leaks));
	struct pf_leak_options options;
	int r = -ENOMEM;

	agent->leaks = leaks;
	if (leaks) {
		leaks->clock_offset_ns = pf_clock_wall_ns() - (int64_t)pf_clock_monotonic_ns();
		leaks->roots.proc_fd = open_directory(config->path_procfs, "");
		leaks->roots.cgroup_fd = open_directory(config->cgroup_root, "/memory");
		if (leaks->roots.cgroup_fd < 0)
			leaks->roots.cgroup_fd = open_directory(config->cgroup_root, "");
		pf_leak_options_init(agent->interval_ns, config->time_scale, &options);
		r = pf_leak_book_new(2 * config->capture_max_containers, &options, &leaks->book);
	}
	if (r < 0) {
		(void)snprintf(error, PF_AGENT_ERROR_MAX, "leaks: %s", strerror(-r));
		return 1;
	}
	return 0;
}

void pf_agent_leaks_close(struct pf_agent *agent)
{
	struct pf_agent_leaks *leaks = agent->leaks;

	if (!leaks)
		return;
	for (size_t i = 0; i < SUSPECTS_MAX; i++)
		free(leaks->suspects[i]);
	pf_closep(&leaks->roots.proc_fd);
	pf_closep(&leaks->roots.cgroup_fd);
	pf_leak_book_free(leaks->book);
	free(leaks);
	agent->leaks = NULL;
}

static struct pf_suspect **place_of(struct pf_agent_leaks *leaks, uint64_t handle)
{
	for (size_t i = 0; i < SUSPECTS_MAX; i++)
		if (leaks->suspects[i] && pf_suspect_handle(leaks->suspects[i]) == handle)
			return &leaks->suspects[i];
	return NULL;
}

static void begin_suspicion(struct pf_agent *agent, const struct pf_track *track)
{
	struct pf_agent_leaks *leaks = agent->leaks;

	if (place_of(leaks, track->cgroup.handle))
		return;
	for (size_t i = 0; i < SUSPECTS_MAX; i++) {
		if (leaks->suspects[i])
			continue;
		leaks->suspects[i] = pf_suspect_begin(agent, track->cgroup.handle);
		if (!leaks->suspects[i])
			break;
		return;
	}
	leaks->nr_unattributed++;
}

static void end_suspicion(struct pf_agent *agent, uint64_t handle)
{
	struct pf_suspect **place = place_of(agent->leaks, handle);

	if (!place)
		return;
	pf_suspect_end(agent, *place);
	*place = NULL;
}

/* The limit that growth runs into first, and whose it is. */
static uint64_t effective_limit(const struct pf_agent *agent, const struct pf_track *track,
				const char **ret_of)
{
	uint64_t limit = agent->node.memory_total_bytes;
	uint64_t pod = track->identity.pod_level.memory_limit_bytes;
	uint64_t own = track->enforced.memory_limit_bytes;

	*ret_of = "node";
	if (pod < PF_NO_LIMIT && pod < limit) {
		limit = pod;
		*ret_of = "pod";
	}
	if (own < PF_NO_LIMIT && own <= limit) {
		limit = own;
		*ret_of = "container";
	}
	return limit == PF_UNKNOWN ? PF_NO_LIMIT : limit;
}

static void on_event(struct pf_agent *agent, const struct pf_track *track, enum pf_leak_event event)
{
	const char *name = track->identity.container;

	switch (event) {
	case PF_LEAK_SUSPICION_BEGINS:
		begin_suspicion(agent, track);
		pf_log(PF_LOG_DEBUG, AREA, "%s: suspected", name);
		break;
	case PF_LEAK_ALARM_BEGINS:
		begin_suspicion(agent, track);
		pf_log(PF_LOG_WARNING, AREA, "%s leaks memory (podfit leaks tells more)", name);
		break;
	case PF_LEAK_ALARM_ENDS:
		pf_log(PF_LOG_INFO, AREA, "%s: does not leak any more", name);
		end_suspicion(agent, track->cgroup.handle);
		break;
	case PF_LEAK_SUSPICION_ENDS:
		end_suspicion(agent, track->cgroup.handle);
		break;
	default:
		break;
	}
}

void pf_agent_leaks_sampled(struct pf_agent *agent, const struct pf_sample *sample)
{
	struct pf_agent_leaks *leaks = agent->leaks;
	const struct pf_track *track = pf_tracks_find(agent->tracks, sample->handle);
	enum pf_leak_event event = PF_LEAK_NOTHING;
	const struct pf_leak_entry *entry;
	struct pf_suspect **suspect;
	const char *of;

	if (!track || sample->last || sample->hot_bytes == PF_UNKNOWN)
		return;

	const struct pf_leak_sample leak_sample = {
		.at_ns = sample->end_ns + (uint64_t)leaks->clock_offset_ns,
		.hot_bytes = sample->hot_bytes,
		.limit_bytes = effective_limit(agent, track, &of),
		.cpu_cores = sample->usage_ns == PF_UNKNOWN || sample->end_ns <= sample->start_ns
				     ? -1
				     : (double)sample->usage_ns /
					       (double)(sample->end_ns - sample->start_ns),
		.kinds = sample->kinds.anon == PF_UNKNOWN ? NULL : &sample->kinds,
	};

	/* -ENOSPC is counted by the book; on -ENOMEM this sample is passed over. */
	if (pf_leak_book_sample(leaks->book, sample->handle, track->instance, &leak_sample,
				&event) < 0)
		return;
	on_event(agent, track, event);
	suspect = place_of(leaks, sample->handle);
	entry = suspect ? pf_leak_book_find(leaks->book, sample->handle) : NULL;
	if (entry)
		pf_suspect_sampled(agent, *suspect, &leaks->roots, track, sample,
				   (enum pf_memory_kind)entry->state.kind, entry->state.fit.slope);
}

void pf_agent_leaks_named(struct pf_agent *agent, const struct pf_track *track)
{
	pf_leak_book_name(agent->leaks->book, track->cgroup.handle, track->history->key);
}

void pf_agent_leaks_oom_killed(struct pf_agent *agent, uint64_t handle)
{
	if (handle)
		pf_leak_book_oom(agent->leaks->book, handle);
}

void pf_agent_leaks_vanished(struct pf_agent *agent, uint64_t handle)
{
	end_suspicion(agent, handle);
	pf_leak_book_end(agent->leaks->book, handle);
}

enum pf_leak_level_of pf_agent_leak_state(const struct pf_agent *agent,
					  const struct pf_track *track)
{
	const struct pf_leak_entry *entry =
		pf_leak_book_find(agent->leaks->book, track->cgroup.handle);

	return entry ? (enum pf_leak_level_of)entry->state.phase : PF_LEAK_NONE;
}

int pf_agent_leak_finding(struct pf_agent *agent, const struct pf_track *track, bool whole,
			  struct pf_arena *arena, const struct pf_leak_finding **ret_finding)
{
	const struct pf_leak_entry *entry =
		pf_leak_book_find(agent->leaks->book, track->cgroup.handle);
	struct pf_suspect **suspect = place_of(agent->leaks, track->cgroup.handle);
	struct pf_leak_finding *finding;
	int r = 0;

	*ret_finding = NULL;
	if (!entry || (entry->state.phase == PF_LEAK_NONE && !entry->state.baseline.alarmed))
		return 0;
	finding = pf_arena_alloc(arena, sizeof(*finding));
	if (!finding)
		return arena->err;
	pf_leak_describe(&entry->state, pf_leak_book_options(agent->leaks->book), finding);
	finding->effective_limit_bytes =
		effective_limit(agent, track, &finding->effective_limit_of);
	if (suspect && whole) {
		r = pf_suspect_tell(*suspect, arena, finding);
	} else if (whole) {
		finding->stacks_note = "too many suspects at once for processes and stacks";
	}
	*ret_finding = finding;
	return r;
}

struct pf_leak_book *pf_agent_leak_book(const struct pf_agent *agent)
{
	return agent->leaks->book;
}

size_t pf_agent_leaks_losses(const struct pf_agent *agent, struct pf_loss *ret_losses,
			     size_t max_losses)
{
	const struct pf_loss losses[] = {
		{ "leak_states_full", pf_leak_book_refused(agent->leaks->book) },
		{ "leak_suspects_full", agent->leaks->nr_unattributed },
	};
	size_t nr = PF_MIN(PF_ARRAY_SIZE(losses), max_losses);

	memcpy(ret_losses, losses, nr * sizeof(losses[0]));
	return nr;
}
