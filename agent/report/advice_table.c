// SPDX-License-Identifier: Apache-2.0
/* Recommendations as a table for a terminal, and as CSV. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/advice_internal.h"

enum { NR_COLUMNS = 8, CELL_MAX = 160 };

static const char *const titles[NR_COLUMNS] = {
	"WORKLOAD/CONTAINER", "N",	   "CPU REQUEST", "CPU LIMIT",
	"MEM REQUEST",	      "MEM LIMIT", "CHANGE",	  "FINDINGS"
};

void pf_advice_clean(struct pf_buf *buf, const char *text)
{
	for (; *text; text++)
		pf_buf_addf(buf, "%c", (unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text);
}

/* ---- cells ---- */

static void change_cell(struct pf_buf *buf, enum pf_quantity quantity, uint64_t present,
			uint64_t advised)
{
	bool cpu = quantity == PF_QUANTITY_MILLICORES;

	if (present == PF_UNKNOWN && advised == PF_UNKNOWN) {
		pf_buf_adds(buf, "-");
		return;
	}
	if (present != PF_UNKNOWN)
		pf_buf_adds(buf, cpu ? pf_human_cpu(present).text : pf_human_bytes(present).text);
	if (advised == PF_UNKNOWN || advised == present)
		return;
	pf_buf_addf(buf, "%s%s", present == PF_UNKNOWN ? "" : " > ",
		    cpu ? pf_human_cpu(advised).text : pf_human_bytes(advised).text);
}

static void money_cell(struct pf_buf *buf, const struct pf_savings *s)
{
	pf_advice_clean(buf, pf_human_money(s->money_per_month, s->currency).text);
	pf_buf_adds(buf, "/month");
}

static void savings_cell(struct pf_buf *buf, const struct pf_savings *s)
{
	if (!s->known)
		pf_buf_adds(buf, "-");
	else if (isfinite(s->money_per_month))
		money_cell(buf, s);
	else
		pf_buf_addf(
			buf, "%s %s",
			pf_human_change(PF_QUANTITY_MILLICORES, -(double)s->cpu_millicores).text,
			pf_human_change(PF_QUANTITY_BYTES, -(double)s->memory_bytes).text);
}

/* Each verdict once: the baseline's rules repeat podfit's own. */
static void findings_cell(struct pf_buf *buf, const struct pf_recommendation *rec)
{
	uint64_t told = 0;
	bool some = false;

	for (size_t i = 0; i < rec->nr_findings; i++) {
		enum pf_verdict v = rec->findings[i].verdict;

		if (rec->findings[i].baseline || (told & 1ull << v))
			continue;
		told |= 1ull << v;
		pf_buf_addf(buf, "%s%s", some ? " " : "", pf_verdict_name(v));
		some = true;
	}
	if (!some)
		pf_buf_adds(buf, "-");
}

static void name_cell(struct pf_buf *buf, const struct pf_view_name *name)
{
	if (name->namespace_name[0]) {
		pf_advice_clean(buf, name->namespace_name);
		pf_buf_adds(buf, "/");
	}
	pf_advice_clean(buf, name->workload);
	if (strcmp(name->workload, name->container) != 0 && name->container[0]) {
		pf_buf_adds(buf, "/");
		pf_advice_clean(buf, name->container);
	}
}

