// SPDX-License-Identifier: Apache-2.0
/* Sample pages of nodes: the table, a comparison, and reports as single files. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/units.h"
#include "report/page_compare.h"
#include "report/page_nodes.h"
#include "report/page_report.h"
#include "unit/page_sample.h"
#include "unit/report_sample.h"

static struct pf_html_page page_of(const char *title)
{
	return (struct pf_html_page){
		.title = title, .cluster = "prod-eu", .version = "0.1.0", .at_unix_ns = SAMPLE_NOW
	};
}

/* ---- nodes ---- */

int sample_nodes(struct pf_buf *buf, bool hostile)
{
	static char names[20][24];
	struct pf_view_node nodes[20];
	const struct pf_html_param params[] = { { "sort", "name" } };
	struct pf_view_nodes view = {
		.page = page_of("Nodes"),
		.query = { "/nodes", params, 1, NULL },
		.nodes = nodes,
		.nr_nodes = 20,
		.nr_matching = 5000,
		.nr_silent = 18,
		.nr_clocks_off = 2,
		.page_number = 1,
		.per_page = 20,
	};

	for (size_t i = 0; i < 20; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "node-%04zu", i);
		nodes[i] = (struct pf_view_node){
			.cluster = "prod-eu",
			.name = hostile ? sample_hostile : names[i],
			.heard_unix_ns = SAMPLE_NOW - (i == 4 ? 754 : 3 + i) * PF_NS_PER_S,
			.silent = i == 4,
			.stopped = i == 9,
			.skew_ms = i == 2   ? 3 * 3600 * 1000
				   : i == 3 ? -200000
					    : 900,
			.agent_version = "0.1.0",
			.kernel_release = i % 5 ? "6.12.33" : "6.1.0-37-amd64",
			.capture_source = i == 7 ? "cgroupfs" : "bpf",
			.cgroup_layout = "v2",
			.meta_source = "apiserver",
			.nr_containers = 80 + i,
			.cpu_allocatable_millicores = 63000,
			.cpu_requested_millicores = 41000 + 500 * i,
			.cpu_used_millicores = 14000 + 1900 * i,
			.memory_allocatable_bytes = 251 * PF_GIB,
			.memory_requested_bytes = (180 + i) * PF_GIB,
			.memory_used_bytes = i == 7 ? PF_UNKNOWN : (90 + 4 * i) * PF_GIB,
			.agent_cpu_ratio = i == 9 ? NAN : 0.0031 + 0.0002 * (double)i,
			.agent_bytes = 31 * PF_MIB,
			.thinning = i == 3 ? 0.25 : 1,
			.nr_lost = i == 3 ? 1204 : 0,
			.lost_reasons = hostile ? sample_hostile : "slots_full",
			.signals_off =
				hostile ? sample_hostile
				: i == 7
					? "cpu_windows, runq_latency: the agent may not load BPF programs"
					: NULL,
		};
	}
	pf_view_nav(&view.page, PF_PAGE_NODES);
	return pf_page_nodes(buf, &view);
}

/* ---- a comparison ---- */

int sample_compare(struct pf_buf *buf, bool asked)
{
	static const char *const reasons[] = {
		"Run-queue and stall latency p95 is 0.64 s higher: above 0.5 s.",
		"2 OOM kills in the canary, none in stable.",
	};
	static const struct pf_view_compared rows[] = {
		{ "Run-queue and stall latency, p95", PF_QUANTITY_NS, 1.2e7, 6.5e8, 5.8e8, 6.9e8,
		  3.1, PF_TONE_BAD, "HIGH", "above 0.5 s" },
		{ "Periods throttled", PF_QUANTITY_RATIO, 0.004, 0.19, 0.17, 0.21, 2.2,
		  PF_TONE_WARN, "MEDIUM", NULL },
		{ "CPU", PF_QUANTITY_MILLICORES, 212, 238, 3, 49, 0.4, PF_TONE_GOOD, "PASS", NULL },
		{ "Hot memory", PF_QUANTITY_BYTES, 2e8, 2.6e8, 4.1e7, 7.9e7, 1.1, PF_TONE_GOOD,
		  "PASS", NULL },
		{ "Throughput", PF_QUANTITY_COUNT, NAN, NAN, NAN, NAN, NAN, PF_TONE_PLAIN,
		  "not measured", "podfit sees no requests; give a Prometheus query for it" },
	};
	const struct pf_html_param params[] = { { "stable", "label:track=stable" },
						{ "canary", "label:track=canary" },
						{ "mode", "baseline" } };
	struct pf_view_compare view = {
		.page = page_of("Compare"),
		.query = { "/compare", params, asked ? 3 : 0, NULL },
		.asked = asked,
		.verdict = "ROLLBACK",
		.tone = PF_TONE_BAD,
		.confidence = "HIGH",
		.reasons = reasons,
		.nr_reasons = 2,
		.from_unix_ns = SAMPLE_NOW - PF_NS_PER_HOUR,
		.to_unix_ns = SAMPLE_NOW,
		.nr_hours = 2,
		.nr_hours_left_out = 1,
		.nr_stable = 12,
		.nr_canary = 2,
		.rows = rows,
		.nr_rows = PF_ARRAY_SIZE(rows),
	};

	pf_view_nav(&view.page, PF_PAGE_COMPARE);
	return pf_page_compare(buf, &view);
}

