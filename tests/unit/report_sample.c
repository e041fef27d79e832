// SPDX-License-Identifier: Apache-2.0
#include "unit/report_sample.h"

#include <math.h>
#include <string.h>

#define T0 1790000000000000000ull

/* Fills all 64-bit numbers from @first to @last (addresses of members) with distinct values. */
static void number(uint64_t *first, uint64_t *last, uint64_t from)
{
	for (uint64_t *p = first; p <= last; p++)
		*p = from + (uint64_t)(p - first) * 1001;
}

static uint32_t usage[PF_MILLICORES_BUCKETS], demand[PF_MILLICORES_BUCKETS];
static uint32_t limits[PF_NR_LIMIT_COUNTS][PF_LIMITS];
static uint32_t startup[PF_MILLICORES_BUCKETS], wait[PF_LATENCY_BUCKETS];
static uint32_t no_wait[PF_LATENCY_BUCKETS];
static double weights[PF_SLICE_VPA_BUCKETS];

static const struct pf_slice *slice_sample(void)
{
	static struct pf_slice slice;

	pf_slice_clear(&slice);
	slice.hour = 497222;
	slice.run_id = 0xfedcba9876543210;
	slice.sequence = 17;
	slice.start_unix_ns = T0;
	slice.covered_ns = 600 * PF_NS_PER_S;
	number(&slice.usage_ns, &slice.cfs_burst_us, 100);
	slice.nr_quota_changes = 2;
	number(&slice.max_threads, &slice.psi.io_full_ns, 50000);
	number(&slice.memory_peak_bytes, &slice.working_set_peak_bytes, 1 << 20);
	slice.memory_mean_bytes = 1.5e9;
	slice.hot_mean_bytes = 1.25e9;
	slice.working_set_mean_bytes = 1e9 / 3;
	number(&slice.hot_floor_bytes, &slice.restarts, 1 << 22);
	usage[0] = 1;
	usage[271] = 4000000000u;
	demand[17] = 3;
	demand[18] = 4;
	startup[5] = 6;
	wait[0] = wait[115] = 9;
	slice.hists[PF_HIST_USAGE] = usage;
	slice.hists[PF_HIST_DEMAND] = demand;
	slice.hists[PF_HIST_QUOTA_WAIT] = wait;
	slice.hists[PF_HIST_CONTENTION_WAIT] = no_wait; /* measured, and nothing seen */
	slice.hists[PF_HIST_THROTTLE_STALL] = wait;
	slice.hists[PF_HIST_RECLAIM_STALL] = wait;
	/* PF_HIST_BLOCK_IO: the signal is off */
	slice.startup_ns = 60 * PF_NS_PER_S;
	slice.startup_demand = startup;
	slice.nr_startup_idle_windows = 8;
	for (size_t i = 0; i < PF_NR_LIMIT_COUNTS; i++) {
		limits[i][33] = (uint32_t)(7 + i);
		slice.limits.counts[i] = limits[i];
	}
	number(&slice.limits.nr_windows, &slice.limits.nr_pairs, 60000);
	slice.nr_cpus = 8;
	weights[0] = 0.1;
	weights[100] = 0.1 * 1.0291;
	slice.vpa = (struct pf_slice_vpa){ .cpu_weight = weights,
					   .first_cpu_unix_ns = T0,
					   .last_cpu_unix_ns = T0 + 5,
					   .nr_cpu_samples = 10,
					   .peaks = { { T0 + 7, 1 << 30, false },
						      { T0 + 7, 1 << 29, true } },
					   .nr_peaks = 2 };
	return &slice;
}

