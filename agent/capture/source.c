// SPDX-License-Identifier: Apache-2.0
#include "capture/source.h"

#include <string.h>

extern const struct pf_capture_ops pf_capture_bpf, pf_capture_cgroupfs, pf_capture_replay;

static const struct pf_capture_ops *const sources[] = { &pf_capture_bpf, &pf_capture_cgroupfs,
							&pf_capture_replay };

const struct pf_capture_ops *pf_capture_find(const char *name)
{
	for (size_t i = 0; i < PF_ARRAY_SIZE(sources); i++)
		if (!strcmp(sources[i]->name, name))
			return sources[i];
	return NULL;
}
