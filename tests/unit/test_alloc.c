// SPDX-License-Identifier: Apache-2.0
/*
 * Out of memory at each allocation in turn: -ENOMEM, what was there is as it was, nothing leaks, and
 * the same call succeeds once there is memory again.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/map.h"
#include "core/slice.h"
#include "unit/check.h"
#include "unit/fault_alloc.h"
#include "unit/report_sample.h"
#include "wire/wire.h"

enum { TEST_MEMORY_MAX = 8 << 20, TRIES_MAX = 1000 };

#define T0_UNIX (480000ull * PF_NS_PER_HOUR)

/* Allocation number @nth fails in what is between FAILING and its end. */
#define FAILING(nth, call)                                                                         \
	({                                                                                         \
		fault_alloc(nth);                                                                  \
		int failing__ = (call);                                                            \
		fault_alloc_end();                                                                 \
		failing__;                                                                         \
	})

/*
 * Runs @once with allocation 1, 2, ... failing until none is left to fail; @nr_wanted of them must
 * be (0: any number). @once sets up, does one call FAILING, checks, takes all down, and returns what
 * the call gave.
 */
static void fail_each(const char *name, unsigned nr_wanted, int (*once)(unsigned nth))
{
	unsigned nth = 1;
	int r = -ENOMEM;

	for (; r < 0 && nth <= TRIES_MAX; nth++) {
		long live = fault_alloc_live();

		r = once(nth);
		PF_CHECK_INT(name, r, fault_alloc_calls() >= nth ? -ENOMEM : 0);
		PF_CHECK_INT(name, fault_alloc_live(), live);
	}
	PF_CHECK_INT(name, r, 0);
	PF_CHECK(name, nr_wanted ? nth - 2 == nr_wanted : nth > 2);
}

/* Padding too: what is compared was copied or set byte by byte, and a failure writes nothing. */
static bool same_bytes(const void *a, const void *b, size_t size)
{
	return !memcmp(a, b, size);
}

static int once_map_new(unsigned nth)
{
	struct pf_map *untouched = (struct pf_map *)&nth, *map = untouched;
	int r = FAILING(nth, pf_map_new_str(9, &map));

	if (r < 0)
		PF_CHECK("untouched", map == untouched);
	else
		pf_map_free(map);
	return r;
}

/* The thirteenth entry makes the table of sixteen grow. */
static int once_map_put(unsigned nth)
{
	PF_AUTO(pf_map_freep) struct pf_map *map = NULL;
	static const char *const keys[] = { "a", "b", "c", "d", "e", "f",
					    "g", "h", "i", "j", "k", "l" };
	static int values[PF_ARRAY_SIZE(keys) + 1];
	int *last = &values[PF_ARRAY_SIZE(keys)], r;

	PF_CHECK_INT("new", pf_map_new_str(99, &map), 0);
	for (size_t i = 0; i < PF_ARRAY_SIZE(keys); i++)
		PF_CHECK_INT("fill", pf_map_put_str(map, keys[i], &values[i]), 0);
	r = FAILING(nth, pf_map_put_str(map, "last", last));
	PF_CHECK_INT("count", pf_map_count(map), PF_ARRAY_SIZE(keys) + (r == 0));
	PF_CHECK("there only on success", pf_map_get_str(map, "last") == (r == 0 ? last : NULL));
	for (size_t i = 0; i < PF_ARRAY_SIZE(keys); i++)
		PF_CHECK("the others stay", pf_map_get_str(map, keys[i]) == &values[i]);
	PF_CHECK_INT("again", pf_map_put_str(map, "last", last), 0);
	PF_CHECK("there", pf_map_get_str(map, "last") == last);
	return r;
}

static int once_map_put_first(unsigned nth)
{
	PF_AUTO(pf_map_freep) struct pf_map *map = NULL;
	int r;

	PF_CHECK_INT("new", pf_map_new_u64(99, &map), 0);
	r = FAILING(nth, pf_map_put_u64(map, 7, map));
	PF_CHECK_INT("count", pf_map_count(map), r == 0);
	PF_CHECK("there only on success", pf_map_get_u64(map, 7) == (r == 0 ? map : NULL));
	PF_CHECK_INT("again", pf_map_put_u64(map, 7, map), 0);
	return r;
}

static void test_map(void)
{
	fail_each("map new", 1, once_map_new);
	fail_each("map, first entry", 1, once_map_put_first);
	fail_each("map, growing", 2, once_map_put);
}

