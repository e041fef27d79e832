// SPDX-License-Identifier: Apache-2.0
#include "core/compare.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/rates.h"
#include "core/units.h"

struct moments {
	size_t nr;
	double mean, variance; /* of the sample; NaN with one */
};

static const struct {
	const char *name, *words;
	double floor; /* below it on both sides nothing fails: differences of next to nothing */
} measures[PF_NR_MEASURES] = {
	[PF_MEASURE_LATENCY_P95] = { "latency_p95_ns", "95 % of waits for a CPU", 1e6 },
	[PF_MEASURE_WAIT] = { "wait_ns_per_s", "time waited for a CPU", 1e6 },
	[PF_MEASURE_THROTTLED] = { "throttled_ratio", "share of throttled periods", 0.01 },
	[PF_MEASURE_CPU] = { "cpu_millicores", "CPU use", 10 },
	[PF_MEASURE_MEMORY] = { "hot_mean_bytes", "hot memory", 8 * 1048576.0 },
	[PF_MEASURE_MEMORY_TREND] = { "hot_trend_bytes_per_hour", "growth of hot memory",
				      1048576.0 },
	[PF_MEASURE_ERRORS] = { "errors_per_hour", "OOM kills and restarts", 0 },
};

const char *pf_measure_name(enum pf_measure measure)
{
	return measures[measure].name;
}

const char *pf_outcome_name(enum pf_outcome outcome)
{
	static const char *const names[] = { "NOT_MEASURED", "PASS", "MEDIUM", "HIGH" };

	return names[outcome];
}

const char *pf_decision_name(enum pf_decision decision)
{
	static const char *const names[] = { "CONTINUE", "PAUSE", "ROLLBACK" };

	return names[decision];
}

const char *pf_sureness_name(enum pf_sureness sureness)
{
	static const char *const names[] = { "LOW", "MEDIUM", "HIGH" };

	return names[sureness];
}

void pf_compare_rules_default(bool baseline, struct pf_compare_rules *ret_rules)
{
	*ret_rules = (struct pf_compare_rules){
		.baseline = baseline,
		.latency_medium_ns = 0.1 * (double)PF_NS_PER_S,
		.latency_high_ns = 0.5 * (double)PF_NS_PER_S,
		.errors_medium = 0.01,
		.relative_medium = 0.1,
		.relative_high = 0.5,
		.effect_min = 0.5,    /* by Cohen's words a medium effect */
		.chance_high = 0.025, /* one side of a 95 % interval, as for the other measures */
		.chance_medium = 0.10,
	};
}

static struct moments moments_of(const struct pf_compare_side *side, enum pf_measure measure)
{
	struct moments m = { 0, NAN, NAN };
	double sum = 0, squares = 0;

	for (size_t i = 0; i < side->nr; i++) {
		double value = side->observations[i].values[measure];

		if (isnan(value))
			continue;
		m.nr++;
		sum += value;
	}
	m.mean = sum / (double)m.nr; /* NaN of none */
	for (size_t i = 0; i < side->nr; i++) {
		double value = side->observations[i].values[measure];

		if (!isnan(value))
			squares += (value - m.mean) * (value - m.mean);
	}
	if (m.nr > 1)
		m.variance = squares / (double)(m.nr - 1);
	return m;
}

/*
 * 97.5 % quantile of Student's t with @df degrees of freedom: the normal one, corrected by the
 * Cornish-Fisher series (Abramowitz and Stegun 26.7.5); below 3 degrees from the table.
 */
static double t_quantile(double df)
{
	const double z = 1.959963984540054;

	if (df < 1.5)
		return 12.706;
	if (df < 2.5)
		return 4.303;
	return z + (z * z * z + z) / (4 * df) +
	       (5 * pow(z, 5) + 16 * z * z * z + 3 * z) / (96 * df * df) +
	       (3 * pow(z, 7) + 19 * pow(z, 5) + 17 * z * z * z - 15 * z) / (384 * df * df * df);
}

/* Welch's interval and Cohen's d. */
static void difference(const struct moments *s, const struct moments *c, struct pf_compared *row)
{
	double vs = s->variance / (double)s->nr, vc = c->variance / (double)c->nr, spread, df,
	       pooled;

	row->difference_low = row->difference_high = row->effect = NAN;
	if (s->nr < 2 || c->nr < 2)
		return;
	if (vs + vc <= 0) {
		row->difference_low = row->difference_high = c->mean - s->mean;
		return;
	}
	df = (vs + vc) * (vs + vc) /
	     (vs * vs / (double)(s->nr - 1) + vc * vc / (double)(c->nr - 1));
	spread = t_quantile(df) * sqrt(vs + vc);
	row->difference_low = c->mean - s->mean - spread;
	row->difference_high = c->mean - s->mean + spread;
	pooled = sqrt(((double)(s->nr - 1) * s->variance + (double)(c->nr - 1) * c->variance) /
		      (double)(s->nr + c->nr - 2));
	row->effect = (c->mean - s->mean) / pooled;
}

