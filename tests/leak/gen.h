/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gen.h - recorded memory that never was: leaking and healthy containers from a seed.
 *
 * What detection is tuned and tested on. The shapes are those a memory curve is known to take: leaks
 * (steady, late, under a collector's saw-tooth, under a daily cycle, in steps, with load, after a
 * warm-up, ended by kills, under bursts and noise), and what looks like one (warm-ups, caches filling,
 * daily cycles, batches, level shifts, slow collectors, drifting hosts).
 */
#ifndef PF_TESTS_LEAK_GEN_H
#define PF_TESTS_LEAK_GEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ctl/series.h"
#include "leak/score.h"

enum leak_gen_scale {
	LEAK_GEN_FAST, /* 15 s apart, hours */
	LEAK_GEN_DAY,  /* 60 s, 1 to 3 days */
	LEAK_GEN_WEEK, /* 5 min, 10 to 20 days */
	LEAK_GEN_NR_SCALES,
};

struct leak_gen_series {
	struct pf_series series;
	struct pf_series_row *rows; /* owned; series.rows is the same */
	double restarts[64];
	struct leak_label label;
};

size_t leak_gen_nr_shapes(void);
const char *leak_gen_shape_name(size_t shape);

/** leak_gen_shape_has() - not every shape exists at every scale: a daily cycle needs days. */
bool leak_gen_shape_has(size_t shape, enum leak_gen_scale scale);

/**
 * leak_gen_make() - one series; equal arguments give equal series.
 * Return: 0; -ENOMEM.
 */
PF_MUST_CHECK int leak_gen_make(size_t shape, enum leak_gen_scale scale, uint64_t seed,
				struct leak_gen_series *ret_series);
void leak_gen_done(struct leak_gen_series *series);

#endif
