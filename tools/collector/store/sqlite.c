// SPDX-License-Identifier: Apache-2.0
/*
 * sqlite.c - the embedded store: one file, write-ahead log, every commit synced.
 *
 * A report's body is tens of kilobytes, so pages are large (few overflow pages a body); rows are
 * appended and deleted, never rewritten. The log is copied back by a thread of its own
 * (sqlite_log.h); its file is kept at the usual length, which saves making it anew.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "collector/store/sqlite_log.h"
#include "collector/store/store.h"
#include "sys/clock.h"

enum {
	PAGE_BYTES = 16384,
	LOG_PAGES = 2048, /* 32 MiB */
	CACHE_KIB = 16384,
	BUSY_MS = 10000,       /* another connection's checkpoint or migration */
	CHECK_SECONDS = 30,    /* of the integrity check at start; a huge file gets part of one */
	TIDY_PAGES = 512,      /* 8 MiB a call */
	PATH_MAX_BYTES = 4096, /* of the database's own */
};

enum statement {
	BEGIN,
	COMMIT,
	ROLLBACK,
	PUT_REPORT,
	DELETE_REPORT,
	PUT_SUMMARY,
	PUT_SEALED,
	RAISE_MARK,
	DELETE_REPORTS_BEFORE,
	DELETE_SUMMARIES,
	DELETE_SEALED,
	LIST_REPORTS,
	GET_REPORT,
	LIST_SEALED,
	GET_MARK,
	LIST_SUMMARIES,
	GET_SUMMARIES,
	COUNT,
	NR_STATEMENTS,
};

#define REPORT_KEY "cluster = ?1 AND node = ?2 AND run_id = ?3 AND sequence = ?4"

static const char *const statements[NR_STATEMENTS] = {
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
	[PUT_REPORT] = "INSERT OR IGNORE INTO reports (cluster, node, run_id, sequence, hour_min, "
		       "hour_max, received_ms, encoding, body) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9)",
	[DELETE_REPORT] = "DELETE FROM reports WHERE " REPORT_KEY,
	[PUT_SUMMARY] =
		"INSERT OR REPLACE INTO summaries (cluster, namespace, kind, workload, container, "
		"node_class, level, start_hour, body) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9)",
	[PUT_SEALED] = "INSERT OR REPLACE INTO sealed (level, start_hour, fingerprint) "
		       "VALUES (?1,?2,?3)",
	[RAISE_MARK] = "INSERT INTO marks (mark, value) VALUES (?1,?2) ON CONFLICT (mark) DO "
		       "UPDATE SET value = max(value, excluded.value)",
	[GET_MARK] = "SELECT value FROM marks WHERE mark = ?1",
	[DELETE_REPORTS_BEFORE] = "DELETE FROM reports WHERE hour_max < ?1",
	[DELETE_SUMMARIES] =
		"DELETE FROM summaries WHERE level = ?1 AND start_hour >= ?2 AND start_hour < ?3",
	[DELETE_SEALED] =
		"DELETE FROM sealed WHERE level = ?1 AND start_hour >= ?2 AND start_hour < ?3",
	[LIST_REPORTS] = "SELECT cluster, node, run_id, sequence, hour_min, hour_max, received_ms "
			 "FROM reports WHERE hour_max >= ?1 AND hour_min <= ?2 "
			 "ORDER BY cluster, node, run_id, sequence",
	[GET_REPORT] = "SELECT cluster, node, run_id, sequence, hour_min, hour_max, received_ms, "
		       "encoding, body FROM reports WHERE " REPORT_KEY,
	[LIST_SEALED] =
		"SELECT level, start_hour, fingerprint FROM sealed ORDER BY level, start_hour",
	[LIST_SUMMARIES] =
		"SELECT cluster, namespace, kind, workload, container, node_class, level, "
		"start_hour, body FROM summaries WHERE level = ?1 AND start_hour >= ?2 AND "
		"start_hour < ?3 ORDER BY start_hour, cluster, namespace, kind, workload, container, "
		"node_class",
	[GET_SUMMARIES] =
		"SELECT cluster, namespace, kind, workload, container, node_class, level, "
		"start_hour, body FROM summaries WHERE cluster = ?1 AND namespace = ?2 AND kind = ?3 "
		"AND workload = ?4 AND container = ?5 AND node_class = ?6 AND start_hour >= ?7 AND "
		"start_hour < ?8 ORDER BY level, start_hour",
	[COUNT] = "SELECT (SELECT count(*) FROM reports), (SELECT count(*) FROM summaries)",
};

