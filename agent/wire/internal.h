/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal.h - what the files of wire/ share: how one value becomes an optional field and back.
 */
#ifndef PF_WIRE_INTERNAL_H
#define PF_WIRE_INTERNAL_H

#include <math.h>
#include <podfit.pb-c.h>

#include "wire/wire.h"

/* Weight of a bucket of an hour's VPA histogram: more than a million CPUs could give. Sums of what is larger
 * would become infinite, and such evidence cannot be kept. */
#define PF_WIRE_WEIGHT_MAX 1e12

/* Fields are set only where the value is known. */
#define PUT(message, field, value)                                                                 \
	do {                                                                                       \
		uint64_t put__ = (value);                                                          \
		if (put__ < PF_NO_LIMIT) {                                                         \
			(message)->has_##field = 1;                                                \
			(message)->field = put__;                                                  \
		}                                                                                  \
	} while (0)

#define PUT_ANY(message, field, value)                                                             \
	do {                                                                                       \
		(message)->has_##field = 1;                                                        \
		(message)->field = (value);                                                        \
	} while (0)

#define PUT_DOUBLE(message, field, value)                                                          \
	do {                                                                                       \
		double put__ = (value);                                                            \
		if (!isnan(put__)) {                                                               \
			(message)->has_##field = 1;                                                \
			(message)->field = put__;                                                  \
		}                                                                                  \
	} while (0)

/* A repeated field of @nr initialised messages; none: the arena is full. */
#define PUT_MESSAGES(arena, message, field, descriptor, nr)                                        \
	((message)->field = pf_wire_messages((arena), &(descriptor), (nr)),                        \
	 (message)->n_##field = (message)->field ? (nr) : 0)

#define PUT_TEXT(arena, message, field, value)                                                     \
	((message)->field = pf_wire_text_field((arena), (value)))

/* Absent: unknown; or no limit, where a flag of the message says that limits are known. */
#define GET(message, field) ((message)->has_##field ? (message)->field : PF_UNKNOWN)
/* Counts and amounts that no machine has are not known: they would overflow sums over a fleet. Each is counted. */
#define PF_WIRE_COUNT_MAX  ((uint64_t)1 << 32)
#define PF_WIRE_AMOUNT_MAX ((uint64_t)1 << 45) /* 32 TiB of memory; or as many millicores */
void pf_wire_count_impossible(void);	       /* see pf_wire_nr_impossible() */
static inline uint64_t pf_wire_bounded(uint64_t value, uint64_t max)
{
	if (value <= max || value == PF_UNKNOWN)
		return value;
	pf_wire_count_impossible();
	return PF_UNKNOWN;
}
static inline uint64_t pf_wire_request(uint64_t value) /* as it was sent, or PF_NO_LIMIT: none */
{
	return value == PF_NO_LIMIT ? value : pf_wire_bounded(value, PF_WIRE_AMOUNT_MAX);
}
#define GET_UPTO(message, field, max)                                                              \
	((message)->has_##field ? pf_wire_bounded((message)->field, max) : PF_UNKNOWN)
#define GET_OR(message, field, def) ((message)->has_##field ? (message)->field : (def))
#define GET_LIMIT(message, field, known)                                                           \
	((message)->has_##field ? (message)->field : (known) ? PF_NO_LIMIT : PF_UNKNOWN)
#define GET_DOUBLE(message, field) ((message)->has_##field ? (message)->field : (double)NAN)
#define GET_TEXT(message, field)   ((message)->field ? (message)->field : "")

/** pf_wire_messages() - an array of pointers to @nr initialised messages, for a repeated field. NULL: @nr is 0, or see the
 * arena's err. */
void *pf_wire_messages(struct pf_arena *arena, const ProtobufCMessageDescriptor *descriptor,
		       size_t nr);

/** pf_wire_text_field() - the text for a string field: NULL if it is empty; a repaired copy if it
 * is not UTF-8. */
char *pf_wire_text_field(struct pf_arena *arena, const char *text);

const ProtobufCMessageDescriptor *pf_wire_descriptor(enum pf_wire_type type);
/** pf_wire_type_of() - how the schema's @type is written. */
unsigned pf_wire_type_of(ProtobufCType type);

/** pf_wire_unpack() - scans, then unpacks into the arena. Return: as pf_wire_decode_report(). */
PF_MUST_CHECK int pf_wire_unpack(const ProtobufCMessageDescriptor *descriptor, const void *data,
				 size_t len, struct pf_arena *arena, ProtobufCMessage **ret_message,
				 struct pf_wire_error *ret_error);

/** pf_wire_unpack_scanned() - the same of bytes that were scanned when they came. */
PF_MUST_CHECK int pf_wire_unpack_scanned(const ProtobufCMessageDescriptor *descriptor,
					 const void *data, size_t len, struct pf_arena *arena,
					 ProtobufCMessage **ret_message,
					 struct pf_wire_error *ret_error);

/* Core -> message. NULL: the arena is full or out of memory, see its err. */
Podfit__V1__MemoryKinds *pf_wire_put_kinds(struct pf_arena *arena,
					   const struct pf_memory_kinds *kinds);
Podfit__V1__Psi *pf_wire_put_psi(struct pf_arena *arena, const struct pf_psi *psi);
Podfit__V1__HourSlice *pf_wire_put_slice(struct pf_arena *arena, const struct pf_slice *slice);
Podfit__V1__Recommendation *pf_wire_put_recommendation(struct pf_arena *arena,
						       const struct pf_recommendation *from);
Podfit__V1__LeakFinding *pf_wire_put_leak(struct pf_arena *arena,
					  const struct pf_leak_finding *from);

/* Message -> core. Return: 0; -ENOMEM or -ENOSPC from the arena; -EBADMSG with a reason. */
PF_MUST_CHECK int pf_wire_get_container(struct pf_arena *arena,
					const Podfit__V1__Container *message,
					struct pf_report_container *ret_container,
					struct pf_wire_error *error);
void pf_wire_get_kinds(const Podfit__V1__MemoryKinds *message, struct pf_memory_kinds *ret_kinds);
void pf_wire_get_psi(const Podfit__V1__Psi *message, struct pf_psi *ret_psi);
PF_MUST_CHECK int pf_wire_get_slice(struct pf_arena *arena, const Podfit__V1__HourSlice *message,
				    struct pf_slice **ret_slice, struct pf_wire_error *error);
/* A slice begins within its hour, or before it where the clock was set back, and
 * covers little more than its hour; its times in nanoseconds fit an int64_t. */
bool pf_wire_slice_fits(uint32_t hour, uint64_t start_unix_ns, uint64_t covered_ns);
PF_MUST_CHECK int pf_wire_get_recommendation(struct pf_arena *arena,
					     const Podfit__V1__Recommendation *message,
					     struct pf_recommendation **ret_recommendation);
PF_MUST_CHECK int pf_wire_get_leak(struct pf_arena *arena, const Podfit__V1__LeakFinding *message,
				   struct pf_leak_finding **ret_finding);

#endif
