// SPDX-License-Identifier: Apache-2.0
/*
 * What is too old: hours become days without a change of what they say, reports and summaries go by
 * age, and by size the oldest first. On both stores.
 */
#include <errno.h>

#include "collector/merge/seal.h"
#include "unit/evidence_sample.h"
#include "unit/store_place.h"
#include "wire/summary.h"
#include "wire/wire.h"

enum {
	DAY = EVIDENCE_START_HOUR, /* a whole day, since it is a midnight */
	REPORT_HOURS = 48,
	RETENTION_HOURS = 24 * 30,
	NR_WORKLOADS = 7,
	MEMORY_MAX = 64 << 20,
	BODY_MAX = 1 << 20,
};

static struct pf_workload_key key_of(unsigned workload)
{
	static char names[NR_WORKLOADS][8];

	(void)snprintf(names[workload], sizeof(names[0]), "w%u", workload);
	return (struct pf_workload_key){ "c",	"ns", PF_WORKLOAD_DEPLOYMENT, names[workload],
					 "app", "" };
}

static struct pf_evidence *evidence_of(unsigned workload, uint32_t hour)
{
	struct evidence_hour h = { .idle_windows = 30000,
				   .busy_windows = 6000,
				   .demand_millicores = 50 + 10 * workload + hour % 24,
				   .memory_bytes = (100 + workload) << 20,
				   .hot_bytes = (80 + hour) << 20,
				   .threads = 4 };
	struct pf_evidence *e = evidence_new();

	evidence_run(e, "i", hour, 1, &h);
	return e;
}

static void put_hour(const struct place *p, struct pf_store *store, uint32_t hour)
{
	struct pf_store_sealed sealed = { PF_SUMMARY_HOUR, DAY + hour, 1000 + hour };

	PF_CHECK_INT("begin", p->ops->begin(store), 0);
	for (unsigned w = 0; w < NR_WORKLOADS; w++) {
		PF_AUTO(pf_evidence_freep) struct pf_evidence *e = evidence_of(w, hour);
		struct pf_hour_point point;
		struct pf_buf body;

		pf_buf_init(&body, BODY_MAX);
		pf_hour_point_clear(&point, DAY + hour);
		point.demand_p99_millicores = hour;
		PF_CHECK_INT("encode", pf_wire_encode_summary(e, &point, 1, &body), 0);

		struct pf_store_summary row = { PF_SUMMARY_HOUR, DAY + hour, key_of(w), body.data,
						body.len };

		PF_CHECK_INT("put", p->ops->put_summary(store, &row), 0);
		pf_buf_done(&body);
	}
	PF_CHECK_INT("seal", p->ops->put_sealed(store, &sealed), 0);
	PF_CHECK_INT("commit", p->ops->commit(store), 0);
}

static int forget_with(const struct place *p, struct pf_store *store, uint32_t now_hour,
		       uint64_t max_bytes, uint32_t nr_parts, size_t max_workloads,
		       struct pf_store_size *ret_size, char *line)
{
	struct pf_vpa_settings settings;
	struct pf_forget_input in = { .ops = p->ops,
				      .store = store,
				      .settings = &settings,
				      .max_workloads = max_workloads,
				      .now_hour = now_hour,
				      .report_hours = REPORT_HOURS,
				      .retention_hours = RETENTION_HOURS,
				      .max_bytes = max_bytes,
				      .nr_parts = nr_parts };

	pf_vpa_settings_default(&settings);
	line[0] = '\0';
	return pf_forget(&in, ret_size, line, 256);
}

static int forget(const struct place *p, struct pf_store *store, uint32_t now_hour,
		  uint64_t max_bytes, uint32_t nr_parts, struct pf_store_size *ret_size, char *line)
{
	return forget_with(p, store, now_hour, max_bytes, nr_parts, 1000, ret_size, line);
}

/* ---- hours into days ---- */

struct seen {
	unsigned nr_hours, nr_days, nr_bad;
	struct pf_evidence *want[NR_WORKLOADS]; /* of the whole day */
};

