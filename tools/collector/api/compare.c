// SPDX-License-Identifier: Apache-2.0
#include "collector/api/compare.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/parse.h"
#include "collector/api/reply.h"
#include "collector/merge/load.h"
#include "collector/merge/resolve.h"
#include "collector/page/pages.h"
#include "core/compare.h"
#include "core/evidence.h"
#include "core/filter.h"
#include "core/units.h"
#include "report/emit.h"
#include "report/measure.h"
#include "report/page_compare.h"
#include "sys/clock.h"

enum { INSTANCES_MAX = 20000, ERROR_MAX = 320 };

struct question {
	struct pf_filter *stable, *canary, *common;
	uint64_t window_ns, now_ns;
	uint32_t from_hour;
	bool baseline, asked;
	int fail_on; /* pf_decision; 0: never */
};

static void question_done(struct question *q)
{
	pf_filter_free(q->stable);
	pf_filter_free(q->canary);
	pf_filter_free(q->common);
}

/* ---- gathering ---- */

/* One side while it grows: an observation for each instance. */
struct side {
	struct pf_compare_side side;
	uint64_t *ids;
	double *sums; /* PF_NR_SUMS each */
	size_t cap;
};

enum sum {
	SUM_COVERED,
	SUM_WAIT,
	SUM_PERIODS,
	SUM_THROTTLED,
	SUM_USAGE,
	SUM_HOT,
	SUM_ERRORS,
	SUM_WAITS_P95,
	PF_NR_SUMS,
};

struct gathering {
	const struct question *q;
	struct side stable, canary;
};

static void side_done(struct side *side)
{
	free(side->side.observations);
	free(side->ids);
	free(side->sums);
}

static int grow(struct side *side)
{
	size_t cap = side->cap ? side->cap * 2 : 64;
	void *observations, *ids, *sums;

	if (side->side.nr < side->cap)
		return 0;
	if (cap > INSTANCES_MAX * 2)
		return -ENOSPC;
	observations = realloc(side->side.observations, cap * sizeof(*side->side.observations));
	if (observations)
		side->side.observations = observations;
	ids = realloc(side->ids, cap * sizeof(*side->ids));
	if (ids)
		side->ids = ids;
	sums = realloc(side->sums, cap * PF_NR_SUMS * sizeof(*side->sums));
	if (sums)
		side->sums = sums;
	if (!observations || !ids || !sums)
		return -ENOMEM;
	side->cap = cap;
	return 0;
}

/* Slices come by instance, so a new one is at the end. */
static int place_of(struct side *side, uint64_t id, size_t *ret_at)
{
	size_t nr = side->side.nr;
	int r;

	if (nr && side->ids[nr - 1] == id) {
		*ret_at = nr - 1;
		return 0;
	}
	r = grow(side);
	if (r < 0)
		return r;
	side->ids[nr] = id;
	memset(&side->sums[nr * PF_NR_SUMS], 0, PF_NR_SUMS * sizeof(*side->sums));
	for (size_t m = 0; m < PF_NR_MEASURES; m++)
		side->side.observations[nr].values[m] = NAN;
	side->side.nr++;
	*ret_at = nr;
	return 0;
}

static double known(uint64_t value)
{
	return value >= PF_NO_LIMIT ? 0 : (double)value;
}

static void add_waits(struct pf_compare_side *side, const struct pf_slice *slice)
{
	static const enum pf_sample_hist which[] = { PF_HIST_QUOTA_WAIT, PF_HIST_CONTENTION_WAIT };

	for (size_t k = 0; k < PF_ARRAY_SIZE(which); k++)
		for (size_t i = 0; slice->hists[which[k]] && i < PF_LATENCY_BUCKETS; i++) {
			side->waits[i] += slice->hists[which[k]][i];
			side->nr_waits += slice->hists[which[k]][i];
		}
}

