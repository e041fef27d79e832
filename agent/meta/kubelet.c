// SPDX-License-Identifier: Apache-2.0
/*
 * The pods of this node from its kubelet: GET /pods, at an interval and when a cgroup is not known.
 *
 * Needs "get" on nodes/pods (the kubelet's fine-grained authorization, Kubernetes 1.33 and later),
 * before that on nodes/proxy; or a client certificate. The list has no version and its order
 * changes from call to call (recorded), so each is taken whole.
 */
#include <errno.h>
#include <string.h>

#include "meta/reader.h"
#include "meta/source.h"
#include "sys/backoff.h"
#include "sys/clock.h"
#include "sys/log.h"

#define TOTAL_NS	 (30 * PF_NS_PER_S)
#define SILENCE_NS	 (10 * PF_NS_PER_S)
#define MAX_BODY	 (256 * PF_MIB)
#define CONFIRM_AFTER_NS (5 * PF_NS_PER_S)
#define STALE_AFTER_NS	 PF_NS_PER_MIN

enum { URL_SIZE = 1024 };

struct kubelet {
	struct pf_meta_source_opts opts; /* the strings are the opener's */
	struct pf_podmap *map;
	struct pf_reader *reader;
	struct pf_timer *timer; /* the next look */
	struct pf_backoff backoff;
	void (*changed)(void *arg);
	void *changed_arg;
	bool listed, denied, failing, poked;
	uint64_t heard_ns;
	struct pf_meta_status counters;
	char state[320];
};

static void failed(struct kubelet *k, const char *error, uint64_t least_ns)
{
	static struct pf_log_limit limit = PF_LOG_LIMIT(3, PF_NS_PER_MIN);
	uint64_t wait_ns = pf_backoff_next(&k->backoff);

	k->failing = true;
	snprintf(k->state, sizeof(k->state), "GET /pods: %s", error);
	pf_log_limited(&limit, PF_LOG_WARNING, "meta",
		       "kubelet: GET /pods: %s; keeping what is known, trying again", error);
	pf_timer_set(k->timer, PF_MAX(wait_ns, least_ns), 0);
	k->changed(k->changed_arg);
}

static void on_pod(void *arg, enum pf_watch_event event, const struct pf_pod *pod,
		   const struct pf_pod_json_info *info)
{
	static struct pf_log_limit limit = PF_LOG_LIMIT(1, PF_NS_PER_MIN);
	struct kubelet *k = arg;
	int r = pf_podmap_put(k->map, pod, pf_clock_monotonic_ns());

	(void)event;
	(void)info;
	if (r < 0) /* counted by the map */
		pf_log_limited(&limit, PF_LOG_WARNING, "meta", "pod %s/%s is not taken: %s",
			       pod->namespace_name, pod->name,
			       r == -ENOSPC ? "the table of pods is full" : strerror(-r));
}

static void listed(struct kubelet *k)
{
	uint64_t now_ns = pf_clock_monotonic_ns();

	k->counters.nr_lists++;
	pf_backoff_reset(&k->backoff);
	k->failing = false;
	k->heard_ns = now_ns;
	if (pf_podmap_list_end(k->map, now_ns) == -EAGAIN) {
		pf_log(PF_LOG_WARNING, "meta",
		       "kubelet: more than a quarter of the pods is missing from the list; "
		       "keeping them until a second list says so too");
		pf_timer_set(k->timer, CONFIRM_AFTER_NS, 0);
		return;
	}
	if (!k->listed)
		pf_log(PF_LOG_INFO, "meta", "kubelet: pods are known");
	k->listed = true;
	pf_timer_set(k->timer, k->poked ? PF_NS_PER_S : k->opts.kubelet_interval_ns, 0);
	k->poked = false;
	k->changed(k->changed_arg);
}

