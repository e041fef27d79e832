// SPDX-License-Identifier: Apache-2.0
/*
 * cgroups.c - the demo's own cgroups, v1 or v2. It never touches another, with one exception said
 * below.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "demo/demo.h"

#define CGROUP_ROOT "/sys/fs/cgroup"
#define PREFIX	    "podfit-demo-"

enum { PATH_LEN = 768, CFS_PERIOD_US = 100000, REMOVE_TRIES = 100 };

/* unified: the v2 tree beside v1, where pressure (PSI) is kept. */
static const char *const v1_controllers[] = { "cpu", "cpuacct", "memory", "pids", "unified" };

static int write_file(const char *path, const char *text)
{
	PF_AUTO(pf_closep) int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

static int set_file(const char *directory, const char *file, const char *format, ...)
	PF_PRINTF(3, 4);
static int set_file(const char *directory, const char *file, const char *format, ...)
{
	char path[PATH_LEN + 64], text[64];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args); /* numbers: they fit */
	va_end(args);
	(void)snprintf(path, sizeof(path), "%s/%s", directory, file);
	return write_file(path, text);
}

/* cpu and cpuacct are often one hierarchy under two names: the directory's identity tells. */
static void add_root(struct demo_cgroups *cgroups, const char *path)
{
	struct stat here, there;

	if (stat(path, &here) < 0)
		return;
	for (size_t i = 0; i < cgroups->nr_roots; i++)
		if (stat(cgroups->roots[i], &there) == 0 && here.st_dev == there.st_dev)
			return;
	(void)snprintf(cgroups->roots[cgroups->nr_roots++], sizeof(cgroups->roots[0]), "%s", path);
}

int demo_cgroups_find(struct demo_cgroups *ret_cgroups, char *error, size_t error_size)
{
	struct demo_cgroups cgroups = { .v2 = access(CGROUP_ROOT "/cgroup.controllers", F_OK) ==
					      0 };

	(void)snprintf(cgroups.name, sizeof(cgroups.name), PREFIX "%d", (int)getpid());
	if (cgroups.v2)
		add_root(&cgroups, CGROUP_ROOT);
	for (size_t i = 0; i < PF_ARRAY_SIZE(v1_controllers) && !cgroups.v2; i++) {
		char path[128];

		(void)snprintf(path, sizeof(path), CGROUP_ROOT "/%s", v1_controllers[i]);
		add_root(&cgroups, path);
	}
	if (!cgroups.nr_roots) {
		(void)snprintf(error, error_size, "no cgroups below %s", CGROUP_ROOT);
		return -ENOENT;
	}
	*ret_cgroups = cgroups;
	return 0;
}

static void path_of(const struct demo_cgroups *cgroups, size_t root,
		    const struct demo_workload *workload, char *path)
{
	(void)snprintf(path, PATH_LEN, "%s/%s/kubepods/burstable/pod%s/%s", cgroups->roots[root],
		       cgroups->name, workload->pod_uid, workload->container_id);
}

/*
 * mkdir -p below the root; on v2 every level hands its controllers on. systemd has cpu and memory on
 * at the root already; where nobody has, they are turned on, as any container engine would.
 */
