// SPDX-License-Identifier: Apache-2.0
/*
 * eval.c - series through the leak detector into scores.
 */
#include "leak/eval.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "core/leak.h"
#include "ctl/csv.h"
#include "leak/gen.h"

enum {
	MAX_ALARMS = 4096, /* of one series: more would only be more of the same */
	MAX_LABELS = 1 << 16,
};

static const double far_s = 4e9; /* "not in sight" in CSV files of predictions */

static double unix_s(uint64_t ns)
{
	return ns == PF_UNKNOWN ? far_s : PF_MIN((double)ns / 1e9, far_s);
}

/* One replay: alarms of both methods. */
struct replay {
	struct pf_leak_state state;
	struct leak_alarm podfit[MAX_ALARMS], baseline[MAX_ALARMS];
	size_t nr_podfit, nr_baseline;
};

static void push(struct replay *p, const struct pf_leak_options *options,
		 const struct pf_leak_sample *sample)
{
	bool before = p->state.baseline.alarmed;
	enum pf_leak_event event = pf_leak_push(&p->state, options, sample);
	struct pf_leak_finding f;

	if (p->state.baseline.alarmed && !before && p->nr_baseline < MAX_ALARMS)
		p->baseline[p->nr_baseline++] = (struct leak_alarm){
			.at = unix_s(sample->at_ns),
			.slope = p->state.baseline_alarm.slope_bytes_per_h,
			.eta = unix_s(p->state.baseline_alarm.oom_ns),
			.slope_low = -1,
			.slope_high = -1,
			.eta_low = -1,
			.eta_high = -1,
		};
	if (event != PF_LEAK_ALARM_BEGINS || p->nr_podfit == MAX_ALARMS)
		return;
	pf_leak_describe(&p->state, options, &f);
	p->podfit[p->nr_podfit++] = (struct leak_alarm){
		.at = unix_s(sample->at_ns),
		.slope = f.slope_bytes_per_hour,
		.slope_low = f.slope_low,
		.slope_high = f.slope_high,
		.eta = unix_s(f.eta_unix_ns),
		.eta_low = unix_s(f.eta_low_unix_ns),
		.eta_high = unix_s(f.eta_high_unix_ns),
	};
}

void leak_eval_series(const struct pf_series *series, const struct leak_label *label,
		      struct leak_scores *scores)
{
	struct replay *p = calloc(1, sizeof(*p));
	struct pf_leak_options options;
	double first = -1, last = -1;
	size_t next = 0;

	if (!p) {
		scores->podfit.err = -ENOMEM;
		return;
	}
	pf_leak_options_init((uint64_t)(series->interval_s * 1e9), 1, &options);
	for (size_t i = 0; i < series->nr_rows; i++) {
		const struct pf_series_row *row = &series->rows[i];

		if (row->memory_bytes < 0)
			continue;
		for (; next < series->nr_restarts && series->restarts[next] <= row->unix_s; next++)
			pf_leak_restart(&p->state, false);
		push(p, &options,
		     &(struct pf_leak_sample){
			     .at_ns = (uint64_t)(row->unix_s * 1e9),
			     .hot_bytes = (uint64_t)row->hot_bytes,
			     .limit_bytes = row->limit_bytes > 0 ? (uint64_t)row->limit_bytes
								 : PF_NO_LIMIT,
			     .cpu_cores = row->cpu_cores,
		     });
		first = first < 0 ? row->unix_s : first;
		last = row->unix_s;
	}
	leak_score_add(&scores->podfit, label, first, last, p->podfit, p->nr_podfit);
	leak_score_add(&scores->baseline, label, first, last, p->baseline, p->nr_baseline);
	free(p);
}

/* Labels of a folder by series. */
struct folder {
	struct leak_scores *scores;
	struct pf_map *by_id;
	struct labelled {
		struct labelled *next;
		struct leak_label label;
		struct leak_alarm *alarms; /* of a file of predictions */
		size_t nr_alarms;
	} * all;
};

static void folder_done(struct folder *folder)
{
	for (struct labelled *l = folder->all, *next; l; l = next) {
		next = l->next;
		free(l->alarms);
		free(l);
	}
	pf_map_free(folder->by_id);
}

static int take_series(void *arg, const struct pf_series *series)
{
	struct folder *folder = arg;
	const struct labelled *l = pf_map_get_str(folder->by_id, series->id);

	if (l)
		leak_eval_series(series, &l->label, folder->scores);
	return folder->scores->podfit.err;
}

static enum leak_class class_of(const char *name)
{
	if (!strcmp(name, "leak"))
		return LEAK_CLASS_LEAK;
	if (!strcmp(name, "normal"))
		return LEAK_CLASS_NORMAL;
	return strcmp(name, "unknown") ? LEAK_CLASS_OTHER : LEAK_CLASS_UNKNOWN;
}

static int add_label(struct folder *folder, const char *id, const struct leak_label *label)
{
	struct labelled *l = calloc(1, sizeof(*l));
	int err;

	if (!l)
		return -ENOMEM;
	l->label = *label;
	l->next = folder->all;
	folder->all = l;
	err = pf_map_put_str(folder->by_id, id, l);
	return err;
}

