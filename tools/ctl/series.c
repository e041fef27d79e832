// SPDX-License-Identifier: Apache-2.0
/*
 * series.c - recorded usage from CSV files, plain or compressed, one series at a time.
 */
#include "ctl/series.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/map.h"
#include "ctl/csv.h"
#include "ctl/progress.h"

enum {
	SERIES_MAX = 1 << 20, /* of one folder */
	ROWS_MAX = 16 << 20,  /* of one series: two years at 4 s */
	INTERVAL_ROWS = 200,
};

/* What labels.csv, events.csv and anon.csv.gz say of a series. */
struct facts {
	struct facts *next;
	double limit_bytes;
	double *restarts;
	size_t nr_restarts;
	struct anon_row {
		double unix_s, bytes;
	} * anon;
	size_t nr_anon;
};

struct reader {
	char *error;
	size_t error_size;
	struct pf_map *facts; /* by series id */
	struct facts *all;    /* the same, to free them */
	pf_series_fn take;
	void *arg;

	char id[PF_SERIES_ID_MAX]; /* series being collected; "" between files */
	struct pf_series_row *rows;
	size_t nr_rows;
	size_t nr_series; /* given to take */
};

PF_PRINTF(3, 4)
static int fail(struct reader *r, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(r->error, r->error_size, format, args);
	va_end(args);
	return err;
}

static int facts_of(struct reader *r, const char *id, struct facts **ret_facts)
{
	struct facts *f = pf_map_get_str(r->facts, id);
	int err;

	if (!f) {
		f = calloc(1, sizeof(*f));
		if (!f)
			return fail(r, -ENOMEM, "out of memory");
		err = pf_map_put_str(r->facts, id, f);
		if (err < 0) {
			free(f);
			return fail(r, err, "%s",
				    err == -ENOSPC ? "more than 1048576 series" : "out of memory");
		}
		f->limit_bytes = -1;
		f->next = r->all;
		r->all = f;
	}
	*ret_facts = f;
	return 0;
}

/* Makes room for one more element; arrays grow by doubling at powers of two. */
static int grow(struct reader *r, void **array, size_t nr, size_t size)
{
	void *bigger;

	if (nr & (nr - 1) || (nr && nr < 16))
		return 0;
	bigger = realloc(*array, PF_MAX(16, 2 * nr) * size);
	if (!bigger)
		return fail(r, -ENOMEM, "out of memory");
	*array = bigger;
	return 0;
}

typedef int (*line_fn)(struct reader *r, struct pf_csv *csv, const int *columns);

/* Reads a file of facts: its header gives the places of @names (up to three), each line goes to
 * @take. */
static int read_facts(struct reader *r, const char *path, const char *const *names, line_fn take)
{
	PF_AUTO(pf_csv_close) struct pf_csv csv = { 0 };
	int columns[3], err;

	if (access(path, F_OK) < 0)
		return 0;
	err = pf_csv_open(path, r->error, r->error_size, &csv);
	if (err < 0)
		return err;
	err = pf_csv_next(&csv);
	if (err <= 0)
		return err;
	for (size_t i = 0; i < PF_ARRAY_SIZE(columns); i++) {
		columns[i] = pf_csv_column(&csv, names[i]);
		if (columns[i] < 0)
			return fail(r, -EBADMSG, "%s: no column %s", path, names[i]);
	}
	while ((err = pf_csv_next(&csv)) > 0) {
		for (size_t i = 0; i < PF_ARRAY_SIZE(columns); i++)
			if ((size_t)columns[i] >= csv.nr_fields)
				return pf_csv_bad_line(&csv, "has too few fields");
		err = take(r, &csv, columns);
		if (err < 0)
			return err;
	}
	return err;
}

static int take_label(struct reader *r, struct pf_csv *csv, const int *columns)
{
	struct facts *f;
	int err = facts_of(r, csv->field[columns[0]], &f);

	return err < 0 ? err : pf_csv_number(csv, columns[1], &f->limit_bytes);
}

static int take_event(struct reader *r, struct pf_csv *csv, const int *columns)
{
	struct facts *f;
	double at;
	int err;

	if (strcmp(csv->field[columns[2]], "restart") != 0)
		return 0;
	err = facts_of(r, csv->field[columns[0]], &f);
	if (err >= 0)
		err = pf_csv_number(csv, columns[1], &at);
	if (err >= 0)
		err = grow(r, (void **)&f->restarts, f->nr_restarts, sizeof(*f->restarts));
	if (err < 0)
		return err;
	f->restarts[f->nr_restarts++] = at;
	return 0;
}

