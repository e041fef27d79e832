// SPDX-License-Identifier: Apache-2.0
/*
 * postgres.c - the store on a PostgreSQL server, or on a database that speaks its protocol.
 *
 * Several collectors may write at once: rows have natural keys, are inserted or deleted, never
 * updated, and a batch touches them in the order of their keys, so that batches do not lock each
 * other out.
 *
 * Writes between begin() and commit() are only queued (libpq's pipeline mode) and their results
 * read in bulk: a round trip for each row would cost more than the row. A failed write may
 * therefore show as late as in commit(), which is all the callers need.
 */
#include <endian.h>
#include <errno.h>
#include <libpq-fe.h>
#include <string.h>

#include "base/buf.h"
#include "collector/store/store.h"

enum {
	PARAMS_MAX = 9,
	PIPELINE_MAX = 256, /* results left unread; each is a few dozen bytes in socket buffers */
	MIGRATE_TRIES = 5,
};

enum statement {
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
	SIZE,
	NR_STATEMENTS,
};

#define REPORT_KEY  "cluster = $1 AND node = $2 AND run_id = $3 AND sequence = $4"
#define REPORT_COLS "cluster, node, run_id, sequence, hour_min, hour_max, received_ms"
#define SUMMARY_COLS                                                                               \
	"cluster, namespace, kind, workload, container, node_class, level, start_hour, body"
#define SUMMARY_KEY "cluster, namespace, kind, workload, container, node_class, level, start_hour"

static const struct {
	const char *name, *sql;
	int nr_params;
} statements[NR_STATEMENTS] = {
	[PUT_REPORT] = { "put_report",
			 "INSERT INTO podfit_reports (" REPORT_COLS ", encoding, body) VALUES "
			 "($1,$2,$3::bigint,$4::bigint,$5::bigint,$6::bigint,$7::bigint,$8::bigint,"
			 "$9::bytea) ON CONFLICT (cluster, node, run_id, sequence) DO NOTHING",
			 9 },
	[DELETE_REPORT] = { "delete_report", "DELETE FROM podfit_reports WHERE " REPORT_KEY, 4 },
	[PUT_SUMMARY] = { "put_summary",
			  "INSERT INTO podfit_summaries (" SUMMARY_COLS ") VALUES ($1,$2,"
			  "$3::bigint,$4,$5,$6,$7::bigint,$8::bigint,$9::bytea) ON CONFLICT "
			  "(" SUMMARY_KEY ") DO UPDATE SET body = excluded.body",
			  9 },
	[PUT_SEALED] = { "put_sealed",
			 "INSERT INTO podfit_sealed (level, start_hour, fingerprint) VALUES "
			 "($1::bigint,$2::bigint,$3::bigint) ON CONFLICT (level, start_hour) DO "
			 "UPDATE SET fingerprint = excluded.fingerprint",
			 3 },
	[RAISE_MARK] = { "raise_mark",
			 "INSERT INTO podfit_marks AS m (mark, value) VALUES ($1::bigint,"
			 "$2::bigint) ON CONFLICT (mark) DO UPDATE SET value = "
			 "greatest(m.value, excluded.value)",
			 2 },
	[GET_MARK] = { "get_mark", "SELECT value FROM podfit_marks WHERE mark = $1", 1 },
	[DELETE_REPORTS_BEFORE] = { "delete_reports_before",
				    "DELETE FROM podfit_reports WHERE hour_max < $1", 1 },
	[DELETE_SUMMARIES] = { "delete_summaries",
			       "DELETE FROM podfit_summaries WHERE level = $1 AND start_hour >= $2 "
			       "AND start_hour < $3",
			       3 },
	[DELETE_SEALED] = { "delete_sealed",
			    "DELETE FROM podfit_sealed WHERE level = $1 AND start_hour >= $2 AND "
			    "start_hour < $3",
			    3 },
	[LIST_REPORTS] = { "list_reports",
			   "SELECT " REPORT_COLS " FROM podfit_reports WHERE hour_max >= $1 AND "
			   "hour_min <= $2 ORDER BY cluster, node, run_id, sequence",
			   2 },
	[GET_REPORT] = { "get_report",
			 "SELECT " REPORT_COLS
			 ", encoding, body FROM podfit_reports WHERE " REPORT_KEY,
			 4 },
	[LIST_SEALED] = { "list_sealed",
			  "SELECT level, start_hour, fingerprint FROM podfit_sealed "
			  "ORDER BY level, start_hour",
			  0 },
	[LIST_SUMMARIES] = { "list_summaries",
			     "SELECT " SUMMARY_COLS " FROM podfit_summaries WHERE level = $1 AND "
			     "start_hour >= $2 AND start_hour < $3 ORDER BY start_hour, cluster, "
			     "namespace, kind, workload, container, node_class",
			     3 },
	[GET_SUMMARIES] = { "get_summaries",
			    "SELECT " SUMMARY_COLS " FROM podfit_summaries WHERE cluster = $1 AND "
			    "namespace = $2 AND kind = $3 AND workload = $4 AND container = $5 AND "
			    "node_class = $6 AND start_hour >= $7 AND start_hour < $8 "
			    "ORDER BY level, start_hour",
			    8 },
	[SIZE] = { "size",
		   "SELECT (SELECT coalesce(sum(length(body)), 0) FROM podfit_reports)::bigint + "
		   "(SELECT coalesce(sum(length(body)), 0) FROM podfit_summaries)::bigint, "
		   "(SELECT count(*) FROM podfit_reports)::bigint, "
		   "(SELECT count(*) FROM podfit_summaries)::bigint",
		   0 },
};

