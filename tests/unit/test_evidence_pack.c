// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <evidence.pb-c.h>
#include <stdlib.h>

#include "core/evidence_pack.h"
#include "core/evidence_save.h"
#include "core/history.h"
#include "unit/check.h"
#include "unit/fault_alloc.h"
#include "unit/report_sample.h"
#include "wire/summary.h"

static struct pf_evidence *evidence_new(unsigned nr_slices)
{
	const struct pf_slice *slice = report_sample()->containers[0].slices[0];
	struct pf_evidence *evidence = NULL;
	struct pf_vpa_settings settings;

	pf_vpa_settings_default(&settings);
	PF_CHECK_INT("new", pf_evidence_new(&settings, &evidence), 0);
	for (unsigned i = 0; i < nr_slices; i++)
		PF_CHECK_INT("slice", pf_evidence_add_slice(evidence, i, slice), 0);
	return evidence;
}

/* The bytes of both, which hold all there is of evidence. */
static bool same(const struct pf_evidence *a, const struct pf_evidence *b)
{
	struct pf_buf first, second;
	bool equal;

	pf_buf_init(&first, 1 << 20);
	pf_buf_init(&second, 1 << 20);
	PF_CHECK_INT("save", pf_evidence_save(a, &first), 0);
	PF_CHECK_INT("save", pf_evidence_save(b, &second), 0);
	equal = first.len == second.len && !memcmp(first.data, second.data, first.len);
	pf_buf_done(&first);
	pf_buf_done(&second);
	return equal;
}

static void test_round_trip(void)
{
	static const unsigned nr_slices[] = { 0, 1, 2, 40 };

	for (size_t i = 0; i < PF_ARRAY_SIZE(nr_slices); i++) {
		PF_AUTO(pf_evidence_freep)
		struct pf_evidence *evidence = evidence_new(nr_slices[i]);
		PF_AUTO(pf_evidence_freep) struct pf_evidence *again = NULL;
		struct pf_evidence_packed packed = { NULL, 0 };

		PF_CHECK_INT("pack", pf_evidence_pack(evidence, &packed), 0);
		PF_CHECK("smaller by far", packed.size < sizeof(*evidence) / 4);
		PF_CHECK_INT("unpack", pf_evidence_unpack(&packed, &again), 0);
		PF_CHECK("to the bit", again && same(evidence, again));
		pf_evidence_packed_done(&packed);
		PF_CHECK("empty", !packed.data && !packed.size);
	}
}

static struct pf_evidence *through_summary(const struct pf_evidence *evidence, bool lose_limits)
{
	struct pf_evidence *again = NULL;
	struct pf_vpa_settings settings;
	struct pf_wire_error error;
	struct pf_arena arena;
	struct pf_buf buf;

	pf_vpa_settings_default(&settings);
	pf_arena_init(&arena, 16 << 20);
	pf_buf_init(&buf, 1 << 20);
	PF_CHECK_INT("encode", pf_wire_encode_summary(evidence, NULL, 0, &buf), 0);
	if (lose_limits) {
		Podfit__V1__Summary *summary =
			podfit__v1__summary__unpack(NULL, buf.len, (const uint8_t *)buf.data);

		for (size_t i = 0; i < summary->evidence->n_limits; i++)
			podfit__v1__weights__free_unpacked(summary->evidence->limits[i], NULL);
		summary->evidence->n_limits = 0;
		buf.len = podfit__v1__summary__pack(summary, (uint8_t *)buf.data);
		podfit__v1__summary__free_unpacked(summary, NULL);
	}
	PF_CHECK_INT("decode",
		     pf_wire_decode_summary(buf.data, buf.len, &settings, &arena, &again, NULL,
					    NULL, &error),
		     0);
	pf_buf_done(&buf);
	pf_arena_done(&arena);
	return again;
}

/* A collector keeps evidence as summaries: all of it is there again. */
static void test_summary(void)
{
	static const unsigned nr_slices[] = { 0, 1, 40 };

	for (size_t i = 0; i < PF_ARRAY_SIZE(nr_slices); i++) {
		PF_AUTO(pf_evidence_freep)
		struct pf_evidence *evidence = evidence_new(nr_slices[i]);
		PF_AUTO(pf_evidence_freep)
		struct pf_evidence *again = through_summary(evidence, false);

		PF_CHECK("with other limits played",
			 !nr_slices[i] || evidence->sums.limit_windows > 0);
		PF_CHECK("to the bit", again && same(evidence, again));
	}
}

