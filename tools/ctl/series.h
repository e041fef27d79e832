/* SPDX-License-Identifier: Apache-2.0 */
/*
 * series.h - recorded usage from CSV files, one series at a time.
 *
 * A series file has a header that begins with series_id,unix_seconds and has the columns cpu_cores
 * and memory_bytes, is sorted by series and time, and may be compressed (.gz). An empty field is
 * unknown. In a folder, *.csv and *.csv.gz with such a header are read in the order of their names;
 * besides, labels.csv    gives memory_limit_bytes by series_id (no other column is looked at),
 *   events.csv    gives the moments of restarts (event "restart"),
 *   anon.csv.gz   series_id,unix_seconds,anon_bytes: what of the memory is no cache.
 */
#ifndef PF_CTL_SERIES_H
#define PF_CTL_SERIES_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

enum { PF_SERIES_ID_MAX = 128 };

struct pf_series_row {
	double unix_s;
	double cpu_cores;    /* below 0: unknown */
	double memory_bytes; /* below 0: unknown */
	double hot_bytes;    /* anon.csv.gz's value, else memory_bytes */
	double limit_bytes;  /* below 0: none known; may change within a series */
};

struct pf_series {
	char id[PF_SERIES_ID_MAX];
	const struct pf_series_row *rows; /* by time */
	size_t nr_rows;
	const double *restarts; /* unix seconds, by time */
	size_t nr_restarts;
	double interval_s; /* usual distance of rows: the median of the first 200, at least 1 */
};

/* Takes one series; borrowed until it returns. A negative result ends the reading. */
typedef int (*pf_series_fn)(void *arg, const struct pf_series *series);

/**
 * pf_series_read() - hands over every series of a file or folder in turn.
 * @error: filled with what is wrong and where, if the result is negative and it was not @take's.
 *
 * Return: 0; -errno of a file that cannot be read; -EBADMSG for one that is damaged; what @take
 * gave.
 */
PF_MUST_CHECK int pf_series_read(const char *path, pf_series_fn take, void *arg, char *error,
				 size_t error_size);

#endif