/* One entry a schema version, applied in order; never edited, only appended to. */
static const struct migration {
	const char *sql;
	bool may_fail; /* it only saves time, and not every database knows it or lets us */
} migrations[] = {
	{ .sql = "CREATE TABLE IF NOT EXISTS podfit_reports ("
		 " cluster TEXT NOT NULL, node TEXT NOT NULL, run_id BIGINT NOT NULL,"
		 " sequence BIGINT NOT NULL, hour_min BIGINT NOT NULL, hour_max BIGINT NOT NULL,"
		 " received_ms BIGINT NOT NULL, encoding BIGINT NOT NULL, body BYTEA NOT NULL,"
		 " PRIMARY KEY (cluster, node, run_id, sequence));"
		 "CREATE INDEX IF NOT EXISTS podfit_reports_by_hour ON podfit_reports (hour_max, hour_min);"
		 "CREATE TABLE IF NOT EXISTS podfit_summaries ("
		 " cluster TEXT NOT NULL, namespace TEXT NOT NULL, kind BIGINT NOT NULL,"
		 " workload TEXT NOT NULL, container TEXT NOT NULL, node_class TEXT NOT NULL,"
		 " level BIGINT NOT NULL, start_hour BIGINT NOT NULL, body BYTEA NOT NULL,"
		 " PRIMARY KEY (" SUMMARY_KEY "));"
		 "CREATE INDEX IF NOT EXISTS podfit_summaries_by_time ON podfit_summaries"
		 " (level, start_hour);"
		 "CREATE TABLE IF NOT EXISTS podfit_sealed (level BIGINT NOT NULL,"
		 " start_hour BIGINT NOT NULL, fingerprint BIGINT NOT NULL,"
		 " PRIMARY KEY (level, start_hour));" },
	/* Bodies are compressed already: the server's own attempt took most of its time. */
	{ .sql = "ALTER TABLE podfit_reports ALTER COLUMN body SET STORAGE EXTERNAL",
	  .may_fail = true },
	{ .sql = "CREATE TABLE IF NOT EXISTS podfit_marks (mark BIGINT PRIMARY KEY, "
		 "value BIGINT NOT NULL);" },
};

