/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process.h - what a container runs: the first process of its cgroup, as /proc tells.
 */
#ifndef PF_MAIN_PROCESS_H
#define PF_MAIN_PROCESS_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "core/runtime.h"
#include "core/track.h"

struct pf_process {
	int pid;
	enum pf_runtime_kind runtime;
	char executable[PF_EXECUTABLE_MAX]; /* last part of the path, else the process' name */
	char *command_line; /* arguments separated by blanks; NULL: not readable; the caller's */
};

/**
 * pf_process_examine() - looks at the lowest pid of a cgroup.
 * @cgroup_root: as configured; @path: below it, in whichever hierarchy has it.
 * Return: 0; -ENOENT: nobody is in it (any more); -ENOMEM.
 */
PF_MUST_CHECK int pf_process_examine(const char *cgroup_root, const char *proc_root,
				     const char *path, struct pf_process *ret_process);

#endif
