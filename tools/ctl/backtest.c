// SPDX-License-Identifier: Apache-2.0
/*
 * `podfit backtest`: would these sizes have been right? Recorded usage in, advice or its score out.
 */
#include "ctl/backtest.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "ctl/ctl.h"
#include "policy/policy.h"

static const char help[] =
	"usage: podfit backtest [OPTION...] SERIES.csv[.gz] | FOLDER\n\n"
	"Replays recorded usage (series_id,unix_seconds,cpu_cores,memory_bytes) and advises as podfit,\n"
	"the Kubernetes VPA, or a rule like KRR's would have, from what was known at each time.\n\n"
	"      --policy=NAME        podfit (default), vpa, krr; all: a table of the three\n"
	"  -o, --output=table|csv   table (default): slack, time above the request, memory events;\n"
	"                           csv: the advice, series_id,unix_seconds,cpu_request_cores,\n"
	"                           memory_request_bytes\n"
	"      --policy.file=FILE   defaults of this policy file hold (rules need names, series have none)\n"
	"      --class=NAME         of a built-in class\n"
	"      --cpu.risk-price=N   what a minute above the CPU request costs\n"
	"      --memory.growth-margin=N\n"
	"      --sweep              the table for a quarter to eight times the risk price and the memory\n"
	"                           margins in force: what each degree of caution costs\n"
	"      --help\n\n"
	"Read the table so: slack is waste, above and events are risk. A rule is better where it has\n"
	"less of the one at the same of the other.\n";

enum policy { PODFIT, VPA, KRR, NR_POLICIES };

static const char *const policy_names[NR_POLICIES] = { "podfit", "vpa", "krr" };

static int (*const replays[NR_POLICIES])(const struct pf_series *, const struct pf_rules *,
					 struct pf_bt_advices *) = { pf_bt_replay_podfit,
								     pf_bt_replay_vpa,
								     pf_bt_replay_krr };

/* Scores of one resource under one policy, over all series. */
struct column {
	double *slacks;
	size_t nr, cap;
	double slack, above, changes;
	unsigned long events;
};

/* One line of the table: a policy, and the rules it ran with. */
struct run {
	enum policy policy;
	struct pf_rules rules;
	struct column cpu, memory;
};

/* What a sweep multiplies the class' price and margins with; 1 is what is in force. */
static const double sweep_cautions[] = { 0.25, 0.5, 0.7, 1, 1.4, 2, 3, 4, 8 };

enum { RUNS_MAX = 16 };

struct backtest {
	struct run runs[RUNS_MAX];
	size_t nr_runs, nr_series;
	bool csv, sweep;
};

static int add_score(struct column *c, const struct pf_bt_score *score)
{
	if (!score->scored)
		return 0;
	if (c->nr == c->cap) {
		size_t cap = c->cap ? 2 * c->cap : 64;
		void *more = realloc(c->slacks, cap * sizeof(*c->slacks));

		if (!more)
			return -ENOMEM;
		c->slacks = more;
		c->cap = cap;
	}
	c->slacks[c->nr++] = score->slack;
	c->slack += score->slack;
	c->above += score->above;
	c->changes += score->changes_per_day;
	c->events += score->events;
	return 0;
}

static void print_number(double value, const char *format)
{
	if (value >= 0)
		printf(format, value);
}

static void print_advices(const struct pf_series *series, const struct pf_bt_advices *advices)
{
	for (size_t i = 0; i < advices->nr; i++) {
		const struct pf_bt_advice *a = &advices->items[i];

		/* Rounded up: advice may only be stamped with a time at which its samples were known. */
		printf("%s,%.0f,", series->id, ceil(a->unix_s));
		print_number(a->cpu_cores, "%.4f");
		printf(",");
		print_number(a->memory_bytes, "%.0f");
		printf("\n");
	}
}

static int run_one(struct backtest *b, struct run *run, const struct pf_series *series)
{
	struct pf_bt_advices advices = { 0 };
	struct pf_bt_score score;
	int r = replays[run->policy](series, &run->rules, &advices);

	if (r == 0 && b->csv)
		print_advices(series, &advices);
	if (r == 0 && !b->csv) {
		pf_bt_score(series, &advices, false, &score);
		r = add_score(&run->cpu, &score);
		pf_bt_score(series, &advices, true, &score);
		if (r == 0)
			r = add_score(&run->memory, &score);
	}
	free(advices.items);
	return r;
}

