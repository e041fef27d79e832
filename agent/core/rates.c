// SPDX-License-Identifier: Apache-2.0
#include "core/rates.h"

#include <math.h>

void pf_rate_add(struct pf_rate *rate, double events, double hours)
{
	rate->events += events;
	rate->hours += hours;
	rate->nr++;
}

void pf_rate_spread(struct pf_rate *rate, double events, double hours)
{
	double expected = rate->events * hours / rate->hours;

	if (expected > 0)
		rate->spread += (events - expected) * (events - expected) / expected;
}

/* The continued fraction of the incomplete beta function (DLMF 8.17.22), by Lentz' method. */
static double beta_fraction(double x, double a, double b)
{
	const double tiny = 1e-300;
	double c = 1, d = 1 - (a + b) * x / (a + 1), f;

	d = 1 / (fabs(d) < tiny ? tiny : d);
	f = d;
	for (int m = 1; m < 500; m++) {
		double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
		double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
		double step = 1;

		for (int half = 0; half < 2; half++) {
			double term = half ? odd : even;

			d = 1 + term * d;
			d = 1 / (fabs(d) < tiny ? tiny : d);
			c = 1 + term / c;
			c = fabs(c) < tiny ? tiny : c;
			step = c * d;
			f *= step;
		}
		if (fabs(step - 1) < 1e-12)
			break;
	}
	return f;
}

/* I_x(a, b): for whole numbers the probability of a or more of a + b - 1 that each come with x. */
static double incomplete_beta(double x, double a, double b)
{
	double front;

	if (x <= 0 || x >= 1)
		return x <= 0 ? 0 : 1;
	front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
	/* The fraction converges fast on this side of the mean; the other one is its mirror. */
	if (x < (a + 1) / (a + b + 2))
		return front * beta_fraction(x, a, b) / a;
	return 1 - front * beta_fraction(1 - x, b, a) / b;
}

/* How much more the instances of a side differ than independent events would: 1 if they do not. */
static double dispersion(const struct pf_rate *a, const struct pf_rate *b)
{
	double spread = 0, freedom = 0;

	if (a->events > 0) {
		spread += a->spread;
		freedom += (double)a->nr - 1;
	}
	if (b->events > 0) {
		spread += b->spread;
		freedom += (double)b->nr - 1;
	}
	return freedom > 0 ? fmax(spread / freedom, 1) : 1;
}

static double chance(const struct pf_rate *a, const struct pf_rate *b, double dispersed_by)
{
	if (!(b->events > 0) || !(a->hours > 0) || !(b->hours > 0))
		return 1;
	return incomplete_beta(b->hours / (a->hours + b->hours), b->events / dispersed_by,
			       a->events / dispersed_by + 1);
}

double pf_rate_chance(const struct pf_rate *a, const struct pf_rate *b)
{
	return chance(a, b, dispersion(a, b));
}

double pf_rate_chance_independent(const struct pf_rate *a, const struct pf_rate *b)
{
	return chance(a, b, 1);
}
