// SPDX-License-Identifier: Apache-2.0
/*
 * bench-merge: what it costs the collector to make summaries of an hour that is over, and a picture of
 * the hours that are not, in one part and in several.
 *
 * The store has what it has of a fleet after two hours: of every node the report sent just after each
 * full hour, which holds the slices that have ended and the ones that have begun. Beside each figure
 * is what inflating the same reports once takes: the floor of whatever reads them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/parse.h"
#include "bench/fleet/sim.h"
#include "collector/ingest/gunzip.h"
#include "collector/merge/picture.h"
#include "collector/merge/seal.h"
#include "core/units.h"
#include "wire/wire.h"

enum { HOURS = 2, MEMORY_MAX = 512 << 20, WORKLOADS_MAX = 1 << 20, ROUNDS = 3 };

/* 2026-11-01 00:00 UTC */
static const uint64_t start_ns = 1793491200000000000;

struct world {
	struct pf_store *store;
	struct pf_vpa_settings settings;
	struct pf_loader loader;
	uint32_t nr_nodes, nr_containers;
	char path[64];
};

static double cpu_ms(void)
{
	struct timespec ts = { 0 };

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts); /* cannot fail with a valid clock */
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

/* ---- filling the store ---- */

static int put(struct world *w, const struct pf_report *report)
{
	uint32_t hour = (uint32_t)(report->end_unix_ns / PF_NS_PER_HOUR);
	struct pf_store_report row = {
		.key = { report->cluster, report->node, report->run_id, report->sequence },
		.hour_min = hour - (hour > start_ns / PF_NS_PER_HOUR),
		.hour_max = hour,
		.received_unix_ms = (int64_t)(report->end_unix_ns / PF_NS_PER_MS),
		.encoding = PF_STORE_GZIP,
	};
	struct pf_buf raw, body;
	int r;

	pf_buf_init(&raw, MEMORY_MAX);
	pf_buf_init(&body, MEMORY_MAX);
	r = pf_wire_encode_report(report, &raw);
	if (r == 0)
		r = pf_gzip(raw.data, raw.len, &body);
	row.body = body.data;
	row.body_len = body.len;
	if (r == 0)
		r = pf_store_sqlite.put_report(w->store, &row);
	pf_buf_done(&raw);
	pf_buf_done(&body);
	return r;
}

static int live(struct world *w, struct pf_sim *sim, uint32_t node, struct pf_arena *arena)
{
	for (uint64_t hour = 0; hour <= HOURS; hour++) {
		struct pf_report report;
		int r = pf_sim_advance(sim, node,
				       start_ns + hour * PF_NS_PER_HOUR + PF_NS_PER_MIN / 2);

		pf_arena_reset(arena);
		if (r == 0)
			r = pf_sim_report(sim, node, arena, &report);
		if (r == 0)
			r = put(w, &report);
		if (r < 0)
			return r;
		pf_sim_taken(sim, node);
	}
	pf_sim_release(sim, node);
	return 0;
}

static int fill(struct world *w)
{
	PF_AUTO(pf_sim_freep) struct pf_sim *sim = NULL;
	struct pf_sim_opts opts = { .seed = 1,
				    .cluster = "sim",
				    .nr_nodes = w->nr_nodes,
				    .nr_containers = w->nr_containers,
				    .step_ns = 5 * PF_NS_PER_MIN,
				    .start_unix_ns = start_ns };
	struct pf_arena arena;
	int r = pf_sim_new(&opts, &sim);

	pf_arena_init(&arena, MEMORY_MAX);
	if (r == 0)
		r = pf_store_sqlite.begin(w->store);
	for (uint32_t node = 0; node < w->nr_nodes && r == 0; node++)
		r = live(w, sim, node, &arena);
	if (r == 0)
		r = pf_store_sqlite.commit(w->store);
	pf_arena_done(&arena);
	return r;
}

/* ---- what is measured; all in ms of CPU ---- */

static int inflate(void *arg, const struct pf_store_report *row)
{
	struct world *w = arg;

	pf_buf_reset(&w->loader.inflated);
	return pf_gunzip(row->body, row->body_len, &w->loader.inflated);
}

/* Of all reports with slices in [@from, @to], once. */
static int floor_of(struct world *w, uint32_t from, uint32_t to, double *ret_ms)
{
	PF_AUTO(pf_row_list_done) struct pf_row_list rows = { 0 };
	int r = pf_row_list_read(&pf_store_sqlite, w->store, from, to, &rows);
	double before = cpu_ms();

	for (size_t i = 0; i < rows.nr && r == 0; i++)
		r = pf_store_sqlite.get_report(w->store, &rows.rows[i].key, inflate, w);
	*ret_ms = cpu_ms() - before;
	return r;
}

/* Seals the first hour. What was made of it before goes. */
static int seal(struct world *w, uint32_t nr_parts, double *ret_ms)
{
	uint32_t hour = (uint32_t)(start_ns / PF_NS_PER_HOUR);
	struct pf_base base;
	struct pf_seal_input in = { .ops = &pf_store_sqlite,
				    .store = w->store,
				    .loader = &w->loader,
				    .settings = &w->settings,
				    .node_class_label = "",
				    .max_workloads = WORKLOADS_MAX,
				    .base = &base,
				    .open_from = hour + 1,
				    .now_hour = hour,
				    .window_from = hour + 1, /* nothing goes to the base */
				    .look_for_late = true,
				    .nr_parts = nr_parts };
	uint64_t nr_sealed;
	double before;
	int r = pf_base_init(&base, WORKLOADS_MAX, &w->settings);

	if (r == 0)
		r = pf_store_sqlite.begin(w->store);
	if (r == 0)
		r = pf_store_sqlite.delete_summaries(w->store, PF_SUMMARY_HOUR, hour, hour + 1);
	if (r == 0)
		r = pf_store_sqlite.commit(w->store);
	before = cpu_ms();
	if (r == 0)
		r = pf_seal(&in, &nr_sealed);
	*ret_ms = cpu_ms() - before;
	pf_base_done(&base);
	return r < 0 || nr_sealed == 1 ? r : -EIO;
}

