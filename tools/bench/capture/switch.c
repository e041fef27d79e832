// SPDX-License-Identifier: Apache-2.0
/*
 * switch.c - ns per context switch: an empty program, runqlat of libbpf-tools with all its programs, and
 * podfit's whole hook, in rounds that take turns on the same load.
 *
 * hot:  two processes in two containers hand a byte to and fro on one CPU, as fast as they can.
 * cold: the same, but each walks through 2 MiB between two switches, so that every switch finds cold
 *       caches; some thousand switches a second.
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/bench.h"
#include "empty.skel.h"
#include "kernel/cg.h"
#include "kernel/kt.h"

enum { ROUNDS = 7, ROUND_MS = 700, WARM_MS = 150, WALK_BYTES = 2 << 20 };

enum variant { EMPTY, RUNQLAT, PODFIT, NR_VARIANTS };
static const char *const variant_names[] = { "empty program", "runqlat, all its programs",
					     "podfit, whole hook" };

struct result {
	double ns[NR_VARIANTS][ROUNDS];	  /* per switch, all programs of the variant */
	double runs[NR_VARIANTS][ROUNDS]; /* program runs per switch */
	double switches_per_s;
};

/* ---- the load
 * ------------------------------------------------------------------------------------------- */

static void ping(const struct kt_cg *cg, int in, int out, size_t walk)
{
	volatile char *memory = walk ? malloc(walk) : NULL;
	cpu_set_t cpus;
	char byte = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	if (kt_cg_enter(cg) < 0 || sched_setaffinity(0, sizeof(cpus), &cpus) < 0 ||
	    (walk && !memory))
		_exit(1);
	while (read(in, &byte, 1) == 1) {
		for (size_t i = 0; i < walk; i += 64)
			memory[i]++;
		if (write(out, &byte, 1) != 1)
			break;
	}
	_exit(0);
}

static void start_load(const struct kt_cg cgs[2], size_t walk, pid_t ret_pids[2])
{
	int there[2], back[2];

	if (pipe2(there, O_CLOEXEC) < 0 || pipe2(back, O_CLOEXEC) < 0)
		kt_fail("pipe: %s", strerror(errno));
	for (int i = 0; i < 2; i++) {
		ret_pids[i] = fork();
		if (ret_pids[i] < 0)
			kt_fail("fork: %s", strerror(errno));
		if (!ret_pids[i])
			ping(&cgs[i], i ? there[0] : back[0], i ? back[1] : there[1], walk);
	}
	if (write(there[1], "", 1) != 1) /* the one byte that goes to and fro */
		kt_fail("pipe: %s", strerror(errno));
	close(there[0]);
	close(there[1]);
	close(back[0]);
	close(back[1]);
}

static void end_process(pid_t pid, int sig)
{
	if (pid <= 0)
		return;
	kill(pid, sig);
	waitpid(pid, NULL, 0);
}

/* ---- the variants
 * --------------------------------------------------------------------------------------- */

struct attached {
	struct empty_bpf *empty;
	struct pf_capture *podfit;
	pid_t runqlat;
};

static pid_t start_runqlat(void)
{
	struct bench_runs runs;
	pid_t pid = fork();

	if (!pid) {
		int null = open("/dev/null", O_RDWR);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(null, 1);
		dup2(null, 2);
		execl("/usr/sbin/runqlat", "runqlat", "3600", (char *)NULL);
		_exit(127);
	}
	/* It is attached a moment after its programs are there. */
	for (int tries = 0; tries < 200; tries++) {
		if (waitpid(pid, NULL, WNOHANG) == pid)
			kt_skip("runqlat does not run: tools/deps.sh bench");
		if (bench_runs_of(pid, "sched_switch", &runs) >= 3 && runs.switch_runs)
			return pid;
		kt_sleep_ms(20);
	}
	end_process(pid, SIGKILL);
	kt_fail("runqlat shows no programs");
}

static void attach(enum variant v, struct attached *a)
{
	*a = (struct attached){ 0 };
	switch (v) {
	case EMPTY:
		a->empty = empty_bpf__open_and_load();
		if (!a->empty || empty_bpf__attach(a->empty) < 0)
			kt_skip("an empty program cannot be attached");
		break;
	case RUNQLAT:
		a->runqlat = start_runqlat();
		break;
	default:
		a->podfit = bench_open(16);
		if (bench_nr_alive() != 2)
			kt_fail("%u containers tracked, not 2", bench_nr_alive());
		break;
	}
}

