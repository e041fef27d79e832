// SPDX-License-Identifier: Apache-2.0
#include "unit/xml_check.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

enum { DEPTH_MAX = 64, NAME_MAX_LEN = 40, ATTRIBUTES_MAX = 24, IDS_MAX = 20000 };

struct parser {
	const char *start, *at, *end;
	char open[DEPTH_MAX][NAME_MAX_LEN];
	size_t depth;
	bool had_root;
	char (*ids)[80];
	size_t nr_ids;
};

static char fault_text[200];

static bool fault(const struct parser *p, const char *what)
{
	(void)snprintf(fault_text, sizeof(fault_text), "byte %td: %s: %.60s", p->at - p->start,
		       what, p->at);
	return false;
}

static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == ':' || c == '_';
}

static bool name(struct parser *p, char ret_name[NAME_MAX_LEN])
{
	size_t len = 0;

	while (p->at < p->end && is_name_char(*p->at)) {
		if (len + 1 >= NAME_MAX_LEN)
			return fault(p, "a name that is too long");
		ret_name[len++] = *p->at++;
	}
	ret_name[len] = '\0';
	return len ? true : fault(p, "a name is missing");
}

/* One character of text: UTF-8 of the allowed range, or an entity. */
static bool character(struct parser *p)
{
	static const char *const entities[] = {
		"&amp;", "&lt;", "&gt;", "&quot;", "&#39;", "&#160;"
	};
	unsigned char c = (unsigned char)*p->at;

	if (c == '&') {
		for (size_t i = 0; i < PF_ARRAY_SIZE(entities); i++) {
			size_t len = strlen(entities[i]);

			if ((size_t)(p->end - p->at) >= len && !memcmp(p->at, entities[i], len)) {
				p->at += len;
				return true;
			}
		}
		return fault(p, "an entity that is none");
	}
	if (c < 0x20 && c != '\n' && c != '\t' && c != '\r')
		return fault(p, "a control character");
	if (c < 0x80) {
		p->at++;
		return true;
	}

	size_t more = c >= 0xf0 && c < 0xf5 ? 3 : c >= 0xe0 ? 2 : c >= 0xc2 ? 1 : 0;

	if (!more || c >= 0xf5 || (size_t)(p->end - p->at) <= more)
		return fault(p, "not UTF-8");
	for (size_t i = 1; i <= more; i++)
		if (((unsigned char)p->at[i] & 0xc0) != 0x80)
			return fault(p, "not UTF-8");
	if (c == 0xed && (unsigned char)p->at[1] >= 0xa0)
		return fault(p, "a surrogate");
	if (c == 0xef && (unsigned char)p->at[1] == 0xbf && (unsigned char)p->at[2] >= 0xbe)
		return fault(p, "not a character");
	p->at += more + 1;
	return true;
}

static bool note_id(struct parser *p, const char *value, size_t len)
{
	if (len >= sizeof(p->ids[0]))
		return fault(p, "an id that is too long");
	for (size_t i = 0; i < p->nr_ids; i++)
		if (strlen(p->ids[i]) == len && !memcmp(p->ids[i], value, len))
			return fault(p, "an id is used twice before here");
	if (p->nr_ids >= IDS_MAX)
		return fault(p, "more ids than this check holds");
	memcpy(p->ids[p->nr_ids], value, len);
	p->ids[p->nr_ids++][len] = '\0';
	return true;
}

static bool attributes(struct parser *p)
{
	char names[ATTRIBUTES_MAX][NAME_MAX_LEN];
	size_t nr = 0;

	while (p->at < p->end && (*p->at == ' ' || *p->at == '\n')) {
		while (p->at < p->end && (*p->at == ' ' || *p->at == '\n'))
			p->at++;
		if (p->at < p->end && (*p->at == '/' || *p->at == '>'))
			return true;
		if (nr >= ATTRIBUTES_MAX || !name(p, names[nr]))
			return fault(p, "an attribute");
		for (size_t i = 0; i < nr; i++)
			if (!strcmp(names[i], names[nr]))
				return fault(p, "an attribute twice");
		if (p->end - p->at < 2 || p->at[0] != '=' || p->at[1] != '"')
			return fault(p, "an attribute without =\"");
		p->at += 2;

		const char *value = p->at;

		while (p->at < p->end && *p->at != '"') {
			if (*p->at == '<')
				return fault(p, "< in an attribute");
			if (!character(p))
				return false;
		}
		if (p->at == p->end)
			return fault(p, "an attribute without end");
		if (!strcmp(names[nr], "id") && !note_id(p, value, (size_t)(p->at - value)))
			return false;
		p->at++;
		nr++;
	}
	return true;
}

static bool tag(struct parser *p)
{
	char word[NAME_MAX_LEN];

	p->at++;
	if (p->at < p->end && *p->at == '/') {
		p->at++;
		if (!name(p, word))
			return false;
		if (!p->depth || strcmp(p->open[p->depth - 1], word) != 0)
			return fault(p, p->depth ? p->open[p->depth - 1] : "nothing is open");
		p->depth--;
		return p->at < p->end && *p->at++ == '>' ? true : fault(p, "> is missing");
	}
	if (!p->depth && p->had_root)
		return fault(p, "a second root");
	if (!name(p, word) || !attributes(p))
		return false;
	p->had_root = true;
	if (p->at < p->end && *p->at == '>') {
		if (p->depth >= DEPTH_MAX)
			return fault(p, "nested too deeply");
		p->at++;
		memcpy(p->open[p->depth++], word, sizeof(word));
		return true;
	}
	if (p->end - p->at >= 2 && p->at[0] == '/' && p->at[1] == '>') {
		p->at += 2;
		return true;
	}
	return fault(p, "a tag without end");
}

static bool document(struct parser *p)
{
	static const char doctype[] = "<!DOCTYPE html>";

	if ((size_t)(p->end - p->at) >= sizeof(doctype) - 1 &&
	    !memcmp(p->at, doctype, sizeof(doctype) - 1))
		p->at += sizeof(doctype) - 1;
	while (p->at < p->end) {
		if (*p->at == '<') {
			if (!tag(p))
				return false;
		} else if (!p->depth && *p->at != '\n') {
			return fault(p, "text outside the root");
		} else if (!character(p)) {
			return false;
		}
	}
	if (p->depth)
		return fault(p, p->open[p->depth - 1]);
	return p->had_root ? true : fault(p, "there is no root");
}

const char *xml_fault(const char *text, size_t len)
{
	PF_AUTO(pf_freep) void *ids = calloc(IDS_MAX, 80);
	struct parser p = { .start = text, .at = text, .end = text + len, .ids = ids };

	if (!ids)
		return "no memory for the check";
	return document(&p) ? NULL : fault_text;
}
