// SPDX-License-Identifier: Apache-2.0
#include "meta/cgroup_path.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"

enum {
	DETECT_DEPTH_MAX = 6, /* kind with systemd inside systemd needs four */
	DETECT_CGROUPS_MAX = 4096,
};

/* A piece of a path; not NUL-terminated. */
struct part {
	const char *text;
	size_t len;
};

/* The next component of *path, which is moved behind it; len 0 at the end. */
static struct part next_part(const char **path)
{
	struct part part;

	while (**path == '/')
		(*path)++;
	part.text = *path;
	part.len = strcspn(*path, "/");
	*path += part.len;
	return part;
}

static bool part_is(struct part part, const char *text)
{
	return part.len == strlen(text) && !memcmp(part.text, text, part.len);
}

static bool part_starts(struct part part, const char *text)
{
	size_t len = strlen(text);

	return part.len > len && !memcmp(part.text, text, len);
}

/* Takes @suffix off the end, if something is left then. */
static bool cut_end(struct part *part, const char *suffix)
{
	size_t len = strlen(suffix);

	if (part->len <= len || memcmp(part->text + part->len - len, suffix, len))
		return false;
	part->len -= len;
	return true;
}

static bool cut_start(struct part *part, const char *prefix)
{
	if (!part_starts(*part, prefix))
		return false;
	part->text += strlen(prefix);
	part->len -= strlen(prefix);
	return true;
}

static void copy_part(char *ret_text, size_t size, struct part part)
{
	size_t len = PF_MIN(part.len, size - 1);

	memcpy(ret_text, part.text, len);
	ret_text[len] = '\0';
}

static bool is_hex_id(struct part part)
{
	if (part.len != 64)
		return false;
	for (size_t i = 0; i < part.len; i++)
		if (!isxdigit((unsigned char)part.text[i]))
			return false;
	return true;
}

/* "kubepods", "kubepods.slice", and below another root "kubelet-kubepods.slice". */
static bool is_kubepods(struct part part)
{
	if (part_is(part, "kubepods"))
		return true;
	if (!cut_end(&part, ".slice"))
		return false;
	return part_is(part, "kubepods") || cut_end(&part, "-kubepods");
}

/* Takes a pod's uid from "podUID" or "...-podU_I_D.slice"; the kubelet writes - as _ in slices. */
static bool parse_pod(struct part part, char *ret_uid)
{
	bool slice = cut_end(&part, ".slice");
	struct part uid = part;

	if (!cut_start(&uid, "pod")) {
		const char *found = NULL;

		for (size_t i = 0; slice && i + 4 < part.len; i++)
			if (!memcmp(part.text + i, "-pod", 4))
				found = part.text + i + 4;
		if (!found)
			return false;
		uid.text = found;
		uid.len = (size_t)(part.text + part.len - found);
	}
	if (uid.len >= PF_POD_UID_MAX)
		return false;
	for (size_t i = 0; i < uid.len; i++) {
		unsigned char c = (unsigned char)uid.text[i];

		if (!isalnum(c) && c != '-' && !(slice && c == '_'))
			return false;
	}
	for (size_t i = 0; i < uid.len; i++)
		ret_uid[i] = slice && uid.text[i] == '_' ? '-' : uid.text[i];
	ret_uid[uid.len] = '\0';
	return true;
}

static enum pf_qos qos_of(struct part part)
{
	struct part before = part;

	(void)cut_end(&before, ".slice");
	if (part_is(before, "burstable") || memmem(part.text, part.len, "-burstable", 10))
		return PF_QOS_BURSTABLE;
	if (part_is(before, "besteffort") || memmem(part.text, part.len, "-besteffort", 11))
		return PF_QOS_BEST_EFFORT;
	return PF_QOS_UNKNOWN;
}

/* Leaf names that a runtime marks as its own. */
static const struct leaf_prefix {
	const char *prefix, *runtime; /* runtime NULL: a helper (conmon), not a container */
} leaf_prefixes[] = {
	{ "crio-conmon-", NULL },
	{ "libpod-conmon-", NULL },
	{ "cri-containerd-", "containerd" },
	{ "nerdctl-", "containerd" },
	{ "crio-", "cri-o" },
	{ "docker-", "docker" },
	{ "libpod-", "podman" },
};

/* A leaf with a runtime's mark. Return: whether it is one; kind and ids are set then. */
static bool parse_marked_leaf(struct part part, struct pf_cgroup_class *class)
{
	(void)cut_end(&part, ".scope");
	for (size_t i = 0; i < PF_ARRAY_SIZE(leaf_prefixes); i++) {
		struct part id = part;

		if (!cut_start(&id, leaf_prefixes[i].prefix))
			continue;
		if (!leaf_prefixes[i].runtime) {
			class->kind = PF_CGROUP_SKIP;
			return true;
		}
		/* "docker-proxy.scope" is somebody's scope: outside pods only a real id counts. */
		if (!class->pod_uid[0] && !is_hex_id(id))
			return false;
		class->kind = PF_CGROUP_CONTAINER;
		copy_part(class->container_id, sizeof(class->container_id), id);
		snprintf(class->runtime, sizeof(class->runtime), "%s", leaf_prefixes[i].runtime);
		return true;
	}
	return false;
}

