// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl/plain_text.h"
#include "unit/check.h"

static void check_text(const char *name, const char *text, bool utf8, const char *want)
{
	char *got = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&got, &size);

	PF_CHECK(name, out != NULL);
	if (!out)
		return;
	pf_plain_text_write(text, strlen(text), utf8, out);
	(void)fclose(out);
	PF_CHECK_STR(name, got, want);
	free(got);
}

static void test_write(void)
{
	static const char text[] = "\xe2\x88\x92"
				   "20 MiB, 508 \xc2\xb5s, caf\xc3\xa9 \xe2\x88\x92";

	check_text("UTF-8", text, true, text);
	check_text("ASCII", text, false, "-20 MiB, 508 us, caf\xc3\xa9 -");
	check_text("a sign cut off", "a\xe2\x88", false, "a\xe2\x88");
	check_text("nothing", "", false, "");
}

static void test_locale(void)
{
	static const struct {
		const char *locale;
		bool want;
	} cases[] = { { "C", false }, { "C.UTF-8", true }, { "xx_XX.none", false } };
	const char *before = getenv("LC_ALL");
	char *kept = before ? strdup(before) : NULL;

	for (size_t i = 0; i < PF_ARRAY_SIZE(cases); i++) {
		(void)setenv("LC_ALL", cases[i].locale, 1);
		PF_CHECK_INT(cases[i].locale, pf_plain_text_is_utf8(), cases[i].want);
	}
	if (kept)
		(void)setenv("LC_ALL", kept, 1);
	else
		(void)unsetenv("LC_ALL");
	free(kept);
}

PF_TEST_SUITE(ctl_plain_text, { "write", test_write }, { "locale", test_locale });
