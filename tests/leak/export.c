// SPDX-License-Identifier: Apache-2.0
/*
 * export.c - generated series as files that `podfit leaks --from-csv` reads: golden files are made so.
 */
#include "leak/export.h"

#include <errno.h>
#include <string.h>
#include <zlib.h>

#include "leak/gen.h"

/* One of each thing the detector does; small scales keep the files small. */
static const struct {
	const char *shape;
	enum leak_gen_scale scale;
} exported[] = {
	{ "linear", LEAK_GEN_FAST },   { "sawtooth", LEAK_GEN_FAST },  { "restart", LEAK_GEN_FAST },
	{ "bursty", LEAK_GEN_FAST },   { "delayed", LEAK_GEN_FAST },   { "delayed", LEAK_GEN_DAY },
	{ "stairs", LEAK_GEN_DAY },    { "diurnal", LEAK_GEN_WEEK },   { "warmup", LEAK_GEN_FAST },
	{ "gc", LEAK_GEN_FAST },       { "pagecache", LEAK_GEN_FAST }, { "cycle", LEAK_GEN_DAY },
	{ "restarts", LEAK_GEN_FAST },
};

/* The files of a folder; all begin with their header. */
struct files {
	gzFile series, anon;
	FILE *labels, *events;
};

static size_t shape_called(const char *name)
{
	size_t shape = 0;

	while (strcmp(leak_gen_shape_name(shape), name) != 0)
		shape++;
	return shape;
}

static void write_series(struct files *f, const struct leak_gen_series *g)
{
	fprintf(f->labels, "%s,%.0f\n", g->series.id, g->rows[0].limit_bytes);
	for (size_t i = 0; i < g->series.nr_restarts; i++)
		fprintf(f->events, "%s,%.0f,restart\n", g->series.id, g->restarts[i]);
	for (size_t i = 0; i < g->series.nr_rows; i++) {
		const struct pf_series_row *row = &g->rows[i];

		gzprintf(f->series, "%s,%.0f,%.2f,%.0f\n", g->series.id, row->unix_s,
			 row->cpu_cores, row->memory_bytes);
		if (row->hot_bytes != row->memory_bytes)
			gzprintf(f->anon, "%s,%.0f,%.0f\n", g->series.id, row->unix_s,
				 row->hot_bytes);
	}
}

static int close_all(struct files *f)
{
	int failed = 0;

	failed |= f->series && gzclose(f->series) != Z_OK;
	failed |= f->anon && gzclose(f->anon) != Z_OK;
	failed |= f->labels && fclose(f->labels);
	failed |= f->events && fclose(f->events);
	return failed ? -EIO : 0;
}

static FILE *open_text(const char *folder, const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return fopen(path, "we");
}

static gzFile open_gz(const char *folder, const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return gzopen(path, "wb9");
}

int leak_export(const char *folder, uint64_t seed)
{
	struct files f = {
		.series = open_gz(folder, "series.csv.gz"),
		.anon = open_gz(folder, "anon.csv.gz"),
		.labels = open_text(folder, "labels.csv"),
		.events = open_text(folder, "events.csv"),
	};
	int err = f.series && f.anon && f.labels && f.events ? 0 : -EIO, closed;

	if (err == 0) {
		gzputs(f.series, "series_id,unix_seconds,cpu_cores,memory_bytes\n");
		gzputs(f.anon, "series_id,unix_seconds,anon_bytes\n");
		fputs("series_id,memory_limit_bytes\n", f.labels);
		fputs("series_id,unix_seconds,event\n", f.events);
	}
	for (size_t i = 0; i < PF_ARRAY_SIZE(exported) && err == 0; i++) {
		struct leak_gen_series g;

		err = leak_gen_make(shape_called(exported[i].shape), exported[i].scale, seed, &g);
		if (err < 0)
			break;
		write_series(&f, &g);
		leak_gen_done(&g);
	}
	closed = close_all(&f);
	return err < 0 ? err : closed;
}
