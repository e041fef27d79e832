// SPDX-License-Identifier: Apache-2.0
/*
 * How well does leak detection do, beside the owner's baseline rule?
 *
 *   leak-eval                    the series in the tree and generated ones, against bounds: a test
 *   leak-eval FOLDER...          a table of the scores on folders of labelled series
 *   leak-eval --predictions FOLDER FILE NAME   one line: alarms that NAME wrote to FILE
 *   leak-eval --generated N S    the same on N generated series of each kind from seed S on
 *   leak-eval --export DIR S     generated series of seed S as CSV files: golden files are made of them
 *   leak-eval --cost             time of a sample and memory of a container
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/leak.h"
#include "leak/eval.h"
#include "leak/export.h"
#include "leak/gen.h"

/* Not used for tuning; a change that leaves a bound has made detection worse. */
enum { TEST_SEED = 7001, TEST_SEEDS = 4 };

static const struct bound {
	const char *folder; /* NULL: generated */
	double precision, recall, false_rate, way, slope_error,
		eta_error; /* least, least, most ... */
	size_t unknown_alarms;
} bounds[] = {
	{ NULL, .85, .93, .15, .42, .045, .10, 0 },
	{ "tests/leak/data", .95, .85, .10, .60, .20, .15, 1 },
};

static void print_scores(const char *name, struct leak_scores *scores)
{
	leak_score_line(stdout, name, "baseline", &scores->baseline);
	leak_score_line(stdout, name, "podfit", &scores->podfit);
}

static int score_folder(const char *path, struct leak_scores *scores)
{
	char error[512];
	int err = leak_eval_folder(path, scores, error, sizeof(error));

	if (err < 0)
		fprintf(stderr, "leak-eval: %s\n", *error ? error : strerror(-err));
	return err;
}

struct tally {
	unsigned passed, failed;
};

static void check(struct tally *tally, const char *what, double got, double want, bool least)
{
	bool ok = least ? got >= want : got <= want;

	tally->passed += ok;
	tally->failed += !ok;
	if (!ok)
		printf("FAILED %s is %.3f, want at %s %.3f\n", what, got, least ? "least" : "most",
		       want);
}

static void check_bound(const struct bound *b, struct tally *tally)
{
	const char *name = b->folder ? b->folder : "generated";
	struct leak_scores s = { 0 };
	int err = b->folder ? score_folder(b->folder, &s)
			    : leak_eval_generated(TEST_SEED, TEST_SEEDS, &s);

	if (err < 0 || s.podfit.err < 0) {
		printf("FAILED %s: no score\n", name);
		tally->failed++;
	} else {
		print_scores(name, &s);
		check(tally, "precision", leak_score_precision(&s.podfit), b->precision, true);
		check(tally, "recall", leak_score_recall(&s.podfit), b->recall, true);
		check(tally, "false alarms a week", leak_score_false_rate(&s.podfit), b->false_rate,
		      false);
		check(tally, "way to exhaustion", leak_score_median(&s.podfit.way), b->way, false);
		check(tally, "slope error", leak_score_median(&s.podfit.slope_error),
		      b->slope_error, false);
		check(tally, "exhaustion error", leak_score_median(&s.podfit.eta_error),
		      b->eta_error, false);
		check(tally, "alarms on unlabelled series", (double)s.podfit.unknown_alarms,
		      (double)b->unknown_alarms, false);
		check(tally, "F1 above the baseline rule's",
		      leak_score_f1(&s.podfit) - leak_score_f1(&s.baseline), .05, true);
	}
	leak_scores_done(&s);
}

static int run_tests(void)
{
	struct tally tally = { 0 };

	leak_score_head(stdout);
	for (size_t i = 0; i < PF_ARRAY_SIZE(bounds); i++)
		check_bound(&bounds[i], &tally);
	printf("%u passed, %u failed, 0 skipped\n", tally.passed, tally.failed);
	return tally.failed > 0;
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static int print_folders(int nr, char **folders)
{
	int failed = 0;

	leak_score_head(stdout);
	for (int i = 0; i < nr; i++) {
		struct leak_scores s = { 0 };

		if (score_folder(folders[i], &s) < 0)
			failed = 1;
		else
			print_scores(last_part(folders[i]), &s);
		leak_scores_done(&s);
	}
	return failed;
}

static int print_predictions(const char *folder, const char *file, const char *name)
{
	struct leak_scores s = { 0 };
	char error[512];
	int err = leak_eval_predictions(folder, file, &s, error, sizeof(error));

	if (err < 0)
		fprintf(stderr, "leak-eval: %s\n", *error ? error : strerror(-err));
	else
		leak_score_line(stdout, last_part(folder), name, &s.podfit);
	leak_scores_done(&s);
	return err < 0;
}

static int print_generated(unsigned nr, uint64_t seed)
{
	struct leak_scores s = { 0 };
	int err = leak_eval_generated(seed, nr, &s);

	leak_score_head(stdout);
	print_scores("generated", &s);
	leak_scores_done(&s);
	return err < 0;
}

/* CPU time of this process: what else runs here must not count. */
static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A week of samples each 10 s, five times; the median. */
static int print_cost(void)
{
	static struct pf_leak_state state;
	struct pf_leak_options options;
	struct leak_values ns = { .v = (double[5]){ 0 }, .cap = 5 };
	const unsigned nr = 7 * 8640;

	pf_leak_options_init(10 * PF_NS_PER_S, 1, &options);
	for (ns.nr = 0; ns.nr < 5;) {
		double begin = now_s();

		memset(&state, 0, sizeof(state));
		for (unsigned i = 0; i < nr; i++) {
			uint64_t noise = (i * 2654435761u) % 64 * PF_MIB;
			struct pf_memory_kinds kinds = { .anon = 500 * PF_MIB + noise };
			struct pf_leak_sample sample = {
				.at_ns = (1700000000 + 10ull * i) * PF_NS_PER_S,
				.hot_bytes = kinds.anon + i * 4096ull, /* 35 MiB a day */
				.limit_bytes = PF_GIB,
				.cpu_cores = .5,
				.kinds = &kinds,
			};

			(void)pf_leak_push(&state, &options, &sample);
		}
		ns.v[ns.nr++] = (now_s() - begin) / nr * 1e9;
	}
	printf("leak detection: %.0f ns a sample (tests included), %zu bytes a container\n",
	       leak_score_median(&ns), sizeof(state));
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 1)
		return run_tests();
	if (!strcmp(argv[1], "--cost"))
		return print_cost();
	if (!strcmp(argv[1], "--generated") && argc == 4)
		return print_generated((unsigned)strtoul(argv[2], NULL, 10),
				       strtoull(argv[3], NULL, 10));
	if (!strcmp(argv[1], "--predictions") && argc == 5)
		return print_predictions(argv[2], argv[3], argv[4]);
	if (!strcmp(argv[1], "--export") && argc == 4) {
		int err = leak_export(argv[2], strtoull(argv[3], NULL, 10));

		if (err < 0)
			fprintf(stderr, "leak-eval: %s: %s\n", argv[2], strerror(-err));
		return err < 0;
	}
	return print_folders(argc - 1, argv + 1);
}
