/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buf.h - a growing byte buffer that is given its maximum at birth.
 */
#ifndef PF_BASE_BUF_H
#define PF_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

/*
 * Plain value: data is NUL-terminated after every successful append (len does not count the NUL).
 * After the first failed append the buffer keeps what it had and err is set, so that a long run of
 * appends needs one check at its end.
 */
struct pf_buf {
	char *data; /* NULL while nothing was appended */
	size_t len;
	size_t cap;
	size_t max_len; /* appends beyond it fail with -ENOSPC */
	int err;	/* 0, or the first failure: -ENOMEM, -ENOSPC */
};

/** pf_buf_init() - an empty buffer that never holds more than @max_len bytes. */
void pf_buf_init(struct pf_buf *buf, size_t max_len);

/** pf_buf_done() - frees the memory; the buffer is empty again, with the same maximum. */
void pf_buf_done(struct pf_buf *buf);

/** pf_buf_reset() - empties the buffer, keeps its memory, forgets its error. */
void pf_buf_reset(struct pf_buf *buf);

/**
 * pf_buf_add() - appends @len bytes.
 * Return: 0; -ENOSPC beyond the maximum; -ENOMEM. The result may be ignored: buf->err keeps it.
 */
int pf_buf_add(struct pf_buf *buf, const void *data, size_t len);
int pf_buf_adds(struct pf_buf *buf, const char *text);
int pf_buf_addf(struct pf_buf *buf, const char *format, ...) PF_PRINTF(2, 3);

/** pf_buf_reserve() - makes room for @len more bytes and gives the place to write them;
 * pf_buf_wrote() says how many of them were. */
int pf_buf_reserve(struct pf_buf *buf, size_t len, char **ret_place);
void pf_buf_wrote(struct pf_buf *buf, size_t len);

/** pf_buf_undo() - back to @len bytes and no error: for a caller that gives up an append which began
 * when there was none. */
void pf_buf_undo(struct pf_buf *buf, size_t len);

/** pf_buf_steal() - the text, owned by the caller from now on (free()); NULL if it is empty. */
char *pf_buf_steal(struct pf_buf *buf);

#endif
