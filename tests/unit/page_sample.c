// SPDX-License-Identifier: Apache-2.0
#include "unit/page_sample.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/units.h"
#include "report/page_fleet.h"
#include "report/page_workload.h"

#define NOW SAMPLE_NOW

static const char *const names[NR_SAMPLES] = {
	[SAMPLE_FLEET] = "fleet",
	[SAMPLE_FLEET_EMPTY] = "fleet-empty",
	[SAMPLE_FLEET_HOSTILE] = "fleet-hostile",
	[SAMPLE_WORKLOAD_THROTTLED] = "workload-throttled",
	[SAMPLE_WORKLOAD_LEAK] = "workload-leak",
	[SAMPLE_WORKLOAD_UNKNOWN] = "workload-unknown",
	[SAMPLE_NODES] = "nodes",
	[SAMPLE_NODES_HOSTILE] = "nodes-hostile",
	[SAMPLE_COMPARE] = "compare",
	[SAMPLE_COMPARE_EMPTY] = "compare-empty",
	[SAMPLE_REPORT] = "report",
	[SAMPLE_REPORT_FULL] = "report-full",
	[SAMPLE_REPORT_EMPTY] = "report-empty",
};

const char *sample_name(enum sample_page which)
{
	return names[which];
}

static uint32_t seed;

static double dice(void) /* 0 to 1 */
{
	seed = seed * 1664525u + 1013904223u;
	return (double)(seed >> 8) / (double)(1 << 24);
}

static struct pf_html_page page_of(const char *title)
{
	struct pf_html_page page = {
		.title = title, .cluster = "prod-eu", .version = "0.1.0", .at_unix_ns = NOW
	};

	return page;
}

/* ---- advice ---- */

struct advice {
	struct pf_resources present;
	struct pf_policy_result results[2];
	struct pf_finding findings[4];
	struct pf_recommendation rec;
};

static void advise(struct advice *a, uint64_t cpu_now, uint64_t limit_now, uint64_t cpu,
		   uint64_t limit, uint64_t mem_now, uint64_t mem_limit_now, uint64_t mem,
		   uint64_t mem_limit)
{
	a->present = (struct pf_resources){ cpu_now, limit_now, mem_now, mem_limit_now };
	pf_recommendation_clear(&a->rec);
	for (size_t i = 0; i < 2; i++) {
		pf_amounts_clear(&a->results[i].cpu);
		pf_amounts_clear(&a->results[i].memory);
		a->results[i].confidence = 6.4;
		a->results[i].hours_more = NAN;
	}
	a->results[0].policy = "podfit";
	a->results[0].cpu = (struct pf_amounts){ cpu, cpu * 8 / 10, cpu * 14 / 10, cpu, limit };
	a->results[0].memory =
		(struct pf_amounts){ mem, mem * 9 / 10, mem * 13 / 10, mem, mem_limit };
	a->results[1].policy = "vpa";
	a->results[1].cpu =
		(struct pf_amounts){ cpu * 13 / 10, cpu, cpu * 3, cpu * 13 / 10, PF_UNKNOWN };
	a->results[1].memory =
		(struct pf_amounts){ mem * 12 / 10, mem, mem * 2, mem * 12 / 10, PF_UNKNOWN };
	a->rec.policy = "podfit";
	a->rec.results = a->results;
	a->rec.nr_results = 2;
	a->rec.findings = a->findings;
	a->rec.evidence.covered_hours = 168;
}

static void find(struct advice *a, enum pf_verdict verdict, enum pf_action action,
		 const char *sentence)
{
	a->findings[a->rec.nr_findings++] =
		(struct pf_finding){ .verdict = verdict, .action = action, .sentence = sentence };
}

static void save(struct advice *a, int64_t cpu, int64_t memory)
{
	a->rec.savings = (struct pf_savings){ .known = true,
					      .cpu_millicores = cpu,
					      .memory_bytes = memory,
					      .money_per_month = (double)cpu * 0.021 +
								 (double)memory / PF_GIB * 2.4,
					      .currency = "EUR" };
}

/* ---- the workload that its quota throttles ---- */

