// SPDX-License-Identifier: Apache-2.0
#include "export/api.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/units.h"
#include "sys/http_server.h"
#include "sys/log.h"
#include "wire/wire.h"

enum {
	MAX_CONNECTIONS = 16, /* a person with a few terminals, a scraper, a prober */
	ANSWER_MAX = 64 << 20,
};

struct pf_api {
	struct pf_http_server *server;
	struct pf_watch *watch;
	struct pf_timer *timer;
	struct pf_api_provider provider;
	bool with_data;
};

static bool wants_json(const struct pf_http_request *req)
{
	const char *accept = pf_http_header(req, "Accept");

	return accept && strstr(accept, "json") && !strstr(accept, "protobuf");
}

static int to_json(enum pf_wire_type type, struct pf_buf *message)
{
	struct pf_wire_error error;
	struct pf_arena arena;
	struct pf_buf json;
	int r;

	pf_buf_init(&json, ANSWER_MAX);
	pf_arena_init(&arena, PF_WIRE_MEMORY_MAX);
	r = pf_wire_json(type, message->data, message->len, &arena, &json, &error);
	pf_arena_done(&arena);
	if (r < 0) {
		pf_buf_done(&json);
		return r;
	}
	pf_buf_done(message);
	*message = json;
	return 0;
}

static void answer_view(struct pf_api *api, struct pf_http_request *req, enum pf_api_view view)
{
	bool json = view != PF_API_METRICS && wants_json(req);
	struct pf_buf out;
	size_t len;
	int r;

	pf_buf_init(&out, ANSWER_MAX);
	r = api->provider.view(api->provider.arg, view, &out);
	if (r == 0 && json)
		r = to_json(view == PF_API_STATUS ? PF_WIRE_STATUS : PF_WIRE_REPORT, &out);
	if (r < 0) {
		pf_buf_done(&out);
		pf_http_reply_error(req, 500, "%s", strerror(-r));
		return;
	}
	len = out.len;
	pf_http_reply(req, 200,
		      view == PF_API_METRICS ? "text/plain; version=0.0.4; charset=utf-8"
		      : json		     ? "application/json"
					     : "application/x-protobuf",
		      pf_buf_steal(&out), len);
}

static void answer_text(struct pf_http_request *req, unsigned status, const char *text)
{
	char *copy = strdup(text);

	pf_http_reply(req, status, "text/plain; charset=utf-8", copy, copy ? strlen(copy) : 0);
}

static void answer_health(struct pf_api *api, struct pf_http_request *req, const char *path)
{
	char reason[256] = "starting\n";
	bool well = true;

	if (!strcmp(path, "/readyz"))
		well = api->provider.ready(api->provider.arg, reason, sizeof(reason));
	else if (!strcmp(path, "/startupz"))
		well = api->provider.started(api->provider.arg);
	answer_text(req, well ? 200 : 503, well ? "ok\n" : reason);
}

static const struct {
	const char *path;
	enum pf_api_view view;
	bool data;
} views[] = {
	{ "/v1/report", PF_API_REPORT, true },
	{ "/v1/recommendations", PF_API_RECOMMENDATIONS, true },
	{ "/v1/leaks", PF_API_LEAKS, true },
	{ "/v1/status", PF_API_STATUS, true },
	{ "/metrics", PF_API_METRICS, false },
};

static void handle(void *arg, struct pf_http_request *req)
{
	struct pf_api *api = arg;
	const char *path = pf_http_path(req);
	const char *slices = pf_http_query(req, "slices");

	if (pf_http_method(req) != PF_HTTP_GET) {
		pf_http_reply_header(req, "Allow", "GET, HEAD");
		pf_http_reply_error(req, 405, "only GET");
		return;
	}
	if (!strcmp(path, "/livez") || !strcmp(path, "/readyz") || !strcmp(path, "/startupz")) {
		answer_health(api, req, path);
		return;
	}
	for (size_t i = 0; i < PF_ARRAY_SIZE(views); i++) {
		enum pf_api_view view = views[i].view;

		if (strcmp(path, views[i].path) || (views[i].data && !api->with_data))
			continue;
		if (view == PF_API_REPORT && slices && !strcmp(slices, "false"))
			view = PF_API_REPORT_NO_SLICES;
		answer_view(api, req, view);
		return;
	}
	pf_http_reply_error(
		req, 404, "no such page; there are %s/metrics, /livez, /readyz, /startupz",
		api->with_data ? "/v1/report, /v1/recommendations, /v1/leaks, /v1/status, " : "");
}

static void run(struct pf_api *api)
{
	int timeout_ms;

	pf_http_server_run(api->server);
	timeout_ms = pf_http_server_timeout_ms(api->server);
	pf_timer_set(api->timer,
		     timeout_ms < 0 ? PF_TIMER_OFF : (uint64_t)timeout_ms * PF_NS_PER_MS, 0);
}

static void on_readable(void *arg, int fd, uint32_t events)
{
	(void)fd;
	(void)events;
	run(arg);
}

static void on_timer(void *arg, uint64_t now_ns)
{
	(void)now_ns;
	run(arg);
}

static void on_log(void *arg, const char *line)
{
	static struct pf_log_limit limit = PF_LOG_LIMIT(3, PF_NS_PER_MIN);

	(void)arg;
	pf_log_limited(&limit, PF_LOG_DEBUG, "api", "%s", line);
}

int pf_api_new(struct pf_loop *loop, const char *listen, bool with_data,
	       const struct pf_api_provider *provider, struct pf_api **ret_api, char *error,
	       size_t error_size)
{
	PF_AUTO(pf_api_freep) struct pf_api *api = calloc(1, sizeof(*api));
	const struct pf_http_server_opts opts = {
		.listen = listen,
		.unix_mode = 0600, /* reports name processes: root only */
		.max_connections = MAX_CONNECTIONS,
		.arg = api,
		.handle = handle,
		.log = on_log,
	};
	int r;

	(void)snprintf(error, error_size, "out of memory");
	if (!api)
		return -ENOMEM;
	api->provider = *provider;
	api->with_data = with_data;
	r = pf_http_server_new(&opts, &api->server, error, error_size);
	if (r < 0)
		return r;
	r = pf_loop_add_timer(loop, PF_TIMER_OFF, 0, on_timer, api, &api->timer);
	if (r == 0)
		r = pf_loop_add_fd(loop, pf_http_server_fd(api->server), EPOLLIN, on_readable, api,
				   &api->watch);
	if (r < 0) {
		(void)snprintf(error, error_size, "%s", strerror(-r));
		return r;
	}
	*ret_api = pf_take(api);
	return 0;
}

void pf_api_free(struct pf_api *api)
{
	if (!api)
		return;
	pf_watch_free(api->watch);
	pf_timer_free(api->timer);
	pf_http_server_free(api->server);
	free(api);
}

const char *pf_api_address(const struct pf_api *api)
{
	return pf_http_server_address(api->server);
}
