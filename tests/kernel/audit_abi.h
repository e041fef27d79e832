/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* audit_abi.h - what audit.bpf.c and audit.c share. */
#ifndef PF_TESTS_KERNEL_AUDIT_ABI_H
#define PF_TESTS_KERNEL_AUDIT_ABI_H

#define AUDIT_CPUS  1024
#define AUDIT_TASKS 16384 /* tasks that came in untraced at least once */

struct audit_task {
	__u32 nr_untraced;   /* switch-ins since the audit began */
	__u32 last_untraced; /* its last switch-in was not traced */
};

#endif
