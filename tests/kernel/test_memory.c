// SPDX-License-Identifier: Apache-2.0
/*
 * test_memory.c - memory touched, its peaks, kinds and limits, OOM kills and the reclaim before
 * them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "kernel/kt.h"
#include "kernel/src.h"
#include "kernel/work.h"

/*
 * The kernel folds its per-CPU counters every two seconds; after that a memory that stands still is
 * reported to the page. Snapshots until @field of the sum has come up to @at_least, or 6 s are
 * over.
 */
static const struct kt_seen *settled(struct kt_src *src, const struct kt_cg *cg, size_t field,
				     uint64_t at_least)
{
	for (int tries = 0; tries < 12; tries++) {
		const struct kt_seen *seen;
		uint64_t value;

		kt_sleep_ms(500);
		kt_src_snapshot(src);
		seen = kt_src_get(src, cg);
		memcpy(&value, (const char *)&seen->sum + field, sizeof(value));
		if (value != PF_UNKNOWN && value >= at_least)
			return seen;
	}
	return kt_src_get(src, cg);
}
#define SETTLED(src, cg, field, at_least)                                                          \
	settled(src, cg, offsetof(struct pf_sample, field), at_least)

KT_TEST(memory_anon, "memory touched is memory reported")
{
	struct kt_cg cg;
	const uint64_t touched = 64 * PF_MIB;

	kt_cg_new(&cg, "a");
	PF_AUTO(kt_src_closep) struct kt_src *src = kt_src_open(64);
	PF_AUTO(kt_work_endp)
	struct kt_work *work = kt_work_start(
		&(struct kt_load){ .cg = &cg, .cpu = -1, .job = kt_job_touch, .amount = touched });

	kt_src_need(src, PF_SIGNAL_MEMORY);
	kt_src_begin(src);
	kt_work_go(work);
	kt_work_wait(work);
	const struct kt_seen *seen = SETTLED(src, &cg, kinds.anon, touched);
	const struct pf_sample *s = &seen->sum;
	uint64_t kernel_bytes = kt_cg_memory_bytes(&cg);

	KT_NEAR("anon against what was touched", s->kinds.anon, touched, 0.01, 512 * PF_KIB);
	KT_NEAR("anon against memory.stat", s->kinds.anon, kt_cg_memory_stat(&cg, "anon"), 0.001,
		64 * PF_KIB);
	KT_NEAR("use against the kernel's file", s->memory_usage_bytes, kernel_bytes, 0.001,
		256 * PF_KIB);
	KT_NEAR("working set", s->working_set_bytes,
		kernel_bytes - kt_cg_memory_stat(&cg, "inactive_file"), 0.005, 256 * PF_KIB);
	KT_RANGE("hot memory", s->hot_bytes, touched, (double)kernel_bytes * 1.01);
	KT_RANGE("peak", seen->peak_memory_bytes, touched, (double)kernel_bytes + 4.0 * PF_MIB);
}

KT_TEST(memory_shared, "shared memory is told from anonymous")
{
	struct kt_cg cg;
	const uint64_t touched = 32 * PF_MIB;

	kt_cg_new(&cg, "a");
	PF_AUTO(kt_src_closep) struct kt_src *src = kt_src_open(64);
	PF_AUTO(kt_work_endp)
	struct kt_work *work = kt_work_start(
		&(struct kt_load){ .cg = &cg, .cpu = -1, .job = kt_job_shared, .amount = touched });

	kt_src_need(src, PF_SIGNAL_MEMORY);
	kt_src_begin(src);
	kt_work_go(work);
	kt_work_wait(work);
	const struct pf_sample *s = &SETTLED(src, &cg, kinds.shmem, touched)->sum;

	KT_NEAR("shmem", s->kinds.shmem, touched, 0.01, 256 * PF_KIB);
	KT_RANGE("anon", s->kinds.anon, 0, 4.0 * PF_MIB);
	KT_RANGE("hot memory holds it", s->hot_bytes, touched, touched + 8.0 * PF_MIB);
	KT_NEAR("file, which holds shmem", s->kinds.file, kt_cg_memory_stat(&cg, "file"), 0.01,
		256 * PF_KIB);
}

