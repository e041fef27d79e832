/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PF_REPORT_ADVICE_INTERNAL_H
#define PF_REPORT_ADVICE_INTERNAL_H

#include "core/units.h"
#include "report/advice_out.h"
#include "report/emit.h"

void pf_advice_table(const struct pf_view_row *rows, size_t nr_rows, struct pf_buf *buf);
void pf_advice_csv(const struct pf_view_row *rows, size_t nr_rows, struct pf_buf *buf);
void pf_advice_data(const struct pf_view_row *rows, size_t nr_rows, bool yaml, struct pf_buf *buf);

/** pf_advice_clean() - @text without control characters, for a terminal or a comment. */
void pf_advice_clean(struct pf_buf *buf, const char *text);

#endif
