// SPDX-License-Identifier: Apache-2.0
#include "capture/discover.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/map.h"

#define DEPTH_MAX	  24	/* kind in a VM in a pod has about twelve */
#define DIRS_PER_SCAN_MAX 65536 /* directories opened in one scan */

struct pf_discover {
	struct pf_discover_opts opts;
	struct pf_tracked **slots; /* [max_tracked + 1]; NULL: free */
	struct pf_map *by_path;
	/* Paths that were not taken since the last scan began, and in the one before: counted already. */
	struct pf_map *refused, *refused_before;
	uint32_t nr_tracked, highest_slot;
	bool in_first_scan;
	uint64_t scan, scan_ns, last_handle; /* scan_ns: of the last complete scan */
	struct pf_discover_losses losses;
};

/* One walk down the tree. */
struct walk {
	struct pf_discover *discover;
	uint64_t now_ns;
	uint32_t nr_dirs;
	char path[PF_CGROUP_PATH_MAX];
};

int pf_discover_new(const struct pf_discover_opts *opts, struct pf_discover **ret_discover)
{
	PF_AUTO(pf_discover_freep) struct pf_discover *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return -ENOMEM;
	d->opts = *opts;
	d->slots = calloc(opts->max_tracked + 1, sizeof(struct pf_tracked *));
	if (!d->slots)
		return -ENOMEM;
	r = pf_map_new_str(opts->max_tracked, &d->by_path);
	if (r < 0)
		return r;
	r = pf_map_new_str(opts->max_tracked, &d->refused);
	if (r < 0)
		return r;
	r = pf_map_new_str(opts->max_tracked, &d->refused_before);
	if (r < 0)
		return r;
	*ret_discover = pf_take(d);
	return 0;
}

void pf_discover_free(struct pf_discover *d)
{
	if (!d)
		return;
	for (uint32_t slot = 1; d->slots && slot <= d->opts.max_tracked; slot++)
		free(d->slots[slot]);
	free(d->slots);
	pf_map_free(d->by_path);
	pf_map_free(d->refused);
	pf_map_free(d->refused_before);
	free(d);
}

static uint32_t free_slot(const struct pf_discover *d)
{
	for (uint32_t slot = 1; slot <= d->opts.max_tracked; slot++)
		if (!d->slots[slot])
			return slot;
	return 0;
}

static void refuse(struct pf_discover *d, const char *path)
{
	if (!pf_map_get_str(d->refused, path) && !pf_map_get_str(d->refused_before, path))
		d->losses.nr_table_full++;
	if (pf_map_put_str(d->refused, path, d) < 0)
		return; /* counted again at the next scan: as many are waiting as are tracked */
}

/* A scan finds all that wait, so who waited before and is not found has gone. */
static int forget_refused(struct pf_discover *d)
{
	struct pf_map *none;
	int r = pf_map_new_str(d->opts.max_tracked, &none);

	if (r < 0)
		return r;
	pf_map_free(d->refused_before);
	d->refused_before = d->refused;
	d->refused = none;
	return 0;
}

static int take(struct pf_discover *d, const char *path, uint64_t id,
		const struct pf_cgroup_class *class, uint64_t now_ns, uint64_t since_ns)
{
	uint32_t slot = free_slot(d);
	size_t path_size = strlen(path) + 1;
	struct pf_tracked *t;
	int r;

	if (!slot) {
		refuse(d, path);
		return -ENOSPC;
	}
	t = calloc(1, sizeof(*t) + path_size);
	if (!t)
		return -ENOMEM;
	t->cgroup.handle = ++d->last_handle;
	t->cgroup.id = id;
	t->cgroup.born_ns = now_ns;
	t->cgroup.class = *class;
	memcpy(t->path, path, path_size);
	t->cgroup.path = t->path;
	t->since_ns = since_ns;
	t->slot = slot;
	t->scan = d->scan;
	t->from_start = d->in_first_scan;
	r = pf_map_put_str(d->by_path, path, t);
	if (r < 0) {
		free(t);
		d->losses.nr_failed++;
		return r;
	}
	d->slots[slot] = t;
	d->nr_tracked++;
	d->highest_slot = PF_MAX(d->highest_slot, slot);
	(void)pf_map_remove_str(d->refused, path);
	r = d->opts.appeared(d->opts.arg, t);
	if (r < 0) {
		if (r != -ESTALE &&
		    r != -ENOENT) /* gone before it could be bound: nothing was lost */
			d->losses.nr_failed++;
		pf_discover_remove(d, t);
		return r;
	}
	return 1;
}

void pf_discover_remove(struct pf_discover *d, struct pf_tracked *t)
{
	/* A directory may have been made anew under this path already. */
	if (pf_map_get_str(d->by_path, t->cgroup.path) == t)
		(void)pf_map_remove_str(d->by_path, t->cgroup.path);
	d->slots[t->slot] = NULL;
	d->nr_tracked--;
	while (d->highest_slot && !d->slots[d->highest_slot])
		d->highest_slot--;
	free(t);
}

static bool is_workload(enum pf_cgroup_kind kind)
{
	return kind == PF_CGROUP_CONTAINER || kind == PF_CGROUP_UNIT || kind == PF_CGROUP_PLAIN;
}

/* The directory at @path, named @name in @dir_fd, is a workload: take it if it is new. */
static int see(struct pf_discover *d, int dir_fd, const char *name, const char *path,
	       const struct pf_cgroup_class *class, uint64_t now_ns, uint64_t since_ns)
{
	struct pf_tracked *t = pf_map_get_str(d->by_path, path);
	struct stat st;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		int r = -errno;

		if (r != -ENOENT)
			d->losses.nr_failed++;
		return r;
	}
	if (t && t->cgroup.id == st.st_ino) {
		t->scan = d->scan;
		return 1;
	}
	if (t) /* removed and made anew since the last look */
		d->opts.vanished(d->opts.arg, t);
	return take(d, path, st.st_ino, class, now_ns, since_ns);
}

