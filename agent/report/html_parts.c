// SPDX-License-Identifier: Apache-2.0
/* Badges, values, copy blocks and tables. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "core/units.h"
#include "report/html.h"

static const struct {
	const char *class, *sign;
} tones[] = {
	[PF_TONE_PLAIN] = { "plain", "" },
	[PF_TONE_GOOD] = { "good", "\xe2\x9c\x93" }, /* check mark */
	[PF_TONE_NOTE] = { "note", "\xe2\x97\x8b" }, /* ring */
	[PF_TONE_WARN] = { "warn", "\xe2\x96\xb2" }, /* triangle */
	[PF_TONE_BAD] = { "bad", "\xe2\x97\x86" },   /* diamond */
};

static const struct {
	const char *label;
	enum pf_tone tone;
} verdicts[PF_NR_VERDICTS] = {
	[PF_VERDICT_NONE] = { "fits", PF_TONE_GOOD },
	[PF_VERDICT_CPU_THROTTLED] = { "throttled", PF_TONE_WARN },
	[PF_VERDICT_CPU_OVER_PROVISIONED] = { "CPU oversized", PF_TONE_NOTE },
	[PF_VERDICT_CPU_UNDER_PROVISIONED] = { "CPU undersized", PF_TONE_WARN },
	[PF_VERDICT_NOISY_NEIGHBOUR] = { "noisy neighbours", PF_TONE_WARN },
	[PF_VERDICT_MEMORY_OVER_PROVISIONED] = { "memory oversized", PF_TONE_NOTE },
	[PF_VERDICT_MEMORY_OOM_RISK] = { "OOM risk", PF_TONE_BAD },
	[PF_VERDICT_MEMORY_LEAK] = { "memory leak", PF_TONE_BAD },
	[PF_VERDICT_NO_REQUEST] = { "no request", PF_TONE_NOTE },
	[PF_VERDICT_NO_LIMIT] = { "no limit", PF_TONE_NOTE },
	[PF_VERDICT_SHORT_HISTORY] = { "short history", PF_TONE_PLAIN },
	[PF_VERDICT_HPA_ON_SAME_METRIC] = { "HPA on same metric", PF_TONE_NOTE },
	[PF_VERDICT_THREADS_EXCEED_QUOTA] = { "threads over quota", PF_TONE_WARN },
	[PF_VERDICT_MEMORY_UNDER_PROVISIONED] = { "memory undersized", PF_TONE_WARN },
	[PF_VERDICT_OOM_KILLED] = { "OOM killed", PF_TONE_BAD },
	[PF_VERDICT_UNEVEN_REPLICAS] = { "uneven replicas", PF_TONE_NOTE },
	[PF_VERDICT_HEAP_EXCEEDS_LIMIT] = { "heap over limit", PF_TONE_BAD },
	[PF_VERDICT_IO_STALLED] = { "I/O stalls", PF_TONE_WARN },
	[PF_VERDICT_MEMORY_PRESSURE] = { "memory pressure", PF_TONE_WARN },
	[PF_VERDICT_IDLE] = { "idle", PF_TONE_NOTE },
};

const char *pf_verdict_label(enum pf_verdict verdict)
{
	return verdict < PF_NR_VERDICTS ? verdicts[verdict].label : "other";
}

enum pf_tone pf_verdict_tone(enum pf_verdict verdict)
{
	return verdict < PF_NR_VERDICTS ? verdicts[verdict].tone : PF_TONE_PLAIN;
}

enum pf_tone pf_severity_tone(enum pf_severity severity)
{
	switch (severity) {
	case PF_SEVERITY_CRITICAL:
		return PF_TONE_BAD;
	case PF_SEVERITY_WARNING:
		return PF_TONE_WARN;
	case PF_SEVERITY_NOTICE:
		return PF_TONE_NOTE;
	case PF_SEVERITY_NONE:
		break;
	}
	return PF_TONE_PLAIN;
}

void pf_html_badge(struct pf_buf *buf, enum pf_tone tone, const char *label, const char *title,
		   const char *href)
{
	const char *element = href ? "a" : "span";

	pf_html_addf(buf, "<%s class=\"badge %s\"", element, tones[tone].class);
	if (href)
		pf_html_addf(buf, " href=\"%s\"", href);
	if (title && *title)
		pf_html_addf(buf, " title=\"%s\"", title);
	(void)pf_buf_adds(buf, ">"); /* the buffer keeps its error, here and below */
	if (*tones[tone].sign)
		pf_html_addf(buf, "<i aria-hidden=\"true\">%s</i>", tones[tone].sign);
	pf_html_addf(buf, "%s</%s>", label, element);
}

void pf_html_verdict(struct pf_buf *buf, const struct pf_finding *finding)
{
	pf_html_badge(buf, pf_verdict_tone(finding->verdict), pf_verdict_label(finding->verdict),
		      finding->sentence, NULL);
}

