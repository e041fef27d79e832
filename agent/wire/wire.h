/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire.h - core types to and from protobuf (podfit.v1), and protobuf as JSON or text.
 *
 * Everything read is untrusted: a message is first scanned against the schema, which finds the byte
 * where it breaks; then it is decoded into an arena, whose maximum bounds what a small hostile
 * message can blow up to.
 */
#ifndef PF_WIRE_WIRE_H
#define PF_WIRE_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "core/report.h"

enum {
	PF_WIRE_MESSAGE_MAX = 64 << 20, /* bytes of one encoded message */
	PF_WIRE_MEMORY_MAX = 512 << 20, /* bytes of one decoded message, for programs with one at a
					   time */
};

enum pf_wire_type {
	PF_WIRE_REPORT, /* NodeReport */
	PF_WIRE_STATUS, /* AgentStatus */
};

/* Where and why a message is damaged. */
struct pf_wire_error {
	size_t offset; /* of the first byte that cannot be right */
	char reason[160];
};

/**
 * pf_wire_encode_report() - appends a NodeReport.
 *
 * Containers are encoded one by one, so that beside the result little memory is needed. Text that
 * is not UTF-8 has its bad bytes replaced by '?'.
 * Return: 0; -ENOMEM; -ENOSPC beyond the buffer's maximum. On failure @out is as it was.
 */
PF_MUST_CHECK int pf_wire_encode_report(const struct pf_report *report, struct pf_buf *out);

/**
 * pf_wire_encode_header(), pf_wire_encode_container() - the same in steps, so that not all of a
 * report needs to be in memory at once: first all but the containers, then each of them.
 * Return: as above; on failure @out is as it was before the step.
 */
PF_MUST_CHECK int pf_wire_encode_header(const struct pf_report *report, struct pf_buf *out);
PF_MUST_CHECK int pf_wire_encode_container(const struct pf_report_container *container,
					   struct pf_buf *out);

/** pf_wire_encode_status() - appends an AgentStatus. Return: as above. */
PF_MUST_CHECK int pf_wire_encode_status(const struct pf_agent_status *status, struct pf_buf *out);

/**
 * pf_wire_decode_report() - a NodeReport in memory.
 * @arena: holds all that @ret_report points to.
 * @ret_error: set on -EBADMSG, -EPROTONOSUPPORT and -ENOSPC.
 * Return: 0; -EBADMSG; -EPROTONOSUPPORT: a newer major version; -ENOSPC: larger than the arena may
 * grow; -ENOMEM.
 */
PF_MUST_CHECK int pf_wire_decode_report(const void *data, size_t len, struct pf_arena *arena,
					struct pf_report *ret_report,
					struct pf_wire_error *ret_error);
PF_MUST_CHECK int pf_wire_decode_status(const void *data, size_t len, struct pf_arena *arena,
					struct pf_agent_status *ret_status,
					struct pf_wire_error *ret_error);

/**
 * pf_wire_nr_impossible() - numbers that no machine has, in all that this process has read so far, by any thread: they
 * were taken as not known, cut to the highest that is, or, of VPA's evidence, left out. What is read again counts again.
 */
uint64_t pf_wire_nr_impossible(void);

/** pf_wire_scan() - is this a well-formed message of that type? Return: 0; -EBADMSG. */
PF_MUST_CHECK int pf_wire_scan(enum pf_wire_type type, const void *data, size_t len,
			       struct pf_wire_error *ret_error);

/**
 * pf_wire_json() - appends the message as one line of JSON: the schema's field names, enums by
 * name, 64-bit integers as numbers, unset fields left out, unknown fields left out. pf_wire_text()
 * - the same for people: one field a line, indented. Return: as pf_wire_decode_report().
 */
PF_MUST_CHECK int pf_wire_json(enum pf_wire_type type, const void *data, size_t len,
			       struct pf_arena *arena, struct pf_buf *out,
			       struct pf_wire_error *ret_error);
PF_MUST_CHECK int pf_wire_text(enum pf_wire_type type, const void *data, size_t len,
			       struct pf_arena *arena, struct pf_buf *out,
			       struct pf_wire_error *ret_error);

#endif
