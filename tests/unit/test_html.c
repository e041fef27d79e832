// SPDX-License-Identifier: Apache-2.0
#include "report/html.h"

#include <errno.h>
#include <stdlib.h>

#include "core/units.h"
#include "unit/check.h"
#include "unit/xml_check.h"

#define BAD "\xef\xbf\xbd"

static const struct {
	const char *name, *text, *want;
} escapes[] = {
	{ "plain", "web-1.prod", "web-1.prod" },
	{ "markup", "<img src=x onerror='a()'>&\"",
	  "&lt;img src=x onerror=&#39;a()&#39;&gt;&amp;&quot;" },
	{ "closing", "</script></style>", "&lt;/script&gt;&lt;/style&gt;" },
	{ "good UTF-8", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xb3",
	  "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xb3" },
	{ "cut sequence", "a\xe2\x82", "a" BAD BAD },
	{ "lone continuation", "a\x80z", "a" BAD "z" },
	{ "overlong slash", "\xc0\xaf", BAD BAD },
	{ "overlong three", "\xe0\x80\xaf", BAD BAD BAD },
	{ "surrogate", "\xed\xa0\x80", BAD BAD BAD },
	{ "beyond Unicode", "\xf4\x90\x80\x80", BAD BAD BAD BAD },
	{ "controls", "a\x01\x1b[31m\x7f", "a" BAD BAD "[31m" BAD },
	{ "C1 control", "a\xc2\x9b", "a" BAD },
	{ "line and tab", "a\n\tb", "a\n\tb" },
	{ "direction override",
	  "abc\xe2\x80\xae"
	  "fdp",
	  "abc" BAD "fdp" },
	{ "isolate", "\xe2\x81\xa6x", BAD "x" },
	{ "not a character", "\xef\xbf\xbf", BAD },
	{ "a lead that breaks off before markup", "\xe2<b>", BAD "&lt;b&gt;" },
};

static void test_escape(void)
{
	for (size_t i = 0; i < PF_ARRAY_SIZE(escapes); i++) {
		PF_AUTO(pf_buf_done) struct pf_buf buf;

		pf_buf_init(&buf, 4096);
		pf_html_text(&buf, escapes[i].text);
		PF_CHECK_STR(escapes[i].name, buf.data, escapes[i].want);
	}
}

/* A long name is cut between characters, whatever byte the limit falls on. */
static void test_escape_long(void)
{
	char text[3 * PF_HTML_TEXT_MAX];

	for (size_t shift = 0; shift < 4; shift++) {
		PF_AUTO(pf_buf_done) struct pf_buf buf;

		memset(text, 'x', sizeof(text));
		for (size_t i = shift; i + 4 < sizeof(text); i += 4)
			memcpy(text + i, "\xf0\x9f\x90\xb3", 4);
		text[sizeof(text) - 1] = '\0';
		pf_buf_init(&buf, 4096);
		(void)pf_buf_adds(&buf, "<p>");
		pf_html_text(&buf, text);
		PF_CHECK("bounded", buf.len <= PF_HTML_TEXT_MAX + 6);
		PF_CHECK_STR("ends in an ellipsis", buf.data + buf.len - 3, "\xe2\x80\xa6");
		PF_CHECK("no character was cut", !strstr(buf.data, BAD));
		(void)pf_buf_adds(&buf, "</p>");
		PF_CHECK_STR("well-formed", xml_fault(buf.data, buf.len), NULL);
	}
}

static void test_escape_random(void)
{
	uint32_t state = 20260730; /* fixed: a failure repeats */

	for (int round = 0; round < 2000; round++) {
		PF_AUTO(pf_buf_done) struct pf_buf buf;
		char text[64];

		for (size_t i = 0; i < sizeof(text) - 1; i++) {
			state = state * 1664525u + 1013904223u;
			text[i] = (char)(state >> 24 ? state >> 24 : 1);
		}
		text[sizeof(text) - 1] = '\0';
		pf_buf_init(&buf, 4096);
		pf_html_addf(&buf, "<p title=\"%s\">%s</p>", text, text);

		const char *wrong = xml_fault(buf.data, buf.len);

		PF_CHECK_STR("well-formed", wrong, NULL);
		if (wrong)
			break;
	}
}

