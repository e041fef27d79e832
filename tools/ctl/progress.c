// SPDX-License-Identifier: Apache-2.0
#include "ctl/progress.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/units.h"
#include "sys/clock.h"

enum { LINE_MAX_BYTES = 160, PAUSE_MS = 100 };

/* The terminal is one for the whole process, and so is what is on it. */
static struct {
	bool shown;
	uint64_t next_ns;
} line;

void pf_progress_say(const char *format, ...)
{
	uint64_t now_ns = pf_clock_monotonic_ns();
	char text[LINE_MAX_BYTES];
	va_list args;

	if (now_ns < line.next_ns || !isatty(STDERR_FILENO))
		return;
	line.next_ns = now_ns + PAUSE_MS * PF_NS_PER_MS;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args); /* cut if too long */
	va_end(args);
	/* What a server said is part of it: it must not steer the terminal. */
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	(void)fprintf(stderr, "\r\033[K%s", text);
	(void)fflush(stderr);
	line.shown = true;
}

void pf_progress_end(void)
{
	if (!line.shown)
		return;
	(void)fputs("\r\033[K", stderr);
	(void)fflush(stderr);
	line.shown = false;
}
