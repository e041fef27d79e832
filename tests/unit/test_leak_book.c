// SPDX-License-Identifier: Apache-2.0
/*
 * test_leak_book.c - states find their containers again: after restarts, replaced pods, a new agent.
 */
#include <errno.h>

#include "base/units.h"
#include "core/leak_book.h"
#include "unit/check.h"

static const struct pf_leak_options *options(void)
{
	static struct pf_leak_options o;

	pf_leak_options_init(10 * PF_NS_PER_S, 1, &o);
	return &o;
}

/* Samples of a life: flat until @leak_from, then 10 MiB an hour. Times in seconds. */
static void live(struct pf_leak_book *book, uint64_t handle, const char *instance, uint64_t from_s,
		 uint64_t to_s, uint64_t leak_from_s)
{
	for (uint64_t s = from_s; s < to_s; s += 10) {
		enum pf_leak_event event;
		struct pf_leak_sample sample = {
			.at_ns = (1700000000 + s) * PF_NS_PER_S,
			.hot_bytes = 200 * PF_MIB +
				     (s > leak_from_s ? (s - leak_from_s) * 10 * PF_MIB / 3600 : 0),
			.limit_bytes = PF_GIB,
			.cpu_cores = .1,
		};

		PF_CHECK_INT("sample", pf_leak_book_sample(book, handle, instance, &sample, &event),
			     0);
	}
}

static const uint64_t day = 86400;

static void test_successor(void)
{
	PF_AUTO(pf_leak_book_freep) struct pf_leak_book *book = NULL;
	const struct pf_leak_entry *e;

	PF_CHECK_INT("new", pf_leak_book_new(8, options(), &book), 0);
	live(book, 1, "pod-a", 0, 2 * day, day);
	pf_leak_book_name(book, 1, "ns/Deployment/web/app");
	e = pf_leak_book_find(book, 1);
	PF_CHECK_INT("alarm", e->state.phase, PF_LEAK_ALARM);

	pf_leak_book_oom(book, 1);
	pf_leak_book_end(book, 1);
	PF_CHECK("gone by handle", !pf_leak_book_find(book, 1));
	live(book, 2, "pod-b", 2 * day, 2 * day + 600, 2 * day);
	PF_CHECK_INT("not named yet: of its own", pf_leak_book_find(book, 2)->state.nr_restarts, 0);
	pf_leak_book_name(book, 2, "ns/Deployment/web/app");
	e = pf_leak_book_find(book, 2);
	PF_CHECK_INT("alarm goes on", e->state.phase, PF_LEAK_ALARM);
	PF_CHECK_INT("restarts", e->state.nr_restarts, 1);
	PF_CHECK_INT("killed", e->state.nr_ooms, 1);
	PF_CHECK("its own bins are kept",
		 e->state.start_ns == (1700000000 + 2 * day) * PF_NS_PER_S);

	live(book, 3, "pod-c", 2 * day, 2 * day + 600, 2 * day);
	pf_leak_book_name(book, 3, "ns/Deployment/web/app");
	PF_CHECK_INT("a second replica has no one to follow",
		     pf_leak_book_find(book, 3)->state.nr_restarts, 0);
}

/* Killed for memory, and back in the same cgroup: what is gone was not given back. */
static void test_killed_in_place(void)
{
	PF_AUTO(pf_leak_book_freep) struct pf_leak_book *book = NULL;
	const struct pf_leak_entry *e;
	uint32_t before;

	PF_CHECK_INT("new", pf_leak_book_new(8, options(), &book), 0);
	live(book, 1, "pod-a", 0, 2 * day, day);
	e = pf_leak_book_find(book, 1);
	PF_CHECK_INT("alarm", e->state.phase, PF_LEAK_ALARM);
	before = e->state.before_pages;
	pf_leak_book_oom(book, 1);
	live(book, 1, "pod-a", 2 * day, 2 * day + 3600, 2 * day);
	PF_CHECK_INT("the alarm stays", e->state.phase, PF_LEAK_ALARM);
	PF_CHECK_INT("with what it needed before", e->state.before_pages, before);
	PF_CHECK_INT("killed", e->state.nr_ooms, 1);
	PF_CHECK_INT("a new life", e->state.nr_restarts, 1);

	/* Without a kill the same fall is memory given back. */
	live(book, 2, "pod-b", 0, 2 * day, day);
	live(book, 2, "pod-b", 2 * day, 2 * day + 3600, 2 * day);
	PF_CHECK_INT("given back", pf_leak_book_find(book, 2)->state.phase, PF_LEAK_NONE);
}

