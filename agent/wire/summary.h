/* SPDX-License-Identifier: Apache-2.0 */
/*
 * summary.h - evidence to and from bytes, to be kept on disk (proto/evidence.proto).
 */
#ifndef PF_WIRE_SUMMARY_H
#define PF_WIRE_SUMMARY_H

#include "core/evidence.h"
#include "core/hour_point.h"
#include "wire/wire.h"

/**
 * pf_wire_encode_summary() - appends a Summary.
 * @points: the hours that @evidence was merged from; may be none.
 * Return: 0; -ENOMEM; -ENOSPC beyond the buffer's maximum.
 */
PF_MUST_CHECK int pf_wire_encode_summary(const struct pf_evidence *evidence,
					 const struct pf_hour_point *points, size_t nr_points,
					 struct pf_buf *out);

/**
 * pf_wire_decode_summary() - the evidence as it was, to the bit.
 * @settings: of the VPA histograms; as when it was encoded.
 * @ret_evidence: to be freed; NULL: the points are all that is wanted.
 * @ret_points: in @arena; NULL: not wanted.
 * Return: 0; -EBADMSG with *@ret_error; -ENOMEM; -ENOSPC from the arena.
 */
PF_MUST_CHECK int pf_wire_decode_summary(const void *data, size_t len,
					 const struct pf_vpa_settings *settings,
					 struct pf_arena *arena, struct pf_evidence **ret_evidence,
					 const struct pf_hour_point **ret_points, size_t *ret_nr,
					 struct pf_wire_error *ret_error);

#endif
