// SPDX-License-Identifier: Apache-2.0
/*
 * Stores that fail: a migration that breaks in its middle, a newer schema, a full disk, a lock that
 * somebody else holds, a server that drops the connection; and the writer on a store whose n-th call
 * fails: what it acknowledged is there.
 */
#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "collector/ingest/writer.h"
#include "unit/store_place.h"

static struct pf_store_report report(uint64_t sequence, const char *body, size_t len)
{
	return (struct pf_store_report){ .key = { "c", "n", 1, sequence },
					 .hour_min = 1,
					 .hour_max = 1,
					 .encoding = PF_STORE_GZIP,
					 .body = body,
					 .body_len = len };
}

static int put(const struct pf_store_ops *ops, struct pf_store *store,
	       const struct pf_store_report *row)
{
	int r = ops->begin(store);

	if (r == 0)
		r = ops->put_report(store, row);
	if (r == 0)
		r = ops->commit(store);
	if (r < 0)
		ops->rollback(store);
	return r;
}

static int count_one(void *arg, const struct pf_store_report *row)
{
	(void)row;
	++*(size_t *)arg;
	return 0;
}

static size_t count(const struct pf_store_ops *ops, struct pf_store *store)
{
	size_t nr = 0;

	PF_CHECK_INT("list", ops->list_reports(store, 0, UINT32_MAX, count_one, &nr), 0);
	return nr;
}

/* ---- migration ---- */

