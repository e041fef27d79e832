// SPDX-License-Identifier: Apache-2.0
#include "meta/podmap.h"

#include <errno.h>
#include <string.h>

#include "base/map.h"

/* A container's id comes into the lists 0.3 to 1.3 s after its cgroup (recorded); under load more.
 */
#define SETTLE_NS (20 * PF_NS_PER_S)
/* So long samples of a pod nobody lists are kept; then it is reported by its ids. */
#define PENDING_MAX_NS (2 * PF_NS_PER_MIN)
/* Names wait so long for the API to tell the owner's owner. */
#define OWNER_WAIT_NS (10 * PF_NS_PER_S)
/* A pod that is gone is still known so long: what ended last may be asked for late. */
#define GONE_KEPT_NS (2 * PF_NS_PER_MIN)
/* A cgroup is worth another look at the source so long. */
#define WORTH_ASKING_NS PF_NS_PER_MIN

enum {
	FORMERS_MAX = 8,     /* earlier instances of a pod's containers that are remembered */
	SHRINK_MIN_PODS = 4, /* fewer missing pods are believed at once */
	SANDBOX_WEIGHT = 2,  /* cpu.shares 2 on v1, which is cpu.weight 1 on v2 */
	SHORT_ID = 12,	     /* digits of an id where it stands for a name */
};

/* An instance that is no longer in the pod's status. */
struct former {
	struct former *next; /* older */
	char id[PF_CONTAINER_ID_MAX];
	char name[PF_OBJECT_NAME_MAX];
	enum pf_container_type type;
	uint32_t restart_count;
	int64_t started_unix_s;
};

struct entry {
	struct pf_pod *pod;
	struct former *formers;
	struct pf_owner owner;
	bool owner_waits; /* for pf_podmap_set_owner() */
	uint64_t known_ns;
	uint64_t gone_ns; /* 0: is listed */
	uint64_t list;	  /* number of the list it was last put in */
	uint32_t nr_tracks;
};

/* A container's cgroup in a pod. */
struct track {
	uint64_t handle, id, cpu_weight;
	uint64_t appeared_ns;
	char pod_uid[PF_POD_UID_MAX];
	char container_id[PF_CONTAINER_ID_MAX];
	bool sandbox;  /* decided */
	bool given_up; /* counted as unnamed */
};

struct pf_podmap {
	struct pf_podmap_opts opts;
	struct pf_map *pods;   /* cgroup uid -> struct entry */
	struct pf_map *tracks; /* handle -> struct track */
	bool resolve_owners, settled, doubted, listless;
	uint64_t list; /* number of the current list */
	uint64_t heard_ns;
	struct pf_podmap_stats stats; /* counters only */
};

int pf_podmap_new(const struct pf_podmap_opts *opts, struct pf_podmap **ret_map)
{
	PF_AUTO(pf_podmap_freep) struct pf_podmap *map = calloc(1, sizeof(*map));
	int r;

	if (!map)
		return -ENOMEM;
	map->opts = *opts;
	r = pf_map_new_str(opts->max_pods, &map->pods);
	if (r >= 0)
		r = pf_map_new_u64(opts->max_cgroups, &map->tracks);
	if (r < 0)
		return r;
	*ret_map = pf_take(map);
	return 0;
}

static void free_entry(struct entry *entry)
{
	struct former *next;

	for (struct former *f = entry->formers; f; f = next) {
		next = f->next;
		free(f);
	}
	pf_pod_free(entry->pod);
	free(entry);
}

void pf_podmap_free(struct pf_podmap *map)
{
	struct entry *entry;
	struct track *track;

	if (!map)
		return;
	if (map->pods)
		pf_map_for_each(map->pods, i, entry)
			free_entry(entry);
	if (map->tracks)
		pf_map_for_each(map->tracks, i, track)
			free(track);
	pf_map_free(map->pods);
	pf_map_free(map->tracks);
	free(map);
}

/* ---- pods ---- */

static void remove_entry(struct pf_podmap *map, struct entry *entry)
{
	(void)pf_map_remove_str(map->pods, entry->pod->cgroup_uid);
	free_entry(entry);
}

static void purge(struct pf_podmap *map, uint64_t now_ns, uint64_t kept_ns)
{
	struct entry *entry;

	pf_map_for_each(map->pods, i, entry)
		if (entry->gone_ns && !entry->nr_tracks && now_ns - entry->gone_ns >= kept_ns)
			remove_entry(map, entry);
}

