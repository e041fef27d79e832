// SPDX-License-Identifier: Apache-2.0
/*
 * leak_save.c - a leak state as bytes.
 *
 * One walk over the state serves both ways: each step either writes the value or reads and checks
 * it, so that the two can not drift apart. Integers are little-endian groups of seven bits, doubles
 * their eight bytes.
 */
#include "core/leak_save.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/units.h"
#include "core/leak_internal.h"

enum {
	FORM = 2,
	FORM_BINS_15S = 1, /* the finest bins were 15 s wide, gaps were not kept */
};

static const uint64_t life_max_ns = 30 * 365 * PF_NS_PER_DAY; /* bin indices hold it */

/* A walk: writing into buf, or reading what is left of data. err: the first failure. */
struct walk {
	struct pf_buf *buf; /* NULL: reading */
	const uint8_t *data;
	size_t left;
	uint64_t form;
	int err;
};

static uint8_t get_byte(struct walk *w)
{
	if (!w->left) {
		w->err = -EBADMSG;
		return 0;
	}
	w->left--;
	return *w->data++;
}

static uint64_t get_varint(struct walk *w)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64 && !w->err; shift += 7) {
		uint8_t byte = get_byte(w);

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return value;
	}
	w->err = -EBADMSG;
	return 0;
}

static void put_varint(struct walk *w, uint64_t value)
{
	uint8_t bytes[10];
	size_t nr = 0;

	do {
		bytes[nr] = (uint8_t)(value & 0x7f);
		value >>= 7;
		bytes[nr] |= value ? 0x80 : 0;
		nr++;
	} while (value);
	(void)pf_buf_add(w->buf, bytes, nr); /* the buffer keeps its error */
}

/* An integer of at most @max. */
static uint64_t walk_uint(struct walk *w, uint64_t value, uint64_t max)
{
	if (w->buf) {
		put_varint(w, value);
		return value;
	}
	value = get_varint(w);
	if (value > max)
		w->err = -EBADMSG;
	return w->err ? 0 : value;
}

static void walk_u64(struct walk *w, uint64_t *value)
{
	*value = walk_uint(w, *value, UINT64_MAX);
}

static void walk_u32(struct walk *w, uint32_t *value)
{
	*value = (uint32_t)walk_uint(w, *value, UINT32_MAX);
}

static void walk_bool(struct walk *w, bool *value)
{
	*value = walk_uint(w, *value, 1);
}

/* A finite number. */
static void walk_double(struct walk *w, double *value)
{
	uint8_t bytes[8];
	uint64_t bits;

	if (w->buf) {
		memcpy(&bits, value, sizeof(bits));
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)(bits >> (8 * i));
		(void)pf_buf_add(w->buf, bytes, sizeof(bytes)); /* the buffer keeps its error */
		return;
	}
	bits = 0;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bits |= (uint64_t)get_byte(w) << (8 * i);
	memcpy(value, &bits, sizeof(*value));
	if (!isfinite(*value))
		w->err = -EBADMSG;
}

/* A float through its bits: half the bytes of a double. */
static void walk_float(struct walk *w, float *value)
{
	uint32_t bits;

	memcpy(&bits, value, sizeof(bits));
	walk_u32(w, &bits);
	memcpy(value, &bits, sizeof(*value));
	if (!isfinite(*value))
		w->err = -EBADMSG;
}

