// SPDX-License-Identifier: Apache-2.0
/*
 * The text of /metrics, read back by a strict parser of the exposition format: every family has HELP
 * and TYPE before its samples and stands in one piece, no series is there twice, histograms add up.
 */
#include <ctype.h>
#include <stdlib.h>

#include "base/map.h"
#include "export/prometheus.h"
#include "sys/file.h"
#include "unit/check.h"
#include "unit/report_sample.h"

enum { TEXT_MAX = 4 << 20, NAME_MAX_LEN = 96, FAMILIES_MAX = 64, LABELS_TEXT_MAX = 2048 };

#define NOW 1790000000000000000ull

/* ---- the parser ---- */

struct family_seen {
	char name[NAME_MAX_LEN], type[16];
	size_t nr_samples;
};

struct parsed {
	struct family_seen families[FAMILIES_MAX];
	size_t nr_families;
	struct pf_map *series; /* "name{labels}" to its value's text */
	const char *error;     /* NULL: well-formed */
	char line[200];	       /* the one with the error */
};

static bool bad(struct parsed *p, const char *error, const char *line)
{
	p->error = error;
	snprintf(p->line, sizeof(p->line), "%.*s", (int)strcspn(line, "\n"), line);
	return false;
}

static size_t name_len(const char *text)
{
	size_t len = 0;

	while (isalpha((unsigned char)text[len]) || text[len] == '_' || text[len] == ':' ||
	       (len && isdigit((unsigned char)text[len])))
		len++;
	return len;
}

static struct family_seen *current(struct parsed *p)
{
	return p->nr_families ? &p->families[p->nr_families - 1] : NULL;
}

/* "# HELP name text" opens a family, "# TYPE name type" must follow it. */
static bool take_comment(struct parsed *p, const char *line)
{
	bool help = !strncmp(line, "# HELP ", 7), type = !strncmp(line, "# TYPE ", 7);
	const char *name = line + 7;
	size_t len = help || type ? name_len(name) : 0;
	struct family_seen *family = current(p);

	if (!len || name[len] != ' ' || name[len + 1] == '\n' || len >= NAME_MAX_LEN)
		return bad(p, "neither HELP nor TYPE of a name", line);
	if (type) {
		if (!family || strlen(family->name) != len || strncmp(family->name, name, len) ||
		    family->type[0])
			return bad(p, "TYPE without its HELP before it", line);
		snprintf(family->type, sizeof(family->type), "%.*s",
			 (int)strcspn(name + len + 1, "\n"), name + len + 1);
		if (strcmp(family->type, "counter") && strcmp(family->type, "gauge") &&
		    strcmp(family->type, "histogram"))
			return bad(p, "unknown type", line);
		return true;
	}
	for (size_t i = 0; i < p->nr_families; i++)
		if (strlen(p->families[i].name) == len && !strncmp(p->families[i].name, name, len))
			return bad(p, "a family twice", line);
	if (p->nr_families == FAMILIES_MAX || (family && !family->type[0]))
		return bad(p, "too many families, or HELP without TYPE", line);
	snprintf(p->families[p->nr_families++].name, NAME_MAX_LEN, "%.*s", (int)len, name);
	return true;
}

/* Return: what is behind the labels; NULL: malformed. */
static const char *skip_labels(const char *at)
{
	do {
		size_t len = name_len(++at);

		if (!len || strncmp(at + len, "=\"", 2))
			return NULL;
		for (at += len + 2; *at != '"'; at++) {
			if (*at == '\n' || !*at)
				return NULL;
			if (*at == '\\' && !strchr("\\\"n", *++at))
				return NULL;
		}
		at++;
	} while (*at == ',');
	return *at == '}' ? at + 1 : NULL;
}

static bool belongs(const struct family_seen *family, const char *name, size_t len)
{
	size_t family_len = strlen(family->name);
	const char *rest = name + family_len;
	size_t rest_len = len - family_len;

	if (len < family_len || strncmp(name, family->name, family_len))
		return false;
	if (strcmp(family->type, "histogram"))
		return !rest_len;
	return (rest_len == 7 && !strncmp(rest, "_bucket", 7)) ||
	       (rest_len == 4 && !strncmp(rest, "_sum", 4)) ||
	       (rest_len == 6 && !strncmp(rest, "_count", 6));
}

