/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_server_internal.h - what http_server.c (connections, life cycle) and http_request.c (one
 * request) share. Not for others.
 */
#ifndef PF_SYS_HTTP_SERVER_INTERNAL_H
#define PF_SYS_HTTP_SERVER_INTERNAL_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "sys/http_server.h"
#include "sys/listen.h"

enum { PF_HTTP_REPLY_HEADERS_MAX = 8 };

/*
 * libmicrohttpd takes certificates only when it starts, so new ones mean a new daemon on the same
 * listening socket. The one before is retired: it accepts nobody any more, and goes when those who
 * are connected to it have gone.
 */
struct pf_http_daemon {
	struct pf_http_daemon *next; /* the one retired before it */
	struct pf_http_server *server;
	struct MHD_Daemon *mhd;
	size_t nr_connections;	  /* guarded by the server's lock */
	atomic_ullong retired_ns; /* 0: it is in use */
};

/* One connection, in the list of all. Guarded by the server's lock. */
struct pf_http_connection {
	struct pf_http_connection *next, *prev;
	struct pf_http_server *server;
	struct pf_http_daemon *daemon;
	int fd;
	uint64_t idle_since_ns; /* 0: a request is being handled, not to be evicted */
};

struct pf_http_server {
	struct pf_http_server_opts opts; /* pointers not kept, but for arg and the callbacks */
	struct pf_listener listener;
	struct pf_http_daemon *daemon, *retired;
	atomic_bool quiescing;

	pthread_mutex_t lock;
	struct pf_http_connection connections; /* list head */
	size_t nr_connections;

	atomic_ullong nr_deferred, body_bytes, nr_accepted, nr_requests, nr_refused_connections,
		nr_evicted, nr_refused_bodies, nr_refused_budget, nr_refused_slow;
};

struct pf_http_request {
	struct pf_http_server *server;
	struct MHD_Connection *conn;
	struct pf_http_connection *connection;
	char *target; /* as it came: path and query, still encoded */
	char *path;
	enum pf_http_method method;
	uint64_t started_ns;
	bool begun, refused, called, deferred;
	size_t reserved_bytes; /* taken from max_total_body_bytes */
	size_t nr_discarded;   /* of a body that is not wanted any more */
	struct pf_buf body;

	struct MHD_Response *response;
	unsigned status;
	char *names[PF_HTTP_REPLY_HEADERS_MAX], *values[PF_HTTP_REPLY_HEADERS_MAX];
	size_t nr_headers;

	char **client_names; /* NULL-terminated; filled at the first question */
	bool client_names_read;
};

struct pf_http_request *pf_http_request_new(struct pf_http_server *server,
					    struct MHD_Connection *conn, const char *target);
void pf_http_request_free(struct pf_http_request *req);

/* The names of a verified client certificate, in a NULL-terminated list that free_names() takes. */
char **pf_http_tls_client_names(struct MHD_Connection *conn);
void pf_http_tls_free_names(char **names);

#endif
