// SPDX-License-Identifier: Apache-2.0
/*
 * some.c - a report of which only some is decoded: what is not wanted is cut out of the message first.
 */
#include "wire/cursor.h"
#include "wire/index.h"

enum { NOW_FIELD = 9, SLICES_FIELD = 10, RECOMMENDATION_FIELD = 11, LEAK_FIELD = 12 };

/* The next field where the fields of a message need not be known. False: not in the usual form. */
static bool next_plain(struct pf_wire_cursor *c, struct pf_wire_field *f, unsigned *ret_type)
{
	if (!pf_wire_read_tag(c, &f->number, ret_type) || f->number < c->last ||
	    !pf_wire_read_value(c, *ret_type, f))
		return false;
	return true;
}

/* The instance of an encoded container. False: not in the usual form. */
static bool instance_of(const struct pf_wire_field *from, uint64_t *ret_instance)
{
	struct pf_wire_cursor c = { .at = from->data, .end = from->data + from->len };
	unsigned type;
	struct pf_wire_field f;

	*ret_instance = pf_evidence_instance_id("");
	while (c.at < c.end) {
		/* Of two names the decoder would take the last. */
		if (!next_plain(&c, &f, &type) || (f.number == 2 && c.last == 2))
			return false;
		c.last = f.number;
		if (f.number == 2 && (type != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED ||
				      !pf_wire_hash_name(&f, ret_instance)))
			return false;
	}
	return true;
}

/* The hour of an encoded slice, which comes first. False: not in the usual form. */
static bool hour_of(const struct pf_wire_field *from, uint64_t *ret_hour)
{
	struct pf_wire_cursor c = { .at = from->data, .end = from->data + from->len };
	unsigned type;
	struct pf_wire_field f;

	if (c.at == c.end || !next_plain(&c, &f, &type) || f.number != 1 ||
	    type != PROTOBUF_C_WIRE_TYPE_VARINT || f.value > UINT32_MAX)
		return false;
	*ret_hour = f.value;
	c.last = 2; /* another hour would be the one that holds */
	while (c.at < c.end) {
		if (!next_plain(&c, &f, &type))
			return false;
		c.last = f.number;
	}
	return true;
}

/* Whether a container's field is wanted. */
static bool keeps(const struct pf_wire_choice *choice, unsigned number, unsigned type,
		  const struct pf_wire_field *f, bool *ret_keeps)
{
	uint64_t hour;

	*ret_keeps = true;
	if (number == NOW_FIELD || number == LEAK_FIELD)
		*ret_keeps = choice->state;
	else if (number == RECOMMENDATION_FIELD)
		*ret_keeps = false;
	else if (number == SLICES_FIELD && type != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
		return false;
	else if (number == SLICES_FIELD && !hour_of(f, &hour))
		return false;
	else if (number == SLICES_FIELD)
		*ret_keeps = hour >= choice->hour_from && hour <= choice->hour_to;
	return true;
}

/* Copies the container without what is not wanted. False: not in the usual form. */
static bool cut(const struct pf_wire_choice *choice, const struct pf_wire_field *from, uint8_t *to,
		size_t *ret_len)
{
	struct pf_wire_cursor c = { .at = from->data, .end = from->data + from->len };
	size_t len = 0;

	while (c.at < c.end) {
		const uint8_t *first = c.at;
		unsigned type;
		struct pf_wire_field f;
		bool kept;

		if (!next_plain(&c, &f, &type) || !keeps(choice, f.number, type, &f, &kept))
			return false;
		c.last = f.number;
		if (!kept)
			continue;
		memcpy(to + len, first, (size_t)(c.at - first));
		len += (size_t)(c.at - first);
	}
	*ret_len = len;
	return true;
}

/* What it gives has no pointers into @data. */
static int decode_container(const uint8_t *data, size_t len, struct pf_arena *arena,
			    struct pf_report_container *to, struct pf_wire_error *error)
{
	ProtobufCMessage *message;
	int r = pf_wire_unpack_scanned(&podfit__v1__container__descriptor, data, len, arena,
				       &message, error);

	return r < 0 ? r
		     : pf_wire_get_container(arena, (const Podfit__V1__Container *)message, to,
					     error);
}

/* Return: 0; -EAGAIN: the decoder is to be asked, with an empty arena or not. */
static int decode_some(const void *data, size_t len, const struct pf_wire_choice *choice,
		       struct pf_arena *arena, struct pf_report *ret_report)
{
	struct pf_report_container *containers;
	struct pf_wire_error error;
	struct pf_report report;
	struct pf_wire_field *fields;
	size_t header_len, nr_fields, nr = 0;
	/* And behind it one container at a time. */
	uint8_t *header = len ? pf_arena_alloc(arena, len) : NULL;

	if (!header || !pf_wire_split(data, len, arena, header, &header_len, &fields, &nr_fields))
		return pf_wire_undecided(arena);
	containers = pf_arena_array(arena, nr_fields + 1, sizeof(*containers));
	if (!containers || pf_wire_decode_report(header, header_len, arena, &report, &error) < 0)
		return pf_wire_undecided(arena);
	for (size_t i = 0; i < nr_fields; i++) {
		uint8_t *place = header + header_len;
		uint64_t instance;
		size_t cut_len;

		if (!instance_of(&fields[i], &instance))
			return -EAGAIN;
		if (choice->wanted && !choice->wanted(choice->arg, instance))
			continue;
		if (!cut(choice, &fields[i], place, &cut_len))
			return -EAGAIN;
		if (decode_container(place, cut_len, arena, &containers[nr++], &error) < 0)
			return pf_wire_undecided(arena);
	}
	report.containers = containers;
	report.nr_containers = nr;
	*ret_report = report;
	return 0;
}

int pf_wire_decode_some(const void *data, size_t len, const struct pf_wire_choice *choice,
			struct pf_arena *arena, struct pf_report *ret_report,
			struct pf_wire_error *ret_error)
{
	int r = decode_some(data, len, choice, arena, ret_report);

	return r == 0 ? 0 : pf_wire_decode_report(data, len, arena, ret_report, ret_error);
}
