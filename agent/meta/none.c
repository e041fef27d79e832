// SPDX-License-Identifier: Apache-2.0
/*
 * No server to ask: names from the kubelet's log folder, where it is mounted.
 *
 * /var/log/containers/POD_NAMESPACE_CONTAINER-ID.log is a link to
 * /var/log/pods/NAMESPACE_POD_UID/CONTAINER/RESTARTS.log. Neither pod nor container names have an
 * underscore, so the target tells namespace, pod, uid, container and restarts, the link's name the
 * id. Owners, labels and resources are not known; a pod is its own workload. Nothing is opened but
 * the folder, and links are read, never followed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "base/arena.h"
#include "base/parse.h"
#include "meta/source.h"
#include "sys/clock.h"

enum {
	LINKS_MAX = 4096, /* the kubelet removes those of pods that are gone */
	TEXT_MAX = 4 << 20,
	ID_DIGITS = 64,
	STATIC_UID_LEN = 32, /* a hash without dashes */
};

#define INTERVAL_NS (30 * PF_NS_PER_S)

struct none {
	struct pf_meta_source_opts opts; /* the strings are the opener's */
	struct pf_podmap *map;
	struct pf_timer *timer;
	void (*changed)(void *arg);
	void *changed_arg;
	bool readable;
	struct pf_meta_status counters;
	char state[320];
	struct pf_pod_container containers[PF_POD_CONTAINERS_MAX]; /* of the pod being put */
};

struct link {
	const char *namespace_name, *pod, *uid, *container, *id;
	uint32_t restarts;
};

/* Takes *text up to @end as a word of its own. NULL if @end is not there. */
static char *take_word(char **text, char end)
{
	char *word = *text, *at = strchr(word, end);

	if (!at)
		return NULL;
	*at = '\0';
	*text = at + 1;
	return word;
}

/* "NAMESPACE_POD_UID/CONTAINER/RESTARTS.log", the end of @target; written into. */
static bool parse_target(char *target, struct link *link)
{
	char *number = strrchr(target, '/'), *container, *pod;
	uint64_t restarts;

	if (!number)
		return false;
	*number++ = '\0';
	container = strrchr(target, '/');
	if (!container)
		return false;
	*container++ = '\0';
	pod = strrchr(target, '/');
	pod = pod ? pod + 1 : target;
	link->container = container;
	link->namespace_name = take_word(&pod, '_');
	link->pod = link->namespace_name ? take_word(&pod, '_') : NULL;
	link->uid = pod;
	number = take_word(&number, '.');
	if (!link->pod || !number || pf_parse_u64(number, &restarts) < 0)
		return false;
	link->restarts = (uint32_t)PF_MIN(restarts, (uint64_t)UINT32_MAX);
	return *link->uid && strlen(link->uid) < PF_POD_UID_MAX && *link->container;
}

/* "..._CONTAINER-ID.log" */
static const char *parse_id(char *name)
{
	size_t len = strlen(name);

	if (len < ID_DIGITS + 5 || strcmp(name + len - 4, ".log") ||
	    name[len - 5 - ID_DIGITS] != '-')
		return NULL;
	name[len - 4] = '\0';
	return name + len - 4 - ID_DIGITS;
}

static bool read_link(int dir_fd, const char *name, struct pf_arena *arena, struct link *ret_link)
{
	char target[PATH_MAX], *name_copy, *target_copy;
	ssize_t len = readlinkat(dir_fd, name, target, sizeof(target) - 1);

	if (len <= 0)
		return false;
	target[len] = '\0';
	name_copy = pf_arena_strdup(arena, name);
	target_copy = pf_arena_strdup(arena, target);
	if (!name_copy || !target_copy)
		return false;
	ret_link->id = parse_id(name_copy);
	return ret_link->id && parse_target(target_copy, ret_link);
}

