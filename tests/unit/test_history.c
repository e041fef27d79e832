// SPDX-License-Identifier: Apache-2.0
/* What is known of workloads: for longer than their pods, the agent, its version and a clock live. */
#include <errno.h>
#include <string.h>

#include "core/evidence_save.h"
#include "core/history.h"
#include "core/rules.h"
#include "core/size_memory.h"
#include "unit/evidence_sample.h"

static void test_key(void)
{
	struct pf_identity a = { .namespace_name = "shop",
				 .workload_kind = PF_WORKLOAD_DEPLOYMENT,
				 .workload = "cart",
				 .container = "app" };
	struct pf_identity others[5] = { a, a, a, a, a };
	char key[PF_HISTORY_KEY_MAX], other[PF_HISTORY_KEY_MAX];

	snprintf(others[0].namespace_name, sizeof(others[0].namespace_name), "shop2");
	others[1].workload_kind = PF_WORKLOAD_STATEFUL_SET;
	snprintf(others[2].workload, sizeof(others[2].workload), "cart2");
	snprintf(others[3].container, sizeof(others[3].container), "app2");
	snprintf(others[4].pod, sizeof(others[4].pod), "cart-1");
	pf_history_key(&a, key);
	for (size_t i = 0; i < PF_ARRAY_SIZE(others); i++) {
		pf_history_key(&others[i], other);
		PF_CHECK_INT("a pod has no history of its own, all else has",
			     strcmp(key, other) == 0, i == 4);
	}
}

static void test_bounded(void)
{
	PF_AUTO(pf_histories_freep) struct pf_histories *all = NULL;
	struct pf_history *a = NULL, *b = NULL, *c = NULL, *found = NULL;

	PF_CHECK_INT("new", pf_histories_new(2, &all), 0);
	PF_CHECK_INT("a", pf_histories_get(all, "a", 10, &a), 0);
	PF_CHECK_INT("b", pf_histories_get(all, "b", 20, &b), 0);
	PF_CHECK_INT("again", pf_histories_get(all, "a", 30, &found), 0);
	PF_CHECK("the same", found == a);
	PF_CHECK_INT("one more", pf_histories_get(all, "c", 40, &c), 0);
	PF_CHECK_INT("at the cost of the one not touched for longest", pf_histories_nr_dropped(all),
		     1);
	PF_CHECK_INT("two", pf_histories_count(all), 2);
	PF_CHECK_INT("a is still there", pf_histories_get(all, "a", 50, &found), 0);
	PF_CHECK("with what it had", found == a);
	a->nr_living = c->nr_living = 1;
	found = NULL;
	PF_CHECK_INT("what lives does not go", pf_histories_get(all, "d", 60, &found), -ENOSPC);
	PF_CHECK("output untouched", !found);
	PF_CHECK_INT("counted", pf_histories_nr_refused(all), 1);
}

static uint64_t highest_need(const struct pf_evidence *e)
{
	struct pf_memory_size size = { 0 };
	struct pf_rules rules;

	pf_rules_default(&rules);
	PF_CHECK_INT("size", pf_memory_size(e, &rules.class, 0, &size), 0);
	return size.need_bytes;
}

static void take(struct pf_history *history, const char *instance, uint32_t hour, uint64_t bytes)
{
	struct evidence_hour h = { .busy_windows = 36000,
				   .demand_millicores = 300,
				   .memory_bytes = bytes,
				   .hot_bytes = bytes,
				   .limit_bytes = 5000 };
	PF_AUTO(pf_slice_freep) struct pf_slice *s = evidence_slice(hour, &h);

	PF_CHECK_INT("take", pf_history_take(history, instance, s, hour), 0);
}

