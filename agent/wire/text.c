// SPDX-License-Identifier: Apache-2.0
/*
 * text.c - strings on their way into a message. Names come from cgroup paths and processes, which
 * may hold any byte; readers in other languages refuse what is not UTF-8.
 */
#include <string.h>

#include "wire/internal.h"

size_t pf_wire_utf8_len(const unsigned char *text, size_t len)
{
	static const uint32_t lowest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = text[0] < 0x80	      ? 1
		   : (text[0] & 0xe0) == 0xc0 ? 2
		   : (text[0] & 0xf0) == 0xe0 ? 3
		   : (text[0] & 0xf8) == 0xf0 ? 4
					      : 0;
	uint32_t code = n > 1 ? text[0] & (0x7fu >> n) : text[0];

	if (!n || n > len)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (text[i] & 0x3f);
	}
	if (code < lowest[n] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	return n;
}

char *pf_wire_text_field(struct pf_arena *arena, const char *text)
{
	size_t len = text ? strlen(text) : 0, at = 0, n = 1;
	char *copy;

	while (at < len && (n = pf_wire_utf8_len((const unsigned char *)text + at, len - at)) != 0)
		at += n;
	if (at == len)
		return len ? (char *)text : NULL; /* borrowed: packing only reads it */
	copy = pf_arena_strdup(arena, text);
	while (copy && at < len) {
		n = pf_wire_utf8_len((unsigned char *)copy + at, len - at);
		if (!n)
			copy[at] = '?';
		at += n ? n : 1;
	}
	return copy;
}
