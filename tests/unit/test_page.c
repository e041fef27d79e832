// SPDX-License-Identifier: Apache-2.0
/* Whole pages: well-formed whatever the names, unknown is never 0, bounded, and the facts are there. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "core/units.h"
#include "report/html.h"
#include "report/page_report.h"
#include "report/view.h"
#include "unit/check.h"
#include "unit/page_sample.h"
#include "unit/xml_check.h"

static void test_well_formed(void)
{
	for (int i = 0; i < NR_SAMPLES; i++) {
		PF_AUTO(pf_buf_done) struct pf_buf buf;

		pf_buf_init(&buf, PF_HTML_PAGE_MAX);
		PF_CHECK_INT(sample_name((enum sample_page)i),
			     sample_write(&buf, (enum sample_page)i), 0);
		PF_CHECK_STR(sample_name((enum sample_page)i), xml_fault(buf.data, buf.len), NULL);
		PF_CHECK("no script",
			 !strstr(buf.data, "<script") && !strstr(buf.data, "javascript:"));
		PF_CHECK("nothing fetched",
			 !strstr(buf.data, "src=\"") && !strstr(buf.data, "url("));
	}
}

/* The hostile name stands in dozens of places; in none may it be markup. */
static void test_hostile(void)
{
	static const enum sample_page pages[] = { SAMPLE_FLEET_HOSTILE, SAMPLE_NODES_HOSTILE };

	for (size_t i = 0; i < PF_ARRAY_SIZE(pages); i++) {
		PF_AUTO(pf_buf_done) struct pf_buf buf;

		pf_buf_init(&buf, PF_HTML_PAGE_MAX);
		PF_CHECK_INT("written", sample_write(&buf, pages[i]), 0);
		PF_CHECK("not an element", !strstr(buf.data, "<img"));
		PF_CHECK("shown as text", strstr(buf.data, "&lt;img src=x onerror=alert(1)&gt;"));
		PF_CHECK("one title",
			 strstr(buf.data, "</title>") &&
				 !strstr(strstr(buf.data, "</title>") + 1, "\n</title>"));
	}
}

/* Tags out, spaces one: what a reader gets to see. */
static char *words_of(const struct pf_buf *buf)
{
	char *out = malloc(buf->len + 1), *to = out;
	bool inside = false, space = true;
	const char *body = strstr(buf->data, "</style>");

	for (const char *s = body ? body : buf->data; out && *s; s++) {
		if (*s == '<' || *s == '>') {
			inside = *s == '<';
			continue;
		}
		if (inside)
			continue;
		if (isspace((unsigned char)*s)) {
			if (!space)
				*to++ = ' ';
			space = true;
			continue;
		}
		*to++ = *s;
		space = false;
	}
	if (out)
		*to = '\0';
	return out;
}

/* Is there a figure that begins with 0 and is not part of a date, version or name? */
static const char *zero_in(const char *words)
{
	for (const char *s = strchr(words, '0'); s; s = strchr(s + 1, '0')) {
		bool begins = s == words || s[-1] == ' ' || s[-1] == '(';

		if (begins && !isdigit((unsigned char)s[1]) && strncmp(s, "0.1.0", 5) != 0)
			return s;
	}
	return NULL;
}

static void test_unknown(void)
{
	static const enum sample_page pages[] = { SAMPLE_WORKLOAD_UNKNOWN };

	for (size_t i = 0; i < PF_ARRAY_SIZE(pages); i++) {
		PF_AUTO(pf_buf_done) struct pf_buf buf;
		PF_AUTO(pf_freep) char *words = NULL;

		pf_buf_init(&buf, PF_HTML_PAGE_MAX);
		PF_CHECK_INT("written", sample_write(&buf, pages[i]), 0);
		words = words_of(&buf);
		PF_CHECK("words", words != NULL);
		if (!words)
			return;
		PF_CHECK_STR("no number stands for what is not known", zero_in(words), NULL);
		PF_CHECK("it is said", strstr(words, "not known"));
		PF_CHECK("and why", strstr(words, "Run-queue latency was not measured."));
	}
	PF_CHECK("the check sees a zero",
		 zero_in("use 0 m") && zero_in("0 B") && !zero_in("10 0.1.0"));
}