static void fill_cell(struct pf_buf *buf, size_t column, const struct pf_view_row *row)
{
	static const struct pf_resources unknown = { PF_UNKNOWN, PF_UNKNOWN, PF_UNKNOWN,
						     PF_UNKNOWN };
	const struct pf_resources *present = row->present ? row->present : &unknown;
	const struct pf_policy_result *r = row->rec ? pf_view_result(row->rec) : NULL;

	switch (column) {
	case 0:
		name_cell(buf, &row->name);
		break;
	case 1:
		pf_buf_adds(buf, row->nr_instances == PF_UNKNOWN
					 ? "-"
					 : pf_human_count(row->nr_instances).text);
		break;
	case 2:
		change_cell(buf, PF_QUANTITY_MILLICORES, present->cpu_request_millicores,
			    r ? r->cpu.target : PF_UNKNOWN);
		break;
	case 3:
		change_cell(buf, PF_QUANTITY_MILLICORES, present->cpu_limit_millicores,
			    r ? r->cpu.limit : PF_UNKNOWN);
		break;
	case 4:
		change_cell(buf, PF_QUANTITY_BYTES, present->memory_request_bytes,
			    r ? r->memory.target : PF_UNKNOWN);
		break;
	case 5:
		change_cell(buf, PF_QUANTITY_BYTES, present->memory_limit_bytes,
			    r ? r->memory.limit : PF_UNKNOWN);
		break;
	case 6:
		if (row->rec)
			savings_cell(buf, &row->rec->savings);
		else
			pf_buf_adds(buf, "-");
		break;
	default:
		if (row->rec)
			findings_cell(buf, row->rec);
		else
			pf_buf_adds(buf, "-");
	}
}

