// SPDX-License-Identifier: Apache-2.0
#include "meta/resolver.h"

#include <errno.h>
#include <string.h>

#include "meta/reader.h"
#include "sys/backoff.h"
#include "sys/log.h"

enum {
	TRIES_MAX = 3, /* names wait 10 s at most (podmap.c) */
	URL_SIZE = 2048,
	ANSWER_MAX = 256 * 1024, /* metadata only; a ReplicaSet's annotations can be long */
};

/* Only metadata is asked for; servers that cannot do so send the whole object. */
static const char accept_metadata[] =
	"application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1, application/json";

struct resource {
	const char *kind, *api, *plural;
};

static const struct resource resources[] = {
	{ "ReplicaSet", "apps/v1", "replicasets" },
	{ "Job", "batch/v1", "jobs" },
};

struct pf_resolver {
	struct pf_podmap *map;
	struct pf_reader *reader;
	struct pf_timer *retry;
	struct pf_backoff backoff;
	char *base;
	void (*changed)(void *arg);
	void *changed_arg;
	bool denied[PF_ARRAY_SIZE(resources)];

	/* the owner being asked for */
	char uid[PF_POD_UID_MAX];
	size_t resource;
	unsigned nr_tries;
	bool found;
	struct pf_owner owner;
};

static void on_object(void *arg, enum pf_watch_event event, const struct pf_pod *object,
		      const struct pf_pod_json_info *info)
{
	struct pf_resolver *resolver = arg;

	(void)event;
	(void)info;
	/* Another object of that name by now: of the old one nothing can be learned. */
	if (strcmp(object->uid, resolver->uid))
		return;
	resolver->found = true;
	if (*object->owner_kind)
		pf_owner_of_kind(object->owner_kind, object->owner_name, &resolver->owner);
	else
		pf_owner_of_kind(resources[resolver->resource].kind, object->name,
				 &resolver->owner);
}

static void settle(struct pf_resolver *resolver, const struct pf_owner *owner)
{
	char uid[PF_POD_UID_MAX];

	memcpy(uid, resolver->uid, sizeof(uid));
	resolver->uid[0] = '\0';
	pf_podmap_set_owner(resolver->map, uid, owner);
	resolver->changed(resolver->changed_arg);
}

static void on_done(void *arg, const struct pf_read_result *result)
{
	struct pf_resolver *resolver = arg;
	const char *plural = resources[resolver->resource].plural;

	if (!result->err && result->status == 200) {
		settle(resolver, resolver->found ? &resolver->owner : NULL);
	} else if (result->status == 401 || result->status == 403) {
		if (!resolver->denied[resolver->resource])
			pf_log(PF_LOG_WARNING, "meta",
			       "apiserver: may not get %s, going by what pods tell of their owners "
			       "(grant the verb get on %s): %s",
			       plural, plural, result->error);
		resolver->denied[resolver->resource] = true;
		settle(resolver, NULL);
	} else if (result->status == 404 || ++resolver->nr_tries >= TRIES_MAX) {
		settle(resolver, NULL);
	} else {
		uint64_t wait_ns = pf_backoff_next(&resolver->backoff);

		pf_timer_set(resolver->retry, PF_MAX(wait_ns, result->retry_after_ns), 0);
		return;
	}
	pf_resolver_work(resolver);
}

static size_t find_resource(const struct pf_pod *pod)
{
	size_t i = 0;

	while (i < PF_ARRAY_SIZE(resources) && (strcmp(resources[i].kind, pod->owner_kind) ||
						strcmp(resources[i].api, pod->owner_api)))
		i++;
	return i;
}

/* Return: 0; a failure that a second try would not help. */
static int ask(struct pf_resolver *resolver, const struct pf_pod *pod)
{
	char name[PF_OBJECT_NAME_MAX * 3], url[URL_SIZE];
	const struct resource *resource = &resources[resolver->resource];
	struct pf_read read = { .url = url,
				.accept = accept_metadata,
				.mode = PF_POD_JSON_OBJECT,
				.total_ns = 10 * PF_NS_PER_S,
				.max_body = ANSWER_MAX };
	int r = pf_http_escape(pod->owner_name, name, sizeof(name)), n;

	if (r < 0)
		return r;
	n = snprintf(url, sizeof(url), "%s/apis/%s/namespaces/%s/%s/%s", resolver->base,
		     resource->api, pod->namespace_name, resource->plural, name);
	if (n >= (int)sizeof(url))
		return -ENAMETOOLONG;
	resolver->found = false;
	return pf_reader_start(resolver->reader, &read);
}

void pf_resolver_work(struct pf_resolver *resolver)
{
	const struct pf_pod *pod;

	if (*resolver->uid)
		return; /* one is being asked for */
	while ((pod = pf_podmap_unresolved(resolver->map))) {
		snprintf(resolver->uid, sizeof(resolver->uid), "%s", pod->owner_uid);
		resolver->nr_tries = 0;
		resolver->resource = find_resource(pod);
		pf_backoff_reset(&resolver->backoff);
		if (resolver->resource < PF_ARRAY_SIZE(resources) &&
		    !resolver->denied[resolver->resource] && !ask(resolver, pod))
			return;
		settle(resolver, NULL);
	}
}

static void on_retry(void *arg, uint64_t now_ns)
{
	struct pf_resolver *resolver = arg;
	const struct pf_pod *pod = pf_podmap_unresolved(resolver->map);

	(void)now_ns;
	/* The pod may be gone, or another be first now. */
	if (pod && !strcmp(pod->owner_uid, resolver->uid) && !ask(resolver, pod))
		return;
	settle(resolver, NULL);
	pf_resolver_work(resolver);
}

int pf_resolver_new(struct pf_loop *loop, const struct pf_meta_source_opts *opts, const char *base,
		    struct pf_podmap *map, void (*changed)(void *arg), void *arg,
		    struct pf_resolver **ret_resolver)
{
	PF_AUTO(pf_resolver_freep) struct pf_resolver *resolver = calloc(1, sizeof(*resolver));
	int r;

	if (!resolver)
		return -ENOMEM;
	resolver->map = map;
	resolver->changed = changed;
	resolver->changed_arg = arg;
	resolver->backoff =
		(struct pf_backoff){ .first_ns = PF_NS_PER_S / 2, .max_ns = 5 * PF_NS_PER_S };
	resolver->base = strdup(base);
	if (!resolver->base)
		return -ENOMEM;
	r = pf_loop_add_timer(loop, PF_TIMER_OFF, 0, on_retry, resolver, &resolver->retry);
	if (r < 0)
		return r;
	r = pf_reader_new(
		loop, &opts->apiserver,
		&(struct pf_reader_opts){
			.with = opts, .pod = on_object, .done = on_done, .arg = resolver },
		&resolver->reader);
	if (r < 0)
		return r;
	*ret_resolver = pf_take(resolver);
	return 0;
}

void pf_resolver_free(struct pf_resolver *resolver)
{
	if (!resolver)
		return;
	pf_timer_free(resolver->retry);
	pf_reader_free(resolver->reader);
	free(resolver->base);
	free(resolver);
}
