/* SPDX-License-Identifier: Apache-2.0 */
/*
 * html.h - the parts every page is made of: escaping, the frame, tables, cards, badges, figures.
 *
 * What is written is HTML5 that is well-formed XML too (so a strict parser can check it), one file
 * with its stylesheet inside, no script, nothing fetched. Text from outside (names, labels,
 * reasons) only gets into a page through the escaping functions here: control and bidirectional
 * override characters and invalid UTF-8 become U+FFFD, long strings end in an ellipsis.
 *
 * Functions write to a pf_buf and return nothing: the buffer keeps its first error, callers check
 * it once at the end.
 */
#ifndef PF_REPORT_HTML_H
#define PF_REPORT_HTML_H

#include "base/buf.h"
#include "core/advice.h"
#include "report/human.h"

enum {
	PF_HTML_TEXT_MAX = 400,		/* bytes of one outside string that are shown */
	PF_HTML_BLOCK_MAX = 65536,	/* bytes of one patch or listing */
	PF_HTML_PAGE_MAX = 8 << 20,	/* for pf_buf_init() of a page */
	PF_HTML_REPORT_MAX = 256 << 20, /* of a single-file report of a whole node */
};

/** pf_html_text() - @text escaped for content and double-quoted attributes; NULL writes nothing. */
void pf_html_text(struct pf_buf *buf, const char *text);

/** pf_html_block() - as pf_html_text() for texts of several lines, up to PF_HTML_BLOCK_MAX. */
void pf_html_block(struct pf_buf *buf, const char *text);

/**
 * pf_html_addf() - markup with escaped arguments: what @format itself says is written as it is,
 * every %s is escaped. Conversions: s d i u x c f g, with flags, width, precision, and l, ll, z.
 */
void pf_html_addf(struct pf_buf *buf, const char *format, ...) PF_PRINTF(2, 3);

/** pf_html_addif() - our own @markup, as it is, if @wanted. */
void pf_html_addif(struct pf_buf *buf, bool wanted, const char *markup);

/** pf_html_percent() - @text percent-encoded as one path segment or query value. */
void pf_html_percent(struct pf_buf *buf, const char *text);

/* ---- links that keep the query ---- */

/* One parameter of the page's own address, as it was asked for. */
struct pf_html_param {
	const char *key, *value; /* value NULL or "": left out */
};

struct pf_html_query {
	const char *path; /* "" : the page itself */
	const struct pf_html_param *params;
	size_t nr_params;
	const char *fragment; /* anchor that links go to; NULL: the top */
};

/** pf_html_query_get() - a parameter's value; "" if it is not there. */
const char *pf_html_query_get(const struct pf_html_query *query, const char *key);

/** pf_html_href() - the address with @key set to @value (NULL or "": without it), and without
 * "page" unless @key is "page". Escaped for an attribute. */
void pf_html_href(struct pf_buf *buf, const struct pf_html_query *query, const char *key,
		  const char *value);

/* ---- the frame ---- */

struct pf_html_nav {
	const char *label, *href;
	bool current;
};

struct pf_html_page {
	const char *title;   /* of the window; "podfit" is added */
	const char *cluster; /* NULL or "": not shown */
	const char *version; /* of the program that made the page */
	uint64_t at_unix_ns; /* the moment it describes; PF_UNKNOWN: not shown */
	const struct pf_html_nav *nav;
	size_t nr_nav;
	uint32_t refresh_s; /* 0: the page does not reload itself */
};

/** pf_html_begin() - everything up to and including <main>; pf_html_end() - the rest. */
void pf_html_begin(struct pf_buf *buf, const struct pf_html_page *page);
void pf_html_end(struct pf_buf *buf, const struct pf_html_page *page);

/** pf_html_style() - the stylesheet. Every colour of charts is a variable of it. */
const char *pf_html_style(void);

/** pf_html_csp() - value of the Content-Security-Policy header that every page works under. */
const char *pf_html_csp(void);

/* ---- parts ---- */

/** pf_html_section() - opens <section> with a heading. @id: anchor, our own text, NULL: none.
 * Close it with "</section>". */