/* One entry a schema version, applied in order; never edited, only appended to. */
static const char *const migrations[] = {
	"CREATE TABLE reports ("
	" cluster TEXT NOT NULL, node TEXT NOT NULL, run_id INTEGER NOT NULL,"
	" sequence INTEGER NOT NULL, hour_min INTEGER NOT NULL, hour_max INTEGER NOT NULL,"
	" received_ms INTEGER NOT NULL, encoding INTEGER NOT NULL, body BLOB NOT NULL,"
	" PRIMARY KEY (cluster, node, run_id, sequence));"
	/* Holds all that list_reports() reads, so that bodies are not touched for it. */
	"CREATE INDEX reports_by_hour ON reports"
	" (hour_max, hour_min, cluster, node, run_id, sequence, received_ms);"
	"CREATE TABLE summaries ("
	" cluster TEXT NOT NULL, namespace TEXT NOT NULL, kind INTEGER NOT NULL,"
	" workload TEXT NOT NULL, container TEXT NOT NULL, node_class TEXT NOT NULL,"
	" level INTEGER NOT NULL, start_hour INTEGER NOT NULL, body BLOB NOT NULL,"
	" PRIMARY KEY (cluster, namespace, kind, workload, container, node_class, level,"
	" start_hour));"
	"CREATE INDEX summaries_by_time ON summaries (level, start_hour);"
	"CREATE TABLE sealed (level INTEGER NOT NULL, start_hour INTEGER NOT NULL,"
	" fingerprint INTEGER NOT NULL, PRIMARY KEY (level, start_hour)) WITHOUT ROWID;",
	"CREATE TABLE marks (mark INTEGER PRIMARY KEY, value INTEGER NOT NULL);",
};

struct pf_store {
	sqlite3 *db;
	struct pf_sqlite_log *log; /* of the connection that made the file; else NULL */
	sqlite3_stmt *statements[NR_STATEMENTS];
	char text[256];
	bool in_transaction;
};

static int code_of(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EUCLEAN;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EAGAIN;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_CANTOPEN:
		return -ENOENT;
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return -EACCES;
	default:
		return -EIO;
	}
}

static int failed(struct pf_store *store, int rc)
{
	(void)snprintf(store->text, sizeof(store->text), "sqlite: %s", sqlite3_errmsg(store->db));
	return code_of(rc);
}

static const char *sqlite_error(const struct pf_store *store)
{
	return store->text;
}