struct pf_store {
	PGconn *conn; /* NULL while not connected */
	char *where;
	char text[256];
	unsigned nr_queued;
	bool in_pipeline;
};

/* Parameters of one statement: text, or bytes for the body. Numbers are kept here as text. */
struct params {
	const char *values[PARAMS_MAX];
	int lengths[PARAMS_MAX], formats[PARAMS_MAX];
	char numbers[PARAMS_MAX][24];
	int nr;
};

static void add_text(struct params *p, const char *text)
{
	p->values[p->nr] = text;
	p->lengths[p->nr] = 0;
	p->formats[p->nr++] = 0;
}

static void add_number(struct params *p, int64_t number)
{
	(void)snprintf(p->numbers[p->nr], sizeof(p->numbers[0]), "%lld", (long long)number);
	add_text(p, p->numbers[p->nr]);
}

static void add_bytes(struct params *p, const void *data, size_t len)
{
	p->values[p->nr] = len ? data : "";
	p->lengths[p->nr] = (int)len;
	p->formats[p->nr++] = 1;
}

static void note_text(struct pf_store *store, const char *text)
{
	(void)snprintf(store->text, sizeof(store->text), "postgres: %s", text ? text : "");
	for (char *p = store->text; *p; p++)
		if (*p == '\n')
			*p = ' ';
}

static int code_of(const char *sqlstate)
{
	if (!sqlstate)
		return -EAGAIN; /* no answer from a server: the connection broke */
	if (!strcmp(sqlstate, "53100"))
		return -ENOSPC;
	if (!strncmp(sqlstate, "XX00", 4) && sqlstate[4] != '0')
		return -EUCLEAN; /* data_corrupted, index_corrupted */
	/* connection, too many connections, operator intervention, serialization or deadlock */
	if (!strncmp(sqlstate, "08", 2) || !strncmp(sqlstate, "53", 2) ||
	    !strncmp(sqlstate, "57", 2) || !strncmp(sqlstate, "40", 2))
		return -EAGAIN;
	if (!strncmp(sqlstate, "28", 2) || !strcmp(sqlstate, "42501"))
		return -EACCES;
	return -EIO;
}

static bool is_good(const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ||
	       status == PGRES_SINGLE_TUPLE || status == PGRES_PIPELINE_SYNC;
}

static int failed(struct pf_store *store, const PGresult *result)
{
	const char *text = result ? PQresultErrorMessage(result) : NULL;

	note_text(store, text && *text ? text : PQerrorMessage(store->conn));
	return code_of(result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL);
}

static const char *postgres_error(const struct pf_store *store)
{
	return store->text;
}

static void result_freep(PGresult **result)
{
	PQclear(*result);
}

static void disconnect(struct pf_store *store)
{
	PQfinish(store->conn);
	store->conn = NULL;
	store->in_pipeline = false;
	store->nr_queued = 0;
}

static int exec(struct pf_store *store, const char *sql)
{
	PF_AUTO(result_freep) PGresult *result = PQexec(store->conn, sql);

	return is_good(result) ? 0 : failed(store, result);
}

/* ---- connecting ---- */

static int connect_now(struct pf_store *store)
{
	/* A server that is gone is noticed in seconds, not in the kernel's quarter of an hour. */
	static const char *const names[] = {
		"connect_timeout", "tcp_user_timeout", "fallback_application_name",
		"options",	   "dbname",	       NULL
	};
	const char *values[] = {
		"5",	      "15000", "podfit-collector", "-c client_min_messages=warning",
		store->where, NULL
	};

	/* What the user's own text says comes last and wins. */
	store->conn = PQconnectdbParams(names, values, 1);
	if (!store->conn)
		return -ENOMEM;
	if (PQstatus(store->conn) == CONNECTION_OK)
		return 0;
	note_text(store, PQerrorMessage(store->conn));
	disconnect(store);
	return -EAGAIN;
}