static uint32_t count_tracks(const struct pf_podmap *map, const char *uid)
{
	const struct track *track;
	uint32_t nr = 0;

	pf_map_for_each(map->tracks, i, track)
		nr += !strcmp(track->pod_uid, uid);
	return nr;
}

/* Finds room for and enters a new pod. */
static int add_entry(struct pf_podmap *map, struct pf_pod *copy, uint64_t now_ns,
		     struct entry **ret_entry)
{
	PF_AUTO(pf_freep) struct entry *entry = calloc(1, sizeof(*entry));
	int r;

	if (!entry)
		return -ENOMEM;
	if (pf_map_count(map->pods) == map->opts.max_pods)
		purge(map, now_ns, 0);
	r = pf_map_put_str(map->pods, copy->cgroup_uid, entry);
	if (r == -ENOSPC)
		map->stats.nr_pods_refused++;
	if (r < 0)
		return r;
	entry->known_ns = now_ns;
	entry->nr_tracks = count_tracks(map, copy->cgroup_uid);
	*ret_entry = pf_take(entry);
	return 0;
}

static void add_former(struct entry *entry, const struct pf_pod_container *c, bool last)
{
	struct former *former, **place;
	unsigned nr = 0;

	former = calloc(1, sizeof(*former));
	if (!former)
		return; /* an ended instance is then reported by its id */
	snprintf(former->id, sizeof(former->id), "%s", last ? c->last_id : c->id);
	snprintf(former->name, sizeof(former->name), "%s", c->name);
	former->type = c->type;
	former->restart_count = c->restart_count - (last && c->restart_count);
	former->started_unix_s = last ? c->last_started_unix_s : c->started_unix_s;
	former->next = entry->formers;
	entry->formers = former;
	for (place = &entry->formers; *place && nr < FORMERS_MAX; nr++)
		place = &(*place)->next;
	free(*place); /* at most one is too many */
	*place = NULL;
}

static const struct former *find_former(const struct entry *entry, const char *id)
{
	for (const struct former *f = entry->formers; f; f = f->next)
		if (!strcmp(f->id, id))
			return f;
	return NULL;
}

/* Remembers the instances of @old that @new no longer tells of. */
static void keep_formers(struct entry *entry, const struct pf_pod *old, const struct pf_pod *new)
{
	bool last;

	for (uint32_t i = 0; i < old->nr_containers; i++) {
		const struct pf_pod_container *c = &old->containers[i];

		if (*c->last_id && strcmp(c->last_id, c->id) && !find_former(entry, c->last_id) &&
		    !pf_pod_find_container(new, c->last_id, &last))
			add_former(entry, c, true);
		if (*c->id && !find_former(entry, c->id) &&
		    !pf_pod_find_container(new, c->id, &last))
			add_former(entry, c, false);
	}
}

/* The owner as another pod of the same owner has it by now. */
static bool owner_known(struct pf_podmap *map, const struct pf_pod *pod, struct pf_owner *ret_owner)
{
	const struct entry *entry;

	pf_map_for_each(map->pods, i, entry)
		if (entry->pod && !entry->owner_waits && entry->pod != pod &&
		    !strcmp(entry->pod->owner_uid, pod->owner_uid)) {
			*ret_owner = entry->owner;
			return true;
		}
	return false;
}

static void set_entry_owner(struct pf_podmap *map, struct entry *entry, const struct pf_pod *old)
{
	/* Asked once; an owner changes only if the pod is adopted. */
	if (old && !strcmp(old->owner_uid, entry->pod->owner_uid))
		return;
	entry->owner_waits = pf_owner_of_pod(entry->pod, &entry->owner) && map->resolve_owners &&
			     !owner_known(map, entry->pod, &entry->owner);
}

int pf_podmap_put(struct pf_podmap *map, const struct pf_pod *pod, uint64_t now_ns)
{
	PF_AUTO(pf_pod_freep) struct pf_pod *copy = NULL, *old = NULL;
	struct entry *entry = pf_map_get_str(map->pods, pod->cgroup_uid);
	int r = pf_pod_copy(pod, &copy);

	if (r >= 0 && !entry)
		r = add_entry(map, copy, now_ns, &entry);
	if (r < 0)
		return r;
	old = entry->pod;
	entry->pod = pf_take(copy);
	if (old)
		keep_formers(entry, old, entry->pod);
	set_entry_owner(map, entry, old);
	entry->list = map->list;
	entry->gone_ns = 0;
	return 0;
}

