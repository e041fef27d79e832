// SPDX-License-Identifier: Apache-2.0
/*
 * forget.c - what is too old: reports go, hours become days, days go.
 */
#include <errno.h>
#include <string.h>

#include "collector/merge/seal.h"
#include "wire/summary.h"

enum {
	HOURS_OF_DAY = 24,
	SUMMARY_MEMORY_MAX = 128 << 20,
	STEP_HOURS = 6,	       /* of reports that go at once when the store is too large */
	KEEP_REPORT_HOURS = 3, /* the open hours are merged from reports */
	TIDY_ROUNDS = 64,
};

/* ---- hours into days ---- */

struct day_view {
	const struct pf_forget_input *in;
	struct pf_merge_set *set;
	struct pf_arena arena;
	uint32_t part, nr_parts;
};

/* A day has up to 24 points. */
static int add_points(struct pf_merged *merged, const struct pf_hour_point *points, size_t nr)
{
	if (!merged->points)
		merged->points = calloc(HOURS_OF_DAY, sizeof(*merged->points));
	if (!merged->points)
		return -ENOMEM;
	for (size_t i = 0; i < nr && merged->nr_points < HOURS_OF_DAY; i++)
		merged->points[merged->nr_points++] = points[i];
	return 0;
}

static int add_hour(void *arg, const struct pf_store_summary *summary)
{
	struct day_view *view = arg;
	PF_AUTO(pf_evidence_freep) struct pf_evidence *evidence = NULL;
	const struct pf_hour_point *points;
	struct pf_merged *merged;
	struct pf_wire_error error;
	size_t nr;
	int r;

	if (pf_merge_part_of(&summary->key, view->nr_parts) != view->part)
		return 0;
	pf_arena_reset(&view->arena);
	r = pf_wire_decode_summary(summary->body, summary->body_len, view->in->settings,
				   &view->arena, &evidence, &points, &nr, &error);
	if (r == -EBADMSG || r == -ENOSPC)
		return 0; /* it was counted when it was loaded */
	if (r == 0)
		r = pf_merge_get(view->set, &summary->key, &merged);
	if (r == -ENOSPC)
		return 0; /* the table is full: the base has no room for it either, and counts it */
	if (r == 0)
		r = pf_evidence_merge(merged->evidence, evidence);
	return r < 0 ? r : add_points(merged, points, nr);
}

static int make_day(const struct pf_forget_input *in, const struct pf_seal_list *seals,
		    uint32_t start_hour)
{
	PF_AUTO(pf_seal_list_done) struct pf_seal_list again = { 0 };
	PF_AUTO(pf_merge_set_done) struct pf_merge_set set = { 0 };
	struct pf_store_sealed sealed = { PF_SUMMARY_DAY, start_hour,
					  pf_seal_day_fingerprint(seals->seals, seals->nr,
								  start_hour) };
	struct day_view view = { .in = in, .set = &set, .nr_parts = PF_MAX(in->nr_parts, 1u) };
	int r = pf_merge_set_init(&set, in->max_workloads, in->settings);

	if (r < 0)
		return r;
	pf_arena_init(&view.arena, SUMMARY_MEMORY_MAX);
	for (; view.part < view.nr_parts && r == 0; view.part++) {
		r = in->ops->list_summaries(in->store, PF_SUMMARY_HOUR, start_hour,
					    start_hour + HOURS_OF_DAY, add_hour, &view);
		if (r == 0)
			r = pf_merge_pack_all(&set);
	}
	pf_arena_done(&view.arena);
	if (r == 0)
		r = pf_seal_list_read(in->ops, in->store, &again);
	if (r < 0)
		return r;
	/* Another collector may have done it while we read, and taken hours out under our hands. */
	if (pf_seal_list_find(&again, PF_SUMMARY_DAY, start_hour) ||
	    pf_seal_day_fingerprint(again.seals, again.nr, start_hour) != sealed.fingerprint)
		return 0;
	return pf_seal_write(in->ops, in->store, &set, &sealed);
}

/* Days that are so old that no report of theirs is left or taken any more. */
static int make_days(const struct pf_forget_input *in)
{
	PF_AUTO(pf_seal_list_done) struct pf_seal_list seals = { 0 };
	uint32_t age = in->report_hours + 2 * HOURS_OF_DAY, last_day = UINT32_MAX;
	int r = pf_seal_list_read(in->ops, in->store, &seals);

	for (size_t i = 0; i < seals.nr && r == 0; i++) {
		uint32_t day = seals.seals[i].start_hour / HOURS_OF_DAY * HOURS_OF_DAY;

		if (seals.seals[i].level != PF_SUMMARY_HOUR || day + age > in->now_hour ||
		    day == last_day || pf_seal_list_find(&seals, PF_SUMMARY_DAY, day))
			continue;
		last_day = day; /* seals are sorted */
		r = make_day(in, &seals, day);
	}
	return r;
}