static void check_day(struct seen *seen, const struct pf_store_summary *row)
{
	PF_AUTO(pf_evidence_freep) struct pf_evidence *e = NULL;
	unsigned w = (unsigned)(row->key.workload[1] - '0');
	const struct pf_hour_point *points = NULL;
	struct pf_vpa_settings settings;
	struct pf_wire_error error;
	struct pf_buf got, want;
	struct pf_arena arena;
	size_t nr = 0;

	pf_vpa_settings_default(&settings);
	pf_arena_init(&arena, MEMORY_MAX);
	PF_CHECK_INT("decode",
		     pf_wire_decode_summary(row->body, row->body_len, &settings, &arena, &e,
					    &points, &nr, &error),
		     0);
	PF_CHECK_INT("every hour's point", nr, 24);
	for (size_t i = 0; i < nr; i++)
		seen->nr_bad += points[i].hour != DAY + i || points[i].demand_p99_millicores != i;
	pf_buf_init(&got, BODY_MAX);
	pf_buf_init(&want, BODY_MAX);
	PF_CHECK_INT("encode", e ? pf_wire_encode_summary(e, NULL, 0, &got) : -1, 0);
	PF_CHECK_INT("encode", pf_wire_encode_summary(seen->want[w], NULL, 0, &want), 0);
	PF_CHECK("a day says what its hours said",
		 got.len == want.len && !memcmp(got.data, want.data, got.len));
	pf_buf_done(&got);
	pf_buf_done(&want);
	pf_arena_done(&arena);
}

static int see(void *arg, const struct pf_store_summary *row)
{
	struct seen *seen = arg;

	if (row->level == PF_SUMMARY_HOUR)
		seen->nr_hours++;
	else
		seen->nr_days++;
	if (row->level == PF_SUMMARY_DAY)
		check_day(seen, row);
	return 0;
}

static void make_wanted(struct seen *seen)
{
	for (unsigned w = 0; w < NR_WORKLOADS; w++) {
		seen->want[w] = evidence_new();
		for (uint32_t hour = 0; hour < 24; hour++) {
			PF_AUTO(pf_evidence_freep) struct pf_evidence *e = evidence_of(w, hour);

			PF_CHECK_INT("merge", pf_evidence_merge(seen->want[w], e), 0);
		}
	}
}

static void look(const struct place *p, struct pf_store *store, struct seen *seen,
		 unsigned nr_hours, unsigned nr_days)
{
	seen->nr_hours = seen->nr_days = seen->nr_bad = 0;
	for (int level = PF_SUMMARY_HOUR; level <= PF_SUMMARY_DAY; level++)
		PF_CHECK_INT("list",
			     p->ops->list_summaries(store, (enum pf_summary_level)level, 0,
						    UINT32_MAX, see, seen),
			     0);
	PF_CHECK_INT("hours", seen->nr_hours, nr_hours);
	PF_CHECK_INT("days", seen->nr_days, nr_days);
	PF_CHECK_INT("points", seen->nr_bad, 0);
}

/* How much of workload 0 the base has, loaded from the store as it is. */
static double covered_hours(const struct place *p, struct pf_store *store, struct pf_base *base)
{
	struct pf_workload_key key = key_of(0);
	PF_AUTO(pf_evidence_freep) struct pf_evidence *e = NULL;
	struct pf_vpa_settings settings;
	struct pf_loader loader;
	uint64_t nr_sealed;
	struct pf_seal_input in = { .ops = p->ops,
				    .store = store,
				    .loader = &loader,
				    .settings = &settings,
				    .node_class_label = "",
				    .max_workloads = 1000,
				    .base = base,
				    .open_from = DAY + 1000 };
	const struct pf_merged *merged;

	pf_vpa_settings_default(&settings);
	pf_loader_init(&loader, p->ops, store, MEMORY_MAX, MEMORY_MAX);
	PF_CHECK_INT("load", pf_seal(&in, &nr_sealed), 0);
	pf_loader_done(&loader);
	merged = pf_merge_find(&base->set, &key);
	PF_CHECK("there", merged && pf_merge_copy(&base->set, merged, &e) == 0);
	return e ? e->covered_hours : NAN;
}

