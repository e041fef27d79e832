// SPDX-License-Identifier: Apache-2.0
/*
 * text.c - strings on their way into a message. Names come from cgroup paths and processes, which
 * may hold any byte; readers in other languages refuse what is not UTF-8.
 */
#include <string.h>

#include "base/utf8.h"
#include "wire/internal.h"

char *pf_wire_text_field(struct pf_arena *arena, const char *text)
{
	size_t len = text ? strlen(text) : 0, at = 0, n = 1;
	char *copy;

	while (at < len && (n = pf_utf8_len(text + at, len - at)) != 0)
		at += n;
	if (at == len)
		return len ? (char *)text : NULL; /* borrowed: packing only reads it */
	copy = pf_arena_strdup(arena, text);
	while (copy && at < len) {
		n = pf_utf8_len(copy + at, len - at);
		if (!n)
			copy[at] = '?';
		at += n ? n : 1;
	}
	return copy;
}
