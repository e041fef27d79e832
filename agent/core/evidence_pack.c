// SPDX-License-Identifier: Apache-2.0
#include "core/evidence_pack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/evidence_save.h"

enum {
	SAVED_MAX = 1 << 20, /* with all peaks and instances it may have, some 420 KB */
	RUN_MIN = 4,	     /* zeros: a shorter run costs as much to tell as to keep */
};

static size_t zeros_at(const unsigned char *data, size_t left)
{
	size_t n = 0;

	while (n < left && !data[n])
		n++;
	return n;
}

/* Bytes up to the next run of zeros that is worth telling. */
static size_t bytes_at(const unsigned char *data, size_t left)
{
	size_t n = 0;

	while (n < left) {
		size_t zeros = zeros_at(data + n, left - n);

		if (zeros >= RUN_MIN || n + zeros == left)
			break;
		n += zeros + 1;
	}
	return PF_MIN(n, left);
}

static void add_number(struct pf_buf *out, size_t value)
{
	unsigned char bytes[10];
	size_t n = 0;

	for (; value >= 0x80; value >>= 7)
		bytes[n++] = (unsigned char)(value | 0x80);
	bytes[n++] = (unsigned char)value;
	(void)pf_buf_add(out, bytes, n); /* out->err keeps it */
}

/* Pairs: so many bytes, which follow, and then so many zeros. */
static int add_runs(struct pf_buf *out, const unsigned char *data, size_t left)
{
	while (left) {
		size_t bytes = bytes_at(data, left);
		size_t zeros = zeros_at(data + bytes, left - bytes);

		add_number(out, bytes);
		(void)pf_buf_add(out, data, bytes);
		add_number(out, zeros);
		data += bytes + zeros;
		left -= bytes + zeros;
	}
	return out->err;
}

static int take_number(const unsigned char **at, const unsigned char *end, size_t *ret_value)
{
	size_t value = 0;

	for (unsigned shift = 0; *at < end && shift < 28; shift += 7) {
		unsigned char byte = *(*at)++;

		value |= (size_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*ret_value = value;
			return 0;
		}
	}
	return -EBADMSG;
}

static int take_runs(struct pf_buf *out, const unsigned char *at, const unsigned char *end)
{
	while (at < end) {
		size_t bytes, zeros;
		char *place;
		int r = take_number(&at, end, &bytes);

		if (r == 0 && bytes > (size_t)(end - at))
			r = -EBADMSG;
		if (r == 0)
			r = pf_buf_add(out, at, bytes);
		if (r < 0)
			return r;
		at += bytes;
		r = take_number(&at, end, &zeros);
		if (r == 0)
			r = pf_buf_reserve(out, zeros, &place);
		if (r < 0)
			return r;
		memset(place, 0, zeros);
		pf_buf_wrote(out, zeros);
	}
	return 0;
}

int pf_evidence_pack(const struct pf_evidence *evidence, struct pf_evidence_packed *ret_packed)
{
	struct pf_evidence_packed packed = { NULL, 0 };
	struct pf_buf saved, runs;
	int r;

	pf_buf_init(&saved, SAVED_MAX);
	pf_buf_init(&runs, SAVED_MAX);
	r = pf_evidence_save(evidence, &saved);
	if (r == 0)
		r = add_runs(&runs, (const unsigned char *)saved.data, saved.len);
	if (r == 0) {
		packed.data = malloc(runs.len); /* just as much: buffers double */
		packed.size = runs.len;
		if (packed.data)
			memcpy(packed.data, runs.data, runs.len);
		else
			r = -ENOMEM;
	}
	pf_buf_done(&saved);
	pf_buf_done(&runs);
	if (r == 0)
		*ret_packed = packed;
	return r;
}

int pf_evidence_unpack(const struct pf_evidence_packed *packed, struct pf_evidence **ret_evidence)
{
	struct pf_buf saved;
	int r;

	pf_buf_init(&saved, SAVED_MAX);
	r = take_runs(&saved, packed->data, packed->data + packed->size);
	if (r == 0)
		r = pf_evidence_load(saved.data, saved.len, ret_evidence);
	pf_buf_done(&saved);
	return r == -ENOSPC || r == -EOPNOTSUPP ? -EBADMSG : r;
}

void pf_evidence_packed_done(struct pf_evidence_packed *packed)
{
	free(packed->data);
	*packed = (struct pf_evidence_packed){ NULL, 0 };
}
