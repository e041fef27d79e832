// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

void pf_json_string(struct pf_buf *out, const char *text)
{
	size_t len = strlen(text), n;

	(void)pf_buf_adds(out, "\"");
	for (; len; text += n, len -= n) {
		n = pf_utf8_len(text, len);
		if (!n) {
			(void)pf_buf_adds(out, "\\ufffd");
			n = 1;
		} else if (*text == '"' || *text == '\\') {
			(void)pf_buf_addf(out, "\\%c", *text);
		} else if ((unsigned char)*text < 0x20 || *text == 0x7f) {
			(void)pf_buf_addf(out, "\\u%04x", (unsigned)*text);
		} else {
			(void)pf_buf_add(out, text, n);
		}
	}
	(void)pf_buf_adds(out, "\"");
}

void pf_json_double(struct pf_buf *out, double value)
{
	char text[32];

	if (!isfinite(value)) {
		(void)pf_buf_adds(out, "null");
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		(void)snprintf(text, sizeof(text), "%.*g", digits, value); /* fits: 24 at most */
		if (strtod(text, NULL) == value)
			break;
	}
	(void)pf_buf_adds(out, text);
}