static bool take_sample(struct parsed *p, const char *line)
{
	struct family_seen *family = current(p);
	size_t len = name_len(line);
	const char *at = line + len;
	char *end, *key, *value;

	if (!family || !belongs(family, line, len))
		return bad(p, "a sample outside its family", line);
	if (*at == '{')
		at = skip_labels(at);
	if (!at || *at != ' ')
		return bad(p, "malformed labels", line);
	(void)strtod(at + 1, &end);
	if (end == at + 1 || *end != '\n')
		return bad(p, "no number", line);
	key = strndup(line, (size_t)(at - line));
	if (pf_map_get_str(p->series, key)) {
		free(key);
		return bad(p, "a series twice", line);
	}
	value = strndup(at + 1, (size_t)(end - at - 1));
	PF_CHECK_INT("room", pf_map_put_str(p->series, key, value), 0);
	free(key);
	family->nr_samples++;
	return true;
}

static void parse(const char *text, struct parsed *p)
{
	*p = (struct parsed){ 0 };
	PF_CHECK_INT("map", pf_map_new_str(1 << 16, &p->series), 0);
	for (const char *line = text; *line && !p->error; line = strchr(line, '\n') + 1) {
		if (!strchr(line, '\n'))
			(void)bad(p, "no end of line", line);
		else if (*line == '#')
			(void)take_comment(p, line);
		else
			(void)take_sample(p, line);
		if (p->error)
			break;
	}
	if (p->error)
		fprintf(stderr, "%s: %s\n", p->error, p->line);
	PF_CHECK_STR("well-formed", p->error, NULL);
}

static void parsed_done(struct parsed *p)
{
	char *value;

	pf_map_for_each(p->series, cursor, value)
		free(value);
	pf_map_free(p->series);
}

static const struct family_seen *family_of(const struct parsed *p, const char *name)
{
	for (size_t i = 0; i < p->nr_families; i++)
		if (!strcmp(p->families[i].name, name))
			return &p->families[i];
	return NULL;
}

/* ---- what is written ---- */

enum { NR_MAX = 40 };

struct world {
	struct pf_report report;
	struct pf_report_container containers[NR_MAX];
	struct pf_identity ids[NR_MAX];
	struct pf_metrics_container list[NR_MAX];
	char instances[NR_MAX][16];
	uint32_t waits[PF_LATENCY_BUCKETS];
	struct pf_amounts amounts;
	size_t nr;
	struct pf_metrics_opts opts;
	struct pf_metrics metrics;
	struct pf_buf text;
	struct parsed parsed;
};

/* Containers c0, c1, ... that all are known everything of; the higher, the more CPU they use. */
static void world_init(struct world *w, size_t nr)
{
	memset(w, 0, sizeof(*w));
	w->report = *report_sample();
	w->nr = nr;
	w->opts = (struct pf_metrics_opts){ .max_containers = NR_MAX,
					    .min_age_ns = 30 * PF_NS_PER_S,
					    .now_unix_ns = NOW,
					    .nr_snapshots = 12,
					    .nr_reports = 2 };
	w->amounts = (struct pf_amounts){ 1500, 1, 2, 3, 2500 };
	w->waits[0] = 1;
	w->waits[50] = 5;
	w->waits[PF_LATENCY_BUCKETS - 1] = 2;
	for (size_t i = 0; i < nr; i++) {
		struct pf_report_container *c = &w->containers[i];

		*c = report_sample()->containers[0];
		w->ids[i] = *c->identity;
		snprintf(w->ids[i].container, sizeof(w->ids[i].container), "c%zu", i);
		snprintf(w->instances[i], sizeof(w->instances[i]), "i%zu", i);
		c->identity = &w->ids[i];
		c->instance = w->instances[i];
		c->first_seen_unix_ns = NOW - 60 * PF_NS_PER_S;
		c->now.usage_ns = (i + 1) * PF_NS_PER_S;
		w->list[i] = (struct pf_metrics_container){ .container = c,
							    .waits = w->waits,
							    .cpu = &w->amounts,
							    .memory = &w->amounts,
							    .leak = PF_LEAK_ALARM };
	}
}

static void world_write(struct world *w)
{
	pf_buf_init(&w->text, TEXT_MAX);
	pf_metrics_select(&w->report, w->list, w->nr, &w->opts, &w->metrics);
	PF_CHECK_INT("write", pf_prometheus_write(&w->metrics, &w->text), 0);
	parse(w->text.data, &w->parsed);
}

static void world_done(struct world *w)
{
	parsed_done(&w->parsed);
	pf_buf_done(&w->text);
}

