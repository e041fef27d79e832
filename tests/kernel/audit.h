/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit.h - which switch-ins of a workload the kernel did not trace (see audit.bpf.c).
 *
 * A wait that ends in an untraced switch-in is not lost: run_delay has it, and podfit counts it when the task comes in
 * again. So the tests let tasks come in again where their last switch-in was untraced, and compare everything else
 * exactly.
 */
#ifndef PF_TESTS_KERNEL_AUDIT_H
#define PF_TESTS_KERNEL_AUDIT_H

#include "kernel/work.h"

struct kt_audit;

/** kt_audit_open() - begins to look. Ends the test as failed where that cannot be: the sources under test need the same
 * tracepoint. */
struct kt_audit *kt_audit_open(void);

/** kt_audit_nr_untraced() - switch-ins of @work's tasks that were not traced, since the audit began. */
uint64_t kt_audit_nr_untraced(const struct kt_audit *audit, const struct kt_work *work);

/** kt_audit_wait() - kt_work_wait(), and then short naps until the last switch-in of every task is a traced one. */
void kt_audit_wait(const struct kt_audit *audit, struct kt_work *work);

void kt_audit_close(struct kt_audit *audit); /* accepts NULL */
PF_DEFINE_AUTO(struct kt_audit *, kt_audit_close);

#endif
