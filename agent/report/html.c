// SPDX-License-Identifier: Apache-2.0
#include "report/html.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

#include "base/utf8.h"
#include "core/units.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */
#define ELLIPSIS    "\xe2\x80\xa6"

/* ---- escaping ---- */

/* The code point of a well-formed character of @n bytes. */
static uint32_t code_of(const unsigned char *s, size_t n)
{
	uint32_t code = n == 1 ? s[0] : s[0] & (0x7fu >> n);

	for (size_t i = 1; i < n; i++)
		code = code << 6 | (s[i] & 0x3f);
	return code;
}

/* Not allowed in XML, or able to turn the reading order of what stands around. */
static bool is_harmful(uint32_t code)
{
	if (code < 0x20)
		return code != '\n' && code != '\t';
	return code == 0x7f || (code >= 0x80 && code < 0xa0) ||
	       (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) ||
	       code == 0x200e || code == 0x200f || (code & 0xfffe) == 0xfffe;
}

static const char *entity_of(unsigned char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	}
	return NULL;
}

static void escape(struct pf_buf *buf, const char *text, size_t max)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t len = strnlen(text, max + 1), plain = 0, i = 0;
	bool cut = len > max;

	if (cut)
		len = max;
	while (i < len) {
		size_t n = pf_utf8_len(text + i, len - i);
		const char *instead = n == 1 ? entity_of(s[i]) : NULL;

		if (!n && cut && len - i < 4)
			break; /* the cut went through a character */
		if (!n || is_harmful(code_of(s + i, n)))
			instead = REPLACEMENT;
		n = n ? n : 1;
		if (instead) {
			(void)pf_buf_add(buf, text + plain, i - plain); /* the buffer keeps it */
			(void)pf_buf_adds(buf, instead);
			plain = i + n;
		}
		i += n;
	}
	(void)pf_buf_add(buf, text + plain, i - plain);
	if (cut)
		(void)pf_buf_adds(buf, ELLIPSIS);
}

void pf_html_text(struct pf_buf *buf, const char *text)
{
	if (text)
		escape(buf, text, PF_HTML_TEXT_MAX);
}

void pf_html_block(struct pf_buf *buf, const char *text)
{
	if (text)
		escape(buf, text, PF_HTML_BLOCK_MAX);
}

/* One conversion other than %s: the specification is handed to vsnprintf with its argument. */
static void convert(struct pf_buf *buf, const char *spec, size_t len, va_list *args)
{
	char format[16];
	char kind = spec[len - 1];
	bool wide = memchr(spec, 'l', len) || memchr(spec, 'z', len);

	assert(len < sizeof(format));
	memcpy(format, spec, len);
	format[len] = '\0';
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	switch (kind) {
	case 'c':
		(void)pf_buf_addf(buf, format, va_arg(*args, int));
		break;
	case 'd':
	case 'i':
		if (wide)
			(void)pf_buf_addf(buf, format, va_arg(*args, long long));
		else
			(void)pf_buf_addf(buf, format, va_arg(*args, int));
		break;
	case 'u':
	case 'x':
		if (wide)
			(void)pf_buf_addf(buf, format, va_arg(*args, unsigned long long));
		else
			(void)pf_buf_addf(buf, format, va_arg(*args, unsigned));
		break;
	case 'f':
	case 'g':
		(void)pf_buf_addf(buf, format, va_arg(*args, double));
		break;
	default:
		assert(!"a conversion that pf_html_addf() does not know");
	}
#pragma GCC diagnostic pop
}

_Static_assert(sizeof(long) == sizeof(long long) && sizeof(size_t) == sizeof(long long),
	       "convert() takes l, ll and z alike");

void pf_html_addf(struct pf_buf *buf, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	while (*format) {
		const char *percent = strchrnul(format, '%');

		(void)pf_buf_add(buf, format, (size_t)(percent - format));
		format = percent;
		if (!*format)
			break;

		size_t len = 1 + strspn(format + 1, "-+ #0123456789.lz") + 1;

		if (format[len - 1] == '%')
			(void)pf_buf_adds(buf, "%");
		else if (format[len - 1] == 's')
			pf_html_text(buf, va_arg(args, const char *));
		else
			convert(buf, format, len, &args);
		format += len;
	}
	va_end(args);
}

void pf_html_addif(struct pf_buf *buf, bool wanted, const char *markup)
{
	if (wanted)
		(void)pf_buf_adds(buf, markup); /* the buffer keeps the error */
}