static const char *series(const struct world *w, const char *name, const char *container,
			  const char *more)
{
	char key[LABELS_TEXT_MAX];

	snprintf(key, sizeof(key),
		 "%s{namespace=\"shop\",pod=\"cart-6d4cf56db6-x2x7k\",container=\"%s\","
		 "node=\"node-1\",workload=\"cart\",workload_kind=\"StatefulSet\"%s}",
		 name, container, more);
	return pf_map_get_str(w->parsed.series, key);
}

static void test_values(void)
{
	static struct world w;

	world_init(&w, 2);
	world_write(&w);
	PF_CHECK_STR("seconds", series(&w, "podfit_container_cpu_usage_seconds_total", "c1", ""),
		     "2");
	PF_CHECK_STR("cores", series(&w, "podfit_container_cpu_limit_cores", "c0", ""), "0.2");
	PF_CHECK_STR("bytes", series(&w, "podfit_container_memory_limit_bytes", "c0", ""),
		     "1073741824");
	PF_CHECK_STR("request",
		     series(&w, "podfit_container_recommended_cpu_request_cores", "c0", ""), "1.5");
	PF_CHECK_STR("limit", series(&w, "podfit_container_recommended_cpu_limit_cores", "c0", ""),
		     "2.5");
	PF_CHECK_STR("leak", series(&w, "podfit_container_leak_state", "c0", ""), "2");
	PF_CHECK_STR("containers", pf_map_get_str(w.parsed.series, "podfit_agent_containers"), "2");
	PF_CHECK_STR(
		"loss",
		pf_map_get_str(w.parsed.series, "podfit_agent_lost_total{reason=\"slots_full\"}"),
		"3");
	PF_CHECK_STR("signal that is off",
		     pf_map_get_str(w.parsed.series, "podfit_agent_signal_on{signal=\"psi\"}"),
		     "0");
	world_done(&w);
}

/* Each metric of a container has its own number, in base units. */
static void test_every_value(void)
{
	static const struct {
		const char *name, *value;
	} rows[] = {
		{ "podfit_container_cpu_usage_seconds_total", "1.5" },
		{ "podfit_container_cpu_periods_total", "11" },
		{ "podfit_container_cpu_throttled_periods_total", "12" },
		{ "podfit_container_cpu_throttled_seconds_total", "2.5" },
		{ "podfit_container_runqueue_quota_wait_seconds_total", "3.5" },
		{ "podfit_container_runqueue_contention_wait_seconds_total", "4.5" },
		{ "podfit_container_pressure_cpu_some_seconds_total", "5.5" },
		{ "podfit_container_pressure_memory_some_seconds_total", "6.5" },
		{ "podfit_container_pressure_io_some_seconds_total", "7.5" },
		{ "podfit_container_oom_kills_total", "13" },
		{ "podfit_container_memory_usage_bytes", "101" },
		{ "podfit_container_memory_working_set_bytes", "102" },
		{ "podfit_container_memory_hot_bytes", "103" },
		{ "podfit_container_cpu_limit_cores", "1.25" },
		{ "podfit_container_memory_limit_bytes", "104" },
		{ "podfit_container_threads", "14" },
		{ "podfit_container_recommended_cpu_request_cores", "0.25" },
		{ "podfit_container_recommended_cpu_limit_cores", "0.75" },
		{ "podfit_container_recommended_memory_request_bytes", "201" },
		{ "podfit_container_recommended_memory_limit_bytes", "202" },
		{ "podfit_container_leak_state", "1" },
	};
	static struct world w;
	const uint64_t half_s = PF_NS_PER_S / 2;
	struct pf_amounts cpu = { .target = 250, .limit = 750 },
			  memory = { .target = 201, .limit = 202 };
	struct pf_report_now *now;

	world_init(&w, 1);
	now = &w.containers[0].now;
	now->usage_ns = 3 * half_s;
	now->nr_periods = 11;
	now->nr_throttled = 12;
	now->throttled_ns = 5 * half_s;
	now->quota_wait_ns = 7 * half_s;
	now->contention_wait_ns = 9 * half_s;
	now->psi = (struct pf_psi){ .cpu_some_ns = 11 * half_s,
				    .memory_some_ns = 13 * half_s,
				    .io_some_ns = 15 * half_s };
	now->oom_kills = 13;
	now->memory_usage_bytes = 101;
	now->working_set_bytes = 102;
	now->hot_bytes = 103;
	now->nr_threads = 14;
	w.containers[0].enforced.cfs_quota_us = 125000;
	w.containers[0].enforced.cfs_period_us = 100000;
	w.containers[0].enforced.memory_limit_bytes = 104;
	w.list[0].cpu = &cpu;
	w.list[0].memory = &memory;
	w.list[0].leak = PF_LEAK_SUSPECT;
	world_write(&w);
	PF_CHECK_INT("all of the table", pf_nr_container_metrics, PF_ARRAY_SIZE(rows));
	for (size_t i = 0; i < PF_ARRAY_SIZE(rows); i++)
		PF_CHECK_STR(rows[i].name, series(&w, rows[i].name, "c0", ""), rows[i].value);
	world_done(&w);
}

