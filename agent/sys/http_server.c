// SPDX-License-Identifier: Apache-2.0
/*
 * Connections and life cycle. libmicrohttpd's own connection limit stops accepting when it is full,
 * which lets idle or slow peers shut everybody out; so the limit is kept here, a little below
 * libmicrohttpd's, and a new connection takes the place of the one that has been idle for longest.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/units.h"
#include "sys/clock.h"
#include "sys/http_server_internal.h"

enum {
	CONNECTIONS_DEFAULT = 256,
	CONNECTIONS_SPARE = 16, /* libmicrohttpd's limit above ours, so that it keeps accepting */
	BODIES_DEFAULT = 16,
};

/* A connection idle for less is not thrown out for a new one: its request may be on the way. */
static const uint64_t evict_after_ns = 2 * PF_NS_PER_S;

/* ---- connections ---- */

/* Shuts the longest idle connection; libmicrohttpd then sees its end and cleans it up. */
static bool evict_one(struct pf_http_server *server, uint64_t now_ns)
{
	struct pf_http_connection *oldest = NULL;

	for (struct pf_http_connection *c = server->connections.next; c != &server->connections;
	     c = c->next)
		if (c->idle_since_ns && (!oldest || c->idle_since_ns < oldest->idle_since_ns))
			oldest = c;
	if (!oldest || now_ns - oldest->idle_since_ns < evict_after_ns)
		return false;
	(void)shutdown(oldest->fd, SHUT_RDWR);
	oldest->idle_since_ns = 0; /* not twice */
	return true;
}

static enum MHD_Result on_accept(void *arg, const struct sockaddr *addr, socklen_t len)
{
	struct pf_http_server *server = arg;
	bool room = true;

	(void)addr;
	(void)len;
	pthread_mutex_lock(&server->lock);
	if (server->nr_connections >= server->opts.max_connections) {
		room = evict_one(server, pf_clock_monotonic_ns());
		if (room)
			atomic_fetch_add(&server->nr_evicted, 1);
	}
	pthread_mutex_unlock(&server->lock);
	if (!room) {
		atomic_fetch_add(&server->nr_refused_connections, 1);
		return MHD_NO;
	}
	atomic_fetch_add(&server->nr_accepted, 1);
	return MHD_YES;
}

static void connection_start(struct pf_http_daemon *daemon, struct MHD_Connection *conn,
			     void **socket_context)
{
	struct pf_http_server *server = daemon->server;
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct pf_http_connection *c = calloc(1, sizeof(*c));

	*socket_context = c;
	if (!c)
		return; /* served, but not counted and never evicted */
	c->server = server;
	c->daemon = daemon;
	c->fd = info ? info->connect_fd : -1;
	c->idle_since_ns = pf_clock_monotonic_ns();
	pthread_mutex_lock(&server->lock);
	c->next = &server->connections;
	c->prev = server->connections.prev;
	c->prev->next = c;
	server->connections.prev = c;
	server->nr_connections++;
	daemon->nr_connections++;
	pthread_mutex_unlock(&server->lock);
}

static void connection_end(struct pf_http_connection *c)
{
	if (!c)
		return;
	/* Before libmicrohttpd closes the descriptor: evict_one() must not meet its next owner. */
	pthread_mutex_lock(&c->server->lock);
	c->prev->next = c->next;
	c->next->prev = c->prev;
	c->server->nr_connections--;
	c->daemon->nr_connections--;
	pthread_mutex_unlock(&c->server->lock);
	free(c);
}

static void on_connection(void *arg, struct MHD_Connection *conn, void **socket_context,
			  enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		connection_start(arg, conn, socket_context);
	} else {
		connection_end(*socket_context);
		*socket_context = NULL;
	}
}

static void mark(struct pf_http_connection *c, uint64_t idle_since_ns)
{
	if (!c)
		return;
	pthread_mutex_lock(&c->server->lock);
	c->idle_since_ns = idle_since_ns;
	pthread_mutex_unlock(&c->server->lock);
}

/* ---- one request ---- */

static void *on_request_line(void *arg, const char *target, struct MHD_Connection *conn)
{
	return pf_http_request_new(arg, conn, target);
}

static void on_request_end(void *arg, struct MHD_Connection *conn, void **request,
			   enum MHD_RequestTerminationCode code)
{
	struct pf_http_request *req = *request;

	(void)arg;
	(void)conn;
	(void)code;
	if (!req)
		return;
	mark(req->connection, pf_clock_monotonic_ns());
	pf_http_request_free(req);
	*request = NULL;
}

static bool body_reserve(struct pf_http_request *req, size_t len)
{
	struct pf_http_server *server = req->server;

	if (atomic_fetch_add(&server->body_bytes, len) + len > server->opts.max_total_body_bytes) {
		atomic_fetch_sub(&server->body_bytes, len);
		return false;
	}
	req->reserved_bytes += len;
	return true;
}

