// SPDX-License-Identifier: Apache-2.0
/*
 * The pods of this node from the API server: a list in pages, then a watch from its resource
 * version on, in the order the API's documentation of "efficient detection of changes" gives.
 *
 * - The first list asks for resourceVersion=0, which the server answers from its cache: thousands
 *   of agents may start at once. Later lists ask for "not older than" what was seen; after a 410
 *   (the version is too old) for the newest there is.
 * - A watch ends by itself after five to ten minutes (each time another, so that agents spread) and
 *   goes on where it was. Bookmarks keep the version fresh where nothing happens.
 * - Any failure waits with back-off and jitter; three watches in a row that fail are followed by a
 *   list. What was known stays known.
 */
#include <errno.h>
#include <string.h>

#include "meta/reader.h"
#include "meta/resolver.h"
#include "meta/source.h"
#include "sys/backoff.h"
#include "sys/clock.h"
#include "sys/log.h"

enum {
	PAGE_PODS = 250, /* the usual most of a node: mostly one page */
	PAGES_MAX = 64,	 /* a list that does not end is none */
	WATCH_FAILURES_MAX = 3,
	URL_SIZE = 8192, /* with a continue token */
};

#define LIST_TOTAL_NS	(2 * PF_NS_PER_MIN) /* a page */
#define LIST_SILENCE_NS (15 * PF_NS_PER_S)
#define LIST_MAX_BODY                                                                              \
	(256 * PF_MIB) /* far above what 250 pods can be: 1.5 MiB each is etcd's limit */
#define WATCH_MIN_NS	 (5 * PF_NS_PER_MIN)
#define WATCH_GRACE_NS	 (30 * PF_NS_PER_S) /* the server ends a watch; then we do */
#define CONFIRM_AFTER_NS (5 * PF_NS_PER_S)  /* a list that shrank is asked for again */
#define STALE_AFTER_NS	 PF_NS_PER_MIN
#define LIVED_NS	 PF_NS_PER_S /* a watch that lived so long is no failure by itself */

struct apiserver {
	struct pf_meta_source_opts opts; /* the strings are the opener's */
	struct pf_podmap *map;
	struct pf_reader *reader;
	struct pf_resolver *resolver; /* NULL: owners are not asked for */
	struct pf_timer *timer;	      /* the next try */
	struct pf_backoff backoff;
	void (*changed)(void *arg);
	void *changed_arg;

	char node[3 * PF_OBJECT_NAME_MAX]; /* percent-encoded */
	char version[64]; /* of the newest list or event; "": the newest there is */
	char token[4096]; /* of the page to come; "": the first */
	bool watching, listed, denied;
	unsigned nr_pages, nr_watch_failures;
	uint64_t read_since_ns, lost_since_ns; /* the latter: 0 while all is well */
	struct pf_meta_status counters;
	char state[320];
};

static void start_list(struct apiserver *api);
static void start_watch(struct apiserver *api);

static void try_again(struct apiserver *api, uint64_t least_ns)
{
	uint64_t wait_ns = pf_backoff_next(&api->backoff);

	pf_timer_set(api->timer, PF_MAX(wait_ns, least_ns), 0);
}

static void notify(struct apiserver *api)
{
	if (api->resolver)
		pf_resolver_work(api->resolver);
	api->changed(api->changed_arg);
}

/* Something did not work; @what: "list" or "watch". Goes on with what is known. */
static void failed(struct apiserver *api, const char *what, const char *error, uint64_t least_ns)
{
	static struct pf_log_limit limit = PF_LOG_LIMIT(3, PF_NS_PER_MIN);
	uint64_t now_ns = pf_clock_monotonic_ns();

	if (!api->lost_since_ns)
		api->lost_since_ns = now_ns;
	snprintf(api->state, sizeof(api->state), "%s of pods: %s", what, error);
	pf_log_limited(&limit, PF_LOG_WARNING, "meta",
		       "apiserver: %s of pods: %s; keeping what is known, trying again", what,
		       error);
	try_again(api, least_ns);
	api->changed(api->changed_arg);
}