/* Columns as people see them: continuation bytes of UTF-8 take no place. */
static size_t width_of(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

static void put_line(struct pf_buf *buf, const char (*cells)[CELL_MAX], const size_t *widths)
{
	for (size_t c = 0; c < NR_COLUMNS; c++) {
		pf_buf_adds(buf, cells[c]);
		if (c + 1 == NR_COLUMNS)
			break;
		for (size_t n = width_of(cells[c]); n < widths[c] + 2; n++)
			pf_buf_adds(buf, " ");
	}
	pf_buf_adds(buf, "\n");
}

static void fill_line(char (*ret_cells)[CELL_MAX], const struct pf_view_row *row)
{
	for (size_t c = 0; c < NR_COLUMNS; c++) {
		PF_AUTO(pf_buf_done) struct pf_buf cell;

		pf_buf_init(&cell, 4096);
		if (row)
			fill_cell(&cell, c, row);
		else
			pf_buf_adds(&cell, titles[c]);
		snprintf(ret_cells[c], CELL_MAX, "%s", cell.data ? cell.data : "");
	}
}

void pf_advice_table(const struct pf_view_row *rows, size_t nr_rows, struct pf_buf *buf)
{
	char(*lines)[NR_COLUMNS][CELL_MAX] = calloc(nr_rows + 1, sizeof(*lines));
	size_t widths[NR_COLUMNS] = { 0 };

	if (!lines) {
		buf->err = -ENOMEM;
		return;
	}
	for (size_t i = 0; i <= nr_rows; i++) {
		fill_line(lines[i], i ? &rows[i - 1] : NULL);
		for (size_t c = 0; c < NR_COLUMNS; c++)
			widths[c] = PF_MAX(widths[c], width_of(lines[i][c]));
	}
	for (size_t i = 0; i <= nr_rows; i++)
		put_line(buf, (const char(*)[CELL_MAX])lines[i], widths);
	free(lines);
}

/* ---- CSV ---- */

/* Spreadsheets run what begins like a formula: such a text gets an apostrophe before it. */
static void csv_text(struct pf_buf *buf, const char *text)
{
	if (strchr("=+-@\t\r", text[0]) && text[0])
		pf_buf_adds(buf, "\"'");
	else
		pf_buf_adds(buf, "\"");
	for (; *text; text++)
		pf_buf_addf(buf, *text == '"' ? "\"\"" : "%c", *text);
	pf_buf_adds(buf, "\"");
}

/* A word of ours; in a report from elsewhere it may be any text. */
static void csv_word(struct pf_buf *buf, const char *text)
{
	const char *end = text;

	while (isalnum((unsigned char)*end))
		end++;
	if (*end)
		csv_text(buf, text);
	else
		pf_buf_adds(buf, text);
}

static void csv_uint(struct pf_buf *buf, uint64_t value)
{
	if (value == PF_NO_LIMIT)
		pf_buf_adds(buf, ",none");
	else if (value == PF_UNKNOWN)
		pf_buf_adds(buf, ",");
	else
		pf_buf_addf(buf, ",%" PRIu64, value);
}

static void csv_double(struct pf_buf *buf, double value)
{
	if (isfinite(value))
		pf_buf_addf(buf, ",%.6g", value);
	else
		pf_buf_adds(buf, ",");
}

static void csv_result(struct pf_buf *buf, const struct pf_policy_result *r)
{
	csv_uint(buf, r ? r->cpu.target : PF_UNKNOWN);
	csv_uint(buf, r ? r->cpu.limit : PF_UNKNOWN);
	csv_uint(buf, r ? r->memory.target : PF_UNKNOWN);
	csv_uint(buf, r ? r->memory.limit : PF_UNKNOWN);
}

static void csv_row(struct pf_buf *buf, const struct pf_view_row *row)
{
	static const struct pf_resources unknown = { PF_UNKNOWN, PF_UNKNOWN, PF_UNKNOWN,
						     PF_UNKNOWN };
	const struct pf_resources *present = row->present ? row->present : &unknown;
	const struct pf_recommendation *rec = row->rec;
	const struct pf_savings *s = rec ? &rec->savings : NULL;
	const char *texts[] = { row->name.cluster, row->name.namespace_name,
				pf_workload_kind_name(row->name.kind), row->name.workload,
				row->name.container };

	for (size_t i = 0; i < PF_ARRAY_SIZE(texts); i++) {
		pf_buf_adds(buf, i ? "," : "");
		csv_text(buf, texts[i]);
	}
	csv_uint(buf, row->nr_instances);
	csv_uint(buf, present->cpu_request_millicores);
	csv_uint(buf, present->cpu_limit_millicores);
	csv_uint(buf, present->memory_request_bytes);
	csv_uint(buf, present->memory_limit_bytes);
	pf_buf_adds(buf, ",");
	csv_word(buf, rec && rec->policy ? rec->policy : "");
	csv_result(buf, rec ? pf_view_result(rec) : NULL);
	csv_result(buf, rec ? pf_view_result_of(rec, "vpa") : NULL);
	csv_double(buf, rec ? rec->evidence.covered_hours : NAN);
	csv_double(buf, rec ? rec->evidence.usage_mean_millicores : NAN);
	csv_double(buf, rec ? rec->evidence.throttled_ratio : NAN);
	csv_uint(buf, rec ? rec->evidence.hot_peak_bytes : PF_UNKNOWN);
	csv_uint(buf, rec ? rec->evidence.oom_kills : PF_UNKNOWN);
	if (s && s->known)
		pf_buf_addf(buf, ",%" PRId64 ",%" PRId64, s->cpu_millicores, s->memory_bytes);
	else
		pf_buf_adds(buf, ",,");
	csv_double(buf, s && s->known ? s->money_per_month : NAN);
	pf_buf_adds(buf, ",");
	csv_word(buf,
		 s && s->known && isfinite(s->money_per_month) && s->currency ? s->currency : "");
	pf_buf_adds(buf, ",");
	if (rec && rec->nr_findings)
		findings_cell(buf, rec);
	pf_buf_adds(buf, "\n");
}

void pf_advice_csv(const struct pf_view_row *rows, size_t nr_rows, struct pf_buf *buf)
{
	pf_buf_adds(
		buf,
		"cluster,namespace,workload_kind,workload,container,nr_instances,"
		"cpu_request_millicores,cpu_limit_millicores,memory_request_bytes,memory_limit_bytes,policy,"
		"advised_cpu_request_millicores,advised_cpu_limit_millicores,advised_memory_request_bytes,"
		"advised_memory_limit_bytes,vpa_cpu_request_millicores,vpa_cpu_limit_millicores,"
		"vpa_memory_request_bytes,vpa_memory_limit_bytes,covered_hours,usage_mean_millicores,"
		"throttled_ratio,hot_peak_bytes,oom_kills,saved_cpu_millicores,saved_memory_bytes,"
		"saved_money_per_month,currency,findings\n");
	for (size_t i = 0; i < nr_rows; i++)
		csv_row(buf, &rows[i]);
}
