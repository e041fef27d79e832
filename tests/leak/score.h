/* SPDX-License-Identifier: Apache-2.0 */
/*
 * score.h - how good are alarms against labels?
 *
 * An alarm on a leaking series between the leak's start and its end is a detection; every alarm
 * before, and every one on a normal series, is false. Series that nobody labelled are counted apart.
 */
#ifndef PF_TESTS_LEAK_SCORE_H
#define PF_TESTS_LEAK_SCORE_H

#include <stddef.h>
#include <stdio.h>

#include "base/cleanup.h"

enum leak_class {
	LEAK_CLASS_OTHER, /* takes no part */
	LEAK_CLASS_LEAK,
	LEAK_CLASS_NORMAL,
	LEAK_CLASS_UNKNOWN,
};

/* Unix seconds and bytes an hour; below 0: not known. */
struct leak_label {
	enum leak_class class;
	double start, end, oom, slope;
};

struct leak_alarm {
	double at, slope, slope_low, slope_high, eta, eta_low,
		eta_high; /* intervals below 0: none */
};

/* A growing list of numbers. */
struct leak_values {
	double *v;
	size_t nr, cap;
};

struct leak_score {
	size_t nr_leak, nr_normal, nr_unknown;
	size_t detected, missed, false_series;
	size_t false_alarms, unknown_alarmed, unknown_alarms;
	double weeks, unknown_weeks;
	struct leak_values delay_h, way, slope_error, eta_error;
	size_t slope_intervals, slope_covered, eta_intervals, eta_covered;
	int err; /* -ENOMEM once a list could not grow */
};

/* One series with its alarms in order; @first and @last: its span. */
void leak_score_add(struct leak_score *score, const struct leak_label *label, double first,
		    double last, const struct leak_alarm *alarms, size_t nr_alarms);
void leak_score_done(struct leak_score *score);

/* Each below 0 where there is nothing to calculate it from. */
double leak_score_precision(const struct leak_score *score);
double leak_score_recall(const struct leak_score *score);
double leak_score_f1(const struct leak_score *score);
double leak_score_false_rate(const struct leak_score *score); /* a series-week */
double leak_score_median(const struct leak_values *values);

/** leak_score_head() / leak_score_line() - a table with one line a score. */
void leak_score_head(FILE *out);
void leak_score_line(FILE *out, const char *name, const char *method,
		     const struct leak_score *score);

#endif