void pf_podmap_drop(struct pf_podmap *map, const char *uid, uint64_t now_ns)
{
	struct entry *entry;

	pf_map_for_each(map->pods, i, entry)
		if (!entry->gone_ns && !strcmp(entry->pod->uid, uid))
			entry->gone_ns = now_ns;
}

void pf_podmap_list_begin(struct pf_podmap *map)
{
	map->list++;
}

int pf_podmap_list_end(struct pf_podmap *map, uint64_t now_ns)
{
	uint32_t nr_listed = 0, nr_missing = 0;
	struct entry *entry;

	pf_map_for_each(map->pods, i, entry) {
		nr_listed += !entry->gone_ns;
		nr_missing += !entry->gone_ns && entry->list != map->list;
	}
	if (nr_missing >= SHRINK_MIN_PODS && nr_missing * 4 > nr_listed && !map->doubted) {
		map->doubted = true;
		map->stats.nr_shrinks_doubted++;
		return -EAGAIN;
	}
	map->doubted = false;
	pf_map_for_each(map->pods, i, entry)
		if (!entry->gone_ns && entry->list != map->list)
			entry->gone_ns = now_ns;
	pf_podmap_heard(map, now_ns);
	return 0;
}

void pf_podmap_heard(struct pf_podmap *map, uint64_t now_ns)
{
	map->heard_ns = now_ns;
}

uint64_t pf_podmap_heard_ns(const struct pf_podmap *map)
{
	return map->heard_ns;
}

void pf_podmap_set_listless(struct pf_podmap *map, bool listless)
{
	map->listless = listless;
}

/* ---- owners ---- */

void pf_podmap_resolve_owners(struct pf_podmap *map, bool on)
{
	struct entry *entry;

	map->resolve_owners = on;
	if (!on)
		pf_map_for_each(map->pods, i, entry)
			entry->owner_waits = false;
}

const struct pf_pod *pf_podmap_unresolved(struct pf_podmap *map)
{
	struct entry *entry;

	pf_map_for_each(map->pods, i, entry)
		if (entry->owner_waits)
			return entry->pod;
	return NULL;
}

void pf_podmap_set_owner(struct pf_podmap *map, const char *owner_uid, const struct pf_owner *owner)
{
	struct entry *entry;

	pf_map_for_each(map->pods, i, entry) {
		if (!entry->owner_waits || strcmp(entry->pod->owner_uid, owner_uid))
			continue;
		entry->owner_waits = false;
		if (owner)
			entry->owner = *owner;
	}
}

/* ---- cgroups ---- */

void pf_podmap_appeared(struct pf_podmap *map, const struct pf_cgroup *cgroup, uint64_t now_ns)
{
	const struct pf_cgroup_class *class = &cgroup->class;
	PF_AUTO(pf_freep) struct track *track = NULL;
	struct entry *entry;

	if (!*class->pod_uid || !*class->container_id ||
	    pf_map_get_u64(map->tracks, cgroup->handle))
		return;
	track = calloc(1, sizeof(*track));
	/* Untracked it can be named as well, but not told from a sandbox. */
	if (!track || pf_map_put_u64(map->tracks, cgroup->handle, track) < 0) {
		map->stats.nr_cgroups_refused++;
		return;
	}
	*track = (struct track){ .handle = cgroup->handle,
				 .id = cgroup->id,
				 .cpu_weight = PF_UNKNOWN,
				 .appeared_ns = now_ns };
	memcpy(track->pod_uid, class->pod_uid, sizeof(track->pod_uid));
	memcpy(track->container_id, class->container_id, sizeof(track->container_id));
	entry = pf_map_get_str(map->pods, track->pod_uid);
	if (entry)
		entry->nr_tracks++;
	(void)pf_take(track);
}

void pf_podmap_hint(struct pf_podmap *map, uint64_t handle, uint64_t cpu_weight)
{
	struct track *track = pf_map_get_u64(map->tracks, handle);

	if (track && cpu_weight != PF_UNKNOWN)
		track->cpu_weight = cpu_weight;
}

void pf_podmap_forget(struct pf_podmap *map, uint64_t handle)
{
	PF_AUTO(pf_freep) struct track *track = pf_map_remove_u64(map->tracks, handle);
	struct entry *entry = track ? pf_map_get_str(map->pods, track->pod_uid) : NULL;

	if (entry && entry->nr_tracks)
		entry->nr_tracks--;
}

/* ---- answers ---- */

static bool light(const struct track *track)
{
	return track->cpu_weight <= SANDBOX_WEIGHT;
}

/* Whether it is its pod's oldest leaf. @ret_siblings: how many others there are. Cgroup ids only
 * grow. */
