// SPDX-License-Identifier: Apache-2.0
/*
 * One suite for both stores: SQLite always, PostgreSQL where PODFIT_TEST_POSTGRES names a database
 * (tests/system/collector_postgres.sh starts a server and does so).
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/buf.h"
#include "unit/check.h"
#include "unit/store_place.h"

/* Rows as text, so that one comparison sees everything. */
static int report_text(void *arg, const struct pf_store_report *r)
{
	pf_buf_addf(arg, "%s/%s/%llx/%llu %u-%u", r->key.cluster, r->key.node,
		    (unsigned long long)r->key.run_id, (unsigned long long)r->key.sequence,
		    r->hour_min, r->hour_max);
	if (r->body)
		pf_buf_addf(arg, " %d:%.*s", (int)r->encoding, (int)r->body_len,
			    (const char *)r->body);
	pf_buf_adds(arg, ";");
	return 0;
}

static int summary_text(void *arg, const struct pf_store_summary *s)
{
	pf_buf_addf(arg, "%d@%u %s/%s/%d/%s/%s/%s=%.*s;", (int)s->level, s->start_hour,
		    s->key.cluster, s->key.namespace_name, (int)s->key.kind, s->key.workload,
		    s->key.container, s->key.node_class, (int)s->body_len, (const char *)s->body);
	return 0;
}

static int sealed_text(void *arg, const struct pf_store_sealed *s)
{
	pf_buf_addf(arg, "%d@%u=%llx;", (int)s->level, s->start_hour,
		    (unsigned long long)s->fingerprint);
	return 0;
}

static struct pf_store_report report(const char *node, uint64_t run, uint64_t sequence,
				     uint32_t hour_min, uint32_t hour_max, const char *body)
{
	return (struct pf_store_report){ .key = { "c", node, run, sequence },
					 .hour_min = hour_min,
					 .hour_max = hour_max,
					 .received_unix_ms = 1700000000123,
					 .encoding = PF_STORE_GZIP,
					 .body = body,
					 .body_len = strlen(body) };
}

static void put_reports(const struct place *p, struct pf_store *store,
			const struct pf_store_report *reports, size_t nr)
{
	PF_CHECK_INT("begin", p->ops->begin(store), 0);
	for (size_t i = 0; i < nr; i++)
		PF_CHECK_INT("put", p->ops->put_report(store, &reports[i]), 0);
	PF_CHECK_INT("commit", p->ops->commit(store), 0);
}

static void check_list(const struct place *p, struct pf_store *store, uint32_t from, uint32_t to,
		       const char *want)
{
	struct pf_buf text;

	pf_buf_init(&text, 4096);
	PF_CHECK_INT(p->name, p->ops->list_reports(store, from, to, report_text, &text), 0);
	PF_CHECK_STR(p->name, text.data ? text.data : "", want);
	pf_buf_done(&text);
}

static void check_reports(const struct place *p)
{
	struct pf_store *store = open_store(p, true);
	struct pf_store_report rows[] = {
		report("b", 0xffffffffffffffff, 2, 100, 101, "two"),
		report("a", 1, 10, 101, 101, "ten"),
		report("a", 1, 9, 99, 100, "nine"),
	};
	struct pf_buf text;

	if (!store)
		return;
	pf_buf_init(&text, 4096);
	put_reports(p, store, rows, PF_ARRAY_SIZE(rows));
	check_list(p, store, 0, UINT32_MAX,
		   "c/a/1/9 99-100;c/a/1/10 101-101;c/b/ffffffffffffffff/2 100-101;");
	check_list(p, store, 100, 100, "c/a/1/9 99-100;c/b/ffffffffffffffff/2 100-101;");
	check_list(p, store, 102, 200, "");

	/* The same key again, with another body: what was acknowledged stays. */
	struct pf_store_report again = report("a", 1, 9, 5, 5, "other");

	put_reports(p, store, &again, 1);
	PF_CHECK_INT("get", p->ops->get_report(store, &again.key, report_text, &text), 0);
	PF_CHECK_STR(p->name, text.data, "c/a/1/9 99-100 1:nine;");
	again.key.sequence = 77;
	PF_CHECK_INT("not there", p->ops->get_report(store, &again.key, report_text, &text),
		     -ENOENT);

	/* What is not committed did not happen. */
	PF_CHECK_INT("begin", p->ops->begin(store), 0);
	PF_CHECK_INT("put", p->ops->put_report(store, &again), 0);
	PF_CHECK_INT("delete", p->ops->delete_report(store, &rows[0].key), 0);
	p->ops->rollback(store);
	check_list(p, store, 0, 1000,
		   "c/a/1/9 99-100;c/a/1/10 101-101;c/b/ffffffffffffffff/2 100-101;");

	PF_CHECK_INT("begin", p->ops->begin(store), 0);
	PF_CHECK_INT("delete", p->ops->delete_report(store, &rows[0].key), 0);
	PF_CHECK_INT("delete before", p->ops->delete_reports_before(store, 101), 0);
	PF_CHECK_INT("commit", p->ops->commit(store), 0);
	p->ops->close(store);

	/* Still so for the next process. */
	store = open_store(p, false);
	if (store)
		check_list(p, store, 0, 1000, "c/a/1/10 101-101;");

	struct pf_store_size size;

	if (store)
		PF_CHECK_INT("size", p->ops->size(store, &size), 0);
	if (store)
		PF_CHECK_INT("count", size.nr_reports, 1);
	p->ops->close(store);
	pf_buf_done(&text);
}

