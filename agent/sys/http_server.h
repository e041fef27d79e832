/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_server.h - an HTTP/1.1 server on a TCP or unix socket, for the agent's API and the
 * collector.
 *
 * A request reaches its handler once, with its whole body. The handler answers at once, or defers
 * and answers later from any thread. Everything a peer can make grow has a maximum, and what was
 * refused for it is counted.
 *
 * Two ways to run: with threads of its own (nr_threads > 0; handlers are called from them), or
 * inside an outer loop (nr_threads = 0): watch pf_http_server_fd() for reading, call
 * pf_http_server_run() when it is readable and when pf_http_server_timeout_ms() has passed.
 *
 * The HTTP itself is libmicrohttpd's; its types do not show here.
 */
#ifndef PF_SYS_HTTP_SERVER_H
#define PF_SYS_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

enum {
	PF_HTTP_IDLE_S = 60,		  /* no byte for so long: closed */
	PF_HTTP_REQUEST_S = 30,		  /* a body not complete by then: closed */
	PF_HTTP_HEADER_BYTES_MAX = 16384, /* with the request line; beyond it 431 or 414 */
};

struct pf_http_server;
struct pf_http_request;

enum pf_http_method {
	PF_HTTP_GET, /* also HEAD: the body is left out on the way */
	PF_HTTP_POST,
	PF_HTTP_OTHER,
};

/* What happened to this server's requests since its start; plain numbers, read at any time. */
struct pf_http_server_stats {
	uint64_t nr_connections; /* now */
	uint64_t nr_deferred;	 /* now: requests that wait for an answer */
	uint64_t body_bytes;	 /* now: held for requests in progress */
	uint64_t nr_accepted, nr_requests;
	uint64_t nr_refused_connections; /* max_connections reached, none could be evicted */
	uint64_t nr_evicted;		 /* idle or slow, gave way to a new connection */
	uint64_t nr_refused_bodies;	 /* larger than max_body_bytes */
	uint64_t nr_refused_budget;	 /* max_total_body_bytes was used up */
	uint64_t nr_refused_slow;	 /* body not there after PF_HTTP_REQUEST_S */
};

/* PEM texts. TLS is on when cert_pem is set. With client_ca_pem clients may show a certificate, which
 * is verified against it; whether they must is the handler's to say. */
struct pf_http_server_tls {
	const char *cert_pem, *key_pem, *client_ca_pem;
};

struct pf_http_server_opts {
	/* "127.0.0.1:9788", "[::1]:9788", "localhost:9788", ":9788" (all addresses), port 0 = any
	 * free one, or "unix:/path". A stale unix socket is replaced, a live one is not. */
	const char *listen;
	uint32_t unix_mode;  /* permissions of the unix socket; 0: 0660 */
	uint32_t nr_threads; /* 0: run from an outer loop */
	bool loopback_only;  /* refuse with -EACCES to listen where other hosts reach it */

	uint32_t max_connections;    /* 0: 256 */
	size_t max_body_bytes;	     /* 0: bodies are refused; beyond it 413 */
	size_t max_total_body_bytes; /* 0: 16 bodies; beyond it 503 with Retry-After */

	struct pf_http_server_tls tls; /* copied */

	void *arg;
	/*
	 * Optional. Called when the header is complete and before the body is read: true to go on;
	 * false after an answer (pf_http_reply*) to refuse. Not to be deferred.
	 */
	bool (*admit)(void *arg, struct pf_http_request *req);
	/* Must answer (pf_http_reply*) or call pf_http_defer(). */
	void (*handle)(void *arg, struct pf_http_request *req);
	/* Optional: libmicrohttpd's complaints, one line each; may come from any of its threads. */
	void (*log)(void *arg, const char *line);
};

/**
 * pf_http_server_new() - binds, listens, and serves (with threads) or is ready to (without).
 * @error: on failure says in words what is wrong and what would help.
 * Return: 0; -EINVAL bad address, key or certificate; -EADDRINUSE, -EACCES, ... from the socket;
 * -ENOMEM.
 */
PF_MUST_CHECK int pf_http_server_new(const struct pf_http_server_opts *opts,
				     struct pf_http_server **ret_server, char *error,
				     size_t error_size);