static int64_t sqlite_number(const char *path, const char *sql)
{
	sqlite3_stmt *s = NULL;
	sqlite3 *db = NULL;
	int64_t number = -1;

	if (sqlite3_open(path, &db) == SQLITE_OK &&
	    sqlite3_prepare_v2(db, sql, -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW)
		number = sqlite3_column_int64(s, 0);
	(void)sqlite3_finalize(s);
	(void)sqlite3_close(db);
	return number;
}

static void sqlite_run(const char *path, const char *sql)
{
	sqlite3 *db = NULL;

	PF_CHECK_INT("open", sqlite3_open(path, &db), SQLITE_OK);
	PF_CHECK_INT(sql, sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	(void)sqlite3_close(db);
}

/* The second table of the schema cannot be made: the first one is not there either. */
static void test_migration(void)
{
	static const char nr_tables[] = "SELECT count(*) FROM sqlite_master WHERE type = 'table'";
	char note[512] = "", error[512] = "";
	struct pf_store *store = NULL;
	struct place p;

	sqlite_place(&p, "migration");
	sqlite_run(p.where, "CREATE TABLE summaries (x); INSERT INTO summaries VALUES (7)");
	PF_CHECK("fails",
		 p.ops->open(p.where, true, &store, note, sizeof(note), error, sizeof(error)) < 0);
	PF_CHECK("untouched", !store);
	PF_CHECK("says why", strstr(error, "summaries") != NULL);
	PF_CHECK_STR("not taken for damaged", note, "");
	PF_CHECK_INT("as it was", sqlite_number(p.where, nr_tables), 1);
	PF_CHECK_INT("no version", sqlite_number(p.where, "PRAGMA user_version"), 0);
	PF_CHECK_INT("their row", sqlite_number(p.where, "SELECT x FROM summaries"), 7);

	sqlite_run(p.where, "DROP TABLE summaries");
	store = open_store(&p, true);
	p.ops->close(store);
	PF_CHECK("now it is there", sqlite_number(p.where, nr_tables) > 2);
	PF_CHECK_INT("version", sqlite_number(p.where, "PRAGMA user_version"), 2);
	sqlite_remove(&p);
}

static void drop_marks(const struct place *p)
{
	sqlite_run(p->where, "DROP TABLE marks; PRAGMA user_version = 1");
}

/* A file of schema version 1 is brought up to date with all that is in it. */
static void test_older_schema(void)
{
	struct pf_store_report row = report(3, "x", 1);
	struct pf_store *store;
	uint64_t mark = 7;
	struct place p;

	sqlite_place(&p, "older");
	store = open_store(&p, true);
	PF_CHECK_INT("put", put(p.ops, store, &row), 0);
	p.ops->close(store);
	drop_marks(&p);
	store = open_store(&p, true);
	PF_CHECK_INT("version", sqlite_number(p.where, "PRAGMA user_version"), 2);
	PF_CHECK_INT("its report", count(p.ops, store), 1);
	PF_CHECK_INT("mark", p.ops->get_mark(store, PF_MARK_WHOLE_FROM, &mark), 0);
	PF_CHECK_INT("none yet", mark, 0);
	p.ops->close(store);
	sqlite_remove(&p);
}

static void test_newer_schema(void)
{
	char note[512] = "", error[512] = "";
	struct pf_store *store = NULL;
	struct place p;

	sqlite_place(&p, "newer");
	store = open_store(&p, true);
	p.ops->close(store);
	store = NULL;
	sqlite_run(p.where, "PRAGMA user_version = 99");
	PF_CHECK_INT("refused",
		     p.ops->open(p.where, true, &store, note, sizeof(note), error, sizeof(error)),
		     -EPROTONOSUPPORT);
	PF_CHECK("says why", strstr(error, "newer podfit") != NULL);
	PF_CHECK_STR("not set aside", note, "");
	PF_CHECK_INT("as it was", sqlite_number(p.where, "PRAGMA user_version"), 99);
	sqlite_remove(&p);
}

/* ---- a full disk, a limit, a lock ---- */

enum { BODY = 100000 };

static char body[BODY];

/* Until it fails; then: the error, nothing of it, all that was acknowledged, and it goes on. Return:
 * the error. */
static int fill(const struct place *p, struct pf_store *store, uint64_t max, uint64_t *ret_nr)
{
	int r = 0;

	for (uint64_t i = 1; i <= max && r == 0; i++) {
		struct pf_store_report row = report(i, body, sizeof(body));

		r = put(p->ops, store, &row);
		*ret_nr = i - 1;
	}
	return r;
}

static void check_after(const struct place *p, struct pf_store *store, uint64_t nr)
{
	size_t room = 0;

	PF_CHECK("says why", *p->ops->error(store));
	PF_CHECK_INT("what was acknowledged", count(p->ops, store), nr);
	/* Deleting must work, or a full disk could never be emptied. */
	PF_CHECK_INT("begin", p->ops->begin(store), 0);
	for (uint64_t i = 1; i <= nr / 2; i++) {
		struct pf_store_key key = { "c", "n", 1, i };

		PF_CHECK_INT("delete", p->ops->delete_report(store, &key), 0);
		room++;
	}
	PF_CHECK_INT("commit", p->ops->commit(store), 0);
	PF_CHECK_INT("left", count(p->ops, store), nr - room);
}

static bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		(void)close(fd);
	return good;
}

/* A mount namespace of one's own, for which others than root need a user namespace. */
static bool own_mounts(void)
{
	char users[32], groups[32];

	if (geteuid() == 0)
		return unshare(CLONE_NEWNS) == 0 &&
		       mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
	(void)snprintf(users, sizeof(users), "0 %u 1", (unsigned)geteuid());
	(void)snprintf(groups, sizeof(groups), "0 %u 1", (unsigned)getegid());
	return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 &&
	       write_text("/proc/self/uid_map", users) &&
	       write_text("/proc/self/setgroups", "deny") &&
	       write_text("/proc/self/gid_map", groups);
}

/* In a child, whose mount goes with it. Return: its exit code. */
static int full_disk_child(void)
{
	struct place p = { .name = "sqlite", .ops = &pf_store_sqlite };
	struct pf_store *store;
	unsigned before = CU_get_number_of_failures();
	uint64_t nr = 0;

	(void)snprintf(p.where, sizeof(p.where), "/tmp/pf-full-%d", getpid());
	if (mkdir(p.where, 0700) < 0 || !own_mounts() ||
	    mount("none", p.where, "tmpfs", 0, "size=8m") < 0)
		return 77;
	(void)snprintf(p.where + strlen(p.where), sizeof(p.where) - strlen(p.where), "/c.db");
	store = open_store(&p, true);
	if (!store)
		return 1;
	PF_CHECK_INT("full", fill(&p, store, 1000, &nr), -ENOSPC);
	PF_CHECK("some fitted", nr > 10);
	PF_CHECK_INT("what was acknowledged", count(p.ops, store), nr);
	p.ops->close(store);
	store = open_store(&p, true);
	if (store)
		PF_CHECK_INT("also for the next process", count(p.ops, store), nr);
	p.ops->close(store);
	return CU_get_number_of_failures() != before;
}

static void test_full_disk(void)
{
	char dir[64];
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(full_disk_child());
	PF_CHECK("waited", pid > 0 && waitpid(pid, &status, 0) == pid);
	(void)snprintf(dir, sizeof(dir), "/tmp/pf-full-%d", (int)pid);
	(void)rmdir(dir);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		fprintf(stderr, "full disk: no namespaces of one's own here, left out\n");
		return;
	}
	PF_CHECK("in the child", WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* Writes fail from a size on, with another error than a full disk's. */
static void test_failing_writes(void)
{
	struct rlimit old, limit;
	struct pf_store *store;
	struct place p;
	uint64_t nr = 0;
	int r;

	sqlite_place(&p, "limit");
	store = open_store(&p, true);
	PF_CHECK_INT("limit", getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = (struct rlimit){ .rlim_cur = 4 << 20, .rlim_max = old.rlim_max };
	(void)signal(SIGXFSZ, SIG_IGN);
	PF_CHECK_INT("limit", setrlimit(RLIMIT_FSIZE, &limit), 0);
	r = store ? fill(&p, store, 1000, &nr) : 0;
	PF_CHECK_INT("limit", setrlimit(RLIMIT_FSIZE, &old), 0);
	(void)signal(SIGXFSZ, SIG_DFL);
	PF_CHECK("failed", r == -EIO || r == -ENOSPC);
	PF_CHECK("some fitted", nr > 10);
	if (store) {
		struct pf_store_report row = report(nr + 1, body, sizeof(body));

		check_after(&p, store, nr);
		PF_CHECK_INT("goes on", put(p.ops, store, &row), 0);
	}
	p.ops->close(store);
	sqlite_remove(&p);
}

static void *unlock_soon(void *arg)
{
	(void)usleep(300000);
	(void)sqlite3_exec(arg, "COMMIT", NULL, NULL, NULL);
	return NULL;
}

/* Another process that writes is waited for; what is read meanwhile is the state before. */
static void test_lock(void)
{
	struct pf_store_report row = report(1, body, 100);
	struct pf_store *store;
	pthread_t thread;
	sqlite3 *other = NULL;
	struct place p;

	sqlite_place(&p, "lock");
	store = open_store(&p, true);
	PF_CHECK_INT("open", sqlite3_open(p.where, &other), SQLITE_OK);
	PF_CHECK_INT("lock",
		     sqlite3_exec(other, "BEGIN IMMEDIATE; DELETE FROM reports", NULL, NULL, NULL),
		     SQLITE_OK);
	PF_CHECK_INT("read", count(p.ops, store), 0);
	PF_CHECK_INT("thread", pthread_create(&thread, NULL, unlock_soon, other), 0);
	PF_CHECK_INT("put", put(p.ops, store, &row), 0);
	(void)pthread_join(thread, NULL);
	PF_CHECK_INT("there", count(p.ops, store), 1);
	(void)sqlite3_close(other);
	p.ops->close(store);
	sqlite_remove(&p);
}

/* ---- one moment ---- */

static void check_reading(const struct place *p)
{
	struct pf_store *reader = open_store(p, true), *writer = open_store(p, false);
	struct pf_store_report one = report(1, body, 10), two = report(2, body, 10);

	if (!reader || !writer)
		return;
	PF_CHECK_INT("one", put(p->ops, writer, &one), 0);
	PF_CHECK_INT("begin", p->ops->begin_reading(reader), 0);
	PF_CHECK_INT("as of now", count(p->ops, reader), 1);
	PF_CHECK_INT("two", put(p->ops, writer, &two), 0);
	PF_CHECK_INT("as of then", count(p->ops, reader), 1);
	p->ops->end_reading(reader);
	PF_CHECK_INT("as of now", count(p->ops, reader), 2);
	/* And the reader may write again. */
	one.key.sequence = 3;
	PF_CHECK_INT("three", put(p->ops, reader, &one), 0);
	p->ops->close(reader);
	p->ops->close(writer);
}

static void test_reading(void)
{
	on_both(check_reading);
}

/* ---- the writer on a store that fails ---- */

static struct {
	struct pf_store_ops ops;
	atomic_uint calls_left; /* until one fails; 0: none does */
	int error;
} faulty;

static int fault(void)
{
	unsigned left = atomic_load(&faulty.calls_left);

	if (!left)
		return 0;
	atomic_store(&faulty.calls_left, left - 1);
	return left == 1 ? faulty.error : 0;
}

static int faulty_begin(struct pf_store *store)
{
	int r = fault();

	return r < 0 ? r : pf_store_sqlite.begin(store);
}

static int faulty_commit(struct pf_store *store)
{
	int r = fault();

	return r < 0 ? r : pf_store_sqlite.commit(store);
}

static int faulty_put_report(struct pf_store *store, const struct pf_store_report *row)
{
	int r = fault();

	return r < 0 ? r : pf_store_sqlite.put_report(store, row);
}

static int faulty_delete_report(struct pf_store *store, const struct pf_store_key *key)
{
	int r = fault();

	return r < 0 ? r : pf_store_sqlite.delete_report(store, key);
}

struct answer {
	struct pf_write write;
	int r;
	enum pf_written how;
	atomic_bool done;
};

static void on_done(struct pf_write *write, int r, enum pf_written how)
{
	struct answer *answer = write->arg;

	answer->r = r;
	answer->how = how;
	atomic_store(&answer->done, true);
}

/* One report with one slice, which every newer one of the run supersedes. Return: the answer. */
static struct answer send_report(struct pf_writer *writer, uint64_t sequence)
{
	struct answer answer = { .r = 1 };

	answer.write = (struct pf_write){ .row = report(sequence, body, 50),
					  .arg = &answer,
					  .done = on_done };
	answer.write.keys.entries = calloc(1, sizeof(*answer.write.keys.entries));
	answer.write.keys.nr = 1;
	answer.write.keys.entries[0] = (struct pf_keyset_entry){ 7, sequence };
	pf_writer_put(writer, &answer.write);
	while (!atomic_load(&answer.done))
		(void)usleep(50);
	return answer;
}

struct newest {
	uint64_t sequence;
	size_t nr;
};

static int note_newest(void *arg, const struct pf_store_report *row)
{
	struct newest *newest = arg;

	newest->sequence = PF_MAX(newest->sequence, row->key.sequence);
	newest->nr++;
	return 0;
}

/* Sends five reports while the @n-th call fails, each until it is taken. Return: how often one was
 * refused. */
static unsigned send_with_fault(unsigned n)
{
	char note[512] = "", error[512] = "";
	struct pf_writer *writer = NULL;
	struct newest newest = { 0, 0 };
	struct pf_writer_stats stats;
	unsigned nr_refused = 0;
	struct pf_store *store;
	struct place p;

	sqlite_place(&p, "faulty");
	atomic_store(&faulty.calls_left, n);
	PF_CHECK_INT("writer",
		     pf_writer_new(&faulty.ops, p.where, &writer, note, sizeof(note), error,
				   sizeof(error)),
		     0);
	for (uint64_t i = 1; writer && i <= 6; i++) {
		uint64_t sequence = PF_MIN(i, (uint64_t)5); /* the last of them twice */
		struct answer answer = send_report(writer, sequence);

		for (; answer.r < 0; answer = send_report(writer, sequence)) {
			PF_CHECK_INT("the store's error", answer.r, faulty.error);
			nr_refused++;
		}
		/* After a failure nothing is known, and storing it again changes nothing. */
		PF_CHECK("how", answer.how == (i < 6 ? PF_WRITTEN_NEW : PF_WRITTEN_KNOWN) ||
					(i == 6 && nr_refused));
	}
	pf_writer_get_stats(writer, &stats);
	PF_CHECK_INT("counted", stats.nr_failed_commits, nr_refused);
	PF_CHECK("no longer failing", !stats.failing);
	pf_writer_free(writer);
	store = open_store(&p, false);
	if (store)
		PF_CHECK_INT("list",
			     p.ops->list_reports(store, 0, UINT32_MAX, note_newest, &newest), 0);
	p.ops->close(store);
	PF_CHECK_INT("the newest acknowledged is there", newest.sequence, 5);
	/* After a failure the writer does not know what is stored; that stays until retention. */
	PF_CHECK("superseded ones are gone", newest.nr == 1 || (nr_refused && newest.nr == 2));
	sqlite_remove(&p);
	return nr_refused;
}

static void test_writer(void)
{
	static const int errors[] = { -ENOSPC, -EAGAIN, -EIO };
	unsigned nr_refused = 1, nr_runs = 0;

	faulty.ops = pf_store_sqlite;
	faulty.ops.begin = faulty_begin;
	faulty.ops.commit = faulty_commit;
	faulty.ops.put_report = faulty_put_report;
	faulty.ops.delete_report = faulty_delete_report;
	PF_CHECK_INT("without a fault", send_with_fault(0), 0);
	for (unsigned n = 1; nr_refused; n++, nr_runs++) {
		faulty.error = errors[n % PF_ARRAY_SIZE(errors)];
		nr_refused = send_with_fault(n);
	}
	PF_CHECK("every call was failed once", nr_runs > 15);
}

/* ---- PostgreSQL ---- */

static void pg_run(const char *conninfo, const char *sql)
{
	PGconn *conn = PQconnectdb(conninfo);
	PGresult *result = PQexec(conn, sql);
	ExecStatusType status = PQresultStatus(result);

	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
		fprintf(stderr, "%s: %s", sql, PQresultErrorMessage(result));
	PF_CHECK(sql, status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK);
	PQclear(result);
	PQfinish(conn);
}

static int pg_number(const char *conninfo, const char *sql)
{
	PGconn *conn = PQconnectdb(conninfo);
	PGresult *result = PQexec(conn, sql);
	int number = PQntuples(result) ? (int)strtol(PQgetvalue(result, 0, 0), NULL, 10) : -1;

	PQclear(result);
	PQfinish(conn);
	return number;
}

/* In a schema of its own, where a view stands in the way of the second table. */
static void check_pg_migration(const char *conninfo)
{
	static const char nr_tables[] =
		"SELECT count(*) FROM pg_tables WHERE schemaname = 'pf_migration' AND tablename IN "
		"('podfit_reports', 'podfit_sealed')";
	struct place p = { .name = "postgres", .ops = &pf_store_postgres };
	char note[512] = "", error[512] = "";
	struct pf_store *store = NULL;

	(void)snprintf(p.where, sizeof(p.where), "%s options='-c search_path=pf_migration'",
		       conninfo);
	pg_run(conninfo, "SET client_min_messages = warning; DROP SCHEMA IF EXISTS pf_migration "
			 "CASCADE; CREATE SCHEMA pf_migration; "
			 "CREATE VIEW pf_migration.podfit_summaries AS SELECT 1 AS level");
	PF_CHECK("fails",
		 p.ops->open(p.where, true, &store, note, sizeof(note), error, sizeof(error)) < 0);
	PF_CHECK("untouched", !store);
	PF_CHECK_INT("nothing made", pg_number(conninfo, nr_tables), 0);
	pg_run(conninfo, "DROP VIEW pf_migration.podfit_summaries");
	store = open_store(&p, true);
	p.ops->close(store);
	PF_CHECK_INT("all made", pg_number(conninfo, nr_tables), 2);
	pg_run(conninfo, "SET client_min_messages = warning; DROP SCHEMA pf_migration CASCADE");
}

/*
 * Reports are stored as they are: compressing them once more took the server most of its time. Also in
 * a database of the version before; and where the tables are another user's, which may not be told how
 * to store them, the collector works all the same.
 */
static void check_pg_storage(const char *conninfo)
{
	static const char as_is[] =
		"SELECT count(*) FROM pg_attribute WHERE attrelid = 'podfit_reports'::regclass AND "
		"attname = 'body' AND attstorage = 'e'";
	static const char before[] =
		"ALTER TABLE podfit_reports ALTER COLUMN body SET STORAGE EXTENDED; "
		"UPDATE podfit_schema SET version = 1";
	struct place p = { .name = "postgres", .ops = &pf_store_postgres };
	struct pf_store_report row = report(1, body, 50);
	struct pf_store *store;

	(void)snprintf(p.where, sizeof(p.where), "%s", conninfo);
	clear_postgres(&p);
	p.ops->close(open_store(&p, true));
	PF_CHECK_INT("a new one", pg_number(conninfo, as_is), 1);
	pg_run(conninfo, before);
	p.ops->close(open_store(&p, true));
	PF_CHECK_INT("version 1", pg_number(conninfo, as_is), 1);
	pg_run(conninfo, before);
	pg_run(conninfo,
	       "SET client_min_messages = warning; DROP ROLE IF EXISTS pf_guest; CREATE ROLE pf_guest LOGIN; "
	       "GRANT CREATE ON SCHEMA public TO pf_guest; "
	       "GRANT ALL ON ALL TABLES IN SCHEMA public TO pf_guest");
	(void)snprintf(p.where, sizeof(p.where), "%s user=pf_guest", conninfo);
	store = open_store(&p, true);
	PF_CHECK_INT("not allowed", pg_number(conninfo, as_is), 0);
	PF_CHECK_INT("works", store ? put(p.ops, store, &row) : -1, 0);
	p.ops->close(store);
	PF_CHECK_INT("newest version",
		     pg_number(conninfo, "SELECT count(*) FROM podfit_schema WHERE version > 1"),
		     1);
	pg_run(conninfo, "DROP OWNED BY pf_guest; DROP ROLE pf_guest");
}

/* The server ends the connection before and within a transaction. */
static void check_pg_cut(const char *conninfo)
{
	static const char cut[] = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
				  "application_name = 'podfit-collector'";
	struct place p = { .name = "postgres", .ops = &pf_store_postgres };
	struct pf_store_report row = report(1, body, 50);
	struct pf_store *store;

	(void)snprintf(p.where, sizeof(p.where), "%s", conninfo);
	clear_postgres(&p);
	store = open_store(&p, true);
	if (!store)
		return;
	PF_CHECK_INT("put", put(p.ops, store, &row), 0);
	PF_CHECK_INT("begin", p.ops->begin(store), 0);
	row.key.sequence = 2;
	PF_CHECK_INT("queued", p.ops->put_report(store, &row), 0);
	pg_run(conninfo, cut);
	PF_CHECK_INT("worth another try", p.ops->commit(store), -EAGAIN);
	p.ops->rollback(store);
	PF_CHECK_INT("connects anew, nothing of it there", count(p.ops, store), 1);
	PF_CHECK_INT("again", put(p.ops, store, &row), 0);
	PF_CHECK_INT("there", count(p.ops, store), 2);
	p.ops->close(store);
}

static void test_postgres(void)
{
	const char *conninfo = getenv("PODFIT_TEST_POSTGRES");

	if (!conninfo)
		return;
	check_pg_migration(conninfo);
	check_pg_storage(conninfo);
	check_pg_cut(conninfo);
}

PF_TEST_SUITE(collector_faults, { "migration", test_migration },
	      { "older schema", test_older_schema }, { "newer schema", test_newer_schema },
	      { "full disk", test_full_disk }, { "failing writes", test_failing_writes },
	      { "lock", test_lock }, { "reading", test_reading }, { "writer", test_writer },
	      { "postgres", test_postgres });
