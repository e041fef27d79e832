// SPDX-License-Identifier: Apache-2.0
#include "capture/cgroup_parse.h"

#include <errno.h>

#include "core/units.h"
#include "unit/check.h"

static const struct key_case {
	const char *name, *text, *key;
	int want_err;
	uint64_t want;
} key_cases[] = {
	{ "first", "anon 12\nfile 34\n", "anon", 0, 12 },
	{ "last", "anon 12\nfile 34\n", "file", 0, 34 },
	{ "no newline at the end", "anon 12\nfile 34", "file", 0, 34 },
	{ "a key that begins another", "file_mapped 9\nfile 34\n", "file", 0, 34 },
	{ "a key that ends another", "inactive_file 9\nfile 34\n", "file", 0, 34 },
	{ "largest", "usage 18446744073709551615\n", "usage", 0, UINT64_MAX },
	{ "too large", "usage 18446744073709551616\n", "usage", -EBADMSG, 0 },
	{ "absent", "anon 12\n", "file", -ENOENT, 0 },
	{ "empty file", "", "file", -ENOENT, 0 },
	{ "only newlines", "\n\n\n", "file", -ENOENT, 0 },
	{ "cut off before the number", "anon 12\nfile ", "file", -EBADMSG, 0 },
	{ "cut off inside the key", "anon 12\nfi", "file", -ENOENT, 0 },
	{ "negative", "file -1\n", "file", -EBADMSG, 0 },
	{ "words", "file many\n", "file", -EBADMSG, 0 },
	{ "number and more", "file 12kB\n", "file", -EBADMSG, 0 },
	{ "two blanks", "file  12\n", "file", -EBADMSG, 0 },
};

static void test_key(void)
{
	for (size_t i = 0; i < PF_ARRAY_SIZE(key_cases); i++) {
		const struct key_case *c = &key_cases[i];
		uint64_t got = 0;

		PF_CHECK_INT(c->name, pf_cgroup_parse_key(c->text, c->key, &got), c->want_err);
		PF_CHECK(c->name, got == c->want);
	}
}

static const struct limit_case {
	const char *name, *text;
	int want_err;
	uint64_t want;
} limit_cases[] = {
	{ "bytes", "104857600\n", 0, 104857600 },
	{ "zero", "0\n", 0, 0 },
	{ "v2 none", "max\n", 0, PF_NO_LIMIT },
	{ "v2 none, no newline", "max", 0, PF_NO_LIMIT },
	{ "v1 none, 4 KiB pages", "9223372036854771712\n", 0, PF_NO_LIMIT },
	{ "v1 none, 64 KiB pages", "9223372036854710272\n", 0, PF_NO_LIMIT },
	{ "as large as it can be", "18446744073709551615\n", 0, PF_NO_LIMIT },
	{ "empty", "", -EBADMSG, 0 },
	{ "maximum", "maximum\n", -EBADMSG, 0 },
	{ "two lines", "1\n2\n", -EBADMSG, 0 },
	{ "minus one", "-1\n", -EBADMSG, 0 },
	{ "blank first", " 1\n", -EBADMSG, 0 },
};

static void test_limit(void)
{
	for (size_t i = 0; i < PF_ARRAY_SIZE(limit_cases); i++) {
		const struct limit_case *c = &limit_cases[i];
		uint64_t got = 0;

		PF_CHECK_INT(c->name, pf_cgroup_parse_limit(c->text, &got), c->want_err);
		PF_CHECK(c->name, got == c->want);
	}
}

static const struct cpu_max_case {
	const char *name, *text;
	int want_err;
	uint64_t want_quota, want_period;
} cpu_max_cases[] = {
	{ "quota", "20000 100000\n", 0, 20000, 100000 },
	{ "none", "max 100000\n", 0, PF_NO_LIMIT, 100000 },
	{ "only a quota", "20000\n", -EBADMSG, 0, 0 },
	{ "only max", "max\n", -EBADMSG, 0, 0 },
	{ "three numbers", "1 2 3\n", -EBADMSG, 0, 0 },
	{ "empty", "", -EBADMSG, 0, 0 },
	{ "no period", "max max\n", -EBADMSG, 0, 0 },
};

static void test_cpu_max(void)
{
	uint64_t v1 = 0;

	for (size_t i = 0; i < PF_ARRAY_SIZE(cpu_max_cases); i++) {
		const struct cpu_max_case *c = &cpu_max_cases[i];
		uint64_t quota = 0, period = 0;

		PF_CHECK_INT(c->name, pf_cgroup_parse_cpu_max(c->text, &quota, &period),
			     c->want_err);
		PF_CHECK(c->name, quota == c->want_quota && period == c->want_period);
	}
	PF_CHECK_INT("v1 none", pf_cgroup_parse_quota("-1\n", &v1), 0);
	PF_CHECK("v1 none", v1 == PF_NO_LIMIT);
	PF_CHECK_INT("v1 quota", pf_cgroup_parse_quota("50000\n", &v1), 0);
	PF_CHECK_INT("v1 quota", v1, 50000);
	PF_CHECK_INT("v1 other negative", pf_cgroup_parse_quota("-10\n", &v1), -EBADMSG);
	PF_CHECK_INT("untouched on failure", v1, 50000);
}

static const struct pressure_case {
	const char *name, *text;
	int want_err;
	uint64_t want_some, want_full;
} pressure_cases[] = {
	{ "both",
	  "some avg10=0.00 avg60=1.50 avg300=0.30 total=12345\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=678\n",
	  0, 12345, 678 },
	{ "cpu before 5.13", "some avg10=0.00 avg60=0.00 avg300=0.00 total=5\n", 0, 5, PF_UNKNOWN },
	{ "no total", "some avg10=0.00\n", -EBADMSG, 0, 0 },
	{ "total of the next line", "some avg10=0.00\nfull avg10=0.00 total=5\n", -EBADMSG, 0, 0 },
	{ "cut off", "some avg10=0.00 avg60=0.00 avg300=0.00 total=", -EBADMSG, 0, 0 },
	{ "full is damaged", "some avg10=0.00 total=5\nfull avg10=0.00 total=x\n", -EBADMSG, 0, 0 },
	{ "only full", "full avg10=0.00 total=5\n", -ENOENT, 0, 0 },
	{ "empty", "", -ENOENT, 0, 0 },
};

static void test_pressure(void)
{
	for (size_t i = 0; i < PF_ARRAY_SIZE(pressure_cases); i++) {
		const struct pressure_case *c = &pressure_cases[i];
		uint64_t some = 0, full = 0;

		PF_CHECK_INT(c->name, pf_cgroup_parse_pressure(c->text, &some, &full), c->want_err);
		PF_CHECK(c->name, some == c->want_some && full == c->want_full);
	}
}

PF_TEST_SUITE(cgroup_parse, { "key", test_key }, { "limit", test_limit },
	      { "cpu_max", test_cpu_max }, { "pressure", test_pressure });
