// SPDX-License-Identifier: Apache-2.0
/*
 * leak_fit.c - medians, lines and curvature of short series, insensitive to single wild values.
 */
#include "core/leak_fit.h"

#include <math.h>
#include <string.h>

#include "base/cleanup.h"

enum { MAX_PAIRS = PF_LEAK_FIT_MAX * (PF_LEAK_FIT_MAX - 1) / 2 };

static const double straight_ratio = 0.9; /* a last step of 9/10 of the first is still a line */
static const double saturating_ratio =
	0.7; /* below, growth is a warm-up unless its end lies above the limit */

static void swap(double *a, double *b)
{
	double x = *a;

	*a = *b;
	*b = x;
}

/* Hoare's selection: v[k] becomes what it would be in sorted order, smaller ones left, larger ones
 * right. */
static double select_nth(double *v, size_t nr, size_t k)
{
	ptrdiff_t left = 0, right = (ptrdiff_t)nr - 1, at = (ptrdiff_t)k;

	while (left < right) {
		double pivot = v[left + (right - left) / 2];
		ptrdiff_t i = left, j = right;

		do {
			while (v[i] < pivot)
				i++;
			while (pivot < v[j])
				j--;
			if (i <= j)
				swap(&v[i++], &v[j--]);
		} while (i <= j);
		if (j < at)
			left = i;
		if (at < i)
			right = j;
	}
	return v[k];
}

/* The median, by reordering @v. */
static double median_of(double *v, size_t nr)
{
	double upper = select_nth(v, nr, nr / 2);

	if (nr % 2)
		return upper;
	return .5 * (pf_leak_max(v, nr / 2) + upper); /* the lower half stands left of it */
}

double pf_leak_median(const double *values, size_t nr)
{
	double copy[PF_LEAK_MEDIAN_MAX];

	memcpy(copy, values, nr * sizeof(*values));
	return median_of(copy, nr);
}

double pf_leak_min(const double *values, size_t nr)
{
	double min = values[0];

	for (size_t i = 1; i < nr; i++)
		min = PF_MIN(min, values[i]);
	return min;
}

double pf_leak_max(const double *values, size_t nr)
{
	double max = values[0];

	for (size_t i = 1; i < nr; i++)
		max = PF_MAX(max, values[i]);
	return max;
}

double pf_leak_mean(const double *values, size_t nr)
{
	double sum = 0;

	for (size_t i = 0; i < nr; i++)
		sum += values[i];
	return sum / (double)nr;
}

/* Where the i-th value lies. */
static double place(const double *at, size_t i)
{
	return at ? at[i] : (double)i;
}

/* All pairwise slopes into @slopes; returns how many more pairs rise than fall. */
static long pairwise_slopes(const double *at, const double *y, size_t nr, double *slopes)
{
	long rising = 0;
	size_t m = 0;

	for (size_t i = 0; i < nr; i++) {
		for (size_t j = i + 1; j < nr; j++) {
			double d = y[j] - y[i];

			rising += (d > 0) - (d < 0);
			slopes[m++] = d / (place(at, j) - place(at, i));
		}
	}
	return rising;
}

/* What the line leaves: robust scale, and how much of it carries over to the next value. */
static void fit_residuals(const double *at, const double *y, size_t nr, struct pf_leak_line *line)
{
	double r[PF_LEAK_FIT_MAX], magnitude[PF_LEAK_FIT_MAX];
	double squares = 0, products = 0;

	for (size_t i = 0; i < nr; i++)
		r[i] = y[i] - line->slope * place(at, i);
	memcpy(magnitude, r, nr * sizeof(*r));

	line->base = median_of(magnitude, nr);
	for (size_t i = 0; i < nr; i++) {
		r[i] = y[i] - line->base - line->slope * place(at, i);
		magnitude[i] = fabs(r[i]);
		squares += r[i] * r[i];
		if (i)
			products += r[i - 1] * r[i];
	}
	/* A median deviation of 0 must not hide outliers: half the root mean square is the least.
	 */
	line->scale = PF_MAX(1.4826 * median_of(magnitude, nr), sqrt(squares / (double)nr) * .5);
	line->rho = squares > 0 ? PF_MAX(0, PF_MIN(.95, products / squares)) : 0;
}

void pf_leak_fit_line(const double *at, const double *values, size_t nr,
		      struct pf_leak_line *ret_line)
{
	struct pf_leak_line line = { 0 };
	double slopes[MAX_PAIRS];
	double n = (double)nr, sd = sqrt(n * (n - 1) * (2 * n + 5) / 18);
	long rising = pairwise_slopes(at, values, nr, slopes);
	size_t m = nr * (nr - 1) / 2;

