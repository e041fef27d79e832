// SPDX-License-Identifier: Apache-2.0
/*
 * The walk over encoded reports against the decoder: what the one takes the other takes, with the same
 * keys and numbers, however the bytes are damaged.
 */
#include <errno.h>
#include <stdlib.h>

#include "bench/fleet/sim.h"
#include "core/evidence.h"
#include "core/units.h"
#include "unit/check.h"
#include "unit/report_sample.h"
#include "wire/index.h"

enum { TEST_MEMORY_MAX = 64 << 20, NR_DAMAGED = 30000 };

/* 2026-05-29 00:00 UTC */
#define START_NS (494328ull * PF_NS_PER_HOUR)

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void encode(const struct pf_report *report, struct pf_buf *buf)
{
	pf_buf_init(buf, PF_WIRE_MESSAGE_MAX);
	PF_CHECK_INT("encode", pf_wire_encode_report(report, buf), 0);
}

/* A node of a simulated fleet after half an hour: the form agents send. */
static void encode_simulated(struct pf_buf *buf)
{
	struct pf_sim_opts opts = { .seed = 1,
				    .cluster = "c",
				    .nr_nodes = 1,
				    .nr_containers = 20,
				    .start_unix_ns = START_NS };
	PF_AUTO(pf_sim_freep) struct pf_sim *sim = NULL;
	struct pf_report report;
	struct pf_arena arena;

	pf_arena_init(&arena, TEST_MEMORY_MAX);
	PF_CHECK_INT("sim", pf_sim_new(&opts, &sim), 0);
	PF_CHECK_INT("live", pf_sim_advance(sim, 0, START_NS + PF_NS_PER_HOUR * 3 / 2), 0);
	PF_CHECK_INT("report", pf_sim_report(sim, 0, &arena, &report), 0);
	encode(&report, buf);
	pf_arena_done(&arena);
}

static bool same_containers(const struct pf_report_index *a, const struct pf_report_index *b)
{
	for (size_t i = 0; i < a->nr_containers; i++) {
		const struct pf_index_container *x = &a->containers[i], *y = &b->containers[i];

		if (x->ended != y->ended || x->leak_alarm != y->leak_alarm ||
		    x->cpu_request_millicores != y->cpu_request_millicores ||
		    x->memory_request_bytes != y->memory_request_bytes ||
		    x->interval_ns != y->interval_ns || x->usage_ns != y->usage_ns ||
		    x->hot_bytes != y->hot_bytes)
			return false;
	}
	return true;
}

static bool same_slices(const struct pf_report_index *a, const struct pf_report_index *b)
{
	for (size_t i = 0; i < a->nr_slices; i++) {
		const struct pf_index_slice *x = &a->slices[i], *y = &b->slices[i];

		if (x->instance != y->instance || x->run_id != y->run_id || x->hour != y->hour ||
		    x->sequence != y->sequence)
			return false;
	}
	return true;
}

static bool same(const struct pf_report_index *a, const struct pf_report_index *b)
{
	const struct pf_report *x = &a->report, *y = &b->report;

	return a->nr_containers == b->nr_containers && a->nr_slices == b->nr_slices &&
	       same_containers(a, b) && same_slices(a, b) && !strcmp(x->node, y->node) &&
	       !strcmp(x->cluster, y->cluster) && x->run_id == y->run_id &&
	       x->sequence == y->sequence && x->end_unix_ns == y->end_unix_ns &&
	       x->nr_oom_kills == y->nr_oom_kills && x->nr_signals == y->nr_signals &&
	       x->nr_losses == y->nr_losses && x->nr_node_labels == y->nr_node_labels &&
	       x->last == y->last;
}

/* ---- some of it ---- */

static bool is_odd(void *arg, uint64_t instance)
{
	(void)arg;
	return instance & 1;
}

/* The whole report without what the choice leaves out. */
static void trim(const struct pf_wire_choice *choice, struct pf_report *report)
{
	struct pf_report_container *to = (struct pf_report_container *)report->containers;
	size_t nr = 0;

	for (size_t i = 0; i < report->nr_containers; i++) {
		struct pf_report_container c = report->containers[i];
		const struct pf_slice **slices = (const struct pf_slice **)c.slices;
		size_t nr_slices = 0;

		if (choice->wanted &&
		    !choice->wanted(choice->arg, pf_evidence_instance_id(c.instance)))
			continue;
		for (size_t s = 0; s < c.nr_slices; s++)
			if (slices[s]->hour >= choice->hour_from &&
			    slices[s]->hour <= choice->hour_to)
				slices[nr_slices++] = slices[s];
		c.nr_slices = nr_slices;
		c.recommendation = NULL;
		if (!choice->state) {
			c.leak = NULL;
			pf_report_now_clear(&c.now);
		}
		to[nr++] = c;
	}
	report->nr_containers = nr;
}