enum { HOURS = 7 * 24 };

static struct pf_view_hour hours[HOURS];
static float hist_demand[PF_MILLICORES_BUCKETS], hist_quota[PF_LATENCY_BUCKETS],
	hist_contention[PF_LATENCY_BUCKETS], hist_stall[PF_LATENCY_BUCKETS];
static struct pf_curve_point curve[28];
static struct pf_view_instance instances[6];

static void clear_hour(struct pf_view_hour *hour, size_t i)
{
	memset(hour, 0xff, sizeof(*hour)); /* every count unknown; the doubles NaN */
	hour->length_ns = PF_NS_PER_HOUR;
	hour->start_unix_ns = NOW - NOW % PF_NS_PER_HOUR - (HOURS - i) * PF_NS_PER_HOUR;
}

static void fill(float *counts, enum pf_hist_layout layout, double middle, double spread,
		 double total)
{
	for (size_t i = 0; i < pf_hist_nr_buckets(layout); i++) {
		double low = i ? (double)pf_hist_edge(layout, i - 1) : 0.5;
		double high = (double)pf_hist_edge(layout, i);
		double at = log(sqrt(low * high) / middle) / spread;

		counts[i] += (float)(total * exp(-at * at / 2) * log(high / low) / spread / 2.5);
	}
}

static void throttled_history(void)
{
	for (size_t i = 0; i < HOURS; i++) {
		struct pf_view_hour *h = &hours[i];
		double day = 0.5 + 0.5 * sin((double)(i % 24) / 24 * 2 * M_PI - 1.9);

		clear_hour(h, i);
		if (i >= 60 && i < 66)
			continue; /* the agent was not running: a gap */
		h->usage_mean_millicores = 140 + 260 * day + 20 * dice();
		h->demand_p99_millicores = 420 + 520 * day + 60 * dice();
		h->demand_peak_millicores = 900 + 900 * day + 300 * dice();
		h->throttled_ratio = 0.05 + 0.3 * day;
		h->hot_peak_bytes = (200 + 12 * day) * PF_MIB;
		h->memory_peak_bytes = (330 + 60 * day + 40 * dice()) * PF_MIB;
		h->memory.anon = (uint64_t)(176 + 12 * day) * PF_MIB;
		h->memory.file = (uint64_t)(90 + 50 * dice()) * PF_MIB;
		h->memory.shmem = 4 * PF_MIB;
		h->memory.slab_unreclaimable = 6 * PF_MIB;
		h->memory.pagetables = 2 * PF_MIB;
	}
}

