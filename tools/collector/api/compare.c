// SPDX-License-Identifier: Apache-2.0
#include "collector/api/compare.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/parse.h"
#include "collector/api/compare_gather.h"
#include "collector/api/reply.h"
#include "collector/page/pages.h"
#include "core/compare.h"
#include "core/units.h"
#include "report/emit.h"
#include "report/measure.h"
#include "report/page_compare.h"
#include "sys/clock.h"

enum { ERROR_MAX = 320 };

struct question {
	struct pf_compare_question what;
	bool baseline;
	int fail_on; /* pf_decision; 0: never */
};

static void question_done(struct question *q)
{
	pf_filter_free(q->what.stable);
	pf_filter_free(q->what.canary);
	pf_filter_free(q->what.common);
}

/* ---- the question ---- */

static int parse_filter(const struct pf_http_request *req, const char *name, bool needed,
			struct pf_filter **ret_filter, char error[ERROR_MAX])
{
	const char *text = pf_http_query(req, name);
	char why[256] = "";
	int r;

	if (needed && (!text || !*text)) {
		(void)snprintf(error, ERROR_MAX,
			       "%s= is missing: a filter such as label:track=canary", name);
		return -EINVAL;
	}
	r = pf_filter_parse(text, ret_filter, why, sizeof(why));
	if (r < 0)
		(void)snprintf(error, ERROR_MAX, "%s: %s", name, r == -EINVAL ? why : "too long");
	return r;
}

static int parse_rest(struct pf_collector *c, const struct pf_http_request *req, struct question *q,
		      char error[ERROR_MAX])
{
	const char *window = pf_http_query(req, "window"), *mode = pf_http_query(req, "mode");
	const char *fail_on = pf_http_query(req, "fail_on");

	q->what.window_ns = 2 * PF_NS_PER_HOUR;
	if (window && *window &&
	    (pf_parse_duration(window, &q->what.window_ns) < 0 || !q->what.window_ns ||
	     q->what.window_ns > c->config->retention_reports_ns)) {
		(void)snprintf(error, ERROR_MAX,
			       "window=%.40s: want a duration such as 2h, at most "
			       "--retention.reports",
			       window);
		return -EINVAL;
	}
	if (mode && *mode && strcmp(mode, "podfit") != 0 && strcmp(mode, "baseline") != 0) {
		(void)snprintf(error, ERROR_MAX, "mode=%.40s: want podfit or baseline", mode);
		return -EINVAL;
	}
	q->baseline = mode && !strcmp(mode, "baseline");
	if (fail_on && *fail_on && strcmp(fail_on, "PAUSE") != 0 &&
	    strcmp(fail_on, "ROLLBACK") != 0) {
		(void)snprintf(error, ERROR_MAX, "fail_on=%.40s: want PAUSE or ROLLBACK", fail_on);
		return -EINVAL;
	}
	if (fail_on && *fail_on)
		q->fail_on = !strcmp(fail_on, "PAUSE") ? PF_PAUSE : PF_ROLLBACK;
	q->what.now_ns = (uint64_t)pf_clock_wall_ns();
	return 0;
}

static int parse(struct pf_collector *c, const struct pf_http_request *req, struct question *q,
		 char error[ERROR_MAX])
{
	int r = parse_filter(req, "stable", true, &q->what.stable, error);

	if (r == 0)
		r = parse_filter(req, "canary", true, &q->what.canary, error);
	if (r == 0)
		r = parse_filter(req, "filter", false, &q->what.common, error);
	return r < 0 ? r : parse_rest(c, req, q, error);
}

/* ---- the answer ---- */

/* The core's sentences have bare numbers; these are for people. */
static void say(struct pf_compared *row)
{
	const struct pf_measure_shown *shown = pf_measure_shown(row->measure);
	/* The core says so of all that looks worse and passes; some of it is sure, but tiny. */
	bool passed_worse = strstr(row->sentence, "may be chance") != NULL;
	const char *but = !passed_worse		    ? ""
			  : row->difference_low > 0 ? ", but too little to count"
						    : ", but it may be chance";
	char interval[160] = "", text[512];

	if (row->outcome == PF_OUTCOME_UNKNOWN) {
		(void)snprintf(row->sentence, sizeof(row->sentence), "%s: not measured",
			       shown->words);
		return;
	}
	if (isfinite(row->difference_low) && row->difference_high > row->difference_low)
		(void)snprintf(interval, sizeof(interval), ", 95 %% interval %s to %s",
			       pf_human_change(shown->quantity, row->difference_low).text,
			       pf_human_change(shown->quantity, row->difference_high).text);
	(void)snprintf(text, sizeof(text), "%s: %s, stable has %s (%s%s)%s", shown->words,
		       pf_human(shown->quantity, row->canary).text,
		       pf_human(shown->quantity, row->stable).text,
		       pf_human_change(shown->quantity, row->canary - row->stable).text, interval,
		       but);
	(void)snprintf(row->sentence, sizeof(row->sentence), "%.*s", (int)sizeof(row->sentence) - 1,
		       text);
}

