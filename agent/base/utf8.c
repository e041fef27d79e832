// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

#include <string.h>

size_t pf_utf8_len(const char *text, size_t left)
{
	const unsigned char *p = (const unsigned char *)text;
	unsigned char low = 0x80, high = 0xbf; /* of the second byte */
	size_t n;

	if (*p < 0x80)
		return 1;
	if (*p < 0xc2 || *p > 0xf4)
		return 0;
	n = *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;
	if (n > left)
		return 0;
	if (*p == 0xe0)
		low = 0xa0;
	else if (*p == 0xed)
		high = 0x9f;
	else if (*p == 0xf0)
		low = 0x90;
	else if (*p == 0xf4)
		high = 0x8f;
	if (p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

/* How much of @text is well-formed from its beginning. */
static size_t valid_len(const char *text, size_t len)
{
	size_t at = 0, n;

	while (at < len && (n = pf_utf8_len(text + at, len - at)) != 0)
		at += n;
	return at;
}

bool pf_utf8_is_valid(const char *text)
{
	size_t len = strlen(text);

	return valid_len(text, len) == len;
}

void pf_utf8_clean(char *text)
{
	size_t left = strlen(text), good;

	while ((good = valid_len(text, left)) < left) {
		text[good] = '?';
		text += good + 1;
		left -= good + 1;
	}
}
