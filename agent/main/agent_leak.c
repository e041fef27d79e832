// SPDX-License-Identifier: Apache-2.0
/*
 * agent_leak.c - leaks: the detector fed with every sample; for suspects the processes that grow and
 * the stacks that fault fresh memory in.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/processes.h"
#include "core/growth.h"
#include "core/leak_book.h"
#include "main/agent.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/symbol.h"

#define AREA "leak"
/* Between two looks at the processes and stacks of a suspect, analysis time. */
#define LOOK_NS (30 * PF_NS_PER_S)

enum {
	SUSPECTS_MAX =
		16, /* attributed at once; further ones are told without processes and stacks */
	READ_STACKS = 64,
	TOLD_STACKS = 5,
	TOLD_PROCESSES = 5,
};

struct suspect {
	uint64_t handle;
	bool stacks; /* page-fault sampling is on */
	uint64_t looked_ns;
	uint64_t looked_bytes; /* hot memory then; PF_UNKNOWN: not looked yet */
	struct pf_growth_table growth;
	struct pf_process_table processes;
};

struct pf_agent_leaks {
	struct pf_leak_book *book;
	int64_t clock_offset_ns; /* wall clock less CLOCK_MONOTONIC at the start: the book's clock */
	struct suspect *suspects[SUSPECTS_MAX];
	int proc_fd, cgroup_fd; /* -1: processes are not looked at */
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
		leaks->proc_fd = open_directory(config->path_procfs, "");
		leaks->cgroup_fd = open_directory(config->cgroup_root, "/memory");
		if (leaks->cgroup_fd < 0)
			leaks->cgroup_fd = open_directory(config->cgroup_root, "");
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
	pf_closep(&leaks->proc_fd);
	pf_closep(&leaks->cgroup_fd);
	pf_leak_book_free(leaks->book);
	free(leaks);
	agent->leaks = NULL;
}

static struct suspect **place_of(struct pf_agent_leaks *leaks, uint64_t handle)
{
	for (size_t i = 0; i < SUSPECTS_MAX; i++)
		if (leaks->suspects[i] && leaks->suspects[i]->handle == handle)
			return &leaks->suspects[i];
	return NULL;
}

static void set_watch(struct pf_agent *agent, struct suspect *suspect, bool on)
{
	if (!agent->capture_ops->growth_watch || !agent->config->capture_growth_stacks)
		return;
	if (agent->capture_ops->growth_watch(agent->capture, suspect->handle, on) == 0)
		suspect->stacks = on;
}

static void begin_suspicion(struct pf_agent *agent, const struct pf_track *track)
{
	struct pf_agent_leaks *leaks = agent->leaks;

	if (place_of(leaks, track->cgroup.handle))
		return;
	for (size_t i = 0; i < SUSPECTS_MAX; i++) {
		if (leaks->suspects[i])
			continue;
		leaks->suspects[i] = calloc(1, sizeof(struct suspect));
		if (!leaks->suspects[i])
			break;
		leaks->suspects[i]->handle = track->cgroup.handle;
		leaks->suspects[i]->looked_bytes = PF_UNKNOWN;
		set_watch(agent, leaks->suspects[i], true);
		return;
	}
	leaks->nr_unattributed++;
}