static void detach(struct attached *a)
{
	empty_bpf__destroy(a->empty);
	end_process(a->runqlat, SIGTERM);
	if (a->podfit)
		bench_ops->close(a->podfit);
}

static void read_runs(enum variant v, const struct attached *a, struct bench_runs *ret_runs)
{
	static const char *const names[] = { "bench_empty", "sched_switch", "pf_switch" };

	if (bench_runs_of(v == RUNQLAT ? a->runqlat : getpid(), names[v], ret_runs) <= 0)
		kt_fail("%s: no program found", variant_names[v]);
}

static void measure(enum variant v, int round, struct result *result)
{
	struct attached a;
	struct bench_runs before, after;
	uint64_t start_ns;

	attach(v, &a);
	kt_sleep_ms(WARM_MS);
	read_runs(v, &a, &before);
	start_ns = kt_now_ns();
	kt_sleep_ms(ROUND_MS);
	read_runs(v, &a, &after);

	double switches = (double)(after.switch_runs - before.switch_runs);

	if (switches < 100)
		kt_fail("%s: only %.0f switches", variant_names[v], switches);
	result->ns[v][round] = (double)(after.all_ns - before.all_ns) / switches;
	result->runs[v][round] = (double)(after.all_runs - before.all_runs) / switches;
	result->switches_per_s = switches / ((double)(kt_now_ns() - start_ns) / 1e9);
	detach(&a);
}

/* Without what the statistics cost by themselves, which an empty program shows, once per run. */
static double net(struct result *r, enum variant v, int round)
{
	return r->ns[v][round] - r->runs[v][round] * r->ns[EMPTY][round];
}

static void print(const char *name, struct result *r, double goal)
{
	double nets[NR_VARIANTS][ROUNDS], ratio[ROUNDS], cost[NR_VARIANTS];

	printf("%s: %.0f switches a second, %d rounds\n", name, r->switches_per_s, ROUNDS);
	printf("  %-28s %8s %8s %8s %14s\n", "", "min", "median", "net", "runs a switch");
	for (int v = 0; v < NR_VARIANTS; v++) {
		for (int i = 0; i < ROUNDS; i++)
			nets[v][i] = net(r, v, i);
		cost[v] = bench_median(nets[v], ROUNDS);
	}
	for (int i = 0; i < ROUNDS; i++)
		ratio[i] = net(r, RUNQLAT, i) / PF_MAX(net(r, PODFIT, i), 0.1);
	for (int v = 0; v < NR_VARIANTS; v++)
		printf("  %-28s %8.1f %8.1f %8.1f %14.2f\n", variant_names[v],
		       bench_least(r->ns[v], ROUNDS), bench_median(r->ns[v], ROUNDS),
		       v == EMPTY ? 0 : cost[v], bench_median(r->runs[v], ROUNDS));
	printf("  net of medians: runqlat / podfit = %.1f\n",
	       cost[RUNQLAT] / PF_MAX(cost[PODFIT], 0.1));
	bench_goal("  runqlat / podfit, median of the rounds", bench_median(ratio, ROUNDS), "x",
		   goal, 1);
}

static void run(const char *name, const struct kt_cg cgs[2], size_t walk, double goal)
{
	struct result result = { 0 };
	pid_t pids[2];

	start_load(cgs, walk, pids);
	kt_sleep_ms(100);
	for (int round = 0; round < ROUNDS; round++)
		for (int v = 0; v < NR_VARIANTS; v++)
			measure(v, round, &result);
	end_process(pids[0], SIGKILL);
	end_process(pids[1], SIGKILL);
	print(name, &result, goal);
}

int bench_switch(void)
{
	PF_AUTO(pf_closep) int stats = bench_stats_on();
	struct kt_cg cgs[2];

	kt_cg_new(&cgs[0], "a");
	kt_cg_new(&cgs[1], "b");
	puts("== cost per context switch, ns (kernel's run-time statistics)");
	run("hot", cgs, 0, 12);
	run("cold", cgs, WALK_BYTES, 5);
	return 0;
}