static void throttled_advice(struct advice *a)
{
	static const char *const steps[] = {
		"Demand is use plus throttled time, counted in 100 ms windows in the kernel: 6 041 200 windows of 6 instances in 7 d.",
		"CPU request: the 90th percentile of demand is 412m; with the margin of 15 % that is 474m, rounded up to 480m.",
		"CPU limit: the smallest candidate under which at most 1 % of CFS periods would be throttled is 1.2 cores (0.8 % predicted). Under the present limit of 500m 24.1 % were measured, 23.6 % predicted.",
		"Memory request: the highest hot memory was 214 MiB; with the margin of 15 % that is 246 MiB. Page cache of up to 140 MiB is not counted: it can be dropped.",
		"VPA would say 624m and 295 MiB from its minute means: it cannot see what the quota held back.",
	};
	struct pf_evidence_summary *e = &a->rec.evidence;

	advise(a, 250, 500, 480, 1200, 256 * PF_MIB, 512 * PF_MIB, 246 * PF_MIB, 480 * PF_MIB);
	find(a, PF_VERDICT_CPU_THROTTLED, PF_ACTION_INCREASE_LIMITS,
	     "24.1 % of CFS periods were throttled: its tasks stood still for 118 ms of every second. A limit of 1.2 cores would bring that below 1 %.");
	find(a, PF_VERDICT_CPU_UNDER_PROVISIONED, PF_ACTION_INCREASE_REQUESTS,
	     "It uses 1.1 times its CPU request on average; under contention it would get less than it needs.");
	find(a, PF_VERDICT_UNEVEN_REPLICAS, PF_ACTION_NONE,
	     "checkout-7f9c5d-x2v8k on node-0417 takes 2.3 times the CPU of the others.");
	find(a, PF_VERDICT_CPU_THROTTLED, PF_ACTION_INCREASE_LIMITS,
	     "Throttled share 0.24 is above 0.1: limit x 1.5.");
	a->findings[3].baseline = true;
	save(a, -1380, 60 * (int64_t)PF_MIB);
	for (size_t i = 0; i < 28; i++) {
		bool burst = i >= 14;
		double at = 150 * pow(1.27, (double)(i % 14));

		curve[i] = (struct pf_curve_point){
			.limit_millicores = (uint64_t)at,
			.throttled_ratio = fmin(1, 1.05 * exp(-(at - 100) / (burst ? 200 : 280))),
			.stall_ns_per_s = 4e8 * exp(-(at - 100) / 250),
			.burst_us = burst ? 50000 : PF_UNKNOWN,
		};
	}
	a->rec.curve = curve;
	a->rec.nr_curve = PF_ARRAY_SIZE(curve);
	a->rec.steps = steps;
	a->rec.nr_steps = PF_ARRAY_SIZE(steps);
	e->usage_mean_millicores = 276;
	e->demand_p50_millicores = 205;
	e->demand_p90_millicores = 412;
	e->demand_p99_millicores = 940;
	e->demand_peak_millicores = 2040;
	e->cpu_utilization = 1.1;
	e->throttled_ratio = 0.241;
	e->memory_peak_bytes = 425 * PF_MIB;
	e->hot_peak_bytes = 214 * PF_MIB;
	e->hot_mean_bytes = 186.0 * PF_MIB;
	e->working_set_peak_bytes = 301 * PF_MIB;
	e->memory_utilization = 0.84;
	e->oom_kills = 0;
}

static void some_instances(void)
{
	static char pods[6][40], nodes[6][16];

	for (size_t i = 0; i < 6; i++) {
		double more = i == 2 ? 2.3 : 0.9 + 0.2 * dice();

		(void)snprintf(pods[i], sizeof(pods[i]), "checkout-7f9c5d-%c%c%c%c%c",
			       'a' + (int)(26 * dice()), '2' + (int)(7 * dice()),
			       'a' + (int)(26 * dice()), '2' + (int)(7 * dice()),
			       'a' + (int)(26 * dice()));
		(void)snprintf(nodes[i], sizeof(nodes[i]), "node-%04d", (int)(5000 * dice()));
		instances[i] = (struct pf_view_instance){
			.node = nodes[i],
			.pod = pods[i],
			.first_seen_unix_ns = NOW - (uint64_t)(30 + 80 * dice()) * PF_NS_PER_HOUR,
			.usage_mean_millicores = 240 * more,
			.demand_p99_millicores = 800 * more,
			.throttled_ratio = 0.2 * more,
			.contention_wait_ns_per_s = 1.2e6 * more,
			.hot_peak_bytes = (170 + 40 * dice()) * PF_MIB,
			.memory_peak_bytes = 380.0 * PF_MIB,
			.runq_p99_ns = (uint64_t)(9e6 * more),
			.restarts = 0,
			.oom_kills = i == 5 ? PF_UNKNOWN : 0,
		};
	}
}

static const char patch[] =
	"kubectl --namespace shop patch deployment checkout --type strategic --patch '\n"
	"spec:\n  template:\n    spec:\n      containers:\n      - name: checkout\n        resources:\n"
	"          requests:\n            cpu: 480m\n            memory: 246Mi\n          limits:\n"
	"            cpu: 1200m\n            memory: 480Mi\n'\n";
static const char vpa_object[] = "apiVersion: autoscaling.k8s.io/v1\nkind: VerticalPodAutoscaler\n"
				 "metadata:\n  name: checkout\n  namespace: shop\n";
static const struct pf_view_output outputs[] = {
	{ "Patch for kubectl", patch },
	{ "VPA object", vpa_object },
};