static void check_days_in(const struct place *p, uint32_t nr_parts)
{
	struct pf_store *store = open_store(p, true);
	struct seen seen = { .nr_hours = 0 };
	struct pf_store_size size = { 0 };
	struct pf_vpa_settings settings;
	struct pf_base base, fresh;
	char line[256];
	double before;

	if (!store)
		return;
	make_wanted(&seen);
	pf_vpa_settings_default(&settings);
	PF_CHECK_INT("base", pf_base_init(&base, 1000, &settings), 0);
	PF_CHECK_INT("base", pf_base_init(&fresh, 1000, &settings), 0);
	for (uint32_t hour = 0; hour < 26; hour++)
		put_hour(p, store, hour);
	before = covered_hours(p, store, &base);
	PF_CHECK_NEAR("hours", before, 26, 1e-9);

	/* Reports of the day may still come: nothing happens yet. */
	PF_CHECK_INT("young", forget(p, store, DAY + REPORT_HOURS + 47, 0, nr_parts, &size, line),
		     0);
	look(p, store, &seen, 26 * NR_WORKLOADS, 0);
	for (int again = 0; again < 2; again++) {
		PF_CHECK_INT("old",
			     forget(p, store, DAY + REPORT_HOURS + 48, 0, nr_parts, &size, line),
			     0);
		look(p, store, &seen, 2 * NR_WORKLOADS, NR_WORKLOADS);
		PF_CHECK_INT("counted", size.nr_summaries, 3 * NR_WORKLOADS);
	}
	PF_CHECK_NEAR("not twice in a base that had the hours", covered_hours(p, store, &base),
		      before, 1e-9);
	PF_CHECK_NEAR("all in a base made anew", covered_hours(p, store, &fresh), before, 1e-9);
	for (unsigned w = 0; w < NR_WORKLOADS; w++)
		pf_evidence_free(seen.want[w]);
	pf_base_done(&base);
	pf_base_done(&fresh);
	p->ops->close(store);
}

static void check_days(const struct place *p)
{
	check_days_in(p, 1);
}

static void check_days_in_parts(const struct place *p)
{
	check_days_in(p, 5);
}

static void test_days(void)
{
	on_both(check_days);
}

static void test_days_in_parts(void)
{
	on_both(check_days_in_parts);
}

enum { MANY = 6000, FEW = 3 };

static unsigned commits_left; /* until one fails; 0: none does */

static int failing_commit(struct pf_store *store)
{
	if (commits_left && !--commits_left)
		return -EIO;
	return pf_store_sqlite.commit(store);
}

static int count_row(void *arg, const struct pf_store_summary *row)
{
	*(size_t *)arg += row->body_len > 0;
	return 0;
}

/* A day that has more workloads than the table has room for becomes one of those that fit; what is too
 * old goes all the same. */
static void check_full(const struct place *p)
{
	struct pf_store *store = open_store(p, true);
	struct pf_store_size size = { 0 };
	size_t hours = 0, days = 0;
	char line[256];

	if (!store)
		return;
	for (uint32_t hour = 0; hour < 26; hour++)
		put_hour(p, store, hour);
	PF_CHECK_INT("forget",
		     forget_with(p, store, DAY + REPORT_HOURS + 48, 0, 1, FEW, &size, line), 0);
	PF_CHECK_INT("list",
		     p->ops->list_summaries(store, PF_SUMMARY_DAY, 0, UINT32_MAX, count_row, &days),
		     0);
	PF_CHECK_INT(
		"list",
		p->ops->list_summaries(store, PF_SUMMARY_HOUR, 0, UINT32_MAX, count_row, &hours),
		0);
	PF_CHECK_INT("of a day", days, FEW);
	PF_CHECK_INT("of hours", hours, 2 * NR_WORKLOADS);
	p->ops->close(store);
}

static void test_full(void)
{
	on_both(check_full);
}

/* ---- an hour in pieces ---- */

static int count_seal(void *arg, const struct pf_store_sealed *sealed)
{
	*(size_t *)arg += sealed->fingerprint;
	return 0;
}

static void make_many(struct pf_merge_set *set)
{
	PF_AUTO(pf_evidence_freep) struct pf_evidence *e = evidence_of(0, 0);
	struct pf_vpa_settings settings;

	pf_vpa_settings_default(&settings);
	PF_CHECK_INT("set", pf_merge_set_init(set, MANY, &settings), 0);
	for (unsigned i = 0; i < MANY; i++) {
		struct pf_workload_key key = key_of(0);
		char name[16];

		(void)snprintf(name, sizeof(name), "w%u", i);
		key.workload = name;
		PF_CHECK_INT("add", pf_merge_add_evidence(set, &key, e), 0);
	}
	PF_CHECK_INT("pack", pf_merge_pack_all(set), 0);
}

