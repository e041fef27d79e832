/* SPDX-License-Identifier: Apache-2.0 */
/*
 * processes.h - memory of the processes of one cgroup, those of nested cgroups included. Read from
 * /proc, for containers under suspicion only.
 */
#ifndef PF_CAPTURE_PROCESSES_H
#define PF_CAPTURE_PROCESSES_H

#include <stddef.h>

#include "base/cleanup.h"
#include "core/growth.h"

/**
 * pf_processes_read() - anonymous memory (resident and swapped) of each process.
 * @proc_fd: directory of /proc. @cgroup_fd: root of the hierarchy; @path: of the cgroup below it.
 *
 * At most 64 nested cgroups and @max processes are looked at, in the kernel's order. A process that
 * ends meanwhile is left out.
 *
 * Return: how many; -errno of opening the cgroup.
 */
PF_MUST_CHECK ssize_t pf_processes_read(int proc_fd, int cgroup_fd, const char *path,
					struct pf_process_memory *ret_processes, size_t max);

#endif
