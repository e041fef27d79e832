// SPDX-License-Identifier: Apache-2.0
/*
 * agent_suspect.c - looks at a suspect now and then; names stacks while their process is there to be asked.
 */
#include "main/agent_suspect.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "capture/held.h"
#include "capture/processes.h"
#include "core/growth.h"
#include "sys/symbol.h"

/* Between two looks, analysis time. */
#define LOOK_NS (30 * PF_NS_PER_S)

enum {
	READ_STACKS = 64,
	TOLD_STACKS = 5,
	TOLD_PROCESSES = 5,
	NAMED_STACKS = 8,	 /* a few more than are told: their order changes */
	DESCRIPTORS_MAX = 16384, /* looked at in one look: a microsecond each */
};

/* A stack with its names, which are looked up once: a process may be gone by the next report. */
struct named_stack {
	uint32_t tgid;
	uint32_t nr_addresses; /* 0: the place is free */
	uint64_t addresses[PF_GROWTH_FRAMES_MAX];
	struct pf_symbol symbols[PF_GROWTH_FRAMES_MAX];
	uint64_t used; /* look that it was among the first in */
};

struct pf_suspect {
	uint64_t handle;
	bool stacks; /* page-fault sampling is on */
	uint64_t nr_looks, looked_ns;
	uint64_t looked_bytes; /* hot memory then; PF_UNKNOWN: not looked yet */
	struct pf_growth_table growth;
	struct pf_process_table processes;
	struct named_stack named[NAMED_STACKS];
};

static void set_watch(struct pf_agent *agent, struct pf_suspect *suspect, bool on)
{
	if (!agent->capture_ops->growth_watch || !agent->config->capture_growth_stacks)
		return;
	if (agent->capture_ops->growth_watch(agent->capture, suspect->handle, on) == 0)
		suspect->stacks = on;
}

struct pf_suspect *pf_suspect_begin(struct pf_agent *agent, uint64_t handle)
{
	struct pf_suspect *suspect = calloc(1, sizeof(*suspect));

	if (!suspect)
		return NULL;
	suspect->handle = handle;
	suspect->looked_bytes = PF_UNKNOWN;
	set_watch(agent, suspect, true);
	return suspect;
}

void pf_suspect_end(struct pf_agent *agent, struct pf_suspect *suspect)
{
	if (suspect && suspect->stacks)
		set_watch(agent, suspect, false);
	free(suspect);
}

uint64_t pf_suspect_handle(const struct pf_suspect *suspect)
{
	return suspect->handle;
}

/* ---- looking ---- */

static bool is_held_kind(enum pf_memory_kind kind)
{
	return kind == PF_KIND_SOCK || kind == PF_KIND_SHMEM;
}

static void look_at_processes(struct pf_suspect *suspect, const struct pf_suspect_roots *roots,
			      const struct pf_track *track, uint64_t now_ns,
			      enum pf_memory_kind kind)
{
	struct pf_process_memory processes[PF_GROWTH_PROCESSES_MAX];
	unsigned budget = DESCRIPTORS_MAX;
	ssize_t nr = pf_processes_read(roots->proc_fd, roots->cgroup_fd, track->cgroup.path,
				       processes, PF_GROWTH_PROCESSES_MAX);

	/* Nobody there: killed just now, maybe. Who it was stays known. */
	if (nr <= 0)
		return;
	for (ssize_t i = 0; is_held_kind(kind) && i < nr; i++)
		if (pf_held_read(roots->proc_fd, processes[i].pid, &budget, &processes[i].held) < 0)
			continue; /* gone, not ours to see, or too many: it stays unknown */
	pf_process_add(&suspect->processes, processes, (size_t)nr, now_ns);
}