static int make_path(const struct demo_cgroups *cgroups, const char *root, char *path)
{
	for (char *at = path + strlen(root); at; at = strchr(at + 1, '/')) {
		char c = *at;
		int r = 0;

		*at = '\0';
		if (strcmp(path, root) && mkdir(path, 0755) < 0 && errno != EEXIST)
			r = -errno;
		if (r == 0 && cgroups->v2)
			r = set_file(path, "cgroup.subtree_control", "+cpu +memory +pids");
		*at = c;
		if (r < 0)
			return r;
	}
	return mkdir(path, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

static int set_limits(const struct demo_cgroups *cgroups, const char *path,
		      const struct demo_workload *workload)
{
	unsigned long long memory = (unsigned long long)workload->memory_limit_mib << 20;
	unsigned quota_us = workload->cpu_limit_millicores * (CFS_PERIOD_US / 1000);
	unsigned shares = workload->cpu_request_millicores * 1024 / 1000;
	char file[PATH_LEN + 64];
	int r = 0;

	if (cgroups->v2) {
		r = set_file(path, "cpu.max", "%u %d", quota_us, CFS_PERIOD_US);
		return r < 0 ? r : set_file(path, "memory.max", "%llu", memory);
	}
	(void)snprintf(file, sizeof(file), "%s/cpu.cfs_quota_us", path);
	if (access(file, F_OK) == 0) {
		r = set_file(path, "cpu.cfs_period_us", "%d", CFS_PERIOD_US);
		if (r == 0)
			r = set_file(path, "cpu.cfs_quota_us", "%u", quota_us);
		if (r == 0)
			r = set_file(path, "cpu.shares", "%u", shares);
	}
	(void)snprintf(file, sizeof(file), "%s/memory.limit_in_bytes", path);
	if (r == 0 && access(file, F_OK) == 0)
		r = set_file(path, "memory.limit_in_bytes", "%llu", memory);
	return r;
}

int demo_cgroups_make(const struct demo_cgroups *cgroups, const struct demo_workload *workload,
		      char *error, size_t error_size)
{
	for (size_t i = 0; i < cgroups->nr_roots; i++) {
		char path[PATH_LEN];
		int r;

		path_of(cgroups, i, workload, path);
		r = make_path(cgroups, cgroups->roots[i], path);
		if (r == 0)
			r = set_limits(cgroups, path, workload);
		if (r < 0) {
			(void)snprintf(error, error_size, "%s: %s", path, strerror(-r));
			return r;
		}
	}
	return 0;
}

int demo_cgroups_join(const struct demo_cgroups *cgroups, const struct demo_workload *workload)
{
	for (size_t i = 0; i < cgroups->nr_roots; i++) {
		char path[PATH_LEN];
		int r;

		path_of(cgroups, i, workload, path);
		r = set_file(path, "cgroup.procs", "0");
		if (r < 0)
			return r;
	}
	return 0;
}

static void kill_all(const char *path)
{
	char file[PATH_LEN + 32];
	PF_AUTO(pf_fclosep) FILE *procs = NULL;
	int pid;

	(void)snprintf(file, sizeof(file), "%s/cgroup.procs", path);
	procs = fopen(file, "re");
	while (procs && fscanf(procs, "%d", &pid) == 1)
		if (pid > 1)
			(void)kill(pid, SIGKILL); /* may be gone meanwhile */
}

/* Children first. Return: whether it is gone. */
static bool remove_tree(const char *path)
{
	{
		PF_AUTO(pf_closedirp) DIR *dir = opendir(path);
		const struct dirent *entry;

		while (dir && (entry = readdir(dir)) != NULL) {
			char child[PATH_LEN];

			if (entry->d_type == DT_DIR && entry->d_name[0] != '.' &&
			    snprintf(child, sizeof(child), "%s/%s", path, entry->d_name) <
				    (int)sizeof(child))
				(void)remove_tree(child); /* the parent's rmdir tells */
		}
	}
	kill_all(path);
	return rmdir(path) == 0 || errno == ENOENT;
}

void demo_cgroups_remove(const struct demo_cgroups *cgroups)
{
	const struct timespec pause = { 0, 50 * 1000000 };

	for (size_t i = 0; i < cgroups->nr_roots; i++) {
		char path[PATH_LEN];

		(void)snprintf(path, sizeof(path), "%s/%s", cgroups->roots[i], cgroups->name);
		/* A killed process leaves its cgroup a little later. */
		for (int n = 0; n < REMOVE_TRIES && !remove_tree(path); n++)
			(void)nanosleep(&pause, NULL);
	}
}

void demo_cgroups_remove_stale(const struct demo_cgroups *cgroups)
{
	for (size_t i = 0; i < cgroups->nr_roots; i++) {
		PF_AUTO(pf_closedirp) DIR *dir = opendir(cgroups->roots[i]);
		const struct dirent *entry;

		while (dir && (entry = readdir(dir)) != NULL) {
			char path[PATH_LEN];
			int pid;

			if (sscanf(entry->d_name, PREFIX "%d", &pid) != 1 || pid <= 1 ||
			    kill(pid, 0) == 0)
				continue;
			(void)snprintf(path, sizeof(path), "%s/%s", cgroups->roots[i],
				       entry->d_name);
			(void)remove_tree(path); /* a further run tries again */
		}
	}
}