KT_TEST(memory_peak, "a peak between two snapshots is seen")
{
	struct kt_cg cg;
	const uint64_t touched = 96 * PF_MIB;

	kt_cg_new(&cg, "a");
	PF_AUTO(kt_src_closep) struct kt_src *src = kt_src_open(64);
	PF_AUTO(kt_work_endp)
	struct kt_work *work = kt_work_start(&(struct kt_load){
		.cg = &cg, .cpu = -1, .job = kt_job_touch_free, .amount = touched });

	kt_src_need(src, PF_SIGNAL_MEMORY_PEAK);
	kt_src_begin(src);
	/* Twice: the kernel's own watermark only shows the first. */
	for (int round = 0; round < 2; round++) {
		kt_work_go(work);
		kt_work_wait(work);
		kt_src_end(src);
		const struct kt_seen *seen = kt_src_get(src, &cg);

		KT_RANGE("peak", seen->peak_memory_bytes, touched, touched + 8.0 * PF_MIB);
		KT_RANGE("use afterwards", seen->sum.memory_usage_bytes, 0, 24.0 * PF_MIB);
		kt_src_forget(src);
	}
	kt_src_end(src);
	KT_RANGE("peak of a quiet interval", kt_src_get(src, &cg)->peak_memory_bytes, 0,
		 24.0 * PF_MIB);
}

KT_TEST(memory_file, "page cache is in the use, and its inactive part not in the working set")
{
	const char *dir = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
	const uint64_t written = 48 * PF_MIB;
	struct kt_cg cg;
	char path[256];

	snprintf(path, sizeof(path), "%s/podfit-test-XXXXXX", dir);
	PF_AUTO(pf_closep) int fd = mkostemp(path, O_CLOEXEC);

	if (fd < 0)
		kt_skip("no file can be made in %s", dir);
	unlink(path);
	kt_cg_new(&cg, "a");
	PF_AUTO(kt_src_closep) struct kt_src *src = kt_src_open(64);
	PF_AUTO(kt_work_endp)
	struct kt_work *work = kt_work_start(&(struct kt_load){
		.cg = &cg, .cpu = -1, .job = kt_job_write, .amount = written, .fd = fd });

	kt_src_need(src, PF_SIGNAL_MEMORY);
	kt_src_begin(src);
	kt_work_go(work);
	kt_work_wait(work);
	const struct pf_sample *s = &SETTLED(src, &cg, kinds.file, written)->sum;

	KT_NEAR("file", s->kinds.file, kt_cg_memory_stat(&cg, "file"), 0.01, 512 * PF_KIB);
	KT_RANGE("file holds what was written", s->kinds.file, (double)written,
		 2.0 * (double)written);
	KT_NEAR("inactive file", s->kinds.inactive_file, kt_cg_memory_stat(&cg, "inactive_file"),
		0.01, 512 * PF_KIB);
	KT_INT("working set is use less inactive file", (int64_t)s->working_set_bytes,
	       (int64_t)(s->memory_usage_bytes - s->kinds.inactive_file));
}

KT_TEST(memory_limits, "limits are those that were set, and followed when they change")
{
	struct kt_cg cg;

	kt_cg_new(&cg, "a");
	kt_cg_set_memory_limit(&cg, 200 * PF_MIB);
	kt_cg_set_quota(&cg, 150000, 100000);
	PF_AUTO(kt_src_closep) struct kt_src *src = kt_src_open(64);

	kt_src_snapshot(src);
	kt_src_snapshot(src);
	KT_INT("memory limit", (int64_t)kt_src_get(src, &cg)->sum.memory_limit_bytes, 200 * PF_MIB);
	KT_INT("quota", (int64_t)kt_src_get(src, &cg)->sum.cfs_quota_us, 150000);
	KT_INT("period", (int64_t)kt_src_get(src, &cg)->sum.cfs_period_us, 100000);
	kt_cg_set_memory_limit(&cg, 300 * PF_MIB);
	kt_cg_set_quota(&cg, -1, 50000);
	kt_src_snapshot(src);
	KT_INT("raised memory limit", (int64_t)kt_src_get(src, &cg)->sum.memory_limit_bytes,
	       300 * PF_MIB);
	KT_INT("removed quota", (int64_t)kt_src_get(src, &cg)->sum.cfs_quota_us,
	       (int64_t)PF_NO_LIMIT);
	KT_INT("changed period", (int64_t)kt_src_get(src, &cg)->sum.cfs_period_us, 50000);
}