	line.slope = select_nth(slopes, m, m / 2);
	line.z = (double)(rising - (rising > 0) + (rising < 0)) / sd;
	fit_residuals(at, values, nr, &line);

	double inflation = (1 + line.rho) / (1 - line.rho);
	double reach = 1.96 * sd * sqrt(inflation); /* 95 % of a normal distribution */

	if (line.scale > 0)
		line.t = line.slope * place(at, nr - 1) / (line.scale * sqrt(12 * inflation / n));
	else
		line.t = line.slope > 0 ? 99 : 0; /* an exact line: certain */
	line.slope_low = select_nth(slopes, m, (size_t)PF_MAX(0, ((double)m - reach) / 2));
	line.slope_high = select_nth(slopes, m, PF_MIN(m - 1, (size_t)(((double)m + reach) / 2)));
	*ret_line = line;
}

/* Squares left by a level up to value @begin and a line from there on. */
static double broken_squares(const double *at, const double *y, size_t nr, size_t begin)
{
	double level = pf_leak_median(y, begin + 1), sxy = 0, sxx = 0, squares = 0;

	for (size_t i = begin + 1; i < nr; i++) {
		double x = place(at, i) - place(at, begin);

		sxy += x * (y[i] - level);
		sxx += x * x;
	}
	for (size_t i = 0; i < nr; i++) {
		double x = i > begin ? place(at, i) - place(at, begin) : 0;
		double off = y[i] - level - sxy / sxx * x;

		squares += off * off;
	}
	return squares;
}

size_t pf_leak_onset(const double *at, const double *values, size_t nr,
		     const struct pf_leak_line *line)
{
	double least = 0;
	size_t best = 0;

	for (size_t i = 0; i < nr; i++) {
		double off = values[i] - line->base - line->slope * place(at, i);

		least += off * off;
	}
	least *= 2. / 3;
	for (size_t begin = 2; begin <= nr / 2; begin++) {
		double squares = broken_squares(at, values, nr, begin);

		if (squares >= least)
			continue;
		least = squares;
		best = begin;
	}
	return best;
}

void pf_leak_fit_thirds(const double *values, size_t nr, struct pf_leak_thirds *ret_thirds)
{
	size_t third = nr / 3;
	double first = pf_leak_median(values, third);
	double middle = pf_leak_median(values + nr / 2 - third / 2, third);
	double last = pf_leak_median(values + nr - third, third);

	*ret_thirds = (struct pf_leak_thirds){
		.last = last,
		.last_step = last - middle,
		.first_step = middle - first,
	};
}

/* Standard error of a step between thirds, from second differences of block medians (a line has
 * none). */
static double step_error(const double *values, size_t nr)
{
	double block[12], bend[10];
	size_t nr_blocks = nr >= 24 ? 12 : 6, width = nr / nr_blocks;

	for (size_t i = 0; i < nr_blocks; i++)
		block[i] = pf_leak_median(values + nr - (nr_blocks - i) * width, width);
	for (size_t i = 0; i + 2 < nr_blocks; i++)
		bend[i] = fabs(block[i] - 2 * block[i + 1] + block[i + 2]);
	/* 1.25: error of a median over that of a mean; sqrt(6): norm of (1, -2, 1). */
	return 1.25 * 1.4826 * pf_leak_median(bend, nr_blocks - 2) / sqrt(6) *
	       sqrt(6. / (double)nr_blocks);
}

bool pf_leak_saturates(const double *values, size_t nr, double limit, double horizon)
{
	struct pf_leak_thirds thirds;

	pf_leak_fit_thirds(values, nr, &thirds);
	if (thirds.first_step <= 0)
		return false;

	double grace = .5 * step_error(values, nr);
	double step = thirds.last_step + grace, before = thirds.first_step - grace;

	if (thirds.last_step == 0)
		before = -grace; /* no growth at all in the last third: nothing to extrapolate from
				  */
	if (before <= 0)
		return false;
	if (step <= 0)
		return true;

	double ratio = step / before;

	if (ratio >= straight_ratio)
		return false;

	double end = thirds.last + step * ratio / (1 - ratio);

	if (ratio < saturating_ratio)
		return end < .95 * limit;
	if (end <= limit)
		return true;
	return log(1 - (limit - thirds.last) * (1 - ratio) / (step * ratio)) / log(ratio) > horizon;
}