static int workload_throttled(struct pf_buf *buf)
{
	static struct advice a;
	struct pf_view_workload view = {
		.page = page_of("checkout in shop"),
		.row = { .name = { "prod-eu", "shop", "checkout", "checkout",
				   PF_WORKLOAD_DEPLOYMENT },
			 .nr_instances = 6,
			 .nr_nodes = 6,
			 .present = &a.present,
			 .rec = &a.rec },
		.image = "registry.example/shop/checkout:4.12.1",
		.runtime_kind = "jvm",
		.qos = PF_QOS_BURSTABLE,
		.covered_ns = 6 * 160 * 3600e9,
		.hours = hours,
		.nr_hours = HOURS,
		.instances = instances,
		.nr_instances = 6,
		.outputs = outputs,
		.nr_outputs = PF_ARRAY_SIZE(outputs),
	};
	static const struct pf_runtime_advice runtime[] = {
		{ "jvm", "-XX:ActiveProcessorCount", "", "2",
		  "it runs 16 worker threads against a quota of half a CPU" },
		{ "jvm", "-Xmx", "420m", "384m", "80 % of the advised memory limit" },
	};

	seed = 7;
	memset(&a, 0, sizeof(a));
	throttled_history();
	throttled_advice(&a);
	a.rec.runtime = runtime;
	a.rec.nr_runtime = PF_ARRAY_SIZE(runtime);
	some_instances();
	memset(hist_demand, 0, sizeof(hist_demand));
	memset(hist_quota, 0, sizeof(hist_quota));
	memset(hist_contention, 0, sizeof(hist_contention));
	memset(hist_stall, 0, sizeof(hist_stall));
	fill(hist_demand, PF_LAYOUT_MILLICORES, 220, 0.75, 4e6);
	fill(hist_contention, PF_LAYOUT_LATENCY_NS, 9e3, 1.1, 9e8);
	fill(hist_contention, PF_LAYOUT_LATENCY_NS, 2.5e6, 0.7, 1.2e6);
	fill(hist_quota, PF_LAYOUT_LATENCY_NS, 4.5e7, 0.55, 3e6);
	fill(hist_stall, PF_LAYOUT_LATENCY_NS, 5e7, 0.4, 2e6);
	view.hists[PF_HIST_DEMAND] = (struct pf_view_hist){ hist_demand, 1830211 };
	view.hists[PF_HIST_QUOTA_WAIT].counts = hist_quota;
	view.hists[PF_HIST_CONTENTION_WAIT].counts = hist_contention;
	view.hists[PF_HIST_THROTTLE_STALL].counts = hist_stall;
	pf_view_nav(&view.page, PF_PAGE_WORKLOAD);
	return pf_page_workload(buf, &view);
}

/* ---- the workload that leaks ---- */

static const struct pf_stack_frame frames[] = {
	{ 0x7f10, "__libc_malloc", "/lib/x86_64-linux-gnu/libc.so.6", NULL, 24 },
	{ 0x5511, "Session::remember(Request const&)", "/app/sessiond", NULL, 312 },
	{ 0x5522, "Server::handle(Connection&)", "/app/sessiond", NULL, 88 },
	{ 0x5533, NULL, "/app/sessiond", NULL, 0x41a2c },
	{ 0x7f99, NULL, NULL, NULL, PF_UNKNOWN },
};
static const struct pf_growth_trace traces[] = {
	{ 4711, "sessiond", 0.83, frames, PF_ARRAY_SIZE(frames) },
	{ 4711, "sessiond", 0.11, frames + 2, 2 },
};
static const struct pf_growth_process processes[] = {
	{ 4711, "sessiond", 702 * PF_MIB, 17.6 * PF_MIB },
	{ 4790, "log-shipper", 21 * PF_MIB, NAN },
};

