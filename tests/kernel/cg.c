// SPDX-License-Identifier: Apache-2.0
/*
 * cg.c - cgroups of the tests: made, filled, read and removed on v1, hybrid and v2.
 */
#include "kernel/cg.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/kt.h"

enum { HIERARCHIES_MAX = 8, REMOVE_TRIES = 1000 };

struct hierarchy {
	char mount[128];
	char controllers[256]; /* ",cpu,memory,": v1 mount options, v2 cgroup.controllers */
	bool v2;
};

static struct hierarchy hierarchies[HIERARCHIES_MAX];
static unsigned nr_hierarchies;
static char root[64];

const char *kt_cg_root(void)
{
	return root;
}

static bool lists(const struct hierarchy *h, const char *controller)
{
	char wanted[32];

	snprintf(wanted, sizeof(wanted), ",%s,", controller);
	return strstr(h->controllers, wanted);
}

/* The hierarchies a container runtime puts containers into; others (freezer, devices, ...) do not
 * matter to podfit. */
static bool is_wanted(const struct hierarchy *h)
{
	return h->v2 || lists(h, "cpu") || lists(h, "cpuacct") || lists(h, "memory") ||
	       lists(h, "blkio") || lists(h, "pids");
}

static void add_hierarchy(const char *mount, const char *type, const char *options)
{
	struct hierarchy *h = &hierarchies[nr_hierarchies];
	char path[192];

	if (nr_hierarchies == HIERARCHIES_MAX || strncmp(type, "cgroup", 6))
		return;
	h->v2 = !strcmp(type, "cgroup2");
	snprintf(h->mount, sizeof(h->mount), "%s", mount);
	if (h->v2) {
		char words[200];

		snprintf(path, sizeof(path), "%s/cgroup.controllers", mount);
		if (kt_read_file(path, words, sizeof(words)) < 0)
			return;
		for (char *c = words; *c; c++)
			if (*c == ' ' || *c == '\n')
				*c = ',';
		snprintf(h->controllers, sizeof(h->controllers), ",%s,", words);
	} else {
		snprintf(h->controllers, sizeof(h->controllers), ",%s,", options);
	}
	nr_hierarchies += is_wanted(h);
}

int kt_cg_init(void)
{
	PF_AUTO(pf_fclosep) FILE *f = fopen("/proc/self/mounts", "re");
	char mount[128], type[32], options[200];

	if (!f)
		return -errno;
	while (fscanf(f, "%*s %127s %31s %199s %*d %*d", mount, type, options) == 3)
		add_hierarchy(mount, type, options);
	snprintf(root, sizeof(root), "/podfit-test-%d", (int)getpid());
	return nr_hierarchies ? 0 : -ENOENT;
}

static const struct hierarchy *find(const char *controller)
{
	for (unsigned i = 0; i < nr_hierarchies; i++)
		if (lists(&hierarchies[i], controller))
			return &hierarchies[i];
	return NULL;
}

bool kt_cg_has(const char *name)
{
	return find(name);
}

bool kt_cg_is_v2(void)
{
	const struct hierarchy *h = find("memory");

	return h && h->v2;
}

/* The file of @cg that belongs to @controller; ends the test if there is no such hierarchy. */
static const char *file_of(const struct kt_cg *cg, const char *controller, const char *file,
			   char path[400])
{
	const struct hierarchy *h = find(controller);

	if (!h)
		kt_skip("no %s controller here", controller);
	snprintf(path, 400, "%s%s/%s", h->mount, cg->path, file);
	return path;
}

/* Every controller that @dir has, for the cgroups inside it. */
static void enable_controllers(const struct hierarchy *h, const char *dir)
{
	static const char *const wanted[] = { "cpu", "memory", "io", "pids" };
	char path[400], text[32];

	if (!h->v2)
		return;
	snprintf(path, sizeof(path), "%s%s/cgroup.subtree_control", h->mount, dir);
	for (size_t i = 0; i < PF_ARRAY_SIZE(wanted); i++) {
		if (!lists(h, wanted[i]))
			continue;
		snprintf(text, sizeof(text), "+%s", wanted[i]);
		int r = kt_write_file(path, text);

		if (r < 0)
			kt_fail("%s to %s: %s", text, path, strerror(-r));
	}
}

static void make_dir(const struct hierarchy *h, const char *dir)
{
	char path[400];

	snprintf(path, sizeof(path), "%s%s", h->mount, dir);
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		kt_fail("mkdir %s: %s", path, strerror(errno));
}

