/* SPDX-License-Identifier: Apache-2.0 */
/*
 * held.h - what a process holds open that costs memory which is nobody's resident size: sockets, whose buffers the kernel
 * fills, and files in memory (tmpfs, memfd), which stay after they are deleted for as long as somebody has them open.
 *
 * A hint, not an account: a buffer may be empty, a file shared, and what is only mapped or in a queue is not seen. For
 * containers under suspicion only. Needs CAP_SYS_PTRACE for processes of others.
 */
#ifndef PF_CAPTURE_HELD_H
#define PF_CAPTURE_HELD_H

#include "base/cleanup.h"
#include "core/growth.h"

/**
 * pf_held_read() - looks through the descriptors of @pid.
 * @proc_fd: directory of /proc.
 * @budget: descriptors that may still be looked at; what was is taken off it.
 *
 * No file is opened and no file system asked for anything but what the kernel remembers of the file.
 *
 * Return: 0; -ENOSPC: the budget ended before the descriptors did; -errno of opening the process' folder.
 */
PF_MUST_CHECK int pf_held_read(int proc_fd, uint32_t pid, unsigned *budget,
			       struct pf_held *ret_held);

#endif
