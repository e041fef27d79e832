/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_place.h - stores for tests: a SQLite file of this process, and the PostgreSQL database that
 * PODFIT_TEST_POSTGRES names, if any.
 */
#ifndef PF_TESTS_STORE_PLACE_H
#define PF_TESTS_STORE_PLACE_H

#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/store/store.h"
#include "unit/check.h"

struct place {
	const char *name;
	const struct pf_store_ops *ops;
	char where[256];
};

static inline void sqlite_place(struct place *p, const char *file)
{
	p->name = "sqlite";
	p->ops = &pf_store_sqlite;
	(void)snprintf(p->where, sizeof(p->where), "/tmp/pf-store-%d-%s.db", getpid(), file);
}

static inline void sqlite_remove(const struct place *p)
{
	char path[300];

	(void)unlink(p->where);
	(void)snprintf(path, sizeof(path), "%s-wal", p->where);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s-shm", p->where);
	(void)unlink(path);
}

static inline struct pf_store *open_store(const struct place *p, bool create)
{
	char note[512] = "", error[512] = "";
	struct pf_store *store = NULL;
	int r = p->ops->open(p->where, create, &store, note, sizeof(note), error, sizeof(error));

	if (r < 0)
		fprintf(stderr, "%s: open: %s\n", p->name, error);
	PF_CHECK_INT(p->name, r, 0);
	return store;
}

typedef void (*check_fn)(const struct place *p);

/* Marks only rise by way of the store. */
static inline void clear_marks(const struct place *p)
{
	PGconn *conn = PQconnectdb(p->where);
	PGresult *result = PQexec(conn, "DELETE FROM podfit_marks");

	PF_CHECK_INT("clear", PQresultStatus(result), PGRES_COMMAND_OK);
	PQclear(result);
	PQfinish(conn);
}

static inline void clear_postgres(const struct place *p)
{
	struct pf_store *store = open_store(p, true);

	if (!store)
		return;
	clear_marks(p);
	PF_CHECK_INT("begin", p->ops->begin(store), 0);
	PF_CHECK_INT("clear", p->ops->delete_reports_before(store, UINT32_MAX), 0);
	PF_CHECK_INT("clear", p->ops->delete_summaries(store, PF_SUMMARY_HOUR, 0, UINT32_MAX), 0);
	PF_CHECK_INT("clear", p->ops->delete_summaries(store, PF_SUMMARY_DAY, 0, UINT32_MAX), 0);
	PF_CHECK_INT("commit", p->ops->commit(store), 0);
	p->ops->close(store);
}

static inline void on_both(check_fn check)
{
	const char *conninfo = getenv("PODFIT_TEST_POSTGRES");
	struct place p;

	sqlite_place(&p, "suite");
	check(&p);
	sqlite_remove(&p);
	if (!conninfo)
		return;
	p = (struct place){ .name = "postgres", .ops = &pf_store_postgres };
	(void)snprintf(p.where, sizeof(p.where), "%s", conninfo);
	clear_postgres(&p);
	check(&p);
}

#endif