/* ---- deleting ---- */

static int note_newest(void *arg, const struct pf_store_report *report)
{
	uint32_t *newest = arg;

	*newest = PF_MAX(*newest, report->hour_max);
	return 0;
}

/* With a clock that is far ahead all reports go, once; hours that are still to come stay whole. */
static int delete_reports(const struct pf_forget_input *in, uint32_t before, uint32_t newest)
{
	int r = in->ops->raise_mark(in->store, PF_MARK_WHOLE_FROM,
				    PF_MIN((uint64_t)before, (uint64_t)newest + 1));

	return r < 0 ? r : in->ops->delete_reports_before(in->store, before);
}

static int in_transaction(const struct pf_forget_input *in, uint32_t reports_before,
			  uint32_t summaries_before)
{
	uint32_t newest = 0;
	int r = reports_before ? in->ops->list_reports(in->store, 0, reports_before - 1,
						       note_newest, &newest)
			       : 0;

	if (r == 0)
		r = in->ops->begin(in->store);
	if (r < 0)
		return r;
	if (reports_before)
		r = delete_reports(in, reports_before, newest);
	if (r == 0 && summaries_before)
		r = in->ops->delete_summaries(in->store, PF_SUMMARY_HOUR, 0, summaries_before);
	if (r == 0 && summaries_before)
		r = in->ops->delete_summaries(in->store, PF_SUMMARY_DAY, 0, summaries_before);
	if (r == 0)
		r = in->ops->commit(in->store);
	if (r < 0)
		in->ops->rollback(in->store);
	return r;
}

struct oldest {
	uint32_t report, summary; /* hours; UINT32_MAX: none */
};

static int note_report(void *arg, const struct pf_store_report *report)
{
	struct oldest *oldest = arg;

	oldest->report = PF_MIN(oldest->report, report->hour_max);
	return 0;
}

static int note_seal(void *arg, const struct pf_store_sealed *sealed)
{
	struct oldest *oldest = arg;

	oldest->summary = PF_MIN(oldest->summary, sealed->start_hour);
	return 0;
}

/* Reports first: what they say is in the summaries. Return: 1 something went; 0 nothing may. */
static int drop_oldest(const struct pf_forget_input *in)
{
	struct oldest oldest = { UINT32_MAX, UINT32_MAX };
	int r = in->ops->list_reports(in->store, 0, UINT32_MAX, note_report, &oldest);

	if (r == 0)
		r = in->ops->list_sealed(in->store, note_seal, &oldest);
	if (r < 0)
		return r;
	if (oldest.report < in->now_hour - KEEP_REPORT_HOURS) {
		r = in_transaction(
			in, PF_MIN(oldest.report + STEP_HOURS, in->now_hour - KEEP_REPORT_HOURS),
			0);
		return r < 0 ? r : 1;
	}
	if (oldest.summary + HOURS_OF_DAY < in->now_hour) {
		r = in_transaction(in, 0, oldest.summary + HOURS_OF_DAY);
		return r < 0 ? r : 1;
	}
	return 0;
}

static int shrink(const struct pf_forget_input *in, struct pf_store_size *size, char *line,
		  size_t line_size)
{
	uint64_t before = size->bytes;
	int r = 1;

	while (r == 1 && in->max_bytes && size->bytes > in->max_bytes) {
		r = drop_oldest(in);
		if (r == 1 && in->ops->size(in->store, size) < 0)
			break;
	}
	if (size->bytes < before)
		(void)snprintf(line, line_size,
			       "the store had %llu bytes, more than --retention.size: the oldest "
			       "went, %llu are left",
			       (unsigned long long)before, (unsigned long long)size->bytes);
	return r < 0 ? r : 0;
}

int pf_forget(const struct pf_forget_input *in, struct pf_store_size *ret_size, char *line,
	      size_t line_size)
{
	struct pf_store_size size;
	int r = make_days(in);

	if (r == 0)
		r = in_transaction(in, in->now_hour - PF_MIN(in->now_hour, in->report_hours),
				   in->now_hour - PF_MIN(in->now_hour, in->retention_hours));
	if (r == 0)
		r = in->ops->size(in->store, &size);
	if (r == 0)
		r = shrink(in, &size, line, line_size);
	for (int i = 0; i < TIDY_ROUNDS && r == 0; i++)
		r = in->ops->tidy(in->store);
	if (r == 0)
		*ret_size = size;
	return r;
}
