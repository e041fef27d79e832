/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool.h - a few threads for answers that take a while, so that reports keep coming in meanwhile.
 */
#ifndef PF_COLLECTOR_API_POOL_H
#define PF_COLLECTOR_API_POOL_H

#include "base/cleanup.h"

struct pf_pool;

/** pf_pool_new() - @max_waiting: jobs that may wait for a thread. */
PF_MUST_CHECK int pf_pool_new(unsigned nr_threads, unsigned max_waiting, struct pf_pool **ret_pool);
/** pf_pool_free() - finishes what is queued; accepts NULL. */
void pf_pool_free(struct pf_pool *pool);
PF_DEFINE_AUTO(struct pf_pool *, pf_pool_free);

/** pf_pool_run() - calls @fn in one of the threads. Return: 0; -EAGAIN: too many wait;
 * -ENOMEM. Then it is not called. */
PF_MUST_CHECK int pf_pool_run(struct pf_pool *pool, void (*fn)(void *arg, void *what), void *arg,
			      void *what);

#endif
