// SPDX-License-Identifier: Apache-2.0
/*
 * The pool of threads for answers: every job that was taken is done, once, and no more wait than may.
 */
#include <errno.h>
#include <stdatomic.h>
#include <unistd.h>

#include "collector/api/pool.h"
#include "unit/check.h"

enum { WAITING_MAX = 3 };

struct gate {
	atomic_uint nr_begun, nr_done;
	atomic_bool open;
};

static void pass(void *arg, void *what)
{
	struct gate *gate = arg;

	(void)what;
	atomic_fetch_add(&gate->nr_begun, 1);
	while (!atomic_load(&gate->open))
		(void)usleep(100);
	atomic_fetch_add(&gate->nr_done, 1);
}

/* Within half a minute, so that a pool that does nothing fails the test and does not hold it up. */
static bool comes_to(atomic_uint *nr, unsigned want)
{
	for (unsigned i = 0; i < 300000 && atomic_load(nr) < want; i++)
		(void)usleep(100);
	return atomic_load(nr) >= want;
}

static void test_bounded(void)
{
	struct gate gate = { .nr_begun = 0 };
	struct pf_pool *pool = NULL;

	PF_CHECK_INT("new", pf_pool_new(1, WAITING_MAX, &pool), 0);
	PF_CHECK_INT("the first", pf_pool_run(pool, pass, &gate, NULL), 0);
	PF_CHECK("it is begun", comes_to(&gate.nr_begun, 1));
	for (int i = 0; i < WAITING_MAX; i++)
		PF_CHECK_INT("may wait", pf_pool_run(pool, pass, &gate, NULL), 0);
	PF_CHECK_INT("one too many", pf_pool_run(pool, pass, &gate, NULL), -EAGAIN);
	PF_CHECK_INT("one at a time", atomic_load(&gate.nr_begun), 1);
	atomic_store(&gate.open, true);
	PF_CHECK("all are done", comes_to(&gate.nr_done, 1 + WAITING_MAX));
	PF_CHECK_INT("there is room again", pf_pool_run(pool, pass, &gate, NULL), 0);
	pf_pool_free(pool);
	PF_CHECK_INT("each once", atomic_load(&gate.nr_done), 2 + WAITING_MAX);
}

PF_TEST_SUITE(collector_pool, { "bounded", test_bounded });