void pf_html_section(struct pf_buf *buf, int level, const char *id, const char *heading);

enum pf_tone {
	PF_TONE_PLAIN,
	PF_TONE_GOOD,
	PF_TONE_NOTE,
	PF_TONE_WARN,
	PF_TONE_BAD,
};

/** pf_html_badge() - a word in a coloured box; the tone also has a sign, never the colour alone.
 * @title: the whole sentence, NULL: none. @href: NULL: not a link; escaped here. */
void pf_html_badge(struct pf_buf *buf, enum pf_tone tone, const char *label, const char *title,
		   const char *href);

/** pf_html_verdict() - badge of a verdict; pf_verdict_label() - its few words, "throttled". */
void pf_html_verdict(struct pf_buf *buf, const struct pf_finding *finding);
const char *pf_verdict_label(enum pf_verdict verdict);
enum pf_tone pf_verdict_tone(enum pf_verdict verdict);
enum pf_tone pf_severity_tone(enum pf_severity severity);

/** pf_html_unknown() - the mark for what was not measured: a dash, read out as "not known". */
void pf_html_unknown(struct pf_buf *buf);

/** pf_html_value() - a number in its unit, or the mark; PF_NO_LIMIT reads @no_limit. */
void pf_html_value(struct pf_buf *buf, enum pf_quantity quantity, uint64_t value,
		   const char *no_limit);
void pf_html_number(struct pf_buf *buf, enum pf_quantity quantity, double value);

/** pf_html_time() - a <time> element: how long ago seen from @now, the moment itself as its title.
 * PF_UNKNOWN @now: the moment. */
void pf_html_time(struct pf_buf *buf, uint64_t now_unix_ns, uint64_t unix_ns);

/** pf_html_links() - a line of links after @label; nothing if there are none. */
void pf_html_links(struct pf_buf *buf, const char *label, const struct pf_html_nav *links,
		   size_t nr_links);

/** pf_html_copy() - a block of text made to be copied; one click selects all of it.
 * @label: what it is, for the heading and screen readers. */
void pf_html_copy(struct pf_buf *buf, const char *label, const char *text);

/* ---- tables ---- */

struct pf_html_column {
	const char *label;
	const char *sort; /* value of the query's "sort"; NULL: cannot be sorted by */
	const char *hint; /* longer words as title; NULL: none */
	bool number;	  /* right-aligned */
	bool down_first;  /* the first click sorts downwards */
	bool whole;	  /* takes the whole width of a phone's card, without its label */
};

/*
 * A table is written cell by cell; each is closed by the next, the first of a row is its heading.
 * It scrolls sideways where it does not fit; on a phone each row becomes a card.
 */
struct pf_html_table {
	struct pf_buf *buf;
	const struct pf_html_column *columns; /* borrowed until the end */
	size_t nr_columns;
	size_t at; /* cells begun in this row */
	bool in_row;
};

/** pf_html_table() - begins a table. @query: NULL: without sort links. */
void pf_html_table(struct pf_html_table *table, struct pf_buf *buf, const char *caption,
		   const struct pf_html_column *columns, size_t nr_columns,
		   const struct pf_html_query *query);
void pf_html_row(struct pf_html_table *table);
void pf_html_table_end(struct pf_html_table *table);

/** pf_html_cell() - begins the next cell; what goes in is written to the buffer. The others write
 * it too. */
void pf_html_cell(struct pf_html_table *table);
void pf_html_cell_text(struct pf_html_table *table, const char *text); /* NULL, "": unknown */
void pf_html_cell_value(struct pf_html_table *table, enum pf_quantity quantity, uint64_t value,
			const char *no_limit);
void pf_html_cell_number(struct pf_html_table *table, enum pf_quantity quantity, double value);

/** pf_html_pages() - links to the pages of a long list; nothing if there is one only.
 * @page: from 1. */
void pf_html_pages(struct pf_buf *buf, const struct pf_html_query *query, uint64_t page,
		   uint64_t per_page, uint64_t nr_rows);

#endif
