// SPDX-License-Identifier: Apache-2.0
/* audit.c - loads audit.bpf.c and asks it about workloads. */
#include "kernel/audit.h"

#include <bpf/bpf.h>
#include <linux/types.h>
#include <stdlib.h>

#include "kernel/audit_abi.h"
#include "kernel/kt.h"

#include "audit.skel.h" /* needs the types above */

enum { NAPS_MAX = 200 };

struct kt_audit {
	struct audit_bpf *bpf;
};

struct kt_audit *kt_audit_open(void)
{
	struct kt_audit *audit = calloc(1, sizeof(*audit));

	if (!audit)
		kt_fail("out of memory");
	audit->bpf = audit_bpf__open_and_load();
	if (!audit->bpf || audit_bpf__attach(audit->bpf) < 0)
		kt_fail("the audit of switches cannot be attached");
	return audit;
}

static struct audit_task audit_of(const struct kt_audit *audit, pid_t tid)
{
	struct audit_task task = { 0 };
	__u32 key = (__u32)tid;

	/* One that always came in traced has no entry. */
	(void)bpf_map_lookup_elem(bpf_map__fd(audit->bpf->maps.audit_tasks), &key, &task);
	return task;
}

uint64_t kt_audit_nr_untraced(const struct kt_audit *audit, const struct kt_work *work)
{
	uint64_t count = 0;

	if (audit->bpf->bss->audit_nr_lost)
		kt_fail("the audit's table is full");
	for (unsigned i = 0; i < kt_work_nr_tasks(work); i++)
		count += audit_of(audit, kt_work_task(work, i)->tid).nr_untraced;
	return count;
}

static bool last_ones_are_traced(const struct kt_audit *audit, const struct kt_work *work)
{
	for (unsigned i = 0; i < kt_work_nr_tasks(work); i++)
		if (audit_of(audit, kt_work_task(work, i)->tid).last_untraced)
			return false;
	return true;
}

void kt_audit_wait(const struct kt_audit *audit, struct kt_work *work)
{
	kt_work_wait(work);
	for (int i = 0; !last_ones_are_traced(audit, work); i++) {
		if (i == NAPS_MAX)
			kt_fail("the last switch-in of a task is never traced");
		kt_work_nap(work);
	}
}

void kt_audit_close(struct kt_audit *audit)
{
	if (!audit)
		return;
	audit_bpf__destroy(audit->bpf);
	free(audit);
}
