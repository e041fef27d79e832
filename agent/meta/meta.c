// SPDX-License-Identifier: Apache-2.0
/*
 * Holds the map and the source that fills it. With "auto" the sources are tried in the order API
 * server, kubelet, none: one that was refused, or never answered, makes room for the next; one that
 * worked once is kept, since what it told stays true for a while. Ten minutes after the last resort
 * was taken the first is tried again.
 */
#include "meta/meta.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "meta/hpa.h"
#include "sys/clock.h"
#include "sys/log.h"

#define TICK_NS		 (5 * PF_NS_PER_S)
#define DENIED_ENOUGH_NS (15 * PF_NS_PER_S)
#define SILENT_ENOUGH_NS (30 * PF_NS_PER_S)
#define FIRST_AGAIN_NS	 (10 * PF_NS_PER_MIN)
/* After a new cgroup: a container is listed 0.3 to 1.3 s after its birth (recorded). */
#define POKE_FIRST_NS PF_NS_PER_S
#define POKE_MAX_NS   (30 * PF_NS_PER_S)

#define SERVICE_ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount/"

enum { PODS_DEFAULT = 1024 }; /* a node's usual most is 250, with those that ended */

static const struct pf_meta_source_ops *const sources[] = { &pf_meta_apiserver, &pf_meta_kubelet,
							    &pf_meta_none };

struct pf_meta {
	struct pf_meta_opts opts; /* strings are the caller's, as long as the module lives */
	struct pf_loop *loop;
	struct pf_podmap *map;
	const struct pf_meta_source_ops *ops;
	void *source;	/* NULL after a failed switch */
	size_t current; /* in sources[] */
	bool automatic, worked;
	uint64_t opened_ns, denied_since_ns;
	struct pf_timer *tick, *poke;
	struct pf_hpa *hpa; /* NULL: not asked for */
	uint64_t poke_ns;   /* until the next look for what is not named */
	char state[400];
};

static const char *const default_labels[] = { "app",
					      "app.kubernetes.io/name",
					      "app.kubernetes.io/instance",
					      "app.kubernetes.io/component",
					      "app.kubernetes.io/version",
					      "app.kubernetes.io/part-of",
					      "version",
					      "track",
					      "tier",
					      "environment",
					      "pod-template-hash",
					      "podfit.io/*",
					      NULL };
static const char *const default_annotations[] = { "podfit.io/*", NULL };

void pf_meta_opts_init(struct pf_meta_opts *opts)
{
	static char url[128]; /* the environment of a process does not change */
	const char *host = getenv("KUBERNETES_SERVICE_HOST"),
		   *port = getenv("KUBERNETES_SERVICE_PORT");

	*opts = (struct pf_meta_opts){
		.source = "auto",
		.with = { .kubelet_interval_ns = 30 * PF_NS_PER_S,
			  .resolve_owners = true,
			  .pod_logs = "/var/log",
			  .labels = default_labels,
			  .annotations = default_annotations,
			  .max_pods = PODS_DEFAULT },
		.max_cgroups = 2 * PF_CONTAINERS_DEFAULT,
	};
	if (host && *host) {
		snprintf(url, sizeof(url), strchr(host, ':') ? "https://[%s]:%s" : "https://%s:%s",
			 host, port && *port ? port : "443");
		opts->with.apiserver.url = url;
	}
	if (!access(SERVICE_ACCOUNT "token", R_OK)) {
		opts->with.apiserver.token_file = SERVICE_ACCOUNT "token";
		opts->with.kubelet.token_file = SERVICE_ACCOUNT "token";
	}
	if (!access(SERVICE_ACCOUNT "ca.crt", R_OK)) {
		opts->with.apiserver.ca_file = SERVICE_ACCOUNT "ca.crt";
		opts->with.kubelet.ca_file = SERVICE_ACCOUNT "ca.crt";
	}
}

static void notify(void *arg)
{
	struct pf_meta *meta = arg;

	if (meta->opts.changed)
		meta->opts.changed(meta->opts.changed_arg);
}

static int open_source(struct pf_meta *meta, size_t which)
{
	int r;

	meta->current = which;
	meta->ops = sources[which];
	meta->opened_ns = pf_clock_monotonic_ns();
	meta->denied_since_ns = 0;
	meta->worked = false;
	r = meta->ops->open(&meta->opts.with, meta->loop, meta->map, notify, meta, &meta->source);
	if (r < 0)
		pf_log(PF_LOG_ERROR, "meta", "cannot start source %s: %s", meta->ops->name,
		       strerror(-r));
	else
		pf_log(PF_LOG_INFO, "meta", "names come from source %s", meta->ops->name);
	return r;
}