/* 95 % of an instance's waits in a slice; the mean over its slices is its latency. */
static double slice_p95(const struct pf_slice *slice)
{
	uint32_t both[PF_LATENCY_BUCKETS] = { 0 };
	double value;

	if (slice->hists[PF_HIST_QUOTA_WAIT])
		pf_hist_add(both, slice->hists[PF_HIST_QUOTA_WAIT], PF_LATENCY_BUCKETS);
	if (slice->hists[PF_HIST_CONTENTION_WAIT])
		pf_hist_add(both, slice->hists[PF_HIST_CONTENTION_WAIT], PF_LATENCY_BUCKETS);
	return pf_hist_quantile(PF_LAYOUT_LATENCY_NS, both, 0, 0.95, &value) == 0 ? value : 0;
}

static void add_slice(struct side *side, size_t at, const struct pf_resolved *one)
{
	const struct pf_slice *slice = one->slice;
	double *sums = &side->sums[at * PF_NR_SUMS], covered = (double)slice->covered_ns;
	double *values = side->side.observations[at].values;

	sums[SUM_COVERED] += covered;
	sums[SUM_WAIT] += known(slice->quota_wait_ns) + known(slice->contention_wait_ns);
	sums[SUM_PERIODS] += known(slice->nr_periods);
	sums[SUM_THROTTLED] += known(slice->nr_throttled);
	sums[SUM_USAGE] += known(slice->usage_ns);
	sums[SUM_HOT] += isnan(slice->hot_mean_bytes) ? 0 : covered * slice->hot_mean_bytes;
	sums[SUM_ERRORS] += known(slice->oom_kills) + known(slice->restarts);
	sums[SUM_WAITS_P95] += covered * slice_p95(slice);
	add_waits(&side->side, slice);
	if (sums[SUM_COVERED] <= 0)
		return;
	if (slice->nr_waits != PF_UNKNOWN) {
		values[PF_MEASURE_LATENCY_P95] = sums[SUM_WAITS_P95] / sums[SUM_COVERED];
		values[PF_MEASURE_WAIT] = sums[SUM_WAIT] / sums[SUM_COVERED] * 1e9;
	}
	if (slice->nr_periods != PF_UNKNOWN)
		values[PF_MEASURE_THROTTLED] =
			sums[SUM_PERIODS] > 0 ? sums[SUM_THROTTLED] / sums[SUM_PERIODS] : 0;
	if (slice->usage_ns != PF_UNKNOWN)
		values[PF_MEASURE_CPU] = sums[SUM_USAGE] / sums[SUM_COVERED] * 1000;
	if (!isnan(slice->hot_mean_bytes))
		values[PF_MEASURE_MEMORY] = sums[SUM_HOT] / sums[SUM_COVERED];
	values[PF_MEASURE_ERRORS] = sums[SUM_ERRORS] / sums[SUM_COVERED] * (double)PF_NS_PER_HOUR;
	values[PF_MEASURE_MEMORY_TREND] = one->container->leak && one->container->leak->state
						  ? one->container->leak->slope_bytes_per_hour
						  : one->container->now.hot_trend_bytes_per_hour;
	side->side.observations[at].covered_ns = sums[SUM_COVERED];
}

static int take_slice(void *arg, const struct pf_resolved *one)
{
	struct gathering *g = arg;
	const struct pf_identity *identity = one->container->identity;
	const char *node = one->report->node;
	struct side *side;
	size_t at;
	int r;

	if (!pf_filter_match(g->q->common, node, identity))
		return 0;
	if (pf_filter_match(g->q->canary, node, identity))
		side = &g->canary;
	else if (pf_filter_match(g->q->stable, node, identity))
		side = &g->stable;
	else
		return 0;
	r = place_of(side, one->instance ^ pf_evidence_instance_id(node), &at);
	if (r == 0)
		add_slice(side, at, one);
	return r;
}