/* Of a message that the decoder takes; it may be damaged otherwise. Return: whether less than all of it
 * was decoded. */
static bool check_some(const char *name, const void *data, size_t len,
		       const struct pf_wire_choice *choice)
{
	struct pf_buf some, all, trimmed;
	struct pf_wire_error error = { 0 };
	struct pf_arena arena, other;
	struct pf_report report;
	bool less;

	pf_arena_init(&arena, TEST_MEMORY_MAX);
	pf_arena_init(&other, TEST_MEMORY_MAX);
	PF_CHECK_INT(name, pf_wire_decode_some(data, len, choice, &arena, &report, &error), 0);
	encode(&report, &some);
	PF_CHECK_INT(name, pf_wire_decode_report(data, len, &other, &report, &error), 0);
	encode(&report, &all);
	trim(choice, &report);
	encode(&report, &trimmed);
	less = some.len == trimmed.len && !memcmp(some.data, trimmed.data, some.len);
	PF_CHECK(name, less || (some.len == all.len && !memcmp(some.data, all.data, all.len)));
	pf_buf_done(&trimmed);
	pf_buf_done(&all);
	pf_buf_done(&some);
	pf_arena_done(&other);
	pf_arena_done(&arena);
	return less;
}

static void check_choices(const char *name, const void *data, size_t len, bool usual)
{
	const uint32_t hour = START_NS / PF_NS_PER_HOUR;
	const struct pf_wire_choice choices[] = {
		{ .hour_to = UINT32_MAX, .state = true },
		{ .hour_from = 1 },
		{ .hour_to = 2 },
		{ .hour_from = hour, .hour_to = hour },
		{ .hour_from = hour + 1, .hour_to = UINT32_MAX, .wanted = is_odd },
		{ .wanted = is_odd, .hour_to = UINT32_MAX, .state = true },
	};

	for (size_t i = 0; i < PF_ARRAY_SIZE(choices); i++) {
		bool less = check_some(name, data, len, &choices[i]);

		PF_CHECK(name, less || !usual);
	}
}

/* What is decoded is what decoding all of it and leaving out the rest would have given. */
static void test_some(void)
{
	/* An hour that comes again is the one that holds. */
	static const char two_hours[] = "\x92\x01\x0f\x52\x0d\x08\x07\x08\x01"
					"\x11\x01\0\0\0\0\0\0\0";
	struct pf_buf sample, simulated;

	encode(report_sample(), &sample);
	encode_simulated(&simulated);
	check_choices("sample", sample.data, sample.len, true);
	check_choices("simulated", simulated.data, simulated.len, true);
	check_choices("two hours", two_hours, sizeof(two_hours) - 1, false);
	pf_buf_done(&simulated);
	pf_buf_done(&sample);
}

/* Return: what the walk said. Fails the test where it takes what the decoder does not. */
static int compare(const char *name, const void *data, size_t len, size_t memory_max)
{
	struct pf_report_index walked, decoded;
	struct pf_wire_error error = { 0 };
	struct pf_arena arena, other;
	struct pf_report report;
	int r, want;

	pf_arena_init(&arena, memory_max);
	pf_arena_init(&other, memory_max);
	r = pf_wire_index_walk(data, len, &arena, &walked);
	PF_CHECK("known answers", r == 0 || r == -EAGAIN || r == -ENOSPC);
	if (r == 0) {
		want = pf_wire_decode_report(data, len, &other, &report, &error);
		PF_CHECK_INT(name, want, 0);
		pf_arena_done(&other);
		pf_arena_init(&other, TEST_MEMORY_MAX);
		if (want == 0 && pf_wire_decode_report(data, len, &other, &report, &error) == 0 &&
		    pf_report_index_of(&report, &other, &decoded) == 0)
			PF_CHECK(name, same(&walked, &decoded));
	}
	pf_arena_done(&other);
	pf_arena_done(&arena);
	return r;
}

