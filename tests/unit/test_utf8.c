// SPDX-License-Identifier: Apache-2.0
/* Text that has to be UTF-8: what is, and what becomes of the rest. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "unit/check.h"

static const struct text_case {
	const char *name, *text, *clean;
} text_cases[] = {
	{ "nothing", "", "" },
	{ "ASCII", "web-1", "web-1" },
	{ "two, three and four bytes", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\xb3",
	  "\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\xb3" },
	{ "no character begins so",
	  "a\xff"
	  "b",
	  "a?b" },
	{ "the rest of none", "\x80\xbf", "??" },
	{ "cut at the end", "ab\xe2\x82", "ab??" },
	{ "cut before another", "\xe2\x82\xc3\xa9", "??\xc3\xa9" },
	{ "overlong", "\xc0\xaf", "??" },
	{ "half of a pair", "\xed\xa0\x80", "???" },
};

static void test_clean(void)
{
	for (size_t i = 0; i < PF_ARRAY_SIZE(text_cases); i++) {
		const struct text_case *c = &text_cases[i];
		char text[32];

		(void)snprintf(text, sizeof(text), "%s", c->text);
		PF_CHECK_INT(c->name, pf_utf8_is_valid(text), !strcmp(c->text, c->clean));
		pf_utf8_clean(text);
		PF_CHECK_STR(c->name, text, c->clean);
		PF_CHECK(c->name, pf_utf8_is_valid(text));
	}
}

PF_TEST_SUITE(utf8, { "clean", test_clean });
