/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csv.h - lines of a CSV file, plain or compressed (.gz), as fields.
 */
#ifndef PF_CTL_CSV_H
#define PF_CTL_CSV_H

#include <stddef.h>
#include <zlib.h>

#include "base/cleanup.h"

enum {
	PF_CSV_LINE_MAX = 4096,
	PF_CSV_FIELDS_MAX = 64,
};

/* A file being read, and its current line. Zeroed is closed. */
struct pf_csv {
	gzFile file;
	const char *path;
	unsigned long line_nr;
	char line[PF_CSV_LINE_MAX];
	const char *field[PF_CSV_FIELDS_MAX];
	size_t nr_fields;
	char *error; /* what went wrong and where, once a call failed */
	size_t error_size;
};

/** pf_csv_open() - @path and @error are borrowed. Return: 0; -errno. */
PF_MUST_CHECK int pf_csv_open(const char *path, char *error, size_t error_size,
			      struct pf_csv *ret_csv);
void pf_csv_close(struct pf_csv *csv); /* for PF_AUTO; accepts a closed one */

/**
 * pf_csv_next() - the next line's fields; a quoted field keeps its commas, the quotes go.
 * Return: 1; 0 at the end; -EBADMSG: damaged, too long, or too many fields.
 */
PF_MUST_CHECK int pf_csv_next(struct pf_csv *csv);

/** pf_csv_column() - where the current line (a header) has @name; -1: nowhere. */
int pf_csv_column(const struct pf_csv *csv, const char *name);

/**
 * pf_csv_number() - a number of 0 or more.
 * @ret_value: -1 if the field is empty, or @column is -1 or not in this line.
 * Return: 0; -EBADMSG.
 */
PF_MUST_CHECK int pf_csv_number(struct pf_csv *csv, int column, double *ret_value);

/** pf_csv_bad_line() - writes @what, with file and line, to the error text. Return: -EBADMSG. */
int pf_csv_bad_line(struct pf_csv *csv, const char *what);

#endif
