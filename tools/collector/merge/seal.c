// SPDX-License-Identifier: Apache-2.0
#include "collector/merge/seal.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "collector/merge/open.h"
#include "collector/merge/places.h"
#include "core/units.h"
#include "sys/clock.h"
#include "wire/summary.h"

enum {
	SUMMARY_MAX = 16 << 20,
	HOURS_OF_DAY = 24,
	PIECE_BYTES = 2 << 20, /* of summaries in a transaction that others wait for */
};

/* ---- fingerprints ---- */

static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

/* The order of rows must not matter, so their hashes are added up. */
static uint64_t row_hash(const struct pf_store_key *key)
{
	return mix(pf_evidence_instance_id(key->cluster) ^
		   mix(pf_evidence_instance_id(key->node) ^ mix(key->run_id ^ mix(key->sequence))));
}

uint64_t pf_seal_day_fingerprint(const struct pf_store_sealed *seals, size_t nr,
				 uint32_t start_hour)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < nr; i++)
		if (seals[i].level == PF_SUMMARY_HOUR && seals[i].start_hour >= start_hour &&
		    seals[i].start_hour < start_hour + HOURS_OF_DAY)
			sum += mix(seals[i].start_hour ^ mix(seals[i].fingerprint));
	return sum;
}

/* ---- the list of seals ---- */

static int take_seal(void *arg, const struct pf_store_sealed *sealed)
{
	struct pf_seal_list *list = arg;

	if (list->nr == list->cap) {
		size_t cap = list->cap ? list->cap * 2 : 256;
		void *seals = realloc(list->seals, cap * sizeof(*list->seals));

		if (!seals)
			return -ENOMEM;
		list->seals = seals;
		list->cap = cap;
	}
	list->seals[list->nr++] = *sealed;
	return 0;
}

int pf_seal_list_read(const struct pf_store_ops *ops, struct pf_store *store,
		      struct pf_seal_list *ret_list)
{
	struct pf_seal_list list = { .nr = 0 };
	int r = ops->list_sealed(store, take_seal, &list);

	if (r < 0) {
		pf_seal_list_done(&list);
		return r;
	}
	*ret_list = list;
	return 0;
}

void pf_seal_list_done(struct pf_seal_list *list)
{
	free(list->seals);
	*list = (struct pf_seal_list){ 0 };
}

const struct pf_store_sealed *pf_seal_list_find(const struct pf_seal_list *list,
						enum pf_summary_level level, uint32_t start_hour)
{
	for (size_t i = 0; i < list->nr; i++)
		if (list->seals[i].level == level && list->seals[i].start_hour == start_hour)
			return &list->seals[i];
	return NULL;
}

/* ---- writing ---- */

static int put_one(const struct pf_store_ops *ops, struct pf_store *store,
		   const struct pf_merged *merged, const struct pf_store_sealed *sealed)
{
	struct pf_store_summary summary = { .level = sealed->level,
					    .start_hour = sealed->start_hour,
					    .key = merged->key,
					    .body = merged->packed,
					    .body_len = merged->packed_len };

	return ops->put_summary(store, &summary);
}

static int delete_old(const struct pf_store_ops *ops, struct pf_store *store,
		      const struct pf_store_sealed *sealed)
{
	uint32_t length = sealed->level == PF_SUMMARY_DAY ? HOURS_OF_DAY : 1;
	int r = ops->delete_summaries(store, sealed->level, sealed->start_hour,
				      sealed->start_hour + length);

	if (r == 0 && sealed->level == PF_SUMMARY_DAY)
		r = ops->delete_summaries(store, PF_SUMMARY_HOUR, sealed->start_hour,
					  sealed->start_hour + length);
	return r;
}

/* Commits what there is and begins again, after a pause as long as it took: whoever waits comes in. */
static int make_way(const struct pf_store_ops *ops, struct pf_store *store, uint64_t *start_ns)
{
	int r = ops->commit(store);
	uint64_t took_ns = pf_clock_monotonic_ns() - *start_ns;
	struct timespec pause = { (time_t)(took_ns / PF_NS_PER_S), (long)(took_ns % PF_NS_PER_S) };

	if (r < 0)
		return r;
	(void)nanosleep(&pause, NULL); /* early: a shorter pause */
	*start_ns = pf_clock_monotonic_ns();
	return ops->begin(store);
}

