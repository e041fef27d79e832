// SPDX-License-Identifier: Apache-2.0
/*
 * held.c - sockets and files in memory among the descriptors of a process.
 */
#include "capture/held.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { DEVICES_MAX = 32, LINE_BYTES = 4352, BLOCK_BYTES = 512 /* unit of stx_blocks */ };

/* The file systems in memory that the process has mounted; others it cannot have opened a file of by name. */
struct devices {
	unsigned major[DEVICES_MAX], minor[DEVICES_MAX];
	size_t nr;
};

/* ID PARENT MAJOR:MINOR ROOT PLACE OPTIONS [...] - TYPE SOURCE OPTIONS */
static void read_devices(int proc_fd, uint32_t pid, struct devices *d)
{
	PF_AUTO(pf_fclosep) FILE *file = NULL;
	char line[LINE_BYTES];
	int fd;

	snprintf(line, sizeof(line), "%u/mountinfo", pid);
	fd = openat(proc_fd, line, O_RDONLY | O_CLOEXEC);
	file = fd < 0 ? NULL : fdopen(fd, "r");
	if (!file) {
		if (fd >= 0)
			(void)close(fd); /* nothing was written */
		return;
	}
	while (d->nr < DEVICES_MAX && fgets(line, sizeof(line), file))
		if (strstr(line, " - tmpfs ") &&
		    sscanf(line, "%*u %*u %u:%u", &d->major[d->nr], &d->minor[d->nr]) == 2)
			d->nr++;
}

/* A memfd and System V shared memory belong to a file system that nobody has mounted. */
static bool is_in_memory(const struct devices *d, const char *target, const struct statx *st)
{
	if (!strncmp(target, "/memfd:", 7) || !strncmp(target, "/SYSV", 5))
		return true;
	for (size_t i = 0; i < d->nr; i++)
		if (d->major[i] == st->stx_dev_major && d->minor[i] == st->stx_dev_minor)
			return S_ISREG(st->stx_mode);
	return false;
}

static void look_at(int fds, const char *name, const struct devices *d, struct pf_held *held)
{
	char target[64];
	ssize_t len = readlinkat(fds, name, target, sizeof(target) - 1);
	struct statx st;

	if (len < 0)
		return; /* closed meanwhile */
	target[len] = '\0';
	if (!strncmp(target, "socket:", 7)) {
		held->nr_sockets++;
		return;
	}
	/* Not to wait for a file server: what is remembered is enough. */
	if (target[0] != '/' || statx(fds, name, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT,
				      STATX_TYPE | STATX_BLOCKS, &st) < 0)
		return;
	if (is_in_memory(d, target, &st)) {
		held->nr_memory_files++;
		held->memory_file_bytes += st.stx_blocks * BLOCK_BYTES;
	}
}

int pf_held_read(int proc_fd, uint32_t pid, unsigned *budget, struct pf_held *ret_held)
{
	PF_AUTO(pf_closedirp) DIR *dir = NULL;
	struct devices devices = { .nr = 0 };
	struct pf_held held = { 0 };
	struct dirent *e;
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "%u/fd", pid);
	fd = openat(proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	dir = fdopendir(fd);
	if (!dir) {
		int err = -errno;

		(void)close(fd); /* nothing was written */
		return err;
	}
	read_devices(proc_fd, pid, &devices);
	while ((e = readdir(dir))) {
		if (e->d_name[0] == '.')
			continue;
		if (!*budget)
			return -ENOSPC;
		--*budget;
		look_at(fd, e->d_name, &devices, &held);
	}
	*ret_held = held;
	return 0;
}