static bool oldest_leaf(const struct pf_podmap *map, const struct track *track,
			uint32_t *ret_siblings)
{
	const struct track *other;
	bool oldest = true;

	*ret_siblings = 0;
	pf_map_for_each(map->tracks, i, other) {
		if (other == track || strcmp(other->pod_uid, track->pod_uid))
			continue;
		(*ret_siblings)++;
		oldest = oldest && other->id > track->id;
	}
	return oldest;
}

/* A leaf of a pod that is listed without it. */
static enum pf_meta_answer judge_unlisted(const struct pf_podmap *map, const struct track *track)
{
	uint32_t nr_siblings;
	bool oldest = oldest_leaf(map, track, &nr_siblings);
	bool settled = map->settled || map->heard_ns >= track->appeared_ns + SETTLE_NS;

	if (light(track) && oldest && nr_siblings)
		return PF_META_SANDBOX;
	if (!settled)
		return PF_META_PENDING;
	return track->cpu_weight == PF_UNKNOWN || light(track) ? PF_META_SANDBOX : PF_META_BY_PATH;
}

/* A leaf of a pod that nobody has listed. */
static enum pf_meta_answer judge_unknown(const struct pf_podmap *map, const struct track *track,
					 uint64_t now_ns)
{
	uint64_t wait_ns = map->listless ? SETTLE_NS : PENDING_MAX_NS;
	uint32_t nr_siblings;
	bool oldest = oldest_leaf(map, track, &nr_siblings);
	bool like_sandbox = light(track) && oldest;

	if (like_sandbox && nr_siblings && (map->listless || map->settled))
		return PF_META_SANDBOX;
	if (map->settled || now_ns - track->appeared_ns >= wait_ns)
		return like_sandbox && nr_siblings ? PF_META_SANDBOX : PF_META_BY_PATH;
	/* Without lists only the question of the sandbox is open, until a second leaf comes. */
	return map->listless && !like_sandbox && track->cpu_weight != PF_UNKNOWN ? PF_META_BY_PATH
										 : PF_META_PENDING;
}

static enum pf_meta_answer judge(struct pf_podmap *map, const struct entry *entry,
				 struct track *track, uint64_t now_ns)
{
	enum pf_meta_answer answer;

	if (track->sandbox)
		return PF_META_SANDBOX;
	answer = entry ? judge_unlisted(map, track) : judge_unknown(map, track, now_ns);
	track->sandbox = answer == PF_META_SANDBOX;
	if (answer == PF_META_BY_PATH && !track->given_up) {
		track->given_up = true;
		map->stats.nr_unnamed++;
	}
	return answer;
}

static void copy_text(char *ret_text, size_t size, const char *text)
{
	size_t len = PF_MIN(strlen(text), size - 1);

	memcpy(ret_text, text, len);
	ret_text[len] = '\0';
}

/* What the path tells. */
static void identity_of_path(const struct pf_cgroup_class *class, struct pf_identity *id)
{
	*id = (struct pf_identity){ .qos = class->qos, .workload_kind = PF_WORKLOAD_CGROUP };
	pf_resources_set_all(&id->spec, PF_UNKNOWN);
	pf_resources_set_all(&id->actual, PF_UNKNOWN);
	pf_resources_set_all(&id->pod_level, PF_UNKNOWN);
	copy_text(id->pod_uid, sizeof(id->pod_uid), class->pod_uid);
	copy_text(id->container_id, sizeof(id->container_id), class->container_id);
	if (class->kind == PF_CGROUP_UNIT || class->kind == PF_CGROUP_PLAIN) {
		if (class->kind == PF_CGROUP_UNIT)
			id->workload_kind = PF_WORKLOAD_SYSTEMD_UNIT;
		copy_text(id->workload, sizeof(id->workload), class->name);
		copy_text(id->container, sizeof(id->container), class->name);
		return;
	}
	snprintf(id->container, sizeof(id->container), "%.*s", SHORT_ID, class->container_id);
	if (*class->pod_uid) {
		id->workload_kind = PF_WORKLOAD_POD;
		copy_text(id->pod, sizeof(id->pod), class->pod_uid);
		copy_text(id->workload, sizeof(id->workload), class->pod_uid);
		return;
	}
	snprintf(id->workload, sizeof(id->workload), "%s-%.*s",
		 *class->runtime ? class->runtime : "container", SHORT_ID, class->container_id);
}