static int exec(struct pf_store *store, const char *sql)
{
	int rc = sqlite3_exec(store->db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : failed(store, rc);
}

/* The statement, ready for binding. NULL: see error(). */
static sqlite3_stmt *prepare(struct pf_store *store, enum statement which, int *ret_err)
{
	sqlite3_stmt **s = &store->statements[which];

	if (!*s) {
		int rc = sqlite3_prepare_v3(store->db, statements[which], -1,
					    SQLITE_PREPARE_PERSISTENT, s, NULL);

		if (rc != SQLITE_OK) {
			*ret_err = failed(store, rc);
			return NULL;
		}
	}
	return *s;
}

static int finish(struct pf_store *store, sqlite3_stmt *s, int rc)
{
	int r = rc == SQLITE_DONE || rc == SQLITE_ROW ? 0 : failed(store, rc);

	(void)sqlite3_reset(s); /* repeats the error of the step */
	(void)sqlite3_clear_bindings(s);
	return r;
}

static int step_once(struct pf_store *store, enum statement which)
{
	int err = 0;
	sqlite3_stmt *s = prepare(store, which, &err);

	return s ? finish(store, s, sqlite3_step(s)) : err;
}

static void bind_text(sqlite3_stmt *s, int at, const char *text)
{
	(void)sqlite3_bind_text(s, at, text, -1, SQLITE_STATIC);
}

/* ---- open ---- */

struct deadline {
	uint64_t at_ns;
};

static int past(void *arg)
{
	const struct deadline *deadline = arg;

	return pf_clock_monotonic_ns() > deadline->at_ns;
}

/* Return: 0; -EUCLEAN; -EAGAIN: too large to be checked whole in time, nothing wrong so far. */
static int check_integrity(struct pf_store *store)
{
	struct deadline deadline = { pf_clock_monotonic_ns() +
				     CHECK_SECONDS * (uint64_t)1000000000 };
	sqlite3_stmt *s = NULL;
	int r = 0, rc = sqlite3_prepare_v2(store->db, "PRAGMA quick_check(1)", -1, &s, NULL);

	if (rc != SQLITE_OK)
		return failed(store, rc);
	sqlite3_progress_handler(store->db, 100000, past, &deadline);
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW && strcmp((const char *)sqlite3_column_text(s, 0), "ok") != 0) {
		(void)snprintf(store->text, sizeof(store->text), "sqlite: %s",
			       sqlite3_column_text(s, 0));
		r = -EUCLEAN;
	} else if (rc != SQLITE_ROW) {
		r = rc == SQLITE_INTERRUPT ? -EAGAIN : failed(store, rc);
	}
	(void)sqlite3_finalize(s);
	sqlite3_progress_handler(store->db, 0, NULL, NULL);
	return r;
}

static int schema_version(struct pf_store *store, int *ret_version)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(store->db, "PRAGMA user_version", -1, &s, NULL);

	if (rc != SQLITE_OK || (rc = sqlite3_step(s)) != SQLITE_ROW) {
		int r = failed(store, rc);

		(void)sqlite3_finalize(s);
		return r;
	}
	*ret_version = sqlite3_column_int(s, 0);
	(void)sqlite3_finalize(s);
	return 0;
}

static int migrate_from(struct pf_store *store, int version)
{
	char pragma[64];
	int r = 0;

	for (size_t i = (size_t)version; i < PF_ARRAY_SIZE(migrations) && r == 0; i++)
		r = exec(store, migrations[i]);
	if (r < 0)
		return r;
	(void)snprintf(pragma, sizeof(pragma), "PRAGMA user_version = %zu",
		       PF_ARRAY_SIZE(migrations));
	return exec(store, pragma);
}

/* All of it in one transaction: a crash leaves the old schema or the new one. */
static int migrate(struct pf_store *store)
{
	int version = 0, r = exec(store, "BEGIN IMMEDIATE");

	if (r < 0)
		return r;
	r = schema_version(store, &version);
	if (r == 0 && (version < 0 || (size_t)version > PF_ARRAY_SIZE(migrations))) {
		(void)snprintf(
			store->text, sizeof(store->text),
			"sqlite: the file has schema version %d, made by a newer podfit; this "
			"one knows up to %zu",
			version, PF_ARRAY_SIZE(migrations));
		r = -EPROTONOSUPPORT;
	}
	if (r == 0)
		r = migrate_from(store, version);
	if (r < 0) {
		char text[sizeof(store->text)];

		memcpy(text, store->text, sizeof(text));
		(void)exec(store, "ROLLBACK");
		memcpy(store->text, text, sizeof(text));
		return r;
	}
	return exec(store, "COMMIT");
}

