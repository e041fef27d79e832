/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evidence_save.h - evidence as bytes, for checkpoints: little-endian, with a version.
 */
#ifndef PF_CORE_EVIDENCE_SAVE_H
#define PF_CORE_EVIDENCE_SAVE_H

#include "base/buf.h"
#include "core/evidence.h"

/** pf_evidence_save() - appends it. Return: 0; -ENOMEM, -ENOSPC of the buffer. */
PF_MUST_CHECK int pf_evidence_save(const struct pf_evidence *evidence, struct pf_buf *buf);

/**
 * pf_evidence_load() - evidence from what pf_evidence_save() gave; all of @size belongs to it.
 * Return: 0; -EBADMSG: cut short, too long, or a value out of its range; -EOPNOTSUPP: a
 * version of a newer podfit, older ones are read; -ENOMEM.
 */
PF_MUST_CHECK int pf_evidence_load(const void *data, size_t size,
				   struct pf_evidence **ret_evidence);

#endif