/* The reasons begin with the sentences of what got worse, in order. */
static void say_all(struct pf_comparison *cmp)
{
	size_t nr = 0;

	for (size_t i = 0; i < PF_NR_MEASURES; i++) {
		say(&cmp->rows[i]);
		if (cmp->rows[i].outcome >= PF_OUTCOME_MEDIUM && nr < cmp->nr_reasons)
			memcpy(cmp->reasons[nr++], cmp->rows[i].sentence, sizeof(cmp->reasons[0]));
	}
}

static void conclude(const struct question *q, const struct pf_compare_data *data,
		     struct pf_comparison *cmp)
{
	struct pf_compare_rules rules;

	pf_compare_rules_default(q->baseline, &rules);
	pf_compare(&data->stable, &data->canary, &rules, cmp);
	say_all(cmp);
	if (data->nr_hours || !data->nr_stable_seen || !data->nr_canary_seen)
		return;
	cmp->nr_reasons = 1;
	(void)snprintf(cmp->reasons[0], sizeof(cmp->reasons[0]),
		       "the two sets did not run in the same hour of the window: nothing to "
		       "compare");
}

/* Return: an HTTP status; 200: *@ret_cmp is set, and *@ret_data is to be done. */
static unsigned answer(struct pf_collector *c, const struct question *q,
		       struct pf_comparison *ret_cmp, struct pf_compare_data *ret_data,
		       char error[ERROR_MAX])
{
	int r = pf_compare_gather(c, &q->what, ret_data);

	if (r == 0)
		conclude(q, ret_data, ret_cmp);
	if (r == -ENOSPC)
		(void)snprintf(
			error, ERROR_MAX,
			"more than %d instances a side, or too many hours of them: narrow it "
			"down with filter= or window=",
			PF_COMPARE_INSTANCES_MAX);
	else if (r < 0)
		(void)snprintf(error, ERROR_MAX, "the store does not answer");
	return r == 0 ? 200 : r == -ENOSPC ? 400 : 503;
}

/* ---- as JSON ---- */

static void emit_row(struct pf_emit *e, const struct pf_compared *row)
{
	pf_emit_open(e, NULL, false);
	pf_emit_text(e, "measure", pf_measure_name(row->measure));
	pf_emit_double(e, "stable", row->stable);
	pf_emit_double(e, "canary", row->canary);
	pf_emit_double(e, "difference_low", row->difference_low);
	pf_emit_double(e, "difference_high", row->difference_high);
	pf_emit_double(e, "effect", row->effect);
	pf_emit_text(e, "outcome", pf_outcome_name(row->outcome));
	pf_emit_text(e, "sentence", row->sentence);
	pf_emit_close(e);
}

static void emit_comparison(const struct question *q, const struct pf_comparison *cmp,
			    const struct pf_compare_data *data, struct pf_buf *out)
{
	struct pf_emit e;

	pf_emit_init(&e, out, false);
	pf_emit_open(&e, NULL, false);
	pf_emit_text(&e, "verdict", pf_decision_name(cmp->decision));
	pf_emit_text(&e, "confidence", pf_sureness_name(cmp->sureness));
	pf_emit_text(&e, "mode", q->baseline ? "baseline" : "podfit");
	pf_emit_double(&e, "window_seconds", (double)q->what.window_ns / (double)PF_NS_PER_S);
	pf_emit_uint(&e, "from_unix_ns", data->from_unix_ns);
	pf_emit_uint(&e, "to_unix_ns", data->to_unix_ns);
	pf_emit_uint(&e, "nr_hours", data->nr_hours);
	pf_emit_uint(&e, "nr_hours_left_out", data->nr_left_out);
	pf_emit_uint(&e, "nr_stable", data->nr_stable_seen);
	pf_emit_uint(&e, "nr_canary", data->nr_canary_seen);
	pf_emit_open(&e, "reasons", true);
	for (size_t i = 0; i < cmp->nr_reasons; i++)
		pf_emit_text(&e, NULL, cmp->reasons[i]);
	pf_emit_close(&e);
	pf_emit_open(&e, "measures", true);
	for (size_t i = 0; i < PF_NR_MEASURES; i++)
		emit_row(&e, &cmp->rows[i]);
	pf_emit_close(&e);
	pf_emit_open(&e, "not_measured", true);
	pf_emit_text(&e, NULL, "latency of the service itself: podfit sees waits for a CPU");
	pf_emit_text(&e, NULL, "requests, and so throughput a CPU second");
	pf_emit_close(&e);
	pf_emit_close(&e);
}