static void close_source(struct pf_meta *meta)
{
	if (meta->source)
		meta->ops->close(meta->source);
	meta->source = NULL;
	pf_podmap_resolve_owners(meta->map, false);
}

/* The first source from @from on that can be used. The last can always be. */
static size_t next_usable(const struct pf_meta *meta, size_t from, bool say)
{
	char error[256] = "";

	while (from + 1 < PF_ARRAY_SIZE(sources) &&
	       sources[from]->usable(&meta->opts.with, error, sizeof(error)) < 0) {
		if (say)
			pf_log(PF_LOG_INFO, "meta", "not used: %s", error);
		from++;
	}
	return from;
}

static void switch_source(struct pf_meta *meta, size_t from, const char *why)
{
	pf_log(PF_LOG_WARNING, "meta", "source %s %s, trying another", meta->ops->name, why);
	close_source(meta);
	(void)open_source(meta,
			  next_usable(meta, from, true)); /* logged; the next tick tries again */
	notify(meta);
}

/* Whether the source in use should make room for another ("auto"). */
static void judge_source(struct pf_meta *meta, uint64_t now_ns)
{
	struct pf_meta_status status = { .health = PF_META_STARTING };
	bool last = meta->current + 1 == PF_ARRAY_SIZE(sources);
	size_t first;

	if (meta->source)
		meta->ops->status(meta->source, &status);
	meta->worked = meta->worked || status.health == PF_META_SYNCED;
	if (status.health != PF_META_DENIED)
		meta->denied_since_ns = 0;
	else if (!meta->denied_since_ns)
		meta->denied_since_ns = now_ns;

	first = next_usable(meta, 0, false);
	if (last && first != meta->current && now_ns - meta->opened_ns >= FIRST_AGAIN_NS)
		switch_source(meta, first, "was the last resort");
	else if (meta->worked || last)
		return;
	else if (meta->denied_since_ns && now_ns - meta->denied_since_ns >= DENIED_ENOUGH_NS)
		switch_source(meta, meta->current + 1, "is refused");
	else if (now_ns - meta->opened_ns >= SILENT_ENOUGH_NS)
		switch_source(meta, meta->current + 1, "does not answer");
}

static void on_tick(void *arg, uint64_t now_ns)
{
	struct pf_meta *meta = arg;

	pf_podmap_tick(meta->map, now_ns);
	if (meta->automatic)
		judge_source(meta, now_ns);
}

static void on_poke(void *arg, uint64_t now_ns)
{
	struct pf_meta *meta = arg;

	if (!meta->source || !meta->ops->poke || !pf_podmap_waiting(meta->map, now_ns))
		return;
	meta->ops->poke(meta->source);
	meta->poke_ns = PF_MIN(meta->poke_ns * 2, (uint64_t)POKE_MAX_NS);
	pf_timer_set(meta->poke, meta->poke_ns, 0);
}

static int find_source(const char *name, size_t *ret_which)
{
	for (size_t i = 0; i < PF_ARRAY_SIZE(sources); i++)
		if (!strcmp(sources[i]->name, name)) {
			*ret_which = i;
			return 0;
		}
	return -EINVAL;
}

static int choose_source(const struct pf_meta *meta, size_t *ret_which, char *error, size_t size)
{
	if (meta->automatic) {
		*ret_which = next_usable(meta, 0, true);
		return 0;
	}
	if (find_source(meta->opts.source, ret_which) < 0) {
		snprintf(error, size,
			 "no source of pods is called '%s': auto, apiserver, kubelet, none",
			 meta->opts.source);
		return -EINVAL;
	}
	return sources[*ret_which]->usable(&meta->opts.with, error, size);
}

static int open_hpa(struct pf_meta *meta, char *error, size_t error_size)
{
	const struct pf_meta_server *server = &meta->opts.with.apiserver;
	int r;

	if (!meta->opts.with.hpa)
		return 0;
	if (!server->url || !*server->url) {
		snprintf(error, error_size,
			 "pods.hpa: no API server: not in a pod, and no pods.apiserver.url");
		return -EINVAL;
	}
	r = pf_hpa_new(meta->loop, server, notify, meta, &meta->hpa);
	if (r < 0)
		snprintf(error, error_size, "pods.hpa: %s", strerror(-r));
	return r;
}

