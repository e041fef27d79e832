// SPDX-License-Identifier: Apache-2.0
/*
 * processes.c - who is in a cgroup, and how much anonymous memory each of them has.
 */
#include "capture/processes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"

enum {
	NESTED_MAX = 64, /* cgroups below the container's */
	DEPTH_MAX = 8,
	TEXT_BYTES = 4096,
};

struct walk {
	int proc_fd;
	struct pf_process_memory *processes;
	size_t nr, max;
	unsigned nr_cgroups;
};

static ssize_t read_text(int dir_fd, const char *path, char ret_text[TEXT_BYTES])
{
	PF_AUTO(pf_closep) int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, ret_text, TEXT_BYTES - 1);

	if (len < 0)
		return -errno;
	ret_text[len] = '\0';
	return len;
}

/* PID (COMM) STATE ... : the name may hold anything, so its end is the last parenthesis. */
static bool parse_stat(char *text, struct pf_process_memory *p)
{
	char *open = strchr(text, '('), *close = strrchr(text, ')');
	unsigned long long start;

	if (!open || !close || close < open)
		return false;
	*close = '\0';
	/* field 22 of stat: its start, 20 fields behind the name */
	if (sscanf(close + 1,
		   " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
		   &start) != 1)
		return false;
	p->start_ticks = start;
	snprintf(p->comm, sizeof(p->comm), "%s", open + 1);
	return true;
}

/* The number of kibibytes behind @name at a line's start; 0 if there is none (a kernel thread). */
static uint64_t kib_of(const char *text, const char *name)
{
	const char *line = strstr(text, name);

	return line ? strtoull(line + strlen(name), NULL, 10) * PF_KIB : 0;
}

static bool read_process(int proc_fd, uint32_t pid, struct pf_process_memory *ret_process)
{
	struct pf_process_memory p = { .pid = pid, .held = { PF_UNKNOWN, PF_UNKNOWN, PF_UNKNOWN } };
	char path[32], text[TEXT_BYTES];

	snprintf(path, sizeof(path), "%u/stat", pid);
	if (read_text(proc_fd, path, text) < 0 || !parse_stat(text, &p))
		return false;
	snprintf(path, sizeof(path), "%u/status", pid);
	if (read_text(proc_fd, path, text) < 0)
		return false;
	p.anon_bytes = kib_of(text, "\nRssAnon:") + kib_of(text, "\nVmSwap:");
	*ret_process = p;
	return true;
}

static void read_members(struct walk *w, int cgroup_fd)
{
	int fd = openat(cgroup_fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	PF_AUTO(pf_fclosep) FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	unsigned pid;

	if (!file) {
		if (fd >= 0)
			(void)close(fd); /* nothing was written */
		return;
	}
	while (w->nr < w->max && fscanf(file, "%u", &pid) == 1)
		if (read_process(w->proc_fd, pid, &w->processes[w->nr]))
			w->nr++;
}

static int walk_cgroup(struct walk *w, int parent_fd, const char *path, unsigned depth)
{
	PF_AUTO(pf_closedirp) DIR *dir = NULL;
	int fd = openat(parent_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	dir = fdopendir(fd);
	if (!dir) {
		int err = -errno;

		(void)close(fd); /* nothing was written */
		return err;
	}
	read_members(w, fd);
	for (struct dirent *e; depth < DEPTH_MAX && (e = readdir(dir));) {
		if (e->d_type != DT_DIR || e->d_name[0] == '.' || w->nr_cgroups == NESTED_MAX)
			continue;
		w->nr_cgroups++;
		(void)walk_cgroup(w, fd, e->d_name, depth + 1); /* it may just have gone */
	}
	return 0;
}

ssize_t pf_processes_read(int proc_fd, int cgroup_fd, const char *path,
			  struct pf_process_memory *ret_processes, size_t max)
{
	struct walk w = { .proc_fd = proc_fd, .processes = ret_processes, .max = max };
	int err;

	while (*path == '/')
		path++;
	err = walk_cgroup(&w, cgroup_fd, *path ? path : ".", 0);
	return err < 0 ? err : (ssize_t)w.nr;
}
