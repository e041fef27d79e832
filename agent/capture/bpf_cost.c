// SPDX-License-Identifier: Apache-2.0
/*
 * bpf_cost.c - what the BPF programs cost.
 *
 * The kernel's run-time statistics are exact but cost some 30-50 ns per run of every program on the machine, and need a
 * right that is dropped after the start. So they are switched on for the first seconds, while the right is there; from
 * then on the switch hook is estimated as context switches of the node x its measured time per run, and the window pass
 * times itself in the kernel.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/bpf_private.h"
#include "capture/cgroup_parse.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/log.h"

#define MEASURE_NS    (10 * PF_NS_PER_S)
#define MEASURE_RUNS  1000  /* of the switch hook: fewer say nothing about its cost */
#define PROC_STAT_MAX 65536 /* the line of interrupts is long; the one looked for is behind it */
#define PAUSED_RUN_NS 30    /* a run of the hook while it is paused: entry and exit */
/* Where statistics were never allowed: hook and their own cost, as measured elsewhere. */
#define DEFAULT_RUN_NS 60

struct pf_cost_meter {
	int stats_fd;	  /* statistics are on while it is open; -1 */
	int proc_stat_fd; /* kept open: the mount may be out of reach later */
	uint64_t started_ns;
	/* Until the statistics were switched off: all programs. */
	uint64_t measured_ns, measured_runs;
	double switch_run_ns;
	/* From then on. */
	uint64_t switches_at_end, window_ns_at_end;
	bool measured; /* switch_run_ns comes from this machine */
	/* Of the last look of the budget. */
	uint64_t budget_at_ns, budget_switches, budget_window_ns;
	uint64_t paused_switches; /* of the node, while the hook was paused; estimated */
};

/* Run time and count of one program since its load. */
static void program_time(const struct bpf_program *program, uint64_t *ret_ns, uint64_t *ret_runs)
{
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);

	*ret_ns = *ret_runs = 0;
	if (bpf_program__fd(program) < 0 ||
	    bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &len) < 0)
		return;
	*ret_ns = info.run_time_ns;
	*ret_runs = info.run_cnt;
}

/* Context switches of the node since boot. */
static int node_switches(struct pf_cost_meter *m, uint64_t *ret_switches)
{
	PF_AUTO(pf_freep) char *text = malloc(PROC_STAT_MAX);
	ssize_t len;

	if (!text)
		return -ENOMEM;
	len = pf_file_read_small(&pf_sys_real, m->proc_stat_fd, text, PROC_STAT_MAX);
	return len < 0 ? (int)len : pf_cgroup_parse_key(text, "ctxt", ret_switches);
}

int pf_bpf_cost_new(const struct pf_capture *c, struct pf_cost_meter **ret_meter)
{
	struct pf_cost_meter *m = calloc(1, sizeof(*m));
	char path[PATH_MAX];

	if (!m)
		return -ENOMEM;
	snprintf(path, sizeof(path), "%s/stat", c->opts.proc_root);
	m->stats_fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
	m->proc_stat_fd = open(path, O_RDONLY | O_CLOEXEC);
	m->started_ns = pf_clock_monotonic_ns();
	m->switch_run_ns = DEFAULT_RUN_NS;
	if (m->stats_fd < 0) {
		m->stats_fd = -1;
		(void)node_switches(
			m,
			&m->switches_at_end); /* 0: then it is counted since boot, too much, not too little */
	}
	*ret_meter = m;
	return 0;
}

void pf_bpf_cost_free(struct pf_cost_meter *m)
{
	if (!m)
		return;
	if (m->stats_fd >= 0)
		(void)close(m->stats_fd); /* switches the statistics off */
	if (m->proc_stat_fd >= 0)
		(void)close(m->proc_stat_fd); /* read only */
	free(m);
}

static void end_measuring(struct pf_capture *c)
{
	struct pf_cost_meter *m = c->cost;
	uint64_t ns, runs;

	program_time(c->bpf->progs.pf_switch, &ns, &runs);
	if (runs >= MEASURE_RUNS) {
		m->switch_run_ns = (double)ns / (double)runs;
		m->measured = true;
	}
	(void)node_switches(m, &m->switches_at_end); /* see pf_bpf_cost_new() */
	m->window_ns_at_end = c->bpf->bss->pf_window_pass_ns;
	(void)close(m->stats_fd); /* switches the statistics off */
	m->stats_fd = -1;
}