int pf_meta_new(const struct pf_meta_opts *opts, struct pf_loop *loop, struct pf_meta **ret_meta,
		char *error, size_t error_size)
{
	PF_AUTO(pf_meta_freep) struct pf_meta *meta = calloc(1, sizeof(*meta));
	struct pf_podmap_opts map_opts = { .max_pods = opts->with.max_pods,
					   .max_cgroups = opts->max_cgroups };
	size_t which = 0;
	int r;

	snprintf(error, error_size, "out of memory");
	if (!meta)
		return -ENOMEM;
	meta->opts = *opts;
	meta->loop = loop;
	meta->automatic = !strcmp(opts->source, "auto");
	r = choose_source(meta, &which, error, error_size);
	if (r >= 0)
		r = pf_podmap_new(&map_opts, &meta->map);
	if (r >= 0)
		r = pf_loop_add_timer(loop, TICK_NS, TICK_NS, on_tick, meta, &meta->tick);
	if (r >= 0)
		r = pf_loop_add_timer(loop, PF_TIMER_OFF, 0, on_poke, meta, &meta->poke);
	if (r < 0)
		return r;
	r = open_hpa(meta, error, error_size);
	if (r < 0)
		return r;
	r = open_source(meta, which);
	if (r < 0) {
		snprintf(error, error_size, "cannot start source %s: %s", meta->ops->name,
			 strerror(-r));
		return r;
	}
	*ret_meta = pf_take(meta);
	return 0;
}

void pf_meta_free(struct pf_meta *meta)
{
	if (!meta)
		return;
	if (meta->source)
		meta->ops->close(meta->source);
	pf_hpa_free(meta->hpa);
	pf_timer_free(meta->tick);
	pf_timer_free(meta->poke);
	pf_podmap_free(meta->map);
	free(meta);
}

void pf_meta_appeared(struct pf_meta *meta, const struct pf_cgroup *cgroup)
{
	pf_podmap_appeared(meta->map, cgroup, pf_clock_monotonic_ns());
	if (!*cgroup->class.pod_uid)
		return;
	meta->poke_ns = POKE_FIRST_NS;
	pf_timer_set(meta->poke, meta->poke_ns, 0);
}

void pf_meta_hint(struct pf_meta *meta, uint64_t handle, uint64_t cpu_weight)
{
	pf_podmap_hint(meta->map, handle, cpu_weight);
}

void pf_meta_forget(struct pf_meta *meta, uint64_t handle)
{
	pf_podmap_forget(meta->map, handle);
}

enum pf_meta_answer pf_meta_lookup(struct pf_meta *meta, const struct pf_cgroup *cgroup,
				   struct pf_identity *ret_identity)
{
	enum pf_meta_answer answer =
		pf_podmap_lookup(meta->map, cgroup, pf_clock_monotonic_ns(), ret_identity);

	if (meta->hpa && answer == PF_META_NAMED)
		pf_hpa_fill(meta->hpa, ret_identity);
	return answer;
}

void pf_meta_settle(struct pf_meta *meta)
{
	pf_podmap_settle(meta->map);
}

void pf_meta_status(struct pf_meta *meta, struct pf_meta_status *ret_status)
{
	struct pf_meta_status status = { .state = "not started" };

	if (meta->source)
		meta->ops->status(meta->source, &status);
	status.source = meta->ops->name;
	pf_podmap_stats(meta->map, &status.map);
	status.heard_ns = pf_podmap_heard_ns(meta->map);
	snprintf(meta->state, sizeof(meta->state), "%s; %u pods known", status.state,
		 status.map.nr_pods);
	status.state = meta->state;
	*ret_status = status;
}

size_t pf_meta_losses(const struct pf_meta *meta, struct pf_loss *ret_losses, size_t max_losses)
{
	struct pf_meta_status status = { .health = PF_META_STARTING };
	struct pf_podmap_stats map;

	if (meta->source)
		meta->ops->status(meta->source, &status);
	pf_podmap_stats(meta->map, &map);
	const struct pf_loss losses[] = {
		{ "meta_pods_refused", map.nr_pods_refused },
		{ "meta_cgroups_untracked", map.nr_cgroups_refused },
		{ "meta_containers_unnamed", map.nr_unnamed },
		{ "meta_pods_malformed", status.nr_lost_pods },
		{ "meta_containers_beyond_maximum", status.nr_lost_containers },
		{ "meta_values_not_understood", status.nr_bad_values },
		{ "meta_answers_malformed", status.nr_malformed },
		{ "meta_requests_denied", status.nr_denied },
		{ "meta_requests_failed", status.nr_errors },
		{ "meta_hpa_refused", meta->hpa ? pf_hpa_refused(meta->hpa) : 0 },
	};
	size_t nr = PF_MIN(PF_ARRAY_SIZE(losses), max_losses);

	memcpy(ret_losses, losses, nr * sizeof(*losses));
	return nr;
}
