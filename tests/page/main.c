// SPDX-License-Identifier: Apache-2.0
/* Writes every sample page as a file, to be looked at and to be read by a real browser. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

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

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: page-samples DIRECTORY\n");
		return 2;
	}
	for (int i = 0; i < NR_SAMPLES; i++) {
		int r = write_page(argv[1], (enum sample_page)i);

		if (r < 0) {
			fprintf(stderr, "%s: %s\n", sample_name((enum sample_page)i), strerror(-r));
			return 1;
		}
	}
	return 0;
}
