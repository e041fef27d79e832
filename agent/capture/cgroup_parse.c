// SPDX-License-Identifier: Apache-2.0
#include "capture/cgroup_parse.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "core/units.h"

/* v1's "no limit" is LONG_MAX rounded down to a page; no machine has as much as this. */
#define V1_NO_LIMIT (1ull << 62)

/* Digits from *text on; *text ends up behind them. */
static int take_number(const char **text, uint64_t *ret_value)
{
	const char *p = *text;
	uint64_t value = 0;

	if (*p < '0' || *p > '9')
		return -EBADMSG;
	for (; *p >= '0' && *p <= '9'; p++) {
		uint64_t digit = (uint64_t)(*p - '0');

		if (value > (UINT64_MAX - digit) / 10)
			return -EBADMSG;
		value = value * 10 + digit;
	}
	*text = p;
	*ret_value = value;
	return 0;
}

static bool at_end(const char *text)
{
	return !strcmp(text, "") || !strcmp(text, "\n");
}

int pf_cgroup_parse_key(const char *text, const char *name, uint64_t *ret_value)
{
	size_t len = strlen(name);

	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		uint64_t value;
		int r;

		line += *line == '\n';
		if (strncmp(line, name, len) || line[len] != ' ')
			continue;
		line += len + 1;
		r = take_number(&line, &value);
		if (r < 0)
			return r;
		if (*line != '\n' && *line != '\0')
			return -EBADMSG;
		*ret_value = value;
		return 0;
	}
	return -ENOENT;
}

int pf_cgroup_parse_number(const char *text, uint64_t *ret_value)
{
	uint64_t value;
	int r = take_number(&text, &value);

	if (r < 0)
		return r;
	if (!at_end(text))
		return -EBADMSG;
	*ret_value = value;
	return 0;
}

int pf_cgroup_parse_limit(const char *text, uint64_t *ret_value)
{
	uint64_t value;
	int r;

	if (!strncmp(text, "max", 3) && at_end(text + 3)) {
		*ret_value = PF_NO_LIMIT;
		return 0;
	}
	r = pf_cgroup_parse_number(text, &value);
	if (r < 0)
		return r;
	*ret_value = value >= V1_NO_LIMIT ? PF_NO_LIMIT : value;
	return 0;
}

int pf_cgroup_parse_cpu_max(const char *text, uint64_t *ret_quota_us, uint64_t *ret_period_us)
{
	uint64_t quota = PF_NO_LIMIT, period;
	int r = 0;

	if (!strncmp(text, "max", 3))
		text += 3;
	else
		r = take_number(&text, &quota);
	if (r < 0)
		return r;
	if (*text++ != ' ')
		return -EBADMSG;
	r = pf_cgroup_parse_number(text, &period);
	if (r < 0)
		return r;
	*ret_quota_us = quota;
	*ret_period_us = period;
	return 0;
}

int pf_cgroup_parse_quota(const char *text, uint64_t *ret_quota_us)
{
	if (!strncmp(text, "-1", 2) && at_end(text + 2)) {
		*ret_quota_us = PF_NO_LIMIT;
		return 0;
	}
	return pf_cgroup_parse_number(text, ret_quota_us);
}

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=123": the total of the line that begins with @name. */
static int pressure_total(const char *text, const char *name, uint64_t *ret_total)
{
	size_t len = strlen(name);

	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		const char *end, *total;

		line += *line == '\n';
		if (strncmp(line, name, len) || line[len] != ' ')
			continue;
		end = line + strcspn(line, "\n");
		total = strstr(line, " total=");
		if (!total || total >= end)
			return -EBADMSG;
		total += strlen(" total=");

		uint64_t value;
		int r = take_number(&total, &value);

		if (r < 0 || total != end)
			return -EBADMSG;
		*ret_total = value;
		return 0;
	}
	return -ENOENT;
}

int pf_cgroup_parse_pressure(const char *text, uint64_t *ret_some_us, uint64_t *ret_full_us)
{
	uint64_t some, full;
	int r = pressure_total(text, "some", &some);

	if (r < 0)
		return r;
	r = pressure_total(text, "full", &full);
	if (r == -ENOENT) /* cpu.pressure before 5.13 */
		full = PF_UNKNOWN;
	else if (r < 0)
		return r;
	*ret_some_us = some;
	*ret_full_us = full;
	return 0;
}
