/* SPDX-License-Identifier: Apache-2.0 */
/*
 * work.h - workloads that know what they did.
 *
 * A workload is one process in a cgroup, with one or more tasks (threads). Its tasks sleep until
 * kt_work_go(), do their job, and sleep again. Whoever compares two counters does it while all
 * tasks sleep, before and after: then both sides stand still and the load of the machine is of no
 * matter.
 */
#ifndef PF_TESTS_KERNEL_WORK_H
#define PF_TESTS_KERNEL_WORK_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

#include "kernel/cg.h"

enum { KT_TASKS_MAX = 16, KT_GAPS_MAX = 4096 };

/* A stretch in which a task that wants nothing but the CPU did not run. */
struct kt_gap {
	uint64_t length_ns; /* between two readings of the clock */
	uint64_t waited_ns; /* growth of the task's own run_delay over it */
};

struct kt_task {
	const struct kt_load *load;
	pid_t tid;
	uint64_t go_ns;	 /* CLOCK_MONOTONIC when the job was let go, the same for all tasks */
	uint64_t end_ns; /* when it was done */
	uint64_t cpu_ns; /* the task's own CPU clock over its job */
	uint64_t count;	 /* what the job counts */
	void *memory;	 /* what the job keeps mapped */
	uint32_t nr_gaps;
	struct kt_gap gaps[KT_GAPS_MAX];
};

struct kt_load {
	const struct kt_cg *cg;
	unsigned nr_tasks; /* 0: one */
	int cpu;	   /* all tasks on this CPU; -1: wherever the kernel puts them */
	void (*job)(struct kt_task *task);
	uint64_t amount; /* of CPU time, wall time or bytes, as the job says */
	int fd;		 /* of jobs that need one */
};

/* Jobs. */
void kt_job_burn(struct kt_task *task);	      /* uses @amount ns of CPU time */
void kt_job_burn_until(struct kt_task *task); /* runs until @amount ns after go */
void kt_job_nap(struct kt_task *task);	 /* 1 ms sleeps until @amount ns after go; count: naps */
void kt_job_gaps(struct kt_task *task);	 /* reads the clock until @amount ns after go */
void kt_job_touch(struct kt_task *task); /* writes @amount bytes of anonymous memory, keeps it */
void kt_job_touch_free(struct kt_task *task); /* the same for 500 ms, then gives it back */
void kt_job_shared(struct kt_task *task);     /* writes @amount bytes of shared memory, keeps it */
/* Every 2 ms a byte into the pipe @fd, until @amount ns after go; count: bytes. */
void kt_job_wake(struct kt_task *task);
/* Reads bytes from the pipe @fd, a little work after each, until @amount ns after go and then until
 * the pipe is empty; count: bytes. */
void kt_job_be_woken(struct kt_task *task);

/* Overwrites 4 KiB blocks of file @fd, past the page cache, one after another until @amount bytes
 * are written; count: blocks. */
void kt_job_write(struct kt_task *task);

/* As /proc/PID/schedstat has it, summed over the tasks of a workload. */
struct kt_schedstat {
	uint64_t cpu_ns, delay_ns, nr_runs;
};

struct kt_work;

/** kt_work_start() - forks the workload; when this returns it is in its cgroup and all tasks sleep.
 * Ends the test if that cannot be. */
struct kt_work *kt_work_start(const struct kt_load *load);
void kt_work_go(struct kt_work *work);
/** kt_work_wait() - until all tasks have done their job and sleep again. */
void kt_work_wait(struct kt_work *work);
/** kt_work_nap() - each task sleeps for 1 ms, so is switched in once more; returns when all sleep again. */
void kt_work_nap(struct kt_work *work);
/** kt_work_wait_gone() - until the process has ended by itself or was killed. */
void kt_work_wait_gone(struct kt_work *work);

pid_t kt_work_pid(const struct kt_work *work);
unsigned kt_work_nr_tasks(const struct kt_work *work);
const struct kt_task *kt_work_task(const struct kt_work *work, unsigned index);
uint64_t kt_work_cpu_ns(const struct kt_work *work); /* sum of the tasks' own CPU clocks */
void kt_work_schedstat(const struct kt_work *work, struct kt_schedstat *ret_sum);

/**
 * kt_work_cpus_away_ns() - of kt_job_gaps: the longest time each task neither ran nor waited, summed. A CPU of a virtual
 * machine that its host does not run has no ticks, so what its task used is booked when it goes on; in that time another
 * CPU may have closed the window.
 */
double kt_work_cpus_away_ns(const struct kt_work *work);

/** kt_work_end() - kills and reaps. Accepts NULL. */
void kt_work_end(struct kt_work *work);
PF_DEFINE_AUTO(struct kt_work *, kt_work_end);

#endif