static void test_addf(void)
{
	PF_AUTO(pf_buf_done) struct pf_buf buf;

	pf_buf_init(&buf, 4096);
	pf_html_addf(&buf, "<a href=\"%s\">%s</a> %d%% %u %5.1f|%zu|%lu|%x|%c|%.3g", "?a=1&b=\"2\"",
		     "<x>", -5, 7u, 2.25, (size_t)9, 10ul, 255u, 'z', 1234.5);
	PF_CHECK_STR(
		"mixed", buf.data,
		"<a href=\"?a=1&amp;b=&quot;2&quot;\">&lt;x&gt;</a> -5% 7   2.2|9|10|ff|z|1.23e+03");
	pf_buf_reset(&buf);
	const char *volatile none = NULL; /* the compiler would see it and complain */

	pf_html_addf(&buf, "[%s]", none);
	PF_CHECK_STR("nothing", buf.data, "[]");
}

static void test_links(void)
{
	static const struct pf_html_param params[] = {
		{ "q", "a b&c=\"<\xc3\xa9" },
		{ "sort", "-savings" },
		{ "page", "3" },
		{ "namespace", "" },
	};
	struct pf_html_query query = { "/", params, PF_ARRAY_SIZE(params), NULL };
	PF_AUTO(pf_buf_done) struct pf_buf buf;

	pf_buf_init(&buf, 4096);
	pf_html_href(&buf, &query, "sort", "name");
	PF_CHECK_STR("replaced, back to the first page", buf.data,
		     "/?q=a%20b%26c%3D%22%3C%C3%A9&amp;sort=name");
	pf_buf_reset(&buf);
	pf_html_href(&buf, &query, "page", "4");
	PF_CHECK_STR("next page", buf.data,
		     "/?q=a%20b%26c%3D%22%3C%C3%A9&amp;sort=-savings&amp;page=4");
	pf_buf_reset(&buf);
	pf_html_href(&buf, &query, "verdict", "MEMORY_LEAK");
	PF_CHECK_STR("added", buf.data,
		     "/?q=a%20b%26c%3D%22%3C%C3%A9&amp;sort=-savings&amp;verdict=MEMORY_LEAK");

	struct pf_html_query none = { "", NULL, 0, NULL };

	pf_buf_reset(&buf);
	pf_html_href(&buf, &none, "sort", NULL);
	PF_CHECK_STR("an empty query drops the present one", buf.data, "?");
}

static void test_frame(void)
{
	static const struct pf_html_nav nav[] = { { "Fleet", "/", true },
						  { "Nodes", "/nodes", false } };
	static const struct pf_html_column columns[] = {
		{ .label = "Name", .sort = "name" },
		{ .label = "Saves", .sort = "savings", .number = true, .down_first = true },
	};
	static const struct pf_html_param params[] = { { "sort", "-savings" } };
	struct pf_html_query query = { "/", params, 1, NULL };
	struct pf_html_table table;
	struct pf_html_page page = { .title = "<Fleet> & more",
				     .cluster = "\"prod\"",
				     .version = "0.1.0",
				     .at_unix_ns = 1785420300 * PF_NS_PER_S,
				     .nav = nav,
				     .nr_nav = 2,
				     .refresh_s = 30 };
	PF_AUTO(pf_buf_done) struct pf_buf buf;

	pf_buf_init(&buf, PF_HTML_PAGE_MAX);
	pf_html_begin(&buf, &page);
	pf_html_section(&buf, 2, "table", "Table <1>");
	pf_html_table(&table, &buf, "Caption", columns, 2, &query);
	pf_html_row(&table);
	pf_html_cell_text(&table, "<web>");
	pf_html_cell_value(&table, PF_QUANTITY_BYTES, PF_UNKNOWN, "no limit");
	pf_html_row(&table);
	pf_html_table_end(&table);
	pf_html_pages(&buf, &query, 2, 50, 1234);
	pf_html_copy(&buf, "Patch", "kubectl patch <x> & 'y'\n");
	(void)pf_buf_adds(&buf, "</section>");
	pf_html_end(&buf, &page);
	PF_CHECK_INT("fits", buf.err, 0);
	PF_CHECK_STR("well-formed", xml_fault(buf.data, buf.len), NULL);
	PF_CHECK("title",
		 strstr(buf.data, "<title>&lt;Fleet&gt; &amp; more \xc2\xb7 podfit</title>"));
	PF_CHECK("current page", strstr(buf.data, "<a href=\"/\" aria-current=\"page\">Fleet</a>"));
	PF_CHECK("sorted", strstr(buf.data, "aria-sort=\"descending\""));
	PF_CHECK("turned round", strstr(buf.data, "<a href=\"/?sort=savings\">Saves"));
	PF_CHECK("unknown is said", strstr(buf.data, "not known"));
	PF_CHECK("pages", strstr(buf.data, "rows 51 to 100 of 1\xc2\xa0"
					   "234"));
	PF_CHECK("no script", !strstr(buf.data, "<script"));
}