/* ---- outcomes ---- */

static double quantile_ns(const struct pf_compare_side *side, double q)
{
	double sum = 0;

	if (!side->nr_waits)
		return NAN;
	for (size_t i = 0; i < PF_LATENCY_BUCKETS; i++) {
		sum += (double)side->waits[i];
		if (sum >= q * (double)side->nr_waits)
			return (double)pf_hist_edge(PF_LAYOUT_LATENCY_NS, i);
	}
	return (double)pf_hist_edge(PF_LAYOUT_LATENCY_NS, PF_LATENCY_BUCKETS - 1);
}

static enum pf_outcome by_threshold(double difference, double medium, double high)
{
	if (difference > high)
		return PF_OUTCOME_HIGH;
	return difference > medium ? PF_OUTCOME_MEDIUM : PF_OUTCOME_PASS;
}

/* The owner's rules look at two things, by fixed thresholds. */
static void judge_baseline(const struct pf_compare_rules *rules, struct pf_compared *row)
{
	double more = row->canary - row->stable;

	row->outcome = PF_OUTCOME_PASS;
	if (row->measure == PF_MEASURE_LATENCY_P95)
		row->outcome = by_threshold(more, rules->latency_medium_ns, rules->latency_high_ns);
	else if (row->measure == PF_MEASURE_ERRORS)
		row->outcome = by_threshold(more, rules->errors_medium, INFINITY);
	(void)snprintf(row->sentence, sizeof(row->sentence),
		       "%s: %.4g against %.4g (baseline rule)", measures[row->measure].words,
		       row->canary, row->stable);
}

static double hours_of(const struct pf_observation *o)
{
	return isnan(o->values[PF_MEASURE_ERRORS]) ? 0 : o->covered_ns / (double)PF_NS_PER_HOUR;
}

static struct pf_rate rate_of(const struct pf_compare_side *side)
{
	struct pf_rate rate = { 0 };

	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < side->nr; i++) {
			const struct pf_observation *o = &side->observations[i];
			double hours = hours_of(o), events = o->values[PF_MEASURE_ERRORS] * hours;

			if (hours > 0 && pass == 0)
				pf_rate_add(&rate, events, hours);
			else if (hours > 0)
				pf_rate_spread(&rate, events, hours);
		}
	return rate;
}

/* Rates over the whole time of a side: means over instances would let one that lived for a minute decide. */
static void pool_errors(const struct pf_rate *stable, const struct pf_rate *canary,
			struct pf_compared *row)
{
	if (!(stable->hours > 0) || !(canary->hours > 0))
		return;
	row->stable = stable->events / stable->hours;
	row->canary = canary->events / canary->hours;
}

static enum pf_outcome outcome_of_errors(const struct pf_compare_rules *rules,
					 const struct pf_rate *stable, const struct pf_rate *canary,
					 const char **ret_remark)
{
	double chance = pf_rate_chance(stable, canary);

	*ret_remark = "";
	if (canary->events * stable->hours <= stable->events * canary->hours)
		return PF_OUTCOME_PASS;
	if (chance < rules->chance_high)
		return PF_OUTCOME_HIGH;
	*ret_remark = ", but it may be chance";
	if (chance < rules->chance_medium)
		return PF_OUTCOME_MEDIUM;
	if (pf_rate_chance_independent(stable, canary) >= rules->chance_high)
		return PF_OUTCOME_PASS;
	*ret_remark = ", nearly all in few instances";
	return PF_OUTCOME_MEDIUM;
}

static void judge_errors(const struct pf_compare_rules *rules, const struct pf_rate *stable,
			 const struct pf_rate *canary, struct pf_compared *row)
{
	const char *remark;

	row->outcome = outcome_of_errors(rules, stable, canary, &remark);
	(void)snprintf(row->sentence, sizeof(row->sentence),
		       "%s: %.0f in %.1f h against %.0f in %.1f h%s",
		       measures[PF_MEASURE_ERRORS].words, canary->events, canary->hours,
		       stable->events, stable->hours, remark);
}

