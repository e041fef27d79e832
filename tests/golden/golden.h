/* SPDX-License-Identifier: Apache-2.0 */
/*
 * golden.h - reading the vectors of the real VPA, and counting what agrees.
 *
 * A file is {"kind": ..., "cases": [...]}, each case an object with an id; the format is told in
 * vpa/README.md. Doubles must agree to the bit, so there is no tolerance anywhere.
 */
#ifndef PF_TESTS_GOLDEN_H
#define PF_TESTS_GOLDEN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <yajl/yajl_tree.h>

#include "core/vpa_recommend.h"

/* The case at hand: what differs is printed with its id, and the case has failed. */
struct golden {
	const char *file, *id;
	unsigned nr_differences;
};

typedef void (*golden_fn)(struct golden *g, yajl_val item);

/** golden_fail() - one difference; the first few of a case are printed. */
void golden_fail(struct golden *g, const char *format, ...) __attribute__((format(printf, 2, 3)));
void golden_double(struct golden *g, const char *what, double got, double want);
void golden_int(struct golden *g, const char *what, int64_t got, int64_t want);
void golden_amounts(struct golden *g, const char *what, const struct pf_vpa_amounts *got,
		    yajl_val want);

/* Access. Absent members give NULL, 0, NaN or the given default; malformed files end the program.
 */
yajl_val golden_get(yajl_val object, const char *key);
yajl_val golden_at(yajl_val array, size_t index);
size_t golden_len(yajl_val array);
const char *golden_text(yajl_val object, const char *key); /* "" if absent */
const char *golden_string(yajl_val value);		   /* "" if it is none */
double golden_number(yajl_val value);
int64_t golden_integer(yajl_val value);
double golden_number_of(yajl_val object, const char *key, double otherwise);
int64_t golden_integer_of(yajl_val object, const char *key, int64_t otherwise);
struct pf_vpa_amounts golden_amounts_of(yajl_val object, const char *key); /* absent: no amounts */

/** golden_time() - milliseconds of the vectors to ns; year 1 is PF_VPA_NO_TIME. golden_ms() is the
 * way back. */
int64_t golden_time(int64_t ms);
int64_t golden_ms(int64_t ns);

/** golden_policies() - the policies of a case. @ret is room for @max of them. */
size_t golden_policies(yajl_val item, struct pf_vpa_container_policy *ret, size_t max);

/** golden_state(), golden_checkpoint() - a histogram against a recorded state or checkpoint. */
void golden_hist_state(struct golden *g, const struct pf_vpa_hist *hist, yajl_val state);
void golden_hist_checkpoint(struct golden *g, const struct pf_vpa_hist_checkpoint *got,
			    yajl_val want);
int golden_read_hist_checkpoint(yajl_val value, struct pf_vpa_hist_checkpoint *ret);

void golden_buckets(struct golden *g, yajl_val item);
void golden_math(struct golden *g, yajl_val item);
void golden_histogram(struct golden *g, yajl_val item); /* plain and decaying */
void golden_checkpoint(struct golden *g, yajl_val item);
void golden_e2e(struct golden *g, yajl_val item);
void golden_policy(struct golden *g, yajl_val item);
void golden_updater(struct golden *g, yajl_val item);

#endif