static int gather(struct pf_collector *c, struct gathering *g)
{
	PF_AUTO(pf_row_list_done) struct pf_row_list rows = { 0 };
	struct pf_store *store = NULL;
	struct pf_loader loader;
	char error[256];
	int r = pf_readers_take(c->readers, &store, error, sizeof(error));

	if (r < 0)
		return r;
	r = pf_row_list_read(c->store, store, g->q->from_hour, UINT32_MAX, &rows);
	pf_loader_init(&loader, c->store, store, c->config->limits_inflated_bytes,
		       c->config->limits_decoded_bytes * 4);
	for (size_t at = 0, end; at < rows.nr && r == 0; at = end) {
		const struct pf_report *const *reports;
		size_t nr;

		end = pf_row_list_node_end(&rows, at);
		r = pf_loader_node(&loader, &rows.rows[at], end - at, &reports, &nr);
		if (r == 0)
			r = pf_resolve(reports, nr, g->q->from_hour, UINT32_MAX, take_slice, g);
	}
	pf_loader_done(&loader);
	pf_readers_give(c->readers, store, r < 0 && r != -ENOSPC);
	return r;
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

	q->window_ns = 2 * PF_NS_PER_HOUR;
	if (window && *window &&
	    (pf_parse_duration(window, &q->window_ns) < 0 || !q->window_ns ||
	     q->window_ns > c->config->retention_reports_ns)) {
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
	q->now_ns = (uint64_t)pf_clock_wall_ns();
	q->from_hour = (uint32_t)((q->now_ns - q->window_ns) / PF_NS_PER_HOUR);
	return 0;
}

static int parse(struct pf_collector *c, const struct pf_http_request *req, struct question *q,
		 char error[ERROR_MAX])
{
	int r = parse_filter(req, "stable", true, &q->stable, error);

	if (r == 0)
		r = parse_filter(req, "canary", true, &q->canary, error);
	if (r == 0)
		r = parse_filter(req, "filter", false, &q->common, error);
	return r < 0 ? r : parse_rest(c, req, q, error);
}

/* Return: an HTTP status; 200: *@ret is set. */
static unsigned answer(struct pf_collector *c, struct question *q, struct pf_comparison *ret,
		       size_t ret_nr[2], char error[ERROR_MAX])
{
	struct gathering g = { .q = q };
	struct pf_compare_rules rules;
	int r = gather(c, &g);

	if (r == 0) {
		pf_compare_rules_default(q->baseline, &rules);
		pf_compare(&g.stable.side, &g.canary.side, &rules, ret);
		ret_nr[0] = g.stable.side.nr;
		ret_nr[1] = g.canary.side.nr;
	}
	side_done(&g.stable);
	side_done(&g.canary);
	if (r == -ENOSPC)
		(void)snprintf(
			error, ERROR_MAX,
			"more than %d instances: narrow it down with filter=", INSTANCES_MAX);
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
			    const size_t nr[2], struct pf_buf *out)
{
	struct pf_emit e;

	pf_emit_init(&e, out, false);
	pf_emit_open(&e, NULL, false);
	pf_emit_text(&e, "verdict", pf_decision_name(cmp->decision));
	pf_emit_text(&e, "confidence", pf_sureness_name(cmp->sureness));
	pf_emit_text(&e, "mode", q->baseline ? "baseline" : "podfit");
	pf_emit_uint(&e, "from_unix_ns", (uint64_t)q->from_hour * PF_NS_PER_HOUR);
	pf_emit_uint(&e, "to_unix_ns", q->now_ns);
	pf_emit_uint(&e, "nr_stable", nr[0]);
	pf_emit_uint(&e, "nr_canary", nr[1]);
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
	char error[ERROR_MAX] = "out of memory";
	struct pf_comparison cmp;
	struct pf_buf out;
	size_t nr[2] = { 0 }, len;
	unsigned status;

	if (parse(c, req, &q, error) < 0) {
		pf_http_reply_error(req, 400, "%s", error);
		return;
	}
	status = answer(c, &q, &cmp, nr, error);
	if (status != 200) {
		pf_http_reply_error(req, status, "%s", error);
		return;
	}
	pf_buf_init(&out, PF_ANSWER_MAX);
	emit_comparison(&q, &cmp, nr, &out);
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
	size_t nr[2] = { 0 };

	if (answer(c, q, cmp, nr, error) != 200) {
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
	view->from_unix_ns = (uint64_t)q->from_hour * PF_NS_PER_HOUR;
	view->to_unix_ns = q->now_ns;
	view->nr_stable = nr[0];
	view->nr_canary = nr[1];
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
