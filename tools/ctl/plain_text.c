// SPDX-License-Identifier: Apache-2.0
#include "ctl/plain_text.h"

#include <langinfo.h>
#include <locale.h>
#include <string.h>

#include "base/cleanup.h"

static const struct sign {
	const char *utf8, *ascii;
} signs[] = {
	{ "\xe2\x88\x92", "-" }, /* minus */
	{ "\xc2\xb5", "u" },	 /* micro */
};

bool pf_plain_text_is_utf8(void)
{
	/* Of its own, so that numbers are written with a point wherever podfit runs. */
	locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
	bool is;

	if (!locale) /* the environment names one that is not installed */
		return false;
	is = !strcmp(nl_langinfo_l(CODESET, locale), "UTF-8");
	freelocale(locale);
	return is;
}

static const struct sign *sign_at(const char *text, size_t len)
{
	for (size_t i = 0; i < PF_ARRAY_SIZE(signs); i++) {
		size_t n = strlen(signs[i].utf8);

		if (n <= len && !memcmp(text, signs[i].utf8, n))
			return &signs[i];
	}
	return NULL;
}

void pf_plain_text_write(const char *text, size_t len, bool utf8, FILE *out)
{
	size_t from = 0;

	for (size_t at = 0; at < len && !utf8;) {
		const struct sign *sign = sign_at(text + at, len - at);

		if (!sign) {
			at++;
			continue;
		}
		(void)fwrite(text + from, 1, at - from, out);
		(void)fputs(sign->ascii, out);
		from = at += strlen(sign->utf8);
	}
	(void)fwrite(text + from, 1, len - from, out);
}
