// SPDX-License-Identifier: Apache-2.0
#include "report/human.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "core/units.h"

#define NBSP "\xc2\xa0"

static struct pf_human words(const char *text)
{
	struct pf_human human;

	(void)snprintf(human.text, sizeof(human.text), "%s", text); /* our own short words */
	return human;
}

static void drop_zeros(char *number)
{
	char *end = number + strlen(number);

	if (!strchr(number, '.'))
		return;
	while (end[-1] == '0')
		*--end = '\0';
	if (end[-1] == '.')
		end[-1] = '\0';
}

/* Three significant digits, without zeros at the end. */
static void significant(double value, char *number, size_t size)
{
	double size_of = fabs(value);
	int decimals = size_of >= 99.95 ? 0 : size_of >= 9.995 ? 1 : 2;

	if (size_of > 0 && size_of < 0.1)
		decimals = size_of < 0.01 ? 4 : 3;
	(void)snprintf(number, size, "%.*f", decimals, value);
	drop_zeros(number);
}

struct unit {
	double size;
	const char *name;
};

/* The largest unit in which the rounded number is at least 1 (units[0] below that). */
static struct pf_human in_unit(double value, const struct unit *units, size_t nr_units,
			       const char *after)
{
	struct pf_human human;
	char number[32];
	size_t i = 0;

	/* 999.6 would round to 1000 of the smaller unit. */
	while (i + 1 < nr_units && fabs(value) >= units[i + 1].size * 0.9995)
		i++;
	significant(value / units[i].size, number, sizeof(number));
	(void)snprintf(human.text, sizeof(human.text), "%s%s%s", number, units[i].name, after);
	return human;
}

static const struct unit byte_units[] = {
	{ 1, " B" },
	{ 1024.0, " KiB" },
	{ 1048576.0, " MiB" },
	{ 1073741824.0, " GiB" },
	{ 1099511627776.0, " TiB" },
	{ 1125899906842624.0, " PiB" },
};

static const struct unit time_units[] = {
	{ 1, " ns" },
	{ 1e3, " µs" },
	{ 1e6, " ms" },
	{ 1e9, " s" },
};

static struct pf_human bytes(double value, const char *after)
{
	return in_unit(value, byte_units, PF_ARRAY_SIZE(byte_units), after);
}

static struct pf_human grouped(double value)
{
	struct pf_human human;
	char digits[32], *out = human.text;

	(void)snprintf(digits, sizeof(digits), "%.0f", value);

	size_t nr = strlen(digits);

	/* At most 20 digits and 6 separators of 2 bytes. */
	for (size_t i = 0; i < nr && i < 20; i++) {
		size_t left = nr - i;

		if (i && left % 3 == 0 && digits[i - 1] != '-') {
			*out++ = NBSP[0];
			*out++ = NBSP[1];
		}
		*out++ = digits[i];
	}
	*out = '\0';
	return human;
}

static struct pf_human cpu(double millicores)
{
	struct pf_human human;
	char number[32];

	if (fabs(millicores) < 999.5) {
		significant(millicores, number, sizeof(number));
		(void)snprintf(human.text, sizeof(human.text), "%sm", number);
		return human;
	}
	if (fabs(millicores) >= 99999.5) {
		(void)snprintf(human.text, sizeof(human.text), "%.36s cores",
			       grouped(round(millicores / 1000)).text);
		return human;
	}
	(void)snprintf(number, sizeof(number), "%.3f", millicores / 1000);
	drop_zeros(number);
	(void)snprintf(human.text, sizeof(human.text), "%s %s", number,
		       strcmp(number, "1") == 0 ? "core" : "cores");
	return human;
}

/* From a minute on two units are clearer than a decimal. */
static struct pf_human duration(double ns)
{
	static const struct {
		uint64_t size_s;
		const char *name, *part_name;
		uint64_t part_s;
	} long_units[] = {
		{ 86400, "d", "h", 3600 },
		{ 3600, "h", "min", 60 },
		{ 60, "min", "s", 1 },
	};
	struct pf_human human;

	if (ns < 59.95e9)
		return in_unit(ns, time_units, PF_ARRAY_SIZE(time_units), "");

	double seconds = ns / 1e9;

	if (seconds >= 3650 * 86400.0)
		return words("more than 10 years");
	for (size_t i = 0; i < PF_ARRAY_SIZE(long_units); i++) {
		uint64_t part = long_units[i].part_s;
		uint64_t rounded = (uint64_t)(seconds / (double)part + 0.5) * part;
		uint64_t whole = rounded / long_units[i].size_s;
		uint64_t rest = rounded % long_units[i].size_s / part;

		if (!whole)
			continue;
		/* Beyond ten days the hours are noise. */
		if (!rest || (i == 0 && whole >= 10))
			(void)snprintf(human.text, sizeof(human.text), "%u %s", (unsigned)whole,
				       long_units[i].name);
		else
			(void)snprintf(human.text, sizeof(human.text), "%u %s %u %s",
				       (unsigned)whole, long_units[i].name, (unsigned)rest,
				       long_units[i].part_name);
		return human;
	}
	return words("1 min");
}

static struct pf_human percent(double ratio)
{
	struct pf_human human;
	char number[32];

