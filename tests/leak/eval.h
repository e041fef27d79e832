/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eval.h - series through the leak detector into scores, by both methods.
 */
#ifndef PF_TESTS_LEAK_EVAL_H
#define PF_TESTS_LEAK_EVAL_H

#include <stdint.h>

#include "ctl/series.h"
#include "leak/score.h"

/* Scores of the same series. */
struct leak_scores {
	struct leak_score podfit, baseline;
};

/** leak_eval_series() - replays one series and adds what came of it to both scores. */
void leak_eval_series(const struct pf_series *series, const struct leak_label *label,
		      struct leak_scores *scores);

/**
 * leak_eval_folder() - all series of a folder, against its labels.csv.
 * @error: what is wrong with it, on failure.
 * Return: 0; -errno.
 */
PF_MUST_CHECK int leak_eval_folder(const char *path, struct leak_scores *scores, char *error,
				   size_t error_size);

/**
 * leak_eval_predictions() - alarms of another program on a folder, out of a CSV file of the form that
 *                           `podfit leaks --from-csv -o csv` has; only @scores->podfit is filled.
 */
PF_MUST_CHECK int leak_eval_predictions(const char *path, const char *predictions,
					struct leak_scores *scores, char *error, size_t error_size);

/** leak_eval_generated() - @nr_seeds series of each shape and scale. Return: 0; -ENOMEM. */
PF_MUST_CHECK int leak_eval_generated(uint64_t first_seed, unsigned nr_seeds,
				      struct leak_scores *scores);

void leak_scores_done(struct leak_scores *scores);

#endif
