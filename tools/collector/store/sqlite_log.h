/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite_log.h - the thread that copies SQLite's write-ahead log back into the database file, so that
 * commits do not have to. Copying tens of megabytes and syncing them takes from 0.1 s to seconds on a
 * busy disk, and whoever waits for a commit would wait for it too.
 */
#ifndef PF_COLLECTOR_STORE_SQLITE_LOG_H
#define PF_COLLECTOR_STORE_SQLITE_LOG_H

#include <sqlite3.h>

#include "base/cleanup.h"

struct pf_sqlite_log;

/**
 * pf_sqlite_log_new() - watches the commits of @db, whose own checkpoints end.
 *
 * From @pages on the log is copied by the thread while commits go on; should it get four times as
 * long, the commits copy the rest themselves and are as slow as the disk.
 * Return: 0; -EIO: @path cannot be opened again; -ENOMEM; -errno of the thread.
 */
PF_MUST_CHECK int pf_sqlite_log_new(const char *path, sqlite3 *db, int pages,
				    struct pf_sqlite_log **ret_log);

/** pf_sqlite_log_free() - before @db is closed; accepts NULL. */
void pf_sqlite_log_free(struct pf_sqlite_log *log);
PF_DEFINE_AUTO(struct pf_sqlite_log *, pf_sqlite_log_free);

#endif
