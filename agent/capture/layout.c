// SPDX-License-Identifier: Apache-2.0
#include "capture/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sys/file.h"

/* /proc/cgroups has a line a controller, some fifteen. */
#define PROC_CGROUPS_MAX 8192

static const char *const controller_names[PF_NR_CONTROLLERS] = {
	[PF_CTL_CPU] = "cpu",	[PF_CTL_CPUACCT] = "cpuacct", [PF_CTL_MEMORY] = "memory",
	[PF_CTL_PIDS] = "pids", [PF_CTL_BLKIO] = "blkio",     [PF_CTL_UNIFIED] = "unified",
};

/* Mounts of several controllers at once ("cpu,cpuacct") where there is no symbolic link for each.
 */
static const char *const joint_names[PF_NR_CONTROLLERS] = {
	[PF_CTL_CPU] = "cpu,cpuacct",
	[PF_CTL_CPUACCT] = "cpu,cpuacct",
};

const char *pf_cgroup_mode_name(enum pf_cgroup_mode mode)
{
	return mode == PF_CGROUP_V2 ? "v2" : mode == PF_CGROUP_HYBRID ? "hybrid" : "v1";
}

int pf_layout_parse_proc_cgroups(const char *text, const char *controller)
{
	size_t len = strlen(controller);

	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, controller, len) && line[len] == '\t') {
			char *end;
			long id = strtol(line + len + 1, &end, 10);

			return end != line + len + 1 && *end == '\t' && id >= 0 && id < INT_MAX
				       ? (int)id
				       : -1;
		}
	}
	return -1;
}

static int open_dir(int dir_fd, const char *path)
{
	return openat(dir_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static bool is_v2(int dir_fd)
{
	return faccessat(dir_fd, "cgroup.controllers", F_OK, 0) == 0;
}

/* A hierarchy's directory has the list of its tasks; a stray empty directory is not one. */
static int open_v1(int root_fd, enum pf_controller controller)
{
	const char *names[] = { controller_names[controller], joint_names[controller] };

	for (size_t i = 0; i < PF_ARRAY_SIZE(names) && names[i]; i++) {
		int fd = open_dir(root_fd, names[i]);

		if (fd >= 0 && faccessat(fd, "cgroup.procs", F_OK, 0) == 0)
			return fd;
		if (fd >= 0)
			(void)close(fd); /* looked at only */
	}
	return -1;
}

static void read_proc_cgroups(const char *proc_root, char *ret_text, size_t size)
{
	char path[PATH_MAX];
	PF_AUTO(pf_closep) int fd = -1;
	ssize_t len = -1;

	snprintf(path, sizeof(path), "%s/cgroups", proc_root);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		len = pf_file_read_small(&pf_sys_real, fd, ret_text, size);
	if (len < 0)
		ret_text[0] = '\0';
}

static void open_v2(struct pf_layout *layout, int root_fd)
{
	layout->mode = PF_CGROUP_V2;
	layout->primary = PF_CTL_MEMORY;
	for (int i = 0; i < PF_NR_CONTROLLERS; i++) {
		layout->dir_fd[i] = root_fd;
		layout->hierarchy[i] = 0;
	}
}

static void open_v1_all(struct pf_layout *layout, int root_fd, const char *proc_root)
{
	char text[PROC_CGROUPS_MAX];

	read_proc_cgroups(proc_root, text, sizeof(text));
	layout->mode = PF_CGROUP_V1;
	for (int i = 0; i < PF_NR_CONTROLLERS; i++) {
		layout->dir_fd[i] = open_v1(root_fd, (enum pf_controller)i);
		layout->hierarchy[i] =
			layout->dir_fd[i] < 0
				? -1
				: pf_layout_parse_proc_cgroups(text, controller_names[i]);
	}
	if (layout->dir_fd[PF_CTL_UNIFIED] >= 0 && is_v2(layout->dir_fd[PF_CTL_UNIFIED])) {
		layout->mode = PF_CGROUP_HYBRID;
		layout->hierarchy[PF_CTL_UNIFIED] = 0;
	}
	layout->primary = layout->dir_fd[PF_CTL_MEMORY] >= 0 ? PF_CTL_MEMORY : PF_CTL_CPU;
}

int pf_layout_open(const char *cgroup_root, const char *proc_root, struct pf_layout *ret_layout,
		   char *error, size_t error_size)
{
	PF_AUTO(pf_closep) int root_fd = open_dir(AT_FDCWD, cgroup_root);
	struct pf_layout layout;

	if (root_fd < 0) {
		int r = -errno;

		snprintf(
			error, error_size,
			"%s: %s; mount the host's cgroup file system there or name it with --cgroup.root",
			cgroup_root, strerror(-r));
		return r;
	}
	if (is_v2(root_fd)) {
		open_v2(&layout, root_fd);
		root_fd = -1;
		*ret_layout = layout;
		return 0;
	}
	open_v1_all(&layout, root_fd, proc_root);
	if (layout.dir_fd[layout.primary] < 0) {
		pf_layout_close(&layout);
		snprintf(
			error, error_size,
			"%s: neither a cgroup v2 tree (no cgroup.controllers) nor v1 hierarchies (no memory or cpu directory with cgroup.procs); "
			"mount the host's cgroup file system there or name it with --cgroup.root",
			cgroup_root);
		return -ENOENT;
	}
	*ret_layout = layout;
	return 0;
}

void pf_layout_close(struct pf_layout *layout)
{
	for (int i = 0; i < PF_NR_CONTROLLERS; i++) {
		int fd = layout->dir_fd[i];

		if (fd < 0)
			continue;
		for (int j = i; j < PF_NR_CONTROLLERS; j++) /* v2: one descriptor for all */
			if (layout->dir_fd[j] == fd)
				layout->dir_fd[j] = -1;
		(void)close(fd); /* nothing was written */
	}
}