static const struct {
	enum sample_page page;
	const char *fact;
} facts[] = {
	{ SAMPLE_FLEET, "4\xc2\xa0"
			"982 of 5\xc2\xa0"
			"000" },
	{ SAMPLE_FLEET, "18 silent, the longest was heard 12 min 34 s ago" },
	{ SAMPLE_FLEET, "OOM kills in 24 h" },
	{ SAMPLE_FLEET, "in 4 h" },
	{ SAMPLE_FLEET, "(3 h 24 min to 4 h 48 min)" },
	{ SAMPLE_FLEET, "not in sight" },
	{ SAMPLE_FLEET, "the node ran out" },
	{ SAMPLE_FLEET, "/?verdict=CPU_THROTTLED#workloads" },
	{ SAMPLE_FLEET, "href=\"/?sort=name#workloads\"" },
	{ SAMPLE_FLEET, "href=\"/?sort=-savings&amp;page=3#workloads\"" },
	{ SAMPLE_FLEET, "aria-sort=\"descending\"" },
	{ SAMPLE_FLEET, "quota 900 cores" },
	{ SAMPLE_FLEET, "<a href=\"/v1/recommendations?format=csv&amp;sort=-savings\">CSV</a>" },
	{ SAMPLE_FLEET_EMPTY, "no agent has reported yet" },
	{ SAMPLE_FLEET_EMPTY, "No workload has been measured yet." },
	{ SAMPLE_WORKLOAD_THROTTLED, "limit now 500m" },
	{ SAMPLE_WORKLOAD_THROTTLED, "measured 24.1 %" },
	{ SAMPLE_WORKLOAD_THROTTLED, "costs 1.38 cores, saves 60 MiB" },
	{ SAMPLE_WORKLOAD_THROTTLED, "VPA would say" },
	{ SAMPLE_WORKLOAD_THROTTLED, "(by the baseline rules)" },
	{ SAMPLE_WORKLOAD_THROTTLED, "cpu: 1200m" },
	{ SAMPLE_WORKLOAD_LEAK, "(16.1 to 19.9 MiB/h)" },
	{ SAMPLE_WORKLOAD_LEAK, "97 % of the rise" },
	{ SAMPLE_WORKLOAD_LEAK, "Session::remember(Request const&amp;)" },
	{ SAMPLE_WORKLOAD_LEAK, "+0x41a2c" },
	{ SAMPLE_WORKLOAD_LEAK, "forecast" },
	{ SAMPLE_NODES, "agent stopped" },
	{ SAMPLE_NODES, "clock 3 h ahead" },
	{ SAMPLE_NODES, "clock 3 min 20 s behind" },
	{ SAMPLE_NODES, "may not load BPF programs" },
	{ SAMPLE_NODES, "counts 25 % of events" },
	{ SAMPLE_COMPARE, "ROLLBACK" },
	{ SAMPLE_COMPARE, "+580 ms to +690 ms" },
	{ SAMPLE_COMPARE, "not measured" },
	{ SAMPLE_REPORT, "limit 200m" }, /* from the kernel's quota: there is no pod to ask */
	{ SAMPLE_REPORT, "0.35 %" },
	{ SAMPLE_REPORT, "short: 1 d more" },
	{ SAMPLE_REPORT, "the block tracepoints are not in this kernel" },
	{ SAMPLE_REPORT, "href=\"#w0\"" },
	{ SAMPLE_REPORT, "id=\"w0\"" },
	{ SAMPLE_REPORT_FULL, "kubectl" },
	{ SAMPLE_FLEET, "9 instances on 3 nodes" },
	{ SAMPLE_FLEET, "9 to 30 MiB/h, worst on node-0417" },
	{ SAMPLE_REPORT_EMPTY, "No container was measured." },
};

