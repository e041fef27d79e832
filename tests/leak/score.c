// SPDX-License-Identifier: Apache-2.0
/*
 * score.c - precision, recall, delay, slope and exhaustion error, coverage of the intervals.
 */
#include "leak/score.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double week_s = 604800;

static void keep(struct leak_score *score, struct leak_values *values, double value)
{
	if (values->nr == values->cap) {
		size_t cap = PF_MAX(64, 2 * values->cap);
		double *v = realloc(values->v, cap * sizeof(*v));

		if (!v) {
			score->err = -ENOMEM;
			return;
		}
		values->v = v;
		values->cap = cap;
	}
	values->v[values->nr++] = value;
}

static void score_detection(struct leak_score *s, const struct leak_label *label, double start,
			    const struct leak_alarm *a)
{
	keep(s, &s->delay_h, (a->at - start) / 3600);
	if (label->oom > start)
		keep(s, &s->way, (a->at - start) / (label->oom - start));
	if (label->slope > 0) {
		keep(s, &s->slope_error, fabs(a->slope - label->slope) / label->slope);
		if (a->slope_high >= 0) {
			s->slope_intervals++;
			s->slope_covered +=
				a->slope_low <= label->slope && label->slope <= a->slope_high;
		}
	}
	if (label->oom > a->at) {
		keep(s, &s->eta_error, fabs(a->eta - label->oom) / (label->oom - a->at));
		if (a->eta_high >= 0) {
			s->eta_intervals++;
			s->eta_covered += a->eta_low <= label->oom && label->oom <= a->eta_high;
		}
	}
}

static void score_leak(struct leak_score *s, const struct leak_label *label, double first,
		       double last, const struct leak_alarm *alarms, size_t nr)
{
	double start = label->start >= 0 ? label->start : first;
	double end = label->end >= 0 ? label->end : last;
	const struct leak_alarm *hit = NULL;
	size_t early = 0;

	for (size_t i = 0; i < nr; i++) {
		early += alarms[i].at < start;
		if (!hit && alarms[i].at >= start && alarms[i].at <= end)
			hit = &alarms[i];
	}
	s->nr_leak++;
	s->detected += hit != NULL;
	s->missed += hit == NULL;
	s->false_series += early > 0;
	s->false_alarms += early;
	s->weeks += PF_MAX(0, start - first) / week_s;
	if (hit)
		score_detection(s, label, start, hit);
}

void leak_score_add(struct leak_score *score, const struct leak_label *label, double first,
		    double last, const struct leak_alarm *alarms, size_t nr_alarms)
{
	switch (label->class) {
	case LEAK_CLASS_LEAK:
		score_leak(score, label, first, last, alarms, nr_alarms);
		break;
	case LEAK_CLASS_NORMAL:
		score->nr_normal++;
		score->false_series += nr_alarms > 0;
		score->false_alarms += nr_alarms;
		score->weeks += (last - first) / week_s;
		break;
	case LEAK_CLASS_UNKNOWN:
		score->nr_unknown++;
		score->unknown_alarmed += nr_alarms > 0;
		score->unknown_alarms += nr_alarms;
		score->unknown_weeks += (last - first) / week_s;
		break;
	case LEAK_CLASS_OTHER:
		break;
	}
}

void leak_score_done(struct leak_score *score)
{
	free(score->delay_h.v);
	free(score->way.v);
	free(score->slope_error.v);
	free(score->eta_error.v);
	memset(score, 0, sizeof(*score));
}

static double ratio(double a, double b)
{
	return b > 0 ? a / b : -1;
}

double leak_score_precision(const struct leak_score *s)
{
	return ratio((double)s->detected, (double)(s->detected + s->false_series));
}

double leak_score_recall(const struct leak_score *s)
{
	return ratio((double)s->detected, (double)s->nr_leak);
}

double leak_score_f1(const struct leak_score *s)
{
	double p = leak_score_precision(s), r = leak_score_recall(s);

	if (p < 0 || r < 0)
		return -1;
	return p + r > 0 ? 2 * p * r / (p + r) : 0;
}

double leak_score_false_rate(const struct leak_score *s)
{
	return ratio((double)s->false_alarms, s->weeks);
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double leak_score_median(const struct leak_values *values)
{
	size_t n = values->nr;

	if (!n)
		return -1;
	qsort(values->v, n, sizeof(*values->v), ascending);
	return n % 2 ? values->v[n / 2] : (values->v[n / 2 - 1] + values->v[n / 2]) / 2;
}

static void cell(FILE *out, int width, int digits, double value)
{
	if (value < 0)
		fprintf(out, " %*s", width, "-");
	else
		fprintf(out, " %*.*f", width, digits, value);
}

void leak_score_head(FILE *out)
{
	fprintf(out, "%-22s %-9s %5s %6s %9s %6s %5s %9s %7s %5s %6s %6s %6s %6s %8s\n", "data",
		"method", "leaks", "normal", "precision", "recall", "F1", "false/wk", "delay h",
		"way", "slope", "ETA", "slope%", "ETA%", "unlab.");
}

void leak_score_line(FILE *out, const char *name, const char *method, const struct leak_score *s)
{
	fprintf(out, "%-22s %-9s %5zu %6zu", name, method, s->nr_leak, s->nr_normal);
	cell(out, 9, 3, leak_score_precision(s));
	cell(out, 6, 3, leak_score_recall(s));
	cell(out, 5, 3, leak_score_f1(s));
	cell(out, 9, 3, leak_score_false_rate(s));
	cell(out, 7, 2, leak_score_median(&s->delay_h));
	cell(out, 5, 2, leak_score_median(&s->way));
	cell(out, 6, 3, leak_score_median(&s->slope_error));
	cell(out, 6, 3, leak_score_median(&s->eta_error));
	cell(out, 6, 0, ratio(100. * (double)s->slope_covered, (double)s->slope_intervals));
	cell(out, 6, 0, ratio(100. * (double)s->eta_covered, (double)s->eta_intervals));
	if (s->nr_unknown)
		fprintf(out, " %zu/%.1fwk", s->unknown_alarms, s->unknown_weeks);
	fputc('\n', out);
}