static void check_hour(const struct place *p, struct pf_store *store, size_t nr_rows,
		       size_t fingerprints)
{
	size_t rows = 0, seals = 0;

	PF_CHECK_INT(
		"list",
		p->ops->list_summaries(store, PF_SUMMARY_HOUR, 0, UINT32_MAX, count_row, &rows), 0);
	PF_CHECK_INT("seals", p->ops->list_sealed(store, count_seal, &seals), 0);
	PF_CHECK("rows", nr_rows == SIZE_MAX ? rows > 0 && rows < MANY : rows == nr_rows);
	PF_CHECK_INT("sealed", seals, fingerprints);
}

/* Where a piece fails the hour has no seal, so that it is merged again; then all of it is there. */
static void test_hour_in_pieces(void)
{
	struct pf_store_ops failing = pf_store_sqlite;
	struct pf_store_sealed sealed = { PF_SUMMARY_HOUR, DAY, 5 };
	struct pf_merge_set set;
	struct pf_store *store;
	struct place p;

	sqlite_place(&p, "pieces");
	store = open_store(&p, true);
	failing.commit = failing_commit;
	make_many(&set);
	commits_left = 0;
	PF_CHECK_INT("write", pf_seal_write(&failing, store, &set, &sealed), 0);
	check_hour(&p, store, MANY, 5);
	sealed.fingerprint = 6;
	commits_left = 2; /* the first piece of the second writing is in */
	PF_CHECK_INT("fails", pf_seal_write(&failing, store, &set, &sealed), -EIO);
	check_hour(&p, store, SIZE_MAX, 0);
	PF_CHECK_INT("again", pf_seal_write(&failing, store, &set, &sealed), 0);
	check_hour(&p, store, MANY, 6);
	pf_merge_set_done(&set);
	p.ops->close(store);
	sqlite_remove(&p);
}

/* ---- by age and by size ---- */

enum { REPORT_BYTES = 100000, REPORTS_AN_HOUR = 3 };

static void put_reports(const struct place *p, struct pf_store *store, uint32_t first,
			uint32_t nr_hours)
{
	static char body[REPORT_BYTES];
	uint64_t state = 1;

	for (size_t i = 0; i < sizeof(body); i++) /* what the server cannot compress */
		body[i] =
			(char)((state = state * 6364136223846793005u + 1442695040888963407u) >> 56);
	PF_CHECK_INT("begin", p->ops->begin(store), 0);
	for (uint32_t i = 0; i < nr_hours * REPORTS_AN_HOUR; i++) {
		uint32_t hour = first + i / REPORTS_AN_HOUR;
		struct pf_store_report row = { .key = { "c", "n", 1, hour * 100 + i },
					       .hour_min = hour,
					       .hour_max = hour,
					       .encoding = PF_STORE_GZIP,
					       .body = body,
					       .body_len = sizeof(body) };

		PF_CHECK_INT("put", p->ops->put_report(store, &row), 0);
	}
	PF_CHECK_INT("commit", p->ops->commit(store), 0);
}

struct span {
	uint32_t first, last, nr;
};

static int add_report(void *arg, const struct pf_store_report *row)
{
	struct span *span = arg;

	span->first = span->nr ? PF_MIN(span->first, row->hour_min) : row->hour_min;
	span->last = span->nr ? PF_MAX(span->last, row->hour_max) : row->hour_max;
	span->nr++;
	return 0;
}

static struct span reports(const struct place *p, struct pf_store *store)
{
	struct span span = { 0, 0, 0 };

	PF_CHECK_INT("list", p->ops->list_reports(store, 0, UINT32_MAX, add_report, &span), 0);
	return span;
}

static void check_age(const struct place *p)
{
	struct pf_store *store = open_store(p, true);
	struct seen seen = { .nr_hours = 0 };
	struct pf_store_size size = { 0 };
	char line[256];

	if (!store)
		return;
	put_reports(p, store, DAY, 60);
	put_hour(p, store, 0);
	PF_CHECK_INT("forget", forget(p, store, DAY + 59, 0, 1, &size, line), 0);
	PF_CHECK_INT("oldest report", reports(p, store).first, DAY + 59 - REPORT_HOURS);
	PF_CHECK_INT("newest report", reports(p, store).last, DAY + 59);
	look(p, store, &seen, NR_WORKLOADS, 0);
	PF_CHECK_STR("nothing to tell", line, "");
	make_wanted(&seen);
	PF_CHECK_INT("forget", forget(p, store, DAY + RETENTION_HOURS + 100, 0, 1, &size, line), 0);
	PF_CHECK_INT("no report", reports(p, store).nr, 0);
	PF_CHECK_INT("no summary", size.nr_summaries, 0);
	for (unsigned w = 0; w < NR_WORKLOADS; w++)
		pf_evidence_free(seen.want[w]);
	p->ops->close(store);
}