static int take_series(void *arg, const struct pf_series *series)
{
	struct backtest *b = arg;

	b->nr_series++;
	for (size_t i = 0; i < b->nr_runs; i++) {
		int r = run_one(b, &b->runs[i], series);

		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- table ---- */

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(struct column *c)
{
	qsort(c->slacks, c->nr, sizeof(*c->slacks), by_value);
	return c->nr ? (c->slacks[c->nr / 2] + c->slacks[(c->nr - 1) / 2]) / 2 : NAN;
}

static void print_table(struct backtest *b)
{
	printf("%zu series; means over series, each counting once; the first day or quarter is not scored\n\n",
	       b->nr_series);
	printf("%-26s %6s %13s %13s %10s %11s\n", "CPU", "SERIES", "SLACK MEAN", "SLACK MEDIAN",
	       "ABOVE", "CHANGES/DAY");
	for (size_t i = 0; i < b->nr_runs; i++) {
		struct run *run = &b->runs[i];
		char name[40];

		snprintf(name, sizeof(name), run->policy == PODFIT ? "%s (risk price %g)" : "%s",
			 policy_names[run->policy], run->rules.class.cpu_risk_price);
		if (run->cpu.nr)
			printf("%-26s %6zu %12.1f%% %12.1f%% %9.2f%% %11.2f\n", name, run->cpu.nr,
			       100 * run->cpu.slack / (double)run->cpu.nr, 100 * median(&run->cpu),
			       100 * run->cpu.above / (double)run->cpu.nr,
			       run->cpu.changes / (double)run->cpu.nr);
	}
	printf("\n%-26s %6s %13s %13s %10s %11s\n", "MEMORY", "SERIES", "SLACK MEAN",
	       "SLACK MEDIAN", "EVENTS", "CHANGES/DAY");
	for (size_t i = 0; i < b->nr_runs; i++) {
		struct run *run = &b->runs[i];
		char name[40];

		snprintf(name, sizeof(name), run->policy == PODFIT ? "%s (growth margin %g)" : "%s",
			 policy_names[run->policy], run->rules.class.memory_growth_margin);
		if (run->memory.nr)
			printf("%-26s %6zu %12.1f%% %12.1f%% %10lu %11.2f\n", name, run->memory.nr,
			       100 * run->memory.slack / (double)run->memory.nr,
			       100 * median(&run->memory), run->memory.events,
			       run->memory.changes / (double)run->memory.nr);
	}
}

/* ---- command line ---- */

enum { OPT_POLICY = 256, OPT_FILE, OPT_CLASS, OPT_PRICE, OPT_GROWTH, OPT_SWEEP };

struct settings {
	const char *policy, *file, *class_name;
	double price, growth; /* NaN: the class' */
	bool csv, sweep, help;
};

static int read_number(const char *name, const char *text, double *to)
{
	if (pf_parse_double(text, to) < 0 || *to < 0)
		return pf_ctl_usage("backtest", "--%s wants a number, not %s", name, text);
	return PF_EXIT_OK;
}

static int parse(int argc, char **argv, struct settings *s)
{
	static const struct option options[] = {
		{ "policy", required_argument, NULL, OPT_POLICY },
		{ "output", required_argument, NULL, 'o' },
		{ "policy.file", required_argument, NULL, OPT_FILE },
		{ "class", required_argument, NULL, OPT_CLASS },
		{ "cpu.risk-price", required_argument, NULL, OPT_PRICE },
		{ "memory.growth-margin", required_argument, NULL, OPT_GROWTH },
		{ "sweep", no_argument, NULL, OPT_SWEEP },
		{ "help", no_argument, NULL, 'h' },
		{ NULL },
	};
	int c, code = PF_EXIT_OK;

	optind = 1;
	opterr = 0;
	while (code == PF_EXIT_OK && (c = getopt_long(argc, argv, "o:h", options, NULL)) != -1) {
		switch (c) {
		case OPT_POLICY:
			s->policy = optarg;
			break;
		case 'o':
			if (strcmp(optarg, "csv") != 0 && strcmp(optarg, "table") != 0)
				return pf_ctl_usage("backtest", "-o wants table or csv, not %s",
						    optarg);
			s->csv = !strcmp(optarg, "csv");
			break;
		case OPT_FILE:
			s->file = optarg;
			break;
		case OPT_CLASS:
			s->class_name = optarg;
			break;
		case OPT_PRICE:
			code = read_number("cpu.risk-price", optarg, &s->price);
			break;
		case OPT_GROWTH:
			code = read_number("memory.growth-margin", optarg, &s->growth);
			break;
		case OPT_SWEEP:
			s->sweep = true;
			break;
		case 'h':
			s->help = true;
			return PF_EXIT_OK;
		default:
			return pf_ctl_usage("backtest", "no such option: %s", argv[optind - 1]);
		}
	}
	return code;
}

static int make_rules(const struct settings *s, struct pf_policy **ret_policy,
		      struct pf_rules *ret_rules)
{
	const struct pf_class *class = s->class_name ? pf_class_builtin(s->class_name) : NULL;
	struct pf_identity nobody = { 0 };
	char message[512];

	if (s->file && pf_policy_load(s->file, ret_policy, message, sizeof(message)) < 0) {
		fprintf(stderr, "podfit backtest: %s\n", message);
		return PF_EXIT_USAGE;
	}
	if (s->class_name && !class)
		return pf_ctl_usage("backtest", "no such class: %s", s->class_name);
	pf_policy_rules(*ret_policy, &nobody, ret_rules);
	if (class)
		ret_rules->class = *class;
	if (!isnan(s->price))
		ret_rules->class.cpu_risk_price = s->price;
	if (!isnan(s->growth))
		ret_rules->class.memory_growth_margin = s->growth;
	return PF_EXIT_OK;
}

static void add_run(struct backtest *b, enum policy policy, const struct pf_rules *rules)
{
	b->runs[b->nr_runs++] = (struct run){ .policy = policy, .rules = *rules };
}

static int plan(struct backtest *b, const struct settings *s, const struct pf_rules *rules)
{
	bool all = !strcmp(s->policy, "all"), known = all;

	for (int p = 0; p < NR_POLICIES; p++) {
		bool wanted = all || !strcmp(s->policy, policy_names[p]);

		known = known || wanted;
		if (!wanted)
			continue;
		if (p != PODFIT || !s->sweep) {
			add_run(b, (enum policy)p, rules);
			continue;
		}
		for (size_t i = 0; i < PF_ARRAY_SIZE(sweep_cautions); i++) {
			struct pf_rules swept = *rules;

			swept.class.cpu_risk_price *= sweep_cautions[i];
			swept.class.memory_margin_ratio *= sweep_cautions[i];
			swept.class.memory_growth_margin *= sweep_cautions[i];
			swept.class.memory_young_margin *= sweep_cautions[i];
			add_run(b, PODFIT, &swept);
		}
	}
	if (!known)
		return pf_ctl_usage("backtest", "--policy wants podfit, vpa, krr or all, not %s",
				    s->policy);
	if (s->csv && b->nr_runs > 1)
		return pf_ctl_usage("backtest", "-o csv wants one policy and no sweep");
	return PF_EXIT_OK;
}

static int run(struct backtest *b, const char *path)
{
	char error[512];
	int r;

	if (b->csv)
		printf("series_id,unix_seconds,cpu_request_cores,memory_request_bytes\n");
	r = pf_series_read(path, take_series, b, error, sizeof(error));
	if (r == -ENOMEM) {
		fprintf(stderr, "podfit backtest: out of memory\n");
		return PF_EXIT_FAILED;
	}
	if (r < 0) {
		fprintf(stderr, "podfit backtest: %s\n", error);
		return r == -EBADMSG ? PF_EXIT_DAMAGED : PF_EXIT_FAILED;
	}
	if (!b->csv)
		print_table(b);
	return PF_EXIT_OK;
}

int pf_ctl_backtest(int argc, char **argv)
{
	PF_AUTO(pf_policy_freep) struct pf_policy *policy = NULL;
	PF_AUTO(pf_freep) struct backtest *b = calloc(1, sizeof(*b));
	struct settings s = { .policy = "podfit", .price = NAN, .growth = NAN };
	struct pf_rules rules;
	int code = parse(argc, argv, &s);

	if (!b)
		return PF_EXIT_FAILED;
	if (code != PF_EXIT_OK)
		return code;
	if (s.help) {
		fputs(help, stdout);
		return PF_EXIT_OK;
	}
	if (optind + 1 != argc)
		return pf_ctl_usage("backtest", "wants one file or folder");
	b->csv = s.csv;
	b->sweep = s.sweep;
	code = make_rules(&s, &policy, &rules);
	if (code == PF_EXIT_OK)
		code = plan(b, &s, &rules);
	if (code == PF_EXIT_OK)
		code = run(b, argv[optind]);
	for (size_t i = 0; i < b->nr_runs; i++) {
		free(b->runs[i].cpu.slacks);
		free(b->runs[i].memory.slacks);
	}
	return code;
}
