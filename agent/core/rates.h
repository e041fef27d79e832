/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rates.h - do rare events come more often on one side than on the other, or is it chance?
 *
 * Counts have no useful mean and variance while they are few: one kill among two hundred instances is no news, thirty
 * among three are. Given the number of events on both sides together, each fell to side b with probability
 * t_b / (t_a + t_b) if both sides are alike: the exact conditional test of two Poisson rates (Przyborowski and
 * Wilenski, 1940). Events of one instance often bring each other about (a crash loop); the counts are therefore
 * divided by the dispersion among the instances of a side where that is above 1.
 */
#ifndef PF_CORE_RATES_H
#define PF_CORE_RATES_H

#include <stddef.h>

/* Events of one side. */
struct pf_rate {
	double events, hours; /* sums over the instances */
	double spread;	      /* sum of (events - expected)^2 / expected over them */
	size_t nr;	      /* instances */
};

/** pf_rate_add() - one instance: how many events in how many hours (above 0). After the last: pf_rate_spread(). */
void pf_rate_add(struct pf_rate *rate, double events, double hours);

/** pf_rate_spread() - second pass over the same instances, once the sums are known. */
void pf_rate_spread(struct pf_rate *rate, double events, double hours);

/**
 * pf_rate_chance() - how probable so many events or more are on side @b if its true rate is that of @a.
 * Return: 0 to 1; 1 without any event on @b, or without hours on either side.
 */
double pf_rate_chance(const struct pf_rate *a, const struct pf_rate *b);

/** pf_rate_chance_independent() - the same as if no event of an instance brought about another. */
double pf_rate_chance_independent(const struct pf_rate *a, const struct pf_rate *b);

#endif
