/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index.h - what a report is about, without decoding its evidence: who sent it, which slices it has
 * and how new they are, and the few numbers that a list of nodes shows.
 *
 * A report in the form every encoder of protobuf writes (fields in rising order, each once) is checked
 * in one walk over its bytes that allocates nothing for histograms. Anything else is decoded as a
 * whole. So the answer is always the decoder's, with its byte and reason, only mostly much sooner.
 */
#ifndef PF_WIRE_INDEX_H
#define PF_WIRE_INDEX_H

#include "wire/wire.h"

struct pf_index_slice {
	uint64_t instance; /* pf_evidence_instance_id() of its container's instance */
	uint64_t run_id, sequence;
	uint32_t hour;
};

/* A container as pf_report_container has it; numbers are PF_UNKNOWN or PF_NO_LIMIT alike. */
struct pf_index_container {
	bool ended, leak_alarm;
	uint64_t cpu_request_millicores, memory_request_bytes;
	uint64_t interval_ns, usage_ns, hot_bytes;
};

struct pf_report_index {
	struct pf_report report; /* may be without its containers, which are below */
	const struct pf_index_container *containers;
	size_t nr_containers;
	const struct pf_index_slice *slices; /* of all containers */
	size_t nr_slices;
};

/**
 * pf_wire_index_report() - what an encoded NodeReport is about.
 * @arena: holds all that @ret_index points to; its maximum is that of the decoded report, also where
 * less is decoded.
 * Return: as pf_wire_decode_report(). What is taken here is taken there.
 */
PF_MUST_CHECK int pf_wire_index_report(const void *data, size_t len, struct pf_arena *arena,
				       struct pf_report_index *ret_index,
				       struct pf_wire_error *ret_error);

/* What of a report's containers is wanted. */
struct pf_wire_choice {
	/* Given pf_evidence_instance_id() of a container's instance; false: it is left out. NULL: none
	 * is. */
	bool (*wanted)(void *arg, uint64_t instance);
	void *arg;
	uint32_t hour_from, hour_to; /* slices of other hours are left out; from > to: all are */
	bool state;		     /* what is true now, and leaks, too */
};

/**
 * pf_wire_decode_some() - the report with what is wanted of its containers. Recommendations are not.
 * Where the message is not in the usual form all of it is there.
 * Return: as pf_wire_decode_report(). What pf_wire_index_report() takes is taken here; of other bytes
 * some that it refuses are taken as well.
 */
PF_MUST_CHECK int pf_wire_decode_some(const void *data, size_t len,
				      const struct pf_wire_choice *choice, struct pf_arena *arena,
				      struct pf_report *ret_report,
				      struct pf_wire_error *ret_error);

/** pf_report_index_of() - the same of a decoded report. Return: 0; -ENOMEM, -ENOSPC from @arena. */
PF_MUST_CHECK int pf_report_index_of(const struct pf_report *report, struct pf_arena *arena,
				     struct pf_report_index *ret_index);

/**
 * pf_wire_index_walk() - the one walk alone. For tests, which compare it with the decoder.
 * Return: 0; -EAGAIN: not in that form, or damaged: the decoder is to be asked; -ENOMEM, -ENOSPC.
 */
PF_MUST_CHECK int pf_wire_index_walk(const void *data, size_t len, struct pf_arena *arena,
				     struct pf_report_index *ret_index);

#endif
