// SPDX-License-Identifier: Apache-2.0
/*
 * What the collector concludes must not depend on the order of reports, on repetition, on loss that is
 * made good later, on restarts of agents, or on how many collectors took them. And it must be what one
 * recommender would have said that had seen every slice.
 */
#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "base/buf.h"
#include "bench/fleet/sim.h"
#include "collector/ingest/gunzip.h"
#include "collector/ingest/writer.h"
#include "collector/merge/picture.h"
#include "collector/merge/seal.h"
#include "core/recommend.h"
#include "unit/check.h"
#include "wire/summary.h"
#include "wire/wire.h"

enum { NODES = 4, CONTAINERS = 12, HOURS = 5, STEP_MINUTES = 20, MEMORY_MAX = 256 << 20 };

/* 2026-11-01 00:00 UTC, and not at a full hour. */
static const uint64_t start_ns = 1793491200000000000 + 7 * PF_NS_PER_MIN;

/* One report as it was sent. */
struct sent {
	struct pf_buf body;
	char node[64];
	uint64_t run_id, sequence;
	uint32_t hour_min, hour_max;
};

struct history {
	struct sent list[NODES * HOURS * 60 / STEP_MINUTES];
	size_t nr;
	struct pf_buf last[NODES]; /* the final report of each node, with all its slices */
	uint64_t end_ns;
};

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void encode(const struct pf_report *report, struct pf_buf *gzip, struct pf_buf *plain)
{
	struct pf_buf raw;

	pf_buf_init(&raw, MEMORY_MAX);
	PF_CHECK_INT("encode", pf_wire_encode_report(report, &raw), 0);
	if (gzip) {
		pf_buf_init(gzip, MEMORY_MAX);
		PF_CHECK_INT("gzip", pf_gzip(raw.data, raw.len, gzip), 0);
	}
	if (plain) {
		*plain = raw;
		return;
	}
	pf_buf_done(&raw);
}

static void note_hours(const struct pf_report *report, struct sent *sent)
{
	sent->hour_min = UINT32_MAX;
	sent->hour_max = 0;
	for (size_t i = 0; i < report->nr_containers; i++)
		for (size_t s = 0; s < report->containers[i].nr_slices; s++) {
			uint32_t hour = report->containers[i].slices[s]->hour;

			sent->hour_min = PF_MIN(sent->hour_min, hour);
			sent->hour_max = PF_MAX(sent->hour_max, hour);
		}
}

/* @restart: one agent starts anew on the way; its earlier slices are only in its earlier reports. */
static void make_history(struct history *h, bool taken, bool restart)
{
	PF_AUTO(pf_sim_freep) struct pf_sim *sim = NULL;
	struct pf_sim_opts opts = { .seed = 3,
				    .cluster = "c",
				    .nr_nodes = NODES,
				    .nr_containers = CONTAINERS,
				    .nr_replicas = 3,
				    .start_unix_ns = start_ns };
	struct pf_arena arena;

	h->nr = 0;
	h->end_ns = start_ns + HOURS * PF_NS_PER_HOUR;
	PF_CHECK_INT("sim", pf_sim_new(&opts, &sim), 0);
	pf_arena_init(&arena, MEMORY_MAX);
	for (uint64_t at = start_ns; at < h->end_ns;) {
		at += STEP_MINUTES * PF_NS_PER_MIN;
		for (uint32_t n = 0; n < NODES; n++) {
			struct sent *sent = &h->list[h->nr++];
			struct pf_report report;

			pf_arena_reset(&arena);
			PF_CHECK_INT("advance", pf_sim_advance(sim, n, at), 0);
			PF_CHECK_INT("report", pf_sim_report(sim, n, &arena, &report), 0);
			encode(&report, &sent->body, at >= h->end_ns ? &h->last[n] : NULL);
			(void)snprintf(sent->node, sizeof(sent->node), "%s", report.node);
			sent->run_id = report.run_id;
			sent->sequence = report.sequence;
			note_hours(&report, sent);
			if (taken)
				pf_sim_taken(sim, n);
			if (restart && n == 1 && at == start_ns + 2 * PF_NS_PER_HOUR)
				pf_sim_restart(sim, n);
		}
	}
	pf_arena_done(&arena);
}