static void test_facts(void)
{
	for (size_t i = 0; i < PF_ARRAY_SIZE(facts); i++) {
		PF_AUTO(pf_buf_done) struct pf_buf buf;

		pf_buf_init(&buf, PF_HTML_PAGE_MAX);
		PF_CHECK_INT("written", sample_write(&buf, facts[i].page), 0);
		PF_CHECK(facts[i].fact, strstr(buf.data, facts[i].fact));
	}
}

/* The worst of a report comes first. */
static void test_urgency(void)
{
	PF_AUTO(pf_buf_done) struct pf_buf buf;

	pf_buf_init(&buf, PF_HTML_PAGE_MAX);
	PF_CHECK_INT("written", sample_write(&buf, SAMPLE_REPORT), 0);
	PF_CHECK("the leak is first", strstr(buf.data, "<a class=\"name\" href=\"#w0\">leaky</a>"));
	PF_CHECK("the idle one is last",
		 strstr(buf.data, "<a class=\"name\" href=\"#w3\">idle</a>"));
}

static void test_bounded(void)
{
	for (int i = 0; i < NR_SAMPLES; i++) {
		PF_AUTO(pf_buf_done) struct pf_buf buf;

		pf_buf_init(&buf, 12000);
		PF_CHECK_INT(sample_name((enum sample_page)i),
			     sample_write(&buf, (enum sample_page)i), -ENOSPC);
		PF_CHECK(sample_name((enum sample_page)i), buf.len <= 12000);
	}
}

static const struct {
	const char *name;
	struct pf_view_name view;
	const char *want;
} hrefs[] = {
	{ "plain",
	  { "prod", "shop", "cart", "app", PF_WORKLOAD_DEPLOYMENT },
	  "/workloads/prod/shop/Deployment/cart/app" },
	{ "empty parts",
	  { "", "", "a b.service", "x/../y", PF_WORKLOAD_SYSTEMD_UNIT },
	  "/workloads/-/-/SystemdUnit/a%20b.service/x%2F..%2Fy" },
};

static void test_href(void)
{
	char href[400], small[20];

	for (size_t i = 0; i < PF_ARRAY_SIZE(hrefs); i++) {
		pf_view_href(&hrefs[i].view, href, sizeof(href));
		PF_CHECK_STR(hrefs[i].name, href, hrefs[i].want);
	}
	pf_view_href(&hrefs[0].view, small, sizeof(small));
	PF_CHECK_STR("does not fit", small, "");
}

static void test_message(void)
{
	struct pf_html_page page = { .title = "Not found",
				     .version = "0",
				     .at_unix_ns = PF_UNKNOWN };
	PF_AUTO(pf_buf_done) struct pf_buf buf;

	pf_buf_init(&buf, PF_HTML_PAGE_MAX);
	PF_CHECK_INT("written", pf_page_message(&buf, &page, "No such workload", "<shop> & co"), 0);
	PF_CHECK_STR("well-formed", xml_fault(buf.data, buf.len), NULL);
	PF_CHECK("said", strstr(buf.data, "<p class=\"lead\">&lt;shop&gt; &amp; co</p>"));
}

static void test_hour(void)
{
	struct pf_hour_point point;
	struct pf_view_hour hour;

	pf_hour_point_clear(&point, 496000);
	pf_view_hour_of(&point, &hour);
	PF_CHECK("nothing measured is no zero",
		 isnan(hour.usage_mean_millicores) && isnan(hour.throttled_ratio) &&
			 isnan(hour.memory_peak_bytes) && isnan(hour.demand_p99_millicores));
	PF_CHECK("nor of memory", hour.memory.anon == PF_UNKNOWN);
	PF_CHECK("nor of kills", hour.oom_kills == PF_UNKNOWN && hour.restarts == PF_UNKNOWN);
	point.covered_ns =
		3 * 3600e9; /* three instances, an hour each; one does not know its CPU */
	point.usage_ns = (struct pf_hour_sum){ 1800e9, 2 * 3600e9 };
	point.nr_periods = 72000;
	point.nr_throttled = 18000;
	point.kinds.anon = 300;
	point.nr_kinds = 2;
	pf_view_hour_of(&point, &hour);
	PF_CHECK_NEAR("mean of an instance", hour.usage_mean_millicores, 250, 1e-9);
	PF_CHECK_NEAR("share of periods", hour.throttled_ratio, 0.25, 1e-12);
	PF_CHECK_INT("memory of an instance", hour.memory.anon, 150);
	PF_CHECK("a kind that is not known stays so", hour.memory.shmem == PF_UNKNOWN);
	PF_CHECK_INT("begin", hour.start_unix_ns, 496000 * PF_NS_PER_HOUR);
}

