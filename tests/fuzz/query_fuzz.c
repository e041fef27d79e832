// SPDX-License-Identifier: Apache-2.0
/*
 * Texts of a URL by themselves: a path to its parts and to a workload's key, numbers, durations and
 * switches of a query. What is taken fits its bounds, and comes back from what it is written as.
 */
#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/parse.h"
#include "collector/api/path.h"
#include "report/html.h"

static void write_path(const struct pf_path *path, struct pf_buf *out)
{
	for (size_t i = 0; i < path->nr; i++) {
		(void)pf_buf_adds(out, "/");
		if (*path->parts[i])
			pf_html_percent(out, path->parts[i]);
		else
			(void)pf_buf_adds(out, "-");
	}
	assert(!out->err);
}

static void check_path(const char *text)
{
	PF_AUTO(pf_buf_done) struct pf_buf written;
	struct pf_workload_key key;
	struct pf_path path, again;
	int r = pf_path_split(text, &path);

	pf_buf_init(&written, 8 * PF_PATH_BYTES_MAX);
	assert(r == 0 || r == -EINVAL);
	if (r < 0)
		return;
	assert(path.nr <= PF_PATH_PARTS_MAX);
	for (size_t i = 0; i < path.nr; i++)
		assert(!*path.parts[i] ||
		       (path.parts[i] >= path.text &&
			path.parts[i] + strlen(path.parts[i]) < path.text + sizeof(path.text)));
	if (pf_path_workload(&path, &key) == 0)
		assert(key.cluster && key.namespace_name && key.workload && key.container &&
		       key.node_class);
	/* "-" is the empty part, so a part that is "-" cannot be told from it; ours never writes
	 * that. */
	write_path(&path, &written);
	if (!path.nr)
		return;
	assert(pf_path_split(written.data, &again) == 0 && again.nr == path.nr);
	for (size_t i = 0; i < path.nr; i++)
		assert(!strcmp(again.parts[i], path.parts[i]));
}

static void check_numbers(const char *text)
{
	char written[64];
	uint64_t number, again;
	int64_t signed_number;
	double real;
	bool is_on;
	int r = pf_parse_u64(text, &number);

	assert(r == 0 || r == -EINVAL || r == -ERANGE);
	if (r == 0) {
		(void)snprintf(written, sizeof(written), "%llu", (unsigned long long)number);
		assert(pf_parse_u64(written, &again) == 0 && again == number);
	}
	r = pf_parse_duration(text, &number);
	assert(r == 0 || r == -EINVAL || r == -ERANGE);
	if (r == 0) {
		(void)snprintf(written, sizeof(written), "%lluns", (unsigned long long)number);
		assert(number <= INT64_MAX && pf_parse_duration(written, &again) == 0 &&
		       again == number);
	}
	r = pf_parse_i64(text, &signed_number);
	assert(r == 0 || r == -EINVAL || r == -ERANGE);
	r = pf_parse_double(text, &real);
	assert((r == 0 && isfinite(real)) || r == -EINVAL || r == -ERANGE);
	r = pf_parse_bool(text, &is_on);
	assert(r == 0 || r == -EINVAL);
	r = pf_parse_cpu_quantity(text, &number);
	assert(r == 0 || r == -EINVAL || r == -ERANGE);
	r = pf_parse_memory_quantity(text, &number);
	assert(r == 0 || r == -EINVAL || r == -ERANGE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	PF_AUTO(pf_freep) char *text = malloc(size + 1);

	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	check_path(text);
	check_numbers(text);
	return 0;
}
