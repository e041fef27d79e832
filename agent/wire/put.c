// SPDX-License-Identifier: Apache-2.0
/*
 * put.c - what all messages are put together from: repeated fields, and strings. Names come from cgroup paths and
 * processes, which may hold any byte; readers in other languages refuse what is not UTF-8.
 */
#include "base/utf8.h"
#include "wire/internal.h"

void *pf_wire_messages(struct pf_arena *arena, const ProtobufCMessageDescriptor *descriptor,
		       size_t nr)
{
	void **list = nr ? pf_arena_array(arena, nr, sizeof(*list)) : NULL;
	char *all = nr ? pf_arena_array(arena, nr, descriptor->sizeof_message) : NULL;

	if (!list || !all)
		return NULL;
	for (size_t i = 0; i < nr; i++) {
		list[i] = all + i * descriptor->sizeof_message;
		protobuf_c_message_init(descriptor, list[i]);
	}
	return list;
}

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
