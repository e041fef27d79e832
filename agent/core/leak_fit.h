/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leak_fit.h - the robust statistics leak detection rests on. Pure; nothing is allocated.
 */
#ifndef PF_CORE_LEAK_FIT_H
#define PF_CORE_LEAK_FIT_H

#include <stdbool.h>
#include <stddef.h>

enum {
	PF_LEAK_FIT_MAX = 36,	  /* values a line is fitted through: 630 pairwise slopes */
	PF_LEAK_MEDIAN_MAX = 192, /* values a median is taken of: eight days of hours */
};

/* A line through values at growing places. */
struct pf_leak_line {
	double base;	  /* of the line at the first value: median of what the slope leaves */
	double slope;	  /* Theil and Sen: the median of all pairwise slopes */
	double slope_low; /* 95 % interval of the slope, from the order statistics of the pairwise
			     slopes */
	double slope_high;
	double z; /* Mann-Kendall: how many standard deviations of a trendless series the trend is
		   */
	double t; /* rise along the line in units of its standard error, autocorrelation included */
	double scale; /* robust standard deviation of what the line leaves */
	double rho;   /* lag-1 autocorrelation of what the line leaves, in [0, 0.95] */
};

/* Medians of the three thirds of a series: how its growth develops. */
struct pf_leak_thirds {
	double last;	   /* median of the last third */
	double last_step;  /* last third over middle third */
	double first_step; /* middle third over first third */
};

/** pf_leak_median() - of @nr <= PF_LEAK_MEDIAN_MAX values, at least one; of two middle ones the
 * mean. */
double pf_leak_median(const double *values, size_t nr);

/** pf_leak_min() / pf_leak_max() / pf_leak_mean() - of at least one value. */
double pf_leak_min(const double *values, size_t nr);
double pf_leak_max(const double *values, size_t nr);
double pf_leak_mean(const double *values, size_t nr);

/**
 * pf_leak_fit_line() - fits @nr values, 3 <= @nr <= PF_LEAK_FIT_MAX.
 * @at: where they lie, growing, the first at 0; NULL: at 0, 1, 2, ...
 *
 * The variance of the Mann-Kendall sum is n(n-1)(2n+5)/18 (Kendall 1938). The interval of the slope
 * is Sen's (1968), its variance inflated by (1 + rho)/(1 - rho) after Hamed and Rao (1998).
 */
void pf_leak_fit_line(const double *at, const double *values, size_t nr,
		      struct pf_leak_line *ret_line);

/**
 * pf_leak_onset() - at which of the values growth begins: level before, a line after.
 *
 * The break is looked for in the first half and must leave at most two thirds of the squares that a
 * line through all values leaves. @at as above. Return: the index of its value; 0 where no break is better.
 */
size_t pf_leak_onset(const double *at, const double *values, size_t nr,
		     const struct pf_leak_line *line);

/** pf_leak_fit_thirds() - of at least 6 values. */
void pf_leak_fit_thirds(const double *values, size_t nr, struct pf_leak_thirds *ret_thirds);

/**
 * pf_leak_saturates() - does growth that slows down stop before @limit, or reach it only after
 * @horizon steps of one third of the series?
 * @values: at least 9, at most PF_LEAK_MEDIAN_MAX.
 *
 * Three points of a geometric approach give its limit (Aitken): last + d r/(1 - r), d = last step
 * and r = last step / first step. Growth at r >= 0.9 is taken as straight; below 0.7 only the limit
 * of the series counts, in between also the time to get there. Half a standard error, from second
 * differences of block medians, is granted to the straight line.
 */
bool pf_leak_saturates(const double *values, size_t nr, double limit, double horizon);

#endif