static void judge(const struct pf_compare_rules *rules, struct pf_compared *row)
{
	double floor = measures[row->measure].floor, base = fmax(fabs(row->stable), floor);
	double worse = base > 0 ? (row->canary - row->stable) / base : 0;
	bool is_sure = row->difference_low > 0; /* false when it is not known */

	if (row->canary <= floor || worse <= rules->relative_medium) {
		row->outcome = PF_OUTCOME_PASS;
	} else if (is_sure && row->effect >= rules->effect_min) {
		row->outcome = worse > rules->relative_high ? PF_OUTCOME_HIGH : PF_OUTCOME_MEDIUM;
	} else {
		/* It looks worse, but as well may be chance. */
		row->outcome = isnan(row->difference_low) && worse > rules->relative_high
				       ? PF_OUTCOME_MEDIUM
				       : PF_OUTCOME_PASS;
	}
	(void)snprintf(row->sentence, sizeof(row->sentence), "%s: %.4g against %.4g%s",
		       measures[row->measure].words, row->canary, row->stable,
		       row->outcome == PF_OUTCOME_PASS && worse > rules->relative_medium
			       ? ", but it may be chance"
			       : "");
}

static void compare_measure(const struct pf_compare_side *stable,
			    const struct pf_compare_side *canary,
			    const struct pf_compare_rules *rules, enum pf_measure measure,
			    struct pf_compared *row)
{
	struct moments s = moments_of(stable, measure), c = moments_of(canary, measure);
	struct pf_rate stable_errors = { 0 }, canary_errors = { 0 };

	*row = (struct pf_compared){ .measure = measure, .stable = s.mean, .canary = c.mean };
	difference(&s, &c, row);
	if (rules->baseline && measure == PF_MEASURE_LATENCY_P95) {
		row->stable = quantile_ns(stable, 0.95);
		row->canary = quantile_ns(canary, 0.95);
	}
	if (measure == PF_MEASURE_ERRORS) {
		stable_errors = rate_of(stable);
		canary_errors = rate_of(canary);
		pool_errors(&stable_errors, &canary_errors, row);
	}
	if (isnan(row->stable) || isnan(row->canary)) {
		row->outcome = PF_OUTCOME_UNKNOWN;
		(void)snprintf(row->sentence, sizeof(row->sentence), "%s: not measured",
			       measures[measure].words);
	} else if (rules->baseline) {
		judge_baseline(rules, row);
	} else if (measure == PF_MEASURE_ERRORS) {
		judge_errors(rules, &stable_errors, &canary_errors, row);
	} else {
		judge(rules, row);
	}
}

static void decide(const struct pf_compare_side *stable, const struct pf_compare_side *canary,
		   const struct pf_compare_rules *rules, struct pf_comparison *c)
{
	size_t few = stable->nr < canary->nr ? stable->nr : canary->nr;
	enum pf_outcome worst = PF_OUTCOME_UNKNOWN;

	for (size_t i = 0; i < PF_NR_MEASURES; i++) {
		if (c->rows[i].outcome > worst)
			worst = c->rows[i].outcome;
		if (c->rows[i].outcome >= PF_OUTCOME_MEDIUM)
			memcpy(c->reasons[c->nr_reasons++], c->rows[i].sentence,
			       sizeof(c->reasons[0]));
	}
	c->decision = worst == PF_OUTCOME_HIGH	 ? PF_ROLLBACK
		      : worst == PF_OUTCOME_PASS ? PF_CONTINUE
						 : PF_PAUSE;
	c->sureness = c->decision == PF_PAUSE ? PF_SURE_MEDIUM : PF_SURE_HIGH;
	if (!few) {
		c->decision = PF_PAUSE;
		c->sureness = PF_SURE_LOW;
		(void)snprintf(c->reasons[c->nr_reasons++], sizeof(c->reasons[0]),
			       "%zu stable and %zu canary instances were seen: nothing to compare",
			       stable->nr, canary->nr);
	} else if (!rules->baseline && few < 3 && c->sureness > PF_SURE_LOW) {
		c->sureness = few < 2 ? PF_SURE_LOW : PF_SURE_MEDIUM;
		if (!c->nr_reasons)
			(void)snprintf(
				c->reasons[c->nr_reasons++], sizeof(c->reasons[0]),
				"only %zu instance%s on one side: differences cannot be told "
				"from chance",
				few, few == 1 ? "" : "s");
	}
	if (!c->nr_reasons)
		(void)snprintf(c->reasons[c->nr_reasons++], sizeof(c->reasons[0]),
			       "nothing that is measured got worse");
}

void pf_compare(const struct pf_compare_side *stable, const struct pf_compare_side *canary,
		const struct pf_compare_rules *rules, struct pf_comparison *ret_comparison)
{
	memset(ret_comparison, 0, sizeof(*ret_comparison));
	for (size_t i = 0; i < PF_NR_MEASURES; i++)
		compare_measure(stable, canary, rules, (enum pf_measure)i,
				&ret_comparison->rows[i]);
	decide(stable, canary, rules, ret_comparison);
}
