// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "sys/clock.h"
#include "sys/http_server_internal.h"

struct pf_http_request *pf_http_request_new(struct pf_http_server *server,
					    struct MHD_Connection *conn, const char *target)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(conn, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct pf_http_request *req = calloc(1, sizeof(*req));

	if (!req)
		return NULL;
	req->server = server;
	req->conn = conn;
	req->connection = info ? info->socket_context : NULL;
	req->started_ns = pf_clock_monotonic_ns();
	req->target = strdup(target);
	if (!req->target) {
		free(req);
		return NULL;
	}
	pf_buf_init(&req->body, server->opts.max_body_bytes);
	return req;
}

void pf_http_request_free(struct pf_http_request *req)
{
	if (!req)
		return;
	atomic_fetch_sub(&req->server->body_bytes, req->reserved_bytes);
	for (size_t i = 0; i < req->nr_headers; i++) {
		free(req->names[i]);
		free(req->values[i]);
	}
	if (req->response)
		MHD_destroy_response(req->response);
	pf_http_tls_free_names(req->client_names);
	pf_buf_done(&req->body);
	free(req->target);
	free(req->path);
	free(req);
}

enum pf_http_method pf_http_method(const struct pf_http_request *req)
{
	return req->method;
}

const char *pf_http_path(const struct pf_http_request *req)
{
	return req->path;
}

const char *pf_http_target(const struct pf_http_request *req)
{
	return req->target;
}

struct query_want {
	const char *name, *found;
};

static enum MHD_Result query_match(void *arg, enum MHD_ValueKind kind, const char *name,
				   const char *value)
{
	struct query_want *want = arg;

	(void)kind;
	if (strcmp(name, want->name) != 0)
		return MHD_YES;
	want->found = value ? value : "";
	return MHD_NO;
}

const char *pf_http_query(const struct pf_http_request *req, const char *name)
{
	struct query_want want = { .name = name };

	MHD_get_connection_values(req->conn, MHD_GET_ARGUMENT_KIND, query_match, &want);
	return want.found;
}

struct query_each {
	void (*fn)(void *arg, const char *name, const char *value);
	void *arg;
};

static enum MHD_Result query_call(void *arg, enum MHD_ValueKind kind, const char *name,
				  const char *value)
{
	const struct query_each *each = arg;

	(void)kind;
	each->fn(each->arg, name, value ? value : "");
	return MHD_YES;
}

void pf_http_query_each(const struct pf_http_request *req,
			void (*fn)(void *arg, const char *name, const char *value), void *arg)
{
	struct query_each each = { .fn = fn, .arg = arg };

	MHD_get_connection_values(req->conn, MHD_GET_ARGUMENT_KIND, query_call, &each);
}

const char *pf_http_header(const struct pf_http_request *req, const char *name)
{
	return MHD_lookup_connection_value(req->conn, MHD_HEADER_KIND, name);
}

const void *pf_http_body(const struct pf_http_request *req, size_t *ret_len)
{
	*ret_len = req->body.len;
	return req->body.data;
}

const char *pf_http_client_name(struct pf_http_request *req, size_t index)
{
	if (!req->client_names_read) {
		req->client_names = pf_http_tls_client_names(req->conn);
		req->client_names_read = true;
	}
	for (size_t i = 0; req->client_names && req->client_names[i]; i++)
		if (i == index)
			return req->client_names[i];
	return NULL;
}

struct pf_http_server *pf_http_server_of(const struct pf_http_request *req)
{
	return req->server;
}

void pf_http_defer(struct pf_http_request *req)
{
	req->deferred = true;
	atomic_fetch_add(&req->server->nr_deferred, 1);
	MHD_suspend_connection(req->conn);
}

void pf_http_reply_header(struct pf_http_request *req, const char *name, const char *value)
{
	char *n = strdup(name), *v = strdup(value);

	if (!n || !v || req->nr_headers == PF_HTTP_REPLY_HEADERS_MAX) {
		free(n); /* the answer goes out without it */
		free(v);
		return;
	}
	req->names[req->nr_headers] = n;
	req->values[req->nr_headers++] = v;
}

void pf_http_reply(struct pf_http_request *req, unsigned status, const char *content_type,
		   char *body, size_t len)
{
	static char empty[1];
	struct MHD_Connection *conn = req->conn;
	struct pf_http_server *server = req->server;
	bool deferred = req->deferred;

	req->status = status;
	/* NULL when memory is out: then the connection is closed instead. */
	req->response = MHD_create_response_from_buffer(
		len, body ? body : empty, body ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
	if (!req->response)
		free(body);
	if (req->response) {
		if (content_type)
			MHD_add_response_header(req->response, MHD_HTTP_HEADER_CONTENT_TYPE,
						content_type);
		MHD_add_response_header(req->response, "X-Content-Type-Options", "nosniff");
		for (size_t i = 0; i < req->nr_headers; i++)
			MHD_add_response_header(req->response, req->names[i], req->values[i]);
	}
	if (deferred) {
		/* The count falls last: at 0 free() may stop the daemon. */
		MHD_resume_connection(conn);
		atomic_fetch_sub(&server->nr_deferred, 1);
	}
}

void pf_http_reply_error(struct pf_http_request *req, unsigned status, const char *format, ...)
{
	char text[512];
	struct pf_buf body;
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	pf_buf_init(&body, 8 * sizeof(text));
	pf_buf_adds(&body, "{\"error\": \"");
	for (const char *p = text; *p; p++) {
		if (*p == '"' || *p == '\\')
			pf_buf_addf(&body, "\\%c", *p);
		else if ((unsigned char)*p < 0x20)
			pf_buf_addf(&body, "\\u%04x", *p);
		else /* what a client sent may be no UTF-8, and may be cut in the middle */
			pf_buf_addf(&body, "%c", (unsigned char)*p < 0x7f ? *p : '?');
	}
	pf_buf_adds(&body, "\"}\n");

	size_t len = body.len;

	pf_http_reply(req, status, "application/json", pf_buf_steal(&body), len);
}
