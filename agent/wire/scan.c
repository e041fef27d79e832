// SPDX-License-Identifier: Apache-2.0
/*
 * scan.c - walks an encoded message by its schema before anything is allocated for it. The decoder
 * would only say that a message is bad; this says at which byte and why.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "wire/internal.h"

enum {
	DEPTH_MAX = 16, /* the schema nests 6 deep and never in itself */
	VARINT_MAX = 10,
};

struct scan {
	const uint8_t *start;
	struct pf_wire_error *error;
};

static int PF_PRINTF(3, 4) bad(const struct scan *scan, const uint8_t *at, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	scan->error->offset = (size_t)(at - scan->start);
	(void)vsnprintf(scan->error->reason, sizeof(scan->error->reason), format,
			args); /* cut if too long */
	va_end(args);
	return -EBADMSG;
}

static int varint(const struct scan *scan, const uint8_t **at, const uint8_t *end,
		  uint64_t *ret_value)
{
	const uint8_t *first = *at;
	uint64_t value = 0;

	for (unsigned i = 0; i < VARINT_MAX; i++) {
		if (first + i == end)
			return bad(scan, first, "a number is cut off");
		value |= (uint64_t)(first[i] & 0x7f) << (7 * i);
		if (!(first[i] & 0x80)) {
			*at = first + i + 1;
			*ret_value = value;
			return 0;
		}
	}
	return bad(scan, first, "a number is longer than ten bytes");
}

static int skip(const struct scan *scan, const uint8_t **at, const uint8_t *end, size_t len,
		const char *name)
{
	if ((size_t)(end - *at) < len)
		return bad(scan, *at, "%s: needs %zu bytes, %zu are left", name, len,
			   (size_t)(end - *at));
	*at += len;
	return 0;
}

unsigned pf_wire_type_of(ProtobufCType type)
{
	switch (type) {
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_BYTES:
	case PROTOBUF_C_TYPE_MESSAGE:
		return PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
		return PROTOBUF_C_WIRE_TYPE_64BIT;
	case PROTOBUF_C_TYPE_FIXED32:
	case PROTOBUF_C_TYPE_SFIXED32:
	case PROTOBUF_C_TYPE_FLOAT:
		return PROTOBUF_C_WIRE_TYPE_32BIT;
	default:
		return PROTOBUF_C_WIRE_TYPE_VARINT;
	}
}

static int scan_fields(const struct scan *scan, const ProtobufCMessageDescriptor *descriptor,
		       const uint8_t *at, const uint8_t *end, unsigned depth);

static int scan_packed(const struct scan *scan, const ProtobufCFieldDescriptor *field,
		       const uint8_t *at, const uint8_t *end)
{
	unsigned type = pf_wire_type_of(field->type);
	size_t width = type == PROTOBUF_C_WIRE_TYPE_64BIT ? 8 : 4;
	uint64_t value;

	if (type != PROTOBUF_C_WIRE_TYPE_VARINT)
		return (size_t)(end - at) % width
			       ? bad(scan, at, "%s: not whole numbers", field->name)
			       : 0;
	while (at < end) {
		int r = varint(scan, &at, end, &value);

		if (r < 0)
			return r;
	}
	return 0;
}

