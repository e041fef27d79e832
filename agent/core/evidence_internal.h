/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of evidence hand one another. */
#ifndef PF_CORE_EVIDENCE_INTERNAL_H
#define PF_CORE_EVIDENCE_INTERNAL_H

#include "core/evidence.h"

/** pf_evidence_raise_cell() - @to becomes what both say of one hour or day. */
void pf_evidence_raise_cell(struct pf_memory_cell *to, const struct pf_memory_cell *from);

/** pf_evidence_reserve_peaks() - room for @more peaks. Return: 0; -ENOMEM, then nothing has changed. */
PF_MUST_CHECK int pf_evidence_reserve_peaks(struct pf_evidence *evidence, uint32_t more);

/** pf_evidence_put_peak() - takes one; room was reserved. In a full table the oldest becomes final as it is. */
void pf_evidence_put_peak(struct pf_evidence *evidence, const struct pf_vpa_slice_peak *peak);

/** pf_evidence_settle_peaks() - those that get no later word become final. */
void pf_evidence_settle_peaks(struct pf_evidence *evidence);

/** pf_evidence_add_vpa() - VPA's part of a slice; room for its peaks was reserved. */
void pf_evidence_add_vpa(struct pf_evidence *evidence, uint64_t instance,
			 const struct pf_slice *slice);

#endif
