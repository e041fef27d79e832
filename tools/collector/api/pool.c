// SPDX-License-Identifier: Apache-2.0
#include "collector/api/pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>

enum { THREADS_MAX = 16 };

struct job {
	struct job *next;
	void (*fn)(void *arg, void *what);
	void *arg, *what;
};

struct pf_pool {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct job *first, **last;
	unsigned nr_waiting, max_waiting;
	bool stop;
	pthread_t threads[THREADS_MAX];
	unsigned nr_threads;
};

static struct job *take(struct pf_pool *pool)
{
	struct job *job;

	pthread_mutex_lock(&pool->lock);
	while (!pool->first && !pool->stop)
		pthread_cond_wait(&pool->wake, &pool->lock);
	job = pool->first;
	if (job) {
		pool->first = job->next;
		if (!pool->first)
			pool->last = &pool->first;
		pool->nr_waiting--;
	}
	pthread_mutex_unlock(&pool->lock);
	return job;
}

static void *run(void *arg)
{
	struct job *job;

	while ((job = take(arg)) != NULL) {
		job->fn(job->arg, job->what);
		free(job);
	}
	return NULL;
}

int pf_pool_new(unsigned nr_threads, unsigned max_waiting, struct pf_pool **ret_pool)
{
	PF_AUTO(pf_pool_freep) struct pf_pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return -ENOMEM;
	pool->last = &pool->first;
	pool->max_waiting = max_waiting;
	(void)pthread_mutex_init(&pool->lock, NULL); /* cannot fail with default attributes */
	(void)pthread_cond_init(&pool->wake, NULL);
	for (unsigned i = 0; i < PF_MIN(nr_threads, (unsigned)THREADS_MAX); i++) {
		int r = -pthread_create(&pool->threads[i], NULL, run, pool);

		if (r < 0)
			return r;
		pool->nr_threads++;
	}
	*ret_pool = pf_take(pool);
	return 0;
}

void pf_pool_free(struct pf_pool *pool)
{
	if (!pool)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->stop = true;
	pthread_cond_broadcast(&pool->wake);
	pthread_mutex_unlock(&pool->lock);
	for (unsigned i = 0; i < pool->nr_threads; i++)
		(void)pthread_join(pool->threads[i], NULL);
	(void)pthread_mutex_destroy(&pool->lock);
	(void)pthread_cond_destroy(&pool->wake);
	free(pool);
}

int pf_pool_run(struct pf_pool *pool, void (*fn)(void *arg, void *what), void *arg, void *what)
{
	struct job *job = malloc(sizeof(*job));
	bool has_room;

	if (!job)
		return -ENOMEM;
	*job = (struct job){ NULL, fn, arg, what };
	pthread_mutex_lock(&pool->lock);
	has_room = pool->nr_waiting < pool->max_waiting;
	if (has_room) {
		*pool->last = job;
		pool->last = &job->next;
		pool->nr_waiting++;
		pthread_cond_signal(&pool->wake);
	}
	pthread_mutex_unlock(&pool->lock);
	if (!has_room)
		free(job);
	return has_room ? 0 : -EAGAIN;
}