static int picture(struct world *w, uint32_t nr_parts, double *ret_ms)
{
	uint32_t from = (uint32_t)(start_ns / PF_NS_PER_HOUR) + HOURS - 1;
	struct pf_fleet *fleet = NULL;
	struct pf_base base;
	struct pf_picture_input in = { .ops = &pf_store_sqlite,
				       .store = w->store,
				       .loader = &w->loader,
				       .base = &base,
				       .settings = &w->settings,
				       .node_class_label = "",
				       .max_workloads = WORKLOADS_MAX,
				       .from = from,
				       .now_unix_ns =
					       start_ns + HOURS * PF_NS_PER_HOUR + PF_NS_PER_MIN };
	double before = cpu_ms();
	int r = pf_base_init(&base, WORKLOADS_MAX, &w->settings);

	if (r == 0)
		r = pf_picture_make(&in, &nr_parts, &fleet);
	*ret_ms = cpu_ms() - before;
	pf_fleet_unref(fleet);
	pf_base_done(&base);
	return r;
}

/* The least of a few rounds: other work on the machine only adds. */
static int least(struct world *w, int (*fn)(struct world *w, uint32_t nr_parts, double *ret_ms),
		 uint32_t nr_parts, double *ret_ms)
{
	*ret_ms = 0;
	for (int i = 0; i < ROUNDS; i++) {
		double ms;
		int r = fn(w, nr_parts, &ms);

		if (r < 0)
			return r;
		*ret_ms = i ? PF_MIN(*ret_ms, ms) : ms;
	}
	return 0;
}

static int floor_sealed(struct world *w, uint32_t nr_parts, double *ret_ms)
{
	uint32_t hour = (uint32_t)(start_ns / PF_NS_PER_HOUR);

	(void)nr_parts;
	return floor_of(w, hour, hour, ret_ms);
}

static int floor_open(struct world *w, uint32_t nr_parts, double *ret_ms)
{
	uint32_t hour = (uint32_t)(start_ns / PF_NS_PER_HOUR) + HOURS - 1;

	(void)nr_parts;
	return floor_of(w, hour, UINT32_MAX, ret_ms);
}

static int measure(struct world *w)
{
	static const struct {
		const char *name;
		int (*fn)(struct world *w, uint32_t nr_parts, double *ret_ms);
		int (*floor)(struct world *w, uint32_t nr_parts, double *ret_ms);
		uint32_t nr_parts;
	} rows[] = {
		{ "an hour made summaries, in 1 part", seal, floor_sealed, 1 },
		{ "an hour made summaries, in 4 parts", seal, floor_sealed, 4 },
		{ "a picture of the open hours, in 1 part", picture, floor_open, 1 },
		{ "a picture of the open hours, in 4 parts", picture, floor_open, 4 },
	};

	printf("%u nodes of %u containers; ms of CPU a node, inflating its reports once, ratio\n",
	       w->nr_nodes, w->nr_containers);
	for (size_t i = 0; i < PF_ARRAY_SIZE(rows); i++) {
		double ms, floor_ms;
		int r = least(w, rows[i].fn, rows[i].nr_parts, &ms);

		if (r == 0)
			r = least(w, rows[i].floor, 0, &floor_ms);
		if (r < 0)
			return r;
		printf("%-42s %7.3f %7.3f %6.1f\n", rows[i].name, ms / w->nr_nodes,
		       floor_ms / w->nr_nodes, ms / floor_ms);
	}
	return 0;
}

static void world_done(struct world *w)
{
	static const char *const suffixes[] = { "", "-wal", "-shm" };
	char file[80];

	pf_loader_done(&w->loader);
	pf_store_sqlite.close(w->store);
	for (size_t i = 0; i < PF_ARRAY_SIZE(suffixes); i++) {
		(void)snprintf(file, sizeof(file), "%s%s", w->path, suffixes[i]);
		(void)unlink(file);
	}
}

int main(int argc, char **argv)
{
	struct world w = { .nr_nodes = 200, .nr_containers = 100 };
	char note[256] = "", error[256] = "";
	uint64_t nr = 0;
	int r;

	if (argc > 1 && (pf_parse_u64(argv[1], &nr) < 0 || !nr || nr > 100000)) {
		fprintf(stderr, "usage: bench-merge [NODES]\n");
		return 2;
	}
	if (nr)
		w.nr_nodes = (uint32_t)nr;
	(void)snprintf(w.path, sizeof(w.path), "/tmp/pf-bench-merge-%d.db", (int)getpid());
	pf_vpa_settings_default(&w.settings);
	r = pf_store_sqlite.open(w.path, true, &w.store, note, sizeof(note), error, sizeof(error));
	if (r < 0) {
		fprintf(stderr, "bench-merge: %s\n", error);
		return 1;
	}
	pf_loader_init(&w.loader, &pf_store_sqlite, w.store, MEMORY_MAX, MEMORY_MAX);
	r = fill(&w);
	if (r == 0)
		r = measure(&w);
	world_done(&w);
	if (r < 0)
		fprintf(stderr, "bench-merge: %s\n", strerror(-r));
	return r < 0;
}