static int read_version(struct pf_store *store, size_t *ret_version)
{
	PF_AUTO(result_freep)
	PGresult *result =
		PQexec(store->conn, "SELECT version FROM podfit_schema WHERE id = 1 FOR UPDATE");

	if (!is_good(result))
		return failed(store, result);
	*ret_version = PQntuples(result) ? strtoul(PQgetvalue(result, 0, 0), NULL, 10) : 0;
	return 0;
}

/* A failure undoes the transaction, so what may fail gets a savepoint to go back to. */
static int apply(struct pf_store *store, const struct migration *migration)
{
	int r = 0;

	if (migration->may_fail)
		r = exec(store, "SAVEPOINT podfit_migration");
	if (r == 0)
		r = exec(store, migration->sql);
	if (r < 0 && migration->may_fail)
		r = exec(store, "ROLLBACK TO SAVEPOINT podfit_migration");
	return r;
}

/* In a transaction that holds the version's row, so that collectors that start together wait. */
static int migrate_locked(struct pf_store *store)
{
	char sql[128];
	size_t version = 0;
	int r = read_version(store, &version);

	if (r < 0)
		return r;
	if (version > PF_ARRAY_SIZE(migrations)) {
		(void)snprintf(store->text, sizeof(store->text),
			       "postgres: the database has schema version %zu, made by a newer "
			       "podfit; this one knows up to %zu",
			       version, PF_ARRAY_SIZE(migrations));
		return -EPROTONOSUPPORT;
	}
	for (size_t i = version; i < PF_ARRAY_SIZE(migrations) && r == 0; i++)
		r = apply(store, &migrations[i]);
	if (r < 0 || version == PF_ARRAY_SIZE(migrations))
		return r;
	(void)snprintf(sql, sizeof(sql), "UPDATE podfit_schema SET version = %zu WHERE id = 1",
		       PF_ARRAY_SIZE(migrations));
	return exec(store, sql);
}

static int migrate_once(struct pf_store *store)
{
	int r = exec(store, "CREATE TABLE IF NOT EXISTS podfit_schema (id BIGINT PRIMARY KEY, "
			    "version BIGINT NOT NULL)");

	if (r == 0)
		r = exec(store, "INSERT INTO podfit_schema (id, version) VALUES (1, 0) "
				"ON CONFLICT (id) DO NOTHING");
	if (r == 0)
		r = exec(store, "BEGIN");
	if (r < 0)
		return r;
	r = migrate_locked(store);
	if (r == 0)
		return exec(store, "COMMIT");

	char text[sizeof(store->text)];

	memcpy(text, store->text, sizeof(text));
	(void)exec(store, "ROLLBACK");
	memcpy(store->text, text, sizeof(text));
	return r;
}

/* Two collectors that make the first table at the same moment make one of them fail. */
static int migrate(struct pf_store *store)
{
	int r = -EIO;

	for (int i = 0; i < MIGRATE_TRIES && r < 0 && r != -EPROTONOSUPPORT; i++)
		r = migrate_once(store);
	return r;
}

static int prepare_all(struct pf_store *store)
{
	for (size_t i = 0; i < NR_STATEMENTS; i++) {
		PF_AUTO(result_freep)
		PGresult *result = PQprepare(store->conn, statements[i].name, statements[i].sql,
					     statements[i].nr_params, NULL);

		if (!is_good(result))
			return failed(store, result);
	}
	return 0;
}

/* Connected, and the statements prepared. Every public function begins with it. */
static int ensure(struct pf_store *store)
{
	int r;

	if (store->conn && PQstatus(store->conn) == CONNECTION_OK)
		return 0;
	disconnect(store);
	r = connect_now(store);
	if (r == 0) {
		r = prepare_all(store);
		if (r < 0)
			disconnect(store);
	}
	return r;
}

static void postgres_close(struct pf_store *store)
{
	if (!store)
		return;
	disconnect(store); /* the server undoes an open transaction */
	free(store->where);
	free(store);
}