static void test_age(void)
{
	on_both(check_age);
}

static void check_size(const struct place *p)
{
	enum { NOW = DAY + 40, MAX = 20 * REPORT_BYTES * REPORTS_AN_HOUR };
	struct pf_store *store = open_store(p, true);
	struct seen seen = { .nr_hours = 0 };
	struct pf_store_size size = { 0 };
	struct span left;
	char line[256];

	if (!store)
		return;
	put_reports(p, store, DAY, 41);
	for (uint32_t hour = 0; hour < 30; hour++)
		put_hour(p, store, hour);
	PF_CHECK_INT("forget", forget(p, store, NOW, MAX, 1, &size, line), 0);
	left = reports(p, store);
	PF_CHECK("small enough", size.bytes <= MAX);
	PF_CHECK("not much smaller than it has to be",
		 size.bytes >= MAX - 7 * REPORT_BYTES * REPORTS_AN_HOUR);
	PF_CHECK("the oldest went", left.first > DAY);
	PF_CHECK_INT("the newest stay", left.last, NOW);
	PF_CHECK("it is told", strstr(line, "--retention.size") != NULL);
	look(p, store, &seen, 30 * NR_WORKLOADS, 0); /* reports go before what was made of them */

	/* Less than the newest hours need: it takes what may go, and ends. */
	PF_CHECK_INT("forget", forget(p, store, NOW, 1, 1, &size, line), 0);
	left = reports(p, store);
	PF_CHECK_INT("the open hours stay", left.first, NOW - 3);
	PF_CHECK_INT("all of them", left.nr, 4 * REPORTS_AN_HOUR);
	PF_CHECK("a day of summaries stays",
		 size.nr_summaries > 0 && size.nr_summaries <= 24 * NR_WORKLOADS);
	p->ops->close(store);
}

static void test_size(void)
{
	on_both(check_size);
}

/* ---- an hour of which reports are gone ---- */

/* One container with a slice of each hour in [@first, @last]. */
static void put_real(const struct place *p, struct pf_store *store, const char *name,
		     uint64_t sequence, uint32_t first, uint32_t last)
{
	struct evidence_hour h = { .busy_windows = 36000,
				   .demand_millicores = 100,
				   .memory_bytes = 1 << 20,
				   .hot_bytes = 1 << 20,
				   .threads = 1 };
	struct pf_slice *slices[2] = { NULL };
	struct pf_identity identity = { .workload_kind = PF_WORKLOAD_DEPLOYMENT, .named = true };
	struct pf_report_container container;
	struct pf_report report;
	struct pf_buf body;

	pf_report_clear(&report);
	pf_report_container_clear(&container);
	identity.spec = identity.actual = identity.pod_level =
		(struct pf_resources){ PF_UNKNOWN, PF_UNKNOWN, PF_UNKNOWN, PF_UNKNOWN };
	(void)snprintf(identity.workload, sizeof(identity.workload), "%s", name);
	for (uint32_t hour = first; hour <= last; hour++) {
		slices[hour - first] = evidence_slice(hour, &h);
		slices[hour - first]->run_id = 1;
	}
	container.identity = &identity;
	container.instance = name;
	container.slices = (const struct pf_slice *const *)slices;
	container.nr_slices = last - first + 1;
	report.cluster = "c";
	report.node = "n";
	report.run_id = 1;
	report.sequence = sequence;
	report.end_unix_ns = (uint64_t)(DAY + last + 1) * PF_NS_PER_HOUR;
	report.containers = &container;
	report.nr_containers = 1;
	pf_buf_init(&body, BODY_MAX);
	PF_CHECK_INT("encode", pf_wire_encode_report(&report, &body), 0);

	struct pf_store_report row = { .key = { "c", "n", 1, sequence },
				       .hour_min = DAY + first,
				       .hour_max = DAY + last,
				       .encoding = PF_STORE_RAW,
				       .body = body.data,
				       .body_len = body.len };

	PF_CHECK_INT("begin", p->ops->begin(store), 0);
	PF_CHECK_INT("put", p->ops->put_report(store, &row), 0);
	PF_CHECK_INT("commit", p->ops->commit(store), 0);
	pf_buf_done(&body);
	for (uint32_t i = 0; i < PF_ARRAY_SIZE(slices); i++)
		pf_slice_free(slices[i]);
}