static void test_own_form(void)
{
	struct pf_buf buf;

	encode(report_sample(), &buf);
	PF_CHECK_INT("every field", compare("sample", buf.data, buf.len, TEST_MEMORY_MAX), 0);
	pf_buf_done(&buf);
	encode_simulated(&buf);
	PF_CHECK_INT("a node's", compare("simulated", buf.data, buf.len, TEST_MEMORY_MAX), 0);
	pf_buf_done(&buf);
}

/* A few bytes changed, a piece taken out or put in twice. */
static size_t damage(const struct pf_buf *from, char *to, uint64_t *state)
{
	size_t len = from->len, at = next_random(state) % len, nr;

	memcpy(to, from->data, len);
	nr = 1 + next_random(state) % 64;
	nr = PF_MIN(nr, len - at);
	switch (next_random(state) % 4) {
	case 0:
		memmove(to + at, to + at + nr, len - at - nr);
		return len - nr;
	case 1:
		memmove(to + at + nr, to + at, len - at);
		return len + nr;
	case 2:
		to[at] = (char)next_random(state);
		return len;
	default: /* small steps leave more of it valid */
		to[at] = (char)(to[at] ^ (1 << next_random(state) % 8));
		return len;
	}
}

static void run_damaged(const struct pf_buf *buf, uint64_t seed)
{
	PF_AUTO(pf_freep) char *bad = malloc(buf->len + 64);
	uint64_t state = seed;
	unsigned nr_taken = 0;

	for (unsigned i = 0; bad && i < NR_DAMAGED; i++) {
		char name[64];
		size_t len = damage(buf, bad, &state);

		(void)snprintf(name, sizeof(name), "seed %llu, damage %u", (unsigned long long)seed,
			       i);
		if (compare(name, bad, len, TEST_MEMORY_MAX) < 0)
			continue;
		if (nr_taken++ % 8 == 0)
			check_choices(name, bad, len, false);
	}
	/* Most changes of a number leave a valid message: a walk that takes none tests nothing. */
	PF_CHECK("some are still taken", nr_taken > NR_DAMAGED / 100);
	PF_CHECK("some are not", nr_taken < NR_DAMAGED);
}

static void test_damage(void)
{
	struct pf_buf buf;

	encode(report_sample(), &buf);
	run_damaged(&buf, 20260529);
	pf_buf_done(&buf);
}

/* With any maximum: where the walk says yes, decoding fits as well. */
static void test_memory(void)
{
	struct pf_buf buf;
	bool no = false, yes = false;

	encode(report_sample(), &buf);
	for (size_t max = 1024; max < TEST_MEMORY_MAX; max += max / 16) {
		int r = compare("memory", buf.data, buf.len, max);

		yes |= r == 0;
		no |= r != 0;
	}
	PF_CHECK("both were met", no && yes);
	pf_buf_done(&buf);
}

/* Many empty messages: two bytes each, and much memory. */
static void test_small_message_large_memory(void)
{
	enum { NR = 4096 };
	char data[NR * 3];

	for (size_t i = 0; i < NR; i++)
		memcpy(&data[i * 3], "\x92\x01\x00", 3); /* field 18, no bytes */
	for (size_t max = 1 << 16; max < TEST_MEMORY_MAX; max *= 2)
		(void)compare("empty containers", data, sizeof(data), max);
	PF_CHECK("too large", compare("empty containers", data, sizeof(data), 1 << 20) != 0);
	PF_CHECK_INT("large enough", compare("empty containers", data, sizeof(data), 64 << 20), 0);
}

/* What the walk does not take is decoded, with the decoder's own byte and reason. */
static void test_other_form(void)
{
	/* sequence, then run_id (of a lower number): in an order no encoder uses, but valid */
	static const char data[] = "\x92\x01\x0c\x52\x0a\x18\x05\x08\x07\x11\x01\x00\x00\x00\x00";
	struct pf_report_index index;
	struct pf_wire_error error = { 0 };
	struct pf_arena arena;

	pf_arena_init(&arena, TEST_MEMORY_MAX);
	PF_CHECK_INT("walk", pf_wire_index_walk(data, sizeof(data) - 1, &arena, &index), -EAGAIN);
	PF_CHECK_INT("cut", pf_wire_index_report(data, sizeof(data) - 1, &arena, &index, &error),
		     -EBADMSG);
	PF_CHECK("reason", error.reason[0] && error.offset <= sizeof(data));
	pf_arena_done(&arena);
}

