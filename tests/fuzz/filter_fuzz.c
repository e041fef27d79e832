// SPDX-License-Identifier: Apache-2.0
/* The language of --filter: what is accepted can be matched, what is refused says why. */
#include "core/filter.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct pf_label labels[] = { { (char *)"app", (char *)"web" } };
	static const struct pf_identity id = { .namespace_name = "shop",
					       .workload = "web",
					       .container = "app",
					       .pod = "web-1",
					       .labels = labels,
					       .nr_labels = 1 };
	PF_AUTO(pf_filter_freep) struct pf_filter *filter = NULL;
	PF_AUTO(pf_freep) char *text = malloc(size + 1);
	char error[128] = "";
	int r;

	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	r = pf_filter_parse(text, &filter, error, sizeof(error));
	assert((r == 0) == (filter != NULL) && (r == 0) == !*error);
	if (filter)
		(void)pf_filter_match(filter, "node-a", &id);
	assert(pf_filter_glob("*", text));
	assert(!*text || !pf_filter_glob("", text));
	return 0;
}
