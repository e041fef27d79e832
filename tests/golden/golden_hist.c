// SPDX-License-Identifier: Apache-2.0
/* Scales, arithmetic, histograms and checkpoints. */
#include <math.h>
#include <string.h>

#include "core/vpa_math.h"
#include "golden/golden.h"

static bool scale_of(yajl_val opt, struct pf_vpa_scale *ret)
{
	double max = golden_number_of(opt, "max", 0), epsilon = golden_number_of(opt, "eps", 0);

	if (!strcmp(golden_text(opt, "kind"), "lin"))
		return pf_vpa_scale_linear(max, golden_number_of(opt, "size", 0), epsilon, ret) ==
		       0;
	return pf_vpa_scale_exponential(max, golden_number_of(opt, "first", 0),
					golden_number_of(opt, "ratio", 0), epsilon, ret) == 0;
}

void golden_buckets(struct golden *g, yajl_val item)
{
	struct pf_vpa_scale scale;
	yajl_val start = golden_get(item, "start"), of = golden_get(item, "find_bucket_of_start");
	yajl_val below = golden_get(item, "find_bucket_just_below_start");
	yajl_val above = golden_get(item, "find_bucket_just_above_start");
	yajl_val first_int = golden_get(item, "first_int"),
		 amount = golden_get(item, "amount_of_bucket");
	yajl_val margin = golden_get(item, "amount_with_default_margin");

	if (!scale_of(golden_get(item, "opt"), &scale)) {
		golden_fail(g, "no such scale");
		return;
	}

	bool cpu = scale.max_value == 1000;
	const struct pf_vpa_scale *standard = cpu ? &pf_vpa_cpu_scale : &pf_vpa_memory_scale;

	golden_int(g, "number of buckets", scale.nr_buckets,
		   golden_integer_of(item, "num_buckets", -1));
	if (memcmp(scale.start, standard->start, sizeof(scale.start)) != 0)
		golden_fail(g, "the table of constants is not what the formula gives");
	for (int i = 0; i < scale.nr_buckets; i++) {
		double edge = golden_number(golden_at(start, i));
		double whole = (double)golden_integer(golden_at(first_int, i)) / (cpu ? 1000.0 : 1);
		struct pf_vpa_hist hist;

		golden_double(g, "start", scale.start[i], edge);
		golden_int(g, "bucket of edge", pf_vpa_scale_bucket(standard, edge),
			   golden_integer(golden_at(of, i)));
		golden_int(g, "bucket below edge",
			   pf_vpa_scale_bucket(standard, nextafter(edge, -INFINITY)),
			   golden_integer(golden_at(below, i)));
		golden_int(g, "bucket above edge",
			   pf_vpa_scale_bucket(standard, nextafter(edge, INFINITY)),
			   golden_integer(golden_at(above, i)));
		golden_int(g, "bucket of first whole amount", pf_vpa_scale_bucket(standard, whole),
			   i);

		pf_vpa_hist_init(&hist, standard, 0);
		pf_vpa_hist_add(&hist, whole, 1, 0);

		int64_t got =
			pf_vpa_amount(pf_vpa_hist_percentile(&hist, 0.9) * (cpu ? 1000.0 : 1));

		golden_int(g, "amount", got, golden_integer(golden_at(amount, i)));
		golden_int(g, "amount with margin", got + pf_vpa_amount((double)got * 0.15),
			   golden_integer(golden_at(margin, i)));
	}
}

void golden_math(struct golden *g, yajl_val item)
{
	yajl_val rows = golden_get(item, "v");

	for (size_t i = 0; i < golden_len(rows); i++) {
		yajl_val row = golden_at(rows, i);
		double x = golden_number(golden_at(row, 0)), y = golden_number(golden_at(row, 1));

		if (!strcmp(g->id, "log")) {
			golden_double(g, "ln", pf_vpa_ln(x), y);
		} else if (!strcmp(g->id, "exp2")) {
			golden_double(g, "exp2", pf_vpa_exp2(x), y);
		} else if (!strcmp(g->id, "pow")) {
			golden_double(g, "pow", pf_vpa_powi(x, (int)y),
				      golden_number(golden_at(row, 2)));
		} else { /* confidence: multipliers of the lower and of the upper bound */
			golden_double(g, "lower", pf_vpa_powi(1 + 0.001 / x, -2), y);
			golden_double(g, "upper", pf_vpa_powi(1 + 1 / x, 1),
				      golden_number(golden_at(row, 2)));
		}
	}
}

/* ---- states ---- */

static void check_weights(struct golden *g, const struct pf_vpa_hist *hist, yajl_val pairs)
{
	double want[PF_VPA_NR_BUCKETS] = { 0 };

	for (size_t i = 0; i < golden_len(pairs); i++)
		want[golden_integer(golden_at(golden_at(pairs, i), 0))] =
			golden_number(golden_at(golden_at(pairs, i), 1));
	for (int i = 0; i < hist->scale->nr_buckets; i++)
		golden_double(g, "weight", hist->weight[i], want[i]);
}