KT_TEST(memory_oom, "an OOM kill is told with its cgroup, process and memory")
{
	struct kt_cg cg;
	const uint64_t limit = 48 * PF_MIB;
	uint64_t start_ns;

	kt_cg_new(&cg, "a");
	kt_cg_set_memory_limit(&cg, limit);
	PF_AUTO(kt_src_closep) struct kt_src *src = kt_src_open(64);
	PF_AUTO(kt_work_endp)
	struct kt_work *work = kt_work_start(&(struct kt_load){
		.cg = &cg, .cpu = -1, .job = kt_job_touch, .amount = 4 * limit });
	pid_t pid = kt_work_pid(work);

	kt_src_need(src, PF_SIGNAL_OOM_KILLS);
	kt_src_begin(src);
	start_ns = kt_now_ns();
	kt_work_go(work);
	kt_work_wait_gone(work);
	const struct pf_oom_kill *kill = kt_src_kill(src);

	kt_src_end(src);
	const struct kt_seen *seen = kt_src_get(src, &cg);

	kt_src_note_losses(src);
	if (!kill)
		kt_fail("no OOM kill was told");
	KT_INT("container", (int64_t)kill->handle, (int64_t)seen->cgroup.handle);
	KT_INT("cgroup id", (int64_t)kill->cgroup_id, (int64_t)kt_cg_id(&cg));
	KT_INT("process", kill->pid, pid);
	KT_TRUE("name of the process", !strcmp(kill->comm, program_invocation_short_name));
	KT_TRUE("not the whole node", !kill->whole_node);
	KT_RANGE("time", (double)kill->at_ns, (double)start_ns, (double)kt_now_ns());
	KT_INT("limit", (int64_t)kill->limit_bytes, (int64_t)limit);
	KT_RANGE("use at the kill", kill->usage_bytes, 0.98 * (double)limit, 1.01 * (double)limit);
	KT_RANGE("the container's is the same", kill->container_usage_bytes, 0.98 * (double)limit,
		 1.01 * (double)limit);
	/* More than the limit: pages shared with its parent are charged to the parent. */
	KT_RANGE("anon of the victim", kill->victim_anon_bytes, 0.8 * (double)limit,
		 (double)limit + 8.0 * PF_MIB);
	KT_INT("kills counted", (int64_t)seen->sum.events_oom_kill, 1);
	KT_TRUE("no second kill was told", !kt_src_kill(src));
}

KT_TEST(memory_oom_nested, "a limit inside a container that has none: the container's use is told")
{
	struct kt_cg cg, held, inner;
	const uint64_t limit = 32 * PF_MIB, kept = 40 * PF_MIB;

	kt_cg_new(&cg, "a");
	kt_cg_delegate(&cg);
	kt_cg_new(&held, "a/held");
	kt_cg_new(&inner, "a/inner");
	kt_cg_set_memory_limit(&inner, limit);
	PF_AUTO(kt_src_closep) struct kt_src *src = kt_src_open(64);
	PF_AUTO(kt_work_endp)
	struct kt_work *holder = kt_work_start(
		&(struct kt_load){ .cg = &held, .cpu = -1, .job = kt_job_touch, .amount = kept });
	PF_AUTO(kt_work_endp)
	struct kt_work *work = kt_work_start(&(struct kt_load){
		.cg = &inner, .cpu = -1, .job = kt_job_touch, .amount = 4 * limit });

	kt_src_need(src, PF_SIGNAL_OOM_KILLS);
	kt_work_go(holder);
	kt_work_wait(holder);
	kt_src_begin(src);
	kt_work_go(work);
	kt_work_wait_gone(work);
	const struct pf_oom_kill *kill = kt_src_kill(src);

	kt_src_end(src);
	if (!kill)
		kt_fail("no OOM kill was told");
	KT_INT("container", (int64_t)kill->handle, (int64_t)kt_src_get(src, &cg)->cgroup.handle);
	KT_INT("the limit inside", (int64_t)kill->limit_bytes, (int64_t)limit);
	KT_RANGE("use of the cgroup inside", kill->usage_bytes, 0.98 * (double)limit,
		 1.01 * (double)limit);
	KT_RANGE("use of the container", kill->container_usage_bytes, 0.98 * (double)(limit + kept),
		 1.1 * (double)(limit + kept));
}

