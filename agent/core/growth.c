// SPDX-License-Identifier: Apache-2.0
/*
 * growth.c - stacks and processes of a growing container, ranked by growth.
 */
#include "core/growth.h"

#include <string.h>

#include "base/cleanup.h"

static const double growing_ratio = .25; /* of what the trend says */
static const double fade_s = 3600;

/* ---- stacks ---- */

static bool same_stack(const struct pf_growth_stack *a, const struct pf_growth_stack *b)
{
	return a->tgid == b->tgid && a->nr_addresses == b->nr_addresses &&
	       !memcmp(a->addresses, b->addresses, a->nr_addresses * sizeof(*a->addresses));
}

static struct pf_growth_place *find_place(struct pf_growth_table *t,
					  const struct pf_growth_stack *stack)
{
	for (size_t i = 0; i < t->nr_places; i++)
		if (same_stack(&t->place[i].stack, stack))
			return &t->place[i];
	return NULL;
}

/* A new place; in a full table that of the stack with the fewest faults, if it has fewer. */
static struct pf_growth_place *make_place(struct pf_growth_table *t,
					  const struct pf_growth_stack *stack)
{
	struct pf_growth_place *place = &t->place[0];

	if (t->nr_places < PF_GROWTH_STACKS_MAX) {
		place = &t->place[t->nr_places++];
	} else {
		for (size_t i = 1; i < PF_GROWTH_STACKS_MAX; i++)
			if (t->place[i].stack.nr_faults < place->stack.nr_faults)
				place = &t->place[i];
		if (place->stack.nr_faults >= stack->nr_faults)
			return NULL;
		t->nr_dropped += place->stack.nr_faults;
	}
	*place = (struct pf_growth_place){ .stack = *stack };
	place->stack.nr_addresses = PF_MIN(stack->nr_addresses, (uint32_t)PF_GROWTH_FRAMES_MAX);
	place->stack.nr_faults = 0;
	return place;
}

static void fade(struct pf_growth_table *t)
{
	for (size_t i = 0; i < t->nr_places; i++) {
		t->place[i].growing /= 2;
		t->place[i].resting /= 2;
		t->place[i].stack.nr_faults /= 2;
	}
	t->growing_s /= 2;
	t->resting_s /= 2;
}

void pf_growth_add(struct pf_growth_table *table, const struct pf_growth_stack *stacks, size_t nr,
		   double interval_s, double grown_bytes, double expected_bytes)
{
	bool growing = grown_bytes > 0 && grown_bytes >= growing_ratio * expected_bytes;

	*(growing ? &table->growing_s : &table->resting_s) += interval_s;
	for (size_t i = 0; i < nr; i++) {
		struct pf_growth_place *place = find_place(table, &stacks[i]);

		if (!place)
			place = make_place(table, &stacks[i]);
		if (!place) {
			table->nr_dropped += stacks[i].nr_faults;
			continue;
		}
		place->stack.nr_faults += stacks[i].nr_faults;
		*(growing ? &place->growing : &place->resting) += (double)stacks[i].nr_faults;
	}
	if (table->growing_s + table->resting_s > fade_s)
		fade(table);
}

/* Faults in growing intervals beyond what as long a time without growth brings. */
static double growth_of(const struct pf_growth_table *t, const struct pf_growth_place *place)
{
	double usual = t->resting_s > 0 ? place->resting / t->resting_s * t->growing_s : 0;

	return PF_MAX(0, place->growing - usual);
}

/* Keeps the @max largest of what is offered one by one, in order. */
static size_t insert(uint32_t index, double value, size_t nr, size_t max, uint32_t *indices,
		     double *values)
{
	size_t at = nr;

	while (at > 0 && values[at - 1] < value)
		at--;
	if (at == max)
		return nr;
	nr = PF_MIN(nr + 1, max);
	memmove(&indices[at + 1], &indices[at], (nr - at - 1) * sizeof(*indices));
	memmove(&values[at + 1], &values[at], (nr - at - 1) * sizeof(*values));
	indices[at] = index;
	values[at] = value;
	return nr;
}