static const struct pf_recommendation *recommendation_sample(void)
{
	static const struct pf_policy_result results[] = {
		{ "podfit", { 1, 2, 3, 4, PF_NO_LIMIT }, { 5, 6, 7, 8, PF_UNKNOWN }, 0.5, 11.5 },
		{ "vpa", { 10, 20, 30, 40, 50 }, { 50, 60, 70, 80, 90 }, 0.25, NAN },
	};
	static const struct pf_finding findings[] = {
		{ PF_VERDICT_CPU_THROTTLED, PF_ACTION_INCREASE_LIMITS, "throttled a lot", false },
		{ PF_VERDICT_IDLE, PF_ACTION_DECREASE_REQUESTS, "idle", true },
	};
	static const struct pf_curve_point curve[] = { { 500, 0.25, 1e8, PF_UNKNOWN },
						       { 1000, 0, 0, 20000 } };
	static const struct pf_runtime_advice runtime[] = { { "jvm", "-Xmx", "4g", "1600m",
							      "80 % of the limit" } };
	static const char *const steps[] = { "first", "second" };
	static struct pf_recommendation r;

	pf_recommendation_clear(&r);
	r.policy = "podfit";
	r.results = results;
	r.nr_results = 2;
	r.findings = findings;
	r.nr_findings = 2;
	r.curve = curve;
	r.nr_curve = 2;
	r.runtime = runtime;
	r.nr_runtime = 1;
	r.savings = (struct pf_savings){ true, -250, 1 << 28, 12.5, "EUR" };
	r.evidence.covered_hours = 7.25;
	r.evidence.nr_windows = 261000;
	r.evidence.demand_p99_millicores = 812.5;
	r.evidence.runq_p99_ns = 123456;
	r.evidence.nr_instances = 3;
	r.workload_class = "api";
	r.starting_advice = true;
	r.steps = steps;
	r.nr_steps = 2;
	return &r;
}

static const struct pf_leak_finding *leak_sample(void)
{
	static const struct pf_growth_process processes[] = { { 42, "leaky", 1 << 26, 3.5e6, 612, 1,
								1 << 20 } };
	static const struct pf_stack_frame frames[] = {
		{ 0x401234, "grow", "/app", "abcdef", 0x34 },
		{ 0x7f0000001000, NULL, NULL, NULL, PF_UNKNOWN },
	};
	static const struct pf_growth_trace stacks[] = { { 42, "leaky", 0.75, frames, 2 } };
	static struct pf_leak_finding leak;

	pf_leak_finding_clear(&leak);
	leak.state = PF_LEAK_ALARM;
	leak.severity = PF_SEVERITY_WARNING;
	leak.since_unix_ns = T0 - 1;
	leak.first_alarm_unix_ns = T0;
	leak.slope_bytes_per_hour = 3e6;
	leak.slope_low = 2e6;
	leak.slope_high = 4e6;
	leak.eta_unix_ns = T0 + 100;
	leak.effective_limit_bytes = 1 << 28;
	leak.effective_limit_of = "container";
	leak.kind = PF_KIND_ANON;
	leak.kind_share = 0.97;
	leak.now_bytes = 1 << 27;
	leak.test = "5m";
	leak.processes = processes;
	leak.nr_processes = 1;
	leak.stacks = stacks;
	leak.nr_stacks = 1;
	leak.stacks_note = "sampled";
	leak.baseline_alarm = true;
	leak.nr_restarts = 1;
	return &leak;
}

static const struct pf_identity *identity_sample(void)
{
	static struct pf_label labels[] = { { (char *)"app", (char *)"shop" } };
	static struct pf_identity id = {
		.namespace_name = "shop",
		.pod = "cart-6d4cf56db6-x2x7k",
		.pod_uid = "11111111-2222-3333-4444-555555555555",
		.container = "cart",
		.container_id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
		.type = PF_CONTAINER_SIDECAR,
		.workload_kind = PF_WORKLOAD_STATEFUL_SET,
		.workload = "cart",
		.image = "example.invalid/cart:1",
		.qos = PF_QOS_BURSTABLE,
		.restart_count = 4,
		.named = true,
		.hpa_known = true,
		.hpa_on_memory = true,
		.spec = { 100, 200, 300, PF_NO_LIMIT },
		.actual = { PF_UNKNOWN, PF_UNKNOWN, PF_UNKNOWN, PF_UNKNOWN },
		.pod_level = { PF_NO_LIMIT, PF_NO_LIMIT, PF_NO_LIMIT, PF_NO_LIMIT },
		.started_unix_s = 1789990000,
		.labels = labels,
		.nr_labels = 1,
	};

	return &id;
}

