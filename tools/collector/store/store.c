// SPDX-License-Identifier: Apache-2.0
#include "collector/store/store.h"

#include <errno.h>
#include <string.h>

static const struct pf_store_ops *const drivers[] = { &pf_store_sqlite, &pf_store_postgres };

int pf_store_find(const char *spec, const struct pf_store_ops **ret_ops, const char **ret_where)
{
	const char *colon = strchr(spec, ':');

	if (!colon || !colon[1])
		return -EINVAL;
	for (size_t i = 0; i < PF_ARRAY_SIZE(drivers); i++) {
		size_t len = strlen(drivers[i]->name);

		if ((size_t)(colon - spec) != len || strncmp(spec, drivers[i]->name, len) != 0)
			continue;
		*ret_ops = drivers[i];
		*ret_where = colon + 1;
		return 0;
	}
	return -EINVAL;
}