static void test_bounded(void)
{
	struct pf_html_page page = { .title = "t", .version = "0", .at_unix_ns = PF_UNKNOWN };
	PF_AUTO(pf_buf_done) struct pf_buf buf;

	pf_buf_init(&buf, 500);
	pf_html_begin(&buf, &page);
	pf_html_end(&buf, &page);
	PF_CHECK_INT("full", buf.err, -ENOSPC);
	PF_CHECK("kept within its bound", buf.len <= 500);
}

/* ---- contrast ---- */

static double channel(const char *hex)
{
	char two[3] = { hex[0], hex[1], 0 };
	double c = (double)strtoul(two, NULL, 16) / 255;

	return c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4);
}

/* Relative luminance of a variable of the nth definition, as WCAG 2 defines it. */
static double luminance(const char *name, int nth)
{
	char key[32], full[8];
	const char *at = pf_html_style();

	(void)snprintf(key, sizeof(key), "--%s:#", name);
	for (int i = 0; i <= nth; i++) {
		at = strstr(at, key);
		if (!at)
			return NAN;
		at += strlen(key);
	}
	if (strspn(at, "0123456789abcdef") == 3)
		(void)snprintf(full, sizeof(full), "%c%c%c%c%c%c", at[0], at[0], at[1], at[1],
			       at[2], at[2]);
	else
		(void)snprintf(full, sizeof(full), "%.6s", at);
	return 0.2126 * channel(full) + 0.7152 * channel(full + 2) + 0.0722 * channel(full + 4);
}

static void test_contrast(void)
{
	static const char *const pairs[][2] = {
		{ "ink", "bg" },       { "ink", "card" },     { "ink", "soft" },
		{ "mut", "bg" },       { "mut", "card" },     { "mut", "soft" },
		{ "link", "bg" },      { "link", "card" },    { "link", "soft" },
		{ "good", "good-bg" }, { "note", "note-bg" }, { "warn", "warn-bg" },
		{ "bad", "bad-bg" },   { "use", "card" },     { "request", "card" },
		{ "limit", "card" },   { "advised", "card" }, { "quota", "card" },
		{ "cont", "card" },    { "tables", "card" },  { "other", "card" },
		{ "card", "link" },
	};

	for (int theme = 0; theme < 2; theme++) { /* light is defined first, then dark */
		for (size_t i = 0; i < PF_ARRAY_SIZE(pairs); i++) {
			double a = luminance(pairs[i][0], theme), b = luminance(pairs[i][1], theme);
			double ratio = (fmax(a, b) + 0.05) / (fmin(a, b) + 0.05);

			if (!(ratio >= 4.5))
				fprintf(stderr, "theme %d: %s on %s: %.2f\n", theme, pairs[i][0],
					pairs[i][1], ratio);
			PF_CHECK(pairs[i][0], ratio >= 4.5);
		}
	}
}

PF_TEST_SUITE(html, { "escape", test_escape }, { "escape long", test_escape_long },
	      { "escape random", test_escape_random }, { "addf", test_addf },
	      { "links", test_links }, { "frame", test_frame }, { "bounded", test_bounded },
	      { "contrast", test_contrast });
