// SPDX-License-Identifier: Apache-2.0
#include "base/parse.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <string.h>

int pf_parse_u64(const char *text, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (!*text)
		return -EINVAL;
	for (const char *p = text; *p; p++) {
		if (*p < '0' || *p > '9')
			return -EINVAL;
		uint64_t digit = (uint64_t)(*p - '0');

		if (value > (UINT64_MAX - digit) / 10)
			return -ERANGE;
		value = value * 10 + digit;
	}
	*ret_value = value;
	return 0;
}

int pf_parse_i64(const char *text, int64_t *ret_value)
{
	bool negative = *text == '-';
	uint64_t magnitude;
	int r = pf_parse_u64(text + (negative || *text == '+'), &magnitude);

	if (r < 0)
		return r;
	if (magnitude > (uint64_t)INT64_MAX + (negative ? 1 : 0))
		return -ERANGE;
	*ret_value = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
	return 0;
}

int pf_parse_double(const char *text, double *ret_value)
{
	char *end;

	/* strtod() also takes hexadecimal, infinity, NaN and leading blanks: none of them is a
	 * number here. */
	if (!*text || strspn(text, "0123456789+-.eE") != strlen(text))
		return -EINVAL;
	errno = 0;
	double value = strtod(text, &end);

	if (*end || end == text)
		return -EINVAL;
	if (!isfinite(value))
		return -ERANGE;
	*ret_value = value;
	return 0;
}

static const struct {
	const char *name;
	uint64_t ns;
} duration_units[] = {
	{ "ns", 1 },
	{ "us", 1000 },
	{ "ms", 1000000 },
	{ "s", 1000000000 },
	{ "m", 60000000000 },
	{ "h", 3600000000000 },
	{ "d", 86400000000000 },
	{ "w", 604800000000000 },
};

int pf_parse_duration(const char *text, uint64_t *ret_ns)
{
	double total = 0;

	if (!*text)
		return -EINVAL;
	if (!strcmp(text, "0")) {
		*ret_ns = 0;
		return 0;
	}
	for (const char *p = text; *p;) {
		char number[32], unit[4] = "";
		size_t len = strspn(p, "0123456789."), unit_len, i;
		double value;

		if (!len || len >= sizeof(number))
			return -EINVAL;
		memcpy(number, p, len);
		number[len] = '\0';
		if (pf_parse_double(number, &value) < 0)
			return -EINVAL;
		p += len;
		unit_len = strspn(p, "nusmhdw");
		if (!unit_len || unit_len >= sizeof(unit))
			return -EINVAL;
		memcpy(unit, p, unit_len);
		p += unit_len;
		for (i = 0; i < PF_ARRAY_SIZE(duration_units); i++)
			if (!strcmp(unit, duration_units[i].name))
				break;
		if (i == PF_ARRAY_SIZE(duration_units))
			return -EINVAL;
		total += value * (double)duration_units[i].ns;
	}
	if (total >= (double)INT64_MAX)
		return -ERANGE;
	*ret_ns = (uint64_t)(total + 0.5);
	return 0;
}

int pf_parse_bool(const char *text, bool *ret_value)
{
	static const char *const yes[] = { "true", "yes", "on", "1" }, *const no[] = { "false",
										       "no", "off",
										       "0" };

	for (size_t i = 0; i < PF_ARRAY_SIZE(yes); i++) {
		if (!strcmp(text, yes[i]) || !strcmp(text, no[i])) {
			*ret_value = !strcmp(text, yes[i]);
			return 0;
		}
	}
	return -EINVAL;
}

static const struct {
	const char *suffix;
	double factor;
} quantity_suffixes[] = {
	{ "", 1 },	  { "n", 1e-9 },    { "u", 1e-6 },    { "m", 1e-3 },
	{ "k", 1e3 },	  { "M", 1e6 },	    { "G", 1e9 },     { "T", 1e12 },
	{ "P", 1e15 },	  { "E", 1e18 },    { "Ki", 1024.0 }, { "Mi", 1048576.0 },
	{ "Gi", 0x1p30 }, { "Ti", 0x1p40 }, { "Pi", 0x1p50 }, { "Ei", 0x1p60 },
};

/*
 * A quantity is a decimal number with a suffix, or with a decimal exponent. @scale turns it into
 * the wanted unit. Whole numbers are computed as integers, so that no byte of a large one is lost
 * in a double.
 */
static int parse_quantity(const char *text, uint64_t scale, uint64_t *ret_value)
{
	char number[40];
	size_t len = strspn(text, "0123456789.");
	double value;
	bool whole;
	size_t i;

	if (!len || len >= sizeof(number))
		return -EINVAL;
	if ((text[len] == 'e' || text[len] == 'E') && strspn(text + len + 1, "0123456789+-")) {
		size_t exponent = strspn(text + len + 1, "0123456789+-");

		if (text[len + 1 + exponent] || len + 1 + exponent >= sizeof(number))
			return -EINVAL;
		len += 1 + exponent;
	}
	memcpy(number, text, len);
	number[len] = '\0';
	for (i = 0; i < PF_ARRAY_SIZE(quantity_suffixes); i++)
		if (!strcmp(text + len, quantity_suffixes[i].suffix))
			break;
	if (i == PF_ARRAY_SIZE(quantity_suffixes))
		return -EINVAL;

	double factor = quantity_suffixes[i].factor;
	uint64_t integer;

	whole = factor >= 1 && pf_parse_u64(number, &integer) == 0;
	if (whole) {
		if (factor * (double)scale >= 0x1p63 ||
		    (double)integer * factor * (double)scale >= 0x1p63)
			return -ERANGE;
		*ret_value = integer * (uint64_t)factor * scale;
		return 0;
	}
	if (pf_parse_double(number, &value) < 0)
		return -EINVAL;
	value *= factor * (double)scale;
	if (value >= 0x1p63)
		return -ERANGE;
	/* 0.1 is not exact in binary: a rest below a billionth is noise, not a reason to round up.
	 */
	*ret_value = (uint64_t)ceil(value - fmin(1e-3, value * 1e-9));
	return 0;
}

int pf_parse_cpu_quantity(const char *text, uint64_t *ret_millicores)
{
	return parse_quantity(text, 1000, ret_millicores);
}

int pf_parse_memory_quantity(const char *text, uint64_t *ret_bytes)
{
	return parse_quantity(text, 1, ret_bytes);
}