struct expected {
	const char *body;
	size_t len;
	bool same;
};

static int compare_body(void *arg, const struct pf_store_report *r)
{
	struct expected *e = arg;

	e->same = r->body_len == e->len && !memcmp(r->body, e->body, e->len);
	return 0;
}

static void check_large(const struct place *p)
{
	enum { LEN = 5 << 20 };
	struct pf_store *store = open_store(p, true);
	struct pf_store_report row = report("large", 1, 1, 1, 1, "");
	PF_AUTO(pf_freep) char *body = malloc(LEN);

	/* Every byte value, NUL among them. */
	for (size_t i = 0; body && i < LEN; i++)
		body[i] = (char)(i * 7 + i / 256);
	row.body = body;
	row.body_len = LEN;

	struct expected e = { .body = body, .len = LEN };

	if (store && body) {
		put_reports(p, store, &row, 1);
		PF_CHECK_INT("get", p->ops->get_report(store, &row.key, compare_body, &e), 0);
		PF_CHECK("the same bytes", e.same);
	}
	p->ops->close(store);
}

static void check_summaries(const struct place *p)
{
	struct pf_store *store = open_store(p, true);
	struct pf_workload_key key = { "c", "ns", PF_WORKLOAD_DEPLOYMENT, "web", "app", "" };
	struct pf_store_summary rows[] = {
		{ PF_SUMMARY_HOUR, 48, key, "one", 3 },
		{ PF_SUMMARY_HOUR, 49, key, "two", 3 },
		{ PF_SUMMARY_DAY, 24, key, "day", 3 },
		{ PF_SUMMARY_HOUR, 49, key, "new", 3 }, /* replaces the second */
	};
	struct pf_store_sealed sealed[] = {
		{ PF_SUMMARY_HOUR, 48, 1 },
		{ PF_SUMMARY_HOUR, 49, 0xfedcba9876543210 },
		{ PF_SUMMARY_HOUR, 48, 2 },
		{ PF_SUMMARY_DAY, 24, 3 },
	};
	struct pf_buf text;

	if (!store)
		return;
	pf_buf_init(&text, 4096);
	PF_CHECK_INT("begin", p->ops->begin(store), 0);
	for (size_t i = 0; i < PF_ARRAY_SIZE(rows); i++)
		PF_CHECK_INT("put", p->ops->put_summary(store, &rows[i]), 0);
	for (size_t i = 0; i < PF_ARRAY_SIZE(sealed); i++)
		PF_CHECK_INT("seal", p->ops->put_sealed(store, &sealed[i]), 0);
	PF_CHECK_INT("commit", p->ops->commit(store), 0);

	PF_CHECK_INT("list",
		     p->ops->list_summaries(store, PF_SUMMARY_HOUR, 0, 49, summary_text, &text), 0);
	PF_CHECK_STR("list", text.data, "0@48 c/ns/1/web/app/=one;");
	pf_buf_reset(&text);
	PF_CHECK_INT("of one", p->ops->get_summaries(store, &key, 0, 100, summary_text, &text), 0);
	PF_CHECK_STR("of one", text.data,
		     "0@48 c/ns/1/web/app/=one;0@49 c/ns/1/web/app/=new;1@24 c/ns/1/web/app/=day;");
	pf_buf_reset(&text);
	PF_CHECK_INT("sealed", p->ops->list_sealed(store, sealed_text, &text), 0);
	PF_CHECK_STR("sealed", text.data, "0@48=2;0@49=fedcba9876543210;1@24=3;");

	PF_CHECK_INT("begin", p->ops->begin(store), 0);
	PF_CHECK_INT("delete", p->ops->delete_summaries(store, PF_SUMMARY_HOUR, 0, 49), 0);
	PF_CHECK_INT("commit", p->ops->commit(store), 0);
	pf_buf_reset(&text);
	PF_CHECK_INT("sealed", p->ops->list_sealed(store, sealed_text, &text), 0);
	PF_CHECK_STR("sealed", text.data, "0@49=fedcba9876543210;1@24=3;");
	pf_buf_reset(&text);
	PF_CHECK_INT("of one", p->ops->get_summaries(store, &key, 0, 100, summary_text, &text), 0);
	PF_CHECK_STR("of one", text.data, "0@49 c/ns/1/web/app/=new;1@24 c/ns/1/web/app/=day;");
	pf_buf_done(&text);
	p->ops->close(store);
}