/* Pods come and go, the history goes on; and a clock that was set back loses nothing of it. */
static void test_restarts_and_clock(void)
{
	PF_AUTO(pf_histories_freep) struct pf_histories *all = NULL;
	PF_AUTO(pf_evidence_freep) struct pf_evidence *e = NULL;
	PF_AUTO(pf_evidence_freep) struct pf_evidence *later = NULL;
	struct pf_history *h = NULL;

	PF_CHECK_INT("new", pf_histories_new(2, &all), 0);
	PF_CHECK_INT("get", pf_histories_get(all, "a", 10, &h), 0);
	PF_CHECK("nothing yet", !h->packed.size);
	for (uint32_t hour = 48; hour < 54; hour++)
		take(h, "pod-1", hour, 900);
	take(h, "pod-2", 54, 300);
	PF_CHECK_INT("evidence", pf_history_evidence(h, &e), 0);
	PF_CHECK_INT("both", e->nr_instances, 2);
	PF_CHECK_INT("of the one that is gone too", highest_need(e), 900);
	PF_CHECK_NEAR("hours", e->covered_hours, 7, 1e-9);
	take(h, "pod-2", 30, 950); /* a day earlier */
	PF_CHECK_INT("evidence", pf_history_evidence(h, &later), 0);
	PF_CHECK_INT("an earlier hour counts", highest_need(later), 950);
	PF_CHECK_NEAR("hours", later->covered_hours, 8, 1e-9);
	PF_CHECK_INT("the newest stays the newest", later->last_ns,
		     (int64_t)((EVIDENCE_START_HOUR + 55) * PF_NS_PER_HOUR));
}

/* Version 3 appended the limit queues. */
static size_t as_version_2(char *data, size_t size)
{
	const uint32_t version = 2;

	memcpy(data, &version, sizeof(version));
	return size - 5 * sizeof(double) - PF_NR_LIMIT_COUNTS * PF_LIMITS * sizeof(float) -
	       sizeof(uint64_t);
}

/* Version 2 added the limit to each memory cell. */
static size_t as_version_1(char *data, size_t size, const struct pf_evidence *e)
{
	const uint32_t version = 1;
	size_t at = 0;

	for (uint32_t i = 0; i < e->nr_hours; i++) {
		char cell[4 + 3 * 8];

		memcpy(cell, &e->hours[i].index, 4);
		memcpy(cell + 4, &e->hours[i].need_bytes, 8);
		memcpy(cell + 12, &e->hours[i].peak_bytes, 8);
		memcpy(cell + 20, &e->hours[i].oom_bytes, 8);
		while (at + sizeof(cell) + 8 <= size && memcmp(data + at, cell, sizeof(cell)) != 0)
			at++;
		at += sizeof(cell);
		size -= 8;
		memmove(data + at, data + at + 8, size - at);
	}
	memcpy(data, &version, sizeof(version));
	return size;
}

static void check_older(const char *data, size_t size, const struct pf_evidence *e,
			uint64_t room_bytes)
{
	PF_AUTO(pf_evidence_freep) struct pf_evidence *old = NULL;
	struct pf_vpa_aggregate a, b;

	PF_CHECK_INT("older", pf_evidence_load(data, size, &old), 0);
	if (!old)
		return;
	PF_CHECK_INT("hours", old->nr_hours, e->nr_hours);
	PF_CHECK_INT("need", highest_need(old), highest_need(e));
	PF_CHECK_INT("limits", old->hours[2].room_bytes, room_bytes);
	PF_CHECK_NEAR("hours", old->covered_hours, e->covered_hours, 0);
	pf_evidence_vpa(e, &a);
	pf_evidence_vpa(old, &b);
	PF_CHECK_INT("VPA's samples", b.nr_samples, a.nr_samples);
	PF_CHECK_NEAR("VPA's memory", b.memory.total, a.memory.total, 0);
}

/* A checkpoint of an older podfit is read, one of a newer is refused, not guessed at. */
static void test_upgrade(void)
{
	PF_AUTO(pf_evidence_freep) struct pf_evidence *e = evidence_new();
	PF_AUTO(pf_evidence_freep) struct pf_evidence *newer = NULL;
	struct evidence_hour h = { .busy_windows = 36000,
				   .demand_millicores = 300,
				   .memory_bytes = 900,
				   .hot_bytes = 700,
				   .limit_bytes = 5000 };
	struct pf_buf buf;
	size_t size;

	pf_buf_init(&buf, 1 << 20);
	evidence_run(e, "a", 0, 5, &h);
	PF_CHECK_INT("save", pf_evidence_save(e, &buf), 0);
	check_older(buf.data, buf.len, e, 5000);
	buf.data[0]++;
	PF_CHECK_INT("newer", pf_evidence_load(buf.data, buf.len, &newer), -EOPNOTSUPP);
	PF_CHECK("untouched", !newer);
	size = as_version_2(buf.data, buf.len);
	check_older(buf.data, size, e, 5000);
	size = as_version_1(buf.data, size, e);
	check_older(buf.data, size, e, 0);
	pf_buf_done(&buf);
}

PF_TEST_SUITE(history, { "key", test_key }, { "bounded", test_bounded },
	      { "restarts and clock", test_restarts_and_clock }, { "upgrade", test_upgrade });