/* Return: index of its names; NAMED_STACKS if there are none. */
static size_t find_named(const struct pf_suspect *suspect, const struct pf_growth_stack *stack)
{
	for (size_t i = 0; i < NAMED_STACKS; i++) {
		const struct named_stack *n = &suspect->named[i];

		if (n->nr_addresses && n->tgid == stack->tgid &&
		    n->nr_addresses == stack->nr_addresses &&
		    !memcmp(n->addresses, stack->addresses,
			    stack->nr_addresses * sizeof(n->addresses[0])))
			return i;
	}
	return NAMED_STACKS;
}

/* A compiler may tell of its code later than it runs. */
static bool is_complete(const struct named_stack *named)
{
	for (size_t i = 0; i < named->nr_addresses; i++)
		if (!strcmp(named->symbols[i].module, "[jit]") && !named->symbols[i].name[0])
			return false;
	return true;
}

/* All frames but the innermost are return addresses. */
static void name_stack(const struct pf_agent *agent, const struct pf_growth_stack *stack,
		       struct named_stack *named)
{
	bool is_return[PF_GROWTH_FRAMES_MAX];

	for (size_t i = 0; i < PF_GROWTH_FRAMES_MAX; i++)
		is_return[i] = i > 0;
	*named = (struct named_stack){ .tgid = stack->tgid, .nr_addresses = stack->nr_addresses };
	memcpy(named->addresses, stack->addresses, sizeof(named->addresses));
	/* A process that is gone, or not ours to see: addresses alone are still something. */
	if (pf_symbolize(agent->config->path_procfs, stack->tgid, stack->addresses, is_return,
			 stack->nr_addresses, named->symbols) < 0)
		memset(named->symbols, 0, sizeof(named->symbols));
}

/* The one that was longest not among the first. */
static struct named_stack *oldest_named(struct pf_suspect *suspect)
{
	struct named_stack *oldest = &suspect->named[0];

	for (size_t i = 1; i < NAMED_STACKS; i++)
		if (suspect->named[i].used < oldest->used)
			oldest = &suspect->named[i];
	return oldest;
}

static void name_first_stacks(const struct pf_agent *agent, struct pf_suspect *suspect)
{
	uint32_t order[TOLD_STACKS];
	double shares[TOLD_STACKS];
	size_t nr = pf_growth_rank(&suspect->growth, TOLD_STACKS, order, shares);

	for (size_t i = 0; i < nr; i++) {
		const struct pf_growth_stack *stack = &suspect->growth.place[order[i]].stack;
		size_t at = find_named(suspect, stack);
		struct named_stack *named =
			at < NAMED_STACKS ? &suspect->named[at] : oldest_named(suspect);

		if (at == NAMED_STACKS || !is_complete(named))
			name_stack(agent, stack, named);
		named->used = suspect->nr_looks;
	}
}

void pf_suspect_sampled(struct pf_agent *agent, struct pf_suspect *suspect,
			const struct pf_suspect_roots *roots, const struct pf_track *track,
			const struct pf_sample *sample, enum pf_memory_kind kind, double slope)
{
	struct pf_growth_stack stacks[READ_STACKS];
	double span_s = (double)(sample->end_ns - suspect->looked_ns) / (double)PF_NS_PER_S;
	int nr_stacks = 0;

	if (sample->end_ns - suspect->looked_ns <
	    (uint64_t)((double)LOOK_NS / agent->config->time_scale))
		return;
	suspect->nr_looks++;
	look_at_processes(suspect, roots, track, sample->end_ns, kind);
	if (suspect->stacks)
		nr_stacks = agent->capture_ops->growth_read(agent->capture, suspect->handle, stacks,
							    READ_STACKS);
	if (nr_stacks >= 0 && suspect->looked_bytes != PF_UNKNOWN) {
		pf_growth_add(&suspect->growth, stacks, (size_t)nr_stacks, span_s,
			      (double)sample->hot_bytes - (double)suspect->looked_bytes,
			      slope * span_s);
		name_first_stacks(agent, suspect);
	}
	suspect->looked_ns = sample->end_ns;
	suspect->looked_bytes = sample->hot_bytes;
}