/* What is not known has no series, never one of 0; a family without samples is not begun. */
static void test_unknown(void)
{
	static struct world w;

	world_init(&w, 2);
	pf_report_now_clear(&w.containers[0].now);
	w.containers[0].enforced.cfs_quota_us = PF_NO_LIMIT;
	w.containers[1].now.psi.io_some_ns = PF_UNKNOWN;
	w.list[0].waits = NULL;
	w.list[0].cpu = w.list[0].memory = NULL;
	w.amounts.limit = PF_NO_LIMIT;
	pf_self_cost_clear(&w.report.cost);
	world_write(&w);
	PF_CHECK("not known", !series(&w, "podfit_container_cpu_usage_seconds_total", "c0", ""));
	PF_CHECK("the other's is",
		 series(&w, "podfit_container_cpu_usage_seconds_total", "c1", ""));
	PF_CHECK("no quota", !series(&w, "podfit_container_cpu_limit_cores", "c0", ""));
	PF_CHECK("no advice",
		 !series(&w, "podfit_container_recommended_cpu_request_cores", "c0", ""));
	PF_CHECK("nobody knows",
		 !family_of(&w.parsed, "podfit_container_pressure_io_some_seconds_total"));
	PF_CHECK("no limit is advised",
		 !family_of(&w.parsed, "podfit_container_recommended_cpu_limit_cores"));
	PF_CHECK("no cost is known", !family_of(&w.parsed, "podfit_agent_cpu_seconds_total"));
	PF_CHECK("no waits are known",
		 !series(&w, "podfit_container_runqueue_latency_seconds_count", "c0", ""));
	world_done(&w);
}

static void test_histogram(void)
{
	static const char name[] = "podfit_container_runqueue_latency_seconds_bucket";
	static struct world w;
	double before = -1;
	size_t nr_buckets = 0;

	world_init(&w, 1);
	w.containers[0].now.quota_wait_ns = 1500 * PF_NS_PER_MS;
	w.containers[0].now.contention_wait_ns = 500 * PF_NS_PER_MS;
	world_write(&w);
	PF_CHECK_STR("sum", series(&w, "podfit_container_runqueue_latency_seconds_sum", "c0", ""),
		     "2");
	PF_CHECK_STR("count",
		     series(&w, "podfit_container_runqueue_latency_seconds_count", "c0", ""), "8");
	PF_CHECK_STR("the last is all", series(&w, name, "c0", ",le=\"+Inf\""), "8");
	for (size_t i = 0; i < PF_LATENCY_BUCKETS - 1; i++) {
		char le[48];
		const char *text;

		snprintf(le, sizeof(le), ",le=\"%.9g\"",
			 (double)pf_hist_edge(PF_LAYOUT_LATENCY_NS, i) / 1e9);
		text = series(&w, name, "c0", le);
		if (!text)
			continue;
		nr_buckets++;
		PF_CHECK("cumulative", strtod(text, NULL) >= before);
		PF_CHECK_NEAR("as many as are not longer", strtod(text, NULL), i < 50 ? 1 : 6, 0);
		before = strtod(text, NULL);
	}
	PF_CHECK("enough to see by", nr_buckets >= 8);
	PF_CHECK_INT("no others",
		     family_of(&w.parsed, "podfit_container_runqueue_latency_seconds")->nr_samples,
		     nr_buckets + 3);
	world_done(&w);
}

static void test_escaping(void)
{
	static struct world w;

	world_init(&w, 1);
	snprintf(w.ids[0].workload, sizeof(w.ids[0].workload), "a\"b\\c\nd{e=\"f\"} 1");
	w.report.node = "\xc3\xbc\t\xff";
	world_write(&w);
	PF_CHECK(
		"escaped",
		pf_map_get_str(
			w.parsed.series,
			"podfit_container_leak_state{namespace=\"shop\","
			"pod=\"cart-6d4cf56db6-x2x7k\",container=\"c0\",node=\"\xc3\xbc\t\\\\xff\","
			"workload=\"a\\\"b\\\\c\\nd{e=\\\"f\\\"} 1\","
			"workload_kind=\"StatefulSet\"}") != NULL);
	world_done(&w);
}