static size_t rows_of(const struct place *p, struct pf_store *store, uint32_t hour)
{
	size_t rows = 0;

	PF_CHECK_INT("list",
		     p->ops->list_summaries(store, PF_SUMMARY_HOUR, DAY + hour, DAY + hour + 1,
					    count_row, &rows),
		     0);
	return rows;
}

/* What the merger does in the hour's first minutes, just started. Return: the summaries of the first hour. */
static size_t seal_at(const struct place *p, struct pf_store *store, uint32_t now_hour)
{
	struct pf_vpa_settings settings;
	struct pf_loader loader;
	struct pf_base base;
	uint64_t nr_sealed;
	struct pf_seal_input in = { .ops = p->ops,
				    .store = store,
				    .loader = &loader,
				    .settings = &settings,
				    .node_class_label = "",
				    .max_workloads = 1000,
				    .base = &base,
				    .open_from = now_hour - 1,
				    .now_hour = now_hour,
				    .report_hours = REPORT_HOURS,
				    .look_for_late = true };

	pf_vpa_settings_default(&settings);
	PF_CHECK_INT("base", pf_base_init(&base, 1000, &settings), 0);
	pf_loader_init(&loader, p->ops, store, MEMORY_MAX, MEMORY_MAX);
	PF_CHECK_INT("seal", pf_seal(&in, &nr_sealed), 0);
	pf_loader_done(&loader);
	pf_base_done(&base);
	return rows_of(p, store, 0);
}

/* What ended within an hour is only in reports of that hour, which go before those that reach into the
 * next: what the hour said stays, also while the rest of its reports are there. */
static void check_rest(const struct place *p, uint32_t now_hour, uint64_t max_bytes)
{
	struct pf_store *store = open_store(p, true);
	struct pf_store_size size;
	char line[256];

	if (!store)
		return;
	put_real(p, store, "job", 1, 0, 0);
	put_real(p, store, "web", 2, 0, 1);
	PF_CHECK_INT("both", seal_at(p, store, DAY + 3), 2);
	PF_CHECK_INT("forget", forget(p, store, now_hour, max_bytes, 1, &size, line), 0);
	PF_CHECK_INT("one report is left", reports(p, store).nr, 1);
	PF_CHECK_INT("both still", seal_at(p, store, now_hour), 2);
	p->ops->close(store);
}

/* A clock that was years ahead once: what came after it was set right is sealed as ever. */
static void check_clock_ahead(const struct place *p)
{
	struct pf_store *store = open_store(p, true);
	struct pf_store_size size;
	char line[256];

	if (!store)
		return;
	put_real(p, store, "old", 1, 0, 0);
	PF_CHECK_INT("forget", forget(p, store, DAY + 100000, 0, 1, &size, line), 0);
	PF_CHECK_INT("all reports went", reports(p, store).nr, 0);
	put_real(p, store, "late", 2, 0, 0);
	PF_CHECK_INT("of that hour not all is there", seal_at(p, store, DAY + 3), 0);
	put_real(p, store, "next", 3, 1, 1);
	(void)seal_at(p, store, DAY + 4);
	PF_CHECK_INT("the next one is sealed", rows_of(p, store, 1), 1);
	p->ops->close(store);
}

static void test_clock_ahead(void)
{
	on_both(check_clock_ahead);
}

static void check_rest_by_age(const struct place *p)
{
	check_rest(p, DAY + REPORT_HOURS + 1, 0);
}

static void check_rest_by_size(const struct place *p)
{
	check_rest(p, DAY + 4, 1);
}

static void test_rest(void)
{
	on_both(check_rest_by_age);
	on_both(check_rest_by_size);
}

PF_TEST_SUITE(collector_forget, { "days", test_days }, { "days in parts", test_days_in_parts },
	      { "hour in pieces", test_hour_in_pieces }, { "age", test_age }, { "size", test_size },
	      { "full", test_full }, { "rest", test_rest }, { "clock ahead", test_clock_ahead });
