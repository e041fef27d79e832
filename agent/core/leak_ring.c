// SPDX-License-Identifier: Apache-2.0
/*
 * leak_ring.c - the bins of a leak state: rings of six widths, and the records of what left them.
 */
#include <string.h>

#include "base/cleanup.h"
#include "core/leak_internal.h"

static const struct level_shape {
	double width_s;
	uint16_t offset; /* of its ring in the state's bins */
	uint16_t size;
} levels[PF_LEAK_NR_LEVELS] = {
	/* At 10 s sampling 15 s would hold one sample or two in turn. Measured on generated series of
	 * hours, bins of 15 and 30 s find the same (F1 0.948 and 0.947 at 10 s, 0.908 both at 15 s). */
	{ 30, 0 * PF_LEAK_WINDOW_BINS, PF_LEAK_WINDOW_BINS },
	{ 60, 1 * PF_LEAK_WINDOW_BINS, PF_LEAK_WINDOW_BINS },
	{ 300, 2 * PF_LEAK_WINDOW_BINS, PF_LEAK_WINDOW_BINS },
	{ 1200, 3 * PF_LEAK_WINDOW_BINS, PF_LEAK_WINDOW_BINS },
	{ 3600, 4 * PF_LEAK_WINDOW_BINS, PF_LEAK_HOUR_BINS },
	{ 14400, 4 * PF_LEAK_WINDOW_BINS + PF_LEAK_HOUR_BINS, PF_LEAK_4H_BINS },
};

static const double hour_s = 3600, day_s = 86400;

double leak_level_width_s(size_t level)
{
	return levels[level].width_s;
}

bool leak_level_used(size_t level, double interval_s)
{
	return levels[level].width_s >=
	       .9 * interval_s; /* 0.9: samples a little late still fill bins */
}

size_t leak_ring_size(size_t level)
{
	return levels[level].size;
}

struct pf_leak_bin *leak_bin_place(struct pf_leak_state *state, size_t level, size_t i)
{
	const struct level_shape *shape = &levels[level];

	return &state->bin[shape->offset + (state->level[level].head + i) % shape->size];
}

const struct pf_leak_bin *leak_bin_at(const struct pf_leak_state *state, size_t level, size_t i)
{
	const struct level_shape *shape = &levels[level];

	return &state->bin[shape->offset + (state->level[level].head + i) % shape->size];
}

void leak_floors(const struct pf_leak_state *state, size_t level, size_t nr, double *ret_floors)
{
	size_t first = state->level[level].nr_bins - nr;

	for (size_t i = 0; i < nr; i++)
		ret_floors[i] = leak_bytes(leak_bin_at(state, level, first + i)->min_pages);
}

static void merge_record(struct pf_leak_record *into, const struct pf_leak_record *from)
{
	for (size_t k = 0; k < PF_LEAK_RECORD_LEVELS; k++)
		into->max_floor_pages[k] =
			PF_MAX(into->max_floor_pages[k], from->max_floor_pages[k]);
	into->cpu_sum += from->cpu_sum;
	into->nr_cpu += from->nr_cpu;
}

/* The record of an hour; the hour that stood in its place goes into the record of its day. */
static struct pf_leak_record *record_of_hour(struct pf_leak_state *state, uint32_t hour)
{
	struct pf_leak_record *h = &state->hour[hour % PF_LEAK_RECORD_HOURS];

	if (h->index == hour + 1)
		return h;
	if (h->index > hour + 1)
		return NULL; /* older than a day: cannot be, the slowest of these rings holds half a
				day */
	if (h->index) {
		uint32_t day = (h->index - 1) / 24;
		struct pf_leak_record *d = &state->day[day % PF_LEAK_RECORD_DAYS];

		if (d->index != day + 1)
			*d = (struct pf_leak_record){ .index = day + 1 };
		merge_record(d, h);
	}
	*h = (struct pf_leak_record){ .index = hour + 1 };
	return h;
}

