// SPDX-License-Identifier: Apache-2.0
#include "sys/clock.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/units.h"

enum { YEAR_MIN = 1700, YEAR_MAX = 2260 }; /* what 64 bits of ns hold, less a margin */

static int64_t read_ns(clockid_t id)
{
	struct timespec ts = { 0 };

	(void)clock_gettime(id, &ts); /* cannot fail for the clocks asked for here */
	return ts.tv_sec * (int64_t)PF_NS_PER_S + ts.tv_nsec;
}

uint64_t pf_clock_monotonic_ns(void)
{
	return (uint64_t)read_ns(CLOCK_MONOTONIC);
}

int64_t pf_clock_wall_ns(void)
{
	return read_ns(CLOCK_REALTIME);
}

uint64_t pf_clock_process_cpu_ns(void)
{
	return (uint64_t)read_ns(CLOCK_PROCESS_CPUTIME_ID);
}

const char *pf_clock_format(int64_t wall_ns, char *text, size_t size)
{
	int64_t ns = wall_ns % (int64_t)PF_NS_PER_S;
	time_t s = (time_t)(wall_ns / (int64_t)PF_NS_PER_S);
	struct tm tm;
	char date[24];

	if (ns < 0) {
		ns += (int64_t)PF_NS_PER_S;
		s--;
	}
	if (!gmtime_r(&s, &tm) || !strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm))
		snprintf(text, size, "-");
	else
		snprintf(text, size, "%s.%03dZ", date, (int)(ns / (int64_t)PF_NS_PER_MS));
	return text;
}

/* Two decimal digits, or -1. */
static int two(const char *p)
{
	if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
		return -1;
	return (p[0] - '0') * 10 + p[1] - '0';
}

/* "Z", "+02:00", "-0330" is not RFC 3339. */
static int parse_offset(const char *p, int *ret_seconds)
{
	int hours, minutes;

	if (!strcmp(p, "Z") || !strcmp(p, "z")) {
		*ret_seconds = 0;
		return 0;
	}
	if ((*p != '+' && *p != '-') || strlen(p) != 6 || p[3] != ':')
		return -EINVAL;
	hours = two(p + 1);
	minutes = two(p + 4);
	if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
		return -EINVAL;
	*ret_seconds = (hours * 3600 + minutes * 60) * (*p == '-' ? -1 : 1);
	return 0;
}

int pf_clock_parse(const char *text, int64_t *ret_wall_ns)
{
	/* Checked digit by digit: strptime() takes spaces, signs and short numbers. */
	static const char shape[] = "dddd-dd-ddTdd:dd:dd";
	struct tm tm = { 0 }, back;
	int64_t fraction = 0, unit = (int64_t)PF_NS_PER_S / 10;
	int offset;
	time_t s;

	for (size_t i = 0; shape[i]; i++) {
		bool digit = text[i] >= '0' && text[i] <= '9';

		if (shape[i] == 'd' ? !digit : text[i] != shape[i])
			return -EINVAL;
	}
	tm.tm_year = two(text) * 100 + two(text + 2) - 1900;
	tm.tm_mon = two(text + 5) - 1;
	tm.tm_mday = two(text + 8);
	tm.tm_hour = two(text + 11);
	tm.tm_min = two(text + 14);
	tm.tm_sec = two(text + 17);
	if (tm.tm_year < YEAR_MIN - 1900 || tm.tm_year > YEAR_MAX - 1900)
		return -EINVAL;
	back = tm;
	s = timegm(&back);
	/* timegm() carries over: the 31st of June comes back as another date. */
	if (back.tm_mon != tm.tm_mon || back.tm_mday != tm.tm_mday || back.tm_hour != tm.tm_hour ||
	    back.tm_min != tm.tm_min || back.tm_sec != tm.tm_sec)
		return -EINVAL;
	text += sizeof(shape) - 1;
	if (*text == '.') {
		if (text[1] < '0' || text[1] > '9')
			return -EINVAL;
		for (text++; *text >= '0' && *text <= '9'; text++, unit /= 10)
			fraction += (*text - '0') * unit;
	}
	if (parse_offset(text, &offset) < 0)
		return -EINVAL;
	*ret_wall_ns = (int64_t)(s - offset) * (int64_t)PF_NS_PER_S + fraction;
	return 0;
}
