// SPDX-License-Identifier: Apache-2.0
/* Lines are read back from a pipe that stands in for stderr. */
#include "sys/log.h"

#include <errno.h>
#include <fcntl.h>

#include "core/units.h"
#include "sys/clock.h"
#include "unit/check.h"

struct capture {
	int saved, fds[2];
};

static void capture_begin(struct capture *c)
{
	fflush(stderr);
	c->saved = dup(STDERR_FILENO);
	if (pipe2(c->fds, O_CLOEXEC | O_NONBLOCK) < 0 || dup2(c->fds[1], STDERR_FILENO) < 0)
		abort();
}

static void capture_end(struct capture *c, char *text, size_t size)
{
	ssize_t n = read(c->fds[0], text, size - 1);

	text[n > 0 ? n : 0] = '\0';
	(void)dup2(c->saved, STDERR_FILENO);
	(void)close(c->saved);
	(void)close(c->fds[0]);
	(void)close(c->fds[1]);
	pf_log_setup(PF_LOG_INFO, PF_LOG_LOGFMT);
}

static const struct line_case {
	const char *name;
	enum pf_log_format format;
	const char *text, *want; /* behind the time */
} line_cases[] = {
	{ "logfmt", PF_LOG_LOGFMT, "a \"b\" \\",
	  " level=warning area=meta msg=\"a \\\"b\\\" \\\\\"\n" },
	{ "json", PF_LOG_JSON, "x\ny\x01",
	  ",\"level\":\"warning\",\"area\":\"meta\",\"msg\":\"x\\ny\\u0001\"}\n" },
	{ "utf-8", PF_LOG_JSON, "\xc3\xa4 \xff \xe2\x82",
	  ",\"level\":\"warning\",\"area\":\"meta\",\"msg\":\"\xc3\xa4 \\ufffd \\ufffd\\ufffd\"}\n" },
};

static void test_lines(void)
{
	for (size_t i = 0; i < PF_ARRAY_SIZE(line_cases); i++) {
		const struct line_case *c = &line_cases[i];
		struct capture capture;
		char text[4096], *behind;
		size_t head = c->format == PF_LOG_JSON
				      ? strlen("{\"ts\":\"2026-01-02T03:04:05.678Z\"")
				      : strlen("ts=2026-01-02T03:04:05.678Z");

		capture_begin(&capture);
		pf_log_setup(PF_LOG_INFO, c->format);
		errno = 42;
		pf_log(PF_LOG_WARNING, "meta", "%s", c->text);
		int kept = errno;
		pf_log(PF_LOG_DEBUG, "meta", "not shown");
		capture_end(&capture, text, sizeof(text));
		PF_CHECK_INT(c->name, kept, 42);
		behind = strlen(text) > head ? text + head : text;
		PF_CHECK_STR(c->name, behind, c->want);
	}
}

static void test_limit(void)
{
	struct pf_log_limit limit = PF_LOG_LIMIT(2, 3600 * PF_NS_PER_S);
	struct capture capture;
	char text[4096];
	unsigned nr_lines = 0;

	capture_begin(&capture);
	for (int i = 0; i < 10; i++)
		pf_log_limited(&limit, PF_LOG_WARNING, "meta", "line %d", i);
	limit.window_start_ns -= limit.per_ns;
	pf_log_limited(&limit, PF_LOG_WARNING, "meta", "later");
	capture_end(&capture, text, sizeof(text));
	for (char *p = text; (p = strchr(p, '\n')); p++)
		nr_lines++;
	PF_CHECK_INT("two, then one", nr_lines, 3);
	PF_CHECK("says how many", strstr(text, "later (8 such lines left out before)"));
}

static void test_parse(void)
{
	enum pf_log_level level = PF_LOG_ERROR;
	enum pf_log_format format = PF_LOG_LOGFMT;

	PF_CHECK_INT("warn", pf_log_level_parse("warn", &level), 0);
	PF_CHECK_INT("warn", level, PF_LOG_WARNING);
	PF_CHECK_INT("bad", pf_log_level_parse("loud", &level), -EINVAL);
	PF_CHECK_INT("untouched", level, PF_LOG_WARNING);
	PF_CHECK_INT("json", pf_log_format_parse("json", &format), 0);
	PF_CHECK_INT("json", format, PF_LOG_JSON);
	PF_CHECK_INT("bad", pf_log_format_parse("xml", &format), -EINVAL);
}

static const struct time_case {
	const char *text;
	int err;
	int64_t wall_ns;
} time_cases[] = {
	{ "1970-01-01T00:00:00Z", 0, 0 },
	{ "2026-11-21T23:41:19Z", 0, 1795304479000000000 },
	{ "2026-11-21T23:41:22.010716666Z", 0, 1795304482010716666 },
	{ "2026-11-22T01:41:19+02:00", 0, 1795304479000000000 },
	{ "2026-11-21T23:41:19.1234567891Z", 0, 1795304479123456789 },
	{ "4052-11-21T23:40:05Z", -EINVAL },
	{ "2026-02-30T00:00:00Z", -EINVAL },
	{ "2026-11-21 23:41:19Z", -EINVAL },
	{ "2026-11-21T23:41:19", -EINVAL },
	{ "2026-11-21T23:41:19.Z", -EINVAL },
	{ "2026-11-21T23:41:19+0200", -EINVAL },
	{ "2026-11-21T24:41:19Z", -EINVAL },
	{ "", -EINVAL },
};

static void test_time(void)
{
	char text[PF_CLOCK_TEXT_MAX];

	for (size_t i = 0; i < PF_ARRAY_SIZE(time_cases); i++) {
		int64_t got = 0;

		PF_CHECK_INT(time_cases[i].text, pf_clock_parse(time_cases[i].text, &got),
			     time_cases[i].err);
		PF_CHECK_INT(time_cases[i].text, got, time_cases[i].wall_ns);
	}
	PF_CHECK_STR("format", pf_clock_format(1795304482010716666, text, sizeof(text)),
		     "2026-11-21T23:41:22.010Z");
	PF_CHECK_STR("before 1970", pf_clock_format(-1, text, sizeof(text)),
		     "1969-12-31T23:59:59.999Z");
}

PF_TEST_SUITE(log, { "lines", test_lines }, { "limit", test_limit }, { "parse", test_parse },
	      { "time", test_time });