static void test_any_order(void)
{
	static const char data[] = "\x92\x01\x0f\x52\x0d\x18\x05\x08\x07\x11\x01\x00\x00\x00\x00"
				   "\x00\x00\x00";
	struct pf_report_index index = { .nr_slices = 0 };
	struct pf_wire_error error = { 0 };
	struct pf_arena arena;

	pf_arena_init(&arena, TEST_MEMORY_MAX);
	PF_CHECK_INT("walk", pf_wire_index_walk(data, sizeof(data) - 1, &arena, &index), -EAGAIN);
	PF_CHECK_INT("index", pf_wire_index_report(data, sizeof(data) - 1, &arena, &index, &error),
		     0);
	PF_CHECK_INT("slices", index.nr_slices, 1);
	if (index.nr_slices == 1) {
		PF_CHECK_INT("hour", index.slices[0].hour, 7);
		PF_CHECK_INT("run", index.slices[0].run_id, 1);
		PF_CHECK_INT("sequence", index.slices[0].sequence, 5);
	}
	pf_arena_done(&arena);
}

/* A length may be written with more bytes than it needs; the decoder reads five of them. */
static void test_long_length(void)
{
	static const char five[] = "\x92\x01\x80\x80\x80\x80\x00";
	static const char six[] = "\x92\x01\x80\x80\x80\x80\x80\x00";

	PF_CHECK_INT("five bytes", compare("five", five, sizeof(five) - 1, TEST_MEMORY_MAX), 0);
	PF_CHECK_INT("six bytes", compare("six", six, sizeof(six) - 1, TEST_MEMORY_MAX), -EAGAIN);
}

/* A slice with five waits for a CPU; @counts as they are packed. */
static int compare_counts(const char *name, const char *counts, size_t len)
{
	static const char slice[] = "\x08\x07\x11\x01\x00\x00\x00\x00\x00\x00\x00\x18\x05\x92\x02";
	static const char deltas[] = "\x12\x05\x00\x01\x01\x01\x01\x1a";
	size_t hist = 2 + sizeof(deltas) - 1 + 1 + len, whole = sizeof(slice) - 1 + 1 + hist;
	struct pf_buf buf;
	int r;

	pf_buf_init(&buf, 256);
	(void)pf_buf_addf(&buf, "\x92\x01%c\x52%c", (char)(whole + 2), (char)whole);
	(void)pf_buf_add(&buf, slice, sizeof(slice) - 1);
	(void)pf_buf_addf(&buf, "%c\x08%c", (char)hist, PF_LAYOUT_LATENCY_NS);
	(void)pf_buf_add(&buf, deltas, sizeof(deltas) - 1);
	(void)pf_buf_addf(&buf, "%c", (char)len);
	(void)pf_buf_add(&buf, counts, len);
	PF_CHECK_INT("built", buf.err, 0);
	r = compare(name, buf.data, buf.len, TEST_MEMORY_MAX);
	pf_buf_done(&buf);
	return r;
}

/* Of eleven bytes, which no number has, four at the end of one word and the rest behind the last. */
static void test_long_number(void)
{
	static const char one_each[] = "\x01\x01\x01\x01\x01";
	static const char eleven[] = "\x01\x01\x01\x01\x81\x81\x81\x81\x81\x81\x81\x81\x81\x81\x01";

	PF_CHECK_INT("one byte each", compare_counts("one", one_each, sizeof(one_each) - 1), 0);
	PF_CHECK_INT("eleven", compare_counts("eleven", eleven, sizeof(eleven) - 1), -EAGAIN);
}

static bool never(void *arg, uint64_t instance)
{
	*(uint64_t *)arg = instance;
	return false;
}

static bool is_b(void *arg, uint64_t instance)
{
	(void)arg;
	return instance == pf_evidence_instance_id("b");
}