static int read_labels(struct folder *folder, const char *path, char *error, size_t error_size)
{
	PF_AUTO(pf_csv_close) struct pf_csv csv = { 0 };
	static const char *const names[] = { "leak_start_unix", "leak_end_unix", "oom_unix",
					     "slope_bytes_per_hour" };
	int id, class, columns[PF_ARRAY_SIZE(names)], err;

	err = pf_csv_open(path, error, error_size, &csv);
	if (err >= 0)
		err = pf_csv_next(&csv);
	if (err < 0)
		return err;
	id = pf_csv_column(&csv, "series_id");
	class = pf_csv_column(&csv, "label");
	if (id < 0 || class < 0)
		return pf_csv_bad_line(&csv, "the header has no series_id or no label");
	for (size_t i = 0; i < PF_ARRAY_SIZE(names); i++)
		columns[i] = pf_csv_column(&csv, names[i]);
	while ((err = pf_csv_next(&csv)) > 0) {
		struct leak_label label;
		double *const values[] = { &label.start, &label.end, &label.oom, &label.slope };

		if (csv.nr_fields <= (size_t)PF_MAX(id, class))
			return pf_csv_bad_line(&csv, "has too few fields");
		label.class = class_of(csv.field[class]);
		for (size_t i = 0; i < PF_ARRAY_SIZE(names) && err >= 0; i++)
			err = pf_csv_number(&csv, columns[i], values[i]);
		if (err >= 0)
			err = add_label(folder, csv.field[id], &label);
		if (err < 0)
			return err;
	}
	return err;
}

/* Alarms in a file as `podfit leaks --from-csv -o csv` writes them, to their series. */
static int read_predictions(struct folder *folder, const char *path, char *error, size_t error_size)
{
	PF_AUTO(pf_csv_close) struct pf_csv csv = { 0 };
	static const char *const names[] = { "first_alarm_unix_seconds",
					     "slope_bytes_per_hour",
					     "eta_unix_seconds",
					     "slope_low",
					     "slope_high",
					     "eta_low_unix",
					     "eta_high_unix" };
	int columns[PF_ARRAY_SIZE(names)], err = pf_csv_open(path, error, error_size, &csv);

	if (err >= 0)
		err = pf_csv_next(&csv);
	if (err < 0)
		return err;
	if (pf_csv_column(&csv, "series_id") != 0)
		return pf_csv_bad_line(&csv, "does not begin with series_id");
	for (size_t i = 0; i < PF_ARRAY_SIZE(names); i++)
		columns[i] = pf_csv_column(&csv, names[i]);
	while ((err = pf_csv_next(&csv)) > 0) {
		struct labelled *l = pf_map_get_str(folder->by_id, csv.field[0]);
		struct leak_alarm a, *alarms;
		double *const values[] = { &a.at,	  &a.slope,   &a.eta,	  &a.slope_low,
					   &a.slope_high, &a.eta_low, &a.eta_high };

		for (size_t i = 0; i < PF_ARRAY_SIZE(names) && err >= 0; i++)
			err = pf_csv_number(&csv, columns[i], values[i]);
		if (err < 0)
			return err;
		if (!l || a.at < 0)
			continue;
		alarms = realloc(l->alarms, (l->nr_alarms + 1) * sizeof(*alarms));
		if (!alarms)
			return -ENOMEM;
		l->alarms = alarms;
		l->alarms[l->nr_alarms++] = a;
	}
	return err;
}

static int take_predicted(void *arg, const struct pf_series *series)
{
	struct folder *folder = arg;
	const struct labelled *l = pf_map_get_str(folder->by_id, series->id);
	double first = -1, last = -1;

	for (size_t i = 0; i < series->nr_rows; i++) {
		if (series->rows[i].memory_bytes < 0)
			continue;
		first = first < 0 ? series->rows[i].unix_s : first;
		last = series->rows[i].unix_s;
	}
	if (l && first >= 0)
		leak_score_add(&folder->scores->podfit, &l->label, first, last, l->alarms,
			       l->nr_alarms);
	return folder->scores->podfit.err;
}

int leak_eval_predictions(const char *path, const char *predictions, struct leak_scores *scores,
			  char *error, size_t error_size)
{
	PF_AUTO(folder_done) struct folder folder = { .scores = scores };
	char labels[4096];
	int err = pf_map_new_str(MAX_LABELS, &folder.by_id);

	*error = '\0';
	if (err < 0)
		return err;
	snprintf(labels, sizeof(labels), "%s/labels.csv", path);
	err = read_labels(&folder, labels, error, error_size);
	if (err >= 0)
		err = read_predictions(&folder, predictions, error, error_size);
	if (err < 0)
		return err;
	return pf_series_read(path, take_predicted, &folder, error, error_size);
}

int leak_eval_folder(const char *path, struct leak_scores *scores, char *error, size_t error_size)
{
	PF_AUTO(folder_done) struct folder folder = { .scores = scores };
	char labels[4096];
	int err = pf_map_new_str(MAX_LABELS, &folder.by_id);

	*error = '\0';
	if (err < 0)
		return err;
	snprintf(labels, sizeof(labels), "%s/labels.csv", path);
	err = read_labels(&folder, labels, error, error_size);
	if (err < 0)
		return err;
	return pf_series_read(path, take_series, &folder, error, error_size);
}

int leak_eval_generated(uint64_t first_seed, unsigned nr_seeds, struct leak_scores *scores)
{
	for (size_t shape = 0; shape < leak_gen_nr_shapes(); shape++) {
		for (unsigned scale = 0; scale < LEAK_GEN_NR_SCALES; scale++) {
			for (unsigned i = 0; i < nr_seeds && leak_gen_shape_has(shape, scale);
			     i++) {
				struct leak_gen_series g;
				int err = leak_gen_make(shape, scale, first_seed + i, &g);

				if (err < 0)
					return err;
				leak_eval_series(&g.series, &g.label, scores);
				leak_gen_done(&g);
			}
		}
	}
	return scores->podfit.err;
}

void leak_scores_done(struct leak_scores *scores)
{
	leak_score_done(&scores->podfit);
	leak_score_done(&scores->baseline);
}