void pf_bpf_cost_read(struct pf_capture *c, struct pf_self_cost *cost)
{
	struct pf_cost_meter *m = c->cost;
	uint64_t now = pf_clock_monotonic_ns(), switches;
	struct bpf_program *program;

	if (m->stats_fd >= 0) {
		m->measured_ns = m->measured_runs = 0;
		bpf_object__for_each_program(program, c->bpf->obj)
		{
			uint64_t ns, runs;

			if (bpf_program__type(program) == BPF_PROG_TYPE_SYSCALL ||
			    bpf_program__type(program) == BPF_PROG_TYPE_RAW_TRACEPOINT)
				continue; /* runs in our own process time */
			program_time(program, &ns, &runs);
			m->measured_ns += ns;
			m->measured_runs += runs;
		}
		/* The timer's callback is no program of its own to the statistics. */
		m->measured_ns += c->bpf->bss->pf_window_pass_ns;
		if (now - m->started_ns > MEASURE_NS)
			end_measuring(c);
	}
	cost->map_bytes = pf_bpf_map_bytes(c->bpf);
	if (c->signals[PF_SIGNAL_RUNQ_LATENCY].on)
		cost->thinning = (double)c->bpf->data->pf_control.thin_on / PF_THIN_TICKS;
	cost->bpf_run_ns = m->measured_ns;
	cost->bpf_run_count = m->measured_runs;
	cost->bpf_sampled = m->stats_fd < 0;
	if (m->stats_fd >= 0 || node_switches(m, &switches) < 0 || switches < m->switches_at_end)
		return;
	switches -= m->switches_at_end;
	cost->bpf_run_ns += (uint64_t)((double)(switches - PF_MIN(switches, m->paused_switches)) *
				       m->switch_run_ns) +
			    m->paused_switches * PAUSED_RUN_NS +
			    (c->bpf->bss->pf_window_pass_ns - m->window_ns_at_end);
	cost->bpf_run_count += switches;
}

/* Run time of the hook as known by now. */
static double switch_run_ns(struct pf_capture *c)
{
	uint64_t ns, runs;

	program_time(c->bpf->progs.pf_switch, &ns, &runs);
	return !c->cost->measured && runs >= MEASURE_RUNS ? (double)ns / (double)runs
							  : c->cost->switch_run_ns;
}

uint32_t pf_cost_thin_on(double budget_ns, double pass_ns, double hook_ns)
{
	double share = budget_ns > pass_ns ? (budget_ns - pass_ns) / hook_ns : 0;

	if (!(hook_ns > 0) || share >= 1)
		return PF_THIN_TICKS;
	return (uint32_t)PF_MAX(share * PF_THIN_TICKS, 1);
}

void pf_bpf_cost_budget(struct pf_capture *c, uint64_t now_ns)
{
	struct pf_control *control = &c->bpf->data->pf_control;
	uint64_t switches, pass_ns = c->bpf->bss->pf_window_pass_ns;
	struct pf_cost_meter *m = c->cost;
	double interval_ns = (double)(now_ns - m->budget_at_ns), hook_ns, passes_ns;
	uint32_t on = PF_THIN_TICKS;

	if (c->opts.cpu_budget_ratio <= 0 || !c->signals[PF_SIGNAL_RUNQ_LATENCY].on ||
	    !c->signals[PF_SIGNAL_CPU_WINDOWS].on || node_switches(m, &switches) < 0)
		return;
	hook_ns = (double)(switches - m->budget_switches) * switch_run_ns(c);
	passes_ns = (double)(pass_ns - m->budget_window_ns);
	if (m->budget_at_ns) {
		on = pf_cost_thin_on(c->opts.cpu_budget_ratio * interval_ns, passes_ns, hook_ns);
		m->paused_switches += (switches - m->budget_switches) *
				      (PF_THIN_TICKS - control->thin_on) / PF_THIN_TICKS;
	}
	m->budget_at_ns = now_ns;
	m->budget_switches = switches;
	m->budget_window_ns = pass_ns;
	if (on == control->thin_on)
		return;
	control->thin_on = on;
	for (int i = PF_SIGNAL_RUNQ_LATENCY; i <= PF_SIGNAL_RUNQ_SPLIT; i++) {
		if (on < PF_THIN_TICKS)
			snprintf(c->signals[i].reason, sizeof(c->signals[i].reason),
				 "sampled %u/%u of the time, to stay within the CPU budget", on,
				 (unsigned)PF_THIN_TICKS);
		else
			c->signals[i].reason[0] = '\0';
	}
	pf_log(PF_LOG_WARNING, "capture",
	       "BPF programs cost %.2f %% of a CPU, the budget is %.2f %%: waits are sampled %u/%u of the time",
	       100 * (hook_ns + passes_ns) / interval_ns, 100 * c->opts.cpu_budget_ratio, on,
	       PF_THIN_TICKS);
}