static void refuse_size(struct pf_http_request *req)
{
	atomic_fetch_add(&req->server->nr_refused_bodies, 1);
	req->refused = true;
	pf_http_reply_error(req, 413, "the body is larger than %zu bytes, which is the limit here",
			    req->server->opts.max_body_bytes);
}

static void refuse_budget(struct pf_http_request *req)
{
	atomic_fetch_add(&req->server->nr_refused_budget, 1);
	req->refused = true;
	pf_http_reply_header(req, "Retry-After", "1");
	pf_http_reply_error(req, 503, "too many requests in progress; try again");
}

/* The header is complete. False: it was refused, the answer is there. */
static bool request_begin(struct pf_http_request *req, const char *path, const char *method)
{
	struct pf_http_server *server = req->server;
	const char *length = pf_http_header(req, MHD_HTTP_HEADER_CONTENT_LENGTH);

	req->begun = true;
	atomic_fetch_add(&server->nr_requests, 1);
	mark(req->connection, 0);
	req->method = PF_HTTP_OTHER;
	if (!strcmp(method, MHD_HTTP_METHOD_GET) || !strcmp(method, MHD_HTTP_METHOD_HEAD))
		req->method = PF_HTTP_GET;
	else if (!strcmp(method, MHD_HTTP_METHOD_POST))
		req->method = PF_HTTP_POST;
	req->path = strdup(path);
	if (!req->path || atomic_load(&server->quiescing)) {
		req->refused = true;
		pf_http_reply_header(req, "Retry-After", "1");
		pf_http_reply_error(req, 503, req->path ? "shutting down" : "out of memory");
		return false;
	}
	if (server->opts.admit && !server->opts.admit(server->opts.arg, req)) {
		req->refused = true;
		return false;
	}
	if (length) {
		/* libmicrohttpd has checked that it is a number. */
		unsigned long long len = strtoull(length, NULL, 10);

		if (len > server->opts.max_body_bytes)
			refuse_size(req);
		else if (!body_reserve(req, (size_t)len))
			refuse_budget(req);
	}
	return !req->refused;
}

/* A part of the body. MHD_NO closes the connection. */
static enum MHD_Result request_part(struct pf_http_request *req, const char *data, size_t *len)
{
	struct pf_http_server *server = req->server;
	size_t nr = *len;

	*len = 0;
	if (pf_clock_monotonic_ns() - req->started_ns > PF_HTTP_REQUEST_S * PF_NS_PER_S) {
		atomic_fetch_add(&server->nr_refused_slow, 1);
		return MHD_NO;
	}
	if (!req->refused) {
		if (req->body.len + nr > server->opts.max_body_bytes)
			refuse_size(req);
		else if (req->body.len + nr > req->reserved_bytes &&
			 !body_reserve(req, req->body.len + nr - req->reserved_bytes))
			refuse_budget(req);
		else if (pf_buf_add(&req->body, data, nr) < 0)
			refuse_budget(req);
	}
	if (!req->refused)
		return MHD_YES;
	/*
	 * An answer can be sent only after the body. A client that is about done gets to read it,
	 * an endless one does not.
	 */
	pf_buf_done(&req->body);
	req->nr_discarded += nr;
	return req->nr_discarded <= server->opts.max_body_bytes ? MHD_YES : MHD_NO;
}

static enum MHD_Result send_reply(struct pf_http_request *req)
{
	if (!req->response)
		return MHD_NO;
	/* Whoever still talks under the old certificates shall come again. */
	if (req->connection && atomic_load(&req->connection->daemon->retired_ns))
		(void)MHD_add_response_header(req->response, MHD_HTTP_HEADER_CONNECTION, "close");
	return MHD_queue_response(req->conn, req->status, req->response);
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *conn, const char *path,
				  const char *method, const char *version, const char *upload_data,
				  size_t *upload_len, void **request)
{
	struct pf_http_server *server = arg;
	struct pf_http_request *req = *request;

	(void)conn;
	(void)version;
	if (!req)
		return MHD_NO; /* out of memory when it began */
	if (!req->begun)
		return request_begin(req, path, method) ? MHD_YES : send_reply(req);
	if (*upload_len)
		return request_part(req, upload_data, upload_len);
	if (!req->called && !req->refused) {
		req->called = true;
		server->opts.handle(server->opts.arg, req);
		if (req->deferred)
			return MHD_YES; /* we are called again once it is answered */
	}
	return send_reply(req);
}

/* ---- life cycle ---- */