/* The cap keeps those that use most; the young, the ended and namesakes have none; all are counted. */
static void test_cap(void)
{
	static struct world w;

	world_init(&w, 20);
	w.opts.max_containers = 5;
	w.containers[19].first_seen_unix_ns = NOW - 29 * PF_NS_PER_S;
	w.containers[18].ended_unix_ns = NOW - PF_NS_PER_S;
	snprintf(w.ids[17].container, sizeof(w.ids[17].container), "c16");
	world_write(&w);
	PF_CHECK_INT("series of the five busiest, one of them by a name that is taken",
		     family_of(&w.parsed, "podfit_container_leak_state")->nr_samples, 4);
	PF_CHECK("busy", series(&w, "podfit_container_leak_state", "c16", "") &&
				 series(&w, "podfit_container_leak_state", "c13", ""));
	PF_CHECK("less busy", !series(&w, "podfit_container_leak_state", "c12", ""));
	PF_CHECK("young", !series(&w, "podfit_container_leak_state", "c19", ""));
	PF_CHECK("ended", !series(&w, "podfit_container_leak_state", "c18", ""));
	PF_CHECK_STR("all", pf_map_get_str(w.parsed.series, "podfit_agent_containers"), "20");
	PF_CHECK_STR("left out",
		     pf_map_get_str(w.parsed.series, "podfit_agent_containers_without_series"),
		     "16");
	world_done(&w);

	world_init(&w, 0);
	world_write(&w);
	PF_CHECK("none at all is well-formed too",
		 !family_of(&w.parsed, "podfit_container_leak_state"));
	world_done(&w);
}

static void test_names(void)
{
	static struct world w;

	world_init(&w, 1);
	world_write(&w);
	PF_CHECK("families", w.parsed.nr_families > 30);
	for (size_t i = 0; i < w.parsed.nr_families; i++) {
		const struct family_seen *f = &w.parsed.families[i];
		size_t len = strlen(f->name);
		bool total = len > 6 && !strcmp(f->name + len - 6, "_total");

		PF_CHECK(f->name, !strncmp(f->name, "podfit_container_", 17) ||
					  !strncmp(f->name, "podfit_agent_", 13));
		PF_CHECK(f->name, total == !strcmp(f->type, "counter"));
		PF_CHECK(f->name, f->nr_samples > 0);
		PF_CHECK(f->name, !strstr(f->name, "_ms") && !strstr(f->name, "_ns") &&
					  !strstr(f->name, "millicores"));
	}
	world_done(&w);
}

/* README lists every family and no other. */
static void test_readme(void)
{
	static struct world w;
	struct pf_buf readme;
	size_t nr_listed = 0;

	world_init(&w, 1);
	world_write(&w);
	pf_buf_init(&readme, 1 << 20);
	PF_CHECK_INT("README.md", pf_file_read(&pf_sys_real, AT_FDCWD, "README.md", &readme), 0);
	for (size_t i = 0; readme.data && i < w.parsed.nr_families; i++) {
		char quoted[NAME_MAX_LEN + 2];

		snprintf(quoted, sizeof(quoted), "`%s`", w.parsed.families[i].name);
		PF_CHECK(w.parsed.families[i].name, strstr(readme.data, quoted) != NULL);
	}
	for (const char *at = readme.data; at && (at = strstr(at, "`podfit_")) != NULL; at++) {
		char name[NAME_MAX_LEN];

		snprintf(name, sizeof(name), "%.*s", (int)name_len(at + 1), at + 1);
		if (at[1 + strlen(name)] != '`')
			continue; /* a pattern such as podfit_agent_* */
		nr_listed++;
		PF_CHECK(name, family_of(&w.parsed, name) != NULL);
	}
	PF_CHECK_INT("each once", nr_listed, w.parsed.nr_families);
	pf_buf_done(&readme);
	world_done(&w);
}

PF_TEST_SUITE(prometheus, { "values", test_values }, { "every value", test_every_value },
	      { "unknown", test_unknown }, { "histogram", test_histogram },
	      { "escaping", test_escaping }, { "cap", test_cap }, { "names", test_names },
	      { "README", test_readme });