static void check_kept(const struct pf_buf *buf, int r)
{
	PF_CHECK_INT("err", buf->err, r);
	PF_CHECK_INT("length", buf->len, strlen("kept") + (r == 0 ? 100 : 0));
	PF_CHECK("text", !strncmp(buf->data, r == 0 ? "kept " : "kept", 5));
}

static int once_buf_addf(unsigned nth)
{
	struct pf_buf buf;
	int r;

	pf_buf_init(&buf, 1000);
	PF_CHECK_INT("before", pf_buf_adds(&buf, "kept"), 0);
	r = FAILING(nth, pf_buf_addf(&buf, "%100d", 1));
	check_kept(&buf, r);
	if (r < 0) {
		PF_CHECK_INT("the error stays", pf_buf_adds(&buf, ""), -ENOMEM);
		pf_buf_reset(&buf);
		PF_CHECK_INT("reset", pf_buf_addf(&buf, "%100d", 1), 0);
	}
	pf_buf_done(&buf);
	return r;
}

static int once_buf_first(unsigned nth)
{
	struct pf_buf buf;
	char *text;
	int r;

	pf_buf_init(&buf, 1000);
	r = FAILING(nth, pf_buf_adds(&buf, "text"));
	PF_CHECK_INT("length", buf.len, r == 0 ? 4 : 0);
	text = pf_buf_steal(&buf);
	PF_CHECK_STR("nothing or all", text, r == 0 ? "text" : NULL);
	free(text);
	return r;
}

static void test_buf(void)
{
	fail_each("buf, first", 1, once_buf_first);
	fail_each("buf, growing", 1, once_buf_addf);
}

static int once_slice_new(unsigned nth)
{
	struct pf_slice *untouched = (struct pf_slice *)&nth, *slice = untouched;
	int r = FAILING(nth, pf_slice_new(&slice));

	if (r < 0)
		PF_CHECK("untouched", slice == untouched);
	else
		pf_slice_free(slice);
	return r;
}

static int once_slice_add(unsigned nth)
{
	PF_AUTO(pf_slice_freep) struct pf_slice *slice = NULL;
	static uint32_t buckets[PF_MILLICORES_BUCKETS] = { [3] = 7 };
	struct pf_sample sample;
	struct pf_slice before;
	int r;

	pf_sample_clear(&sample);
	sample.start_ns = 0;
	sample.end_ns = PF_NS_PER_S;
	sample.usage_ns = 5;
	for (size_t i = 0; i < PF_NR_SAMPLE_HISTS; i++)
		sample.hists[i] = buckets;
	PF_CHECK_INT("new", pf_slice_new(&slice), 0);
	memcpy(&before, slice, sizeof(before));
	r = FAILING(nth, pf_slice_add(slice, &sample, true));
	PF_CHECK("nothing was taken", (r == 0) == !same_bytes(&before, slice, sizeof(before)));
	if (r < 0)
		PF_CHECK_INT("again", pf_slice_add(slice, &sample, true), 0);
	PF_CHECK_INT("usage", slice->usage_ns, 5);
	PF_CHECK_INT("startup", slice->startup_demand[3], 7);
	for (size_t i = 0; i < PF_NR_SAMPLE_HISTS; i++)
		PF_CHECK_INT("once", slice->hists[i][3], 7);
	return r;
}

/* As many closed hours as are kept: a failure must not cost the oldest either. */
static int once_slices_at(unsigned nth)
{
	struct pf_slice *slice = NULL, *open;
	struct pf_slices slices, before;
	uint64_t hour = 0;
	int r;

	pf_slices_init(&slices, 4711);
	for (; hour <= PF_SLICES_CLOSED_MAX; hour++)
		PF_CHECK_INT("fill",
			     pf_slices_at(&slices, hour * PF_NS_PER_HOUR,
					  T0_UNIX + hour * PF_NS_PER_HOUR, &slice),
			     0);
	memcpy(&before, &slices, sizeof(before));
	open = slice;
	r = FAILING(nth, pf_slices_at(&slices, hour * PF_NS_PER_HOUR,
				      T0_UNIX + hour * PF_NS_PER_HOUR, &slice));
	PF_CHECK_INT("lost", slices.nr_lost, r == 0);
	PF_CHECK("the next, or untouched", (r == 0) == (slice != open));
	PF_CHECK("goes on", (r == 0) == !same_bytes(&before, &slices, sizeof(before)));
	PF_CHECK_INT("again",
		     pf_slices_at(&slices, hour * PF_NS_PER_HOUR, T0_UNIX + hour * PF_NS_PER_HOUR,
				  &slice),
		     0);
	PF_CHECK_INT("lost once", slices.nr_lost, 1);
	pf_slices_done(&slices);
	return r;
}

