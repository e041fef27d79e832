// SPDX-License-Identifier: Apache-2.0
#include "collector/api/api.h"

#include <errno.h>
#include <string.h>

#include "collector/api/answers.h"
#include "collector/api/compare.h"
#include "collector/api/reply.h"
#include "collector/page/pages.h"

enum right { OPEN, READ, WRITE };

/* Where a request is answered: at once; in a thread of the pool; in the one for answers out of many
 * reports, which hold up only their like. */
enum where { NOW, IN_POOL, READING };

struct route {
	const char *path; /* one that ends in a slash is that of all below it */
	enum pf_http_method method;
	enum right right;
	enum where where;
	void (*handle)(struct pf_collector *c, struct pf_http_request *req);
};

static void reply_text(struct pf_http_request *req, unsigned status, const char *text)
{
	char *copy = strdup(text);

	pf_http_reply(req, status, "text/plain; charset=utf-8", copy, copy ? strlen(copy) : 0);
}

/* ---- health ---- */

static void livez(struct pf_collector *c, struct pf_http_request *req)
{
	(void)c;
	reply_text(req, 200, "ok\n");
}

static void startupz(struct pf_collector *c, struct pf_http_request *req)
{
	PF_AUTO(pf_fleet_unrefp) struct pf_fleet *fleet = pf_merger_fleet(c->merger);

	reply_text(req, fleet ? 200 : 503, fleet ? "ok\n" : "merging what is stored\n");
}

static void readyz(struct pf_collector *c, struct pf_http_request *req)
{
	struct pf_writer_stats stats;
	char text[320];

	pf_writer_get_stats(c->writer, &stats);
	(void)snprintf(text, sizeof(text), "the store fails: %s\n", stats.error);
	reply_text(req, stats.failing ? 503 : 200, stats.failing ? text : "ok\n");
}

/* ---- reports ---- */

static bool names_node(void *arg, const char *node)
{
	return pf_auth_is_node(arg, node);
}

static void post_report(struct pf_collector *c, struct pf_http_request *req)
{
	struct pf_auth_rights rights;
	struct pf_ingest_who who = { 0 };

	pf_auth_rights(c->auth, req, &rights);
	if (*rights.cluster)
		who.cluster = rights.cluster;
	if (rights.own_node_only) {
		who.may_report = names_node;
		who.arg = req;
	}
	pf_ingest_post(c->ingest, req, &who);
}

static const struct route routes[] = {
	{ "/v1/reports", PF_HTTP_POST, WRITE, NOW, post_report },
	{ "/v1/recommendations", PF_HTTP_GET, READ, IN_POOL, pf_answer_recommendations },
	{ "/v1/workloads", PF_HTTP_GET, READ, IN_POOL, pf_answer_workloads },
	{ "/v1/workloads/", PF_HTTP_GET, READ, IN_POOL, pf_answer_workload },
	{ "/v1/leaks", PF_HTTP_GET, READ, IN_POOL, pf_answer_leaks },
	{ "/v1/nodes", PF_HTTP_GET, READ, IN_POOL, pf_answer_nodes },
	{ "/v1/nodes/", PF_HTTP_GET, READ, IN_POOL, pf_answer_node },
	{ "/v1/namespaces", PF_HTTP_GET, READ, IN_POOL, pf_answer_namespaces },
	{ "/v1/compare", PF_HTTP_GET, READ, READING, pf_answer_compare },
	{ "/compare", PF_HTTP_GET, READ, READING, pf_pages_compare },
	{ "/v1/fleet", PF_HTTP_GET, READ, IN_POOL, pf_answer_fleet },
	{ "/", PF_HTTP_GET, READ, IN_POOL, pf_pages_fleet },
	{ "/nodes", PF_HTTP_GET, READ, IN_POOL, pf_pages_nodes },
	{ "/workloads/", PF_HTTP_GET, READ, IN_POOL, pf_pages_workload },
	{ "/livez", PF_HTTP_GET, OPEN, NOW, livez },
	{ "/readyz", PF_HTTP_GET, OPEN, NOW, readyz },
	{ "/startupz", PF_HTTP_GET, OPEN, NOW, startupz },
	{ "/metrics", PF_HTTP_GET, READ, NOW, pf_api_metrics },
};

static bool fits(const struct route *route, const char *path)
{
	size_t len = strlen(route->path);

	return !strcmp(route->path, path) ||
	       (len > 1 && route->path[len - 1] == '/' && !strncmp(route->path, path, len));
}

/* @ret_known: there is something at that path, for some method. */
static const struct route *find_route(const struct pf_http_request *req, bool *ret_known)
{
	*ret_known = false;
	for (size_t i = 0; i < PF_ARRAY_SIZE(routes); i++) {
		if (!fits(&routes[i], pf_http_path(req)))
			continue;
		*ret_known = true;
		if (routes[i].method == pf_http_method(req))
			return &routes[i];
	}
	return NULL;
}

/* What there is at a path that is known: each has one method. */
static const char *methods_of(const char *path)
{
	for (size_t i = 0; i < PF_ARRAY_SIZE(routes); i++)
		if (fits(&routes[i], path) && routes[i].method == PF_HTTP_POST)
			return "POST";
	return "GET, HEAD";
}

static void refuse_unauthorized(struct pf_http_request *req, bool known_sender)
{
	if (known_sender) {
		pf_http_reply_error(req, 403, "your token or certificate does not allow this");
		return;
	}
	/* Basic, so that a browser asks; the token goes where the password does. */
	pf_http_reply_header(req, "WWW-Authenticate",
			     "Basic realm=\"podfit: a token as the password\", charset=\"UTF-8\"");
	pf_http_reply_error(req, 401, "this needs a token: Authorization: Bearer TOKEN");
}

bool pf_api_admit(void *arg, struct pf_http_request *req)
{
	struct pf_collector *c = arg;
	struct pf_auth_rights rights;
	bool known;
	const struct route *route = find_route(req, &known);

	if (!route) {
		if (known)
			pf_http_reply_header(req, "Allow", methods_of(pf_http_path(req)));
		pf_http_reply_error(req, known ? 405 : 404,
				    known ? "not by this method" : "there is nothing here");
		return false;
	}
	if (route->right == OPEN)
		return true;
	pf_auth_rights(c->auth, req, &rights);
	if (route->right == READ ? rights.read : rights.write)
		return true;
	refuse_unauthorized(req, rights.read || rights.write);
	return false;
}

static void answer(void *arg, void *what)
{
	bool known;

	find_route(what, &known)->handle(arg, what);
}

void pf_api_handle(void *arg, struct pf_http_request *req)
{
	struct pf_collector *c = arg;
	bool known;
	const struct route *route = find_route(req, &known); /* admitted, so there is one */
	const char *busy =
		"others that take as long are being answered: try again in a few seconds";
	int r;

	if (route->where == NOW) {
		route->handle(c, req);
		return;
	}
	pf_http_defer(req);
	r = pf_pool_run(route->where == READING ? c->reading_pool : c->pool, answer, c, req);
	if (r < 0) {
		pf_http_reply_header(req, "Retry-After", "5");
		pf_http_reply_error(req, 503, "%s", r == -EAGAIN ? busy : "out of memory");
	}
}