static void on_log(void *arg, const char *format, va_list args)
{
	struct pf_http_server *server = arg;
	char line[512];

	if (!server->opts.log)
		return;
	(void)vsnprintf(line, sizeof(line), format, args);
	line[strcspn(line, "\n")] = '\0';
	server->opts.log(server->opts.arg, line);
}

static void set_defaults(struct pf_http_server_opts *opts)
{
	if (!opts->max_connections)
		opts->max_connections = CONNECTIONS_DEFAULT;
	if (!opts->max_total_body_bytes)
		opts->max_total_body_bytes = opts->max_body_bytes * BODIES_DEFAULT;
}

/* @fd: is libmicrohttpd's from now on, which also closes it when it does not start. */
static struct MHD_Daemon *start_mhd(struct pf_http_daemon *daemon,
				    const struct pf_http_server_tls *tls, int fd)
{
	struct pf_http_server *server = daemon->server;
	const struct pf_http_server_opts *o = &server->opts;
	unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
	struct MHD_OptionItem items[16];
	size_t nr = 0;

	if (o->nr_threads)
		flags |= MHD_USE_INTERNAL_POLLING_THREAD;
	if (tls->cert_pem)
		flags |= MHD_USE_TLS;
	items[nr++] = (struct MHD_OptionItem){ MHD_OPTION_CONNECTION_MEMORY_LIMIT,
					       PF_HTTP_HEADER_BYTES_MAX, NULL };
	items[nr++] = (struct MHD_OptionItem){
		MHD_OPTION_CONNECTION_LIMIT,
		o->max_connections + CONNECTIONS_SPARE * PF_MAX(o->nr_threads, 1u), NULL
	};
	items[nr++] =
		(struct MHD_OptionItem){ MHD_OPTION_CONNECTION_TIMEOUT, PF_HTTP_IDLE_S, NULL };
	items[nr++] = (struct MHD_OptionItem){ MHD_OPTION_LISTEN_SOCKET, fd, NULL };
	/* One thread is the daemon's own; a pool has two or more. */
	if (o->nr_threads > 1)
		items[nr++] =
			(struct MHD_OptionItem){ MHD_OPTION_THREAD_POOL_SIZE, o->nr_threads, NULL };
	if (tls->cert_pem) {
		items[nr++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_CERT, 0,
						       (void *)tls->cert_pem };
		items[nr++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_KEY, 0,
						       (void *)tls->key_pem };
	}
	if (tls->cert_pem && tls->client_ca_pem)
		items[nr++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_TRUST, 0,
						       (void *)tls->client_ca_pem };
	items[nr++] = (struct MHD_OptionItem){ MHD_OPTION_END, 0, NULL };
	/* The logger comes first: it also hears what is wrong with the options after it. */
	return MHD_start_daemon(
		flags, 0, on_accept, server, on_request, server, MHD_OPTION_EXTERNAL_LOGGER, on_log,
		server, MHD_OPTION_URI_LOG_CALLBACK, on_request_line, server,
		MHD_OPTION_NOTIFY_COMPLETED, on_request_end, server, MHD_OPTION_NOTIFY_CONNECTION,
		on_connection, daemon, MHD_OPTION_ARRAY, items, MHD_OPTION_END);
}

static int start_daemon(struct pf_http_server *server, const struct pf_http_server_tls *tls,
			char *error, size_t error_size)
{
	int fd = fcntl(server->listener.fd, F_DUPFD_CLOEXEC, 0);
	struct pf_http_daemon *daemon;

	if (fd < 0)
		return -errno;
	daemon = calloc(1, sizeof(*daemon));
	if (!daemon) {
		(void)close(fd);
		return -ENOMEM;
	}
	daemon->server = server;
	daemon->mhd = start_mhd(daemon, tls, fd);
	if (!daemon->mhd) {
		free(daemon);
		(void)snprintf(error, error_size,
			       tls->cert_pem
				       ? "cannot start the HTTPS server on %s: check that the "
					 "certificate, key and client CA are valid PEM and "
					 "belong together"
				       : "cannot start the HTTP server on %s",
			       server->listener.address);
		return tls->cert_pem ? -EINVAL : -ENOMEM;
	}
	server->daemon = daemon;
	return 0;
}

