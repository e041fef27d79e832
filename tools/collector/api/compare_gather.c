// SPDX-License-Identifier: Apache-2.0
#include "collector/api/compare_gather.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "collector/merge/load.h"
#include "collector/merge/resolve.h"
#include "core/evidence.h"
#include "core/units.h"

enum { PIECES_MAX = 1 << 20 };

/* What adds up over the hours of an instance, and by what it is divided: known together or not at all. */
enum sum { SUM_P95, SUM_WAIT, SUM_PERIODS, SUM_USAGE, SUM_HOT, SUM_ERRORS, PF_NR_SUMS };

struct ratio {
	double above, below;
	uint64_t nr_known; /* slices */
};

/* One instance in one hour. */
struct piece {
	uint32_t instance; /* index */
	uint32_t hour;
	double covered_ns;
	struct ratio sums[PF_NR_SUMS];
};

struct side {
	uint64_t *ids;
	double *trends; /* newest; NaN */
	size_t nr_instances, instances_cap;
	struct piece *pieces;
	size_t nr_pieces, pieces_cap;
	uint64_t *waits; /* PF_LATENCY_BUCKETS of each hour */
};

struct gathering {
	const struct pf_compare_question *question;
	uint32_t from_hour, nr_hours;
	struct side stable, canary;
};

static void gathering_done(struct gathering *g)
{
	struct side *sides[] = { &g->stable, &g->canary };

	for (size_t i = 0; i < PF_ARRAY_SIZE(sides); i++) {
		free(sides[i]->ids);
		free(sides[i]->trends);
		free(sides[i]->pieces);
		free(sides[i]->waits);
	}
}

/* ---- one slice ---- */

static int grow(void **list, size_t *cap, size_t nr, size_t size, size_t max)
{
	size_t more = *cap ? *cap * 2 : 64;
	void *bigger;

	if (nr >= max)
		return -ENOSPC;
	if (nr < *cap)
		return 0;
	bigger = realloc(*list, more * size);
	if (!bigger)
		return -ENOMEM;
	*list = bigger;
	*cap = more;
	return 0;
}

/* Slices come by instance, so a new one is at the end. */
static int instance_of(struct side *side, uint64_t id)
{
	size_t nr = side->nr_instances, cap = side->instances_cap;
	int r;

	if (nr && side->ids[nr - 1] == id)
		return 0;
	r = grow((void **)&side->trends, &cap, nr, sizeof(*side->trends), PF_COMPARE_INSTANCES_MAX);
	if (r == 0)
		r = grow((void **)&side->ids, &side->instances_cap, nr, sizeof(*side->ids),
			 PF_COMPARE_INSTANCES_MAX);
	if (r < 0)
		return r;
	side->ids[nr] = id;
	side->trends[nr] = NAN;
	side->nr_instances++;
	return 0;
}