/* ---- reports as single files ---- */

enum { DEMO = 4, LEAKY = 1 };

static struct pf_identity ids[DEMO];
static struct pf_slice slices[DEMO];
static const struct pf_slice *slice_of[DEMO];
static uint32_t demand[DEMO][PF_MILLICORES_BUCKETS], wait[DEMO][PF_LATENCY_BUCKETS],
	contention[DEMO][PF_LATENCY_BUCKETS];
static struct pf_recommendation recs[DEMO];
static struct pf_policy_result results[DEMO][2];
static struct pf_finding findings[DEMO][2];
static struct pf_leak_finding leak;

static void demo_slice(size_t i, uint64_t usage_ns, double throttled)
{
	struct pf_slice *s = &slices[i];

	pf_slice_clear(s);
	s->hour = (uint32_t)(SAMPLE_NOW / PF_NS_PER_HOUR);
	s->start_unix_ns = SAMPLE_NOW - 15 * PF_NS_PER_S;
	s->covered_ns = 15 * PF_NS_PER_S;
	s->usage_ns = usage_ns;
	s->nr_periods = 150;
	s->nr_throttled = (uint64_t)(150 * throttled);
	s->nr_demand_idle_windows = i == 2 ? 148 : 4;
	s->demand_peak_millicores = 900;
	s->quota_wait_ns = (uint64_t)(throttled * 4e9);
	s->contention_wait_ns = 120 * PF_NS_PER_MS;
	s->memory_peak_bytes = (60 + 90 * i) * PF_MIB;
	s->hot_peak_bytes = (48 + 80 * i) * PF_MIB;
	s->hot_mean_bytes = (double)s->hot_peak_bytes;
	s->memory_end.anon = s->hot_peak_bytes;
	memset(demand[i], 0, sizeof(demand[i]));
	memset(wait[i], 0, sizeof(wait[i]));
	memset(contention[i], 0, sizeof(contention[i]));
	for (size_t b = 0; b < 12; b++)
		demand[i][pf_hist_bucket(PF_LAYOUT_MILLICORES,
					 20 + usage_ns / PF_NS_PER_S * 60 + b * 9)] += 9;
	wait[i][pf_hist_bucket(PF_LAYOUT_LATENCY_NS, 47000000)] = (uint32_t)(throttled * 90);
	contention[i][pf_hist_bucket(PF_LAYOUT_LATENCY_NS, 21000)] = 5000;
	s->hists[PF_HIST_DEMAND] = demand[i];
	s->hists[PF_HIST_QUOTA_WAIT] = wait[i];
	s->hists[PF_HIST_CONTENTION_WAIT] = contention[i];
	slice_of[i] = s;
}

static void demo_advice(size_t i, enum pf_verdict verdict, const char *sentence, uint64_t cpu,
			uint64_t limit)
{
	struct pf_recommendation *rec = &recs[i];

	pf_recommendation_clear(rec);
	for (size_t p = 0; p < 2; p++) {
		pf_amounts_clear(&results[i][p].cpu);
		pf_amounts_clear(&results[i][p].memory);
		results[i][p].policy = p ? "vpa" : "podfit";
		results[i][p].cpu.target = cpu + 10 * p;
		results[i][p].cpu.limit = p ? PF_UNKNOWN : limit;
		results[i][p].memory.target = slices[i].hot_peak_bytes * (p ? 3 : 5) / 4;
		results[i][p].confidence = 0.0002;
		results[i][p].hours_more = 23.9;
	}
	findings[i][0] = (struct pf_finding){ verdict, PF_ACTION_INCREASE_LIMITS, sentence, false };
	findings[i][1] =
		(struct pf_finding){ PF_VERDICT_SHORT_HISTORY, PF_ACTION_NONE,
				     "15 s were measured; 24 h are needed to trust this.", false };
	rec->policy = "podfit";
	rec->results = results[i];
	rec->nr_results = 2;
	rec->findings = findings[i];
	rec->nr_findings = 2;
	rec->evidence.covered_hours = 15.0 / 3600;
	rec->evidence.usage_mean_millicores = (double)slices[i].usage_ns / 15e6;
}