	if (ratio > 0 && ratio < 0.0001)
		return words("< 0.01 %");
	significant(ratio * 100, number, sizeof(number));
	(void)snprintf(human.text, sizeof(human.text), "%s %%", number);
	return human;
}

struct pf_human pf_human(enum pf_quantity quantity, double value)
{
	if (isnan(value))
		return words("unknown");
	if (isinf(value) || fabs(value) >= 1e19)
		return words(value > 0 ? "beyond measure" : "unknown");
	switch (quantity) {
	case PF_QUANTITY_COUNT:
		break;
	case PF_QUANTITY_MILLICORES:
		return cpu(value);
	case PF_QUANTITY_BYTES:
		return bytes(value, "");
	case PF_QUANTITY_NS:
		return duration(value);
	case PF_QUANTITY_RATIO:
		return percent(value);
	case PF_QUANTITY_NS_PER_S:
		return in_unit(value, time_units, PF_ARRAY_SIZE(time_units), "/s");
	case PF_QUANTITY_BYTES_PER_HOUR:
		return bytes(value, "/h");
	}
	if (value == floor(value))
		return grouped(value);

	struct pf_human human;

	significant(value, human.text, sizeof(human.text));
	return human;
}

static struct pf_human whole(enum pf_quantity quantity, uint64_t value)
{
	if (value == PF_UNKNOWN)
		return words("unknown");
	if (value == PF_NO_LIMIT)
		return words("none");
	return pf_human(quantity, (double)value);
}

struct pf_human pf_human_cpu(uint64_t millicores)
{
	return whole(PF_QUANTITY_MILLICORES, millicores);
}

struct pf_human pf_human_bytes(uint64_t value)
{
	return whole(PF_QUANTITY_BYTES, value);
}

struct pf_human pf_human_ns(uint64_t ns)
{
	return whole(PF_QUANTITY_NS, ns);
}

struct pf_human pf_human_count(uint64_t count)
{
	return whole(PF_QUANTITY_COUNT, count);
}

static struct pf_human moment(uint64_t unix_ns, const char *format)
{
	struct pf_human human;
	time_t seconds = (time_t)(unix_ns / PF_NS_PER_S);
	struct tm tm;

	if (unix_ns == PF_UNKNOWN || unix_ns == PF_NO_LIMIT || !gmtime_r(&seconds, &tm) ||
	    !strftime(human.text, sizeof(human.text), format, &tm))
		return words("unknown");
	return human;
}

struct pf_human pf_human_time(uint64_t unix_ns)
{
	return moment(unix_ns, "%Y-%m-%d %H:%M UTC");
}

struct pf_human pf_human_rfc3339(uint64_t unix_ns)
{
	return moment(unix_ns, "%Y-%m-%dT%H:%M:%SZ");
}

struct pf_human pf_human_until(uint64_t now_unix_ns, uint64_t then_unix_ns)
{
	struct pf_human human;

	if (now_unix_ns >= PF_NO_LIMIT || then_unix_ns >= PF_NO_LIMIT)
		return words("unknown");

	bool later = then_unix_ns > now_unix_ns;
	uint64_t apart = later ? then_unix_ns - now_unix_ns : now_unix_ns - then_unix_ns;

	if (apart < PF_NS_PER_S)
		return words("now");
	(void)snprintf(human.text, sizeof(human.text), later ? "in %.32s" : "%.32s ago",
		       pf_human_ns(apart).text);
	return human;
}

struct pf_human pf_human_change(enum pf_quantity quantity, double amount)
{
	struct pf_human human, size = pf_human(quantity, fabs(amount));

	if (isnan(amount))
		return size;
	if (amount == 0)
		return words("no change");
	(void)snprintf(human.text, sizeof(human.text), "%s%.40s", amount > 0 ? "+" : "\xe2\x88\x92",
		       size.text);
	return human;
}

struct pf_human pf_human_range(enum pf_quantity quantity, double low, double high)
{
	struct pf_human range, from = pf_human(quantity, low), to = pf_human(quantity, high);
	char *unit = strrchr(from.text, ' '), *same = strrchr(to.text, ' ');

	if (unit && same && !strcmp(unit, same))
		*unit = '\0'; /* one unit for both */
	(void)snprintf(range.text, sizeof(range.text), "%.20s to %.20s", from.text, to.text);
	return range;
}

struct pf_human pf_human_money(double amount, const char *currency)
{
	struct pf_human human;

	if (isnan(amount) || isinf(amount) || fabs(amount) >= 1e15)
		return words("unknown");

	/* Cents matter below a hundred only. */
	double cents = round(fabs(amount) * 100);
	bool small = cents < 10000 && fmod(cents, 100) != 0;
	double units = small ? floor(cents / 100) : round(fabs(amount));
	int n = snprintf(human.text, sizeof(human.text), "%s%.28s",
			 amount < 0 && cents > 0 ? "\xe2\x88\x92" : "", grouped(units).text);

	if (small)
		n += snprintf(human.text + n, sizeof(human.text) - (size_t)n, ".%02.0f",
			      fmod(cents, 100));
	if (currency && *currency)
		(void)snprintf(human.text + n, sizeof(human.text) - (size_t)n, " %.8s", currency);
	return human;
}