static void history_done(struct history *h)
{
	for (size_t i = 0; i < h->nr; i++)
		pf_buf_done(&h->list[i].body);
	for (size_t i = 0; i < NODES; i++)
		pf_buf_done(&h->last[i]);
}

/* ---- a store and the collectors that write to it ---- */

static void db_path(char *path, size_t size)
{
	(void)snprintf(path, size, "/tmp/pf-merge-%d.db", getpid());
}

static void db_remove(void)
{
	static const char *const suffixes[] = { "", "-wal", "-shm" };
	char path[64], file[80];

	db_path(path, sizeof(path));
	for (size_t i = 0; i < PF_ARRAY_SIZE(suffixes); i++) {
		(void)snprintf(file, sizeof(file), "%s%s", path, suffixes[i]);
		(void)unlink(file);
	}
}

struct delivery {
	struct pf_write write;
	atomic_uint *nr_waiting;
};

static void on_done(struct pf_write *write, int r, enum pf_written how)
{
	struct delivery *delivery = write->arg;
	atomic_uint *nr_waiting = delivery->nr_waiting;

	(void)how;
	PF_CHECK_INT("stored", r, 0);
	free(delivery);
	atomic_fetch_sub(nr_waiting, 1);
}

static void deliver(struct pf_writer *writer, const struct sent *sent, atomic_uint *nr_waiting)
{
	struct delivery *delivery = calloc(1, sizeof(*delivery));
	struct pf_report_index index;
	struct pf_wire_error error;
	struct pf_arena arena;
	struct pf_buf raw;

	pf_arena_init(&arena, MEMORY_MAX);
	pf_buf_init(&raw, MEMORY_MAX);
	PF_CHECK_INT("gunzip", pf_gunzip(sent->body.data, sent->body.len, &raw), 0);
	PF_CHECK_INT("index", pf_wire_index_report(raw.data, raw.len, &arena, &index, &error), 0);
	PF_CHECK_INT("keys", pf_keyset_of(&index, &delivery->write.keys), 0);
	delivery->nr_waiting = nr_waiting;
	delivery->write.arg = delivery;
	delivery->write.done = on_done;
	delivery->write.row = (struct pf_store_report){
		.key = { "c", sent->node, sent->run_id, sent->sequence },
		.hour_min = sent->hour_min,
		.hour_max = sent->hour_max,
		.received_unix_ms = (int64_t)(index.report.end_unix_ns / PF_NS_PER_MS),
		.encoding = PF_STORE_GZIP,
		.body = sent->body.data,
		.body_len = sent->body.len,
	};
	pf_buf_done(&raw);
	pf_arena_done(&arena);
	atomic_fetch_add(nr_waiting, 1);
	pf_writer_put(writer, &delivery->write);
}

struct merging {
	struct pf_store *store;
	struct pf_loader loader;
	struct pf_base base;
	struct pf_vpa_settings settings;
};

static void merging_init(struct merging *m)
{
	char path[64], note[256] = "", error[256] = "";

	db_path(path, sizeof(path));
	pf_vpa_settings_default(&m->settings);
	PF_CHECK_INT("open",
		     pf_store_sqlite.open(path, true, &m->store, note, sizeof(note), error,
					  sizeof(error)),
		     0);
	pf_loader_init(&m->loader, &pf_store_sqlite, m->store, MEMORY_MAX, MEMORY_MAX);
	PF_CHECK_INT("base", pf_base_init(&m->base, 1000, &m->settings), 0);
}

static void merging_done(struct merging *m)
{
	pf_base_done(&m->base);
	pf_loader_done(&m->loader);
	pf_store_sqlite.close(m->store);
}

/* @dense_max: workloads a part; however many parts there are, the picture is the same. */
static struct pf_fleet *merge(struct merging *m, uint64_t now_ns, size_t dense_max)
{
	uint32_t from = (uint32_t)((now_ns - 15 * PF_NS_PER_MIN) / PF_NS_PER_HOUR);
	struct pf_seal_input seal = { .ops = &pf_store_sqlite,
				      .store = m->store,
				      .loader = &m->loader,
				      .settings = &m->settings,
				      .node_class_label = "",
				      .max_workloads = 1000,
				      .base = &m->base,
				      .nr_parts = (uint32_t)(50 / dense_max),
				      .open_from = from,
				      .now_hour = from,
				      .report_hours = 48,
				      .look_for_late = true };
	struct pf_picture_input input = { .ops = &pf_store_sqlite,
					  .store = m->store,
					  .loader = &m->loader,
					  .base = &m->base,
					  .settings = &m->settings,
					  .node_class_label = "",
					  .max_workloads = 1000,
					  .from = from,
					  .now_unix_ns = now_ns,
					  .dense_max = dense_max };
	struct pf_fleet *fleet = NULL;
	uint32_t nr_parts = 0;
	uint64_t nr_sealed;