static int scan_delimited(const struct scan *scan, const ProtobufCFieldDescriptor *field,
			  const uint8_t **at, const uint8_t *end, unsigned depth)
{
	const uint8_t *first = *at, *body;
	uint64_t len;
	int r = varint(scan, at, end, &len);

	if (r < 0)
		return r;
	if (len > (uint64_t)(end - *at))
		return bad(scan, first, "%s: says %llu bytes, %zu are left",
			   field ? field->name : "an unknown field", (unsigned long long)len,
			   (size_t)(end - *at));
	body = *at;
	*at += len;
	if (field && field->type == PROTOBUF_C_TYPE_MESSAGE)
		return scan_fields(scan, field->descriptor, body, *at, depth + 1);
	if (field && pf_wire_type_of(field->type) != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
		return scan_packed(scan, field, body, *at);
	return 0;
}

static int scan_field(const struct scan *scan, const ProtobufCMessageDescriptor *descriptor,
		      const uint8_t **at, const uint8_t *end, unsigned depth)
{
	const ProtobufCFieldDescriptor *field;
	const uint8_t *first = *at;
	uint64_t tag, value;
	unsigned type;
	int r = varint(scan, at, end, &tag);

	if (r < 0)
		return r;
	type = tag & 7;
	if (tag >> 3 == 0 || tag >> 3 > (1u << 29) - 1)
		return bad(scan, first, "%s: field number %llu", descriptor->short_name,
			   (unsigned long long)(tag >> 3));
	field = protobuf_c_message_descriptor_get_field(descriptor, (unsigned)(tag >> 3));
	if (field && type != pf_wire_type_of(field->type) &&
	    !(field->label == PROTOBUF_C_LABEL_REPEATED &&
	      type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED))
		return bad(scan, first, "%s.%s: wire type %u", descriptor->short_name, field->name,
			   type);
	switch (type) {
	case PROTOBUF_C_WIRE_TYPE_VARINT:
		return varint(scan, at, end, &value);
	case PROTOBUF_C_WIRE_TYPE_64BIT:
		return skip(scan, at, end, 8, field ? field->name : "an unknown field");
	case PROTOBUF_C_WIRE_TYPE_32BIT:
		return skip(scan, at, end, 4, field ? field->name : "an unknown field");
	case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
		return scan_delimited(scan, field, at, end, depth);
	default:
		return bad(scan, first, "%s: wire type %u", descriptor->short_name, type);
	}
}

static int scan_fields(const struct scan *scan, const ProtobufCMessageDescriptor *descriptor,
		       const uint8_t *at, const uint8_t *end, unsigned depth)
{
	if (depth > DEPTH_MAX)
		return bad(scan, at, "%s: nested too deep", descriptor->short_name);
	while (at < end) {
		int r = scan_field(scan, descriptor, &at, end, depth);

		if (r < 0)
			return r;
	}
	return 0;
}

static int scan_message(const ProtobufCMessageDescriptor *descriptor, const void *data, size_t len,
			struct pf_wire_error *ret_error)
{
	const struct scan scan = { .start = data, .error = ret_error };

	if (!len)
		return 0; /* @data may be NULL, which has no bytes to point behind */
	return scan_fields(&scan, descriptor, data, (const uint8_t *)data + len, 0);
}

const ProtobufCMessageDescriptor *pf_wire_descriptor(enum pf_wire_type type)
{
	return type == PF_WIRE_STATUS ? &podfit__v1__agent_status__descriptor
				      : &podfit__v1__node_report__descriptor;
}

int pf_wire_scan(enum pf_wire_type type, const void *data, size_t len,
		 struct pf_wire_error *ret_error)
{
	return scan_message(pf_wire_descriptor(type), data, len, ret_error);
}

static void *arena_alloc(void *arena, size_t size)
{
	return pf_arena_alloc(arena, size);
}

static void arena_free(void *arena, void *pointer)
{
	(void)arena; /* given back with the arena */
	(void)pointer;
}

int pf_wire_unpack_scanned(const ProtobufCMessageDescriptor *descriptor, const void *data,
			   size_t len, struct pf_arena *arena, ProtobufCMessage **ret_message,
			   struct pf_wire_error *ret_error)
{
	ProtobufCAllocator allocator = { arena_alloc, arena_free, arena };
	ProtobufCMessage *message = protobuf_c_message_unpack(descriptor, &allocator, len, data);

	if (message) {
		*ret_message = message;
		return 0;
	}
	if (arena->err)
		return arena->err;
	*ret_error = (struct pf_wire_error){ .reason = "the decoder refuses it" };
	return -EBADMSG;
}

int pf_wire_unpack(const ProtobufCMessageDescriptor *descriptor, const void *data, size_t len,
		   struct pf_arena *arena, ProtobufCMessage **ret_message,
		   struct pf_wire_error *ret_error)
{
	int r = scan_message(descriptor, data, len, ret_error);

	return r < 0 ? r
		     : pf_wire_unpack_scanned(descriptor, data, len, arena, ret_message, ret_error);
}
