/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client.h - GET from the agent's socket or a collector's URL. Blocks, within a time-out.
 */
#ifndef PF_CTL_CLIENT_H
#define PF_CTL_CLIENT_H

#include <stddef.h>

#include <stdbool.h>

#include "base/buf.h"
#include "base/cleanup.h"

struct pf_client;

struct pf_client_opts {
	const char *where;	/* path of a unix socket, or http(s)://HOST[:PORT][/PREFIX] */
	const char *token_file; /* NULL: no bearer token */
	const char *ca_file;	/* NULL: the system's */
	const char *cert_file, *key_file; /* NULL: no client certificate */
	long timeout_s;			  /* 0: 10 */
};

/** pf_client_new() - @opts' strings are copied. Return: 0; -ENOMEM; -EINVAL; -errno of reading the
 * token; @error says what. */
PF_MUST_CHECK int pf_client_new(const struct pf_client_opts *opts, struct pf_client **ret_client,
				char *error, size_t error_size);
void pf_client_free(struct pf_client *client); /* accepts NULL */
PF_DEFINE_AUTO(struct pf_client *, pf_client_free);

/**
 * pf_client_get() - appends the body to @out.
 * @path: with its query, such as "/v1/report?slices=false".
 * @accept: media type wanted.
 * An answer 503 with Retry-After is asked for again for half a minute, with a line of progress.
 * Return: 0; -ENOENT, -ECONNREFUSED: nobody answers there; -EACCES; -ETIMEDOUT; -EPROTO: an answer
 * that is no success; -EFBIG; -EIO. @error says what, in words.
 */
PF_MUST_CHECK int pf_client_get(struct pf_client *client, const char *path, const char *accept,
				struct pf_buf *out, char *error, size_t error_size);

/** pf_client_is_behind() - the newest answer, a collector's, said that reports are stored which are not
 * merged into it yet. */
bool pf_client_is_behind(struct pf_client *client);

/** pf_client_add_query() - appends "?name=value", or "&name=value", to @path, which is not empty.
 * Return: 0; the buffer's error. */
int pf_client_add_query(struct pf_buf *path, const char *name, const char *value);

#endif