void pf_answer_compare(struct pf_collector *c, struct pf_http_request *req)
{
	PF_AUTO(question_done) struct question q = { 0 };
	PF_AUTO(pf_compare_data_done) struct pf_compare_data data = { 0 };
	char error[ERROR_MAX] = "out of memory";
	struct pf_comparison cmp;
	struct pf_buf out;
	unsigned status;
	size_t len;

	if (parse(c, req, &q, error) < 0) {
		pf_http_reply_error(req, 400, "%s", error);
		return;
	}
	status = answer(c, &q, &cmp, &data, error);
	if (status != 200) {
		if (status == 503)
			pf_http_reply_header(req, "Retry-After", "5");
		pf_http_reply_error(req, status, "%s", error);
		return;
	}
	pf_buf_init(&out, PF_ANSWER_MAX);
	emit_comparison(&q, &cmp, &data, &out);
	pf_http_reply_header(req, "Cache-Control", "no-store");
	if (!q.fail_on || (int)cmp.decision < q.fail_on || out.err) {
		pf_reply_buf(req, "application/json", &out);
		return;
	}
	len = out.len;
	pf_http_reply(req, 422, "application/json", pf_buf_steal(&out), len);
}

/* ---- as a page ---- */

static enum pf_tone tone_of(enum pf_outcome outcome)
{
	static const enum pf_tone tones[] = { PF_TONE_PLAIN, PF_TONE_GOOD, PF_TONE_WARN,
					      PF_TONE_BAD };

	return tones[outcome];
}

static void fill_rows(const struct pf_comparison *cmp, struct pf_view_compared *rows)
{
	for (size_t i = 0; i < PF_NR_MEASURES; i++) {
		const struct pf_compared *row = &cmp->rows[i];

		rows[i] = (struct pf_view_compared){
			.name = pf_measure_shown((enum pf_measure)i)->words,
			.quantity = pf_measure_shown((enum pf_measure)i)->quantity,
			.stable = row->stable,
			.canary = row->canary,
			.difference_low = row->difference_low,
			.difference_high = row->difference_high,
			.effect = row->effect,
			.tone = tone_of(row->outcome),
			.outcome = row->outcome == PF_OUTCOME_UNKNOWN
					   ? "not measured"
					   : pf_outcome_name(row->outcome),
			.sentence = row->sentence,
		};
	}
}

static void fill_answer(struct pf_collector *c, struct question *q, struct pf_view_compare *view,
			struct pf_comparison *cmp, struct pf_view_compared *rows,
			const char **reasons, char error[ERROR_MAX])
{
	static const enum pf_tone tones[] = { PF_TONE_GOOD, PF_TONE_WARN, PF_TONE_BAD };
	PF_AUTO(pf_compare_data_done) struct pf_compare_data data = { 0 };

	if (answer(c, q, cmp, &data, error) != 200) {
		view->problem = error;
		return;
	}
	view->verdict = pf_decision_name(cmp->decision);
	view->tone = tones[cmp->decision];
	view->confidence = pf_sureness_name(cmp->sureness);
	for (size_t i = 0; i < cmp->nr_reasons; i++)
		reasons[i] = cmp->reasons[i];
	view->reasons = reasons;
	view->nr_reasons = cmp->nr_reasons;
	view->from_unix_ns = data.from_unix_ns;
	view->to_unix_ns = data.to_unix_ns;
	view->nr_hours = data.nr_hours;
	view->nr_hours_left_out = data.nr_left_out;
	view->nr_stable = data.nr_stable_seen;
	view->nr_canary = data.nr_canary_seen;
	fill_rows(cmp, rows);
	view->rows = rows;
	view->nr_rows = PF_NR_MEASURES;
}

void pf_pages_compare(struct pf_collector *c, struct pf_http_request *req)
{
	PF_AUTO(question_done) struct question q = { 0 };
	const char *stable = pf_http_query(req, "stable"), *reasons[PF_NR_MEASURES + 1];
	struct pf_view_compare view = { .page = { .title = "Compare",
						  .version = PF_VERSION,
						  .at_unix_ns = (uint64_t)pf_clock_wall_ns() } };
	struct pf_view_compared rows[PF_NR_MEASURES];
	struct pf_pages_params params;
	char error[ERROR_MAX] = "out of memory";
	struct pf_comparison cmp;
	struct pf_buf buf;
	int r;

	pf_view_nav(&view.page, PF_PAGE_COMPARE);
	pf_pages_params(req, &params);
	view.query = (struct pf_html_query){ .path = "/compare",
					     .params = params.list,
					     .nr_params = params.nr };
	view.asked = stable && *stable;
	if (view.asked && parse(c, req, &q, error) < 0)
		view.problem = error;
	else if (view.asked)
		fill_answer(c, &q, &view, &cmp, rows, reasons, error);
	pf_buf_init(&buf, PF_HTML_PAGE_MAX);
	r = pf_page_compare(&buf, &view);
	if (r < 0 && !buf.err)
		buf.err = r;
	pf_pages_reply(req, &buf);
}
