/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evidence_pack.h - evidence at rest. Most of its buckets are zero, and it is looked at once a minute
 * at most, so it is kept as the bytes of evidence_save.h with runs of zeros told by their length: a
 * tenth to a fourth of the room, and equal to the bit when unpacked.
 */
#ifndef PF_CORE_EVIDENCE_PACK_H
#define PF_CORE_EVIDENCE_PACK_H

#include "core/evidence.h"

/* Owns its bytes; zeroed is empty. */
struct pf_evidence_packed {
	unsigned char *data;
	size_t size;
};

/** pf_evidence_pack() - Return: 0; -ENOMEM. */
PF_MUST_CHECK int pf_evidence_pack(const struct pf_evidence *evidence,
				   struct pf_evidence_packed *ret_packed);
/** pf_evidence_unpack() - Return: 0; -ENOMEM; -EBADMSG: not what pf_evidence_pack() gave. */
PF_MUST_CHECK int pf_evidence_unpack(const struct pf_evidence_packed *packed,
				     struct pf_evidence **ret_evidence);
void pf_evidence_packed_done(struct pf_evidence_packed *packed); /* empty again */

#endif