static void on_done(void *arg, const struct pf_read_result *result)
{
	struct kubelet *k = arg;
	struct pf_meta_status *c = &k->counters;

	c->nr_bytes += result->nr_bytes;
	c->nr_bad_values += result->info->nr_bad_values;
	c->nr_lost_pods += result->info->nr_lost_pods;
	c->nr_lost_containers += result->info->nr_lost_containers;
	k->denied = result->status == 401 || result->status == 403;
	c->nr_denied += k->denied;
	c->nr_malformed += result->err == -EBADMSG;
	if (result->err || result->status != 200) {
		c->nr_errors++;
		failed(k, result->error, result->retry_after_ns);
		return;
	}
	listed(k);
}

static void look(struct kubelet *k)
{
	char url[URL_SIZE];
	struct pf_read read = { .url = url,
				.mode = PF_POD_JSON_LIST,
				.total_ns = TOTAL_NS,
				.silence_ns = SILENCE_NS,
				.max_body = MAX_BODY };
	int r;

	k->counters.nr_requests++;
	pf_podmap_list_begin(k->map);
	r = snprintf(url, sizeof(url), "%s/pods", k->opts.kubelet.url) < (int)sizeof(url)
		    ? pf_reader_start(k->reader, &read)
		    : -ENAMETOOLONG;
	if (r < 0) {
		k->counters.nr_errors++;
		failed(k, r == -ENOENT ? "the token file is not there" : strerror(-r), 0);
	}
}

static void on_timer(void *arg, uint64_t now_ns)
{
	(void)now_ns;
	look(arg);
}

static void kubelet_poke(void *source)
{
	struct kubelet *k = source;

	if (k->failing)
		return; /* its back-off decides */
	if (pf_reader_busy(k->reader))
		k->poked = true; /* this answer may be from before */
	else
		look(k);
}

static int kubelet_usable(const struct pf_meta_source_opts *opts, char *error, size_t size)
{
	if (opts->kubelet.url)
		return 0;
	snprintf(error, size,
		 "kubelet: no URL (--pods.kubelet.url, such as https://NODE-IP:10250)");
	return -EINVAL;
}

static void kubelet_close(void *source)
{
	struct kubelet *k = source;

	if (!k)
		return;
	pf_timer_free(k->timer);
	pf_reader_free(k->reader);
	free(k);
}

static int kubelet_open(const struct pf_meta_source_opts *opts, struct pf_loop *loop,
			struct pf_podmap *map, void (*changed)(void *arg), void *arg,
			void **ret_source)
{
	struct kubelet *k = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return -ENOMEM;
	k->opts = *opts;
	k->map = map;
	k->changed = changed;
	k->changed_arg = arg;
	k->backoff = (struct pf_backoff){ .first_ns = PF_NS_PER_S, .max_ns = 30 * PF_NS_PER_S };
	snprintf(k->state, sizeof(k->state), "asking for pods");
	r = pf_reader_new(loop, &k->opts.kubelet,
			  &(struct pf_reader_opts){
				  .with = &k->opts, .pod = on_pod, .done = on_done, .arg = k },
			  &k->reader);
	if (r >= 0)
		r = pf_loop_add_timer(loop, 0, 0, on_timer, k, &k->timer);
	if (r < 0) {
		kubelet_close(k);
		return r;
	}
	*ret_source = k;
	return 0;
}

static void kubelet_status(void *source, struct pf_meta_status *status)
{
	struct kubelet *k = source;
	bool stale = k->failing && pf_clock_monotonic_ns() - k->heard_ns > STALE_AFTER_NS;

	*status = k->counters;
	status->ready = k->listed;
	status->health = k->denied    ? PF_META_DENIED
			 : !k->listed ? PF_META_STARTING
			 : stale      ? PF_META_STALE
				      : PF_META_SYNCED;
	if (k->listed && !k->failing)
		snprintf(k->state, sizeof(k->state), "asking the kubelet for its pods");
	status->state = k->state;
}

const struct pf_meta_source_ops pf_meta_kubelet = {
	.name = "kubelet",
	.usable = kubelet_usable,
	.open = kubelet_open,
	.poke = kubelet_poke,
	.status = kubelet_status,
	.close = kubelet_close,
};
