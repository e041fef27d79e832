// SPDX-License-Identifier: Apache-2.0
#include "wire/cursor.h"

/* Names are short; one with a zero byte ends there for the decoder. */
bool pf_wire_hash_name(const struct pf_wire_field *f, uint64_t *ret_hash)
{
	char name[1024];

	if (f->len >= sizeof(name) || memchr(f->data, '\0', f->len))
		return false;
	memcpy(name, f->data, f->len);
	name[f->len] = '\0';
	*ret_hash = pf_evidence_instance_id(name);
	return true;
}

bool pf_wire_split(const uint8_t *data, size_t len, struct pf_arena *arena, uint8_t *header,
		   size_t *ret_header_len, struct pf_wire_field **ret_containers, size_t *ret_nr)
{
	struct pf_wire_cursor c = { .at = data, .end = data + len };
	struct pf_wire_field *containers = NULL;
	size_t nr = 0, cap = 0, header_len = 0;

	while (c.at < c.end) {
		const uint8_t *first = c.at;
		unsigned type;
		struct pf_wire_field f;

		if (!pf_wire_read_tag(&c, &f.number, &type) || !pf_wire_read_value(&c, type, &f))
			return false;
		if (f.number != PF_WIRE_CONTAINERS_FIELD) {
			memcpy(header + header_len, first, (size_t)(c.at - first));
			header_len += (size_t)(c.at - first);
			continue;
		}
		if (type != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
			return false;
		if (nr == cap) {
			struct pf_wire_field *more =
				pf_arena_array(arena, cap ? cap * 2 : 128, sizeof(*more));

			if (!more)
				return false;
			if (nr)
				memcpy(more, containers, nr * sizeof(*more));
			containers = more;
			cap = cap ? cap * 2 : 128;
		}
		containers[nr++] = f;
	}
	*ret_header_len = header_len;
	*ret_containers = containers;
	*ret_nr = nr;
	return true;
}

int pf_wire_undecided(const struct pf_arena *arena)
{
	return arena->err ? arena->err : -EAGAIN;
}