static int stop_at_first(void *arg, const struct pf_store_report *r)
{
	(void)r;
	++*(int *)arg;
	return -ECANCELED;
}

/* A walk that is ended early leaves the connection usable. */
static void check_early_end(const struct place *p)
{
	struct pf_store *store = open_store(p, true);
	struct pf_store_report rows[] = { report("a", 1, 1, 1, 1, "x"),
					  report("a", 1, 2, 1, 1, "y") };
	int nr = 0;

	if (!store)
		return;
	put_reports(p, store, rows, 2);
	PF_CHECK_INT("ended", p->ops->list_reports(store, 0, 9, stop_at_first, &nr), -ECANCELED);
	PF_CHECK_INT("calls", nr, 1);
	check_list(p, store, 1, 1, "c/a/1/1 1-1;c/a/1/2 1-1;");
	p->ops->close(store);
}

static uint64_t mark_in(const struct place *p, struct pf_store *store)
{
	uint64_t value = 77;

	PF_CHECK_INT(p->name, p->ops->get_mark(store, PF_MARK_WHOLE_FROM, &value), 0);
	return value;
}

/* Marks only rise, belong to the transaction, and are there for the next process. */
static void check_marks(const struct place *p)
{
	struct pf_store *store = open_store(p, true);

	if (!store)
		return;
	PF_CHECK_INT("none in a new or cleared store", mark_in(p, store), 0);
	PF_CHECK_INT("begin", p->ops->begin(store), 0);
	PF_CHECK_INT("raise", p->ops->raise_mark(store, PF_MARK_WHOLE_FROM, 500000), 0);
	PF_CHECK_INT("lower", p->ops->raise_mark(store, PF_MARK_WHOLE_FROM, 3), 0);
	PF_CHECK_INT("commit", p->ops->commit(store), 0);
	PF_CHECK_INT("begin", p->ops->begin(store), 0);
	PF_CHECK_INT("raise", p->ops->raise_mark(store, PF_MARK_WHOLE_FROM, 600000), 0);
	p->ops->rollback(store);
	p->ops->close(store);
	store = open_store(p, false);
	if (store)
		PF_CHECK_INT("kept", mark_in(p, store), 500000);
	p->ops->close(store);
}

static void test_marks(void)
{
	on_both(check_marks);
}

static void test_reports(void)
{
	on_both(check_reports);
}

static void test_large(void)
{
	on_both(check_large);
}

static void test_summaries(void)
{
	on_both(check_summaries);
}

static void test_early_end(void)
{
	on_both(check_early_end);
}