static void store_freep(struct pf_store **store)
{
	postgres_close(*store);
}

static int postgres_open(const char *where, bool create, struct pf_store **ret_store,
			 char *ret_note, size_t note_size, char *error, size_t error_size)
{
	PF_AUTO(store_freep) struct pf_store *store = calloc(1, sizeof(*store));
	int r;

	(void)ret_note; /* a server checks itself */
	(void)note_size;
	if (!store)
		return -ENOMEM;
	store->where = strdup(where);
	if (!store->where)
		return -ENOMEM;
	r = connect_now(store);
	if (r == 0 && create)
		r = migrate(store);
	if (r == 0)
		r = prepare_all(store);
	if (r < 0) {
		(void)snprintf(error, error_size, "%s", store->text);
		return r;
	}
	*ret_store = pf_take(store);
	return 0;
}

/* ---- writing ---- */

/* Reads the results of all that was queued. Return: the first failure. */
static int drain(struct pf_store *store)
{
	int r = 0;

	if (!store->nr_queued)
		return 0;
	store->nr_queued = 0;
	if (!PQpipelineSync(store->conn)) {
		r = failed(store, NULL);
		disconnect(store);
		return r;
	}
	for (unsigned nr_null = 0;;) {
		PF_AUTO(result_freep) PGresult *result = PQgetResult(store->conn);

		/* One NULL after each statement's results; two in a row only when the connection
		 * is gone. */
		if (!result) {
			if (++nr_null < 2 && PQstatus(store->conn) == CONNECTION_OK)
				continue;
			if (r == 0)
				r = failed(store, NULL);
			disconnect(store);
			return r;
		}
		nr_null = 0;
		if (PQresultStatus(result) == PGRES_PIPELINE_SYNC)
			return r;
		/* After the first failure the rest is "aborted", which says nothing. */
		if (r == 0 && !is_good(result))
			r = failed(store, result);
	}
}

static int queue(struct pf_store *store, enum statement which, const struct params *p)
{
	if (!store->conn)
		return -EAGAIN;
	if (!PQsendQueryPrepared(store->conn, statements[which].name, p->nr, p->values, p->lengths,
				 p->formats, 1))
		return failed(store, NULL);
	return ++store->nr_queued >= PIPELINE_MAX ? drain(store) : 0;
}

static int queue_plain(struct pf_store *store, const char *sql)
{
	if (!store->conn)
		return -EAGAIN;
	if (!PQsendQueryParams(store->conn, sql, 0, NULL, NULL, NULL, NULL, 1))
		return failed(store, NULL);
	store->nr_queued++;
	return 0;
}

static int postgres_begin(struct pf_store *store)
{
	int r = ensure(store);

	if (r < 0)
		return r;
	if (!PQenterPipelineMode(store->conn))
		return failed(store, NULL);
	store->in_pipeline = true;
	return queue_plain(store, "BEGIN");
}

static void postgres_rollback(struct pf_store *store)
{
	char text[sizeof(store->text)];

	memcpy(text, store->text, sizeof(text)); /* the failure that led here */
	if (store->conn && store->in_pipeline) {
		(void)queue_plain(store, "ROLLBACK");
		(void)drain(store);
	}
	if (store->conn &&
	    (!PQexitPipelineMode(store->conn) || PQtransactionStatus(store->conn) != PQTRANS_IDLE))
		disconnect(store); /* the server undoes it then */
	store->in_pipeline = false;
	memcpy(store->text, text, sizeof(text));
}

static int postgres_begin_reading(struct pf_store *store)
{
	int r = ensure(store);

	return r < 0 ? r
		     : exec(store, "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY");
}

static void postgres_end_reading(struct pf_store *store)
{
	char text[sizeof(store->text)];

	memcpy(text, store->text, sizeof(text)); /* of a read that failed */
	if (store->conn && exec(store, "ROLLBACK") < 0)
		disconnect(store); /* the server undoes it then */
	memcpy(store->text, text, sizeof(text));
}