/* A container with two names is the one of the second for the decoder, and so it is for whoever wants it. */
static void test_two_names(void)
{
	static const char data[] = "\x92\x01\x06\x12\x01"
				   "a\x12\x01"
				   "b";
	static const char one[] = "\x92\x01\x03\x12\x01"
				  "b";
	struct pf_wire_error error = { 0 };
	struct pf_report report;
	struct pf_arena arena;
	uint64_t asked = 0;
	const struct pf_wire_choice b = { .wanted = is_b },
				    none = { .wanted = never, .arg = &asked };

	pf_arena_init(&arena, TEST_MEMORY_MAX);
	PF_CHECK_INT("some",
		     pf_wire_decode_some(data, sizeof(data) - 1, &b, &arena, &report, &error), 0);
	PF_CHECK_INT("there", report.nr_containers, 1);
	if (report.nr_containers)
		PF_CHECK_STR("name", report.containers[0].instance, "b");
	PF_CHECK_INT("none",
		     pf_wire_decode_some(one, sizeof(one) - 1, &none, &arena, &report, &error), 0);
	PF_CHECK_INT("left out", report.nr_containers, 0);
	PF_CHECK("asked", asked == pf_evidence_instance_id("b"));
	pf_arena_done(&arena);
}

/* ---- when a slice is ---- */

#define HOUR  494328u
#define AT(h) ((uint64_t)(HOUR + (h)) * PF_NS_PER_HOUR)

static const struct slice_time_case {
	const char *name;
	uint64_t start_ns, covered_ns, want_start_ns;
	int want;
	uint32_t hour; /* 0: HOUR */
} slice_time_cases[] = {
	{ "at its beginning", AT(0), PF_NS_PER_HOUR, AT(0), 0 },
	{ "at its end", AT(1) - 1, 10, AT(1) - 1, 0 },
	{ "not told", 0, 10, AT(0), 0 },
	{ "before it, after a clock was set back", AT(-20), PF_NS_PER_HOUR, AT(0), 0 },
	{ "after it", AT(1), 10, 0, -EBADMSG },
	{ "in another age", UINT64_MAX, 10, 0, -EBADMSG },
	{ "a machine that slept", AT(0), PF_NS_PER_DAY, AT(0), 0 },
	{ "more than a day", AT(0), PF_NS_PER_DAY + 1, 0, -EBADMSG },
	{ "what overflows", AT(0), INT64_MAX, 0, -EBADMSG },
	{ "not told, 2261", 0, 10, 2561974ull * PF_NS_PER_HOUR, 0, 2561974 },
	{ "an hour without a time", 0, 10, 0, -EBADMSG, 2561975 },
	{ "the last hour of all", 0, 10, 0, -EBADMSG, UINT32_MAX },
};

static void check_slice_time(const struct slice_time_case *c)
{
	PF_AUTO(pf_slice_freep) struct pf_slice *slice = NULL;
	struct pf_identity identity = { .named = true };
	struct pf_report_index index;
	struct pf_report_container container;
	struct pf_wire_error error;
	struct pf_report report;
	struct pf_arena arena;
	struct pf_buf buf;
	int r;

	PF_CHECK_INT("slice", pf_slice_new(&slice), 0);
	slice->hour = c->hour ? c->hour : HOUR;
	slice->run_id = slice->sequence = 1;
	slice->start_unix_ns = c->start_ns;
	slice->covered_ns = c->covered_ns;
	pf_report_clear(&report);
	pf_report_container_clear(&container);
	container.identity = &identity;
	container.instance = "i";
	container.slices = (const struct pf_slice *const *)&slice;
	container.nr_slices = 1;
	report.node = "n";
	report.containers = &container;
	report.nr_containers = 1;
	encode(&report, &buf);
	pf_arena_init(&arena, TEST_MEMORY_MAX);
	PF_CHECK_INT(c->name, pf_wire_index_walk(buf.data, buf.len, &arena, &index),
		     c->want ? -EAGAIN : 0);
	pf_arena_reset(&arena);
	r = pf_wire_decode_report(buf.data, buf.len, &arena, &report, &error);
	PF_CHECK_INT(c->name, r, c->want);
	if (r == 0)
		PF_CHECK_INT(c->name, report.containers[0].slices[0]->start_unix_ns,
			     c->want_start_ns);
	pf_arena_done(&arena);
	pf_buf_done(&buf);
}

static void test_slice_time(void)
{
	for (size_t i = 0; i < PF_ARRAY_SIZE(slice_time_cases); i++)
		check_slice_time(&slice_time_cases[i]);
}

PF_TEST_SUITE(wire_index, { "slice time", test_slice_time }, { "own form", test_own_form },
	      { "damage", test_damage }, { "memory", test_memory },
	      { "small message, large memory", test_small_message_large_memory },
	      { "other form", test_other_form }, { "any order", test_any_order },
	      { "long length", test_long_length }, { "long number", test_long_number },
	      { "two names", test_two_names }, { "some", test_some });
