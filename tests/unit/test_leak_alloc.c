// SPDX-License-Identifier: Apache-2.0
/*
 * test_leak_alloc.c - the leak book and saved states while each allocation in turn fails: -ENOMEM, no state
 * lost, nothing leaked, and the same call succeeds afterwards.
 */
#include <errno.h>

#include "base/buf.h"
#include "base/units.h"
#include "core/leak_book.h"
#include "core/leak_save.h"
#include "unit/check.h"
#include "unit/fault_alloc.h"

static const struct pf_leak_options *options(void)
{
	static struct pf_leak_options o;

	pf_leak_options_init(10 * PF_NS_PER_S, 1, &o);
	return &o;
}

/* Leaks from its 30th hour on; @nr samples in all. */
static void grow(struct pf_leak_state *state, uint64_t nr)
{
	for (uint64_t i = 0; i < nr; i++) {
		struct pf_leak_sample sample = {
			.at_ns = (1700000000 + 10 * i) * PF_NS_PER_S,
			.hot_bytes = 200 * PF_MIB + (i > 10800 ? (i - 10800) * 64 * PF_KIB : 0),
			.limit_bytes = PF_GIB,
			.cpu_cores = .5,
		};

		(void)pf_leak_push(state, options(), &sample); /* what comes of it is the state */
	}
}

/* @once with allocation 1, 2, ... failing until none is left; it returns what the call gave. */
static void fail_each(const char *name, int (*once)(unsigned nth))
{
	unsigned nth = 1;
	int r = -ENOMEM;

	for (; r < 0 && nth < 100; nth++) {
		long live = fault_alloc_live();

		r = once(nth);
		PF_CHECK_INT(name, r, fault_alloc_calls() >= nth ? -ENOMEM : 0);
		PF_CHECK_INT(name, fault_alloc_live(), live);
	}
	PF_CHECK_INT(name, r, 0);
	PF_CHECK(name, nth > 2); /* at least one could fail */
}

static int once_new(unsigned nth)
{
	struct pf_leak_book *untouched = (struct pf_leak_book *)&nth, *book = untouched;
	int r;

	fault_alloc(nth);
	r = pf_leak_book_new(8, options(), &book);
	fault_alloc_end();
	if (r < 0)
		PF_CHECK("untouched", book == untouched);
	else
		pf_leak_book_free(book);
	return r;
}

static int sample_failing(struct pf_leak_book *book, unsigned nth, const char *instance)
{
	struct pf_leak_sample sample = {
		.at_ns = (1700000000 + 140010) * PF_NS_PER_S,
		.hot_bytes = 401 * PF_MIB,
		.limit_bytes = PF_GIB,
		.cpu_cores = -1,
	};
	enum pf_leak_event event = PF_LEAK_ALARM_ENDS;
	int r;

	fault_alloc(nth);
	r = pf_leak_book_sample(book, 7, instance, &sample, &event);
	fault_alloc_end();
	if (r < 0) {
		PF_CHECK_INT("untouched", event, PF_LEAK_ALARM_ENDS);
		PF_CHECK("not in the book", !pf_leak_book_find(book, 7));
		PF_CHECK_INT("again", pf_leak_book_sample(book, 7, instance, &sample, &event), 0);
	}
	PF_CHECK("in the book", pf_leak_book_find(book, 7));
	return r;
}

static int once_first_sample(unsigned nth)
{
	PF_AUTO(pf_leak_book_freep) struct pf_leak_book *book = NULL;

	PF_CHECK_INT("new", pf_leak_book_new(8, options(), &book), 0);
	return sample_failing(book, nth, "new");
}

static size_t nr_alarmed(const struct pf_leak_book *book)
{
	const struct pf_leak_entry *e;
	size_t cursor = 0, nr = 0;

	while ((e = pf_leak_book_next(book, &cursor)))
		nr += e->state.phase == PF_LEAK_ALARM;
	return nr;
}

/* The state out of a checkpoint waits for its container, also when that could not be taken in at first. */
static int once_restored_sample(unsigned nth)
{
	PF_AUTO(pf_leak_book_freep) struct pf_leak_book *book = NULL;
	static struct pf_leak_state state;
	int r;

	memset(&state, 0, sizeof(state));
	grow(&state, 14000);
	PF_CHECK_INT("new", pf_leak_book_new(8, options(), &book), 0);
	PF_CHECK_INT(
		"restored",
		pf_leak_book_restore(book, "old", "ns/Deployment/web/app", &state, state.last_ns),
		0);
	r = sample_failing(book, nth, "old");
	PF_CHECK_INT("with its alarm", pf_leak_book_find(book, 7)->state.phase, PF_LEAK_ALARM);
	PF_CHECK_INT("once", nr_alarmed(book), 1);
	return r;
}

/* In a full book an ended state makes place, but only for one that does come. */
static int once_restore(unsigned nth)
{
	PF_AUTO(pf_leak_book_freep) struct pf_leak_book *book = NULL;
	static struct pf_leak_state state, fresh;
	int r;

	memset(&state, 0, sizeof(state));
	grow(&state, 14000);
	PF_CHECK_INT("new", pf_leak_book_new(1, options(), &book), 0);
	PF_CHECK_INT("first", pf_leak_book_restore(book, "a", "key", &state, state.last_ns), 0);
	fault_alloc(nth);
	r = pf_leak_book_restore(book, "b", "key", &fresh, state.last_ns);
	fault_alloc_end();
	PF_CHECK_INT("the ended one stays on failure", nr_alarmed(book), r < 0);
	return r;
}

/* Padding too: what is compared was copied as a whole. */
static bool same_bytes(const void *a, const void *b, size_t size)
{
	return !memcmp(a, b, size);
}

/* A failed save leaves the state as it was; loading needs no memory. */
static int once_save(unsigned nth)
{
	static struct pf_leak_state state, before, loaded;
	struct pf_buf buf, again;
	int r;

	memset(&state, 0, sizeof(state));
	grow(&state, 14000);
	before = state;
	pf_buf_init(&buf, PF_LEAK_SAVED_MAX);
	pf_buf_init(&again, PF_LEAK_SAVED_MAX);
	fault_alloc(nth);
	r = pf_leak_save(&state, &buf);
	fault_alloc_end();
	unsigned nr_calls = fault_alloc_calls();

	PF_CHECK("state as it was", same_bytes(&state, &before, sizeof(state)));
	PF_CHECK_INT("again", pf_leak_save(&state, &again), 0);
	if (r == 0) {
		fault_alloc(1);
		PF_CHECK_INT("load", pf_leak_load(buf.data, buf.len, &loaded), 0);
		fault_alloc_end();
		PF_CHECK_INT("without memory", fault_alloc_calls(), 0);
		PF_CHECK_INT("the same alarm", loaded.first_alarm_ns, state.first_alarm_ns);
		PF_CHECK("fewer than asked to fail", nr_calls < nth);
	}
	pf_buf_done(&buf);
	pf_buf_done(&again);
	return r;
}

static void test_book(void)
{
	fail_each("new", once_new);
	fail_each("first sample", once_first_sample);
	fail_each("restored container's sample", once_restored_sample);
	fail_each("restore into a full book", once_restore);
}

static void test_save(void)
{
	unsigned nth = 1;
	int r = -ENOMEM;

	for (; r < 0 && nth < 100; nth++) {
		r = once_save(nth);
		PF_CHECK("-ENOMEM or done", r == -ENOMEM || r == 0);
	}
	PF_CHECK_INT("done at last", r, 0);
	PF_CHECK("after failures", nth > 2);
}

PF_TEST_SUITE(leak_alloc, { "book", test_book }, { "save", test_save });
