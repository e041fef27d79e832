// SPDX-License-Identifier: Apache-2.0
/*
 * work.c - workload processes: started, let go, waited for, ended.
 */
#include "kernel/work.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kernel/kt.h"

enum { READY_SECONDS = 30, DONE_SECONDS = 100, DONE_SECONDS_EMULATED = 250 };

/* Between the test and its workload, in shared memory. */
struct shared {
	_Atomic uint32_t round; /* the futex the tasks sleep on; a job a round */
	_Atomic uint32_t nr_ready, nr_done;
	_Atomic int error; /* errno of what kept the workload from starting */
	_Atomic bool nap;  /* the round is a nap, not the job */
	uint64_t go_ns;
	struct kt_task tasks[KT_TASKS_MAX];
};

struct kt_work {
	struct kt_load load;
	struct shared *shared;
	pid_t pid;
	uint32_t nr_rounds;
};

struct thread_arg {
	struct shared *shared;
	struct kt_task *task;
};

static uint64_t thread_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * PF_NS_PER_S + (uint64_t)ts.tv_nsec;
}

static void futex_wait(_Atomic uint32_t *word, uint32_t while_value)
{
	while (atomic_load(word) == while_value)
		syscall(SYS_futex, word, FUTEX_WAIT, while_value, NULL, NULL, 0);
}

/* ---- in the workload's process
 * -------------------------------------------------------------------------- */

static void *task_main(void *data)
{
	struct thread_arg *arg = data;
	struct kt_task *task = arg->task;

	task->tid = (pid_t)syscall(SYS_gettid);
	atomic_fetch_add(&arg->shared->nr_ready, 1);
	for (uint32_t round = 0;; round++) {
		futex_wait(&arg->shared->round, round);
		if (atomic_load(&arg->shared->nap)) {
			kt_sleep_ms(1);
			atomic_fetch_add(&arg->shared->nr_done, 1);
			continue;
		}
		uint64_t before_ns = thread_cpu_ns();

		task->go_ns = arg->shared->go_ns;
		task->load->job(task);
		task->cpu_ns += thread_cpu_ns() - before_ns;
		task->end_ns = kt_now_ns();
		atomic_fetch_add(&arg->shared->nr_done, 1);
	}
	return NULL;
}

static _Noreturn void give_up(struct shared *shared, int error)
{
	atomic_store(&shared->error, error);
	_exit(1);
}

static _Noreturn void work_main(const struct kt_load *load, struct shared *shared, pid_t parent)
{
	static struct thread_arg args[KT_TASKS_MAX];
	cpu_set_t cpus;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	int r = load->cg ? kt_cg_enter(load->cg) : 0;

	if (r < 0)
		give_up(shared, -r);
	CPU_ZERO(&cpus);
	CPU_SET((unsigned)(load->cpu < 0 ? 0 : load->cpu), &cpus);
	if (load->cpu >= 0 && sched_setaffinity(0, sizeof(cpus), &cpus) < 0)
		give_up(shared, errno);
	for (unsigned i = 0; i < load->nr_tasks; i++)
		args[i] = (struct thread_arg){ shared, &shared->tasks[i] };
	for (unsigned i = 1; i < load->nr_tasks; i++) {
		pthread_t thread;

		r = pthread_create(&thread, NULL, task_main, &args[i]);
		if (r)
			give_up(shared, r);
	}
	task_main(&args[0]);
	_exit(0);
}

/* ---- in the test
 * ---------------------------------------------------------------------------------------- */

/* The task's state as /proc has it; '?' once it is gone. */
static char task_state(pid_t pid, pid_t tid)
{
	char path[64], text[512], *paren;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
	if (kt_read_file(path, text, sizeof(text)) <= 0)
		return '?';
	paren = strrchr(text, ')'); /* the name before it may hold anything */
	return paren && paren[1] ? paren[2] : '?';
}

static bool all_asleep(const struct kt_work *work)
{
	for (unsigned i = 0; i < work->load.nr_tasks; i++)
		if (task_state(work->pid, work->shared->tasks[i].tid) != 'S')
			return false;
	return true;
}

/* Until @counter has come to @goal and every task sleeps, twice in a row. */
static void wait_for(struct kt_work *work, _Atomic uint32_t *counter, uint32_t goal,
		     unsigned seconds, const char *what)
{
	uint64_t deadline_ns = kt_now_ns() + seconds * PF_NS_PER_S;
	int asleep = 0;

	while (asleep < 2) {
		int error = atomic_load(&work->shared->error);

		if (error)
			kt_fail("workload cannot start: %s", strerror(error));
		if (waitpid(work->pid, NULL, WNOHANG) == work->pid)
			kt_fail("workload ended instead of getting %s", what);
		if (kt_now_ns() > deadline_ns)
			kt_fail("workload is not %s after %u s: %u of %u", what, seconds,
				atomic_load(counter), goal);
		asleep = atomic_load(counter) == goal && all_asleep(work) ? asleep + 1 : 0;
		kt_sleep_ms(5);
	}
}