/* Counts the failure. */
static void note_result(struct apiserver *api, const struct pf_read_result *result)
{
	struct pf_meta_status *c = &api->counters;

	c->nr_bytes += result->nr_bytes;
	api->denied = result->status == 401 || result->status == 403;
	c->nr_denied += api->denied;
	c->nr_malformed += result->err == -EBADMSG;
	c->nr_errors += result->err || (result->status != 200 && result->status != 410);
}

static void note_info(struct apiserver *api, const struct pf_pod_json_info *info)
{
	api->counters.nr_bad_values += info->nr_bad_values;
	api->counters.nr_lost_pods += info->nr_lost_pods;
	api->counters.nr_lost_containers += info->nr_lost_containers;
}

static void put_pod(struct apiserver *api, const struct pf_pod *pod)
{
	static struct pf_log_limit limit = PF_LOG_LIMIT(1, PF_NS_PER_MIN);
	int r = pf_podmap_put(api->map, pod, pf_clock_monotonic_ns());

	if (r < 0) /* counted by the map */
		pf_log_limited(&limit, PF_LOG_WARNING, "meta", "pod %s/%s is not taken: %s",
			       pod->namespace_name, pod->name,
			       r == -ENOSPC ? "the table of pods is full" : strerror(-r));
}

/* ---- list ---- */

static void expired(struct apiserver *api)
{
	api->counters.nr_expired++;
	api->version[0] = '\0';
	api->token[0] = '\0';
}

static void list_page_done(struct apiserver *api, const struct pf_read_result *result)
{
	if (!result->err && result->status == 410) {
		expired(api);
		failed(api, "list", "its version has expired", 0);
		return;
	}
	if (result->err || result->status != 200) {
		api->token[0] = '\0'; /* half a list is none: from the beginning */
		failed(api, "list", result->error, result->retry_after_ns);
		return;
	}
	note_info(api, result->info);
	memcpy(api->token, result->info->continue_token, sizeof(api->token));
	if (*api->token && api->nr_pages >= PAGES_MAX) {
		api->token[0] = '\0';
		failed(api, "list", "it does not end", PF_NS_PER_MIN);
		return;
	}
	if (*api->token) {
		start_list(api);
		return;
	}
	memcpy(api->version, result->info->resource_version, sizeof(api->version));
	api->counters.nr_lists++;
	if (pf_podmap_list_end(api->map, pf_clock_monotonic_ns()) == -EAGAIN) {
		pf_log(PF_LOG_WARNING, "meta",
		       "apiserver: more than a quarter of the pods is missing from the list; "
		       "keeping them until a second list says so too");
		api->version[0] = '\0'; /* not from a cache that may be the one in error */
		pf_timer_set(api->timer, CONFIRM_AFTER_NS, 0);
		return;
	}
	if (!api->listed)
		pf_log(PF_LOG_INFO, "meta", "apiserver: pods are known, watching");
	api->listed = true;
	api->lost_since_ns = 0;
	pf_backoff_reset(&api->backoff);
	start_watch(api);
	notify(api);
}

static int list_url(const struct apiserver *api, char *url, size_t size)
{
	char token[sizeof(api->token) * 3];
	int n;

	if (*api->token) {
		if (pf_http_escape(api->token, token, sizeof(token)) < 0)
			return -ENAMETOOLONG;
		n = snprintf(
			url, size,
			"%s/api/v1/pods?fieldSelector=spec.nodeName%%3D%s&limit=%d&continue=%s",
			api->opts.apiserver.url, api->node, PAGE_PODS, token);
	} else {
		n = snprintf(
			url, size, "%s/api/v1/pods?fieldSelector=spec.nodeName%%3D%s&limit=%d%s%s",
			api->opts.apiserver.url, api->node, PAGE_PODS,
			*api->version ? "&resourceVersionMatch=NotOlderThan&resourceVersion=" : "",
			api->version);
	}
	return n < (int)size ? 0 : -ENAMETOOLONG;
}

