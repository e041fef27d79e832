// SPDX-License-Identifier: Apache-2.0
/*
 * growth.c - what page-fault sampling costs: a process that touches fresh memory as fast as it can, while nobody is
 * suspected, while another container is, and while its own is: at first, and after the period has adapted. CPU time of
 * its thread a fault, median of the rounds, in which the four take turns.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/bench.h"
#include "kernel/cg.h"
#include "kernel/kt.h"

enum {
	ROUNDS = 21,
	FAULTS = 8192,
	PAGE_BYTES = 4096,
	NR_CASES = 4,
	STACKS_MAX = 64,
	ADAPT_MS = 300
};

static const char *const names[NR_CASES] = { "nobody is suspected", "another container is",
					     "its own is, at first", "its own, later" };

/* Small pages, so that each is a fault of its own. Return: CPU time of all; 0 if there is no memory. */
static uint64_t touch_fresh(void)
{
	size_t bytes = (size_t)FAULTS * PAGE_BYTES;
	volatile char *memory =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED || madvise((void *)memory, bytes, MADV_NOHUGEPAGE) < 0)
		return 0;
	uint64_t start_ns = bench_thread_cpu_ns();

	for (size_t i = 0; i < bytes; i += PAGE_BYTES)
		memory[i] = 1;
	uint64_t cpu_ns = bench_thread_cpu_ns() - start_ns;

	return munmap((void *)memory, bytes) < 0 ? 0 : cpu_ns;
}

struct toucher {
	pid_t pid;
	int to, from;
};

/* A process in @cg that touches when it gets a byte, and answers with the time it took. */
static struct toucher start_toucher(const struct kt_cg *cg)
{
	struct toucher t = { 0 };
	int to[2], from[2];

	if (pipe(to) < 0 || pipe(from) < 0)
		kt_fail("no pipe");
	t = (struct toucher){ .pid = fork(), .to = to[1], .from = from[0] };
	if (t.pid < 0)
		kt_fail("no process");
	if (t.pid == 0) {
		uint64_t cpu_ns;
		char byte;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (kt_cg_enter(cg) < 0)
			_exit(1);
		while (read(to[0], &byte, 1) == 1) {
			cpu_ns = touch_fresh();
			if (write(from[1], &cpu_ns, sizeof(cpu_ns)) != sizeof(cpu_ns))
				break;
		}
		_exit(1);
	}
	close(to[0]);
	close(from[1]);
	return t;
}

static double fault_ns(const struct toucher *toucher)
{
	uint64_t cpu_ns = 0;

	if (write(toucher->to, "", 1) != 1 ||
	    read(toucher->from, &cpu_ns, sizeof(cpu_ns)) != sizeof(cpu_ns) || !cpu_ns)
		kt_fail("the process that touches memory is gone");
	return (double)cpu_ns / FAULTS;
}

static void watch(struct pf_capture *capture, const struct kt_cg *cg, bool on)
{
	if (bench_ops->growth_watch(capture, bench_handle(cg), on) < 0)
		kt_fail("page-fault sampling cannot be switched");
}

static uint64_t read_faults(struct pf_capture *capture, const struct kt_cg *cg)
{
	struct pf_growth_stack stacks[STACKS_MAX];
	int nr = bench_ops->growth_read(capture, bench_handle(cg), stacks, STACKS_MAX);
	uint64_t nr_faults = 0;

	if (nr < 0)
		kt_fail("stacks cannot be read");
	for (int i = 0; i < nr; i++)
		nr_faults += stacks[i].nr_faults;
	return nr_faults;
}

int bench_growth(void)
{
	static double ns[NR_CASES][ROUNDS];
	double more[ROUNDS], off;
	struct kt_cg own, other;
	uint64_t nr_seen = 0, run_ns, runs;

	kt_cg_new(&own, "own");
	kt_cg_new(&other, "other");
	struct pf_capture *capture = bench_open(8);
	const struct toucher work = start_toucher(&own);

	if (bench_ops->snapshot(capture, kt_now_ns()) < 0)
		kt_fail("snapshot failed");
	int stats = bench_stats_on();

	(void)fault_ns(&work); /* page tables and the like are there afterwards */
	for (int round = 0; round < ROUNDS; round++) {
		ns[0][round] = fault_ns(&work);
		watch(capture, &other, true);
		ns[1][round] = fault_ns(&work);
		watch(capture, &other, false);
		watch(capture, &own, true);
		ns[2][round] = fault_ns(&work);
		nr_seen += read_faults(capture, &own);
		for (uint64_t end_ns = kt_now_ns() + ADAPT_MS * PF_NS_PER_MS; kt_now_ns() < end_ns;)
			(void)fault_ns(&work);
		(void)read_faults(capture, &own);
		ns[3][round] = fault_ns(&work);
		(void)read_faults(capture, &own);
		watch(capture, &own, false);
	}
	printf("a page fault of %d pages, sampling while somebody is suspected (%d rounds):\n",
	       FAULTS, ROUNDS);
	off = bench_median(memcpy(more, ns[0], sizeof(more)), ROUNDS);
	for (int i = 0; i < NR_CASES; i++) {
		double with = bench_median(memcpy(more, ns[i], sizeof(more)), ROUNDS);

		for (int round = 0; round < ROUNDS; round++)
			more[round] = 100 * (ns[i][round] / ns[0][round] - 1);
		printf("  %-20s %6.0f ns a fault, %+5.1f ns; median of the rounds' ratios %+.1f %%\n",
		       names[i], with, with - off, bench_median(more, ROUNDS));
	}
	if (bench_program_ns("pf_growth", &run_ns, &runs) == 0 && runs)
		printf("  the program: %.1f us a run\n", (double)run_ns / (double)runs / 1000);
	printf("  seen by the samples: %.1f %% of the faults\n",
	       100. * (double)nr_seen / FAULTS / ROUNDS);
	kill(work.pid, SIGKILL);
	waitpid(work.pid, NULL, 0);
	bench_ops->close(capture);
	close(stats);
	kt_cg_remove(&own);
	kt_cg_remove(&other);
	return 0;
}