struct kt_work *kt_work_start(const struct kt_load *load)
{
	struct kt_work *work = calloc(1, sizeof(*work));
	pid_t parent = getpid();

	if (!work)
		kt_fail("out of memory");
	work->load = *load;
	if (!work->load.nr_tasks)
		work->load.nr_tasks = 1;
	work->shared = mmap(NULL, sizeof(*work->shared), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (work->shared == MAP_FAILED || work->load.nr_tasks > KT_TASKS_MAX)
		kt_fail("cannot share memory with %u tasks", work->load.nr_tasks);
	for (unsigned i = 0; i < work->load.nr_tasks; i++)
		work->shared->tasks[i].load = &work->load;
	work->pid = fork();
	if (work->pid < 0)
		kt_fail("fork: %s", strerror(errno));
	if (!work->pid)
		work_main(&work->load, work->shared, parent);
	wait_for(work, &work->shared->nr_ready, work->load.nr_tasks, READY_SECONDS, "ready");
	return work;
}

static void begin_round(struct kt_work *work, bool nap)
{
	atomic_store(&work->shared->nap, nap);
	work->shared->go_ns = kt_now_ns();
	work->nr_rounds++;
	atomic_fetch_add(&work->shared->round, 1);
	syscall(SYS_futex, &work->shared->round, FUTEX_WAKE, KT_TASKS_MAX, NULL, NULL, 0);
}

void kt_work_go(struct kt_work *work)
{
	begin_round(work, false);
}

void kt_work_wait(struct kt_work *work)
{
	wait_for(work, &work->shared->nr_done, work->nr_rounds * work->load.nr_tasks,
		 kt_settings.emulated ? DONE_SECONDS_EMULATED : DONE_SECONDS, "done");
}

void kt_work_nap(struct kt_work *work)
{
	begin_round(work, true);
	kt_work_wait(work);
}

void kt_work_wait_gone(struct kt_work *work)
{
	uint64_t deadline_ns = kt_now_ns() + DONE_SECONDS * PF_NS_PER_S;

	while (work->pid > 0 && waitpid(work->pid, NULL, WNOHANG) == 0) {
		if (kt_now_ns() > deadline_ns)
			kt_fail("workload has not ended after %u s", DONE_SECONDS);
		kt_sleep_ms(5);
	}
	work->pid = 0;
}

pid_t kt_work_pid(const struct kt_work *work)
{
	return work->pid;
}

unsigned kt_work_nr_tasks(const struct kt_work *work)
{
	return work->load.nr_tasks;
}

const struct kt_task *kt_work_task(const struct kt_work *work, unsigned index)
{
	return &work->shared->tasks[index];
}

uint64_t kt_work_cpu_ns(const struct kt_work *work)
{
	uint64_t sum_ns = 0;

	for (unsigned i = 0; i < work->load.nr_tasks; i++)
		sum_ns += work->shared->tasks[i].cpu_ns;
	return sum_ns;
}

double kt_work_cpus_away_ns(const struct kt_work *work)
{
	uint64_t sum_ns = 0;

	for (unsigned i = 0; i < work->load.nr_tasks; i++) {
		const struct kt_task *task = &work->shared->tasks[i];
		uint64_t longest_ns = 0;

		for (uint32_t g = 0; g < task->nr_gaps; g++)
			longest_ns = PF_MAX(longest_ns,
					    task->gaps[g].length_ns - task->gaps[g].waited_ns);
		sum_ns += longest_ns;
	}
	return (double)sum_ns;
}

void kt_work_schedstat(const struct kt_work *work, struct kt_schedstat *ret_sum)
{
	struct kt_schedstat sum = { 0 };

	for (unsigned i = 0; i < work->load.nr_tasks; i++) {
		char path[64], text[128];
		uint64_t cpu_ns, delay_ns, nr_runs;

		snprintf(path, sizeof(path), "/proc/%d/task/%d/schedstat", work->pid,
			 work->shared->tasks[i].tid);
		if (kt_read_file(path, text, sizeof(text)) <= 0 ||
		    sscanf(text, "%" SCNu64 " %" SCNu64 " %" SCNu64, &cpu_ns, &delay_ns,
			   &nr_runs) != 3)
			kt_fail("no numbers in %s", path);
		sum.cpu_ns += cpu_ns;
		sum.delay_ns += delay_ns;
		sum.nr_runs += nr_runs;
	}
	*ret_sum = sum;
}

void kt_work_end(struct kt_work *work)
{
	if (!work)
		return;
	if (work->pid > 0) {
		kill(work->pid, SIGKILL);
		waitpid(work->pid, NULL, 0);
	}
	munmap(work->shared, sizeof(*work->shared));
	free(work);
}
