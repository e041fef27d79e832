/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_client.h - HTTP requests on the loop (libcurl). Nothing blocks; bodies are handed on as they
 * come.
 *
 * HTTP/1.1 only, no redirects, no proxy from the environment, no cookies. Credentials are read from
 * their files for each request, so a rotated token is used at once, and never appear in an error
 * text.
 */
#ifndef PF_SYS_HTTP_CLIENT_H
#define PF_SYS_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "sys/loop.h"

struct pf_http;
struct pf_http_call;

/* How a server is trusted and how we show who we are. NULL: not used. Strings are copied. */
struct pf_http_opts {
	const char *ca_file;	/* PEM; NULL: the system's */
	const char *token_file; /* sent as "Authorization: Bearer ..." */
	const char *cert_file, *key_file;
	const char *unix_socket; /* connect to this socket whatever the URL's host is */
	bool insecure;		 /* do not verify the server's certificate */
};

struct pf_http_result {
	/* 0: an answer came, see status; -ETIMEDOUT, -ECONNREFUSED, -EHOSTUNREACH, -ECONNRESET
	 * (cut off), -EPROTO (TLS or HTTP), -EFBIG, -EACCES (a file cannot be read), -EIO, or what
	 * on_body returned */
	int err;
	long status;		 /* HTTP, 0 if none came */
	uint64_t retry_after_ns; /* as the server asks; 0: it does not */
	uint64_t nr_bytes;	 /* of body */
	const char *error;	 /* in words; "" if err is 0 */
};

struct pf_http_call_opts {
	const char *method; /* "GET", "POST" */
	const char *url;
	const char *const *headers; /* "Name: value", NULL-terminated; may be NULL */
	const void *body;	    /* copied; NULL: none */
	size_t body_len;
	uint64_t connect_ns; /* to have a connection, TLS included; 0: 5 s */
	uint64_t total_ns;   /* for the whole call; 0: 30 s */
	uint64_t silence_ns; /* gives up when nothing came for so long; 0: does not */
	uint64_t max_body;   /* of the answer; 0: none is wanted beyond 64 KiB */

	/* A piece of the answer's body, of any status; optional. @status: of this answer. Return:
	 * 0, or an error that ends the call. */
	int (*on_body)(void *arg, long status, const void *data, size_t len);
	/* The call has ended, and is gone when this returns. @result is borrowed. */
	void (*on_done)(void *arg, const struct pf_http_result *result);
	void *arg;
};

/** pf_http_new() - Return: 0; -ENOMEM; -errno. @loop must outlive it. SIGPIPE is ignored from then
 * on. */
PF_MUST_CHECK int pf_http_new(struct pf_loop *loop, const struct pf_http_opts *opts,
			      struct pf_http **ret_http);

/** pf_http_free() - ends all calls without on_done. Accepts NULL. Not from within a callback of its
 * own calls. */
void pf_http_free(struct pf_http *http);
PF_DEFINE_AUTO(struct pf_http *, pf_http_free);

/**
 * pf_http_start() - begins a call; on_done comes later, never from within. Strings are copied.
 * @ret_call: may be NULL; valid until on_done.
 * Return: 0; -ENOMEM; -EINVAL (method); -errno: the token file cannot be read. What goes wrong
 * later comes with on_done.
 */
PF_MUST_CHECK int pf_http_start(struct pf_http *http, const struct pf_http_call_opts *request,
				struct pf_http_call **ret_call);

/** pf_http_url_is_valid() - whether @url has a scheme this client speaks, http or https, and a host. */
bool pf_http_url_is_valid(const char *url);

/** pf_http_escape() - appends @text percent-encoded for a query or path segment to @ret (at most
 * @size with the NUL).
 * Return: 0; -ENOSPC. */
PF_MUST_CHECK int pf_http_escape(const char *text, char *ret, size_t size);

#endif