static void leak_of(struct pf_leak_finding *leak, double hours_left)
{
	pf_leak_finding_clear(leak);
	leak->state = PF_LEAK_ALARM;
	leak->severity = hours_left < 12 ? PF_SEVERITY_CRITICAL : PF_SEVERITY_WARNING;
	leak->since_unix_ns = NOW - 31 * PF_NS_PER_HOUR;
	leak->slope_bytes_per_hour = 17.8 * PF_MIB;
	leak->slope_low = 16.1 * PF_MIB;
	leak->slope_high = 19.9 * PF_MIB;
	leak->eta_unix_ns = NOW + (uint64_t)(hours_left * (double)PF_NS_PER_HOUR);
	leak->eta_low_unix_ns = NOW + (uint64_t)(hours_left * 0.85 * (double)PF_NS_PER_HOUR);
	leak->eta_high_unix_ns = NOW + (uint64_t)(hours_left * 1.2 * (double)PF_NS_PER_HOUR);
	leak->effective_limit_bytes = PF_GIB;
	leak->effective_limit_of = "container";
	leak->kind = PF_KIND_ANON;
	leak->kind_share = 0.97;
	leak->pre_leak_bytes = 180 * PF_MIB;
	leak->now_bytes = 732 * PF_MIB;
	leak->test = "window 1h";
	leak->processes = processes;
	leak->nr_processes = PF_ARRAY_SIZE(processes);
	leak->stacks = traces;
	leak->nr_stacks = PF_ARRAY_SIZE(traces);
	leak->stacks_note =
		"one frame of an inlined function may be missing where frame pointers are";
}

static int workload_leak(struct pf_buf *buf)
{
	static struct advice a;
	static struct pf_leak_finding leak;
	struct pf_view_workload view = {
		.page = page_of("session in auth"),
		.row = { .name = { "prod-eu", "auth", "session", "sessiond",
				   PF_WORKLOAD_STATEFUL_SET },
			 .nr_instances = 3,
			 .nr_nodes = 3,
			 .present = &a.present,
			 .rec = &a.rec,
			 .leak = &leak },
		.qos = PF_QOS_BURSTABLE,
		.hours = hours,
		.nr_hours = HOURS,
		.outputs = outputs,
		.nr_outputs = 1,
	};

	seed = 11;
	memset(&a, 0, sizeof(a));
	advise(&a, 100, PF_NO_LIMIT, 80, PF_UNKNOWN, 512 * PF_MIB, PF_GIB, 256 * PF_MIB,
	       PF_UNKNOWN);
	find(&a, PF_VERDICT_MEMORY_LEAK, PF_ACTION_FIX_LEAK,
	     "Hot memory has risen by 17.8 MiB an hour for 31 h and reaches the limit of 1 GiB in about 16 h. A larger limit would only move the kill.");
	find(&a, PF_VERDICT_NO_LIMIT, PF_ACTION_NONE,
	     "It has no CPU limit; nothing was throttled.");
	save(&a, 60, 0);
	a.rec.savings.money_per_month = NAN;
	leak_of(&leak, 16.4);
	for (size_t i = 0; i < HOURS; i++) {
		double up = i > HOURS - 32 ? (double)(i - (HOURS - 32)) : 0;

		clear_hour(&hours[i], i);
		hours[i].usage_mean_millicores = 40 + 12 * dice();
		hours[i].demand_p99_millicores = 70 + 12 * dice();
		hours[i].demand_peak_millicores = 160 + 90 * dice();
		hours[i].memory.anon = (uint64_t)(172 + 8 * dice() + 17.8 * up) * PF_MIB;
		hours[i].memory.file = (uint64_t)(120 + 30 * dice()) * PF_MIB;
		hours[i].memory.shmem = 2 * PF_MIB;
		hours[i].memory.slab_unreclaimable = 5 * PF_MIB;
		hours[i].memory_peak_bytes = (330 + 20 * dice() + 17.8 * up) * PF_MIB;
	}
	pf_view_nav(&view.page, PF_PAGE_WORKLOAD);
	return pf_page_workload(buf, &view);
}

static int workload_unknown(struct pf_buf *buf)
{
	struct pf_view_workload view = {
		.page = page_of("probe"),
		.row = { .name = { "", "", "probe.service", "probe.service",
				   PF_WORKLOAD_SYSTEMD_UNIT },
			 .nr_instances = PF_UNKNOWN,
			 .nr_nodes = PF_UNKNOWN },
	};

	pf_view_nav(&view.page, PF_PAGE_WORKLOAD);
	return pf_page_workload(buf, &view);
}