/* A file with a destroyed middle is set aside, with its name told, and a new one begun. */
static void test_damaged_file(void)
{
	struct pf_store_report rows[64];
	char note[512] = "", error[512] = "", body[20000], kept[512];
	struct pf_store *store;
	struct place p;

	sqlite_place(&p, "damaged");
	store = open_store(&p, true);
	if (!store)
		return;
	memset(body, 'x', sizeof(body));
	body[sizeof(body) - 1] = '\0';
	for (size_t i = 0; i < PF_ARRAY_SIZE(rows); i++)
		rows[i] = report("n", 1, i, 1, 1, body);
	put_reports(&p, store, rows, PF_ARRAY_SIZE(rows));
	p.ops->close(store); /* the last connection copies the log back */

	int fd = open(p.where, O_WRONLY | O_CLOEXEC);

	memset(body, 0xa5, sizeof(body));
	for (off_t at = 16384; at < 16384 * 6; at += (off_t)sizeof(body))
		PF_CHECK("overwrite", pwrite(fd, body, sizeof(body), at) == (ssize_t)sizeof(body));
	(void)close(fd);

	store = NULL;
	PF_CHECK_INT("opens all the same",
		     p.ops->open(p.where, true, &store, note, sizeof(note), error, sizeof(error)),
		     0);
	PF_CHECK("says so", strstr(note, "set aside as") != NULL);
	if (store)
		check_list(&p, store, 0, 100, "");
	p.ops->close(store);
	sqlite_remove(&p);

	const char *name = strstr(note, "set aside as ");

	(void)snprintf(kept, sizeof(kept), "%.*s", name ? (int)strcspn(name + 13, ",") : 0,
		       name ? name + 13 : "");
	PF_CHECK_INT("the old one is kept", unlink(kept), 0);
}

/* Somebody's file, named by mistake: it stays where it is, as it is. */
static void test_foreign_file(void)
{
	static const char text[] = "root:x:0:0:root:/root:/bin/sh\n";
	char note[512] = "", error[512] = "", got[64] = "";
	struct pf_store *store = NULL;
	struct place p;
	int fd;

	sqlite_place(&p, "foreign");
	fd = open(p.where, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	PF_CHECK("write", write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	PF_CHECK_INT("refused",
		     p.ops->open(p.where, true, &store, note, sizeof(note), error, sizeof(error)),
		     -EUCLEAN);
	PF_CHECK("tells the remedy", strstr(error, "name another file") != NULL);
	PF_CHECK("no store", store == NULL);
	PF_CHECK("read", pread(fd, got, sizeof(got) - 1, 0) == (ssize_t)strlen(text));
	PF_CHECK_STR("as it was", got, text);
	PF_CHECK_INT("still there", access(p.where, F_OK), 0);
	(void)close(fd);
	sqlite_remove(&p);
}

static void test_no_directory(void)
{
	char note[512] = "", error[512] = "";
	struct pf_store *store = NULL;
	struct place p;

	sqlite_place(&p, "nodir/x");
	PF_CHECK_INT("no directory",
		     p.ops->open(p.where, true, &store, note, sizeof(note), error, sizeof(error)),
		     -ENOENT);
	PF_CHECK("names it", strstr(error, p.where) != NULL);
	PF_CHECK("tells why", strstr(error, "No such file or directory") != NULL);
	PF_CHECK("untouched", store == NULL);
}

static void test_find(void)
{
	const struct pf_store_ops *ops;
	const char *where;

	PF_CHECK_INT("sqlite", pf_store_find("sqlite:/a:b", &ops, &where), 0);
	PF_CHECK_STR("path", where, "/a:b");
	PF_CHECK_STR("name", ops->name, "sqlite");
	PF_CHECK_INT("postgres", pf_store_find("postgres:host=h dbname=d", &ops, &where), 0);
	PF_CHECK_STR("conninfo", where, "host=h dbname=d");
	PF_CHECK_INT("other", pf_store_find("mysql:x", &ops, &where), -EINVAL);
	PF_CHECK_INT("nothing", pf_store_find("sqlite:", &ops, &where), -EINVAL);
	PF_CHECK_INT("no colon", pf_store_find("sqlite", &ops, &where), -EINVAL);
}

PF_TEST_SUITE(collector_store, { "find", test_find }, { "reports", test_reports },
	      { "large", test_large }, { "summaries", test_summaries }, { "marks", test_marks },
	      { "early end", test_early_end }, { "damaged file", test_damaged_file },
	      { "foreign file", test_foreign_file }, { "no directory", test_no_directory });
