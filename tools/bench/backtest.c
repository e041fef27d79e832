// SPDX-License-Identifier: Apache-2.0
/*
 * bench-backtest - has podfit less slack than VPA and a KRR-like rule at the risk that they take?
 *
 * One number, caution, scales podfit's price of risk for CPU and its margins for memory: each value of it is a point
 * of slack and risk, all of them together are podfit's frontier. A rule that has a point of its own is beaten where
 * the frontier has less slack at the same risk (between two points: on the straight line).
 *
 * Risk is, for CPU, the mean over series of the share of samples above the request; for memory the number of events:
 * use rising above the request. Slack is the mean over series. All rules run without their floors (VPA's 25m and
 * 250 MiB a pod, podfit's 10m and 16 MiB), which say nothing about a rule's foresight.
 *
 * Series are split in two by a hash of their name: parameters are chosen in sight of the half "choose" only, the half
 * "check" tells what they are worth.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/evidence.h"
#include "ctl/backtest.h"

enum half { CHOOSE, CHECK, NR_HALVES };
enum resource { CPU, MEMORY, NR_RESOURCES };
enum rule { VPA, KRR, NR_RULES };

static const char *const half_names[NR_HALVES] = { "choose", "check" };
static const char *const resource_names[NR_RESOURCES] = { "CPU", "memory" };
static const char *const rule_names[NR_RULES] = { "vpa", "krr" };

/* 1 is the default point. */
static const double cautions[] = { 1 / 64.0, 1 / 32.0, 0.0625, 0.125, 0.25, 0.5, 0.7,
				   1,	     1.4,      2,      3,     4,    8,	 16 };

enum { NR_POINTS = sizeof(cautions) / sizeof(cautions[0]), DEFAULT_POINT = 7, GROUPS_MAX = 32 };

/* What one rule, or one point, made of a set of series. */
struct outcome {
	size_t nr;
	double slack, above;
	unsigned long events;
};

struct side {
	struct outcome points[NR_POINTS], rules[NR_RULES];
};

struct group {
	char name[64];
	struct side sides[NR_RESOURCES][NR_HALVES];
};

struct bench {
	struct pf_rules rules[NR_POINTS];
	struct group groups[GROUPS_MAX]; /* the first one is all */
	size_t nr_groups;
	size_t nr_series[NR_HALVES];
};

/* ---- replaying ---- */

static void set_up_rules(struct bench *b)
{
	for (size_t i = 0; i < NR_POINTS; i++) {
		struct pf_rules *r = &b->rules[i];

		pf_rules_default(r);
		r->minimum[PF_VPA_CPU] = r->minimum[PF_VPA_MEMORY] = 0;
		r->vpa.min_cpu_millicores = r->vpa.min_memory_mib = 0;
		r->class.cpu_risk_price *= cautions[i];
		r->class.memory_margin_ratio *= cautions[i];
		r->class.memory_growth_margin *= cautions[i];
		r->class.memory_young_margin *= cautions[i];
		r->class.memory_kill_price *= cautions[i] * cautions[i];
	}
}

static void count(struct outcome *to, const struct pf_bt_score *score)
{
	if (!score->scored)
		return;
	to->nr++;
	to->slack += score->slack;
	to->above += score->above;
	to->events += score->events;
}

static size_t offset_of_rule(enum rule rule)
{
	return NR_POINTS + (size_t)rule;
}

/* Points first, then rules: both lie behind one another in a side. */
static int replay(struct bench *b, const struct pf_series *series, size_t which, enum half half)
{
	struct pf_bt_advices advices = { 0 };
	int r;

	if (which == offset_of_rule(VPA))
		r = pf_bt_replay_vpa(series, &b->rules[DEFAULT_POINT], &advices);
	else if (which == offset_of_rule(KRR))
		r = pf_bt_replay_krr(series, &b->rules[DEFAULT_POINT], &advices);
	else
		r = pf_bt_replay_podfit(series, &b->rules[which], &advices);
	for (int resource = 0; r == 0 && resource < NR_RESOURCES; resource++) {
		struct group *groups[] = { &b->groups[0], &b->groups[b->nr_groups - 1] };
		struct pf_bt_score score;

		pf_bt_score(series, &advices, resource == MEMORY, &score);
		for (size_t g = 0; g < PF_ARRAY_SIZE(groups); g++) {
			struct side *side = &groups[g]->sides[resource][half];

			count(which < NR_POINTS ? &side->points[which]
						: &side->rules[which - NR_POINTS],
			      &score);
		}
	}
	free(advices.items);
	return r;
}

/* FNV-1a of the name, then the finalizer of MurmurHash3: alone, FNV hardly stirs names that differ in a digit. */
static enum half half_of(const char *id)
{
	uint64_t h = pf_evidence_instance_id(id);

	h = (h ^ h >> 33) * 0xff51afd7ed558ccdu;
	h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53u;
	return h >> 63 ? CHECK : CHOOSE;
}

