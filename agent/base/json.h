/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json.h - values written as JSON. Failures are kept in the buffer's err.
 */
#ifndef PF_BASE_JSON_H
#define PF_BASE_JSON_H

#include "base/buf.h"

/** pf_json_string() - @text in quotes, escaped; bytes that are not UTF-8 become U+FFFD, control
 * bytes \u00xx. */
void pf_json_string(struct pf_buf *out, const char *text);

/** pf_json_double() - the fewest digits that read back as the same number; null for NaN and
 * infinity. */
void pf_json_double(struct pf_buf *out, double value);

#endif
