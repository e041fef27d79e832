// SPDX-License-Identifier: Apache-2.0
/*
 * demangle_fuzz.c - names of functions: what comes out is ended, fits, and is the same text again where there is more room.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/demangle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *name = malloc(size + 1), *small = malloc(64), *large = malloc(1 << 16);

	if (name && small && large) {
		memcpy(name, data, size);
		name[size] = '\0';
		if (pf_demangle(name, large, 1 << 16)) {
			if (!large[0] || strlen(large) >= 1 << 16)
				abort();
			if (pf_demangle(name, small, 64) && strlen(small) >= 64)
				abort();
			if (strlen(large) < 64 && strcmp(small, large) != 0)
				abort();
		}
	}
	free(name);
	free(small);
	free(large);
	return 0;
}