/* ---- telling ---- */

static int tell_processes(const struct pf_suspect *suspect, struct pf_arena *arena,
			  struct pf_leak_finding *finding)
{
	uint32_t order[TOLD_PROCESSES];
	double slopes[TOLD_PROCESSES];
	bool held = is_held_kind(finding->kind);
	size_t nr = held ? pf_process_rank_held(&suspect->processes, finding->kind, TOLD_PROCESSES,
						order)
			 : pf_process_rank(&suspect->processes, TOLD_PROCESSES, order, slopes);
	struct pf_growth_process *told = pf_arena_array(arena, nr, sizeof(*told));

	if (!told)
		return arena->err;
	for (size_t i = 0; i < nr; i++) {
		const struct pf_process_memory *now = &suspect->processes.process[order[i]].now;

		told[i] = (struct pf_growth_process){
			.pid = now->pid,
			.comm = pf_arena_strdup(arena, now->comm),
			.anon_bytes = now->anon_bytes,
			.slope_bytes_per_hour = held ? NAN : slopes[i],
			.nr_sockets = now->held.nr_sockets,
			.nr_memory_files = now->held.nr_memory_files,
			.memory_file_bytes = now->held.memory_file_bytes,
		};
	}
	finding->processes = told;
	finding->nr_processes = nr;
	return arena->err;
}

static const char *text_or_null(struct pf_arena *arena, const char *text)
{
	return text[0] ? pf_arena_strdup(arena, text) : NULL;
}

/*
 * How many frames are worth telling: without frame pointers the chain of callers ends in numbers that are in no mapping.
 * Of a process that could not be looked at nothing is known, so all are.
 */
static size_t nr_frames(const struct named_stack *named, const struct pf_growth_stack *stack)
{
	size_t nr = 0;

	while (named && nr < stack->nr_addresses && named->symbols[nr].module[0])
		nr++;
	return nr ? nr : stack->nr_addresses;
}

static int tell_frames(const struct pf_suspect *suspect, const struct pf_growth_stack *stack,
		       struct pf_arena *arena, struct pf_growth_trace *trace)
{
	static const struct pf_symbol unknown;
	size_t at = find_named(suspect, stack), nr;
	const struct named_stack *named = at < NAMED_STACKS ? &suspect->named[at] : NULL;
	struct pf_stack_frame *frames;

	nr = nr_frames(named, stack);
	frames = pf_arena_array(arena, nr, sizeof(*frames));
	if (!frames)
		return arena->err;
	for (size_t i = 0; i < nr; i++) {
		const struct pf_symbol *s = named ? &named->symbols[i] : &unknown;

		frames[i] = (struct pf_stack_frame){
			.address = stack->addresses[i],
			.symbol = text_or_null(arena, s->name),
			.module = text_or_null(arena, s->module),
			.build_id = text_or_null(arena, s->build_id),
			.offset = s->module[0] ? s->offset : PF_UNKNOWN,
		};
	}
	trace->frames = frames;
	trace->nr_frames = nr;
	return arena->err;
}

static int tell_stacks(const struct pf_suspect *suspect, struct pf_arena *arena,
		       struct pf_leak_finding *finding)
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
		r = tell_frames(suspect, stack, arena, &told[i]);
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

int pf_suspect_tell(const struct pf_suspect *suspect, struct pf_arena *arena,
		    struct pf_leak_finding *finding)
{
	int r = tell_processes(suspect, arena, finding);

	if (r < 0)
		return r;
	switch (finding->kind) {
	case PF_KIND_SOCK:
	case PF_KIND_SHMEM:
	case PF_KIND_SLAB:
		/* What faults in meanwhile is something else. */
		finding->stacks_note = "of this kind of memory none are sampled";
		return 0;
	default:
		return tell_stacks(suspect, arena, finding);
	}
}
