// SPDX-License-Identifier: Apache-2.0
#include "collector/api/path.h"

#include <errno.h>
#include <string.h>

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One byte of the path. Return: bytes read; -EINVAL. */
static int decode(const char *at, char *ret_byte)
{
	int high, low;

	if (*at != '%') {
		*ret_byte = *at;
		return 1;
	}
	high = hex(at[1]);
	low = high < 0 ? -1 : hex(at[2]);
	if (low < 0 || (!high && !low))
		return -EINVAL;
	*ret_byte = (char)(high << 4 | low);
	return 3;
}

int pf_path_split(const char *target, struct pf_path *ret_path)
{
	size_t len = 0;

	ret_path->nr = 0;
	while (*target == '/') {
		char *part = ret_path->text + len;

		if (ret_path->nr == PF_PATH_PARTS_MAX)
			return -EINVAL;
		for (target++; *target && *target != '/' && *target != '?';) {
			int nr;

			if (len + 2 > sizeof(ret_path->text))
				return -EINVAL;
			nr = decode(target, &ret_path->text[len]);
			if (nr < 0)
				return nr;
			target += nr;
			len++;
		}
		if (len + 1 > sizeof(ret_path->text))
			return -EINVAL;
		ret_path->text[len++] = '\0';
		ret_path->parts[ret_path->nr++] = strcmp(part, "-") ? part : "";
	}
	return 0;
}

int pf_path_workload(const struct pf_path *path, struct pf_workload_key *ret_key)
{
	const char *const *parts = path->parts + path->nr - 5;
	enum pf_workload_kind kind;

	if (path->nr < 6)
		return -EINVAL;
	kind = pf_workload_kind_parse(parts[2]);
	if (kind == PF_WORKLOAD_UNKNOWN && *parts[2])
		return -EINVAL;
	*ret_key = (struct pf_workload_key){ .cluster = parts[0],
					     .namespace_name = parts[1],
					     .kind = kind,
					     .workload = parts[3],
					     .container = parts[4],
					     .node_class = "" };
	return 0;
}