size_t pf_growth_rank(const struct pf_growth_table *table, size_t max, uint32_t *ret_places,
		      double *ret_shares)
{
	double sum = 0;
	size_t nr = 0;

	for (uint32_t i = 0; i < table->nr_places; i++) {
		double growth = growth_of(table, &table->place[i]);

		sum += growth;
		if (growth > 0)
			nr = insert(i, growth, nr, max, ret_places, ret_shares);
	}
	for (size_t i = 0; i < nr; i++)
		ret_shares[i] /= sum;
	return nr;
}

/* ---- processes ---- */

static struct pf_process_growth *find_process(struct pf_process_table *t,
					      const struct pf_process_memory *p)
{
	for (size_t i = 0; i < t->nr_processes; i++)
		if (t->process[i].now.pid == p->pid &&
		    t->process[i].now.start_ticks == p->start_ticks)
			return &t->process[i];
	return NULL;
}

static struct pf_process_growth *make_process(struct pf_process_table *t,
					      const struct pf_process_memory *p, uint64_t now_ns)
{
	struct pf_process_growth *place = &t->process[0];

	if (t->nr_processes < PF_GROWTH_PROCESSES_MAX) {
		place = &t->process[t->nr_processes++];
	} else {
		for (size_t i = 1; i < PF_GROWTH_PROCESSES_MAX; i++)
			if (t->process[i].now.anon_bytes < place->now.anon_bytes)
				place = &t->process[i];
		if (place->now.anon_bytes >= p->anon_bytes)
			return NULL;
	}
	*place = (struct pf_process_growth){ .first_ns = now_ns, .first_bytes = p->anon_bytes };
	return place;
}

void pf_process_add(struct pf_process_table *table, const struct pf_process_memory *processes,
		    size_t nr, uint64_t now_ns)
{
	uint32_t kept = 0;

	for (size_t i = 0; i < nr; i++) {
		struct pf_process_growth *p = find_process(table, &processes[i]);

		if (!p)
			p = make_process(table, &processes[i], now_ns);
		if (!p)
			continue;
		p->now = processes[i];
		p->last_ns = now_ns;
	}
	for (uint32_t i = 0; i < table->nr_processes; i++)
		if (table->process[i].last_ns == now_ns)
			table->process[kept++] = table->process[i];
	table->nr_processes = kept;
}

size_t pf_process_rank(const struct pf_process_table *table, size_t max, uint32_t *ret_processes,
		       double *ret_slopes)
{
	size_t nr = 0;

	for (uint32_t i = 0; i < table->nr_processes; i++) {
		const struct pf_process_growth *p = &table->process[i];

		if (p->now.anon_bytes > p->first_bytes)
			nr = insert(i, (double)(p->now.anon_bytes - p->first_bytes), nr, max,
				    ret_processes, ret_slopes);
	}
	for (size_t i = 0; i < nr; i++) {
		const struct pf_process_growth *p = &table->process[ret_processes[i]];

		/* Seen once: it came into sight already grown; no rate is known. */
		ret_slopes[i] =
			p->last_ns > p->first_ns
				? ret_slopes[i] / ((double)(p->last_ns - p->first_ns) / 3.6e12)
				: 0;
	}
	return nr;
}

static uint64_t held_of(const struct pf_held *held, enum pf_memory_kind kind)
{
	uint64_t of = kind == PF_KIND_SOCK    ? held->nr_sockets
		      : kind == PF_KIND_SHMEM ? held->memory_file_bytes
					      : 0;

	return of == PF_UNKNOWN ? 0 : of;
}

size_t pf_process_rank_held(const struct pf_process_table *table, enum pf_memory_kind kind,
			    size_t max, uint32_t *ret_processes)
{
	double weights[PF_GROWTH_PROCESSES_MAX];
	size_t nr = 0;

	max = PF_MIN(max, (size_t)PF_GROWTH_PROCESSES_MAX);
	for (uint32_t i = 0; i < table->nr_processes; i++) {
		uint64_t of = held_of(&table->process[i].now.held, kind);

		if (of)
			nr = insert(i, (double)of, nr, max, ret_processes, weights);
	}
	return nr;
}