static void end_suspicion(struct pf_agent *agent, uint64_t handle)
{
	struct suspect **place = place_of(agent->leaks, handle);

	if (!place)
		return;
	if ((*place)->stacks)
		set_watch(agent, *place, false);
	free(*place);
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

static void look(struct pf_agent *agent, struct suspect *suspect, const struct pf_track *track,
		 const struct pf_sample *sample)
{
	const struct pf_leak_entry *entry = pf_leak_book_find(agent->leaks->book, suspect->handle);
	struct pf_process_memory processes[PF_GROWTH_PROCESSES_MAX];
	struct pf_growth_stack stacks[READ_STACKS];
	double span_s = (double)(sample->end_ns - suspect->looked_ns) / (double)PF_NS_PER_S;
	ssize_t nr;
	int nr_stacks = 0;

	nr = pf_processes_read(agent->leaks->proc_fd, agent->leaks->cgroup_fd, track->cgroup.path,
			       processes, PF_GROWTH_PROCESSES_MAX);
	if (nr >= 0)
		pf_process_add(&suspect->processes, processes, (size_t)nr, sample->end_ns);
	if (suspect->stacks)
		nr_stacks = agent->capture_ops->growth_read(agent->capture, suspect->handle, stacks,
							    READ_STACKS);
	if (nr_stacks >= 0 && suspect->looked_bytes != PF_UNKNOWN)
		pf_growth_add(&suspect->growth, stacks, (size_t)nr_stacks, span_s,
			      (double)sample->hot_bytes - (double)suspect->looked_bytes,
			      entry ? entry->state.fit.slope * span_s : 0);
	suspect->looked_ns = sample->end_ns;
	suspect->looked_bytes = sample->hot_bytes;
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
	struct suspect **suspect;
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
	if (suspect && sample->end_ns - (*suspect)->looked_ns >=
			       (uint64_t)((double)LOOK_NS / agent->config->time_scale))
		look(agent, *suspect, track, sample);
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

static int tell_processes(const struct suspect *suspect, struct pf_arena *arena,
			  struct pf_leak_finding *finding)
{
	uint32_t order[TOLD_PROCESSES];
	double slopes[TOLD_PROCESSES];
	size_t nr = pf_process_rank(&suspect->processes, TOLD_PROCESSES, order, slopes);
	struct pf_growth_process *told = pf_arena_array(arena, nr, sizeof(*told));

	if (!told)
		return arena->err;
	for (size_t i = 0; i < nr; i++) {
		const struct pf_process_memory *now = &suspect->processes.process[order[i]].now;

		told[i] = (struct pf_growth_process){ now->pid, pf_arena_strdup(arena, now->comm),
						      now->anon_bytes, slopes[i] };
	}
	finding->processes = told;
	finding->nr_processes = nr;
	return arena->err;
}

static const char *text_or_null(struct pf_arena *arena, const char *text)
{
	return text[0] ? pf_arena_strdup(arena, text) : NULL;
}

/* All frames but the innermost are return addresses. */
static int tell_frames(const struct pf_agent *agent, const struct pf_growth_stack *stack,
		       struct pf_arena *arena, struct pf_growth_trace *trace)
{
	struct pf_symbol symbols[PF_GROWTH_FRAMES_MAX] = { 0 };
	bool is_return[PF_GROWTH_FRAMES_MAX];
	struct pf_stack_frame *frames = pf_arena_array(arena, stack->nr_addresses, sizeof(*frames));

	if (!frames)
		return arena->err;
	for (size_t i = 0; i < PF_GROWTH_FRAMES_MAX; i++)
		is_return[i] = i > 0;
	/* A process that is gone, or not ours to see: addresses alone are still something. */
	if (pf_symbolize(agent->config->path_procfs, stack->tgid, stack->addresses, is_return,
			 stack->nr_addresses, symbols) < 0)
		memset(symbols, 0, sizeof(symbols));
	for (size_t i = 0; i < stack->nr_addresses; i++)
		frames[i] = (struct pf_stack_frame){
			.address = stack->addresses[i],
			.symbol = text_or_null(arena, symbols[i].name),
			.module = text_or_null(arena, symbols[i].module),
			.build_id = text_or_null(arena, symbols[i].build_id),
			.offset = symbols[i].module[0] ? symbols[i].offset : PF_UNKNOWN,
		};
	trace->frames = frames;
	trace->nr_frames = stack->nr_addresses;
	return arena->err;
}

static int tell_stacks(const struct pf_agent *agent, const struct suspect *suspect,
		       struct pf_arena *arena, struct pf_leak_finding *finding)
{
	uint32_t order[TOLD_STACKS];
	double shares[TOLD_STACKS];
	size_t nr = pf_growth_rank(&suspect->growth, TOLD_STACKS, order, shares);
	struct pf_growth_trace *told = pf_arena_array(arena, nr, sizeof(*told));

	if (!told)
		return arena->err;
	for (size_t i = 0; i < nr; i++) {
		const struct pf_growth_stack *stack = &suspect->growth.place[order[i]].stack;
		int r;

		told[i] = (struct pf_growth_trace){ .pid = stack->tgid,
						    .comm = pf_arena_strdup(arena, stack->comm),
						    .share = shares[i] };
		r = tell_frames(agent, stack, arena, &told[i]);
		if (r < 0)
			return r;
	}
	finding->stacks = told;
	finding->nr_stacks = nr;
	if (!suspect->stacks)
		finding->stacks_note = "page-fault sampling is off (podfit doctor tells why)";
	else if (!nr)
		finding->stacks_note = "no growing stack was seen yet";
	return 0;
}

int pf_agent_leak_finding(struct pf_agent *agent, const struct pf_track *track, bool whole,
			  struct pf_arena *arena, const struct pf_leak_finding **ret_finding)
{
	const struct pf_leak_entry *entry =
		pf_leak_book_find(agent->leaks->book, track->cgroup.handle);
	struct suspect **suspect = place_of(agent->leaks, track->cgroup.handle);
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
		r = tell_processes(*suspect, arena, finding);
		if (r == 0)
			r = tell_stacks(agent, *suspect, arena, finding);
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