/*
 * In a transaction. An hour may be written in pieces where others wait for the store: its old seal
 * goes with the first piece and the new one comes with the last, and without a seal it is merged
 * again. Not a day, whose hours go with it.
 */
static int write_all(const struct pf_store_ops *ops, struct pf_store *store,
		     const struct pf_merge_set *set, const struct pf_store_sealed *sealed)
{
	bool in_pieces = ops->writers_wait && sealed->level == PF_SUMMARY_HOUR;
	uint64_t start_ns = pf_clock_monotonic_ns();
	struct pf_merged *merged;
	size_t bytes = 0;
	int r = delete_old(ops, store, sealed);

	if (r < 0)
		return r;
	pf_map_for_each(set->map, cursor, merged) {
		r = put_one(ops, store, merged, sealed);
		bytes += merged->packed_len;
		if (r == 0 && in_pieces && bytes > PIECE_BYTES) {
			bytes = 0;
			r = make_way(ops, store, &start_ns);
		}
		if (r < 0)
			return r;
	}
	return ops->put_sealed(store, sealed);
}

int pf_seal_write(const struct pf_store_ops *ops, struct pf_store *store, struct pf_merge_set *set,
		  const struct pf_store_sealed *sealed)
{
	int r = ops->begin(store);

	if (r < 0)
		return r;
	r = write_all(ops, store, set, sealed);
	if (r == 0)
		r = ops->commit(store);
	if (r < 0)
		ops->rollback(store);
	return r;
}

/* ---- one hour ---- */

struct hour_view {
	const struct pf_seal_input *in;
	const struct pf_row_list *rows;
	uint32_t hour;
	struct pf_merge_set *set;
	const char *node_class;
	struct pf_places places;
	uint32_t part, nr_parts;
};

static int add_slice(void *arg, const struct pf_resolved *one)
{
	const struct hour_view *view = arg;
	struct pf_workload_key key;

	pf_merge_key_of(one->report, one->container->identity, "", &key);
	if (pf_merge_part_of(&key, view->nr_parts) != view->part)
		return 0;
	return pf_merge_add_resolved(view->set, one, view->node_class);
}

/* The rows [@at, @end) are one node's. Its class is the same in every part: the newest report is. */
static int add_node(struct hour_view *view, size_t at, size_t end)
{
	const struct pf_seal_input *in = view->in;
	const struct pf_wire_choice choice = { .wanted = view->part ? pf_places_wanted : NULL,
					       .arg = &view->places,
					       .hour_from = view->hour,
					       .hour_to = view->hour };
	const struct pf_report *const *reports;
	size_t nr;
	int r;

	in->loader->choice = &choice;
	r = pf_loader_node(in->loader, &view->rows->rows[at], end - at, &reports, &nr);
	in->loader->choice = NULL;
	if (r == 0 && !view->part && view->nr_parts > 1)
		r = pf_places_note(&view->places, reports, nr, view->nr_parts);
	if (r < 0 || !nr)
		return r;
	view->node_class =
		pf_merge_node_class(pf_resolve_newest(reports, nr), in->node_class_label);
	return pf_resolve(reports, nr, view->hour, view->hour, add_slice, view);
}

/* One part of the workloads. */
static int merge_part(struct hour_view *view)
{
	pf_places_begin(&view->places, view->part);
	for (size_t at = 0; at < view->rows->nr; pf_places_next(&view->places)) {
		size_t end = pf_row_list_node_end(view->rows, at);
		int r = add_node(view, at, end);

		if (r < 0)
			return r;
		at = end;
	}
	pf_merge_finish(view->set);
	return pf_merge_pack_all(view->set);
}

static int seal_hour(const struct pf_seal_input *in, const struct pf_store_sealed *sealed)
{
	PF_AUTO(pf_row_list_done) struct pf_row_list rows = { 0 };
	PF_AUTO(pf_merge_set_done) struct pf_merge_set set = { 0 };
	struct hour_view view = { .in = in,
				  .rows = &rows,
				  .hour = sealed->start_hour,
				  .set = &set,
				  .nr_parts = PF_MAX(in->nr_parts, 1u) };
	int r = pf_row_list_read(in->ops, in->store, sealed->start_hour, sealed->start_hour, &rows);

	if (r == 0)
		r = pf_merge_set_init(&set, in->max_workloads, in->settings);
	for (; view.part < view.nr_parts && r == 0; view.part++)
		r = merge_part(&view);
	pf_places_done(&view.places);
	return r < 0 ? r : pf_seal_write(in->ops, in->store, &set, sealed);
}