/* The cgroup right below a pod. */
static void classify_leaf(struct part part, struct pf_cgroup_class *class)
{
	if (parse_marked_leaf(part, class))
		return;
	(void)cut_end(&part, ".scope");
	class->kind = PF_CGROUP_CONTAINER;
	copy_part(class->container_id, sizeof(class->container_id), part);
}

/* "kubepods-burstable-podU_I_D.slice:cri-containerd:ID": containerd told to use cgroupfs by a
 * kubelet that uses systemd names. */
static bool parse_colon_form(struct part part, struct pf_cgroup_class *class)
{
	const char *colon = memchr(part.text, ':', part.len), *second;
	struct part pod = { part.text, colon ? (size_t)(colon - part.text) : 0 };
	struct part id, runtime;

	if (!colon || !is_kubepods((struct part){ part.text, PF_MIN(part.len, 8u) }) ||
	    !parse_pod(pod, class->pod_uid))
		return false;
	class->qos = qos_of(pod) == PF_QOS_UNKNOWN ? PF_QOS_GUARANTEED : qos_of(pod);
	second = memchr(colon + 1, ':', (size_t)(part.text + part.len - colon - 1));
	if (second && second + 1 < part.text + part.len) {
		id.text = second + 1;
		id.len = (size_t)(part.text + part.len - id.text);
		class->kind = PF_CGROUP_CONTAINER;
		copy_part(class->container_id, sizeof(class->container_id), id);
		runtime = (struct part){ colon + 1, (size_t)(second - colon - 1) };
		(void)cut_start(&runtime, "cri-"); /* "cri-containerd" */
		copy_part(class->runtime, sizeof(class->runtime), runtime);
	}
	return true;
}

/* @path: behind kubepods. */
static void classify_below_kubepods(const char *path, struct pf_cgroup_class *class)
{
	struct part part;

	class->kind = PF_CGROUP_DESCEND;
	while ((part = next_part(&path)).len) {
		enum pf_qos qos = qos_of(part);

		if (qos != PF_QOS_UNKNOWN)
			class->qos = qos;
		if (parse_pod(part, class->pod_uid))
			break;
	}
	if (!part.len)
		return;
	if (class->qos == PF_QOS_UNKNOWN)
		class->qos = PF_QOS_GUARANTEED; /* the only class without a level of its own */
	part = next_part(&path);
	if (!part.len)
		return;
	classify_leaf(part, class);
	if (next_part(&path).len)
		class->kind = PF_CGROUP_SKIP; /* nested: counts for the container */
}

/* Suffixes of systemd units that have no processes worth a workload. */
static const char *const passive_units[] = { ".mount",	   ".socket", ".swap", ".timer",
					     ".automount", ".device", ".path", ".target" };

/* cgroupfs parents of containers and of other groups of cgroups. */
static const char *const parents[] = { "docker", "libpod_parent", "lxc", "lxc.payload", "machine" };

static bool is_parent(struct part part)
{
	for (size_t i = 0; i < PF_ARRAY_SIZE(parents); i++)
		if (part_is(part, parents[i]))
			return true;
	/* "user@1000.service" is a whole manager with slices and units of its own. */
	if (cut_end(&part, ".service"))
		return part_starts(part, "user@");
	return cut_end(&part, ".slice");
}

/* One component outside pods: what it is by itself. */
static enum pf_cgroup_kind classify_part(struct part part, bool in_container_parent,
					 struct pf_cgroup_class *class)
{
	struct part unit = part;

	if (parse_marked_leaf(part, class))
		return class->kind;
	if (in_container_parent && is_hex_id(part)) {
		copy_part(class->container_id, sizeof(class->container_id), part);
		return PF_CGROUP_CONTAINER;
	}
	if (is_parent(part))
		return PF_CGROUP_DESCEND;
	for (size_t i = 0; i < PF_ARRAY_SIZE(passive_units); i++)
		if (cut_end(&unit, passive_units[i]))
			return PF_CGROUP_SKIP;
	copy_part(class->name, sizeof(class->name), part);
	return cut_end(&unit, ".service") || cut_end(&unit, ".scope") ? PF_CGROUP_UNIT
								      : PF_CGROUP_PLAIN;
}

static void classify_host(const struct pf_cgroup_rules *rules, const char *path,
			  struct pf_cgroup_class *class)
{
	struct part part, parent = { "", 0 };

	class->kind = PF_CGROUP_DESCEND;
	while (class->kind == PF_CGROUP_DESCEND && (part = next_part(&path)).len) {
		bool docker = part_is(parent, "docker"), podman = part_is(parent, "libpod_parent");

		class->kind = classify_part(part, docker || podman, class);
		if (class->container_id[0] && !class->runtime[0])
			snprintf(class->runtime, sizeof(class->runtime), "%s",
				 docker ? "docker" : "podman");
		parent = part;
	}
	if (class->kind == PF_CGROUP_DESCEND)
		return;
	if (next_part(&path).len)
		class->kind = PF_CGROUP_SKIP; /* nested: counts for what is above it */
	if (rules->has_pods && !rules->units_with_pods &&
	    (class->kind == PF_CGROUP_UNIT || class->kind == PF_CGROUP_PLAIN))
		class->kind = PF_CGROUP_SKIP;
}