/* Of an instance and hour there may be several runs, one after another. */
static int piece_of(struct side *side, uint32_t hour, struct piece **ret_piece)
{
	uint32_t instance = (uint32_t)side->nr_instances - 1;
	struct piece *last = side->nr_pieces ? &side->pieces[side->nr_pieces - 1] : NULL;
	int r;

	if (!last || last->instance != instance || last->hour != hour) {
		r = grow((void **)&side->pieces, &side->pieces_cap, side->nr_pieces, sizeof(*last),
			 PIECES_MAX);
		if (r < 0)
			return r;
		last = &side->pieces[side->nr_pieces++];
		*last = (struct piece){ .instance = instance, .hour = hour };
	}
	*ret_piece = last;
	return 0;
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

static bool known(uint64_t value)
{
	return value < PF_NO_LIMIT;
}

/* Both of it, or what there is; 0 where neither is known. */
static double both(uint64_t a, uint64_t b)
{
	return (known(a) ? (double)a : 0) + (known(b) ? (double)b : 0);
}

static void add_ratio(struct ratio *ratio, bool is_known, double above, double below)
{
	if (!is_known)
		return;
	ratio->above += above;
	ratio->below += below;
	ratio->nr_known++;
}

static void add_sums(struct piece *piece, const struct pf_slice *slice)
{
	double covered = (double)slice->covered_ns;
	bool has_waits = known(slice->nr_waits);

	piece->covered_ns += covered;
	add_ratio(&piece->sums[SUM_P95], has_waits, covered * slice_p95(slice), covered);
	add_ratio(&piece->sums[SUM_WAIT], has_waits,
		  both(slice->quota_wait_ns, slice->contention_wait_ns), covered);
	add_ratio(&piece->sums[SUM_PERIODS], known(slice->nr_periods) && known(slice->nr_throttled),
		  (double)slice->nr_throttled, (double)slice->nr_periods);
	add_ratio(&piece->sums[SUM_USAGE], known(slice->usage_ns), (double)slice->usage_ns,
		  covered);
	add_ratio(&piece->sums[SUM_HOT], !isnan(slice->hot_mean_bytes),
		  covered * slice->hot_mean_bytes, covered);
	add_ratio(&piece->sums[SUM_ERRORS], known(slice->oom_kills) || known(slice->restarts),
		  both(slice->oom_kills, slice->restarts), covered);
}

static void add_waits(uint64_t *waits, const struct pf_slice *slice)
{
	static const enum pf_sample_hist which[] = { PF_HIST_QUOTA_WAIT, PF_HIST_CONTENTION_WAIT };

	for (size_t k = 0; k < PF_ARRAY_SIZE(which); k++)
		for (size_t i = 0; slice->hists[which[k]] && i < PF_LATENCY_BUCKETS; i++)
			waits[i] += slice->hists[which[k]][i];
}

static double trend_of(const struct pf_report_container *container)
{
	return container->leak && container->leak->state ? container->leak->slope_bytes_per_hour
							 : container->now.hot_trend_bytes_per_hour;
}

static int add_slice(const struct gathering *g, struct side *side, const struct pf_resolved *one,
		     uint64_t id)
{
	const struct pf_slice *slice = one->slice;
	struct piece *piece;
	int r;

	if (!slice->covered_ns || slice->hour - g->from_hour >= g->nr_hours)
		return 0;
	r = instance_of(side, id);
	if (r == 0)
		r = piece_of(side, slice->hour, &piece);
	if (r < 0)
		return r;
	add_sums(piece, slice);
	add_waits(&side->waits[(size_t)(slice->hour - g->from_hour) * PF_LATENCY_BUCKETS], slice);
	side->trends[side->nr_instances - 1] = trend_of(one->container);
	return 0;
}

static int take_slice(void *arg, const struct pf_resolved *one)
{
	struct gathering *g = arg;
	const struct pf_identity *identity = one->container->identity;
	const char *node = one->report->node;
	/* Not a plain xor: an instance may be called like its node. */
	uint64_t id = one->instance ^ pf_evidence_instance_id(node) * 31;

	if (!pf_filter_match(g->question->common, node, identity))
		return 0;
	if (pf_filter_match(g->question->canary, node, identity))
		return add_slice(g, &g->canary, one, id);
	if (pf_filter_match(g->question->stable, node, identity))
		return add_slice(g, &g->stable, one, id);
	return 0;
}

/* ---- all reports ---- */

/* The instances of one node that are on one of the sides, by the names that any report has of them. */
struct wanted {
	uint64_t *ids;
	size_t nr, cap;
};

static bool is_asked_for(const struct pf_compare_question *q, const char *node,
			 const struct pf_identity *identity)
{
	return pf_filter_match(q->common, node, identity) &&
	       (pf_filter_match(q->canary, node, identity) ||
		pf_filter_match(q->stable, node, identity));
}

static int by_id(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

static int find_wanted(const struct pf_compare_question *q, const struct pf_report *const *reports,
		       size_t nr, struct wanted *wanted)
{
	wanted->nr = 0;
	for (size_t i = 0; i < nr; i++)
		for (size_t k = 0; k < reports[i]->nr_containers; k++) {
			const struct pf_report_container *c = &reports[i]->containers[k];
			int r;

			if (!is_asked_for(q, reports[i]->node, c->identity))
				continue;
			r = grow((void **)&wanted->ids, &wanted->cap, wanted->nr,
				 sizeof(*wanted->ids), PIECES_MAX);
			if (r < 0)
				return r;
			wanted->ids[wanted->nr++] = pf_evidence_instance_id(c->instance);
		}
	if (wanted->nr)
		qsort(wanted->ids, wanted->nr, sizeof(*wanted->ids), by_id);
	return 0;
}

static bool is_wanted(void *arg, uint64_t instance)
{
	const struct wanted *wanted = arg;

	return bsearch(&instance, wanted->ids, wanted->nr, sizeof(instance), by_id);
}

/*
 * Names first, which are cheap and mostly enough: few nodes run what is asked for, and of those only a
 * few containers are decoded.
 */
static int read_node(struct pf_loader *loader, const struct pf_store_report *rows, size_t nr_rows,
		     struct gathering *g, struct wanted *wanted, const struct pf_wire_choice *all)
{
	static const struct pf_wire_choice names = { .hour_from = 1, .hour_to = 0 };
	const struct pf_report *const *reports;
	size_t nr;
	int r;

	loader->choice = &names;
	r = pf_loader_node(loader, rows, nr_rows, &reports, &nr);
	if (r == 0)
		r = find_wanted(g->question, reports, nr, wanted);
	if (r < 0 || !wanted->nr)
		return r;
	loader->choice = all;
	r = pf_loader_node(loader, rows, nr_rows, &reports, &nr);
	return r < 0 ? r : pf_resolve(reports, nr, g->from_hour, UINT32_MAX, take_slice, g);
}

static int read_all(struct pf_collector *c, struct gathering *g)
{
	PF_AUTO(pf_row_list_done) struct pf_row_list rows = { 0 };
	struct wanted wanted = { .nr = 0 };
	const struct pf_wire_choice all = { .wanted = is_wanted,
					    .arg = &wanted,
					    .hour_from = g->from_hour,
					    .hour_to = UINT32_MAX,
					    .state = true };
	struct pf_store *store = NULL;
	struct pf_loader loader;
	char error[256];
	int r = pf_readers_take(c->readers, &store, error, sizeof(error));

	if (r < 0)
		return r;
	r = pf_row_list_read(c->store, store, g->from_hour, UINT32_MAX, &rows);
	pf_loader_init(&loader, c->store, store, c->config->limits_inflated_bytes,
		       c->config->limits_decoded_bytes * 4);
	for (size_t at = 0, end; at < rows.nr && r == 0; at = end) {
		end = pf_row_list_node_end(&rows, at);
		r = read_node(&loader, &rows.rows[at], end - at, g, &wanted, &all);
	}
	pf_loader_done(&loader);
	free(wanted.ids);
	pf_readers_give(c->readers, store, r < 0 && r != -ENOSPC);
	return r;
}

/* ---- what both sides have ---- */

static void mark_hours(const struct gathering *g, const struct side *side, uint8_t bit,
		       uint8_t *hours)
{
	for (size_t i = 0; i < side->nr_pieces; i++)
		hours[side->pieces[i].hour - g->from_hour] |= bit;
}

/* NaN where nothing is known of it. */
static double value_of(const struct ratio *ratio, double unit)
{
	return ratio->below > 0 ? ratio->above / ratio->below * unit : NAN;
}

static void observe(const struct piece *all, double trend, struct pf_observation *o)
{
	const struct ratio *sums = all->sums;

	o->covered_ns = all->covered_ns;
	o->values[PF_MEASURE_LATENCY_P95] = value_of(&sums[SUM_P95], 1);
	o->values[PF_MEASURE_WAIT] = value_of(&sums[SUM_WAIT], 1e9);
	/* Known, and no period: nothing was throttled. */
	o->values[PF_MEASURE_THROTTLED] = sums[SUM_PERIODS].nr_known && sums[SUM_PERIODS].below <= 0
						  ? 0
						  : value_of(&sums[SUM_PERIODS], 1);
	o->values[PF_MEASURE_CPU] = value_of(&sums[SUM_USAGE], 1000);
	o->values[PF_MEASURE_MEMORY] = value_of(&sums[SUM_HOT], 1);
	o->values[PF_MEASURE_ERRORS] = value_of(&sums[SUM_ERRORS], (double)PF_NS_PER_HOUR);
	o->values[PF_MEASURE_MEMORY_TREND] = trend;
}

static void add_piece(struct piece *all, const struct piece *more)
{
	all->covered_ns += more->covered_ns;
	for (size_t i = 0; i < PF_NR_SUMS; i++)
		add_ratio(&all->sums[i], more->sums[i].nr_known > 0, more->sums[i].above,
			  more->sums[i].below);
}

static int conclude_side(const struct gathering *g, const struct side *from, const uint8_t *hours,
			 struct pf_compare_side *to)
{
	to->observations = calloc(from->nr_instances + 1, sizeof(*to->observations));
	if (!to->observations)
		return -ENOMEM;
	for (size_t at = 0; at < from->nr_pieces;) {
		uint32_t instance = from->pieces[at].instance;
		struct piece all = { 0 };

		for (; at < from->nr_pieces && from->pieces[at].instance == instance; at++)
			if (hours[from->pieces[at].hour - g->from_hour] == 3)
				add_piece(&all, &from->pieces[at]);
		if (all.covered_ns > 0)
			observe(&all, from->trends[instance], &to->observations[to->nr++]);
	}
	for (uint32_t h = 0; h < g->nr_hours; h++)
		for (size_t i = 0; hours[h] == 3 && i < PF_LATENCY_BUCKETS; i++) {
			to->waits[i] += from->waits[(size_t)h * PF_LATENCY_BUCKETS + i];
			to->nr_waits += from->waits[(size_t)h * PF_LATENCY_BUCKETS + i];
		}
	return 0;
}

static void conclude_hours(const struct gathering *g, const uint8_t *hours,
			   struct pf_compare_data *data)
{
	uint32_t first = g->nr_hours, last = 0;

	for (uint32_t h = 0; h < g->nr_hours; h++) {
		data->nr_hours += hours[h] == 3;
		data->nr_left_out += hours[h] == 1 || hours[h] == 2;
		if (hours[h] != 3)
			continue;
		first = PF_MIN(first, h);
		last = h;
	}
	if (!data->nr_hours) {
		first = 0;
		last = g->nr_hours;
	}
	data->from_unix_ns = (uint64_t)(g->from_hour + first) * PF_NS_PER_HOUR;
	data->to_unix_ns =
		PF_MIN(g->question->now_ns, (uint64_t)(g->from_hour + last + 1) * PF_NS_PER_HOUR);
}

static int conclude(const struct gathering *g, struct pf_compare_data *data)
{
	PF_AUTO(pf_freep) uint8_t *hours = calloc(g->nr_hours, 1);
	int r;

	if (!hours)
		return -ENOMEM;
	mark_hours(g, &g->stable, 1, hours);
	mark_hours(g, &g->canary, 2, hours);
	data->nr_stable_seen = g->stable.nr_instances;
	data->nr_canary_seen = g->canary.nr_instances;
	conclude_hours(g, hours, data);
	r = conclude_side(g, &g->stable, hours, &data->stable);
	return r < 0 ? r : conclude_side(g, &g->canary, hours, &data->canary);
}

int pf_compare_gather(struct pf_collector *c, const struct pf_compare_question *question,
		      struct pf_compare_data *ret_data)
{
	PF_AUTO(gathering_done) struct gathering g = { .question = question };
	PF_AUTO(pf_compare_data_done) struct pf_compare_data data = { 0 };
	int r;

	g.from_hour = (uint32_t)((question->now_ns - question->window_ns) / PF_NS_PER_HOUR);
	/* A clock ahead of ours may be in its next hour. */
	g.nr_hours = (uint32_t)(question->now_ns / PF_NS_PER_HOUR) - g.from_hour + 2;
	g.stable.waits = calloc((size_t)g.nr_hours * PF_LATENCY_BUCKETS, sizeof(uint64_t));
	g.canary.waits = calloc((size_t)g.nr_hours * PF_LATENCY_BUCKETS, sizeof(uint64_t));
	if (!g.stable.waits || !g.canary.waits)
		return -ENOMEM;
	r = read_all(c, &g);
	if (r == 0)
		r = conclude(&g, &data);
	if (r < 0)
		return r;
	*ret_data = data;
	data = (struct pf_compare_data){ 0 };
	return 0;
}

void pf_compare_data_done(struct pf_compare_data *data)
{
	free(data->stable.observations);
	free(data->canary.observations);
	data->stable.observations = data->canary.observations = NULL;
}
