// SPDX-License-Identifier: Apache-2.0
#include "wire/stream.h"

#include <errno.h>
#include <stdio.h>

enum {
	PREFIX_MAX = 10,
	STEP = 64 << 10, /* a length is only a claim: memory grows with what really comes */
};

int pf_stream_prefix(struct pf_buf *out, size_t len)
{
	uint8_t bytes[PREFIX_MAX];
	size_t n = 0;

	for (; len >= 0x80; len >>= 7)
		bytes[n++] = (uint8_t)(len | 0x80);
	bytes[n++] = (uint8_t)len;
	return pf_buf_add(out, bytes, n);
}

void pf_stream_init(struct pf_stream_reader *reader,
		    ssize_t (*read)(void *arg, void *data, size_t len), void *arg,
		    size_t max_message)
{
	*reader = (struct pf_stream_reader){ .read = read, .arg = arg };
	pf_buf_init(&reader->message, max_message);
}

void pf_stream_done(struct pf_stream_reader *reader)
{
	pf_buf_done(&reader->message);
}

static int damaged(struct pf_wire_error *error, uint64_t offset, const char *reason)
{
	error->offset = offset;
	(void)snprintf(error->reason, sizeof(error->reason), "%s", reason); /* cut if too long */
	return -EBADMSG;
}

/* Return: 1 with a length; 0 at the end; negative. */
static int read_prefix(struct pf_stream_reader *reader, uint64_t *ret_len,
		       struct pf_wire_error *error)
{
	uint64_t start = reader->offset, len = 0;

	for (unsigned i = 0; i < PREFIX_MAX; i++) {
		uint8_t byte;
		ssize_t n = reader->read(reader->arg, &byte, 1);

		if (n < 0)
			return (int)n;
		if (n == 0)
			return i ? damaged(error, start, "the length of a message is cut off") : 0;
		reader->offset++;
		len |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (!(byte & 0x80)) {
			*ret_len = len;
			return 1;
		}
	}
	return damaged(error, start, "no length of a message");
}

static int read_body(struct pf_stream_reader *reader, uint64_t len, struct pf_wire_error *error)
{
	while (reader->message.len < len) {
		size_t want = PF_MIN((size_t)(len - reader->message.len), (size_t)STEP);
		char *place;
		ssize_t n;
		int r = pf_buf_reserve(&reader->message, want, &place);

		if (r < 0)
			return r;
		n = reader->read(reader->arg, place, want);
		if (n < 0)
			return (int)n;
		if (n == 0) {
			error->offset = reader->offset;
			(void)snprintf(error->reason, sizeof(error->reason),
				       "a message of %llu bytes is cut off after %zu",
				       (unsigned long long)len, reader->message.len);
			return -EBADMSG;
		}
		pf_buf_wrote(&reader->message, (size_t)n);
		reader->offset += (size_t)n;
	}
	return 1;
}

int pf_stream_next(struct pf_stream_reader *reader, struct pf_wire_error *ret_error)
{
	uint64_t start = reader->offset, len = 0;
	int r = read_prefix(reader, &len, ret_error);

	if (r <= 0)
		return r;
	if (len > reader->message.max_len) {
		ret_error->offset = start;
		(void)snprintf(ret_error->reason, sizeof(ret_error->reason),
			       "a message of %llu bytes: more than the %zu that are taken",
			       (unsigned long long)len, reader->message.max_len);
		return -EBADMSG;
	}
	pf_buf_reset(&reader->message);
	reader->message_offset = reader->offset;
	r = read_body(reader, len, ret_error);
	if (r == 1)
		reader->nr_messages++;
	return r;
}
