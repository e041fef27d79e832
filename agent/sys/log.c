// SPDX-License-Identifier: Apache-2.0
#include "sys/log.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "sys/clock.h"

enum {
	TEXT_MAX = 2048,
	LINE_MAX_BYTES = 8192,
};

static const char *const level_names[] = { "debug", "info", "warning", "error" };

static struct {
	enum pf_log_level level;
	enum pf_log_format format;
} setup = { PF_LOG_INFO, PF_LOG_LOGFMT };

int pf_log_level_parse(const char *text, enum pf_log_level *ret_level)
{
	if (!strcmp(text, "warn"))
		text = "warning";
	for (size_t i = 0; i < PF_ARRAY_SIZE(level_names); i++)
		if (!strcmp(text, level_names[i])) {
			*ret_level = (enum pf_log_level)i;
			return 0;
		}
	return -EINVAL;
}

int pf_log_format_parse(const char *text, enum pf_log_format *ret_format)
{
	if (!strcmp(text, "json"))
		*ret_format = PF_LOG_JSON;
	else if (!strcmp(text, "logfmt"))
		*ret_format = PF_LOG_LOGFMT;
	else
		return -EINVAL;
	return 0;
}

void pf_log_setup(enum pf_log_level level, enum pf_log_format format)
{
	setup.level = level;
	setup.format = format;
}

static bool is_enabled(enum pf_log_level level)
{
	return level >= setup.level;
}

/* A JSON string; logfmt readers take the same escapes. */
static void add_quoted(struct pf_buf *line, const char *text)
{
	size_t left = strlen(text);

	(void)pf_buf_adds(line, "\"");
	while (left) {
		size_t n = pf_utf8_len(text, left);

		if (*text == '"' || *text == '\\')
			(void)pf_buf_addf(line, "\\%c", *text);
		else if (*text == '\n')
			(void)pf_buf_adds(line, "\\n");
		else if (n == 1 && (*text < 0x20 || *text == 0x7f))
			(void)pf_buf_addf(line, "\\u%04x", (unsigned)*text);
		else if (n)
			(void)pf_buf_add(line, text, n);
		else
			(void)pf_buf_adds(line, "\\ufffd");
		n = n ? n : 1;
		text += n;
		left -= n;
	}
	(void)pf_buf_adds(line, "\"");
}

static void write_line(enum pf_log_level level, const char *area, const char *text)
{
	char ts[PF_CLOCK_TEXT_MAX];
	struct pf_buf line;
	ssize_t n;

	pf_clock_format(pf_clock_wall_ns(), ts, sizeof(ts));
	pf_buf_init(&line, LINE_MAX_BYTES);
	if (setup.format == PF_LOG_JSON)
		(void)pf_buf_addf(&line,
				  "{\"ts\":\"%s\",\"level\":\"%s\",\"area\":\"%s\",\"msg\":", ts,
				  level_names[level], area);
	else
		(void)pf_buf_addf(&line, "ts=%s level=%s area=%s msg=", ts, level_names[level],
				  area);
	add_quoted(&line, text);
	(void)pf_buf_adds(&line, setup.format == PF_LOG_JSON ? "}\n" : "\n");
	/* Nowhere is left to report that stderr cannot be written; short of memory, drop the line.
	 */
	if (!line.err) {
		n = write(STDERR_FILENO, line.data, line.len);
		(void)n;
	}
	pf_buf_done(&line);
}

static void vlog(enum pf_log_level level, const char *area, uint64_t nr_suppressed,
		 const char *format, va_list args)
{
	int saved_errno = errno, n;
	char text[TEXT_MAX];

	n = vsnprintf(text, sizeof(text), format, args);
	if (n >= 0 && nr_suppressed) {
		size_t at = PF_MIN((size_t)n, sizeof(text) - 64);

		snprintf(text + at, sizeof(text) - at, " (%llu such lines left out before)",
			 (unsigned long long)nr_suppressed);
	}
	write_line(level, area, text);
	errno = saved_errno;
}

void pf_log(enum pf_log_level level, const char *area, const char *format, ...)
{
	va_list args;

	if (!is_enabled(level))
		return;
	va_start(args, format);
	vlog(level, area, 0, format, args);
	va_end(args);
}

void pf_log_limited(struct pf_log_limit *limit, enum pf_log_level level, const char *area,
		    const char *format, ...)
{
	uint64_t now_ns = pf_clock_monotonic_ns();
	va_list args;

	if (!is_enabled(level))
		return;
	if (!limit->nr_in_window || now_ns - limit->window_start_ns >= limit->per_ns) {
		limit->window_start_ns = now_ns;
		limit->nr_in_window = 0;
	}
	if (limit->nr_in_window >= limit->burst) {
		limit->nr_suppressed++;
		return;
	}
	limit->nr_in_window++;
	va_start(args, format);
	vlog(level, area, limit->nr_suppressed, format, args);
	va_end(args);
	limit->nr_suppressed = 0;
}
