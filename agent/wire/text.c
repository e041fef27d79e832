// SPDX-License-Identifier: Apache-2.0
/*
 * text.c - strings on their way into a message. Names come from cgroup paths and processes, which
 * may hold any byte; readers in other languages refuse what is not UTF-8.
 */
#include "base/utf8.h"
#include "wire/internal.h"

char *pf_wire_text_field(struct pf_arena *arena, const char *text)
{
	char *copy;

	if (!text || !*text)
		return NULL;
	if (pf_utf8_is_valid(text))
		return (char *)text; /* borrowed: packing only reads it */
	copy = pf_arena_strdup(arena, text);
	if (copy)
		pf_utf8_clean(copy);
	return copy;
}