static int postgres_commit(struct pf_store *store)
{
	int r = queue_plain(store, "COMMIT");

	if (r == 0)
		r = drain(store);
	if (r < 0)
		return r;
	store->in_pipeline = false;
	return PQexitPipelineMode(store->conn) ? 0 : failed(store, NULL);
}

static void add_key(struct params *p, const struct pf_store_key *key)
{
	add_text(p, key->cluster);
	add_text(p, key->node);
	add_number(p, (int64_t)key->run_id);
	add_number(p, (int64_t)key->sequence);
}

static int postgres_put_report(struct pf_store *store, const struct pf_store_report *report)
{
	struct params p = { .nr = 0 };

	add_key(&p, &report->key);
	add_number(&p, report->hour_min);
	add_number(&p, report->hour_max);
	add_number(&p, report->received_unix_ms);
	add_number(&p, (int64_t)report->encoding);
	add_bytes(&p, report->body, report->body_len);
	return queue(store, PUT_REPORT, &p);
}

static int postgres_delete_report(struct pf_store *store, const struct pf_store_key *key)
{
	struct params p = { .nr = 0 };

	add_key(&p, key);
	return queue(store, DELETE_REPORT, &p);
}

static void add_workload(struct params *p, const struct pf_workload_key *key)
{
	add_text(p, key->cluster);
	add_text(p, key->namespace_name);
	add_number(p, (int64_t)key->kind);
	add_text(p, key->workload);
	add_text(p, key->container);
	add_text(p, key->node_class);
}

static int postgres_put_summary(struct pf_store *store, const struct pf_store_summary *summary)
{
	struct params p = { .nr = 0 };

	add_workload(&p, &summary->key);
	add_number(&p, (int64_t)summary->level);
	add_number(&p, summary->start_hour);
	add_bytes(&p, summary->body, summary->body_len);
	return queue(store, PUT_SUMMARY, &p);
}

static int postgres_put_sealed(struct pf_store *store, const struct pf_store_sealed *sealed)
{
	struct params p = { .nr = 0 };

	add_number(&p, (int64_t)sealed->level);
	add_number(&p, sealed->start_hour);
	add_number(&p, (int64_t)sealed->fingerprint);
	return queue(store, PUT_SEALED, &p);
}

static int postgres_raise_mark(struct pf_store *store, enum pf_store_mark mark, uint64_t value)
{
	struct params p = { .nr = 0 };

	add_number(&p, (int64_t)mark);
	add_number(&p, (int64_t)value);
	return queue(store, RAISE_MARK, &p);
}

static int postgres_delete_reports_before(struct pf_store *store, uint32_t hour)
{
	struct params p = { .nr = 0 };

	add_number(&p, hour);
	return queue(store, DELETE_REPORTS_BEFORE, &p);
}

static int postgres_delete_summaries(struct pf_store *store, enum pf_summary_level level,
				     uint32_t from, uint32_t to)
{
	struct params p = { .nr = 0 };
	int r;

	add_number(&p, (int64_t)level);
	add_number(&p, from);
	add_number(&p, to);
	r = queue(store, DELETE_SEALED, &p);
	return r < 0 ? r : queue(store, DELETE_SUMMARIES, &p);
}

/* ---- reading ---- */

static int64_t number_at(const PGresult *result, int column)
{
	uint64_t big_endian;

	memcpy(&big_endian, PQgetvalue(result, 0, column), sizeof(big_endian));
	return (int64_t)be64toh(big_endian);
}

typedef int (*row_fn)(void *arg, const PGresult *row);

