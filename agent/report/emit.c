// SPDX-License-Identifier: Apache-2.0
#include "report/emit.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "core/units.h"

void pf_emit_init(struct pf_emit *e, struct pf_buf *buf, bool yaml)
{
	*e = (struct pf_emit){ .buf = buf, .yaml = yaml };
}

/* @text as a JSON string, which is one of YAML too. */
static void add_quoted(struct pf_buf *buf, const char *text)
{
	pf_buf_adds(buf, "\"");
	for (const unsigned char *s = (const unsigned char *)text; *s;) {
		size_t len = pf_utf8_len((const char *)s, 4); /* a NUL ends a shorter one */

		if (*s == '"' || *s == '\\')
			pf_buf_addf(buf, "\\%c", *s);
		else if (*s == '\n')
			pf_buf_adds(buf, "\\n");
		else if (*s < 0x20 || *s == 0x7f)
			pf_buf_addf(buf, "\\u%04x", *s);
		else if (len)
			pf_buf_add(buf, s, len);
		else
			pf_buf_adds(buf, "\\ufffd");
		s += len ? len : 1;
	}
	pf_buf_adds(buf, "\"");
}

/* Words that YAML would read as something else than a text. */
static bool is_plain(const char *text)
{
	static const char *const special[] = { "true", "false", "yes", "no", "on",
					       "off",  "null",	"y",   "n" };

	if (!isalpha((unsigned char)*text))
		return false;
	for (const char *s = text; *s; s++)
		if (!isalnum((unsigned char)*s) && !strchr("-_./", *s))
			return false;
	for (size_t i = 0; i < PF_ARRAY_SIZE(special); i++)
		if (!strcasecmp(text, special[i]))
			return false;
	return true;
}

static void indent(struct pf_emit *e, unsigned depth)
{
	for (unsigned i = 0; i < depth; i++)
		pf_buf_adds(e->buf, "  ");
}

/* Everything that stands before a member: separator, new line, indentation, dash, key. */
static void begin_member(struct pf_emit *e, const char *key)
{
	if (!e->depth)
		return;

	bool first = !e->levels[e->depth - 1].filled, list = e->levels[e->depth - 1].list;

	e->levels[e->depth - 1].filled = true;
	if (!e->yaml) {
		pf_buf_adds(e->buf, first ? "\n" : ",\n");
		indent(e, e->depth);
		if (!list) {
			add_quoted(e->buf, key);
			pf_buf_adds(e->buf, ": ");
		}
		return;
	}
	/* The first member of a mapping in a list stands behind the dash. */
	if (!(first && !list && e->depth >= 2 && e->levels[e->depth - 2].list)) {
		if (e->started)
			pf_buf_adds(e->buf, "\n");
		e->started = true;
		indent(e, e->depth - 1);
	}
	if (list)
		pf_buf_adds(e->buf, "- ");
	else if (is_plain(key))
		pf_buf_addf(e->buf, "%s:", key);
	else {
		add_quoted(e->buf, key);
		pf_buf_adds(e->buf, ":");
	}
}

static void begin_scalar(struct pf_emit *e, const char *key)
{
	begin_member(e, key);
	if (e->yaml && e->depth && !e->levels[e->depth - 1].list)
		pf_buf_adds(e->buf, " ");
}

void pf_emit_open(struct pf_emit *e, const char *key, bool list)
{
	assert(e->depth < PF_EMIT_DEPTH_MAX);
	begin_member(e, key);
	if (!e->yaml)
		pf_buf_adds(e->buf, list ? "[" : "{");
	e->levels[e->depth].list = list;
	e->levels[e->depth].filled = false;
	e->depth++;
}

void pf_emit_close(struct pf_emit *e)
{
	bool filled, list;

	assert(e->depth);
	e->depth--;
	filled = e->levels[e->depth].filled;
	list = e->levels[e->depth].list;
	if (e->yaml) {
		if (!filled)
			pf_buf_adds(e->buf, list ? " []" : " {}");
	} else {
		if (filled) {
			pf_buf_adds(e->buf, "\n");
			indent(e, e->depth);
		}
		pf_buf_adds(e->buf, list ? "]" : "}");
	}
	if (!e->depth)
		pf_buf_adds(e->buf, "\n");
}

void pf_emit_text(struct pf_emit *e, const char *key, const char *text)
{
	if (!text)
		return;
	begin_scalar(e, key);
	if (e->yaml && is_plain(text))
		pf_buf_adds(e->buf, text);
	else
		add_quoted(e->buf, text);
}

void pf_emit_textf(struct pf_emit *e, const char *key, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	pf_emit_text(e, key, text);
}

void pf_emit_uint(struct pf_emit *e, const char *key, uint64_t value)
{
	if (value >= PF_NO_LIMIT)
		return;
	begin_scalar(e, key);
	pf_buf_addf(e->buf, "%" PRIu64, value);
}

void pf_emit_int(struct pf_emit *e, const char *key, int64_t value)
{
	begin_scalar(e, key);
	pf_buf_addf(e->buf, "%" PRId64, value);
}

void pf_emit_double(struct pf_emit *e, const char *key, double value)
{
	if (!isfinite(value))
		return;
	begin_scalar(e, key);
	pf_buf_addf(e->buf, "%.15g", value);
}

void pf_emit_bool(struct pf_emit *e, const char *key, bool value)
{
	begin_scalar(e, key);
	pf_buf_adds(e->buf, value ? "true" : "false");
}

void pf_emit_null(struct pf_emit *e, const char *key)
{
	begin_scalar(e, key);
	pf_buf_adds(e->buf, "null");
}