static void sqlite_close(struct pf_store *store)
{
	if (!store)
		return;
	pf_sqlite_log_free(store->log);
	for (size_t i = 0; i < NR_STATEMENTS; i++)
		(void)sqlite3_finalize(store->statements[i]);
	(void)sqlite3_close(store->db);
	free(store);
}

static void store_freep(struct pf_store **store)
{
	sqlite_close(*store);
}

static int configure(struct pf_store *store)
{
	char sql[320];

	(void)sqlite3_busy_timeout(store->db, BUSY_MS);
	(void)snprintf(sql, sizeof(sql),
		       "PRAGMA page_size = %d; PRAGMA auto_vacuum = INCREMENTAL;"
		       "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
		       "PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = %d;"
		       "PRAGMA cache_size = -%d; PRAGMA temp_store = MEMORY;"
		       "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;",
		       PAGE_BYTES, LOG_PAGES * PAGE_BYTES, CACHE_KIB);
	return exec(store, sql);
}

static int open_file(const char *path, bool create, struct pf_store **ret_store, char *note,
		     size_t note_size, char *error, size_t error_size)
{
	PF_AUTO(store_freep) struct pf_store *store = calloc(1, sizeof(*store));
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (create ? SQLITE_OPEN_CREATE : 0);
	int r;

	if (!store)
		return -ENOMEM;
	if (sqlite3_open_v2(path, &store->db, flags, NULL) != SQLITE_OK) {
		int cause = store->db ? sqlite3_system_errno(store->db) : 0;

		(void)snprintf(error, error_size, "cannot open %s: %s%s%s", path,
			       store->db ? sqlite3_errmsg(store->db) : "out of memory",
			       cause ? ": " : "", cause ? strerror(cause) : "");
		return store->db ? code_of(sqlite3_errcode(store->db)) : -ENOMEM;
	}
	r = configure(store);
	if (r == 0 && create) {
		r = check_integrity(store);
		if (r == -EAGAIN) {
			(void)snprintf(
				note, note_size,
				"%s is too large to be checked whole at start; what was read "
				"in %d s is sound",
				path, CHECK_SECONDS);
			r = 0;
		}
	}
	if (r == 0 && create)
		r = migrate(store);
	if (r < 0) {
		(void)snprintf(error, error_size, "%s: %s", path, store->text);
		return r;
	}
	r = create ? pf_sqlite_log_new(path, store->db, LOG_PAGES, &store->log) : 0;
	if (r < 0) {
		(void)snprintf(error, error_size, "%s: cannot start the thread of its log: %s",
			       path, strerror(-r));
		return r;
	}
	*ret_store = pf_take(store);
	return 0;
}

/*
 * Whether the damaged file was a database: it begins like one, or with zeros, as a page that never reached the disk
 * does. Anything else is somebody's file, named by mistake, and must stay where it is.
 */