const struct pf_report *report_sample(void)
{
	static const struct pf_report_signal signals[] = { { "cpu_windows", true, "" },
							   { "psi", false, "psi=0" } };
	static const struct pf_loss losses[] = { { "slots_full", 3 } };
	static const struct pf_label node_labels[] = { { (char *)"zone", (char *)"a" } };
	static struct pf_report_container containers[2];
	static const struct pf_slice *slices[1];
	static struct pf_report_oom oom;
	static struct pf_report report;

	pf_report_clear(&report);
	report.cluster = "test";
	report.node = "node-1";
	report.boot_id = "2f0c1d1e-0000-0000-0000-000000000001";
	report.run_id = 0xfedcba9876543210;
	report.sequence = 5;
	report.agent_version = "0.1.0";
	report.kernel_release = "6.12.1";
	report.start_unix_ns = T0 - 60 * PF_NS_PER_S;
	report.end_unix_ns = T0;
	report.nr_cpus = 8;
	report.memory_total_bytes = 16ull << 30;
	report.capture_source = "bpf";
	report.cgroup_layout = "v2";
	report.meta_source = "none";
	report.time_scale = 60;
	report.last = true;
	report.signals = signals;
	report.nr_signals = 2;
	report.losses = losses;
	report.nr_losses = 1;
	report.node_labels = node_labels;
	report.nr_node_labels = 1;
	report.cost = (struct pf_self_cost){ 1, 2, 3, 4, 5, true, 0.25 };
	report.cost_wall_ns = 60 * PF_NS_PER_S;

	slices[0] = slice_sample();
	for (size_t i = 0; i < 2; i++)
		pf_report_container_clear(&containers[i]);
	containers[0].identity = containers[1].identity = identity_sample();
	containers[0].cgroup_path = "/kubepods/burstable/pod1/c1";
	containers[0].runtime = "containerd";
	containers[0].instance = "c1";
	containers[0].first_seen_unix_ns = T0 - 1000;
	containers[0].enforced =
		(struct pf_enforced){ 20000,	  100000,      0,	   79,
				      1ull << 30, PF_NO_LIMIT, PF_UNKNOWN, "limit is lower" };
	number(&containers[0].now.interval_ns, &containers[0].now.nr_threads, 1 << 10);
	containers[0].now.hot_trend_bytes_per_hour = -2.5e6;
	containers[0].now.demand_peak_millicores = 1999;
	containers[0].now.oom_kills = 1;
	containers[0].slices = slices;
	containers[0].nr_slices = 1;
	containers[0].recommendation = recommendation_sample();
	containers[0].leak = leak_sample();
	containers[0].runtime_kind = "jvm";
	containers[0].executable = "java";
	containers[1].instance = "c2"; /* nothing known of it */
	report.containers = containers;
	report.nr_containers = 2;

	pf_report_oom_clear(&oom);
	oom.kill_id = 9;
	oom.at_unix_ns = T0 - 5;
	oom.container = "cart";
	oom.workload_kind = PF_WORKLOAD_CRON_JOB;
	oom.pid = 4242;
	oom.comm = "java";
	oom.usage_bytes = 1 << 30;
	oom.victim_shmem_bytes = 4096;
	oom.growth_bytes_per_second = 1e6;
	oom.overshoot_bytes = 30000000;
	report.oom_kills = &oom;
	report.nr_oom_kills = 1;
	return &report;
}