void pf_html_unknown(struct pf_buf *buf)
{
	(void)pf_buf_adds(buf, "<span class=\"unk\"><span aria-hidden=\"true\">\xe2\x80\x93</span>"
			       "<span class=\"sr\">not known</span></span>");
}

void pf_html_value(struct pf_buf *buf, enum pf_quantity quantity, uint64_t value,
		   const char *no_limit)
{
	if (value == PF_NO_LIMIT)
		pf_html_addf(buf, "<span class=\"mut\">%s</span>", no_limit);
	else
		pf_html_number(buf, quantity, value == PF_UNKNOWN ? NAN : (double)value);
}

void pf_html_number(struct pf_buf *buf, enum pf_quantity quantity, double value)
{
	if (isnan(value))
		pf_html_unknown(buf);
	else
		pf_html_text(buf, pf_human(quantity, value).text);
}

void pf_html_time(struct pf_buf *buf, uint64_t now_unix_ns, uint64_t unix_ns)
{
	if (unix_ns == PF_UNKNOWN) {
		pf_html_unknown(buf);
		return;
	}
	pf_html_addf(buf, "<time datetime=\"%s\" title=\"%s\">%s</time>",
		     pf_human_rfc3339(unix_ns).text, pf_human_time(unix_ns).text,
		     now_unix_ns == PF_UNKNOWN ? pf_human_time(unix_ns).text
					       : pf_human_until(now_unix_ns, unix_ns).text);
}

void pf_html_links(struct pf_buf *buf, const char *label, const struct pf_html_nav *links,
		   size_t nr_links)
{
	if (!nr_links)
		return;
	pf_html_addf(buf, "<p class=\"links\">%s", label);
	for (size_t i = 0; i < nr_links; i++)
		pf_html_addf(buf, " <a href=\"%s\">%s</a>", links[i].href, links[i].label);
	(void)pf_buf_adds(buf, "</p>\n");
}

void pf_html_copy(struct pf_buf *buf, const char *label, const char *text)
{
	pf_html_addf(buf,
		     "<figure class=\"copy\"><figcaption>%s <span class=\"hint\">one click selects "
		     "all of it</span></figcaption><pre tabindex=\"0\" role=\"group\" "
		     "aria-label=\"%s\"><code>",
		     label, label);
	pf_html_block(buf, text);
	(void)pf_buf_adds(buf, "</code></pre></figure>\n");
}

/* ---- tables ---- */

/* The sort parameter is a column's key, with "-" before it for downwards. */
static void sort_link(struct pf_buf *buf, const struct pf_html_column *column,
		      const struct pf_html_query *query)
{
	const char *sort = pf_html_query_get(query, "sort");
	bool down = *sort == '-';
	bool here = !strcmp(sort + down, column->sort);
	bool next_down = here ? !down : column->down_first;
	char value[64];

	(void)snprintf(value, sizeof(value), "%s%s", next_down ? "-" : "", column->sort);
	(void)pf_buf_adds(buf, "<a href=\"");
	pf_html_href(buf, query, "sort", value);
	pf_html_addf(buf, "\">%s", column->label);
	if (here)
		pf_html_addf(buf, "<i aria-hidden=\"true\">%s</i>",
			     down ? "\xe2\x96\xbe" : "\xe2\x96\xb4");
	(void)pf_buf_adds(buf, "</a>");
}

static const char *aria_sort(const struct pf_html_column *column, const struct pf_html_query *query)
{
	const char *sort = query && column->sort ? pf_html_query_get(query, "sort") : "";
	bool down = *sort == '-';

	if (!*sort || strcmp(sort + down, column->sort) != 0)
		return "";
	return down ? " aria-sort=\"descending\"" : " aria-sort=\"ascending\"";
}

/* A phone's layout takes the table's own display away, and with it its roles: they are written out.
 */
void pf_html_table(struct pf_html_table *table, struct pf_buf *buf, const char *caption,
		   const struct pf_html_column *columns, size_t nr_columns,
		   const struct pf_html_query *query)
{
	*table = (struct pf_html_table){ .buf = buf, .columns = columns, .nr_columns = nr_columns };
	pf_html_addf(
		buf,
		"<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"%s\"><table "
		"class=\"stack\" role=\"table\"><caption>%s</caption><thead role=\"rowgroup\"><tr "
		"role=\"row\">",
		caption, caption);
	for (size_t i = 0; i < nr_columns; i++) {
		const struct pf_html_column *c = &columns[i];

		(void)pf_buf_adds(buf, "<th scope=\"col\" role=\"columnheader\"");
		pf_html_addif(buf, c->number, " class=\"num\"");
		(void)pf_buf_adds(buf, aria_sort(c, query));
		if (c->hint)
			pf_html_addf(buf, " title=\"%s\"", c->hint);
		(void)pf_buf_adds(buf, ">");
		if (query && c->sort)
			sort_link(buf, c, query);
		else
			pf_html_text(buf, c->label);
		(void)pf_buf_adds(buf, "</th>");
	}
	(void)pf_buf_adds(buf, "</tr></thead><tbody role=\"rowgroup\">\n");
}

