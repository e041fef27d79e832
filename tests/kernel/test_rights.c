// SPDX-License-Identifier: Apache-2.0
/*
 * test_rights.c - everything goes on after the agent has given its capabilities away; without any,
 * opening fails with words; growth stacks name the code that grew.
 */
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel/kt.h"
#include "kernel/src.h"
#include "kernel/work.h"

static void drop_all_capabilities(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	for (int cap = 0; cap <= CAP_LAST_CAP; cap++)
		(void)prctl(PR_CAPBSET_DROP, cap); /* EINVAL where the kernel knows fewer */
	if (syscall(SYS_capset, &head, data) < 0)
		kt_fail("capset: %s", strerror(errno));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		kt_fail("no_new_privs: %s", strerror(errno));
}

KT_TEST(rights_dropped, "work goes on after all capabilities are gone")
{
	struct kt_cg cg, later;
	struct kt_schedstat before, after;

	kt_cg_new(&cg, "a");
	PF_AUTO(kt_src_closep) struct kt_src *src = kt_src_open(64);

	kt_src_snapshot(src);
	drop_all_capabilities();
	kt_cg_new(&later, "later"); /* as root, but without a capability */
	kt_src_pump(src, 20);
	PF_AUTO(kt_work_endp)
	struct kt_work *work = kt_work_start(&(struct kt_load){ .cg = &later,
								.nr_tasks = 2,
								.cpu = 0,
								.job = kt_job_burn,
								.amount = 150 * PF_NS_PER_MS });

	kt_src_begin(src);
	uint64_t before_ns = kt_cg_cpu_ns(&later);

	kt_work_schedstat(work, &before);
	kt_work_go(work);
	kt_work_wait(work);
	kt_src_end(src);
	kt_work_schedstat(work, &after);
	const struct kt_seen *seen = kt_src_get(src, &later);
	const struct pf_sample *s = &seen->sum;

	kt_src_note_losses(src);
	KT_NEAR("usage", s->usage_ns, kt_cg_cpu_ns(&later) - before_ns, kt_share(0.01), 1e6);
	KT_NEAR("memory", s->memory_usage_bytes, kt_cg_memory_bytes(&later), 0.02, 512 * PF_KIB);
	if (kt_src_has(src, PF_SIGNAL_RUNQ_LATENCY))
		KT_NEAR("waits", s->quota_wait_ns + s->contention_wait_ns,
			after.delay_ns - before.delay_ns, kt_share(0.01), 1e6);
	KT_TRUE("the earlier one is still there", kt_src_get(src, &cg)->nr_samples > 0);
	kt_work_end(pf_take(work));
	kt_cg_remove(&later);
	kt_src_end(src);
	KT_TRUE("told that it has gone", kt_src_find(src, &later)->vanished);
}

KT_TEST(rights_none, "without rights the source refuses with words, and crashes nothing")
{
	struct pf_capture_opts opts = { .cgroup_root = "/sys/fs/cgroup",
					.proc_root = "/proc",
					.max_containers = 16,
					.interval_ns = 10 * PF_NS_PER_S };
	const struct pf_capture_ops *ops = pf_capture_find("bpf");
	struct pf_capture *capture = NULL;
	char error[512] = "";

	if (strcmp(kt_settings.source, "bpf"))
		kt_skip("about BPF rights");
	drop_all_capabilities();
	int r = ops->open(&opts, &capture, error, sizeof(error));

	kt_note("said: %s", error);
	KT_TRUE("refused as not permitted", r == -EPERM || r == -EACCES);
	KT_TRUE("said why",
		strstr(error, "CAP_") || strstr(error, "rights") || strstr(error, "root"));
	KT_TRUE("output untouched", !capture);
}

KT_TEST(growth_stacks, "page-fault stacks name the process and the code that grew")
{
	const uint64_t touched = 96 * PF_MIB;
	struct pf_growth_stack stacks[16];
	struct kt_cg cg, quiet;
	uint64_t mine = 0, all = 0;
	uint32_t deepest = 0;

	kt_cg_new(&cg, "a");
	kt_cg_new(&quiet, "quiet");
	PF_AUTO(kt_src_closep) struct kt_src *src = kt_src_open(64);
	const struct pf_capture_ops *ops = kt_src_ops(src);

	kt_src_need(src, PF_SIGNAL_GROWTH);
	if (!ops->growth_watch)
		kt_skip("source %s samples no stacks", ops->name);
	PF_AUTO(kt_work_endp)
	struct kt_work *work = kt_work_start(
		&(struct kt_load){ .cg = &cg, .cpu = -1, .job = kt_job_touch, .amount = touched });
	PF_AUTO(kt_work_endp)
	struct kt_work *other = kt_work_start(&(struct kt_load){
		.cg = &quiet, .cpu = -1, .job = kt_job_touch, .amount = touched });

	kt_src_begin(src);
	const struct kt_seen *seen = kt_src_find(src, &cg);

	if (!seen)
		kt_fail("the source never told of %s", cg.path);
	uint64_t handle = seen->cgroup.handle;

	KT_INT("watch", ops->growth_watch(kt_src_capture(src), handle, true), 0);
	kt_work_go(work);
	kt_work_go(other);
	kt_work_wait(work);
	kt_work_wait(other);
	int n = ops->growth_read(kt_src_capture(src), handle, stacks, PF_ARRAY_SIZE(stacks));

	KT_RANGE("stacks", n, 1, PF_ARRAY_SIZE(stacks));
	for (int i = 0; i < n; i++) {
		all += stacks[i].nr_faults;
		if ((pid_t)stacks[i].tgid != kt_work_pid(work))
			continue;
		mine += stacks[i].nr_faults;
		deepest = PF_MAX(deepest, stacks[i].nr_addresses);
	}
	/* Small pages: a fault each. Sampled, so give or take a period per CPU and the largest
	 * stacks only. */
	KT_NEAR("faults of the process that grew", (double)mine, (double)touched / 4096, 0.1, 512);
	KT_INT("faults of processes elsewhere", (int64_t)(all - mine), 0);
	KT_RANGE("addresses in a stack", deepest, 1, 32);
	KT_INT("watch off", ops->growth_watch(kt_src_capture(src), handle, false), 0);
	kt_src_note_losses(src);
}