/* ---- the fleet ---- */

enum { ROWS = 50 };

const char sample_hostile[] =
	"\"><img src=x onerror=alert(1)>'</title></style></table>\x01\xff\xe2\x80\xae&";

static int fleet(struct pf_buf *buf, bool is_hostile)
{
	static const char *const words[] = { "checkout",  "cart",	  "search-api",
					     "session",	  "image-resize", "ledger",
					     "mailer",	  "feed-worker",  "geo-index",
					     "auth-proxy" };
	static const char *const spaces[] = { "shop", "auth", "media", "billing", "platform" };
	static struct advice all[ROWS];
	static struct pf_view_row rows[ROWS];
	static struct pf_leak_finding leaks[3];
	static char names_of[ROWS][32], hrefs[ROWS][400];
	static struct pf_svg_point spark[ROWS][24];
	const struct pf_html_param params[] = { { "q", is_hostile ? sample_hostile : NULL },
						{ "sort", "-savings" },
						{ "page", "2" } };
	const struct pf_view_count counts[] = {
		{ PF_VERDICT_MEMORY_LEAK, 7 },
		{ PF_VERDICT_OOM_KILLED, 12 },
		{ PF_VERDICT_MEMORY_OOM_RISK, 31 },
		{ PF_VERDICT_CPU_THROTTLED, 418 },
		{ PF_VERDICT_NOISY_NEIGHBOUR, 96 },
		{ PF_VERDICT_NO_REQUEST, 1204 },
		{ PF_VERDICT_CPU_OVER_PROVISIONED, 8310 },
	};
	static const struct pf_html_nav downloads[] = {
		{ "JSON", "/v1/recommendations?format=json&sort=-savings", false },
		{ "CSV", "/v1/recommendations?format=csv&sort=-savings", false },
	};
	struct pf_view_leak leak_rows[3];
	struct pf_view_victim victims[4];
	const struct pf_view_killed killed[] = {
		{ { "prod-eu", spaces[0], is_hostile ? sample_hostile : "cart",
		    is_hostile ? sample_hostile : "app", PF_WORKLOAD_DEPLOYMENT },
		  "/workloads/prod-eu/shop/Deployment/cart/app",
		  38 },
		{ { "prod-eu", spaces[1], "search", "app", PF_WORKLOAD_STATEFUL_SET }, NULL, 16 },
	};
	struct pf_view_oom ooms[3];
	struct pf_report_oom kills[3];
	struct pf_view_namespace namespaces[5];
	struct pf_view_fleet view = {
		.page = page_of(is_hostile ? sample_hostile : "Fleet"),
		.query = { .path = "/", .params = params, .nr_params = PF_ARRAY_SIZE(params) },
		.freshness = { 5000, 4982, NOW - 754 * PF_NS_PER_S },
		.nr_workloads = 20134,
		.nr_containers = 498210,
		.nr_namespaces = 214,
		.cpu = { 320000000, 241300000, 128400000, 81200000 },
		.memory = { 1250 * 1024 * PF_GIB, 918 * 1024 * PF_GIB, 604 * 1024 * PF_GIB,
			    455 * 1024 * PF_GIB },
		.savings = { true, 112900000, 314 * 1024 * (int64_t)PF_GIB, 1834210.5, "EUR" },
		.window_ns = PF_NS_PER_DAY,
		.nr_oom_kills = 57,
		.recent_ns = 3 * PF_NS_PER_HOUR / 2,
		.nr_recent_oom_kills = 41,
		.killed = killed,
		.nr_killed = 2,
		.nr_all_killed = 3,
		.counts = counts,
		.nr_counts = PF_ARRAY_SIZE(counts),
		.leaks = leak_rows,
		.nr_leaks = 3,
		.nr_all_leaks = 7,
		.victims = victims,
		.nr_victims = 4,
		.ooms = ooms,
		.nr_ooms = 3,
		.rows = rows,
		.nr_rows = ROWS,
		.nr_matching = 20134,
		.page_number = 2,
		.per_page = ROWS,
		.downloads = downloads,
		.nr_downloads = PF_ARRAY_SIZE(downloads),
		.namespace_choices = spaces,
		.nr_namespace_choices = PF_ARRAY_SIZE(spaces),
		.namespaces = namespaces,
		.nr_namespaces_shown = 5,
	};

	seed = 3;
	memset(all, 0, sizeof(all));
	for (size_t i = 0; i < ROWS; i++) {
		uint64_t cpu = 50 + (uint64_t)(dice() * dice() * 4000) / 10 * 10;
		uint64_t mem = (64 + (uint64_t)(dice() * dice() * 4000)) * PF_MIB;
		double over = 0.5 + 3 * dice();
		struct advice *a = &all[i];

		(void)snprintf(names_of[i], sizeof(names_of[i]), "%s%s", words[i % 10],
			       i / 10 ? (char[4]){ '-', (char)('0' + i / 10), 0 } : "");
		advise(a, (uint64_t)((double)cpu * over) / 10 * 10, i % 4 ? cpu * 2 : PF_NO_LIMIT,
		       cpu, i % 4 ? cpu * 3 : PF_UNKNOWN, (uint64_t)((double)mem * over), mem * 3,
		       mem, i % 3 ? mem * 2 : PF_UNKNOWN);
		if (i % 4 == 1)
			find(a, PF_VERDICT_CPU_THROTTLED, PF_ACTION_INCREASE_LIMITS,
			     is_hostile ? sample_hostile : "12 % of periods were throttled.");
		if (over > 2)
			find(a, PF_VERDICT_CPU_OVER_PROVISIONED, PF_ACTION_DECREASE_REQUESTS,
			     "It uses 18 % of its request.");
		if (i % 17 == 3)
			find(a, PF_VERDICT_MEMORY_LEAK, PF_ACTION_FIX_LEAK, "It leaks.");
		save(a, (int64_t)(((double)cpu * over - (double)cpu) * 12),
		     (int64_t)(((double)mem * over - (double)mem) * 12));
		rows[i] = (struct pf_view_row){
			.name = { "prod-eu", is_hostile ? sample_hostile : spaces[i % 5],
				  is_hostile ? sample_hostile : names_of[i],
				  is_hostile ? sample_hostile : words[i % 10],
				  i % 7 ? PF_WORKLOAD_DEPLOYMENT : PF_WORKLOAD_DAEMON_SET },
			.nr_instances = 1 + (uint64_t)(40 * dice()),
			.nr_nodes = 1 + (uint64_t)(12 * dice()),
			.present = i == 9 ? NULL : &a->present,
			.rec = i == 9 ? NULL : &a->rec,
			.demand = spark[i],
			.nr_demand = 24,
		};
		pf_view_href(&rows[i].name, hrefs[i], sizeof(hrefs[i]));
		rows[i].href = hrefs[i];
		for (size_t j = 0; j < 24; j++)
			spark[i][j] = (struct pf_svg_point){
				(double)j, 50 + 40 * sin((double)(j + i) / 4) + 20 * dice()
			};
	}
	for (size_t i = 0; i < 3; i++) {
		leak_of(&leaks[i], 4 + 13.0 * (double)i);
		leak_rows[i] = (struct pf_view_leak){ rows[i].name,
						      rows[i].href,
						      &leaks[i],
						      { 4 * (3 - i) - 3, 3 - i, 9.0 * PF_MIB,
							30.0 * PF_MIB, "node-0417" } };
		pf_report_oom_clear(&kills[i]);
		kills[i].at_unix_ns = NOW - (i * 47 + 3) * PF_NS_PER_MIN;
		kills[i].comm = is_hostile ? sample_hostile : "java";
		kills[i].pid = 812 + (uint32_t)i;
		kills[i].usage_bytes = 512 * PF_MIB;
		kills[i].limit_bytes = 512 * PF_MIB;
		kills[i].overshoot_bytes = i ? 96 * PF_MIB : PF_UNKNOWN;
		kills[i].whole_node = i == 2;
		ooms[i] = (struct pf_view_oom){ rows[i + 4].name, rows[i + 4].href, "node-0142",
						is_hostile ? sample_hostile : "cart-6d4-x8s",
						&kills[i] };
	}
	leaks[2].eta_unix_ns = leaks[2].eta_low_unix_ns = leaks[2].eta_high_unix_ns = PF_UNKNOWN;
	for (size_t i = 0; i < 4; i++)
		victims[i] = (struct pf_view_victim){ rows[i + 8].name,
						      rows[i + 8].href,
						      is_hostile ? sample_hostile : "node-0417",
						      8.1e7 / (double)(i + 1),
						      2.2e8 / (double)(i + 1),
						      (uint64_t)(34e6 / (double)(i + 1)) };
	for (size_t i = 0; i < 5; i++)
		namespaces[i] = (struct pf_view_namespace){
			.cluster = "prod-eu",
			.name = is_hostile ? sample_hostile : spaces[i],
			.href = "/?namespace=shop#workloads",
			.nr_workloads = 40 * (i + 1),
			.requested = { 812000, 1200000, 2048 * PF_GIB, PF_NO_LIMIT },
			.advised = { 412000, 1400000, 1300 * PF_GIB, PF_NO_LIMIT },
			.quota = { i ? PF_NO_LIMIT : 900000, PF_NO_LIMIT,
				   i ? PF_NO_LIMIT : 2100 * PF_GIB, PF_NO_LIMIT },
			.quota_advice =
				i ? NULL
				  : "requests.cpu can go down to 500, requests.memory to 1.5 Ti",
			.savings = { true, 400000, 748 * (int64_t)PF_GIB, 10195, "EUR" },
		};
	pf_view_nav(&view.page, PF_PAGE_FLEET);
	return pf_page_fleet(buf, &view);
}