/* Calls @row for every row, one at a time, so that a large answer needs little memory. */
static int select_rows(struct pf_store *store, enum statement which, const struct params *p,
		       row_fn row, void *arg, unsigned *ret_nr_rows)
{
	unsigned nr_rows = 0;
	int r = ensure(store), stop = 0;

	if (r < 0)
		return r;
	if (!PQsendQueryPrepared(store->conn, statements[which].name, p->nr, p->values, p->lengths,
				 p->formats, 1) ||
	    !PQsetSingleRowMode(store->conn))
		return failed(store, NULL);
	for (;;) {
		PF_AUTO(result_freep) PGresult *result = PQgetResult(store->conn);

		if (!result)
			break;
		if (!is_good(result)) {
			r = failed(store, result);
		} else if (PQresultStatus(result) == PGRES_SINGLE_TUPLE) {
			nr_rows++;
			if (stop == 0)
				stop = row(arg, result); /* the rest is read and left */
		}
	}
	if (r < 0)
		return r;
	*ret_nr_rows = nr_rows;
	return stop;
}

struct caller {
	pf_store_report_fn report;
	pf_store_summary_fn summary;
	pf_store_sealed_fn sealed;
	void *arg;
	bool whole;
};

static int report_row(void *arg, const PGresult *row)
{
	const struct caller *caller = arg;
	struct pf_store_report report = {
		.key = { .cluster = PQgetvalue(row, 0, 0),
			 .node = PQgetvalue(row, 0, 1),
			 .run_id = (uint64_t)number_at(row, 2),
			 .sequence = (uint64_t)number_at(row, 3) },
		.hour_min = (uint32_t)number_at(row, 4),
		.hour_max = (uint32_t)number_at(row, 5),
		.received_unix_ms = number_at(row, 6),
	};

	if (caller->whole) {
		report.encoding = (enum pf_store_encoding)number_at(row, 7);
		report.body = PQgetvalue(row, 0, 8);
		report.body_len = (size_t)PQgetlength(row, 0, 8);
	}
	return caller->report(caller->arg, &report);
}

static int summary_row(void *arg, const PGresult *row)
{
	const struct caller *caller = arg;
	struct pf_store_summary summary = {
		.key = { .cluster = PQgetvalue(row, 0, 0),
			 .namespace_name = PQgetvalue(row, 0, 1),
			 .kind = (enum pf_workload_kind)number_at(row, 2),
			 .workload = PQgetvalue(row, 0, 3),
			 .container = PQgetvalue(row, 0, 4),
			 .node_class = PQgetvalue(row, 0, 5) },
		.level = (enum pf_summary_level)number_at(row, 6),
		.start_hour = (uint32_t)number_at(row, 7),
		.body = PQgetvalue(row, 0, 8),
		.body_len = (size_t)PQgetlength(row, 0, 8),
	};

	return caller->summary(caller->arg, &summary);
}

static int sealed_row(void *arg, const PGresult *row)
{
	const struct caller *caller = arg;
	struct pf_store_sealed sealed = {
		.level = (enum pf_summary_level)number_at(row, 0),
		.start_hour = (uint32_t)number_at(row, 1),
		.fingerprint = (uint64_t)number_at(row, 2),
	};

	return caller->sealed(caller->arg, &sealed);
}

static int postgres_list_reports(struct pf_store *store, uint32_t from, uint32_t to,
				 pf_store_report_fn fn, void *arg)
{
	struct caller caller = { .report = fn, .arg = arg };
	struct params p = { .nr = 0 };
	unsigned nr_rows;

	add_number(&p, from);
	add_number(&p, to);
	return select_rows(store, LIST_REPORTS, &p, report_row, &caller, &nr_rows);
}

static int postgres_get_report(struct pf_store *store, const struct pf_store_key *key,
			       pf_store_report_fn fn, void *arg)
{
	struct caller caller = { .report = fn, .arg = arg, .whole = true };
	struct params p = { .nr = 0 };
	unsigned nr_rows = 0;
	int r;

	add_key(&p, key);
	r = select_rows(store, GET_REPORT, &p, report_row, &caller, &nr_rows);
	return r < 0 || nr_rows ? r : -ENOENT;
}

