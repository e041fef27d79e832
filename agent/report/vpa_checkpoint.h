/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vpa_checkpoint.h - VPA's checkpoint as the JSON status of a VerticalPodAutoscalerCheckpoint
 * object.
 *
 * So that history can be taken over from a running VPA, and given back to one.
 */
#ifndef PF_REPORT_VPA_CHECKPOINT_H
#define PF_REPORT_VPA_CHECKPOINT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "core/vpa_model.h"

enum { PF_VPA_CHECKPOINT_TEXT_MAX = 65536 }; /* a full one has about 5 KiB */

/**
 * pf_vpa_checkpoint_format() - appends the status object, one line, times in whole seconds UTC.
 * @updated_ns: lastUpdateTime; PF_VPA_NO_TIME writes null.
 * Return: 0; the buffer's error.
 */
int pf_vpa_checkpoint_format(const struct pf_vpa_checkpoint *checkpoint, int64_t updated_ns,
			     struct pf_buf *buf);

/**
 * pf_vpa_checkpoint_parse() - reads the status object, or a whole checkpoint object with a status
 * in it.
 * @ret_reason: a constant text, set only when -EBADMSG is returned. May be NULL.
 *
 * Unknown members are ignored. Times may carry fractions and offsets.
 * Return: 0; -EBADMSG for anything that VPA would not load: other version, wrong types, bucket
 * beyond the scale, negative total; -E2BIG; -ENOMEM.
 */
PF_MUST_CHECK int pf_vpa_checkpoint_parse(const char *text, size_t len, const char **ret_reason,
					  struct pf_vpa_checkpoint *ret_checkpoint);

#endif
