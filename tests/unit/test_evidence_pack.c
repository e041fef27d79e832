// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>

#include "core/evidence_pack.h"
#include "core/evidence_save.h"
#include "core/history.h"
#include "unit/check.h"
#include "unit/fault_alloc.h"
#include "unit/report_sample.h"

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

PF_TEST_SUITE(evidence_pack, { "round trip", test_round_trip }, { "damage", test_damage },
	      { "no memory", test_no_memory });
