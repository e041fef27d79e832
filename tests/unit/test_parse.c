// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdbool.h>

#include "base/parse.h"
#include "unit/check.h"

static const struct number_case {
	const char *text;
	uint64_t want;
	int err;
} durations[] = {
	{ "15s", 15000000000u, 0 },   { "1m30s", 90000000000u, 0 },	 { "100ms", 100000000, 0 },
	{ "0", 0, 0 },		      { "1.5h", 5400000000000u, 0 },	 { "8d", 691200000000000u, 0 },
	{ "", 0, -EINVAL },	      { "15", 0, -EINVAL },		 { "s", 0, -EINVAL },
	{ "1x", 0, -EINVAL },	      { "-1s", 0, -EINVAL },		 { "999999999999w", 0, -ERANGE },
	{ "1..5s", 0, -EINVAL },
},
  cpus[] = {
	  { "250m", 250, 0 },	 { "1.5", 1500, 0 },	     { "0.1", 100, 0 },	    { "100u", 1, 0 },
	  { "2k", 2000000, 0 },	 { "1e3", 1000000, 0 },	     { "0", 0, 0 },	    { "4", 4000, 0 },
	  { "", 0, -EINVAL },	 { "m", 0, -EINVAL },	     { "-1", 0, -EINVAL },  { "1 ", 0, -EINVAL },
	  { "1mm", 0, -EINVAL }, { "99999999999999999999", 0, -ERANGE },
  },
  memories[] = {
	  { "64Mi", 67108864, 0 },
	  { "1G", 1000000000, 0 },
	  { "1e6", 1000000, 0 },
	  { "128974848", 128974848, 0 },
	  { "9223372036854771712", 9223372036854771712u, 0 },
	  { "1.5Gi", 1610612736, 0 },
	  { "100m", 1, 0 },
	  { "1E", 1000000000000000000u, 0 },
	  { "16Ei", 0, -ERANGE },
	  { "1Mi ", 0, -EINVAL },
	  { "0x10", 0, -EINVAL },
  };

static void check_numbers(const struct number_case *rows, size_t nr_rows,
			  int (*parse)(const char *, uint64_t *))
{
	for (size_t i = 0; i < nr_rows; i++) {
		uint64_t got = 12345;

		PF_CHECK_INT(rows[i].text, parse(rows[i].text, &got), rows[i].err);
		PF_CHECK_INT(rows[i].text, got, rows[i].err ? 12345 : rows[i].want);
	}
}

static void test_durations(void)
{
	check_numbers(durations, PF_ARRAY_SIZE(durations), pf_parse_duration);
}

static void test_cpu(void)
{
	check_numbers(cpus, PF_ARRAY_SIZE(cpus), pf_parse_cpu_quantity);
}

static void test_memory(void)
{
	check_numbers(memories, PF_ARRAY_SIZE(memories), pf_parse_memory_quantity);
}

static void test_signed(void)
{
	int64_t got = 0;

	PF_CHECK_INT("min", pf_parse_i64("-9223372036854775808", &got), 0);
	PF_CHECK_INT("min", got, INT64_MIN);
	PF_CHECK_INT("beyond", pf_parse_i64("9223372036854775808", &got), -ERANGE);
	PF_CHECK_INT("two signs", pf_parse_i64("--1", &got), -EINVAL);
}

PF_TEST_SUITE(parse, { "durations", test_durations }, { "cpu", test_cpu },
	      { "memory", test_memory }, { "signed", test_signed });