/* A kill long before the alarm is not what it is about: the alarm's own life goes on. */
static void test_killed_before(void)
{
	PF_AUTO(pf_leak_book_freep) struct pf_leak_book *book = NULL;
	const struct pf_leak_entry *e;

	PF_CHECK_INT("new", pf_leak_book_new(8, options(), &book), 0);
	live(book, 1, "pod-a", 0, day / 2, day);
	pf_leak_book_oom(book, 1);
	live(book, 1, "pod-a", day / 2, 2 * day, day);
	e = pf_leak_book_find(book, 1);
	PF_CHECK_INT("alarm", e->state.phase, PF_LEAK_ALARM);
	PF_CHECK("of this life", !e->state.inherited);
	PF_CHECK_INT("no new life", e->state.nr_restarts, 0);
	PF_CHECK_INT("a successor is told of the kill", e->oom, true);
}

static void test_full(void)
{
	PF_AUTO(pf_leak_book_freep) struct pf_leak_book *book = NULL;
	struct pf_leak_sample sample = { .at_ns = PF_NS_PER_S, .limit_bytes = PF_NO_LIMIT };
	enum pf_leak_event event;

	PF_CHECK_INT("new", pf_leak_book_new(2, options(), &book), 0);
	live(book, 1, "a", 0, 100, 100);
	live(book, 2, "b", 0, 100, 100);
	PF_CHECK_INT("full of the living", pf_leak_book_sample(book, 3, "c", &sample, &event),
		     -ENOSPC);
	PF_CHECK_INT("counted", pf_leak_book_refused(book), 1);
	pf_leak_book_name(book, 1, "ns/Pod/a/a");
	pf_leak_book_end(book, 1);
	PF_CHECK_INT("an ended one makes place", pf_leak_book_sample(book, 3, "c", &sample, &event),
		     0);
	PF_CHECK("the living stayed", pf_leak_book_find(book, 2));
	pf_leak_book_end(book, 3);
	PF_CHECK_INT("an unnamed one leaves nothing behind",
		     pf_leak_book_sample(book, 4, "d", &sample, &event), 0);
}

/* A new agent: the same container goes on, another one succeeds. */
static void test_restore(void)
{
	PF_AUTO(pf_leak_book_freep) struct pf_leak_book *old = NULL, *book = NULL;
	const struct pf_leak_entry *e;
	uint64_t now_ns = (1700000000 + 2 * day) * PF_NS_PER_S;
	size_t cursor = 0, nr = 0;

	PF_CHECK_INT("new", pf_leak_book_new(8, options(), &old), 0);
	PF_CHECK_INT("new", pf_leak_book_new(8, options(), &book), 0);
	live(old, 1, "same", 0, 2 * day, day);
	pf_leak_book_name(old, 1, "ns/Pod/same/app");
	live(old, 2, "replaced", 0, 2 * day, day);
	pf_leak_book_name(old, 2, "ns/Deployment/web/app");
	while ((e = pf_leak_book_next(old, &cursor))) {
		PF_CHECK_INT("restored",
			     pf_leak_book_restore(book, e->instance, e->key, &e->state, now_ns), 0);
		nr++;
	}
	PF_CHECK_INT("both", nr, 2);

	live(book, 71, "same", 2 * day, 2 * day + 100, day);
	e = pf_leak_book_find(book, 71);
	PF_CHECK_INT("no restart", e->state.nr_restarts, 0);
	PF_CHECK_INT("alarm", e->state.phase, PF_LEAK_ALARM);
	PF_CHECK("as old as before", e->state.start_ns == 1700000000 * PF_NS_PER_S);

	live(book, 72, "new", 2 * day, 2 * day + 100, 2 * day);
	pf_leak_book_name(book, 72, "ns/Deployment/web/app");
	PF_CHECK_INT("restarted", pf_leak_book_find(book, 72)->state.nr_restarts, 1);
	PF_CHECK_INT("alarm", pf_leak_book_find(book, 72)->state.phase, PF_LEAK_ALARM);
}

PF_TEST_SUITE(leak_book, { "successor", test_successor },
	      { "killed in place", test_killed_in_place }, { "killed before", test_killed_before },
	      { "full", test_full }, { "restore", test_restore });
