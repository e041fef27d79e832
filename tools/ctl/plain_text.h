/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plain_text.h - text for a terminal or a pipe, in what its locale can show.
 */
#ifndef PF_CTL_PLAIN_TEXT_H
#define PF_CTL_PLAIN_TEXT_H

#include <stdbool.h>
#include <stdio.h>

/** pf_plain_text_is_utf8() - whether the locale of the environment has UTF-8. */
bool pf_plain_text_is_utf8(void);

/** pf_plain_text_write() - writes @len bytes of UTF-8 to @out, without @utf8 the signs podfit uses (minus, micro) as
 * ASCII; names are left as they are. The caller looks at ferror(). */
void pf_plain_text_write(const char *text, size_t len, bool utf8, FILE *out);

#endif