	PF_CHECK_INT("seal", pf_seal(&seal, &nr_sealed), 0);
	PF_CHECK_INT("picture", pf_picture_make(&input, &nr_parts, &fleet), 0);
	PF_CHECK_INT("parts", nr_parts, (fleet->nr_workloads + dense_max - 1) / dense_max);
	return fleet;
}

/* Everything a picture says, as text: equal texts, equal conclusions. */
static void describe(const struct pf_fleet *fleet, struct pf_buf *out)
{
	pf_buf_init(out, 1 << 22);
	for (size_t i = 0; i < fleet->nr_workloads; i++) {
		const struct pf_fleet_workload *w = &fleet->workloads[i];
		const struct pf_recommendation *rec = &w->recommendation;

		pf_buf_addf(out, "%s/%s/%s n=%u/%u leak=%u oom=%llu", w->key.namespace_name,
			    w->key.workload, w->key.container, w->nr_instances, w->nr_nodes,
			    w->leak.nr_instances, (unsigned long long)rec->evidence.oom_kills);
		for (size_t k = 0; k < rec->nr_results; k++)
			pf_buf_addf(out, " %s:%llu,%llu,%llu,%llu,%llu,%llu",
				    rec->results[k].policy,
				    (unsigned long long)rec->results[k].cpu.target,
				    (unsigned long long)rec->results[k].cpu.upper,
				    (unsigned long long)rec->results[k].cpu.limit,
				    (unsigned long long)rec->results[k].memory.target,
				    (unsigned long long)rec->results[k].memory.upper,
				    (unsigned long long)rec->results[k].memory.limit);
		for (size_t k = 0; k < rec->nr_findings; k++)
			pf_buf_addf(out, " %s", pf_verdict_name(rec->findings[k].verdict));
		pf_buf_adds(out, "\n");
	}
}

/* Delivers in the given order to @nr_writers collectors, merging on the way now and then. */
static void run_order(const struct history *h, const size_t *order, size_t nr_order,
		      unsigned nr_writers, uint64_t *random, struct pf_buf *ret_text)
{
	struct pf_writer *writers[3] = { NULL };
	char path[64], note[256] = "", error[256] = "";
	atomic_uint nr_waiting = 0;
	struct merging m = { 0 };

	db_remove();
	db_path(path, sizeof(path));
	for (unsigned i = 0; i < nr_writers; i++)
		PF_CHECK_INT("writer",
			     pf_writer_new(&pf_store_sqlite, path, &writers[i], note, sizeof(note),
					   error, sizeof(error)),
			     0);
	merging_init(&m);
	for (size_t i = 0; i < nr_order; i++) {
		deliver(writers[next_random(random) % nr_writers], &h->list[order[i]], &nr_waiting);
		if (next_random(random) % 40)
			continue;
		while (atomic_load(&nr_waiting))
			(void)usleep(200);
		/* What it sees is to be undone by what comes. */
		pf_fleet_unref(merge(&m, h->end_ns, 1 + next_random(random) % 20));
	}
	while (atomic_load(&nr_waiting))
		(void)usleep(200);

	struct pf_fleet *fleet = merge(&m, h->end_ns, 1 + next_random(random) % 100);

	describe(fleet, ret_text);
	pf_fleet_unref(fleet);
	merging_done(&m);
	for (unsigned i = 0; i < nr_writers; i++)
		pf_writer_free(writers[i]);
	db_remove();
}

static uint64_t seed_of_run(void)
{
	const char *text = getenv("PODFIT_SEED");
	uint64_t seed = text ? strtoull(text, NULL, 10) : (uint64_t)getpid() * 2654435761u + 1;

	fprintf(stderr, "collector_merge: PODFIT_SEED=%llu\n", (unsigned long long)seed);
	return seed ? seed : 1;
}