/* Whether @path is on the way to a place where pods are. */
static bool leads_to_pods(const struct pf_cgroup_rules *rules, const char *path)
{
	size_t len = strlen(path);

	for (uint32_t i = 0; i < rules->nr_pods_roots; i++) {
		const char *root = rules->pods_roots[i];

		if (!strncmp(root, path, len) && (root[len] == '/' || root[len] == '\0'))
			return true;
	}
	return false;
}

/* The first kubepods component, or a colon-form leaf. Return: what is behind it, or NULL. */
static const char *find_kubepods(const char *path, struct part *ret_part)
{
	struct part part;

	while ((part = next_part(&path)).len)
		if (is_kubepods(part) ||
		    (part_starts(part, "kubepods") && memchr(part.text, ':', part.len))) {
			*ret_part = part;
			return path;
		}
	return NULL;
}

void pf_cgroup_classify(void *arg, const char *path, struct pf_cgroup_class *ret_class)
{
	struct pf_cgroup_rules *rules = arg;
	struct pf_cgroup_class class = { .kind = PF_CGROUP_DESCEND };
	struct part kubepods;
	const char *below = find_kubepods(path, &kubepods);

	if (below) {
		rules->has_pods = true;
		if (!parse_colon_form(kubepods, &class))
			classify_below_kubepods(below, &class);
		else if (next_part(&below).len)
			class.kind = PF_CGROUP_SKIP;
	} else if (!leads_to_pods(rules, path)) {
		classify_host(rules, path, &class);
	}
	if (class.kind == PF_CGROUP_SKIP || class.kind == PF_CGROUP_DESCEND) {
		class.container_id[0] = '\0';
		class.runtime[0] = '\0';
		class.name[0] = '\0';
	}
	*ret_class = class;
}

/* ---- detection ---- */

static void add_root(struct pf_cgroup_rules *rules, const char *path)
{
	rules->has_pods = true;
	for (uint32_t i = 0; i < rules->nr_pods_roots; i++)
		if (!strcmp(rules->pods_roots[i], path))
			return;
	/* More roots than this are pods inside containers; those count for the containers. */
	if (rules->nr_pods_roots == PF_PODS_ROOTS_MAX)
		return;
	snprintf(rules->pods_roots[rules->nr_pods_roots++], PF_CGROUP_PATH_MAX, "%s", path);
}

struct detect_walk {
	struct pf_cgroup_rules *rules;
	unsigned nr_left;
	char path[PF_CGROUP_PATH_MAX];
};

/* Below walk->path, which is the folder @fd (taken). What goes away meanwhile is no error. */
static void detect_below(struct detect_walk *walk, int fd, unsigned depth)
{
	PF_AUTO(pf_closedirp) DIR *dir = fdopendir(fd);
	size_t len = strlen(walk->path);
	struct dirent *entry;

	if (!dir) {
		(void)close(fd);
		return;
	}
	while ((entry = readdir(dir)) && walk->nr_left) {
		struct part part = { entry->d_name, strlen(entry->d_name) };
		int child;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		walk->nr_left--;
		if (part_starts(part, "kubepods") && memchr(part.text, ':', part.len)) {
			add_root(walk->rules, walk->path);
			continue;
		}
		if (len + 1 + part.len >= sizeof(walk->path))
			continue;
		snprintf(walk->path + len, sizeof(walk->path) - len, "/%s", entry->d_name);
		if (is_kubepods(part)) {
			add_root(walk->rules, walk->path);
		} else if (depth) {
			child = openat(dirfd(dir), entry->d_name,
				       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
			if (child >= 0)
				detect_below(walk, child, depth - 1);
		}
		walk->path[len] = '\0';
	}
}

/* The root of a hierarchy: the folder itself, or on v1 one of its mounts that pods are in. */
static int open_hierarchy(const char *cgroup_root)
{
	static const char *const v1[] = { "memory", "cpu", "unified", "systemd" };
	PF_AUTO(pf_closep)
	int root = open(cgroup_root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (root < 0)
		return -errno;
	for (size_t i = 0; faccessat(root, "cgroup.procs", F_OK, 0) < 0 && i < PF_ARRAY_SIZE(v1);
	     i++) {
		int fd = openat(root, v1[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (fd >= 0)
			return fd;
	}
	return fcntl(root, F_DUPFD_CLOEXEC, 0);
}

int pf_cgroup_rules_detect(struct pf_cgroup_rules *rules, const char *cgroup_root)
{
	struct detect_walk walk = { .rules = rules, .nr_left = DETECT_CGROUPS_MAX };
	uint32_t nr_before = rules->nr_pods_roots;
	int fd = open_hierarchy(cgroup_root);

	if (fd < 0)
		return fd;
	detect_below(&walk, fd, DETECT_DEPTH_MAX);
	return (int)(rules->nr_pods_roots - nr_before);
}