static int take_series(void *arg, const struct pf_series *series)
{
	struct bench *b = arg;
	enum half half = half_of(series->id);

	b->nr_series[half]++;
	for (size_t i = 0; i < NR_POINTS + NR_RULES; i++) {
		int r = replay(b, series, i, half);

		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- the frontier ---- */

static double slack_of(const struct outcome *o)
{
	return 100 * o->slack / (double)o->nr;
}

static double risk_of(const struct outcome *o, enum resource resource)
{
	return resource == CPU ? 100 * o->above / (double)o->nr : (double)o->events;
}

/* Least slack of the frontier at no more than @risk; NaN if it never has so little risk. */
static double slack_at(const struct side *side, enum resource resource, double risk)
{
	double best = NAN;

	for (size_t i = 0; i < NR_POINTS; i++) {
		const struct outcome *a = &side->points[i];
		double here = risk_of(a, resource), slack = slack_of(a);

		if (here <= risk)
			best = fmin(best, slack);
		if (i + 1 == NR_POINTS)
			continue;

		const struct outcome *next = &side->points[i + 1];
		double there = risk_of(next, resource);

		if (here > risk && there < risk)
			best = fmin(best, slack + (slack_of(next) - slack) * (here - risk) /
							  (here - there));
	}
	return best;
}

static void print_against(const struct side *side, enum resource resource, enum rule rule)
{
	const struct outcome *o = &side->rules[rule];
	double risk = risk_of(o, resource), podfit = slack_at(side, resource, risk);

	printf(resource == CPU ? " | %5.1f %6.2f" : " | %5.1f %6.0f", slack_of(o), risk);
	if (isnan(podfit))
		printf("     - %-6s", "LOSES");
	else
		printf(" %5.1f %-6s", podfit, podfit < slack_of(o) ? "holds" : "LOSES");
}

static void print_group(const struct group *g, enum resource resource, enum half half)
{
	const struct side *side = &g->sides[resource][half];
	const struct outcome *o = &side->points[DEFAULT_POINT];

	if (!o->nr || !side->rules[VPA].nr || !side->rules[KRR].nr)
		return;
	printf(resource == CPU ? "%-26s %6zu %5.1f %6.2f" : "%-26s %6zu %5.1f %6.0f", g->name,
	       o->nr, slack_of(o), risk_of(o, resource));
	for (int rule = 0; rule < NR_RULES; rule++)
		print_against(side, resource, (enum rule)rule);
	printf("\n");
}

static void print_frontier(const struct group *all, enum resource resource, enum half half)
{
	const struct side *side = &all->sides[resource][half];

	printf("frontier: caution, slack, %s\n", resource == CPU ? "above" : "events");
	for (size_t i = 0; i < NR_POINTS; i++)
		if (side->points[i].nr)
			printf(resource == CPU ? "  %7g %5.1f %6.2f%s\n" : "  %7g %5.1f %6.0f%s\n",
			       cautions[i], slack_of(&side->points[i]),
			       risk_of(&side->points[i], resource),
			       i == DEFAULT_POINT ? "  default" : "");
}

static void print_all(const struct bench *b, enum resource resource, enum half half)
{
	const char *risk = resource == CPU ? "above" : "events";

	printf("\n%s, half \"%s\"; slack in %%, %s\n", resource_names[resource], half_names[half],
	       resource == CPU ? "above: % of samples above the request"
			       : "events: times use rose above the request");
	printf("%-26s %6s %5s %6s", "", "series", "slack", risk);
	for (int rule = 0; rule < NR_RULES; rule++)
		printf(" | %5s %6s podfit there", rule_names[rule], risk);
	printf("\n");
	for (size_t g = 0; g < b->nr_groups; g++)
		print_group(&b->groups[g], resource, half);
	print_frontier(&b->groups[0], resource, half);
}

static void name_group(struct bench *b, const char *path)
{
	const char *base = strrchr(path, '/');
	struct group *g = &b->groups[b->nr_groups++];

	snprintf(g->name, sizeof(g->name), "%s", base ? base + 1 : path);
	g->name[strcspn(g->name, ".")] = '\0';
}

int main(int argc, char **argv)
{
	PF_AUTO(pf_freep) struct bench *b = calloc(1, sizeof(*b));
	char error[512];

	if (!b || argc < 2 || argc >= GROUPS_MAX) {
		fprintf(stderr, "usage: bench-backtest SERIES.csv[.gz]...\n");
		return 2;
	}
	set_up_rules(b);
	name_group(b, "all");
	for (int i = 1; i < argc; i++) {
		int r;

		name_group(b, argv[i]);
		r = pf_series_read(argv[i], take_series, b, error, sizeof(error));
		if (r < 0) {
			fprintf(stderr, "bench-backtest: %s\n",
				r == -ENOMEM ? "out of memory" : error);
			return 1;
		}
	}
	printf("%zu series: %zu to choose parameters by, %zu to check them\n",
	       b->nr_series[CHOOSE] + b->nr_series[CHECK], b->nr_series[CHOOSE],
	       b->nr_series[CHECK]);
	for (int half = 0; half < NR_HALVES; half++)
		for (int resource = 0; resource < NR_RESOURCES; resource++)
			print_all(b, (enum resource)resource, (enum half)half);
	return 0;
}