/* One of a version that kept how many windows were played, but not what they gave, has none. */
static void test_summary_without_limits(void)
{
	PF_AUTO(pf_evidence_freep) struct pf_evidence *evidence = evidence_new(3);
	PF_AUTO(pf_evidence_freep) struct pf_evidence *again = through_summary(evidence, true);

	if (!again)
		return;
	PF_CHECK("no windows", again->sums.limit_windows == 0 && again->sums.limit_active == 0 &&
				       again->sums.limit_free == 0 &&
				       again->sums.limit_running == 0 &&
				       again->sums.limit_pairs == 0);
	PF_CHECK("all else", again->sums.covered_ns == evidence->sums.covered_ns);
}

/* Cut or turned, it is refused or is other evidence; nothing is read beyond its end. */
static void test_damage(void)
{
	PF_AUTO(pf_evidence_freep) struct pf_evidence *evidence = evidence_new(2);
	struct pf_evidence_packed packed = { NULL, 0 };

	PF_CHECK_INT("pack", pf_evidence_pack(evidence, &packed), 0);
	for (size_t len = 0; len < packed.size; len++) {
		struct pf_evidence_packed cut = { malloc(len + 1), len };
		struct pf_evidence *got = NULL;

		memcpy(cut.data, packed.data, len);
		PF_CHECK_INT("cut", pf_evidence_unpack(&cut, &got), -EBADMSG);
		PF_CHECK("untouched", !got);
		pf_evidence_packed_done(&cut);
	}
	for (size_t i = 0; i < packed.size; i++) {
		PF_AUTO(pf_evidence_freep) struct pf_evidence *got = NULL;
		int r;

		packed.data[i] ^= 0x80;
		r = pf_evidence_unpack(&packed, &got);
		PF_CHECK("refused or other",
			 (r == 0) == (got != NULL) && (r == 0 || r == -EBADMSG));
		packed.data[i] ^= 0x80;
	}
	pf_evidence_packed_done(&packed);
}

/* Out of memory at each allocation in turn: the history is as it was, and takes it afterwards. */
static void test_no_memory(void)
{
	const struct pf_slice *slice = report_sample()->containers[0].slices[0];
	int r = -ENOMEM;

	for (unsigned nth = 1; r < 0 && nth < 200; nth++) {
		PF_AUTO(pf_histories_freep) struct pf_histories *all = NULL;
		PF_AUTO(pf_evidence_freep) struct pf_evidence *before = NULL;
		PF_AUTO(pf_evidence_freep) struct pf_evidence *after = NULL;
		struct pf_history *history = NULL;
		long live;

		PF_CHECK_INT("new", pf_histories_new(2, &all), 0);
		PF_CHECK_INT("get", pf_histories_get(all, "a", 1, &history), 0);
		PF_CHECK_INT("first", pf_history_take(history, "one", slice, 2), 0);
		PF_CHECK_INT("before", pf_history_evidence(history, &before), 0);
		live = fault_alloc_live();
		fault_alloc(nth);
		r = pf_history_take(history, "two", slice, 3);
		fault_alloc_end();
		PF_CHECK_INT("result", r, fault_alloc_calls() >= nth ? -ENOMEM : 0);
		PF_CHECK_INT("nothing leaks", fault_alloc_live(), live);
		PF_CHECK_INT("after", pf_history_evidence(history, &after), 0);
		PF_CHECK("as it was, or taken", same(before, after) == (r < 0));
		if (r < 0)
			PF_CHECK_INT("again", pf_history_take(history, "two", slice, 3), 0);
	}
	PF_CHECK_INT("in the end", r, 0);
}

PF_TEST_SUITE(evidence_pack, { "round trip", test_round_trip }, { "summary", test_summary },
	      { "summary without limits", test_summary_without_limits }, { "damage", test_damage },
	      { "no memory", test_no_memory });
