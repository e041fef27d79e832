// SPDX-License-Identifier: Apache-2.0
#include "core/enforced.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

enum {
	LEAST_QUOTA_MILLICORES = 10,
	PAGE_MAX_BYTES = 65536,
};

static uint64_t quota_millicores(const struct pf_enforced *enforced)
{
	uint64_t quota_us = enforced->cfs_quota_us, period_us = enforced->cfs_period_us;

	if (quota_us == PF_UNKNOWN || quota_us == PF_NO_LIMIT)
		return quota_us;
	if (!period_us || period_us == PF_UNKNOWN || quota_us > UINT64_MAX / 2000)
		return PF_UNKNOWN;
	return (quota_us * 1000 + period_us / 2) / period_us;
}

static bool differ(uint64_t asked, uint64_t enforced, uint64_t tolerance)
{
	if (asked == PF_UNKNOWN || enforced == PF_UNKNOWN || asked == enforced)
		return false;
	if (asked == PF_NO_LIMIT || enforced == PF_NO_LIMIT)
		return true;
	return (asked > enforced ? asked - enforced : enforced - asked) > tolerance;
}

static void format_cpu(uint64_t millicores, char *text, size_t size)
{
	if (millicores == PF_NO_LIMIT)
		snprintf(text, size, "none");
	else
		snprintf(text, size, "%" PRIu64 "m", millicores);
}

/* As Kubernetes writes it, in the largest unit that is exact. */
static void format_memory(uint64_t bytes, char *text, size_t size)
{
	static const char *const units[] = { "", "Ki", "Mi", "Gi", "Ti" };
	size_t unit = 0;

	if (bytes == PF_NO_LIMIT) {
		snprintf(text, size, "none");
		return;
	}
	while (bytes && bytes % 1024 == 0 && unit + 1 < PF_ARRAY_SIZE(units)) {
		bytes /= 1024;
		unit++;
	}
	snprintf(text, size, "%" PRIu64 "%s", bytes, units[unit]);
}

static void add(char *text, size_t size, const char *what, const char *asked, const char *enforced)
{
	size_t len = strlen(text);

	snprintf(text + len, size - len, "%s%s limit %s asked for, %s in force", len ? "; " : "",
		 what, asked, enforced);
}

bool pf_enforced_note(const struct pf_identity *identity, const struct pf_enforced *enforced,
		      char *ret_text, size_t size)
{
	uint64_t cpu_asked = identity->spec.cpu_limit_millicores;
	uint64_t cpu = quota_millicores(enforced);
	char asked[32], given[32];

	ret_text[0] = '\0';
	if (cpu_asked < LEAST_QUOTA_MILLICORES)
		cpu_asked = LEAST_QUOTA_MILLICORES;
	if (differ(cpu_asked, cpu, 1)) {
		format_cpu(identity->spec.cpu_limit_millicores, asked, sizeof(asked));
		format_cpu(cpu, given, sizeof(given));
		add(ret_text, size, "CPU", asked, given);
	}
	if (differ(identity->spec.memory_limit_bytes, enforced->memory_limit_bytes,
		   PAGE_MAX_BYTES)) {
		format_memory(identity->spec.memory_limit_bytes, asked, sizeof(asked));
		format_memory(enforced->memory_limit_bytes, given, sizeof(given));
		add(ret_text, size, "memory", asked, given);
	}
	return *ret_text;
}
