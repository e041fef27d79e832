// SPDX-License-Identifier: Apache-2.0
/*
 * sampler.c - the 10 Hz pass over 200 containers: share of one CPU.
 *
 * The pass is a timer's callback, which the kernel's statistics do not see; podfit times it itself and
 * reports it as part of its cost. Taken off is what the statistics say of the programs.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/bench.h"
#include "kernel/cg.h"
#include "kernel/kt.h"

enum { CONTAINERS = 200, BUSY = 20, SECONDS = 6 };

static pid_t start_busy(const struct kt_cg *cg)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (kt_cg_enter(cg) < 0)
		_exit(1);
	for (;;) {
		for (volatile int i = 0; i < 20000; i++)
			;
		kt_sleep_ms(20);
	}
}

/* Run time of everything that runs in the kernel for podfit, less that of its programs. */
static uint64_t pass_ns(struct pf_capture *capture)
{
	struct pf_self_cost cost = { 0 };
	struct bench_runs runs;

	bench_ops->cost(capture, &cost);
	(void)bench_runs_of(getpid(), "pf_switch", &runs);
	return cost.bpf_run_ns > runs.all_ns ? cost.bpf_run_ns - runs.all_ns : 0;
}

int bench_sampler(void)
{
	static struct kt_cg cgs[CONTAINERS];
	pid_t busy[BUSY];
	char name[16];

	for (int i = 0; i < CONTAINERS; i++) {
		snprintf(name, sizeof(name), "c%d", i);
		kt_cg_new(&cgs[i], name);
	}
	for (int i = 0; i < BUSY; i++)
		busy[i] = start_busy(&cgs[i]);
	struct pf_capture *capture = bench_open(CONTAINERS + 8);

	if (bench_nr_alive() != CONTAINERS)
		kt_fail("%u containers tracked, not %d", bench_nr_alive(), CONTAINERS);
	kt_sleep_ms(500);
	uint64_t start_ns = kt_now_ns(), before_ns = pass_ns(capture);

	kt_sleep_ms(SECONDS * 1000);
	double share = (double)(pass_ns(capture) - before_ns) / (double)(kt_now_ns() - start_ns);

	bench_ops->close(capture);
	for (int i = 0; i < BUSY; i++) {
		kill(busy[i], SIGKILL);
		waitpid(busy[i], NULL, 0);
	}
	printf("== 10 Hz sampler, %d containers, %d of them at work\n", CONTAINERS, BUSY);
	printf("  a pass takes %.1f us, %.0f ns a container\n", share * 1e5,
	       share * 1e8 / CONTAINERS);
	bench_goal("  share of one CPU", share * 100, " %", 0.1, 0);
	return 0;
}