/* ---- which hours ---- */

struct hours {
	uint32_t from, nr;
	uint64_t *fingerprints; /* 0: no report has slices of it */
};

static int add_row(void *arg, const struct pf_store_report *row)
{
	struct hours *hours = arg;
	uint32_t last = PF_MIN(row->hour_max, hours->from + hours->nr - 1);
	uint64_t hash = row_hash(&row->key);

	for (uint32_t h = PF_MAX(row->hour_min, hours->from); h <= last; h++) {
		uint64_t *sum = &hours->fingerprints[h - hours->from];

		*sum += hash;
		*sum += *sum == 0; /* 0 means none */
	}
	return 0;
}

static int seal_hours(const struct pf_seal_input *in, const struct pf_seal_list *seals,
		      const struct hours *hours, uint64_t *nr_sealed)
{
	for (uint32_t i = 0; i < hours->nr; i++) {
		struct pf_store_sealed sealed = { PF_SUMMARY_HOUR, hours->from + i,
						  hours->fingerprints[i] };
		const struct pf_store_sealed *old =
			pf_seal_list_find(seals, PF_SUMMARY_HOUR, sealed.start_hour);
		uint32_t day = sealed.start_hour / HOURS_OF_DAY * HOURS_OF_DAY;
		int r;

		if (!sealed.fingerprint || (old && old->fingerprint == sealed.fingerprint) ||
		    pf_seal_list_find(seals, PF_SUMMARY_DAY, day))
			continue;
		r = seal_hour(in, &sealed);
		if (r < 0)
			return r;
		++*nr_sealed;
	}
	return 0;
}

/* The first hour of which every report is there that came. */
static int whole_from(const struct pf_seal_input *in, uint32_t *ret_hour)
{
	uint64_t mark;
	int r = in->ops->get_mark(in->store, PF_MARK_WHOLE_FROM, &mark);

	if (r < 0)
		return r;
	mark = PF_MAX(mark, (uint64_t)in->now_hour - PF_MIN(in->now_hour, in->report_hours));
	*ret_hour = (uint32_t)PF_MIN(mark, (uint64_t)in->open_from);
	return 0;
}

static int seal_all(const struct pf_seal_input *in, uint64_t *nr_sealed)
{
	PF_AUTO(pf_seal_list_done) struct pf_seal_list seals = { 0 };
	PF_AUTO(pf_freep) uint64_t *fingerprints = NULL;
	struct hours hours;
	int r = whole_from(in, &hours.from);

	if (r < 0)
		return r;
	hours.nr = in->open_from - hours.from;
	fingerprints = calloc(hours.nr + 1, sizeof(*fingerprints));
	r = fingerprints ? pf_seal_list_read(in->ops, in->store, &seals) : -ENOMEM;
	hours.fingerprints = fingerprints;
	if (r == 0 && hours.nr)
		r = in->ops->list_reports(in->store, hours.from, in->open_from - 1, add_row,
					  &hours);
	return r < 0 || !hours.nr ? r : seal_hours(in, &seals, &hours, nr_sealed);
}

/* ---- the base ---- */

struct base_view {
	const struct pf_seal_input *in;
	struct pf_arena arena;
	uint32_t part, nr_parts;
};

static int add_summary(void *arg, const struct pf_store_summary *summary)
{
	struct base_view *view = arg;
	PF_AUTO(pf_evidence_freep) struct pf_evidence *evidence = NULL;
	const struct pf_hour_point *points;
	struct pf_wire_error error;
	size_t nr;
	int r;

	if (pf_merge_part_of(&summary->key, view->nr_parts) != view->part)
		return 0;
	pf_arena_reset(&view->arena);
	r = pf_wire_decode_summary(summary->body, summary->body_len, view->in->settings,
				   &view->arena, &evidence, &points, &nr, &error);
	if (r == -EBADMSG || r == -ENOSPC) {
		view->in->loader->nr_unreadable++;
		return 0;
	}
	return r < 0 ? r : pf_base_add(view->in->base, &summary->key, evidence, points, nr);
}

