/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layout.h - where the cgroup hierarchies are below the cgroup mount: v1, hybrid or v2.
 */
#ifndef PF_CAPTURE_LAYOUT_H
#define PF_CAPTURE_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

enum pf_cgroup_mode {
	PF_CGROUP_V1,	  /* one hierarchy a controller */
	PF_CGROUP_HYBRID, /* the same, and a v2 tree without cpu and memory in "unified" */
	PF_CGROUP_V2,	  /* one tree */
};

enum pf_controller {
	PF_CTL_CPU,
	PF_CTL_CPUACCT,
	PF_CTL_MEMORY,
	PF_CTL_PIDS,
	PF_CTL_BLKIO,
	PF_CTL_UNIFIED, /* the v2 tree itself: PSI */
	PF_NR_CONTROLLERS,
};

struct pf_layout {
	enum pf_cgroup_mode mode;
	/* Directory of the hierarchy that has the controller, or -1. On v2 they are all the root.
	 */
	int dir_fd[PF_NR_CONTROLLERS];
	int hierarchy[PF_NR_CONTROLLERS]; /* the kernel's number; 0: v2; -1: absent or not known */
	/* The controller whose hierarchy is walked to find containers: memory, else cpu. */
	enum pf_controller primary;
};

/**
 * pf_layout_open() - looks below @cgroup_root; hierarchy numbers come from @proc_root/cgroups.
 * On failure @error says what was looked for and what would help.
 * Return: 0; -ENOENT: no cgroup hierarchy there; -errno of open.
 */
PF_MUST_CHECK int pf_layout_open(const char *cgroup_root, const char *proc_root,
				 struct pf_layout *ret_layout, char *error, size_t error_size);
void pf_layout_close(struct pf_layout *layout);

/** pf_layout_parse_proc_cgroups() - number of @controller's hierarchy in the text of /proc/cgroups,
 * or -1. */
int pf_layout_parse_proc_cgroups(const char *text, const char *controller);

/** pf_cgroup_mode_name() - "v1", "hybrid", "v2". */
const char *pf_cgroup_mode_name(enum pf_cgroup_mode mode);

#endif