static void start_list(struct apiserver *api)
{
	char url[URL_SIZE + 2 * sizeof(api->token)];
	struct pf_read read = { .url = url,
				.mode = PF_POD_JSON_LIST,
				.total_ns = LIST_TOTAL_NS,
				.silence_ns = LIST_SILENCE_NS,
				.max_body = LIST_MAX_BODY };
	int r = list_url(api, url, sizeof(url));

	api->watching = false;
	api->read_since_ns = pf_clock_monotonic_ns();
	if (!*api->token) {
		api->nr_pages = 0;
		pf_podmap_list_begin(api->map);
	}
	api->nr_pages++;
	api->counters.nr_requests++;
	if (r >= 0)
		r = pf_reader_start(api->reader, &read);
	if (r < 0) {
		api->token[0] = '\0';
		api->counters.nr_errors++;
		failed(api, "list", r == -ENOENT ? "the token file is not there" : strerror(-r), 0);
	}
}

/* ---- watch ---- */

static void watch_event(struct apiserver *api, enum pf_watch_event event, const struct pf_pod *pod,
			const struct pf_pod_json_info *info)
{
	uint64_t now_ns = pf_clock_monotonic_ns();

	if (event == PF_WATCH_ERROR || event == PF_WATCH_UNKNOWN)
		return; /* an error ends the watch, see watch_done() */
	api->counters.nr_events++;
	if (event == PF_WATCH_DELETED)
		pf_podmap_drop(api->map, pod->uid, now_ns);
	else if (pod)
		put_pod(api, pod);
	memcpy(api->version, info->resource_version, sizeof(api->version));
	pf_podmap_heard(api->map, now_ns);
	api->lost_since_ns = 0;
	api->nr_watch_failures = 0;
	pf_backoff_reset(&api->backoff);
	if (event != PF_WATCH_BOOKMARK)
		notify(api);
}

static void watch_done(struct apiserver *api, const struct pf_read_result *result)
{
	bool lived = pf_clock_monotonic_ns() - api->read_since_ns >= LIVED_NS;
	bool ended_well = !result->err && result->status == 200 && !result->info->status_code;

	note_info(api, result->info);
	if (!result->err && (result->status == 410 || result->info->status_code == 410)) {
		expired(api);
		start_list(api);
		return;
	}
	if (ended_well && lived) {
		pf_podmap_heard(api->map, pf_clock_monotonic_ns());
		start_watch(api);
		return;
	}
	if (++api->nr_watch_failures >= WATCH_FAILURES_MAX)
		api->watching = false; /* the next try is a list */
	failed(api, "watch",
	       ended_well			       ? "it ends at once"
	       : !result->err && result->status == 200 ? result->info->status_message
						       : result->error,
	       result->retry_after_ns);
}

static void start_watch(struct apiserver *api)
{
	char url[URL_SIZE];
	uint64_t length_ns = WATCH_MIN_NS + pf_backoff_random(&api->backoff, WATCH_MIN_NS);
	struct pf_read read = { .url = url,
				.mode = PF_POD_JSON_WATCH,
				.total_ns = length_ns + WATCH_GRACE_NS,
				.max_body = UINT64_MAX };
	int r;

	/* node and version are bounded, a URL that does not fit is the caller's base */
	r = snprintf(url, sizeof(url),
		     "%s/api/v1/pods?watch=1&allowWatchBookmarks=true&timeoutSeconds=%llu"
		     "&fieldSelector=spec.nodeName%%3D%s&resourceVersion=%s",
		     api->opts.apiserver.url, (unsigned long long)(length_ns / PF_NS_PER_S),
		     api->node, api->version) < (int)sizeof(url)
		    ? 0
		    : -ENAMETOOLONG;
	api->watching = true;
	api->read_since_ns = pf_clock_monotonic_ns();
	api->counters.nr_requests++;
	api->counters.nr_watches++;
	if (r >= 0)
		r = pf_reader_start(api->reader, &read);
	if (r < 0) {
		api->counters.nr_errors++;
		failed(api, "watch", r == -ENOENT ? "the token file is not there" : strerror(-r),
		       0);
	}
}

/* ---- the source ---- */