/* Instances that do not know a number are no instances that have none of it. */
static void test_hour_known_by_some(void)
{
	struct pf_hour_point point;
	struct pf_slice knows, silent;

	pf_hour_point_clear(&point, 496000);
	pf_slice_clear(&knows);
	pf_slice_clear(&silent);
	knows.hour = silent.hour = 496000;
	knows.covered_ns = silent.covered_ns = PF_NS_PER_HOUR;
	pf_hour_point_add(&point, &silent, true);
	PF_CHECK("unknown usage", isnan(pf_hour_mean(&point.usage_ns)));
	PF_CHECK("unknown waits", isnan(pf_hour_mean(&point.contention_wait_ns)) &&
					  isnan(pf_hour_mean(&point.quota_wait_ns)));
	PF_CHECK("unknown periods", isnan(point.nr_periods) && isnan(point.throttled_ns));
	PF_CHECK("unknown memory", isnan(pf_hour_mean(&point.memory_byte_ns)) &&
					   isnan(pf_hour_mean(&point.hot_byte_ns)));
	PF_CHECK("unknown counts", point.oom_kills == PF_UNKNOWN && point.restarts == PF_UNKNOWN);
	knows.usage_ns = PF_NS_PER_HOUR / 2;
	knows.contention_wait_ns = 0;
	knows.hot_mean_bytes = 1e6;
	knows.nr_periods = 0;
	knows.oom_kills = 0;
	pf_hour_point_add(&point, &knows, true);
	PF_CHECK_NEAR("usage of the one that knows", pf_hour_mean(&point.usage_ns), 0.5, 1e-12);
	PF_CHECK_NEAR("zero is known", pf_hour_mean(&point.contention_wait_ns), 0, 0);
	PF_CHECK_NEAR("memory", pf_hour_mean(&point.hot_byte_ns), 1e6, 1e-3);
	PF_CHECK("no periods, no share", isnan(pf_hour_throttled_ratio(&point)));
	PF_CHECK_INT("no kills", point.oom_kills, 0);
	PF_CHECK_INT("instances", point.nr_instances, 2);
}

static void test_savings(void)
{
	static const struct {
		struct pf_savings savings;
		const char *want;
	} rows[] = {
		{ { true, 1500, 1 << 30, NAN, NULL }, "1.5 cores, 1 GiB" },
		{ { true, -1500, -(1 << 30), NAN, NULL }, "costs 1.5 cores, 1 GiB" },
		{ { true, -100, 1 << 20, NAN, NULL }, "costs 100m, saves 1 MiB" },
		{ { true, 0, -(1 << 20), NAN, NULL }, "costs 1 MiB" },
		{ { true, 0, 0, NAN, NULL }, "<span class=\"mut\">nothing</span>" },
		{ { true, 100, 0, -3, "EUR" },
		  "costs <span class=\"to\">3 EUR</span> a month<span class=\"of\">100m</span>" },
	};

	for (size_t i = 0; i < PF_ARRAY_SIZE(rows); i++) {
		PF_AUTO(pf_buf_done) struct pf_buf buf;

		pf_buf_init(&buf, 1000);
		pf_view_savings(&buf, &rows[i].savings);
		PF_CHECK_STR(rows[i].want, buf.data, rows[i].want);
	}
}

PF_TEST_SUITE(page, { "well-formed", test_well_formed }, { "hostile", test_hostile },
	      { "unknown", test_unknown }, { "facts", test_facts }, { "urgency", test_urgency },
	      { "bounded", test_bounded }, { "href", test_href }, { "savings", test_savings },
	      { "message", test_message }, { "hour", test_hour },
	      { "hour known by some", test_hour_known_by_some });