/**
 * pf_http_server_renew_tls() - from now on new connections are served with these certificates; those
 * there are go on under the old ones until their next answer. Only with threads, and not at once
 * with itself or pf_http_server_tidy().
 * Return: 0; -EINVAL: they are no valid PEM or do not belong together, nothing has changed; -ENOMEM.
 */
PF_MUST_CHECK int pf_http_server_renew_tls(struct pf_http_server *server,
					   const struct pf_http_server_tls *tls, char *error,
					   size_t error_size);
/** pf_http_server_tidy() - forgets old certificates that nobody uses any more; call now and then. */
void pf_http_server_tidy(struct pf_http_server *server);

/** pf_http_server_quiesce() - no new connections; requests that still come in get 503. */
void pf_http_server_quiesce(struct pf_http_server *server);

/**
 * pf_http_server_free() - stops and frees; accepts NULL. Every deferred request must have been
 * answered before (see nr_deferred); removes the unix socket.
 */
void pf_http_server_free(struct pf_http_server *server);
PF_DEFINE_AUTO(struct pf_http_server *, pf_http_server_free);

/** pf_http_server_address() - where it listens, as "127.0.0.1:41234" or "unix:/path". */
const char *pf_http_server_address(const struct pf_http_server *server);

void pf_http_server_get_stats(struct pf_http_server *server,
			      struct pf_http_server_stats *ret_stats);

/* ---- only with nr_threads = 0 ---- */
int pf_http_server_fd(struct pf_http_server *server);
/** pf_http_server_timeout_ms() - call run() at the latest after so long; -1: no need to. */
int pf_http_server_timeout_ms(struct pf_http_server *server);
/** pf_http_server_run() - takes new connections, reads, calls handlers, writes; does not block. */
void pf_http_server_run(struct pf_http_server *server);

/* ---- the request; all pointers live as long as it ---- */
enum pf_http_method pf_http_method(const struct pf_http_request *req);
const char *pf_http_path(const struct pf_http_request *req); /* decoded, without the query */
/** pf_http_target() - path and query as they came, still encoded. */
const char *pf_http_target(const struct pf_http_request *req);
/** pf_http_query() - value of a query argument, decoded; "" if it has none; NULL if it is not
 * there. */
const char *pf_http_query(const struct pf_http_request *req, const char *name);
/** pf_http_query_each() - calls @fn for every query argument in order (an argument may repeat). */
void pf_http_query_each(const struct pf_http_request *req,
			void (*fn)(void *arg, const char *name, const char *value), void *arg);
const char *pf_http_header(const struct pf_http_request *req, const char *name); /* or NULL */
const void *pf_http_body(const struct pf_http_request *req, size_t *ret_len);
/** pf_http_server_of() - the server it came to, which is there before pf_http_server_new() gives it. */
struct pf_http_server *pf_http_server_of(const struct pf_http_request *req);
/**
 * pf_http_client_name() - a name of the verified client certificate: @index 0 is the subject's
 * common name ("" if it has none), then the DNS names of the certificate. NULL after the last, and
 * always if there is no certificate or it did not verify.
 */
const char *pf_http_client_name(struct pf_http_request *req, size_t index);

/* ---- the answer ---- */
/** pf_http_defer() - to be called by the handler, in its thread, before another thread may answer.
 */
void pf_http_defer(struct pf_http_request *req);

/** pf_http_reply_header() - one more header of the answer, before pf_http_reply(); copied; at
 * most 8. */
void pf_http_reply_header(struct pf_http_request *req, const char *name, const char *value);

/**
 * pf_http_reply() - answers; once a request. After it, a deferred request must not be touched
 * again.
 * @content_type: copied; NULL with an empty body.
 * @body: taken (malloc'd), or NULL with @len 0.
 */
void pf_http_reply(struct pf_http_request *req, unsigned status, const char *content_type,
		   char *body, size_t len);

/** pf_http_reply_error() - answers {"error": "..."} as application/json. */
void pf_http_reply_error(struct pf_http_request *req, unsigned status, const char *format, ...)
	PF_PRINTF(3, 4);

#endif