static void demo_leak(void)
{
	pf_leak_finding_clear(&leak);
	leak.state = PF_LEAK_ALARM;
	leak.severity = PF_SEVERITY_CRITICAL;
	leak.since_unix_ns = SAMPLE_NOW - 12 * PF_NS_PER_S;
	leak.slope_bytes_per_hour = 20.0 * PF_GIB;
	leak.slope_low = 18.0 * PF_GIB;
	leak.slope_high = 22.0 * PF_GIB;
	leak.eta_unix_ns = SAMPLE_NOW + 21 * PF_NS_PER_S;
	leak.eta_low_unix_ns = SAMPLE_NOW + 18 * PF_NS_PER_S;
	leak.eta_high_unix_ns = SAMPLE_NOW + 25 * PF_NS_PER_S;
	leak.effective_limit_bytes = 256 * PF_MIB;
	leak.kind = PF_KIND_ANON;
	leak.kind_share = 0.99;
	leak.pre_leak_bytes = 60 * PF_MIB;
	leak.now_bytes = 128 * PF_MIB;
	leak.test = "window 15s";
}

int sample_report(struct pf_buf *buf)
{
	static const char *const names[DEMO] = { "throttled", "leaky", "idle", "noisy" };
	static const struct pf_report_signal signals[] = {
		{ "cpu_windows", true, "" },
		{ "runq_latency", true, "" },
		{ "block_io", false, "the block tracepoints are not in this kernel" },
	};
	static const struct pf_loss losses[] = { { "slots_full", 3 } };
	struct pf_report_container containers[DEMO];
	struct pf_report report;

	pf_report_clear(&report);
	for (size_t i = 0; i < DEMO; i++) {
		memset(&ids[i], 0, sizeof(ids[i]));
		ids[i].workload_kind = PF_WORKLOAD_CGROUP;
		(void)snprintf(ids[i].workload, sizeof(ids[i].workload), "%s", names[i]);
		ids[i].spec =
			(struct pf_resources){ PF_UNKNOWN, PF_UNKNOWN, PF_UNKNOWN, PF_UNKNOWN };
		demo_slice(i, (uint64_t)(3e9 / (double)(i * i + 1)), i ? 0 : 0.62);
		pf_report_container_clear(&containers[i]);
		containers[i].identity = &ids[i];
		containers[i].cgroup_path = names[i];
		containers[i].enforced.cfs_quota_us = i ? PF_NO_LIMIT : 20000;
		containers[i].enforced.cfs_period_us = 100000;
		containers[i].enforced.memory_limit_bytes = 256 * PF_MIB;
		containers[i].slices = &slice_of[i];
		containers[i].nr_slices = 1;
		containers[i].recommendation = &recs[i];
	}
	demo_leak();
	demo_advice(0, PF_VERDICT_CPU_THROTTLED, "62 % of CFS periods were throttled.", 240, 800);
	demo_advice(LEAKY, PF_VERDICT_MEMORY_LEAK, "It leaks 20 GiB/h.", 110, PF_UNKNOWN);
	demo_advice(2, PF_VERDICT_IDLE, "It did next to nothing.", 10, PF_UNKNOWN);
	demo_advice(3, PF_VERDICT_NOISY_NEIGHBOUR, "It waits for others.", 30, PF_UNKNOWN);
	containers[LEAKY].leak = &leak;
	report.node = "demo-node";
	report.agent_version = "0.1.0";
	report.kernel_release = "6.1.0-37-amd64";
	report.cgroup_layout = "v2";
	report.capture_source = "bpf";
	report.nr_cpus = 2;
	report.memory_total_bytes = 8 * PF_GIB;
	report.end_unix_ns = SAMPLE_NOW;
	report.start_unix_ns = SAMPLE_NOW - 15 * PF_NS_PER_S;
	report.containers = containers;
	report.nr_containers = DEMO;
	report.signals = signals;
	report.nr_signals = PF_ARRAY_SIZE(signals);
	report.losses = losses;
	report.nr_losses = 1;
	report.cost.agent_cpu_ns = 41 * PF_NS_PER_MS;
	report.cost.bpf_run_ns = 12 * PF_NS_PER_MS;
	report.cost.resident_bytes = 12 * PF_MIB;
	report.cost_wall_ns = 15 * PF_NS_PER_S;
	return pf_report_html(buf, &report);
}

int sample_report_full(struct pf_buf *buf)
{
	return pf_report_html(buf, report_sample());
}

int sample_report_empty(struct pf_buf *buf)
{
	struct pf_report report;

	pf_report_clear(&report);
	return pf_report_html(buf, &report);
}