/* A bin leaves a ring that is shorter than the memory of eight days. */
static void remember(struct pf_leak_state *state, size_t level, const struct pf_leak_bin *bin)
{
	struct pf_leak_record *h =
		record_of_hour(state, (uint32_t)(bin->index * levels[level].width_s / hour_s));

	if (!h)
		return;
	h->max_floor_pages[level] = PF_MAX(h->max_floor_pages[level], bin->min_pages);
	if (bin->cpu_cores >= 0) {
		h->cpu_sum += bin->cpu_cores;
		h->nr_cpu++;
	}
}

void leak_bin_close(struct pf_leak_state *state, size_t level)
{
	struct pf_leak_level *l = &state->level[level];
	const struct level_shape *shape = &levels[level];
	struct pf_leak_bin *bin;

	if (l->nr_bins == shape->size) {
		bin = &state->bin[shape->offset + l->head];
		if (level < PF_LEAK_RECORD_LEVELS)
			remember(state, level, bin);
		l->head = (uint16_t)((l->head + 1) % shape->size);
	} else {
		bin = &state->bin[shape->offset + (l->head + l->nr_bins) % shape->size];
		l->nr_bins++;
	}
	*bin = (struct pf_leak_bin){
		.index = l->index,
		.min_pages = l->min_pages,
		.max_pages = l->max_pages,
		.cpu_cores = l->nr_cpu_samples ? (float)(l->cpu_sum / l->nr_cpu_samples) : -1,
	};
	l->nr_closed++;
	l->nr_samples = 0;
}

void leak_history_read(const struct pf_leak_state *state, size_t level, double now_s,
		       struct leak_history *ret_history)
{
	struct leak_history history = { .record = -1 };
	double oldest_s = now_s - PF_LEAK_RECORD_DAYS * day_s;

	for (size_t i = 0; i < PF_LEAK_RECORD_HOURS + PF_LEAK_RECORD_DAYS; i++) {
		bool hourly = i < PF_LEAK_RECORD_HOURS;
		const struct pf_leak_record *r =
			hourly ? &state->hour[i] : &state->day[i - PF_LEAK_RECORD_HOURS];
		/* A day counts until it is over by eight days, so that none is forgotten early. */
		double at_s = hourly ? (r->index - 1) * hour_s : r->index * day_s;

		if (!r->index || at_s < oldest_s)
			continue;
		if (r->max_floor_pages[level])
			history.record =
				PF_MAX(history.record, leak_bytes(r->max_floor_pages[level]));
		history.cpu_sum += r->cpu_sum;
		history.nr_cpu += r->nr_cpu;
	}
	*ret_history = history;
}

const struct pf_leak_block *leak_block_at(const struct pf_leak_state *state, size_t level, size_t i)
{
	return &state->block[level][(state->level[level].block_head + i) % PF_LEAK_BLOCKS];
}

void leak_block_add(struct pf_leak_state *state, size_t level, uint32_t index,
		    const uint32_t pages[PF_LEAK_NR_KINDS])
{
	struct pf_leak_level *l = &state->level[level];
	struct pf_leak_block *newest =
		&state->block[level][(l->block_head + l->nr_blocks + PF_LEAK_BLOCKS - 1u) %
				     PF_LEAK_BLOCKS];

	if (l->nr_blocks && newest->index == index / 3) {
		for (size_t i = 0; i < PF_LEAK_NR_KINDS; i++)
			newest->pages[i] = PF_MIN(newest->pages[i], pages[i]);
		return;
	}
	if (l->nr_blocks == PF_LEAK_BLOCKS)
		l->block_head = (uint16_t)((l->block_head + 1) % PF_LEAK_BLOCKS);
	else
		l->nr_blocks++;
	newest = &state->block[level][(l->block_head + l->nr_blocks - 1u) % PF_LEAK_BLOCKS];
	newest->index = index / 3;
	memcpy(newest->pages, pages, sizeof(newest->pages));
}
