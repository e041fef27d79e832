// SPDX-License-Identifier: Apache-2.0
#include "collector/ingest/gunzip.h"

#include <errno.h>
#include <limits.h>
#include <zlib.h>

enum {
	WINDOW_GZIP = 15 + 16, /* the largest window; + 16: a gzip header, nothing else */
	CHUNK = 65536,
};

/* One call of inflate() into new room at the end of @out. */
static int inflate_some(z_stream *z, struct pf_buf *out)
{
	size_t room = PF_MIN((size_t)CHUNK, out->max_len - out->len);
	char *place, spare;

	/* At the maximum one byte more is asked for, to tell a full buffer from a finished one. */
	if (room) {
		int r = pf_buf_reserve(out, room, &place);

		if (r < 0)
			return r;
	} else {
		place = &spare;
	}
	z->next_out = (Bytef *)place;
	z->avail_out = room ? (uInt)room : 1;

	int rc = inflate(z, Z_NO_FLUSH);
	size_t nr = (room ? room : 1) - z->avail_out;

	if (!room && nr)
		return -EFBIG;
	out->len += room ? nr : 0;
	if (rc == Z_STREAM_END)
		return 1;
	if (rc == Z_MEM_ERROR)
		return -ENOMEM;
	/* No progress: the input is used up before the end of the stream. */
	if (rc != Z_OK || (!nr && !z->avail_in))
		return -EBADMSG;
	return 0;
}

static int inflate_all(z_stream *z, struct pf_buf *out)
{
	int r;

	do {
		while ((r = inflate_some(z, out)) == 0)
			;
		if (r == 1 && z->avail_in && inflateReset(z) != Z_OK)
			return -ENOMEM;
	} while (r == 1 && z->avail_in);
	if (r == 1 && out->data)
		out->data[out->len] = '\0';
	return r == 1 ? 0 : r;
}

int pf_gunzip(const void *data, size_t len, struct pf_buf *out)
{
	z_stream z = { 0 };
	int r;

	if (len > UINT_MAX)
		return -EFBIG;
	if (inflateInit2(&z, WINDOW_GZIP) != Z_OK)
		return -ENOMEM;
	z.next_in = (Bytef *)(uintptr_t)data; /* zlib does not write to it */
	z.avail_in = (uInt)len;
	r = inflate_all(&z, out);
	(void)inflateEnd(&z);
	return r;
}

int pf_gzip(const void *data, size_t len, struct pf_buf *out)
{
	z_stream z = { 0 };
	char *place;
	int r;

	if (len > UINT_MAX)
		return -EFBIG;
	if (deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, WINDOW_GZIP, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;

	size_t bound = deflateBound(&z, (uLong)len);

	r = pf_buf_reserve(out, bound, &place);
	if (r == 0) {
		z.next_in = (Bytef *)(uintptr_t)data;
		z.avail_in = (uInt)len;
		z.next_out = (Bytef *)place;
		z.avail_out = (uInt)bound;
		(void)deflate(&z, Z_FINISH); /* fits: that is what the bound is */
		out->len += bound - z.avail_out;
		out->data[out->len] = '\0';
	}
	(void)deflateEnd(&z);
	return r;
}
