// SPDX-License-Identifier: Apache-2.0
/*
 * Writes every sample page as a file, to be looked at and to be read by a real browser.
 *
 * Usage: page-samples DIRECTORY          the files
 *        page-samples --time             milliseconds to make each page, median of 101
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "report/html.h"
#include "unit/page_sample.h"

static int write_page(const char *directory, enum sample_page which)
{
	PF_AUTO(pf_buf_done) struct pf_buf buf;
	PF_AUTO(pf_fclosep) FILE *file = NULL;
	char path[4096];

	pf_buf_init(&buf, PF_HTML_PAGE_MAX);

	int r = sample_write(&buf, which);

	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "%s/%s.html", directory, sample_name(which));
	file = fopen(path, "w");
	if (!file)
		return -errno;
	if (fwrite(buf.data, 1, buf.len, file) != buf.len)
		return -EIO;
	printf("%s\t%zu bytes\n", path, buf.len);
	return 0;
}

enum { ROUNDS = 101 };

static int by_size(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

static double now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int time_page(enum sample_page which)
{
	double took[ROUNDS];
	size_t len = 0;

	for (size_t i = 0; i < ROUNDS; i++) {
		PF_AUTO(pf_buf_done) struct pf_buf buf;
		double start = now_ms();

		pf_buf_init(&buf, PF_HTML_PAGE_MAX);

		int r = sample_write(&buf, which);

		if (r < 0)
			return r;
		took[i] = now_ms() - start;
		len = buf.len;
	}
	qsort(took, ROUNDS, sizeof(took[0]), by_size);
	printf("%-20s %7.3f ms %8zu bytes\n", sample_name(which), took[ROUNDS / 2], len);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: page-samples DIRECTORY | --time\n");
		return 2;
	}

	bool timed = !strcmp(argv[1], "--time");

	for (int i = 0; i < NR_SAMPLES; i++) {
		enum sample_page which = (enum sample_page)i;
		int r = timed ? time_page(which) : write_page(argv[1], which);

		if (r < 0) {
			fprintf(stderr, "%s: %s\n", sample_name(which), strerror(-r));
			return 1;
		}
	}
	return 0;
}
