// SPDX-License-Identifier: Apache-2.0
#include "collector/ingest/gunzip.h"

#include <errno.h>
#include <libdeflate.h>
#include <limits.h>
#include <string.h>
#include <zlib.h>

enum {
	WINDOW_GZIP = 15 + 16, /* the largest window; + 16: a gzip header, nothing else */
	CHUNK = 65536,
	GZIP_MIN = 18,	  /* header and trailer */
	RATIO_MAX = 1032, /* of deflate */
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

/*
 * The usual case, three times as fast: one member, as large as its trailer says. Nothing it does with
 * another one is taken.
 * Return: 0; -EAGAIN: it is not that case; -EBADMSG; -ENOMEM.
 */
static int gunzip_whole(const uint8_t *data, size_t len, struct pf_buf *out)
{
	struct libdeflate_decompressor *d;
	enum libdeflate_result result;
	size_t used = 0, got = 0;
	uint32_t size;
	char *place;
	int r;

	if (len < GZIP_MIN)
		return -EAGAIN;
	memcpy(&size, data + len - sizeof(size), sizeof(size)); /* little endian, as we are */
	if (!size || size > out->max_len - out->len || size / RATIO_MAX > len)
		return -EAGAIN;
	r = pf_buf_reserve(out, size, &place);
	if (r < 0)
		return r;
	d = libdeflate_alloc_decompressor();
	if (!d)
		return -ENOMEM;
	result = libdeflate_gzip_decompress_ex(d, data, len, place, size, &used, &got);
	libdeflate_free_decompressor(d);
	if (result == LIBDEFLATE_BAD_DATA)
		return -EBADMSG;
	if (result != LIBDEFLATE_SUCCESS || used != len)
		return -EAGAIN;
	out->len += got;
	out->data[out->len] = '\0';
	return 0;
}

int pf_gunzip(const void *data, size_t len, struct pf_buf *out)
{
	z_stream z = { 0 };
	int r;

	if (len > UINT_MAX)
		return -EFBIG;
	r = gunzip_whole(data, len, out);
	if (r != -EAGAIN)
		return r;
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
