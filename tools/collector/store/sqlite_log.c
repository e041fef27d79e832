// SPDX-License-Identifier: Apache-2.0
#include "collector/store/sqlite_log.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>

enum { HURRY = 4 /* times the usual length */ };

struct pf_sqlite_log {
	sqlite3 *watched; /* the writer's */
	sqlite3 *own;	  /* the thread's */
	int pages;
	pthread_t thread;
	bool started;

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t wake;
	bool stop, wanted;
};

/* In the writer's thread, after a commit. What fails here fails again where it is reported: the next
 * commit meets the same disk. The commit itself is durable. */
static int on_commit(void *arg, sqlite3 *db, const char *name, int nr_pages)
{
	struct pf_sqlite_log *log = arg;

	if (nr_pages >= log->pages * HURRY) {
		(void)sqlite3_wal_checkpoint_v2(db, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	} else if (nr_pages >= log->pages) {
		pthread_mutex_lock(&log->lock);
		log->wanted = true;
		pthread_cond_signal(&log->wake);
		pthread_mutex_unlock(&log->lock);
	}
	return SQLITE_OK;
}

static bool wait_for_work(struct pf_sqlite_log *log)
{
	bool stop;

	pthread_mutex_lock(&log->lock);
	while (!log->stop && !log->wanted)
		(void)pthread_cond_wait(&log->wake, &log->lock);
	log->wanted = false;
	stop = log->stop;
	pthread_mutex_unlock(&log->lock);
	return !stop;
}

/* Passive: it waits for nobody, and nobody for it. Once all is copied the writer begins the log anew;
 * commits that came meanwhile make the next round, which is shorter. */
static void *run(void *arg)
{
	struct pf_sqlite_log *log = arg;

	while (wait_for_work(log))
		(void)sqlite3_wal_checkpoint_v2(log->own, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL,
						NULL);
	return NULL;
}

int pf_sqlite_log_new(const char *path, sqlite3 *db, int pages, struct pf_sqlite_log **ret_log)
{
	PF_AUTO(pf_sqlite_log_freep) struct pf_sqlite_log *log = calloc(1, sizeof(*log));
	int r;

	if (!log)
		return -ENOMEM;
	log->watched = db;
	log->pages = pages;
	(void)pthread_mutex_init(&log->lock, NULL); /* cannot fail with default attributes */
	(void)pthread_cond_init(&log->wake, NULL);
	if (sqlite3_open_v2(path, &log->own, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
		    SQLITE_OK ||
	    sqlite3_exec(log->own, "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0", NULL,
			 NULL, NULL) != SQLITE_OK)
		return -EIO;
	r = -pthread_create(&log->thread, NULL, run, log);
	if (r < 0)
		return r;
	log->started = true;
	(void)sqlite3_wal_hook(db, on_commit, log);
	*ret_log = pf_take(log);
	return 0;
}

void pf_sqlite_log_free(struct pf_sqlite_log *log)
{
	if (!log)
		return;
	if (log->started) {
		(void)sqlite3_wal_hook(log->watched, NULL, NULL);
		pthread_mutex_lock(&log->lock);
		log->stop = true;
		pthread_cond_signal(&log->wake);
		pthread_mutex_unlock(&log->lock);
		(void)pthread_join(log->thread, NULL);
	}
	(void)sqlite3_close(log->own);
	(void)pthread_mutex_destroy(&log->lock);
	(void)pthread_cond_destroy(&log->wake);
	free(log);
}
