// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>

#include "collector/ingest/gunzip.h"
#include "unit/check.h"

enum { TEXT_LEN = 100000, OUT_MAX = 1 << 20, TRAILER = 8 };

static void pack(const char *text, size_t len, struct pf_buf *out)
{
	PF_CHECK_INT("pack", pf_gzip(text, len, out), 0);
}

static char *make_text(void)
{
	char *text = malloc(TEXT_LEN);

	for (size_t i = 0; text && i < TEXT_LEN; i++)
		text[i] = (char)('a' + i * i % 23);
	return text;
}

static void check_out(const char *name, const struct pf_buf *packed, size_t max, int want,
		      size_t want_len)
{
	struct pf_buf out;

	pf_buf_init(&out, max);
	PF_CHECK_INT("begin", pf_buf_add(&out, "x", 1), 0);
	PF_CHECK_INT(name, pf_gunzip(packed->data, packed->len, &out), want);
	if (want == 0)
		PF_CHECK_INT(name, out.len, want_len + 1); /* appended */
	if (want == 0)
		PF_CHECK(name, out.data[0] == 'x' && !out.data[out.len]);
	pf_buf_done(&out);
}

static void test_members(void)
{
	PF_AUTO(pf_freep) char *text = make_text();
	struct pf_buf packed;

	if (!text)
		return;
	pf_buf_init(&packed, OUT_MAX);
	pack(text, TEXT_LEN, &packed);
	check_out("one", &packed, OUT_MAX, 0, TEXT_LEN);
	check_out("exactly as large as it may be", &packed, TEXT_LEN + 1, 0, TEXT_LEN);
	check_out("a byte larger than it may be", &packed, TEXT_LEN, -EFBIG, 0);
	pack(text, 10, &packed);
	check_out("two", &packed, OUT_MAX, 0, TEXT_LEN + 10);
	pack(text, 0, &packed);
	check_out("and an empty one", &packed, OUT_MAX, 0, TEXT_LEN + 10);
	check_out("too large together", &packed, TEXT_LEN + 5, -EFBIG, 0);
	PF_CHECK_INT("add", pf_buf_add(&packed, "tail", 4), 0);
	check_out("something behind it", &packed, OUT_MAX, -EBADMSG, 0);
	pf_buf_done(&packed);
}

/* Every byte changed and every length cut: never more than allowed, never taken as something else. */
static void test_damage(void)
{
	PF_AUTO(pf_freep) char *text = make_text();
	struct pf_buf packed, out;

	if (!text)
		return;
	pf_buf_init(&packed, OUT_MAX);
	pf_buf_init(&out, OUT_MAX);
	pack(text, 500, &packed);
	for (size_t i = 0; i < packed.len; i++) {
		packed.data[i] ^= 0x10;
		pf_buf_reset(&out);
		int r = pf_gunzip(packed.data, packed.len, &out);

		PF_CHECK("answer",
			 r == -EBADMSG || r == -EFBIG ||
				 (r == 0 && out.len == 500 && !memcmp(out.data, text, 500)));
		packed.data[i] ^= 0x10;
		pf_buf_reset(&out);
		PF_CHECK_INT("cut", pf_gunzip(packed.data, i, &out), -EBADMSG);
	}
	pf_buf_done(&out);
	pf_buf_done(&packed);
}

/* The trailer's length is the sender's word: too small, too large or absurd, it makes no difference to
 * what is refused. */
static void test_lying_length(void)
{
	static const uint32_t lengths[] = { 0, 1, 499, 501, 100000, 0x7fffffff, 0xffffffff };
	PF_AUTO(pf_freep) char *text = make_text();
	struct pf_buf packed;

	if (!text)
		return;
	pf_buf_init(&packed, OUT_MAX);
	pack(text, 500, &packed);
	for (size_t i = 0; i < PF_ARRAY_SIZE(lengths); i++) {
		memcpy(packed.data + packed.len - 4, &lengths[i], 4);
		check_out("wrong length", &packed, OUT_MAX, -EBADMSG, 0);
		check_out("wrong length, little room", &packed, 100, -EFBIG, 0);
	}
	pf_buf_done(&packed);
}

PF_TEST_SUITE(gunzip, { "members", test_members }, { "damage", test_damage },
	      { "lying length", test_lying_length });