/* Twenty times the weight of what else runs here: tests need some CPU on a loaded machine too. */
static void raise_weight(const struct hierarchy *h, const char *dir)
{
	char path[400];

	if (!lists(h, "cpu"))
		return;
	snprintf(path, sizeof(path), "%s%s/%s", h->mount, dir, h->v2 ? "cpu.weight" : "cpu.shares");
	(void)kt_write_file(path, h->v2 ? "2000" : "20480"); /* without it they are only slower */
}

static void make(const struct kt_cg *cg, const char *parent)
{
	for (unsigned i = 0; i < nr_hierarchies; i++) {
		const struct hierarchy *h = &hierarchies[i];

		enable_controllers(h, "");
		if (parent) {
			make_dir(h, parent);
			raise_weight(h, parent);
			enable_controllers(h, parent);
		}
		make_dir(h, cg->path);
	}
}

void kt_cg_new(struct kt_cg *cg, const char *name)
{
	snprintf(cg->path, sizeof(cg->path), "%s/%s", root, name);
	make(cg, root);
}

void kt_cg_new_beside(struct kt_cg *cg, const char *suffix)
{
	snprintf(cg->path, sizeof(cg->path), "%s-%s", root, suffix);
	make(cg, NULL);
}

void kt_cg_delegate(const struct kt_cg *cg)
{
	for (unsigned i = 0; i < nr_hierarchies; i++)
		enable_controllers(&hierarchies[i], cg->path);
}

void kt_cg_remove(const struct kt_cg *cg)
{
	for (unsigned i = 0; i < nr_hierarchies; i++) {
		char path[400];
		int tries = REMOVE_TRIES, r;

		snprintf(path, sizeof(path), "%s%s", hierarchies[i].mount, cg->path);
		/* A dead process leaves its cgroup a moment after its parent has seen it end. */
		while ((r = rmdir(path)) < 0 && errno == EBUSY && tries--)
			kt_sleep_ms(10);
		if (r < 0 && errno != ENOENT)
			kt_fail("rmdir %s: %s", path, strerror(errno));
	}
}

int kt_cg_enter(const struct kt_cg *cg)
{
	for (unsigned i = 0; i < nr_hierarchies; i++) {
		char path[400];

		snprintf(path, sizeof(path), "%s%s/cgroup.procs", hierarchies[i].mount, cg->path);
		int r = kt_write_file(path, "0");

		if (r < 0)
			return r;
	}
	return 0;
}

static void write_or_fail(const char *path, const char *text)
{
	int r = kt_write_file(path, text);

	if (r < 0)
		kt_fail("%s to %s: %s", text, path, strerror(-r));
}

void kt_cg_set_quota(const struct kt_cg *cg, int64_t quota_us, uint64_t period_us)
{
	char path[400], text[64];

	if (kt_cg_is_v2()) {
		if (quota_us < 0)
			snprintf(text, sizeof(text), "max %" PRIu64, period_us);
		else
			snprintf(text, sizeof(text), "%" PRId64 " %" PRIu64, quota_us, period_us);
		write_or_fail(file_of(cg, "cpu", "cpu.max", path), text);
		return;
	}
	snprintf(text, sizeof(text), "%" PRIu64, period_us);
	write_or_fail(file_of(cg, "cpu", "cpu.cfs_period_us", path), text);
	snprintf(text, sizeof(text), "%" PRId64, quota_us);
	write_or_fail(file_of(cg, "cpu", "cpu.cfs_quota_us", path), text);
}

bool kt_cg_set_burst(const struct kt_cg *cg, uint64_t burst_us)
{
	const char *file = kt_cg_is_v2() ? "cpu.max.burst" : "cpu.cfs_burst_us";
	char path[400], text[32];

	snprintf(text, sizeof(text), "%" PRIu64, burst_us);
	file_of(cg, "cpu", file, path);
	if (access(path, F_OK) < 0)
		return false;
	write_or_fail(path, text);
	return true;
}

void kt_cg_set_weight_max(const struct kt_cg *cg)
{
	struct kt_cg up = *cg;
	char path[400], *slash;

	while ((slash = strrchr(up.path, '/'))) {
		if (kt_cg_is_v2())
			write_or_fail(file_of(&up, "cpu", "cpu.weight", path), "10000");
		else
			write_or_fail(file_of(&up, "cpu", "cpu.shares", path), "262144");
		*slash = '\0';
		if (!up.path[0])
			return;
	}
}

void kt_cg_set_memory_limit(const struct kt_cg *cg, uint64_t bytes)
{
	const char *file = kt_cg_is_v2() ? "memory.max" : "memory.limit_in_bytes";
	char path[400], text[32];

	snprintf(text, sizeof(text), "%" PRIu64, bytes);
	write_or_fail(file_of(cg, "memory", file, path), text);
}