static bool was_database(const char *path)
{
	static const char magic[16] = "SQLite format 3", zeros[16];
	char head[sizeof(magic)];
	PF_AUTO(pf_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && read(fd, head, sizeof(head)) == (ssize_t)sizeof(head) &&
	       (!memcmp(head, magic, sizeof(head)) || !memcmp(head, zeros, sizeof(head)));
}

/* Renames the file and its log, so that a person can look at it and a new one can be made. */
static int set_aside(const char *path, char *note, size_t note_size, const char *why)
{
	static const char *const suffixes[] = { "", "-wal", "-shm" };
	char stamp[32], from[PATH_MAX_BYTES + 16], to[PATH_MAX_BYTES + 64];
	time_t now = time(NULL);
	struct tm tm;

	(void)gmtime_r(&now, &tm);
	(void)strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
	for (size_t i = 0; i < PF_ARRAY_SIZE(suffixes); i++) {
		(void)snprintf(from, sizeof(from), "%s%s", path, suffixes[i]);
		(void)snprintf(to, sizeof(to), "%s.damaged-%s%s", path, stamp, suffixes[i]);
		if (rename(from, to) < 0 && errno != ENOENT)
			return -errno;
	}
	(void)snprintf(note, note_size, "%s; set aside as %s.damaged-%s, began a new one", why,
		       path, stamp);
	return 0;
}

static int sqlite_open(const char *where, bool create, struct pf_store **ret_store, char *ret_note,
		       size_t note_size, char *error, size_t error_size)
{
	int r;

	if (strlen(where) > PATH_MAX_BYTES) {
		(void)snprintf(error, error_size, "the path of the database is too long");
		return -ENAMETOOLONG;
	}
	r = open_file(where, create, ret_store, ret_note, note_size, error, error_size);
	if (r != -EUCLEAN || !create)
		return r;

	char why[256];

	(void)snprintf(why, sizeof(why), "%s", error);
	if (!was_database(where)) {
		(void)snprintf(error, error_size,
			       "%s; it was left as it is: name another file, or move it away", why);
		return r;
	}
	r = set_aside(where, ret_note, note_size, why);
	if (r < 0) {
		(void)snprintf(error, error_size, "%s, and it cannot be set aside: %s", why,
			       strerror(-r));
		return r;
	}
	return open_file(where, create, ret_store, ret_note, 0, error, error_size);
}

/* ---- writing ---- */

static int sqlite_begin(struct pf_store *store)
{
	int r = step_once(store, BEGIN);

	store->in_transaction = r == 0;
	return r;
}

static void sqlite_rollback(struct pf_store *store)
{
	char text[sizeof(store->text)];

	/* The reason of the failure that led here is worth more than that of the rollback, which
	 * only fails because SQLite has already rolled back. */
	memcpy(text, store->text, sizeof(text));
	if (store->in_transaction && !sqlite3_get_autocommit(store->db))
		(void)step_once(store, ROLLBACK);
	memcpy(store->text, text, sizeof(text));
	store->in_transaction = false;
}

static int sqlite_commit(struct pf_store *store)
{
	int r = step_once(store, COMMIT);

	if (r == 0)
		store->in_transaction = false;
	return r;
}

/* A transaction that only reads holds up nobody; the log cannot begin anew until it ends. */
static int sqlite_begin_reading(struct pf_store *store)
{
	return exec(store, "BEGIN");
}

static void sqlite_end_reading(struct pf_store *store)
{
	char text[sizeof(store->text)];

	memcpy(text, store->text, sizeof(text)); /* of a read that failed */
	if (!sqlite3_get_autocommit(store->db))
		(void)exec(store, "ROLLBACK"); /* nothing was written */
	memcpy(store->text, text, sizeof(text));
}

static void bind_key(sqlite3_stmt *s, const struct pf_store_key *key)
{
	bind_text(s, 1, key->cluster);
	bind_text(s, 2, key->node);
	(void)sqlite3_bind_int64(s, 3, (int64_t)key->run_id);
	(void)sqlite3_bind_int64(s, 4, (int64_t)key->sequence);
}

static int sqlite_put_report(struct pf_store *store, const struct pf_store_report *report)
{
	int err = 0;
	sqlite3_stmt *s = prepare(store, PUT_REPORT, &err);

	if (!s)
		return err;
	bind_key(s, &report->key);
	(void)sqlite3_bind_int64(s, 5, report->hour_min);
	(void)sqlite3_bind_int64(s, 6, report->hour_max);
	(void)sqlite3_bind_int64(s, 7, report->received_unix_ms);
	(void)sqlite3_bind_int(s, 8, (int)report->encoding);
	(void)sqlite3_bind_blob64(s, 9, report->body, report->body_len, SQLITE_STATIC);
	return finish(store, s, sqlite3_step(s));
}

static int sqlite_delete_report(struct pf_store *store, const struct pf_store_key *key)
{
	int err = 0;
	sqlite3_stmt *s = prepare(store, DELETE_REPORT, &err);

	if (!s)
		return err;
	bind_key(s, key);
	return finish(store, s, sqlite3_step(s));
}

static void bind_workload(sqlite3_stmt *s, const struct pf_workload_key *key)
{
	bind_text(s, 1, key->cluster);
	bind_text(s, 2, key->namespace_name);
	(void)sqlite3_bind_int(s, 3, (int)key->kind);
	bind_text(s, 4, key->workload);
	bind_text(s, 5, key->container);
	bind_text(s, 6, key->node_class);
}

static int sqlite_put_summary(struct pf_store *store, const struct pf_store_summary *summary)
{
	int err = 0;
	sqlite3_stmt *s = prepare(store, PUT_SUMMARY, &err);

	if (!s)
		return err;
	bind_workload(s, &summary->key);
	(void)sqlite3_bind_int(s, 7, (int)summary->level);
	(void)sqlite3_bind_int64(s, 8, summary->start_hour);
	(void)sqlite3_bind_blob64(s, 9, summary->body, summary->body_len, SQLITE_STATIC);
	return finish(store, s, sqlite3_step(s));
}

static int sqlite_put_sealed(struct pf_store *store, const struct pf_store_sealed *sealed)
{
	int err = 0;
	sqlite3_stmt *s = prepare(store, PUT_SEALED, &err);

	if (!s)
		return err;
	(void)sqlite3_bind_int(s, 1, (int)sealed->level);
	(void)sqlite3_bind_int64(s, 2, sealed->start_hour);
	(void)sqlite3_bind_int64(s, 3, (int64_t)sealed->fingerprint);
	return finish(store, s, sqlite3_step(s));
}

static int sqlite_raise_mark(struct pf_store *store, enum pf_store_mark mark, uint64_t value)
{
	int err = 0;
	sqlite3_stmt *s = prepare(store, RAISE_MARK, &err);

	if (!s)
		return err;
	(void)sqlite3_bind_int(s, 1, (int)mark);
	(void)sqlite3_bind_int64(s, 2, (int64_t)value);
	return finish(store, s, sqlite3_step(s));
}

static int sqlite_delete_reports_before(struct pf_store *store, uint32_t hour)
{
	int err = 0;
	sqlite3_stmt *s = prepare(store, DELETE_REPORTS_BEFORE, &err);

	if (!s)
		return err;
	(void)sqlite3_bind_int64(s, 1, hour);
	return finish(store, s, sqlite3_step(s));
}

static int delete_range(struct pf_store *store, enum statement which, enum pf_summary_level level,
			uint32_t from, uint32_t to)
{
	int err = 0;
	sqlite3_stmt *s = prepare(store, which, &err);

	if (!s)
		return err;
	(void)sqlite3_bind_int(s, 1, (int)level);
	(void)sqlite3_bind_int64(s, 2, from);
	(void)sqlite3_bind_int64(s, 3, to);
	return finish(store, s, sqlite3_step(s));
}

static int sqlite_delete_summaries(struct pf_store *store, enum pf_summary_level level,
				   uint32_t from, uint32_t to)
{
	int r = delete_range(store, DELETE_SEALED, level, from, to);

	return r < 0 ? r : delete_range(store, DELETE_SUMMARIES, level, from, to);
}

/* ---- reading ---- */

static const char *text_of(sqlite3_stmt *s, int column)
{
	const char *text = (const char *)sqlite3_column_text(s, column);

	return text ? text : ""; /* NULL only when memory is out */
}

/* Columns as LIST_REPORTS and GET_REPORT have them; the body only with @whole. */
static int call_report(sqlite3_stmt *s, bool whole, pf_store_report_fn fn, void *arg)
{
	struct pf_store_report report = {
		.key = { .cluster = text_of(s, 0),
			 .node = text_of(s, 1),
			 .run_id = (uint64_t)sqlite3_column_int64(s, 2),
			 .sequence = (uint64_t)sqlite3_column_int64(s, 3) },
		.hour_min = (uint32_t)sqlite3_column_int64(s, 4),
		.hour_max = (uint32_t)sqlite3_column_int64(s, 5),
		.received_unix_ms = sqlite3_column_int64(s, 6),
	};

	if (whole) {
		report.encoding = (enum pf_store_encoding)sqlite3_column_int(s, 7);
		report.body = sqlite3_column_blob(s, 8);
		report.body_len = (size_t)sqlite3_column_bytes(s, 8);
	}
	return fn(arg, &report);
}

static int call_summary(sqlite3_stmt *s, pf_store_summary_fn fn, void *arg)
{
	struct pf_store_summary summary = {
		.key = { .cluster = text_of(s, 0),
			 .namespace_name = text_of(s, 1),
			 .kind = (enum pf_workload_kind)sqlite3_column_int(s, 2),
			 .workload = text_of(s, 3),
			 .container = text_of(s, 4),
			 .node_class = text_of(s, 5) },
		.level = (enum pf_summary_level)sqlite3_column_int(s, 6),
		.start_hour = (uint32_t)sqlite3_column_int64(s, 7),
		.body = sqlite3_column_blob(s, 8),
		.body_len = (size_t)sqlite3_column_bytes(s, 8),
	};

	return fn(arg, &summary);
}

static int sqlite_list_reports(struct pf_store *store, uint32_t from, uint32_t to,
			       pf_store_report_fn fn, void *arg)
{
	int err = 0, rc;
	sqlite3_stmt *s = prepare(store, LIST_REPORTS, &err);

	if (!s)
		return err;
	(void)sqlite3_bind_int64(s, 1, from);
	(void)sqlite3_bind_int64(s, 2, to);
	while ((rc = sqlite3_step(s)) == SQLITE_ROW && err == 0)
		err = call_report(s, false, fn, arg);
	int r = finish(store, s, rc);

	return err < 0 ? err : r;
}

static int sqlite_get_report(struct pf_store *store, const struct pf_store_key *key,
			     pf_store_report_fn fn, void *arg)
{
	int err = 0, rc;
	sqlite3_stmt *s = prepare(store, GET_REPORT, &err);

	if (!s)
		return err;
	bind_key(s, key);
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		err = call_report(s, true, fn, arg);
	else if (rc == SQLITE_DONE)
		err = -ENOENT;
	int r = finish(store, s, rc);

	return err < 0 ? err : r;
}

static int sqlite_list_sealed(struct pf_store *store, pf_store_sealed_fn fn, void *arg)
{
	int err = 0, rc;
	sqlite3_stmt *s = prepare(store, LIST_SEALED, &err);

	if (!s)
		return err;
	while ((rc = sqlite3_step(s)) == SQLITE_ROW && err == 0) {
		struct pf_store_sealed sealed = {
			.level = (enum pf_summary_level)sqlite3_column_int(s, 0),
			.start_hour = (uint32_t)sqlite3_column_int64(s, 1),
			.fingerprint = (uint64_t)sqlite3_column_int64(s, 2),
		};

		err = fn(arg, &sealed);
	}
	int r = finish(store, s, rc);

	return err < 0 ? err : r;
}

static int sqlite_get_mark(struct pf_store *store, enum pf_store_mark mark, uint64_t *ret_value)
{
	int err = 0, rc, r;
	sqlite3_stmt *s = prepare(store, GET_MARK, &err);
	uint64_t value = 0;

	if (!s)
		return err;
	(void)sqlite3_bind_int(s, 1, (int)mark);
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		value = (uint64_t)sqlite3_column_int64(s, 0);
	r = finish(store, s, rc);
	if (r == 0)
		*ret_value = value;
	return r;
}

static int walk_summaries(struct pf_store *store, sqlite3_stmt *s, pf_store_summary_fn fn,
			  void *arg)
{
	int err = 0, rc;

	while ((rc = sqlite3_step(s)) == SQLITE_ROW && err == 0)
		err = call_summary(s, fn, arg);
	int r = finish(store, s, rc);

	return err < 0 ? err : r;
}

static int sqlite_list_summaries(struct pf_store *store, enum pf_summary_level level, uint32_t from,
				 uint32_t to, pf_store_summary_fn fn, void *arg)
{
	int err = 0;
	sqlite3_stmt *s = prepare(store, LIST_SUMMARIES, &err);

	if (!s)
		return err;
	(void)sqlite3_bind_int(s, 1, (int)level);
	(void)sqlite3_bind_int64(s, 2, from);
	(void)sqlite3_bind_int64(s, 3, to);
	return walk_summaries(store, s, fn, arg);
}

static int sqlite_get_summaries(struct pf_store *store, const struct pf_workload_key *key,
				uint32_t from, uint32_t to, pf_store_summary_fn fn, void *arg)
{
	int err = 0;
	sqlite3_stmt *s = prepare(store, GET_SUMMARIES, &err);

	if (!s)
		return err;
	bind_workload(s, key);
	(void)sqlite3_bind_int64(s, 7, from);
	(void)sqlite3_bind_int64(s, 8, to);
	return walk_summaries(store, s, fn, arg);
}

static int pragma_u64(struct pf_store *store, const char *sql, uint64_t *ret_value)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(store->db, sql, -1, &s, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	int r = rc == SQLITE_ROW ? 0 : failed(store, rc);

	if (r == 0)
		*ret_value = (uint64_t)sqlite3_column_int64(s, 0);
	(void)sqlite3_finalize(s);
	return r;
}

static int sqlite_size(struct pf_store *store, struct pf_store_size *ret_size)
{
	uint64_t pages = 0, free_pages = 0, page_bytes = 0;
	int err = 0, r = pragma_u64(store, "PRAGMA page_count", &pages);

	if (r == 0)
		r = pragma_u64(store, "PRAGMA freelist_count", &free_pages);
	if (r == 0)
		r = pragma_u64(store, "PRAGMA page_size", &page_bytes);
	if (r < 0)
		return r;

	sqlite3_stmt *s = prepare(store, COUNT, &err);

	if (!s)
		return err;
	int rc = sqlite3_step(s);

	if (rc == SQLITE_ROW)
		*ret_size = (struct pf_store_size){
			.bytes = (pages - free_pages) * page_bytes,
			.nr_reports = (uint64_t)sqlite3_column_int64(s, 0),
			.nr_summaries = (uint64_t)sqlite3_column_int64(s, 1),
		};
	return finish(store, s, rc);
}

static int sqlite_tidy(struct pf_store *store)
{
	char sql[64];

	(void)snprintf(sql, sizeof(sql), "PRAGMA incremental_vacuum(%d)", TIDY_PAGES);
	return exec(store, sql);
}

const struct pf_store_ops pf_store_sqlite = {
	.name = "sqlite",
	.writers_wait = true,
	.open = sqlite_open,
	.close = sqlite_close,
	.error = sqlite_error,
	.begin = sqlite_begin,
	.commit = sqlite_commit,
	.rollback = sqlite_rollback,
	.begin_reading = sqlite_begin_reading,
	.end_reading = sqlite_end_reading,
	.put_report = sqlite_put_report,
	.delete_report = sqlite_delete_report,
	.put_summary = sqlite_put_summary,
	.put_sealed = sqlite_put_sealed,
	.raise_mark = sqlite_raise_mark,
	.delete_reports_before = sqlite_delete_reports_before,
	.delete_summaries = sqlite_delete_summaries,
	.list_reports = sqlite_list_reports,
	.get_report = sqlite_get_report,
	.list_sealed = sqlite_list_sealed,
	.get_mark = sqlite_get_mark,
	.list_summaries = sqlite_list_summaries,
	.get_summaries = sqlite_get_summaries,
	.size = sqlite_size,
	.tidy = sqlite_tidy,
};
