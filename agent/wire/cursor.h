/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cursor.h - the fields of an encoded message one after another, for those who do not want all of it.
 * True of every function here: these bytes mean to the decoder what they mean here.
 */
#ifndef PF_WIRE_CURSOR_H
#define PF_WIRE_CURSOR_H

#include <errno.h>
#include <string.h>

#include "core/evidence.h"
#include "wire/internal.h"

enum {
	PF_WIRE_LENGTH_BYTES_MAX = 5, /* the decoder reads no longer ones, whatever they say */
	PF_WIRE_CONTAINERS_FIELD = 18,
};

struct pf_wire_table;

/* Where we are in a message. */
struct pf_wire_cursor {
	const uint8_t *at, *end;
	const struct pf_wire_table *table; /* of its type, where that is known */
	unsigned last;			   /* number of the field before */
};

struct pf_wire_field {
	unsigned number;
	bool known;
	uint64_t value;	     /* of varints and fixed64 */
	const uint8_t *data; /* of what has a length */
	size_t len;
};

static inline bool pf_wire_read_varint(const uint8_t **at, const uint8_t *end, uint64_t *value)
{
	const uint8_t *p = *at;
	uint64_t sum = 0;

	for (unsigned shift = 0; p < end && shift < 70; shift += 7) {
		if (shift == 63 && *p > 1)
			return false; /* bits that do not count for a number, but for a bool */
		sum |= (uint64_t)(*p & 0x7f) << shift;
		if (!(*p++ & 0x80)) {
			*at = p;
			*value = sum;
			return true;
		}
	}
	return false;
}

/* Tags of one or two bytes, which are all that our schema has. */
static inline bool pf_wire_read_tag(struct pf_wire_cursor *c, unsigned *number, unsigned *type)
{
	unsigned tag = *c->at++;

	if (tag & 0x80) {
		if (c->at == c->end || *c->at & 0x80 || !*c->at)
			return false;
		tag = (tag & 0x7f) | (unsigned)*c->at++ << 7;
	}
	*number = tag >> 3;
	*type = tag & 7;
	return *number != 0;
}

static inline bool pf_wire_read_value(struct pf_wire_cursor *c, unsigned type,
				      struct pf_wire_field *f)
{
	const uint8_t *first = c->at;
	uint64_t len;

	switch (type) {
	case PROTOBUF_C_WIRE_TYPE_VARINT:
		return pf_wire_read_varint(&c->at, c->end, &f->value);
	case PROTOBUF_C_WIRE_TYPE_64BIT:
	case PROTOBUF_C_WIRE_TYPE_32BIT:
		len = type == PROTOBUF_C_WIRE_TYPE_64BIT ? 8 : 4;
		if ((size_t)(c->end - c->at) < len)
			return false;
		f->value = 0;
		memcpy(&f->value, c->at, len); /* little endian, as the wire is */
		c->at += len;
		return true;
	case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
		if (!pf_wire_read_varint(&c->at, c->end, &len) ||
		    c->at - first > PF_WIRE_LENGTH_BYTES_MAX || len > (uint64_t)(c->end - c->at))
			return false;
		f->data = c->at;
		f->len = (size_t)len;
		c->at += len;
		return true;
	default:
		return false;
	}
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "fixed64 is read as it lies in memory");

/** pf_wire_hash_name() - pf_evidence_instance_id() of a name. False: longer than our names are. */
bool pf_wire_hash_name(const struct pf_wire_field *f, uint64_t *ret_hash);

/**
 * pf_wire_split() - splits a NodeReport.
 * @header: of @len bytes; gets what is no container, in its order.
 * @ret_containers: in @arena.
 * False: not in the usual form, or no memory: see pf_wire_undecided().
 */
bool pf_wire_split(const uint8_t *data, size_t len, struct pf_arena *arena, uint8_t *header,
		   size_t *ret_header_len, struct pf_wire_field **ret_containers, size_t *ret_nr);

/** pf_wire_undecided() - what failed for want of memory is that; anything else is for the decoder. */
int pf_wire_undecided(const struct pf_arena *arena);

#endif