static int postgres_list_sealed(struct pf_store *store, pf_store_sealed_fn fn, void *arg)
{
	struct caller caller = { .sealed = fn, .arg = arg };
	struct params p = { .nr = 0 };
	unsigned nr_rows;

	return select_rows(store, LIST_SEALED, &p, sealed_row, &caller, &nr_rows);
}

static int mark_row(void *arg, const PGresult *row)
{
	*(uint64_t *)arg = (uint64_t)number_at(row, 0);
	return 0;
}

static int postgres_get_mark(struct pf_store *store, enum pf_store_mark mark, uint64_t *ret_value)
{
	struct params p = { .nr = 0 };
	uint64_t value = 0;
	unsigned nr_rows;
	int r;

	add_number(&p, (int64_t)mark);
	r = select_rows(store, GET_MARK, &p, mark_row, &value, &nr_rows);
	if (r == 0)
		*ret_value = value;
	return r;
}

static int postgres_list_summaries(struct pf_store *store, enum pf_summary_level level,
				   uint32_t from, uint32_t to, pf_store_summary_fn fn, void *arg)
{
	struct caller caller = { .summary = fn, .arg = arg };
	struct params p = { .nr = 0 };
	unsigned nr_rows;

	add_number(&p, (int64_t)level);
	add_number(&p, from);
	add_number(&p, to);
	return select_rows(store, LIST_SUMMARIES, &p, summary_row, &caller, &nr_rows);
}

static int postgres_get_summaries(struct pf_store *store, const struct pf_workload_key *key,
				  uint32_t from, uint32_t to, pf_store_summary_fn fn, void *arg)
{
	struct caller caller = { .summary = fn, .arg = arg };
	struct params p = { .nr = 0 };
	unsigned nr_rows;

	add_workload(&p, key);
	add_number(&p, from);
	add_number(&p, to);
	return select_rows(store, GET_SUMMARIES, &p, summary_row, &caller, &nr_rows);
}

static int size_row(void *arg, const PGresult *row)
{
	struct pf_store_size *size = arg;

	*size = (struct pf_store_size){ .bytes = (uint64_t)number_at(row, 0),
					.nr_reports = (uint64_t)number_at(row, 1),
					.nr_summaries = (uint64_t)number_at(row, 2) };
	return 0;
}

static int postgres_size(struct pf_store *store, struct pf_store_size *ret_size)
{
	struct pf_store_size size = { 0 };
	struct params p = { .nr = 0 };
	unsigned nr_rows;
	int r = select_rows(store, SIZE, &p, size_row, &size, &nr_rows);

	if (r == 0)
		*ret_size = size;
	return r;
}

static int postgres_tidy(struct pf_store *store)
{
	(void)store; /* the server's autovacuum does */
	return 0;
}

const struct pf_store_ops pf_store_postgres = {
	.name = "postgres",
	.open = postgres_open,
	.close = postgres_close,
	.error = postgres_error,
	.begin = postgres_begin,
	.commit = postgres_commit,
	.rollback = postgres_rollback,
	.begin_reading = postgres_begin_reading,
	.end_reading = postgres_end_reading,
	.put_report = postgres_put_report,
	.delete_report = postgres_delete_report,
	.put_summary = postgres_put_summary,
	.put_sealed = postgres_put_sealed,
	.raise_mark = postgres_raise_mark,
	.delete_reports_before = postgres_delete_reports_before,
	.delete_summaries = postgres_delete_summaries,
	.list_reports = postgres_list_reports,
	.get_report = postgres_get_report,
	.list_sealed = postgres_list_sealed,
	.get_mark = postgres_get_mark,
	.list_summaries = postgres_list_summaries,
	.get_summaries = postgres_get_summaries,
	.size = postgres_size,
	.tidy = postgres_tidy,
};