static bool is_in_base(const struct pf_base *base, const struct pf_store_sealed *sealed)
{
	const struct pf_store_sealed *own = pf_base_seal(base, sealed->level, sealed->start_hour);

	if (own)
		return own->fingerprint == sealed->fingerprint;
	/* A day that was made of the very hours that are merged in already. */
	return sealed->level == PF_SUMMARY_DAY && sealed->fingerprint &&
	       pf_seal_day_fingerprint(base->seals, base->nr_seals, sealed->start_hour) ==
		       sealed->fingerprint;
}

/* Something that is merged in is no longer so in the store: it cannot be taken out again. */
static bool is_stale(const struct pf_base *base, const struct pf_seal_list *seals)
{
	for (size_t i = 0; i < seals->nr; i++) {
		const struct pf_store_sealed *sealed = &seals->seals[i];

		if (is_in_base(base, sealed))
			continue;
		if (pf_base_seal(base, sealed->level, sealed->start_hour))
			return true; /* made again from other reports */
		if (sealed->level == PF_SUMMARY_DAY &&
		    pf_seal_day_fingerprint(base->seals, base->nr_seals, sealed->start_hour))
			return true; /* of other hours than those merged in */
	}
	return false;
}

static bool is_to_load(const struct pf_seal_input *in, const struct pf_store_sealed *sealed)
{
	return sealed->start_hour >= in->window_from && sealed->start_hour < in->open_from &&
	       !is_in_base(in->base, sealed);
}

/* One part of the workloads, of all hours and days that are not in the base yet. */
static int load_part(struct base_view *view, const struct pf_seal_list *seals)
{
	const struct pf_seal_input *in = view->in;
	int r = 0;

	for (size_t i = 0; i < seals->nr && r == 0; i++)
		if (is_to_load(in, &seals->seals[i]))
			r = in->ops->list_summaries(
				in->store, seals->seals[i].level, seals->seals[i].start_hour,
				seals->seals[i].start_hour + 1, add_summary, view);
	return r < 0 ? r : pf_merge_pack_all(&in->base->set);
}

/* A day whose hours are in the base counts as there; while hours are noted one by one it must not
 * begin to. So what is to be noted is decided before. */
static int note_seals(const struct pf_seal_input *in, const struct pf_seal_list *seals)
{
	PF_AUTO(pf_freep) bool *loaded = calloc(seals->nr + 1, sizeof(*loaded));
	int r = loaded ? 0 : -ENOMEM;

	for (size_t i = 0; i < seals->nr && r == 0; i++)
		loaded[i] = is_to_load(in, &seals->seals[i]);
	for (size_t i = 0; i < seals->nr && r == 0; i++)
		if (loaded[i])
			r = pf_base_note_seal(in->base, &seals->seals[i]);
	return r;
}

static int reset_base(const struct pf_seal_input *in)
{
	pf_base_done(in->base);
	return pf_base_init(in->base, in->max_workloads, in->settings);
}

static int load_all(const struct pf_seal_input *in)
{
	PF_AUTO(pf_seal_list_done) struct pf_seal_list seals = { 0 };
	struct base_view view = { .in = in, .nr_parts = PF_MAX(in->nr_parts, 1u) };
	int r = pf_seal_list_read(in->ops, in->store, &seals), failed;

	if (r == 0 && is_stale(in->base, &seals))
		r = reset_base(in);
	if (r < 0)
		return r;
	pf_arena_init(&view.arena, SUMMARY_MAX * 8);
	for (; view.part < view.nr_parts && r == 0; view.part++)
		r = load_part(&view, &seals);
	pf_arena_done(&view.arena);
	if (r == 0)
		r = note_seals(in, &seals);
	if (r == 0)
		return 0;
	/* Something of an hour may be in it already: it would count twice the next time. */
	failed = r;
	r = reset_base(in);
	return r < 0 ? r : failed;
}

/* Seals and summaries as of one moment: another collector may be making them again. */
static int update_base(const struct pf_seal_input *in)
{
	int r = in->ops->begin_reading(in->store);

	if (r < 0)
		return r;
	r = load_all(in);
	in->ops->end_reading(in->store);
	return r;
}

int pf_seal(const struct pf_seal_input *in, uint64_t *ret_nr_sealed)
{
	int r;

	*ret_nr_sealed = 0;
	r = in->look_for_late ? seal_all(in, ret_nr_sealed) : 0;
	return r < 0 ? r : update_base(in);
}