void golden_hist_state(struct golden *g, const struct pf_vpa_hist *hist, yajl_val state)
{
	yajl_val p = golden_get(state, "p"), ref = golden_get(state, "ref");

	golden_int(g, "empty", pf_vpa_hist_is_empty(hist),
		   YAJL_IS_TRUE(golden_get(state, "empty")));
	golden_int(g, "first", hist->first, golden_integer_of(state, "min", -1));
	golden_int(g, "last", hist->last, golden_integer_of(state, "max", -1));
	golden_double(g, "total", hist->total, golden_number_of(state, "total", NAN));
	if (ref)
		golden_int(g, "reference", golden_ms(hist->reference_ns), golden_integer(ref));
	check_weights(g, hist, golden_get(state, "w"));
	for (size_t i = 0; i < golden_len(p); i++)
		golden_double(
			g, "percentile",
			pf_vpa_hist_percentile(hist, golden_number(golden_at(golden_at(p, i), 0))),
			golden_number(golden_at(golden_at(p, i), 1)));
}

/* Weights are pairs in the histogram files; the objects of VPA itself are read by the code under
 * test. */
int golden_read_hist_checkpoint(yajl_val v, struct pf_vpa_hist_checkpoint *ret)
{
	yajl_val pairs = golden_get(v, "w");

	memset(ret, 0, sizeof(*ret));
	ret->reference_ns = golden_time(golden_integer_of(v, "ref", 0));
	ret->total = golden_number_of(v, "total", 0);
	for (size_t i = 0; i < golden_len(pairs); i++) {
		int64_t n = golden_integer(golden_at(golden_at(pairs, i), 0));

		if (n < 0 || n >= PF_VPA_NR_BUCKETS)
			return -1;
		ret->weight[n] = (uint32_t)golden_integer(golden_at(golden_at(pairs, i), 1));
	}
	return 0;
}

void golden_hist_checkpoint(struct golden *g, const struct pf_vpa_hist_checkpoint *got,
			    yajl_val want)
{
	struct pf_vpa_hist_checkpoint w;

	if (golden_read_hist_checkpoint(want, &w) < 0) {
		golden_fail(g, "a wanted checkpoint has a bucket beyond the scale");
		return;
	}
	golden_double(g, "saved total", got->total, w.total);
	if (golden_get(want, "ref"))
		golden_int(g, "saved reference", golden_ms(got->reference_ns),
			   golden_ms(w.reference_ns));
	for (int i = 0; i < PF_VPA_NR_BUCKETS; i++)
		golden_int(g, "saved weight", got->weight[i], w.weight[i]);
}

static void add_all(struct pf_vpa_hist *hist, yajl_val samples)
{
	for (size_t i = 0; i < golden_len(samples); i++) {
		yajl_val s = golden_at(samples, i);

		pf_vpa_hist_add(hist, golden_number(golden_at(s, 0)),
				golden_number(golden_at(s, 1)),
				golden_time(golden_integer(golden_at(s, 2))));
	}
}

static void run_load(struct golden *g, struct pf_vpa_hist *hist, yajl_val op)
{
	struct pf_vpa_hist_checkpoint checkpoint;
	struct pf_vpa_hist before = *hist;
	bool wants_error = golden_string(golden_at(op, 2))[0] != '\0';
	bool error = golden_read_hist_checkpoint(golden_at(op, 1), &checkpoint) < 0 ||
		     pf_vpa_hist_load(hist, &checkpoint) < 0;

	golden_int(g, "load error", error, wants_error);
	if (error && memcmp(&before, hist, sizeof(before)) != 0)
		golden_fail(g, "a refused checkpoint changed the histogram");
}

void golden_histogram(struct golden *g, yajl_val item)
{
	int64_t half_life_ns = golden_integer_of(item, "half_life_ms", 0) * 1000000;
	yajl_val ops = golden_get(item, "ops");
	struct pf_vpa_scale scale;
	struct pf_vpa_hist hist, other;

	if (!scale_of(golden_get(item, "opt"), &scale)) {
		golden_fail(g, "no such scale");
		return;
	}
	golden_int(g, "number of buckets", scale.nr_buckets,
		   golden_integer_of(item, "num_buckets", -1));
	pf_vpa_hist_init(&hist, &scale, half_life_ns);
	for (size_t i = 0; i < golden_len(ops); i++) {
		yajl_val op = golden_at(ops, i);
		const char *verb = golden_string(golden_at(op, 0));
		double value = golden_number(golden_at(op, 1)),
		       weight = golden_number(golden_at(op, 2));
		int64_t at_ns = golden_time(golden_integer(golden_at(op, 3)));

		if (!strcmp(verb, "add")) {
			pf_vpa_hist_add(&hist, value, weight, at_ns);
		} else if (!strcmp(verb, "sub")) {
			pf_vpa_hist_subtract(&hist, value, weight, at_ns);
		} else if (!strcmp(verb, "merge")) {
			pf_vpa_hist_init(&other, &scale, half_life_ns);
			add_all(&other, golden_at(op, 1));
			pf_vpa_hist_merge(&hist, &other);
		} else if (!strcmp(verb, "q")) {
			golden_hist_state(g, &hist, golden_at(op, 1));
		} else if (!strcmp(verb, "save")) {
			struct pf_vpa_hist_checkpoint saved;

			pf_vpa_hist_save(&hist, &saved);
			golden_hist_checkpoint(g, &saved, golden_at(op, 1));
		} else if (!strcmp(verb, "new")) {
			pf_vpa_hist_init(&hist, &scale, half_life_ns);
		} else if (!strcmp(verb, "load")) {
			run_load(g, &hist, op);
		} else {
			golden_fail(g, "unknown operation %s", verb);
		}
	}
}