/* Some are lost at first and sent again at the end, some come twice, all in any order. */
static size_t shuffle(const struct history *h, uint64_t *random, size_t *order)
{
	size_t nr = 0;

	for (size_t i = 0; i < h->nr; i++) {
		order[nr++] = i;
		if (next_random(random) % 4 == 0)
			order[nr++] = i;
	}
	for (size_t i = nr; i-- > 1;) {
		size_t k = next_random(random) % (i + 1), swap = order[i];

		order[i] = order[k];
		order[k] = swap;
	}
	return nr;
}

static void check_any_order(bool restart)
{
	static struct history h;
	size_t order[2 * PF_ARRAY_SIZE(h.list)];
	uint64_t random = seed_of_run();
	struct pf_buf want;

	make_history(&h, true, restart);
	for (size_t i = 0; i < h.nr; i++)
		order[i] = i;
	run_order(&h, order, h.nr, 1, &random, &want);
	PF_CHECK("there is something", want.len > 1000);
	for (unsigned trial = 0; trial < 3; trial++) {
		size_t nr = shuffle(&h, &random, order);
		struct pf_buf got;

		run_order(&h, order, nr, 1 + trial, &random, &got);
		PF_CHECK_STR("any order, repetition and split", got.data, want.data);
		pf_buf_done(&got);
	}
	pf_buf_done(&want);
	history_done(&h);
}

static void test_any_order(void)
{
	check_any_order(false);
}

static void test_agent_restart(void)
{
	check_any_order(true);
}

/* ---- one recommender that had seen everything ---- */

static void test_one_recommender(void)
{
	static struct history h;
	struct merging m = { 0 };
	struct pf_merge_set all;
	struct pf_vpa_settings settings;
	size_t order[PF_ARRAY_SIZE(h.list)], nr_compared = 0;
	uint64_t random = 1;
	struct pf_arena arena;
	struct pf_buf text;

	/* Nothing is ever taken, so the last reports hold every slice in its final state. */
	make_history(&h, false, false);
	pf_vpa_settings_default(&settings);
	PF_CHECK_INT("set", pf_merge_set_init(&all, 1000, &settings), 0);
	pf_arena_init(&arena, MEMORY_MAX);
	for (size_t n = 0; n < NODES; n++) {
		struct pf_report report;
		struct pf_wire_error error;

		PF_CHECK_INT("decode",
			     pf_wire_decode_report(h.last[n].data, h.last[n].len, &arena, &report,
						   &error),
			     0);
		for (size_t i = 0; i < report.nr_containers; i++) {
			const struct pf_report_container *c = &report.containers[i];
			struct pf_workload_key key;
			struct pf_merged *merged;

			pf_merge_key_of(&report, c->identity, "", &key);
			PF_CHECK_INT("get", pf_merge_get(&all, &key, &merged), 0);
			for (size_t s = 0; s < c->nr_slices; s++)
				PF_CHECK_INT("add",
					     pf_evidence_add_slice(merged->evidence, i * NODES + n,
								   c->slices[s]),
					     0);
		}
	}
	for (size_t i = 0; i < h.nr; i++)
		order[i] = i;
	run_order(&h, order, h.nr, 1, &random, &text); /* also makes sure that it works at all */
	pf_buf_done(&text);

	/* And once more, to look into it. */
	struct pf_writer *writer = NULL;
	char path[64], note[256] = "", error[256] = "";
	atomic_uint nr_waiting = 0;

	db_path(path, sizeof(path));
	PF_CHECK_INT("writer",
		     pf_writer_new(&pf_store_sqlite, path, &writer, note, sizeof(note), error,
				   sizeof(error)),
		     0);
	for (size_t i = 0; i < h.nr; i++)
		deliver(writer, &h.list[i], &nr_waiting);
	while (atomic_load(&nr_waiting))
		(void)usleep(200);
	merging_init(&m);

	struct pf_fleet *fleet = merge(&m, h.end_ns, 1000);

	for (size_t i = 0; i < fleet->nr_workloads; i++) {
		const struct pf_fleet_workload *w = &fleet->workloads[i];
		const struct pf_merged *merged = pf_merge_find(&all, &w->key);
		struct pf_recommendation want;
		struct pf_build_one one = { .key = &w->key, .nr_containers = 1 };

		PF_CHECK("known to both", merged != NULL);
		if (!merged || w->leak.worst)
			continue; /* the reference does not know of leaks, which are not fed */
		one.evidence = merged->evidence;
		PF_CHECK_INT("recommend", pf_build_recommend(&one, &arena, &want), 0);
		for (size_t k = 0; k < want.nr_results; k++) {
			const struct pf_policy_result *a = &want.results[k];
			const struct pf_policy_result *b =
				pf_policy_result_of(&w->recommendation, a->policy);

			if (strcmp(a->policy, "baseline") == 0)
				continue; /* rests on the present sizes, which only one side has */
			PF_CHECK_INT(a->policy, b->memory.target, a->memory.target);
			PF_CHECK_INT(a->policy, b->cpu.target, a->cpu.target);
			nr_compared++;
		}
	}
	PF_CHECK("compared", nr_compared > 20);
	pf_fleet_unref(fleet);
	merging_done(&m);
	pf_writer_free(writer);
	pf_merge_set_done(&all);
	pf_arena_done(&arena);
	history_done(&h);
	db_remove();
}