/* Return: how many links there are; -errno. */
static int read_links(const char *folder, struct pf_arena *arena, struct link *ret_links)
{
	char path[PATH_MAX];
	int nr = 0;

	if (snprintf(path, sizeof(path), "%s/containers", folder) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	PF_AUTO(pf_closedirp) DIR *dir = opendir(path);
	struct dirent *entry;

	if (!dir)
		return -errno;
	while (nr < LINKS_MAX && (entry = readdir(dir)))
		nr += read_link(dirfd(dir), entry->d_name, arena, &ret_links[nr]);
	return nr;
}

/* By pod, then by container, the newest instance first. */
static int compare_links(const void *a, const void *b)
{
	const struct link *x = a, *y = b;
	int r = strcmp(x->uid, y->uid);

	if (!r)
		r = strcmp(x->container, y->container);
	return r ? r : (x->restarts < y->restarts) - (x->restarts > y->restarts);
}

/* The links of one pod, sorted. */
static void put_pod(struct none *none, const struct link *links, size_t nr, uint64_t now_ns)
{
	struct pf_pod_container *containers = none->containers;
	struct pf_pod pod = { .namespace_name = links->namespace_name,
			      .name = links->pod,
			      .node = none->opts.node_name ? none->opts.node_name : "",
			      .uid = links->uid,
			      .cgroup_uid = links->uid,
			      .owner_kind = "",
			      .owner_name = "",
			      .owner_uid = "",
			      .owner_api = "",
			      .template_hash = "",
			      .phase = "",
			      .static_pod = strlen(links->uid) == STATIC_UID_LEN &&
					    !strchr(links->uid, '-'),
			      .containers = containers };

	pf_resources_set_all(&pod.pod_spec, PF_UNKNOWN);
	pf_resources_set_all(&pod.pod_actual, PF_UNKNOWN);
	for (size_t i = 0; i < nr && pod.nr_containers < PF_POD_CONTAINERS_MAX; i++) {
		struct pf_pod_container *c = &containers[pod.nr_containers];

		/* The second of a name is the instance before; the map remembers older ones. */
		if (i && !strcmp(links[i].container, links[i - 1].container)) {
			c = &containers[pod.nr_containers - 1];
			c->last_id = *c->last_id ? c->last_id : links[i].id;
			continue;
		}
		*c = (struct pf_pod_container){ .name = links[i].container,
						.image = "",
						.id = links[i].id,
						.last_id = "",
						.restart_count = links[i].restarts };
		pf_resources_set_all(&c->spec, PF_UNKNOWN);
		pf_resources_set_all(&c->actual, PF_UNKNOWN);
		pod.nr_containers++;
	}
	if (pf_podmap_put(none->map, &pod, now_ns) == -ENOMEM)
		none->counters.nr_errors++; /* a full table is counted by the map */
}

static void put_pods(struct none *none, struct link *links, size_t nr)
{
	uint64_t now_ns = pf_clock_monotonic_ns();

	qsort(links, nr, sizeof(*links), compare_links);
	pf_podmap_list_begin(none->map);
	for (size_t from = 0, to; from < nr; from = to) {
		for (to = from + 1; to < nr && !strcmp(links[from].uid, links[to].uid);)
			to++;
		put_pod(none, links + from, to - from, now_ns);
	}
	(void)pf_podmap_list_end(none->map, now_ns); /* the next look confirms */
}

static void look(struct none *none)
{
	PF_AUTO(pf_arena_done) struct pf_arena arena;
	struct link *links;
	int nr;

	pf_arena_init(&arena, TEXT_MAX);
	links = pf_arena_array(&arena, LINKS_MAX, sizeof(*links));
	nr = links ? read_links(none->opts.pod_logs, &arena, links) : -ENOMEM;
	none->readable = nr >= 0;
	pf_podmap_set_listless(none->map, !none->readable);
	if (nr < 0) {
		none->counters.nr_errors++;
		snprintf(none->state, sizeof(none->state), "%s/containers: %s", none->opts.pod_logs,
			 strerror(-nr));
		return;
	}
	none->counters.nr_lists++;
	put_pods(none, links, (size_t)nr);
	none->changed(none->changed_arg);
}

static void on_timer(void *arg, uint64_t now_ns)
{
	(void)now_ns;
	look(arg);
}

static void none_poke(void *source)
{
	look(source);
}

static int none_usable(const struct pf_meta_source_opts *opts, char *error, size_t size)
{
	(void)opts;
	(void)error;
	(void)size;
	return 0;
}

static void none_close(void *source)
{
	struct none *none = source;

	if (!none)
		return;
	pf_podmap_set_listless(none->map, false); /* the next source has lists */
	pf_timer_free(none->timer);
	free(none);
}

static int none_open(const struct pf_meta_source_opts *opts, struct pf_loop *loop,
		     struct pf_podmap *map, void (*changed)(void *arg), void *arg,
		     void **ret_source)
{
	struct none *none = calloc(1, sizeof(*none));
	int r;

	if (!none)
		return -ENOMEM;
	none->opts = *opts;
	none->map = map;
	none->changed = changed;
	none->changed_arg = arg;
	snprintf(none->state, sizeof(none->state), "no log folder is given");
	pf_podmap_set_listless(map, true);
	if (opts->pod_logs && *opts->pod_logs) {
		r = pf_loop_add_timer(loop, 0, INTERVAL_NS, on_timer, none, &none->timer);
		if (r < 0) {
			none_close(none);
			return r;
		}
	}
	*ret_source = none;
	return 0;
}

static void none_status(void *source, struct pf_meta_status *status)
{
	struct none *none = source;

	*status = none->counters;
	status->ready = true;
	status->health = PF_META_SYNCED;
	if (none->readable)
		snprintf(none->state, sizeof(none->state), "names from %s/containers",
			 none->opts.pod_logs);
	status->state = none->state;
}

const struct pf_meta_source_ops pf_meta_none = {
	.name = "none",
	.usable = none_usable,
	.open = none_open,
	.poke = none_poke,
	.status = none_status,
	.close = none_close,
};