static void close_cell(struct pf_html_table *table)
{
	if (table->at)
		(void)pf_buf_adds(table->buf, table->at == 1 ? "</th>" : "</td>");
}

static void close_row(struct pf_html_table *table)
{
	close_cell(table);
	pf_html_addif(table->buf, table->in_row, "</tr>\n");
	table->at = 0;
	table->in_row = false;
}

void pf_html_row(struct pf_html_table *table)
{
	close_row(table);
	table->in_row = true;
	(void)pf_buf_adds(table->buf, "<tr role=\"row\">");
}

void pf_html_table_end(struct pf_html_table *table)
{
	close_row(table);
	(void)pf_buf_adds(table->buf, "</tbody></table></div>\n");
}

void pf_html_cell(struct pf_html_table *table)
{
	assert(table->in_row && table->at < table->nr_columns);

	const struct pf_html_column *c = &table->columns[table->at];

	close_cell(table);
	if (table->at++ == 0) {
		(void)pf_buf_adds(table->buf,
				  "<th scope=\"row\" role=\"rowheader\" class=\"whole\">");
		return;
	}
	(void)pf_buf_adds(table->buf, "<td role=\"cell\"");
	if (c->whole)
		(void)pf_buf_adds(table->buf, " class=\"whole\"");
	else if (c->number)
		(void)pf_buf_adds(table->buf, " class=\"num\"");
	pf_html_addf(table->buf, " data-label=\"%s\">", c->label);
}

void pf_html_cell_text(struct pf_html_table *table, const char *text)
{
	pf_html_cell(table);
	if (text && *text)
		pf_html_text(table->buf, text);
	else
		pf_html_unknown(table->buf);
}

void pf_html_cell_value(struct pf_html_table *table, enum pf_quantity quantity, uint64_t value,
			const char *no_limit)
{
	pf_html_cell(table);
	pf_html_value(table->buf, quantity, value, no_limit);
}

void pf_html_cell_number(struct pf_html_table *table, enum pf_quantity quantity, double value)
{
	pf_html_cell(table);
	pf_html_number(table->buf, quantity, value);
}

static void page_link(struct pf_buf *buf, const struct pf_html_query *query, uint64_t page,
		      const char *label, bool current)
{
	char value[24];

	(void)snprintf(value, sizeof(value), "%llu", (unsigned long long)page);
	(void)pf_buf_adds(buf, "<li><a href=\"");
	pf_html_href(buf, query, "page", page > 1 ? value : NULL);
	(void)pf_buf_adds(buf, current ? "\" aria-current=\"page\">" : "\">");
	pf_html_addf(buf, "%s</a></li>", label ? label : value);
}

void pf_html_pages(struct pf_buf *buf, const struct pf_html_query *query, uint64_t page,
		   uint64_t per_page, uint64_t nr_rows)
{
	uint64_t nr_pages = per_page ? (nr_rows + per_page - 1) / per_page : 0;

	if (nr_pages < 2)
		return;
	page = PF_MAX(1, PF_MIN(page, nr_pages));

	uint64_t from = page > 3 ? page - 2 : 1, to = PF_MIN(page + 2, nr_pages);

	(void)pf_buf_adds(buf, "<nav class=\"pages\" aria-label=\"Pages of the table\"><ul>");
	if (page > 1)
		page_link(buf, query, page - 1, "\xe2\x80\xb9 Previous", false);
	if (from > 1)
		page_link(buf, query, 1, NULL, false);
	if (from > 2)
		(void)pf_buf_adds(buf, "<li aria-hidden=\"true\">\xe2\x80\xa6</li>");
	for (uint64_t i = from; i <= to; i++)
		page_link(buf, query, i, NULL, i == page);
	if (to + 1 < nr_pages)
		(void)pf_buf_adds(buf, "<li aria-hidden=\"true\">\xe2\x80\xa6</li>");
	if (to < nr_pages)
		page_link(buf, query, nr_pages, NULL, false);
	if (page < nr_pages)
		page_link(buf, query, page + 1, "Next \xe2\x80\xba", false);
	pf_html_addf(buf, "</ul><p>rows %s to %s of %s</p></nav>\n",
		     pf_human_count((page - 1) * per_page + 1).text,
		     pf_human_count(PF_MIN(page * per_page, nr_rows)).text,
		     pf_human_count(nr_rows).text);
}