static int take_anon(struct reader *r, struct pf_csv *csv, const int *columns)
{
	struct anon_row row;
	struct facts *f;
	int err = facts_of(r, csv->field[columns[0]], &f);

	if (err >= 0)
		err = pf_csv_number(csv, columns[1], &row.unix_s);
	if (err >= 0)
		err = pf_csv_number(csv, columns[2], &row.bytes);
	if (err >= 0)
		err = grow(r, (void **)&f->anon, f->nr_anon, sizeof(*f->anon));
	if (err < 0)
		return err;
	f->anon[f->nr_anon++] = row;
	return 0;
}

static int by_number(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double usual_interval(const struct reader *r)
{
	double gap[INTERVAL_ROWS];
	size_t nr = 0;

	for (size_t i = 1; i < r->nr_rows && nr < INTERVAL_ROWS; i++)
		gap[nr++] = r->rows[i].unix_s - r->rows[i - 1].unix_s;
	if (!nr)
		return 1;
	qsort(gap, nr, sizeof(*gap), by_number);
	return PF_MAX(1, gap[nr / 2]);
}

/* Both by time: replaces memory by what of it is no cache, where that is known. */
static void apply_anon(struct reader *r, const struct facts *f)
{
	size_t i = 0;

	for (size_t row = 0; row < r->nr_rows; row++) {
		while (i < f->nr_anon && f->anon[i].unix_s < r->rows[row].unix_s)
			i++;
		if (i < f->nr_anon && f->anon[i].unix_s == r->rows[row].unix_s &&
		    f->anon[i].bytes >= 0)
			r->rows[row].hot_bytes = f->anon[i].bytes;
	}
}

/* The collected series is complete. */
static int finish_series(struct reader *r)
{
	struct facts *f = r->facts && *r->id ? pf_map_get_str(r->facts, r->id) : NULL;
	struct pf_series series = { .rows = r->rows, .nr_rows = r->nr_rows };

	if (!r->nr_rows)
		return 0;
	if (f) {
		for (size_t i = 0; i < r->nr_rows; i++)
			if (r->rows[i].limit_bytes < 0)
				r->rows[i].limit_bytes = f->limit_bytes;
		apply_anon(r, f);
		if (f->nr_restarts) /* qsort() wants a place even for nothing */
			qsort(f->restarts, f->nr_restarts, sizeof(*f->restarts), by_number);
		series.restarts = f->restarts;
		series.nr_restarts = f->nr_restarts;
	}
	snprintf(series.id, sizeof(series.id), "%s", r->id);
	series.interval_s = usual_interval(r);
	pf_progress_say("%s: series %zu, %zu rows", series.id, ++r->nr_series, r->nr_rows);
	r->nr_rows = 0;
	return r->take(r->arg, &series);
}

static int take_row(struct reader *r, struct pf_csv *csv, int cpu, int memory, int limit)
{
	struct pf_series_row row;
	int err;

	if (csv->nr_fields < 2 || !*csv->field[0])
		return pf_csv_bad_line(csv, "has no series_id and unix_seconds");
	if (PF_MAX(PF_MAX(cpu, memory), limit) >= (int)csv->nr_fields)
		return pf_csv_bad_line(csv, "has too few fields");
	if (strlen(csv->field[0]) >= PF_SERIES_ID_MAX)
		return pf_csv_bad_line(csv, "series_id is longer than 127 bytes");
	if (strcmp(csv->field[0], r->id) != 0) {
		err = finish_series(r);
		if (err < 0)
			return err;
		snprintf(r->id, sizeof(r->id), "%s", csv->field[0]);
	}
	err = pf_csv_number(csv, 1, &row.unix_s);
	if (err >= 0)
		err = pf_csv_number(csv, cpu, &row.cpu_cores);
	if (err >= 0)
		err = pf_csv_number(csv, memory, &row.memory_bytes);
	if (err >= 0)
		err = pf_csv_number(csv, limit, &row.limit_bytes);
	if (err < 0)
		return err;
	if (row.unix_s < 0)
		return pf_csv_bad_line(csv, "has no unix_seconds");
	if (r->nr_rows && row.unix_s < r->rows[r->nr_rows - 1].unix_s)
		return pf_csv_bad_line(csv,
				       "is older than the line before: sort by series and time");
	if (r->nr_rows == ROWS_MAX)
		return pf_csv_bad_line(csv, "the series has more than 16777216 rows");
	err = grow(r, (void **)&r->rows, r->nr_rows, sizeof(*r->rows));
	if (err < 0)
		return err;
	row.hot_bytes = row.memory_bytes;
	r->rows[r->nr_rows++] = row;
	return 0;
}

/* @optional: a file without the header of a series file is passed over, not an error. */
static int read_series_file(struct reader *r, const char *path, bool optional)
{
	PF_AUTO(pf_csv_close) struct pf_csv csv = { 0 };
	int cpu, memory, limit, err;

	err = pf_csv_open(path, r->error, r->error_size, &csv);
	if (err < 0)
		return err;
	err = pf_csv_next(&csv);
	if (err < 0)
		return err;
	if (!err || pf_csv_column(&csv, "series_id") != 0 ||
	    pf_csv_column(&csv, "unix_seconds") != 1 ||
	    (pf_csv_column(&csv, "memory_bytes") < 0 && pf_csv_column(&csv, "cpu_cores") < 0))
		return optional ? 0
				: fail(r, -EBADMSG,
				       "%s: the first line is not series_id,unix_seconds,"
				       "cpu_cores,memory_bytes",
				       path);
	cpu = pf_csv_column(&csv, "cpu_cores");
	memory = pf_csv_column(&csv, "memory_bytes");
	limit = pf_csv_column(&csv, "memory_limit_bytes");
	*r->id = '\0';
	while ((err = pf_csv_next(&csv)) > 0) {
		err = take_row(r, &csv, cpu, memory, limit);
		if (err < 0)
			return err;
	}
	return err < 0 ? err : finish_series(r);
}

static int is_csv(const struct dirent *entry)
{
	const char *dot = strstr(entry->d_name, ".csv");

	return dot && entry->d_name[0] != '.' && (!dot[4] || !strcmp(dot + 4, ".gz"));
}

static int read_folder(struct reader *r, const char *path)
{
	static const struct {
		const char *name, *columns[3];
		line_fn take;
	} facts[] = {
		{ "labels.csv", { "series_id", "memory_limit_bytes", "series_id" }, take_label },
		{ "events.csv", { "series_id", "unix_seconds", "event" }, take_event },
		{ "anon.csv.gz", { "series_id", "unix_seconds", "anon_bytes" }, take_anon },
	};
	struct dirent **entries;
	char file[4096];
	int nr, err = pf_map_new_str(SERIES_MAX, &r->facts);

	if (err < 0)
		return fail(r, err, "out of memory");
	for (size_t i = 0; i < PF_ARRAY_SIZE(facts); i++) {
		snprintf(file, sizeof(file), "%s/%s", path, facts[i].name);
		err = read_facts(r, file, facts[i].columns, facts[i].take);
		if (err < 0)
			return err;
	}
	nr = scandir(path, &entries, is_csv, alphasort);
	if (nr < 0)
		return fail(r, -errno, "%s: %s", path, strerror(errno));
	for (int i = 0; i < nr; i++) {
		snprintf(file, sizeof(file), "%s/%s", path, entries[i]->d_name);
		if (err >= 0)
			err = read_series_file(r, file, true);
		free(entries[i]);
	}
	free(entries);
	return err;
}

static void reader_done(struct reader *r)
{
	for (struct facts *f = r->all, *next; f; f = next) {
		next = f->next;
		free(f->restarts);
		free(f->anon);
		free(f);
	}
	pf_map_free(r->facts);
	free(r->rows);
}

int pf_series_read(const char *path, pf_series_fn take, void *arg, char *error, size_t error_size)
{
	PF_AUTO(reader_done)
	struct reader r = { .error = error, .error_size = error_size, .take = take, .arg = arg };
	struct stat st;

	if (stat(path, &st) < 0)
		return fail(&r, -errno, "%s: %s", path, strerror(errno));
	int err = S_ISDIR(st.st_mode) ? read_folder(&r, path) : read_series_file(&r, path, false);

	pf_progress_end();
	return err;
}