static void test_slice(void)
{
	fail_each("slice new", 1, once_slice_new);
	fail_each("slice add", PF_NR_SAMPLE_HISTS + 1, once_slice_add);
	fail_each("slices at", 1, once_slices_at);
}

static int once_encode(unsigned nth)
{
	const struct pf_report *report = report_sample();
	struct pf_buf out, want;
	int r;

	pf_buf_init(&out, PF_WIRE_MESSAGE_MAX);
	pf_buf_init(&want, PF_WIRE_MESSAGE_MAX);
	PF_CHECK_INT("want", pf_wire_encode_report(report, &want), 0);
	PF_CHECK_INT("before", pf_buf_adds(&out, "kept"), 0);
	r = FAILING(nth, pf_wire_encode_report(report, &out));
	PF_CHECK_INT("length", out.len, 4 + (r == 0 ? want.len : 0));
	PF_CHECK_INT("no error stays", out.err, 0);
	if (r < 0)
		PF_CHECK_INT("again", pf_wire_encode_report(report, &out), 0);
	PF_CHECK("whole", out.len == 4 + want.len && !memcmp(out.data, "kept", 4) &&
				  !memcmp(out.data + 4, want.data, want.len));
	pf_buf_done(&want);
	pf_buf_done(&out);
	return r;
}

static int once_decode(unsigned nth)
{
	struct pf_report report, untouched;
	struct pf_wire_error error = { 0 };
	struct pf_arena arena;
	struct pf_buf in;
	int r;

	memset(&untouched, 0xa5, sizeof(untouched));
	memset(&report, 0xa5, sizeof(report));
	pf_buf_init(&in, PF_WIRE_MESSAGE_MAX);
	PF_CHECK_INT("encode", pf_wire_encode_report(report_sample(), &in), 0);
	pf_arena_init(&arena, TEST_MEMORY_MAX);
	r = FAILING(nth, pf_wire_decode_report(in.data, in.len, &arena, &report, &error));
	PF_CHECK_STR("not the message's fault", error.reason, "");
	PF_CHECK("untouched", (r == 0) == !same_bytes(&report, &untouched, sizeof(report)));
	pf_arena_reset(&arena);
	if (r < 0)
		PF_CHECK_INT("again",
			     pf_wire_decode_report(in.data, in.len, &arena, &report, &error), 0);
	PF_CHECK_INT("whole", report.nr_containers, report_sample()->nr_containers);
	pf_arena_done(&arena);
	pf_buf_done(&in);
	return r;
}

static void test_wire(void)
{
	fail_each("encode", 0, once_encode);
	fail_each("decode", 0, once_decode);
}

/* An arena hands out many pieces of one block, so its maximum is what makes each piece fail. */
static void test_decode_small_arena(void)
{
	struct pf_report report, untouched;
	struct pf_wire_error error = { 0 };
	struct pf_arena arena;
	struct pf_buf in;
	size_t max_bytes = 0;
	int r = -ENOSPC;

	memset(&untouched, 0xa5, sizeof(untouched));
	memset(&report, 0xa5, sizeof(report));
	pf_buf_init(&in, PF_WIRE_MESSAGE_MAX);
	PF_CHECK_INT("encode", pf_wire_encode_report(report_sample(), &in), 0);
	for (; r == -ENOSPC && max_bytes <= TEST_MEMORY_MAX; max_bytes += 32) {
		pf_arena_init(&arena, max_bytes);
		r = pf_wire_decode_report(in.data, in.len, &arena, &report, &error);
		if (r < 0) {
			PF_CHECK("untouched", same_bytes(&report, &untouched, sizeof(report)));
			PF_CHECK("says why", strstr(error.reason, "it would take more than"));
		}
		pf_arena_done(&arena);
	}
	PF_CHECK_INT("enough at last", r, 0);
	PF_CHECK("not at once", max_bytes > in.len);
	pf_buf_done(&in);
}

PF_TEST_SUITE(alloc, { "map", test_map }, { "buf", test_buf }, { "slice", test_slice },
	      { "wire", test_wire }, { "decode, small arena", test_decode_small_arena });
