// SPDX-License-Identifier: Apache-2.0
#include "meta/json_guard.h"

#include <errno.h>

enum { ESCAPE_BEGUN = 5 }; /* more than the digits of an escape */

/* Inside a string. Return: whether @c is passed on. */
static bool string_byte(struct pf_json_guard *guard, unsigned char c)
{
	bool in_escape = guard->escape_left, continued = (c & 0xc0) == 0x80;

	if (c == '"' && !in_escape) {
		guard->in_string = false;
		guard->dropping = false;
		guard->token_len = 0;
		return true;
	}
	/* Cut before a character, never inside one or inside an escape; a character has four bytes.
	 */
	if (!guard->dropping && !in_escape && guard->token_len >= PF_JSON_STRING_MAX &&
	    (!continued || guard->token_len >= PF_JSON_STRING_MAX + 4)) {
		guard->dropping = true;
		guard->nr_cut++;
	}
	if (guard->escape_left == ESCAPE_BEGUN)
		guard->escape_left = c == 'u' ? 4 : 0; /* "\\u1234", or one byte as in "\\n" */
	else if (in_escape)
		guard->escape_left--;
	else if (c == '\\')
		guard->escape_left = ESCAPE_BEGUN;
	guard->token_len += !guard->dropping;
	return !guard->dropping;
}

/* Outside strings. Return: 0; -EBADMSG. */
static int plain_byte(struct pf_json_guard *guard, unsigned char c)
{
	uint32_t len_before = guard->token_len;

	guard->token_len = 0;
	switch (c) {
	case '"':
		guard->in_string = true;
		return 0;
	case '{':
	case '[':
		return ++guard->depth > PF_JSON_DEPTH_MAX ? -EBADMSG : 0;
	case '}':
	case ']':
		guard->depth -= guard->depth > 0; /* too many of them is for the parser to refuse */
		return 0;
	case ',':
	case ':':
	case ' ':
	case '\t':
	case '\r':
	case '\n':
		return 0;
	default:
		guard->token_len = len_before + 1;
		return guard->token_len > PF_JSON_ATOM_MAX ? -EBADMSG : 0;
	}
}

int pf_json_guard_feed(struct pf_json_guard *guard, const void *data, size_t len,
		       pf_json_text_fn fn, void *arg)
{
	const unsigned char *text = data;
	size_t from = 0; /* not yet passed on */
	int r = 0, passed;

	for (size_t i = 0; i < len; i++) {
		if (guard->in_string ? string_byte(guard, text[i])
				     : !(r = plain_byte(guard, text[i])))
			continue;
		/* Whatever the pieces, what stood before a bad byte is passed on. */
		passed = i > from ? fn(arg, text + from, i - from) : 0;
		if (passed < 0 || r < 0)
			return passed < 0 ? passed : r;
		from = i + 1;
	}
	return len > from ? fn(arg, text + from, len - from) : 0;
}
