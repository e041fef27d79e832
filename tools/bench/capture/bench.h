/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench.h - parts of the capture benchmarks.
 *
 * Costs of BPF programs are the kernel's own run-time statistics. Every figure that is compared
 * with another is measured in the same run, in rounds that take turns, and given as a median.
 */
#ifndef PF_BENCH_CAPTURE_BENCH_H
#define PF_BENCH_CAPTURE_BENCH_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "capture/source.h"

/* Run time and number of runs of a set of programs. */
struct bench_runs {
	uint64_t switch_ns, switch_runs; /* of the program that runs once a switch */
	uint64_t all_ns, all_runs;	 /* of all of them */
};

/** bench_runs_of() - of the BPF programs that process @pid holds; @switch_name: begin of the name of
 * the one at sched_switch. Return: number of programs found. */
int bench_runs_of(pid_t pid, const char *switch_name, struct bench_runs *ret_runs);

/** bench_program_ns() - run time and runs of the caller's program of that name. Return: 0; -ENOENT. */
int bench_program_ns(const char *name, uint64_t *ret_ns, uint64_t *ret_runs);

/** bench_stats_on() - the kernel's statistics are on while the descriptor is open. */
int bench_stats_on(void);

double bench_median(double *values, size_t n); /* sorts them */
double bench_least(const double *values, size_t n);
uint64_t bench_thread_cpu_ns(void);

/** bench_open() - podfit's BPF source, for containers directly below kt_cg_root(). Ends the program
 * with a message if it cannot be. */
struct pf_capture *bench_open(uint32_t max_containers);
extern const struct pf_capture_ops *bench_ops; /* of it */
unsigned bench_nr_alive(void);		       /* containers it tracks */
struct kt_cg;
uint64_t bench_handle(const struct kt_cg *cg); /* one of the first 8 it found */

/** bench_goal() - prints "name: value (goal ...: met|missed)". @more: larger is better. */
void bench_goal(const char *name, double value, const char *unit, double goal, int more);

int bench_switch(void);
int bench_sampler(void);
int bench_snapshot(void);
int bench_growth(void);
int bench_agent(const char *agent);

#endif
