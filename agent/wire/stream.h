/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream.h - files and streams of messages, each with its length as a varint before it.
 */
#ifndef PF_WIRE_STREAM_H
#define PF_WIRE_STREAM_H

#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "wire/wire.h"

/** pf_stream_prefix() - appends the length of a message of @len bytes; the message follows. */
int pf_stream_prefix(struct pf_buf *out, size_t len);

struct pf_stream_reader {
	ssize_t (*read)(void *arg, void *data, size_t len); /* bytes, 0 at the end, -errno */
	void *arg;
	uint64_t offset;	 /* of the next byte to be read */
	uint64_t message_offset; /* of the message last returned (after its length) */
	uint64_t nr_messages;
	struct pf_buf message;
};

/** pf_stream_init() - reads with @read(@arg); messages larger than @max_message are damage. */
void pf_stream_init(struct pf_stream_reader *reader,
		    ssize_t (*read)(void *arg, void *data, size_t len), void *arg,
		    size_t max_message);
void pf_stream_done(struct pf_stream_reader *reader);

/**
 * pf_stream_next() - the next message in reader->message.
 * @ret_error: on -EBADMSG, the offset counts from the beginning of the stream.
 * Return: 1; 0 at the end; -EBADMSG: cut off or no length; -ENOMEM; or what read gave.
 */
PF_MUST_CHECK int pf_stream_next(struct pf_stream_reader *reader, struct pf_wire_error *ret_error);

#endif