/* The number after @key in a file of "key value" lines, or of the whole file if @key is NULL. */
static bool read_number(const char *path, const char *key, uint64_t *ret_value)
{
	char text[8192], *at = text;
	int r = kt_read_file(path, text, sizeof(text));

	if (r < 0)
		return false;
	for (size_t length = key ? strlen(key) : 0; key; at++) {
		if (!strncmp(at, key, length) && (at[length] == ' ' || at[length] == '=')) {
			at += length + 1;
			break;
		}
		at = strchr(at, '\n');
		if (!at)
			return false;
	}
	*ret_value = strtoull(at, NULL, 10);
	return true;
}

static uint64_t number_or_fail(const char *path, const char *key)
{
	uint64_t value = 0;

	if (!read_number(path, key, &value))
		kt_fail("no %s in %s", key ? key : "number", path);
	return value;
}

uint64_t kt_cg_cpu_ns(const struct kt_cg *cg)
{
	char path[400];

	if (kt_cg_is_v2())
		return 1000 * number_or_fail(file_of(cg, "cpu", "cpu.stat", path), "usage_usec");
	return number_or_fail(file_of(cg, "cpuacct", "cpuacct.usage", path), NULL);
}

void kt_cg_throttling(const struct kt_cg *cg, struct kt_throttling *ret_throttling)
{
	char path[400];

	file_of(cg, "cpu", "cpu.stat", path);
	ret_throttling->nr_periods = number_or_fail(path, "nr_periods");
	ret_throttling->nr_throttled = number_or_fail(path, "nr_throttled");
	ret_throttling->throttled_ns = kt_cg_is_v2() ? 1000 * number_or_fail(path, "throttled_usec")
						     : number_or_fail(path, "throttled_time");
}

uint64_t kt_cg_memory_bytes(const struct kt_cg *cg)
{
	const char *file = kt_cg_is_v2() ? "memory.current" : "memory.usage_in_bytes";
	char path[400];

	return number_or_fail(file_of(cg, "memory", file, path), NULL);
}

uint64_t kt_cg_memory_stat(const struct kt_cg *cg, const char *key)
{
	char path[400], total[64];

	file_of(cg, "memory", "memory.stat", path);
	if (!kt_cg_is_v2()) {
		/* v1: hierarchical values are called total_*; anonymous memory rss, page cache
		 * cache */
		const char *v1 = !strcmp(key, "anon")	? "rss"
				 : !strcmp(key, "file") ? "cache"
							: key;

		snprintf(total, sizeof(total), "total_%s", v1);
		key = total;
	}
	return number_or_fail(path, key);
}

bool kt_cg_pressure_ns(const struct kt_cg *cg, const char *resource, uint64_t *ret_ns)
{
	for (unsigned i = 0; i < nr_hierarchies; i++) {
		char path[400], text[512], *total;

		if (!hierarchies[i].v2)
			continue;
		snprintf(path, sizeof(path), "%s%s/%s.pressure", hierarchies[i].mount, cg->path,
			 resource);
		if (kt_read_file(path, text, sizeof(text)) < 0)
			return false;
		total = strstr(text, "total="); /* the first line is "some" */
		if (!total)
			return false;
		*ret_ns = 1000 * strtoull(total + 6, NULL, 10);
		return true;
	}
	return false;
}

uint64_t kt_cg_id(const struct kt_cg *cg)
{
	char path[400];
	struct stat st;

	if (stat(file_of(cg, "memory", "", path), &st) < 0)
		kt_fail("stat %s: %s", path, strerror(errno));
	return st.st_ino;
}

/* ---- removing whatever is left
 * -------------------------------------------------------------------------- */

static void kill_members(const char *dir)
{
	char path[400];
	int pid;

	snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	PF_AUTO(pf_fclosep) FILE *f = fopen(path, "re");

	while (f && fscanf(f, "%d", &pid) == 1)
		if (pid > 1)
			kill(pid, SIGKILL);
}

static void closedirp(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static void remove_tree(const char *dir, int depth)
{
	PF_AUTO(closedirp) DIR *d = opendir(dir);
	int tries = REMOVE_TRIES;

	if (!d || depth > 8)
		return;
	for (struct dirent *e; (e = readdir(d));) {
		char path[400];

		if (e->d_type != DT_DIR || e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%.140s/%.250s", dir, e->d_name);
		remove_tree(path, depth + 1);
	}
	while (rmdir(dir) < 0 && errno == EBUSY && tries--) {
		kill_members(dir);
		kt_sleep_ms(10);
	}
}

void kt_cg_remove_all(void)
{
	for (unsigned i = 0; i < nr_hierarchies; i++) {
		char path[400];

		snprintf(path, sizeof(path), "%s%s", hierarchies[i].mount, root);
		remove_tree(path, 0);
	}
}