static int fleet_empty(struct pf_buf *buf)
{
	struct pf_view_fleet view = {
		.page = page_of("Fleet"),
		.query = { .path = "/" },
		.freshness = { 0, 0, PF_UNKNOWN },
		.nr_workloads = 0,
		.nr_containers = 0,
		.nr_namespaces = 0,
		.cpu = { PF_UNKNOWN, PF_UNKNOWN, PF_UNKNOWN, PF_UNKNOWN },
		.memory = { PF_UNKNOWN, PF_UNKNOWN, PF_UNKNOWN, PF_UNKNOWN },
		.savings = { .money_per_month = NAN },
		.window_ns = PF_NS_PER_DAY,
		.nr_oom_kills = PF_UNKNOWN,
		.nr_recent_oom_kills = PF_UNKNOWN,
		.nr_all_leaks = PF_UNKNOWN,
		.page_number = 1,
		.per_page = 50,
	};

	pf_view_nav(&view.page, PF_PAGE_FLEET);
	return pf_page_fleet(buf, &view);
}

int sample_write(struct pf_buf *buf, enum sample_page which)
{
	switch (which) {
	case SAMPLE_FLEET:
		return fleet(buf, false);
	case SAMPLE_FLEET_HOSTILE:
		return fleet(buf, true);
	case SAMPLE_FLEET_EMPTY:
		return fleet_empty(buf);
	case SAMPLE_WORKLOAD_THROTTLED:
		return workload_throttled(buf);
	case SAMPLE_WORKLOAD_LEAK:
		return workload_leak(buf);
	case SAMPLE_WORKLOAD_UNKNOWN:
		return workload_unknown(buf);
	case SAMPLE_NODES:
		return sample_nodes(buf, false);
	case SAMPLE_NODES_HOSTILE:
		return sample_nodes(buf, true);
	case SAMPLE_COMPARE:
		return sample_compare(buf, true);
	case SAMPLE_COMPARE_EMPTY:
		return sample_compare(buf, false);
	case SAMPLE_REPORT:
		return sample_report(buf);
	case SAMPLE_REPORT_FULL:
		return sample_report_full(buf);
	case SAMPLE_REPORT_EMPTY:
		return sample_report_empty(buf);
	case NR_SAMPLES:
		break;
	}
	return -1;
}
