// SPDX-License-Identifier: Apache-2.0
#include "base/buf.h"

#include <errno.h>
#include <string.h>

void pf_buf_init(struct pf_buf *buf, size_t max_len)
{
	*buf = (struct pf_buf){ .max_len = max_len };
}

void pf_buf_done(struct pf_buf *buf)
{
	free(buf->data);
	pf_buf_init(buf, buf->max_len);
}

void pf_buf_reset(struct pf_buf *buf)
{
	pf_buf_undo(buf, 0);
}

int pf_buf_reserve(struct pf_buf *buf, size_t len, char **ret_place)
{
	if (buf->err)
		return buf->err;
	if (len > buf->max_len || buf->len > buf->max_len - len)
		return buf->err = -ENOSPC;
	/* One byte more for the NUL; max_len is a size of real memory, so + 1 does not wrap. */
	if (buf->len + len + 1 > buf->cap) {
		size_t cap = buf->cap ? buf->cap : 64;

		while (cap < buf->len + len + 1)
			cap = cap > SIZE_MAX / 2 ? buf->len + len + 1 : cap * 2;
		char *data = realloc(buf->data, cap);

		if (!data)
			return buf->err = -ENOMEM;
		buf->data = data;
		buf->cap = cap;
	}
	*ret_place = buf->data + buf->len;
	return 0;
}

void pf_buf_wrote(struct pf_buf *buf, size_t len)
{
	buf->len += len;
	buf->data[buf->len] = '\0';
}

void pf_buf_undo(struct pf_buf *buf, size_t len)
{
	buf->len = len;
	buf->err = 0;
	if (buf->data)
		buf->data[len] = '\0';
}

int pf_buf_add(struct pf_buf *buf, const void *data, size_t len)
{
	char *place;
	int r = pf_buf_reserve(buf, len, &place);

	if (r < 0)
		return r;
	if (len)
		memcpy(place, data, len);
	pf_buf_wrote(buf, len);
	return 0;
}

int pf_buf_adds(struct pf_buf *buf, const char *text)
{
	return pf_buf_add(buf, text, strlen(text));
}

static int vaddf(struct pf_buf *buf, const char *format, va_list args)
{
	va_list again;
	char *place;

	va_copy(again, args);
	int len = vsnprintf(NULL, 0, format, again);

	va_end(again);
	if (len < 0)
		return buf->err = -EINVAL;

	int r = pf_buf_reserve(buf, (size_t)len, &place);

	if (r < 0)
		return r;
	(void)vsnprintf(place, (size_t)len + 1, format, args); /* its length is known */
	buf->len += (size_t)len;
	return 0;
}

int pf_buf_addf(struct pf_buf *buf, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int r = vaddf(buf, format, args);

	va_end(args);
	return r;
}

char *pf_buf_steal(struct pf_buf *buf)
{
	char *data = pf_take(buf->data);

	pf_buf_init(buf, buf->max_len);
	return data;
}
