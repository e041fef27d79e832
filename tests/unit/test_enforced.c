// SPDX-License-Identifier: Apache-2.0
#include "core/enforced.h"

#include "unit/check.h"

static const struct note_case {
	const char *name;
	uint64_t cpu, memory; /* asked for: millicores, bytes */
	uint64_t quota_us, memory_limit_bytes;
	const char *want;
} note_cases[] = {
	{ "as asked", 200, 64 << 20, 20000, 64 << 20, "" },
	{ "nothing is known", PF_UNKNOWN, PF_UNKNOWN, 20000, 64 << 20, "" },
	{ "nothing is measured", 200, 64 << 20, PF_UNKNOWN, PF_UNKNOWN, "" },
	{ "no limits", PF_NO_LIMIT, PF_NO_LIMIT, PF_NO_LIMIT, PF_NO_LIMIT, "" },
	{ "the least quota", 1, PF_NO_LIMIT, 1000, PF_NO_LIMIT, "" },
	{ "whole pages", 200, 100000000, 20000, 99999744, "" },
	{ "a third", 333, PF_NO_LIMIT, 33300, PF_NO_LIMIT, "" },
	{ "resize under way", 200, 96 << 20, 20000, 48 << 20,
	  "memory limit 96Mi asked for, 48Mi in force" },
	{ "exclusive CPUs", 2000, 1 << 30, PF_NO_LIMIT, 1 << 30,
	  "CPU limit 2000m asked for, none in force" },
	{ "both, by hand", PF_NO_LIMIT, PF_NO_LIMIT, 50000, 1000001,
	  "CPU limit none asked for, 500m in force; memory limit none asked for, 1000001 in force" },
};

static void test_note(void)
{
	for (size_t i = 0; i < PF_ARRAY_SIZE(note_cases); i++) {
		const struct note_case *c = &note_cases[i];
		struct pf_identity identity = { .spec = { PF_UNKNOWN, c->cpu, PF_UNKNOWN,
							  c->memory } };
		struct pf_enforced enforced = { .cfs_quota_us = c->quota_us,
						.cfs_period_us = 100000,
						.memory_limit_bytes = c->memory_limit_bytes };
		char text[256];

		PF_CHECK_INT(c->name, pf_enforced_note(&identity, &enforced, text, sizeof(text)),
			     *c->want != '\0');
		PF_CHECK_STR(c->name, text, c->want);
	}
}

PF_TEST_SUITE(enforced, { "note", test_note });
