// SPDX-License-Identifier: Apache-2.0
/*
 * jobs.c - what the tasks of a workload do.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "kernel/kt.h"
#include "kernel/work.h"

enum { GAP_MIN_NS = 1000000 }; /* 1 ms: shorter ones are interrupts */

static uint64_t thread_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * PF_NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* Some microseconds of work that stays in user space. */
static void spin(unsigned rounds)
{
	for (volatile unsigned i = 0; i < rounds; i++)
		;
}

static bool over(const struct kt_task *task)
{
	return kt_now_ns() - task->go_ns >= task->load->amount;
}

void kt_job_burn(struct kt_task *task)
{
	uint64_t start_ns = thread_cpu_ns();

	while (thread_cpu_ns() - start_ns < task->load->amount)
		spin(5000);
}

void kt_job_burn_until(struct kt_task *task)
{
	while (!over(task))
		spin(2000);
}

void kt_job_nap(struct kt_task *task)
{
	while (!over(task)) {
		kt_sleep_ms(1);
		task->count++;
	}
}

static uint64_t read_delay_ns(int fd)
{
	char text[128] = "";
	uint64_t delay_ns = 0;

	if (pread(fd, text, sizeof(text) - 1, 0) > 0)
		(void)sscanf(text, "%*u %" SCNu64, &delay_ns);
	return delay_ns;
}

static void add_gap(struct kt_task *task, uint64_t length_ns)
{
	if (length_ns > GAP_MIN_NS && task->nr_gaps < KT_GAPS_MAX)
		task->gaps[task->nr_gaps++].length_ns = length_ns;
}

/*
 * @waited_ns is what was waited in the gaps from @first on. No wait is longer than the gap it was in, so the longest gap
 * takes what fits, then the next: never more gaps with a wait than there were.
 */
static void share_out(struct kt_task *task, uint32_t first, uint64_t waited_ns)
{
	while (waited_ns) {
		struct kt_gap *longest = NULL;

		for (uint32_t i = first; i < task->nr_gaps; i++) {
			struct kt_gap *gap = &task->gaps[i];

			if (!gap->waited_ns && (!longest || gap->length_ns > longest->length_ns))
				longest = gap;
		}
		if (!longest)
			return;
		longest->waited_ns = PF_MIN(longest->length_ns, waited_ns);
		waited_ns -= longest->waited_ns;
	}
}

/*
 * From v6.18 on a quota holds a task back on its way out of the kernel: most of all after the system call that reads
 * the delay. So that call may have a gap of its own, and is done again until it has none.
 */
static uint64_t read_delay_apart(struct kt_task *task, int fd, uint64_t *now_ns)
{
	uint64_t delay_ns, from_ns;

	do {
		from_ns = *now_ns;
		delay_ns = read_delay_ns(fd);
		*now_ns = kt_now_ns();
		add_gap(task, *now_ns - from_ns);
	} while (*now_ns - from_ns > GAP_MIN_NS && !over(task));
	return delay_ns;
}

void kt_job_gaps(struct kt_task *task)
{
	PF_AUTO(pf_closep) int fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
	uint64_t delay_ns = read_delay_ns(fd), last_ns = kt_now_ns(), now_ns;

	do {
		now_ns = kt_now_ns();
		if (now_ns - last_ns > GAP_MIN_NS) {
			uint32_t first = task->nr_gaps;
			uint64_t before_ns = delay_ns;

			add_gap(task, now_ns - last_ns);
			delay_ns = read_delay_apart(task, fd, &now_ns);
			share_out(task, first, delay_ns - before_ns);
		}
		last_ns = now_ns;
	} while (now_ns - task->go_ns <
		 task->load->amount); /* the gap at the end is recorded too */
}

static void *touch(struct kt_task *task, int flags)
{
	void *p = mmap(NULL, task->load->amount, PROT_READ | PROT_WRITE, flags, -1, 0);

	if (p == MAP_FAILED)
		_exit(1);
	/* Small pages, so that what is charged is what was written. */
	(void)madvise(p, task->load->amount, MADV_NOHUGEPAGE);
	memset(p, 1, task->load->amount);
	return p;
}

void kt_job_touch(struct kt_task *task)
{
	task->memory = touch(task, MAP_PRIVATE | MAP_ANONYMOUS);
}

void kt_job_touch_free(struct kt_task *task)
{
	void *p = touch(task, MAP_PRIVATE | MAP_ANONYMOUS);

	kt_sleep_ms(500);
	munmap(p, task->load->amount);
}

void kt_job_shared(struct kt_task *task)
{
	task->memory = touch(task, MAP_SHARED | MAP_ANONYMOUS);
}

void kt_job_wake(struct kt_task *task)
{
	while (!over(task)) {
		if (write(task->load->fd, "", 1) == 1)
			task->count++;
		kt_sleep_ms(2);
	}
}

void kt_job_be_woken(struct kt_task *task)
{
	for (;;) {
		struct pollfd p = { .fd = task->load->fd, .events = POLLIN };
		bool last = over(task);
		char byte;

		if (poll(&p, 1, last ? 0 : 100) > 0 && read(p.fd, &byte, 1) == 1) {
			task->count++;
			spin(20000);
		} else if (last) {
			return;
		}
	}
}

void kt_job_write(struct kt_task *task)
{
	void *block = NULL;

	if (posix_memalign(&block, 4096, 4096))
		_exit(1);
	memset(block, 1, 4096);
	while (task->count * 4096 < task->load->amount) {
		if (pwrite(task->load->fd, block, 4096, (off_t)(task->count * 4096)) != 4096)
			_exit(1);
		task->count++;
	}
	free(block);
}