int pf_http_server_new(const struct pf_http_server_opts *opts, struct pf_http_server **ret_server,
		       char *error, size_t error_size)
{
	PF_AUTO(pf_http_server_freep) struct pf_http_server *server = calloc(1, sizeof(*server));
	int r;

	if (!server)
		return -ENOMEM;
	server->opts = *opts;
	server->listener.fd = -1;
	server->connections.next = server->connections.prev = &server->connections;
	(void)pthread_mutex_init(&server->lock, NULL); /* cannot fail with default attributes */
	set_defaults(&server->opts);
	if (opts->tls.cert_pem && !opts->tls.key_pem) {
		(void)snprintf(error, error_size, "a TLS certificate needs its private key");
		return -EINVAL;
	}
	r = pf_listen(opts->listen, opts->unix_mode, &server->listener, error, error_size);
	if (r < 0)
		return r;
	if (opts->loopback_only && !server->listener.loopback) {
		(void)snprintf(error, error_size, "%s can be reached from other hosts",
			       opts->listen);
		return -EACCES;
	}
	r = start_daemon(server, &opts->tls, error, error_size);
	if (r < 0)
		return r;
	/* They were for this call only. */
	server->opts.listen = NULL;
	server->opts.tls = (struct pf_http_server_tls){ 0 };
	*ret_server = pf_take(server);
	return 0;
}

void pf_http_server_quiesce(struct pf_http_server *server)
{
	atomic_store(&server->quiescing, true);
}

/* ---- new certificates ---- */

int pf_http_server_renew_tls(struct pf_http_server *server, const struct pf_http_server_tls *tls,
			     char *error, size_t error_size)
{
	struct pf_http_daemon *old = server->daemon;
	int r;

	if (!tls->cert_pem || !tls->key_pem)
		return -EINVAL;
	/* Both accept for a moment; if the new one does not start, nothing has changed. */
	r = start_daemon(server, tls, error, error_size);
	if (r < 0)
		return r;
	atomic_store(&old->retired_ns, pf_clock_monotonic_ns());
	(void)close(MHD_quiesce_daemon(old->mhd)); /* the new one has its own descriptor */
	old->next = server->retired;
	server->retired = old;
	return 0;
}

void pf_http_server_tidy(struct pf_http_server *server)
{
	for (struct pf_http_daemon **at = &server->retired, *daemon; (daemon = *at) != NULL;) {
		size_t nr_left;

		pthread_mutex_lock(&server->lock);
		nr_left = daemon->nr_connections;
		pthread_mutex_unlock(&server->lock);
		/* One that was just accepted may not have been counted yet. */
		if (nr_left ||
		    pf_clock_monotonic_ns() - atomic_load(&daemon->retired_ns) < evict_after_ns) {
			at = &daemon->next;
			continue;
		}
		*at = daemon->next;
		MHD_stop_daemon(daemon->mhd);
		free(daemon);
	}
}

static void stop_daemons(struct pf_http_server *server)
{
	struct pf_http_daemon *next;

	for (struct pf_http_daemon *daemon = server->retired; daemon; daemon = next) {
		next = daemon->next;
		MHD_stop_daemon(daemon->mhd);
		free(daemon);
	}
	MHD_stop_daemon(server->daemon->mhd);
	free(server->daemon);
}

void pf_http_server_free(struct pf_http_server *server)
{
	if (!server)
		return;
	if (server->daemon)
		stop_daemons(server);
	pf_listener_done(&server->listener);
	(void)pthread_mutex_destroy(&server->lock);
	free(server);
}

const char *pf_http_server_address(const struct pf_http_server *server)
{
	return server->listener.address;
}

void pf_http_server_get_stats(struct pf_http_server *server, struct pf_http_server_stats *ret_stats)
{
	pthread_mutex_lock(&server->lock);
	ret_stats->nr_connections = server->nr_connections;
	pthread_mutex_unlock(&server->lock);
	ret_stats->nr_deferred = atomic_load(&server->nr_deferred);
	ret_stats->body_bytes = atomic_load(&server->body_bytes);
	ret_stats->nr_accepted = atomic_load(&server->nr_accepted);
	ret_stats->nr_requests = atomic_load(&server->nr_requests);
	ret_stats->nr_refused_connections = atomic_load(&server->nr_refused_connections);
	ret_stats->nr_evicted = atomic_load(&server->nr_evicted);
	ret_stats->nr_refused_bodies = atomic_load(&server->nr_refused_bodies);
	ret_stats->nr_refused_budget = atomic_load(&server->nr_refused_budget);
	ret_stats->nr_refused_slow = atomic_load(&server->nr_refused_slow);
}

int pf_http_server_fd(struct pf_http_server *server)
{
	const union MHD_DaemonInfo *info =
		MHD_get_daemon_info(server->daemon->mhd, MHD_DAEMON_INFO_EPOLL_FD);

	return info ? info->epoll_fd : -1;
}

int pf_http_server_timeout_ms(struct pf_http_server *server)
{
	MHD_UNSIGNED_LONG_LONG timeout;

	if (MHD_get_timeout(server->daemon->mhd, &timeout) != MHD_YES)
		return -1;
	return timeout > INT32_MAX ? INT32_MAX : (int)timeout;
}

void pf_http_server_run(struct pf_http_server *server)
{
	(void)MHD_run(server->daemon->mhd);
}
