// SPDX-License-Identifier: Apache-2.0
/*
 * csv.c - lines of a CSV file as fields.
 */
#include "ctl/csv.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"

int pf_csv_open(const char *path, char *error, size_t error_size, struct pf_csv *ret_csv)
{
	gzFile file;

	errno = 0;
	file = gzopen(path, "re");
	if (!file) {
		int err = errno ? -errno : -ENOMEM;

		snprintf(error, error_size, "%s: %s", path, strerror(-err));
		return err;
	}
	ret_csv->file = file;
	ret_csv->path = path;
	ret_csv->line_nr = 0;
	ret_csv->error = error;
	ret_csv->error_size = error_size;
	return 0;
}

void pf_csv_close(struct pf_csv *csv)
{
	if (csv->file)
		gzclose(csv->file);
	csv->file = NULL;
}

int pf_csv_bad_line(struct pf_csv *csv, const char *what)
{
	snprintf(csv->error, csv->error_size, "%s: line %lu: %s", csv->path, csv->line_nr, what);
	return -EBADMSG;
}

static int end_of_file(struct pf_csv *csv)
{
	int err;
	const char *why = gzerror(csv->file, &err);
	size_t path_len = strlen(csv->path);

	if (err == Z_OK || err == Z_STREAM_END)
		return 0;
	if (!strncmp(why, csv->path, path_len) && !strncmp(why + path_len, ": ", 2))
		why += path_len + 2; /* zlib names the file, too */
	snprintf(csv->error, csv->error_size, "%s: byte %lld (after line %lu): damaged: %s",
		 csv->path, (long long)gzoffset(csv->file), csv->line_nr, why);
	return -EBADMSG;
}

int pf_csv_next(struct pf_csv *csv)
{
	bool quoted = false;
	char *to = csv->line;

	if (!gzgets(csv->file, csv->line, sizeof(csv->line)))
		return end_of_file(csv);
	csv->line_nr++;
	csv->nr_fields = 1;
	csv->field[0] = csv->line;
	for (char *c = csv->line; *c; c++) {
		if (*c == '\n' || (*c == '\r' && c[1] == '\n')) {
			*to = '\0';
			return 1;
		}
		if (*c == '"') {
			quoted = !quoted;
		} else if (*c == ',' && !quoted) {
			*to++ = '\0';
			if (csv->nr_fields == PF_CSV_FIELDS_MAX)
				return pf_csv_bad_line(csv, "more than 64 fields");
			csv->field[csv->nr_fields++] = to;
		} else {
			*to++ = *c;
		}
	}
	/* A line without an end: the last one, or what is left of one where the file was cut. */
	int err = end_of_file(csv);

	if (err < 0)
		return err;
	if (!gzeof(csv->file))
		return pf_csv_bad_line(csv, "longer than 4095 bytes, or with a NUL in it");
	*to = '\0';
	return 1;
}

int pf_csv_column(const struct pf_csv *csv, const char *name)
{
	for (size_t i = 0; i < csv->nr_fields; i++)
		if (!strcmp(csv->field[i], name))
			return (int)i;
	return -1;
}

int pf_csv_number(struct pf_csv *csv, int column, double *ret_value)
{
	double value = -1;

	if (column >= 0 && (size_t)column < csv->nr_fields && *csv->field[column] &&
	    (pf_parse_double(csv->field[column], &value) < 0 || value < 0))
		return pf_csv_bad_line(csv, "a field that should be a number of 0 or more is not");
	*ret_value = value;
	return 0;
}