void pf_html_percent(struct pf_buf *buf, const char *text)
{
	static const char plain[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

	for (const unsigned char *s = (const unsigned char *)text; *s; s++) {
		if (strchr(plain, *s))
			(void)pf_buf_add(buf, s, 1); /* the buffer keeps the error */
		else
			(void)pf_buf_addf(buf, "%%%02X", *s);
	}
}

/* ---- links ---- */

const char *pf_html_query_get(const struct pf_html_query *query, const char *key)
{
	for (size_t i = 0; i < query->nr_params; i++)
		if (!strcmp(query->params[i].key, key) && query->params[i].value)
			return query->params[i].value;
	return "";
}

static void add_param(struct pf_buf *buf, const char **between, const char *key, const char *value)
{
	if (!value || !*value)
		return;
	(void)pf_buf_adds(buf, *between);
	pf_html_percent(buf, key);
	(void)pf_buf_adds(buf, "=");
	pf_html_percent(buf, value);
	*between = "&amp;";
}

void pf_html_href(struct pf_buf *buf, const struct pf_html_query *query, const char *key,
		  const char *value)
{
	const char *between = "?";
	bool placed = false;

	pf_html_text(buf, query->path);
	for (size_t i = 0; i < query->nr_params; i++) {
		const struct pf_html_param *p = &query->params[i];

		if (!strcmp(p->key, key)) {
			add_param(buf, &between, key, value);
			placed = true;
		} else if (strcmp(p->key, "page") != 0) {
			add_param(buf, &between, p->key, p->value);
		}
	}
	if (!placed)
		add_param(buf, &between, key, value);
	if (*between == '?' && !*query->path)
		(void)pf_buf_adds(buf, "?"); /* an empty address would keep the query */
	if (query->fragment)
		pf_html_addf(buf, "#%s", query->fragment);
}

/* ---- the frame ---- */

const char *pf_html_csp(void)
{
	return "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; "
	       "base-uri 'none'";
}

/* The mark: a container with its fill line. */
#define ICON                                                                                       \
	"data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"      \
	"%3Crect x='1' y='1' width='14' height='14' rx='3' fill='%231b5e8c'/%3E"                   \
	"%3Cpath d='M4 11V7h2v4zm3 0V4h2v7zm3 0V9h2v2z' fill='white'/%3E%3C/svg%3E"

void pf_html_begin(struct pf_buf *buf, const struct pf_html_page *page)
{
	(void)pf_buf_adds(buf,
			  "<!DOCTYPE html>\n"
			  "<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\"><head>"
			  "<meta charset=\"utf-8\"/>\n<meta http-equiv=\"Content-Security-Policy\" "
			  "content=\"");
	pf_html_text(buf, pf_html_csp());
	(void)pf_buf_adds(
		buf, "\"/>\n<meta name=\"viewport\" content=\"width=device-width, "
		     "initial-scale=1\"/>\n<meta name=\"color-scheme\" content=\"light dark\"/>\n"
		     "<meta name=\"referrer\" content=\"no-referrer\"/>\n");
	if (page->refresh_s)
		pf_html_addf(buf, "<meta http-equiv=\"refresh\" content=\"%u\"/>\n",
			     page->refresh_s);
	pf_html_addf(
		buf,
		"<link rel=\"icon\" href=\"%s\"/>\n<title>%s \xc2\xb7 podfit</title>\n<style>\n",
		ICON, page->title);
	(void)pf_buf_adds(buf, pf_html_style());
	(void)pf_buf_adds(buf,
			  "</style></head>\n<body>\n<a class=\"skip\" href=\"#main\">Skip to "
			  "the content</a>\n<header class=\"top\"><p class=\"brand\">podfit</p>");
	if (page->nr_nav)
		(void)pf_buf_adds(buf, "<nav aria-label=\"Pages\"><ul>");
	for (size_t i = 0; i < page->nr_nav; i++) {
		pf_html_addf(buf, "<li><a href=\"%s\"", page->nav[i].href);
		pf_html_addif(buf, page->nav[i].current, " aria-current=\"page\"");
		pf_html_addf(buf, ">%s</a></li>", page->nav[i].label);
	}
	if (page->nr_nav)
		(void)pf_buf_adds(buf, "</ul></nav>");
	(void)pf_buf_adds(buf, "<p class=\"when\">");
	if (page->cluster && *page->cluster)
		pf_html_addf(buf, "<span>cluster <b>%s</b></span> ", page->cluster);
	if (page->at_unix_ns != PF_UNKNOWN)
		pf_html_addf(buf, "<time datetime=\"%s\">%s</time>",
			     pf_human_rfc3339(page->at_unix_ns).text,
			     pf_human_time(page->at_unix_ns).text);
	(void)pf_buf_adds(buf, "</p></header>\n<main id=\"main\">\n");
}

void pf_html_end(struct pf_buf *buf, const struct pf_html_page *page)
{
	(void)pf_buf_adds(buf, "</main>\n<footer><p>podfit ");
	pf_html_text(buf, page->version);
	(void)pf_buf_adds(buf,
			  ". Times are UTC. A dash stands for what was not measured, never for "
			  "zero.</p></footer>\n</body></html>\n");
}

void pf_html_section(struct pf_buf *buf, int level, const char *id, const char *heading)
{
	if (id)
		pf_html_addf(
			buf,
			"<section id=\"%s\" aria-labelledby=\"%s-h\"><h%d id=\"%s-h\">%s</h%d>\n",
			id, id, level, id, heading, level);
	else
		pf_html_addf(buf, "<section><h%d>%s</h%d>\n", level, heading, level);
}