KT_TEST(memory_reclaim, "reclaim before an OOM kill is a stall of the container")
{
	struct kt_cg cg;
	uint64_t start_ns;

	kt_cg_new(&cg, "a");
	kt_cg_set_memory_limit(&cg, 32 * PF_MIB);
	PF_AUTO(kt_src_closep) struct kt_src *src = kt_src_open(64);
	PF_AUTO(kt_work_endp)
	struct kt_work *work = kt_work_start(&(struct kt_load){
		.cg = &cg, .cpu = -1, .job = kt_job_touch, .amount = 64 * PF_MIB });

	kt_src_need(src, PF_SIGNAL_RECLAIM);
	kt_src_begin(src);
	start_ns = kt_now_ns();
	kt_work_go(work);
	kt_work_wait_gone(work);
	kt_src_end(src);
	const struct kt_seen *seen = kt_src_get(src, &cg);

	KT_RANGE("reclaims", seen->sum.nr_reclaims, 1, 1e6);
	KT_INT("reclaims in the histogram", (int64_t)kt_seen_count(seen, PF_HIST_RECLAIM_STALL),
	       (int64_t)seen->sum.nr_reclaims);
	KT_RANGE("time in reclaim", (double)seen->sum.reclaim_ns, 100,
		 (double)(kt_now_ns() - start_ns));
}

KT_TEST(memory_psi, "CPU pressure is the kernel's")
{
	struct kt_cg cg;
	uint64_t before_ns, after_ns;

	kt_cg_new(&cg, "a");
	PF_AUTO(kt_src_closep) struct kt_src *src = kt_src_open(64);

	kt_src_need(src, PF_SIGNAL_PSI);
	PF_AUTO(kt_work_endp)
	struct kt_work *work = kt_work_start(&(struct kt_load){ .cg = &cg,
								.nr_tasks = 3,
								.cpu = 0,
								.job = kt_job_burn_until,
								.amount = 1500 * PF_NS_PER_MS });

	kt_sleep_ms(300);
	/* Reading the file folds the per-CPU times into the totals that a snapshot reads. */
	if (!kt_cg_pressure_ns(&cg, "cpu", &before_ns))
		kt_skip("no pressure files here");
	kt_src_snapshot(src);
	kt_src_forget(src);
	kt_work_go(work);
	kt_work_wait(work);
	kt_sleep_ms(300);
	(void)kt_cg_pressure_ns(&cg, "cpu", &after_ns);
	kt_src_snapshot(src);
	KT_NEAR("some", kt_src_get(src, &cg)->sum.psi.cpu_some_ns, after_ns - before_ns, 0.02, 5e6);
	KT_RANGE("pressure at all", (double)(after_ns - before_ns), 5e8, 1e12);
}

/* A file on a block device, past the page cache; skips where there is none. */
static int direct_file(uint64_t size)
{
	const char *dir = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
	char path[256], block[4096] = "";
	struct stat st;
	int fd, direct;

	snprintf(path, sizeof(path), "%s/podfit-test-XXXXXX", dir);
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		kt_skip("no file can be made in %s", dir);
	direct = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
	unlink(path);
	if (direct < 0 || fstat(fd, &st) < 0 || major(st.st_dev) == 0)
		kt_skip("%s is on no block device", dir);
	for (uint64_t at = 0; at < size; at += sizeof(block))
		if (pwrite(fd, block, sizeof(block), (off_t)at) != sizeof(block))
			kt_skip("%s is full", dir);
	fsync(fd); /* blocks are there now: overwriting them needs no metadata */
	close(fd);
	return direct;
}

KT_TEST(block_io, "direct writes are counted once each, with their time")
{
	struct kt_cg cg;
	const uint64_t written = 200 * 4096;
	PF_AUTO(pf_closep) int fd = direct_file(written);

	kt_cg_new(&cg, "a");
	PF_AUTO(kt_src_closep) struct kt_src *src = kt_src_open(64);

	kt_src_need(src, PF_SIGNAL_BLOCK_IO);
	PF_AUTO(kt_work_endp)
	struct kt_work *work = kt_work_start(&(struct kt_load){
		.cg = &cg, .cpu = -1, .job = kt_job_write, .amount = written, .fd = fd });

	kt_src_begin(src);
	kt_work_go(work);
	kt_work_wait(work);
	kt_src_end(src);
	const struct kt_seen *seen = kt_src_get(src, &cg);
	const struct kt_task *task = kt_work_task(work, 0);

	KT_RANGE("requests", seen->sum.nr_block_ios, task->count, 1.05 * (double)task->count + 5);
	KT_INT("requests in the histogram", (int64_t)kt_seen_count(seen, PF_HIST_BLOCK_IO),
	       (int64_t)seen->sum.nr_block_ios);
	KT_RANGE("time of requests", (double)seen->sum.block_io_ns, (double)task->count * 500,
		 (double)(task->end_ns - task->go_ns));
}