/* Known under this path and with this inode: nothing to ask the classifier or the kernel. */
static bool still_there(struct pf_discover *d, const char *path, uint64_t inode)
{
	struct pf_tracked *t = pf_map_get_str(d->by_path, path);

	if (!t || t->cgroup.id != inode)
		return false;
	t->scan = d->scan;
	return true;
}

static void walk_dir(struct walk *w, int dir_fd, size_t path_len, unsigned depth);

static void visit(struct walk *w, int dir_fd, const struct dirent *entry, size_t path_len,
		  unsigned depth)
{
	const char *name = entry->d_name;
	struct pf_discover *d = w->discover;
	struct pf_cgroup_class class = { .kind = PF_CGROUP_SKIP };
	size_t name_len = strlen(name);

	if (path_len + 1 + name_len >= sizeof(w->path)) {
		d->losses.nr_too_deep++;
		return;
	}
	w->path[path_len] = '/';
	memcpy(w->path + path_len + 1, name, name_len + 1);
	if (still_there(d, w->path, entry->d_ino))
		return;
	d->opts.classify(d->opts.classify_arg, w->path, &class);
	if (is_workload(class.kind))
		(void)see(d, dir_fd, name, w->path, &class, w->now_ns,
			  d->scan_ns); /* counted there */
	if (class.kind != PF_CGROUP_DESCEND)
		return;
	if (depth >= DEPTH_MAX || w->nr_dirs >= DIRS_PER_SCAN_MAX) {
		d->losses.nr_too_deep++;
		return;
	}

	int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (fd >= 0)
		walk_dir(w, fd, path_len + 1 + name_len, depth + 1);
	else if (errno != ENOENT)
		d->losses.nr_failed++;
}

/* Takes @dir_fd. */
static void walk_dir(struct walk *w, int dir_fd, size_t path_len, unsigned depth)
{
	DIR *dir = fdopendir(dir_fd);
	struct dirent *entry;

	if (!dir) {
		(void)close(dir_fd); /* read only */
		w->discover->losses.nr_failed++;
		return;
	}
	w->nr_dirs++;
	while ((entry = readdir(dir))) {
		struct stat st;

		if (entry->d_name[0] == '.')
			continue;
		if (entry->d_type == DT_UNKNOWN &&
		    (fstatat(dir_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		     !S_ISDIR(st.st_mode)))
			continue;
		if (entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN)
			visit(w, dir_fd, entry, path_len, depth);
	}
	(void)closedir(dir); /* closes dir_fd; read only */
}

int pf_discover_scan(struct pf_discover *d, uint64_t now_ns)
{
	PF_AUTO(pf_freep) struct walk *w = calloc(1, sizeof(*w));
	int fd, r;

	if (!w)
		return -ENOMEM;
	fd = openat(d->opts.root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = forget_refused(d);
	if (r < 0) {
		(void)close(fd); /* read only */
		return r;
	}
	w->discover = d;
	w->now_ns = now_ns;
	d->scan++;
	d->in_first_scan = d->scan == 1;
	if (d->in_first_scan)
		d->scan_ns = now_ns;
	walk_dir(w, fd, 0, 1);
	d->in_first_scan = false;
	d->scan_ns = now_ns;
	for (uint32_t slot = 1; slot <= d->highest_slot; slot++)
		if (d->slots[slot] && d->slots[slot]->scan != d->scan)
			d->opts.vanished(d->opts.arg, d->slots[slot]);
	return (int)d->nr_tracked;
}

bool pf_discover_classify(struct pf_discover *d, const char *path,
			  struct pf_cgroup_class *ret_class)
{
	char prefix[PF_CGROUP_PATH_MAX];
	size_t len = strlen(path);

	if (path[0] != '/' || len < 2 || len >= sizeof(prefix))
		return false;
	for (size_t i = 1; i <= len; i++) {
		struct pf_cgroup_class class = { .kind = PF_CGROUP_SKIP };

		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(prefix, path, i);
		prefix[i] = '\0';
		d->opts.classify(d->opts.classify_arg, prefix, &class);
		if (i < len && class.kind != PF_CGROUP_DESCEND)
			return false;
		if (i == len) {
			*ret_class = class;
			return is_workload(class.kind);
		}
	}
	return false;
}

int pf_discover_hint(struct pf_discover *d, const char *path, uint64_t now_ns)
{
	struct pf_cgroup_class class;

	if (!pf_discover_classify(d, path, &class))
		return 0;
	return see(d, d->opts.root_fd, path + 1, path, &class, now_ns, now_ns);
}

struct pf_tracked *pf_discover_by_slot(struct pf_discover *d, uint32_t slot)
{
	return slot <= d->opts.max_tracked ? d->slots[slot] : NULL;
}

struct pf_tracked *pf_discover_by_path(struct pf_discover *d, const char *path)
{
	return pf_map_get_str(d->by_path, path);
}

uint64_t pf_discover_new_handle(struct pf_discover *d)
{
	return ++d->last_handle;
}

bool pf_discover_is_full(const struct pf_discover *d)
{
	return pf_map_count(d->refused) > 0;
}

uint32_t pf_discover_highest_slot(const struct pf_discover *d)
{
	return d->highest_slot;
}

const struct pf_discover_losses *pf_discover_losses(const struct pf_discover *d)
{
	return &d->losses;
}