/* Rings are written oldest first, so that a loaded one begins at its first place. */
static void walk_bins(struct walk *w, struct pf_leak_state *state, size_t level)
{
	struct pf_leak_level *l = &state->level[level];
	uint32_t before = 0;

	l->nr_bins = (uint16_t)walk_uint(w, l->nr_bins, leak_ring_size(level));
	for (size_t i = 0; i < l->nr_bins && !w->err; i++) {
		struct pf_leak_bin *bin = leak_bin_place(state, level, i);
		uint32_t spread = bin->max_pages - bin->min_pages;

		bin->index =
			before + (uint32_t)walk_uint(w, bin->index - before, UINT32_MAX - before);
		/* Two bins in one place make a line of no length. */
		if (i && bin->index == before)
			w->err = -EBADMSG;
		walk_u32(w, &bin->min_pages);
		spread = (uint32_t)walk_uint(w, spread, UINT32_MAX - bin->min_pages);
		bin->max_pages = bin->min_pages + spread;
		walk_float(w, &bin->cpu_cores);
		before = bin->index;
	}
	if (l->nr_bins && l->nr_samples && l->index <= before) /* the bin that is open comes next */
		w->err = -EBADMSG;
}

static void walk_blocks(struct walk *w, struct pf_leak_state *state, size_t level)
{
	struct pf_leak_level *l = &state->level[level];

	l->nr_blocks = (uint16_t)walk_uint(w, l->nr_blocks, PF_LEAK_BLOCKS);
	for (size_t i = 0; i < l->nr_blocks && !w->err; i++) {
		struct pf_leak_block *block =
			&state->block[level][(l->block_head + i) % PF_LEAK_BLOCKS];

		walk_u32(w, &block->index);
		for (size_t k = 0; k < PF_LEAK_NR_KINDS; k++)
			walk_u32(w, &block->pages[k]);
	}
}

static void walk_level(struct walk *w, struct pf_leak_state *state, size_t level)
{
	struct pf_leak_level *l = &state->level[level];

	walk_u32(w, &l->index);
	walk_u32(w, &l->min_pages);
	walk_u32(w, &l->max_pages);
	walk_u32(w, &l->nr_samples);
	walk_u32(w, &l->nr_cpu_samples);
	walk_u32(w, &l->nr_closed);
	walk_double(w, &l->cpu_sum);
	walk_bins(w, state, level);
	walk_blocks(w, state, level);
}

static void walk_records(struct walk *w, struct pf_leak_record *records, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		struct pf_leak_record *r = &records[i];

		walk_u32(w, &r->index);
		if (!r->index)
			continue;
		for (size_t k = 0; k < PF_LEAK_RECORD_LEVELS; k++)
			walk_u32(w, &r->max_floor_pages[k]);
		walk_float(w, &r->cpu_sum);
		walk_u32(w, &r->nr_cpu);
	}
}

static void walk_baseline(struct walk *w, struct pf_leak_state *state)
{
	struct pf_leak_baseline *b = &state->baseline;

	b->nr = (uint32_t)walk_uint(w, b->nr, PF_LEAK_BASELINE_VALUES);
	for (size_t i = 0; i < b->nr && !w->err; i++) {
		size_t at = (b->head + i) % PF_LEAK_BASELINE_VALUES;

		walk_u64(w, &b->at_ns[at]);
		walk_u64(w, &b->use_bytes[at]);
	}
	walk_bool(w, &b->alarmed);
	walk_double(w, &state->baseline_alarm.slope_bytes_per_h);
	walk_double(w, &state->baseline_alarm.correlation);
	walk_u64(w, &state->baseline_alarm.oom_ns);
}

static void walk_fit(struct walk *w, struct pf_leak_fit *fit)
{
	double *const doubles[] = { &fit->slope,       &fit->slope_low,	 &fit->slope_high,
				    &fit->floor_bytes, &fit->rise_bytes, &fit->peak_bytes,
				    &fit->reach_bytes, &fit->score };

	walk_u64(w, &fit->at_ns);
	walk_u64(w, &fit->span_ns);
	for (size_t i = 0; i < PF_ARRAY_SIZE(doubles); i++)
		walk_double(w, doubles[i]);
	fit->test[0] = (char)walk_uint(w, (uint8_t)fit->test[0], 127);
	fit->test[1] = (char)walk_uint(w, (uint8_t)fit->test[1], 127);
}