static void name_pod(const struct entry *entry, struct pf_identity *id)
{
	const struct pf_pod *pod = entry->pod;

	copy_text(id->namespace_name, sizeof(id->namespace_name), pod->namespace_name);
	copy_text(id->pod, sizeof(id->pod), pod->name);
	copy_text(id->pod_uid, sizeof(id->pod_uid), pod->uid);
	copy_text(id->workload, sizeof(id->workload), entry->owner.name);
	id->workload_kind = entry->owner.kind;
	if (pod->qos != PF_QOS_UNKNOWN)
		id->qos = pod->qos;
	id->pod_level = pod->pod_spec;
	id->labels = pod->labels;
	id->nr_labels = pod->nr_labels;
}

static void name_container(const struct pf_pod_container *c, struct pf_identity *id)
{
	copy_text(id->container, sizeof(id->container), c->name);
	copy_text(id->image, sizeof(id->image), c->image);
	id->type = c->type;
	id->spec = c->spec;
	id->actual = c->actual;
	id->restart_count = c->restart_count;
	id->started_unix_s = c->started_unix_s;
	id->named = true;
}

/* Return: whether the pod has or had this container. */
static bool name_by_id(const struct entry *entry, const char *container_id, struct pf_identity *id)
{
	const struct pf_pod *pod = entry->pod;
	bool last = false;
	const struct pf_pod_container *c = pf_pod_find_container(pod, container_id, &last);
	const struct former *former = c ? NULL : find_former(entry, container_id);

	if (c) {
		name_container(c, id);
		if (last) {
			id->restart_count -= id->restart_count > 0;
			id->started_unix_s = c->last_started_unix_s;
		}
		return true;
	}
	if (!former)
		return false;
	/* What is configured is told by the container of that name as it is now. */
	for (uint32_t i = 0; i < pod->nr_containers && !c; i++)
		if (!strcmp(pod->containers[i].name, former->name))
			name_container(&pod->containers[i], id);
	copy_text(id->container, sizeof(id->container), former->name);
	id->type = former->type;
	id->restart_count = former->restart_count;
	id->started_unix_s = former->started_unix_s;
	id->named = true;
	return true;
}

enum pf_meta_answer pf_podmap_lookup(struct pf_podmap *map, const struct pf_cgroup *cgroup,
				     uint64_t now_ns, struct pf_identity *id)
{
	const struct pf_cgroup_class *class = &cgroup->class;
	struct track *track = pf_map_get_u64(map->tracks, cgroup->handle);
	struct entry *entry;

	identity_of_path(class, id);
	if (class->kind != PF_CGROUP_CONTAINER || !*class->pod_uid)
		return PF_META_BY_PATH;
	entry = pf_map_get_str(map->pods, class->pod_uid);
	if (entry) {
		name_pod(entry, id);
		if (name_by_id(entry, class->container_id, id))
			return entry->owner_waits && !map->settled &&
					       now_ns - entry->known_ns < OWNER_WAIT_NS
				       ? PF_META_PENDING
				       : PF_META_NAMED;
	}
	return track ? judge(map, entry, track, now_ns) : PF_META_BY_PATH;
}

void pf_podmap_settle(struct pf_podmap *map)
{
	map->settled = true;
}

static bool waits_for_list(const struct pf_podmap *map, const struct track *track, uint64_t now_ns)
{
	const struct entry *entry = pf_map_get_str(map->pods, track->pod_uid);
	bool last;

	if (track->sandbox || now_ns - track->appeared_ns > WORTH_ASKING_NS)
		return false;
	return !entry || (!pf_pod_find_container(entry->pod, track->container_id, &last) &&
			  !find_former(entry, track->container_id));
}

uint32_t pf_podmap_waiting(const struct pf_podmap *map, uint64_t now_ns)
{
	const struct track *track;
	uint32_t nr = 0;

	pf_map_for_each(map->tracks, i, track)
		nr += waits_for_list(map, track, now_ns);
	return nr;
}

void pf_podmap_tick(struct pf_podmap *map, uint64_t now_ns)
{
	purge(map, now_ns, GONE_KEPT_NS);
}

void pf_podmap_stats(const struct pf_podmap *map, struct pf_podmap_stats *ret_stats)
{
	const struct track *track;

	*ret_stats = map->stats;
	ret_stats->nr_pods = (uint32_t)pf_map_count(map->pods);
	ret_stats->nr_cgroups = (uint32_t)pf_map_count(map->tracks);
	pf_map_for_each(map->tracks, i, track)
		ret_stats->nr_sandboxes += track->sandbox;
}