static void on_pod(void *arg, enum pf_watch_event event, const struct pf_pod *pod,
		   const struct pf_pod_json_info *info)
{
	struct apiserver *api = arg;

	if (api->watching)
		watch_event(api, event, pod, info);
	else
		put_pod(api, pod);
}

static void on_done(void *arg, const struct pf_read_result *result)
{
	struct apiserver *api = arg;

	note_result(api, result);
	if (api->watching)
		watch_done(api, result);
	else
		list_page_done(api, result);
}

static void on_timer(void *arg, uint64_t now_ns)
{
	struct apiserver *api = arg;

	(void)now_ns;
	if (api->watching)
		start_watch(api);
	else
		start_list(api);
}

static int api_usable(const struct pf_meta_source_opts *opts, char *error, size_t size)
{
	const char *missing = NULL;

	if (!opts->apiserver.url)
		missing =
			"no URL of the API server (in a pod KUBERNETES_SERVICE_HOST tells it; else "
			"--pods.apiserver.url)";
	else if (!opts->node_name || !*opts->node_name)
		missing = "no name of this node (--pods.node-name, in a pod from spec.nodeName)";
	if (!missing)
		return 0;
	snprintf(error, size, "apiserver: %s", missing);
	return -EINVAL;
}

static void api_close(void *source)
{
	struct apiserver *api = source;

	if (!api)
		return;
	pf_timer_free(api->timer);
	pf_resolver_free(api->resolver);
	pf_reader_free(api->reader);
	free(api);
}

static void resolver_changed(void *arg)
{
	struct apiserver *api = arg;

	api->changed(api->changed_arg);
}

static int open_parts(struct apiserver *api, struct pf_loop *loop)
{
	struct pf_reader_opts reader_opts = {
		.with = &api->opts, .pod = on_pod, .done = on_done, .arg = api
	};
	int r = pf_http_escape(api->opts.node_name, api->node, sizeof(api->node));

	if (r >= 0)
		r = pf_reader_new(loop, &api->opts.apiserver, &reader_opts, &api->reader);
	if (r >= 0)
		r = pf_loop_add_timer(loop, 0, 0, on_timer, api, &api->timer);
	if (r >= 0 && api->opts.resolve_owners) {
		r = pf_resolver_new(loop, &api->opts, api->opts.apiserver.url, api->map,
				    resolver_changed, api, &api->resolver);
		if (r >= 0)
			pf_podmap_resolve_owners(api->map, true);
	}
	return r;
}

static int api_open(const struct pf_meta_source_opts *opts, struct pf_loop *loop,
		    struct pf_podmap *map, void (*changed)(void *arg), void *arg, void **ret_source)
{
	struct apiserver *api = calloc(1, sizeof(*api));
	int r;

	if (!api)
		return -ENOMEM;
	api->opts = *opts;
	api->map = map;
	api->changed = changed;
	api->changed_arg = arg;
	api->backoff = (struct pf_backoff){ .first_ns = PF_NS_PER_S, .max_ns = 30 * PF_NS_PER_S };
	snprintf(api->version, sizeof(api->version), "0");
	snprintf(api->state, sizeof(api->state), "listing pods");
	r = open_parts(api, loop);
	if (r < 0) {
		api_close(api);
		return r;
	}
	*ret_source = api;
	return 0;
}

static void api_status(void *source, struct pf_meta_status *status)
{
	struct apiserver *api = source;
	uint64_t lost_ns = api->lost_since_ns ? pf_clock_monotonic_ns() - api->lost_since_ns : 0;

	*status = api->counters;
	status->ready = api->listed;
	status->health = api->denied		    ? PF_META_DENIED
			 : !api->listed		    ? PF_META_STARTING
			 : lost_ns > STALE_AFTER_NS ? PF_META_STALE
						    : PF_META_SYNCED;
	if (api->listed && !api->lost_since_ns)
		snprintf(api->state, sizeof(api->state), "watching the pods of node %s",
			 api->opts.node_name);
	status->state = api->state;
}

const struct pf_meta_source_ops pf_meta_apiserver = {
	.name = "apiserver",
	.usable = api_usable,
	.open = api_open,
	.status = api_status,
	.close = api_close,
};