/* ---- on disk and back ---- */

static void test_summary_round_trip(void)
{
	static struct history h;
	struct pf_vpa_settings settings;
	struct pf_evidence *e = NULL, *back = NULL;
	const struct pf_hour_point *points;
	struct pf_hour_point point;
	struct pf_report report;
	struct pf_wire_error error;
	struct pf_arena arena;
	struct pf_buf one, two;
	size_t nr;

	make_history(&h, false, false);
	pf_vpa_settings_default(&settings);
	pf_arena_init(&arena, MEMORY_MAX);
	PF_CHECK_INT("decode",
		     pf_wire_decode_report(h.last[0].data, h.last[0].len, &arena, &report, &error),
		     0);
	PF_CHECK_INT("new", pf_evidence_new(&settings, &e), 0);
	pf_hour_point_clear(&point, 498191);
	for (size_t i = 0; i < report.nr_containers; i++)
		for (size_t s = 0; s < report.containers[i].nr_slices; s++) {
			PF_CHECK_INT("add",
				     pf_evidence_add_slice(e, i, report.containers[i].slices[s]),
				     0);
			pf_hour_point_add(&point, report.containers[i].slices[s], true);
		}
	pf_buf_init(&one, MEMORY_MAX);
	pf_buf_init(&two, MEMORY_MAX);
	PF_CHECK_INT("encode", pf_wire_encode_summary(e, &point, 1, &one), 0);
	PF_CHECK_INT("decode",
		     pf_wire_decode_summary(one.data, one.len, &settings, &arena, &back, &points,
					    &nr, &error),
		     0);
	PF_CHECK_INT("points", nr, 1);
	PF_CHECK("the point", !memcmp(&points[0], &point, sizeof(point)));
	PF_CHECK_INT("again", pf_wire_encode_summary(back, points, nr, &two), 0);
	PF_CHECK("the same bytes", one.len == two.len && !memcmp(one.data, two.data, one.len));
	PF_CHECK("VPA's histogram", !memcmp(&back->vpa.cpu, &e->vpa.cpu, sizeof(e->vpa.cpu)));

	/* Damaged anywhere: refused, or taken as something else, but never more than that. */
	for (size_t i = 0; i < one.len; i += 7) {
		struct pf_evidence *bad = NULL;

		one.data[i] ^= 0x41;
		pf_arena_reset(&arena);
		if (pf_wire_decode_summary(one.data, one.len, &settings, &arena, &bad, &points, &nr,
					   &error) == 0)
			pf_evidence_free(bad);
		one.data[i] ^= 0x41;
	}
	pf_evidence_free(e);
	pf_evidence_free(back);
	pf_buf_done(&one);
	pf_buf_done(&two);
	pf_arena_done(&arena);
	history_done(&h);
}

PF_TEST_SUITE(collector_merge, { "any order", test_any_order },
	      { "agent restart", test_agent_restart }, { "one recommender", test_one_recommender },
	      { "summary round trip", test_summary_round_trip });
