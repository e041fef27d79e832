// SPDX-License-Identifier: Apache-2.0
/*
 * json.c - any message as JSON or as indented text, driven by the schema's descriptors, so that a
 * new field needs no code here.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "wire/internal.h"

struct writer {
	struct pf_buf *out;
	bool json;
	unsigned depth;
};

static void write_message(struct writer *writer, const ProtobufCMessage *message);

static void write_enum(struct writer *writer, const ProtobufCEnumDescriptor *descriptor, int value)
{
	const ProtobufCEnumValue *known = protobuf_c_enum_descriptor_get_value(descriptor, value);

	if (!known)
		(void)pf_buf_addf(writer->out, "%d", value); /* of a newer minor version */
	else if (writer->json)
		pf_json_string(writer->out, known->name);
	else
		(void)pf_buf_adds(writer->out, known->name);
}

static size_t width_of(ProtobufCType type)
{
	switch (type) {
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
		return 8;
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_MESSAGE:
		return sizeof(void *);
	case PROTOBUF_C_TYPE_BYTES:
		return sizeof(ProtobufCBinaryData);
	case PROTOBUF_C_TYPE_BOOL:
		return sizeof(protobuf_c_boolean);
	default:
		return 4;
	}
}

static void write_value(struct writer *writer, const ProtobufCFieldDescriptor *field,
			const void *value)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		(void)pf_buf_addf(writer->out, "%" PRId64, *(const int64_t *)value);
		break;
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		(void)pf_buf_addf(writer->out, "%" PRIu64, *(const uint64_t *)value);
		break;
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		(void)pf_buf_addf(writer->out, "%" PRIu32, *(const uint32_t *)value);
		break;
	case PROTOBUF_C_TYPE_DOUBLE:
		pf_json_double(writer->out, *(const double *)value);
		break;
	case PROTOBUF_C_TYPE_FLOAT:
		pf_json_double(writer->out, (double)*(const float *)value);
		break;
	case PROTOBUF_C_TYPE_BOOL:
		(void)pf_buf_adds(writer->out,
				  *(const protobuf_c_boolean *)value ? "true" : "false");
		break;
	case PROTOBUF_C_TYPE_ENUM:
		write_enum(writer, field->descriptor, *(const int *)value);
		break;
	case PROTOBUF_C_TYPE_STRING:
		pf_json_string(writer->out, *(char *const *)value ? *(char *const *)value : "");
		break;
	case PROTOBUF_C_TYPE_MESSAGE:
		write_message(writer, *(ProtobufCMessage *const *)value);
		break;
	case PROTOBUF_C_TYPE_BYTES:
		(void)pf_buf_addf(writer->out, "%zu", ((const ProtobufCBinaryData *)value)->len);
		break;
	default:
		(void)pf_buf_addf(writer->out, "%" PRId32, *(const int32_t *)value);
		break;
	}
}

static const void *place_of(const ProtobufCMessage *message, unsigned offset)
{
	return (const char *)message + offset;
}

static bool is_set(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return *(const size_t *)place_of(message, field->quantifier_offset) > 0;
	if (field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE)
		return *(void *const *)place_of(message, field->offset) != NULL;
	return *(const protobuf_c_boolean *)place_of(message, field->quantifier_offset) != 0;
}

static void write_repeated(struct writer *writer, const ProtobufCFieldDescriptor *field,
			   const char *elements, size_t nr)
{
	size_t width = width_of(field->type);

	(void)pf_buf_adds(writer->out, "[");
	for (size_t i = 0; i < nr; i++) {
		if (i)
			(void)pf_buf_adds(writer->out, writer->json ? "," : " ");
		write_value(writer, field, elements + i * width);
	}
	(void)pf_buf_adds(writer->out, "]");
}

static void write_field_json(struct writer *writer, const ProtobufCMessage *message,
			     const ProtobufCFieldDescriptor *field)
{
	const void *value = place_of(message, field->offset);

	pf_json_string(writer->out, field->name);
	(void)pf_buf_adds(writer->out, ":");
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		write_repeated(writer, field, *(char *const *)value,
			       *(const size_t *)place_of(message, field->quantifier_offset));
	else
		write_value(writer, field, value);
}

/* Lists of numbers on one line; each message of a list under its own heading. */
static void write_field_text(struct writer *writer, const ProtobufCMessage *message,
			     const ProtobufCFieldDescriptor *field)
{
	bool repeated = field->label == PROTOBUF_C_LABEL_REPEATED;
	const char *value = place_of(message, field->offset);
	size_t nr = 1, width = width_of(field->type);

	if (repeated) {
		nr = *(const size_t *)place_of(message, field->quantifier_offset);
		value = *(char *const *)(const void *)value;
	}
	if (repeated && field->type != PROTOBUF_C_TYPE_MESSAGE &&
	    field->type != PROTOBUF_C_TYPE_STRING) {
		(void)pf_buf_addf(writer->out, "%*s%s: ", (int)writer->depth * 2, "", field->name);
		write_repeated(writer, field, value, nr);
		(void)pf_buf_adds(writer->out, "\n");
		return;
	}
	for (size_t i = 0; i < nr; i++) {
		(void)pf_buf_addf(writer->out, "%*s%s:%s", (int)writer->depth * 2, "", field->name,
				  field->type == PROTOBUF_C_TYPE_MESSAGE ? "\n" : " ");
		write_value(writer, field, value + i * width);
		if (field->type != PROTOBUF_C_TYPE_MESSAGE)
			(void)pf_buf_adds(writer->out, "\n");
	}
}

static void write_message(struct writer *writer, const ProtobufCMessage *message)
{
	const ProtobufCMessageDescriptor *descriptor = message->descriptor;
	bool first = true;

	if (writer->json)
		(void)pf_buf_adds(writer->out, "{");
	writer->depth++;
	for (unsigned i = 0; i < descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &descriptor->fields[i];

		if (!is_set(message, field))
			continue;
		if (!writer->json) {
			write_field_text(writer, message, field);
			continue;
		}
		if (!first)
			(void)pf_buf_adds(writer->out, ",");
		write_field_json(writer, message, field);
		first = false;
	}
	writer->depth--;
	if (writer->json)
		(void)pf_buf_adds(writer->out, "}");
}

static int write_top(enum pf_wire_type type, const void *data, size_t len, struct pf_arena *arena,
		     struct writer *writer, struct pf_wire_error *ret_error)
{
	size_t before = writer->out->len;
	ProtobufCMessage *message;
	int r = pf_wire_unpack(pf_wire_descriptor(type), data, len, arena, &message, ret_error);

	if (r < 0)
		return r;
	write_message(writer, message);
	(void)pf_buf_adds(writer->out, writer->json ? "\n" : "");
	r = writer->out->err;
	if (r < 0) {
		writer->out->len = before;
		writer->out->err = 0;
	}
	return r;
}

int pf_wire_json(enum pf_wire_type type, const void *data, size_t len, struct pf_arena *arena,
		 struct pf_buf *out, struct pf_wire_error *ret_error)
{
	struct writer writer = { .out = out, .json = true };

	return write_top(type, data, len, arena, &writer, ret_error);
}

int pf_wire_text(enum pf_wire_type type, const void *data, size_t len, struct pf_arena *arena,
		 struct pf_buf *out, struct pf_wire_error *ret_error)
{
	struct writer writer = { .out = out, .depth = (unsigned)-1 };

	return write_top(type, data, len, arena, &writer, ret_error);
}