static void walk_state(struct walk *w, struct pf_leak_state *s)
{
	uint64_t *const u64s[] = { &s->origin_ns,   &s->start_ns,	&s->last_ns,
				   &s->since_ns,    &s->first_alarm_ns, &s->detect_age_ns,
				   &s->released_ns, &s->limit_bytes,	&s->nr_late };
	uint32_t *const u32s[] = { &s->first_pages,    &s->before_pages, &s->top_pages,
				   &s->released_pages, &s->nr_restarts,	 &s->nr_ooms };

	for (size_t i = 0; i < PF_ARRAY_SIZE(u64s); i++)
		walk_u64(w, u64s[i]);
	for (size_t i = 0; i < PF_ARRAY_SIZE(u32s); i++)
		walk_u32(w, u32s[i]);
	for (size_t i = 0; i < PF_LEAK_NR_KINDS; i++)
		walk_u32(w, &s->first_kind_pages[i]);
	walk_bool(w, &s->kinds_known);
	walk_bool(w, &s->inherited);
	s->phase = (uint8_t)walk_uint(w, s->phase, PF_LEAK_ALARM);
	s->kind = (uint8_t)walk_uint(w, s->kind, PF_NR_KINDS - 1);
	walk_float(w, &s->kind_share);
	walk_fit(w, &s->fit);
	for (size_t level = 0; level < PF_LEAK_NR_LEVELS && !w->err; level++)
		walk_level(w, s, level);
	walk_records(w, s->hour, PF_LEAK_RECORD_HOURS);
	walk_records(w, s->day, PF_LEAK_RECORD_DAYS);
	walk_baseline(w, s);
	if (w->form > FORM_BINS_15S)
		walk_u64(w, &s->unseen_ns);
}

int pf_leak_save(const struct pf_leak_state *state, struct pf_buf *buf)
{
	struct walk w = { .buf = buf, .form = FORM };

	put_varint(&w, FORM);
	walk_state(&w, (struct pf_leak_state *)state); /* a writing walk stores what it finds */
	return buf->err;
}

/* What no single value shows: a fit that something is derived from must be one. */
static bool is_sound(const struct pf_leak_state *s)
{
	char test = s->fit.test[0], digit = s->fit.test[1];

	if (s->start_ns < s->origin_ns || s->last_ns < s->start_ns ||
	    s->last_ns - s->origin_ns > life_max_ns)
		return false;
	if (s->phase == PF_LEAK_NONE)
		return true;
	return (test == 'L' || test == 'D' || test == 'N') && digit >= '0' &&
	       digit < '0' + (test == 'D' ? 8 : PF_LEAK_NR_LEVELS) && s->fit.slope > 0 &&
	       s->fit.slope_low > 0 && s->fit.slope_high > 0 && s->fit.at_ns >= s->since_ns &&
	       s->fit.at_ns <= s->last_ns && s->unseen_ns <= s->last_ns - s->fit.at_ns;
}

/* Bins of another width: a quarter of an hour is filled again soon, the rest of the state is good. */
static void forget_finest(struct pf_leak_state *state)
{
	memset(&state->level[0], 0, sizeof(state->level[0]));
	for (size_t i = 0; i < PF_LEAK_RECORD_HOURS; i++)
		state->hour[i].max_floor_pages[0] = 0;
	for (size_t i = 0; i < PF_LEAK_RECORD_DAYS; i++)
		state->day[i].max_floor_pages[0] = 0;
}

int pf_leak_load(const void *data, size_t size, struct pf_leak_state *ret_state)
{
	struct pf_leak_state state = { 0 };
	struct walk w = { .data = data, .left = size };
	uint64_t form = get_varint(&w);

	if (w.err)
		return w.err;
	if (form != FORM && form != FORM_BINS_15S)
		return form > FORM ? -EOPNOTSUPP : -EBADMSG;
	w.form = form;
	walk_state(&w, &state);
	if (w.err || w.left || !is_sound(&state))
		return -EBADMSG;
	if (form == FORM_BINS_15S)
		forget_finest(&state);
	*ret_state = state;
	return 0;
}
