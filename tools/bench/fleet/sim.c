// SPDX-License-Identifier: Apache-2.0
#include "bench/fleet/sim.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench/fleet/kinds.h"
#include "core/feed.h"
#include "core/slice.h"
#include "core/units.h"

enum {
	DRAWS = 24,    /* demands drawn for a sample; its windows are spread over them */
	KILLS_MAX = 8, /* OOM kills a node keeps until they were told */
	WINDOWS_PER_S = 10,
	TEXT_MAX = 128,
};

struct container {
	const struct pf_sim_kind *kind;
	uint32_t workload, replica;
	uint64_t seed;
	struct pf_identity identity;
	char instance[68];
	struct pf_slices slices;
	struct pf_feed feed;
	double leaked_bytes;
	struct pf_report_now now;
	struct pf_leak_finding leak;
};

struct node {
	char name[32];
	uint64_t run_id, sequence, at_unix_ns, start_unix_ns;
	struct container *containers;
	struct pf_report_oom kills[KILLS_MAX];
	size_t nr_kills;
	uint64_t nr_kills_ever;
};

struct pf_sim {
	struct pf_sim_opts opts;
	char *cluster;
	uint32_t nr_workloads;
	struct pf_vpa_settings settings;
	struct node *nodes;
};

/* ---- chance ---- */

static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

static double uniform(uint64_t *state)
{
	*state = mix(*state);
	return (double)(*state >> 11) * 0x1p-53;
}

/* Nearly normal: the sum of four uniform numbers, centred, of standard deviation 1. */
static double normal(uint64_t *state)
{
	double sum = uniform(state) + uniform(state) + uniform(state) + uniform(state);

	return (sum - 2) * 1.7320508075688772;
}

/* ---- one sample ---- */

struct sample_hists {
	uint32_t usage[PF_MILLICORES_BUCKETS], demand[PF_MILLICORES_BUCKETS];
	uint32_t quota[PF_LATENCY_BUCKETS], contention[PF_LATENCY_BUCKETS];
	uint32_t stall[PF_LATENCY_BUCKETS];
};

/* Load over the day, highest at 14:00 UTC. */
static double of_the_day(const struct pf_sim_kind *kind, uint64_t unix_ns)
{
	double hour = (double)(unix_ns % PF_NS_PER_DAY) / (double)PF_NS_PER_HOUR;

	return 1 + kind->daily * cos((hour - 14) / 24 * 2 * M_PI);
}

static void add_windows(const struct pf_sim_kind *kind, double demand, uint32_t nr,
			struct pf_sample *sample, struct sample_hists *hists)
{
	uint64_t limit = kind->cpu_limit ? kind->cpu_limit : PF_NO_LIMIT;
	uint64_t wanted = (uint64_t)demand, used = PF_MIN(wanted, limit);
	uint64_t stall_ns = wanted > used ? (wanted - used) * 100000 / wanted * 1000 : 0;

	sample->usage_ns += used * nr * 100000; /* a millicore for 100 ms */
	if (used)
		hists->usage[pf_hist_bucket(PF_LAYOUT_MILLICORES, used)] += nr;
	else
		sample->nr_idle_windows += nr;
	if (wanted)
		hists->demand[pf_hist_bucket(PF_LAYOUT_MILLICORES, wanted)] += nr;
	else
		sample->nr_demand_idle_windows += nr;
	sample->usage_peak_millicores = PF_MAX(sample->usage_peak_millicores, used);
	sample->demand_peak_millicores = PF_MAX(sample->demand_peak_millicores, wanted);
	if (!stall_ns)
		return;
	sample->nr_throttled += nr;
	sample->throttled_ns += stall_ns * nr;
	sample->quota_wait_ns += stall_ns * nr;
	hists->quota[pf_hist_bucket(PF_LAYOUT_LATENCY_NS, stall_ns)] += nr;
	hists->stall[pf_hist_bucket(PF_LAYOUT_LATENCY_NS, stall_ns)] += nr;
}

static void add_waits(const struct pf_sim_kind *kind, uint64_t *state, uint32_t nr,
		      struct pf_sample *sample, struct sample_hists *hists)
{
	for (int i = 0; i < DRAWS / 2; i++) {
		double ns = kind->wait_ns * exp(1.2 * normal(state));

		hists->contention[pf_hist_bucket(PF_LAYOUT_LATENCY_NS, (uint64_t)ns)] += nr;
		sample->contention_wait_ns += (uint64_t)ns * nr;
		sample->nr_waits += nr;
	}
}

static void fill_cpu(const struct container *c, uint64_t unix_ns, uint64_t length_ns,
		     uint64_t *state, struct pf_sample *sample, struct sample_hists *hists)
{
	const struct pf_sim_kind *kind = c->kind;
	uint32_t nr_windows = (uint32_t)(length_ns * WINDOWS_PER_S / PF_NS_PER_S);
	double base = kind->cpu_mean * of_the_day(kind, unix_ns) * (1 + 0.1 * normal(state));

	if (kind->uneven && c->replica == 0)
		base *= 4;
	sample->usage_ns = sample->throttled_ns = sample->nr_throttled = 0;
	sample->nr_idle_windows = sample->nr_demand_idle_windows = 0;
	sample->usage_peak_millicores = sample->demand_peak_millicores = 0;
	sample->nr_waits = sample->quota_wait_ns = sample->contention_wait_ns = 0;
	sample->nr_windows = nr_windows;
	sample->nr_periods = kind->cpu_limit ? nr_windows : 0;
	sample->cfs_quota_us = kind->cpu_limit ? kind->cpu_limit * 100 : PF_NO_LIMIT;
	sample->cfs_period_us = 100000;
	sample->cfs_burst_us = 0;
	for (uint32_t i = 0; i < DRAWS; i++) {
		uint32_t nr = nr_windows / DRAWS + (i < nr_windows % DRAWS);
		double demand =
			base * exp(kind->sigma * normal(state) - kind->sigma * kind->sigma / 2);

		if (uniform(state) < kind->burst_chance)
			demand *= kind->burst_factor;
		if (uniform(state) < kind->idle_chance)
			demand = 0;
		if (nr)
			add_windows(kind, fmin(demand, 64000), nr, sample, hists);
	}
	add_waits(kind, state, nr_windows / 4, sample, hists);
	sample->hists[PF_HIST_USAGE] = hists->usage;
	sample->hists[PF_HIST_DEMAND] = hists->demand;
	sample->hists[PF_HIST_QUOTA_WAIT] = hists->quota;
	sample->hists[PF_HIST_CONTENTION_WAIT] = hists->contention;
	sample->hists[PF_HIST_THROTTLE_STALL] = hists->stall;
}

static void fill_memory(struct container *c, uint64_t length_ns, uint64_t *state,
			struct pf_sample *sample)
{
	const struct pf_sim_kind *kind = c->kind;
	struct pf_memory_kinds *kinds = &sample->kinds;
	double anon = kind->memory * (1 + 0.05 * normal(state)), limit = kind->memory_limit;

	c->leaked_bytes += kind->leak_per_hour * (double)length_ns / (double)PF_NS_PER_HOUR *
			   (0.8 + 0.4 * uniform(state));
	anon = fmax(anon + c->leaked_bytes, 1 << 20);
	sample->events_oom_kill = sample->events_max = sample->events_high = 0;
	if (limit > 0 && anon > limit) { /* killed at its limit, and begins anew */
		sample->events_oom_kill = 1;
		sample->events_max = 20;
		anon = limit;
		c->leaked_bytes = 0;
	}
	*kinds = (struct pf_memory_kinds){ .anon = (uint64_t)anon,
					   .file = (uint64_t)kind->cache,
					   .inactive_file = (uint64_t)(kind->cache * 0.6),
					   .active_file = (uint64_t)(kind->cache * 0.4),
					   .slab_reclaimable = 2 << 20,
					   .slab_unreclaimable = 1 << 20,
					   .kernel_stack = c->kind->threads * 16384,
					   .pagetables = (uint64_t)(anon / 400) };
	sample->memory_usage_bytes = kinds->anon + kinds->file + (4 << 20);
	sample->memory_peak_bytes =
		(uint64_t)((double)sample->memory_usage_bytes * (1 + 0.03 * uniform(state)));
	if (limit > 0) {
		sample->memory_usage_bytes = PF_MIN(sample->memory_usage_bytes, (uint64_t)limit);
		sample->memory_peak_bytes = PF_MIN(sample->memory_peak_bytes, (uint64_t)limit);
	}
	sample->working_set_bytes = kinds->anon + kinds->active_file + (4 << 20);
	sample->hot_bytes = pf_memory_hot_bytes(kinds);
	sample->memory_limit_bytes = limit > 0 ? (uint64_t)limit : PF_NO_LIMIT;
	sample->nr_threads = kind->threads;
}

static void note_kill(struct node *node, const struct container *c, const struct pf_sample *sample,
		      uint64_t unix_ns, uint64_t overshoot)
{
	struct pf_report_oom *kill;

	node->nr_kills_ever++;
	if (node->nr_kills == KILLS_MAX)
		return;
	kill = &node->kills[node->nr_kills++];
	pf_report_oom_clear(kill);
	kill->kill_id = node->nr_kills_ever;
	kill->at_unix_ns = unix_ns;
	kill->container_id = c->identity.container_id;
	kill->namespace_name = c->identity.namespace_name;
	kill->pod = c->identity.pod;
	kill->container = c->identity.container;
	kill->workload = c->identity.workload;
	kill->workload_kind = c->identity.workload_kind;
	kill->pid = 4711;
	kill->comm = c->kind->executable;
	kill->usage_bytes = kill->limit_bytes = sample->memory_limit_bytes;
	kill->memory = sample->kinds;
	kill->victim_anon_bytes = sample->kinds.anon;
	kill->growth_bytes_per_second = c->kind->leak_per_hour / 3600;
	kill->overshoot_bytes = overshoot;
}

static void fill_now(struct container *c, const struct pf_sample *sample)
{
	struct pf_report_now *now = &c->now;

	pf_report_now_clear(now);
	now->interval_ns = sample->end_ns - sample->start_ns;
	now->usage_ns = sample->usage_ns;
	now->nr_periods = sample->nr_periods;
	now->nr_throttled = sample->nr_throttled;
	now->throttled_ns = sample->throttled_ns;
	now->quota_wait_ns = sample->quota_wait_ns;
	now->contention_wait_ns = sample->contention_wait_ns;
	now->nr_waits = sample->nr_waits;
	now->runq_p50_ns = (uint64_t)c->kind->wait_ns;
	now->runq_p99_ns = (uint64_t)(c->kind->wait_ns * 12);
	now->memory_usage_bytes = sample->memory_usage_bytes;
	now->memory_peak_bytes = sample->memory_peak_bytes;
	now->working_set_bytes = sample->working_set_bytes;
	now->hot_bytes = sample->hot_bytes;
	now->memory = sample->kinds;
	now->nr_threads = sample->nr_threads;
	now->demand_peak_millicores = sample->demand_peak_millicores;
	now->oom_kills = sample->events_oom_kill;
}

/* What the agent's leak detector would have found after a while. */
static void fill_leak(struct container *c, const struct pf_sample *sample, uint64_t start_unix_ns,
		      uint64_t unix_ns)
{
	double slope = c->kind->leak_per_hour, room;
	uint64_t limit = sample->memory_limit_bytes;

	c->leak = (struct pf_leak_finding){ .state = PF_LEAK_NONE };
	if (slope <= 0 || unix_ns - start_unix_ns < PF_NS_PER_HOUR)
		return;
	room = limit < PF_NO_LIMIT ? fmax((double)limit - (double)sample->hot_bytes, 0) : NAN;
	c->leak.state = PF_LEAK_ALARM;
	c->leak.since_unix_ns = start_unix_ns;
	c->leak.first_alarm_unix_ns = start_unix_ns + PF_NS_PER_HOUR;
	c->leak.slope_bytes_per_hour = slope * (0.9 + 0.2 * (double)(c->seed % 100) / 100);
	c->leak.slope_low = c->leak.slope_bytes_per_hour * 0.85;
	c->leak.slope_high = c->leak.slope_bytes_per_hour * 1.15;
	c->leak.eta_unix_ns = c->leak.eta_low_unix_ns = c->leak.eta_high_unix_ns = PF_UNKNOWN;
	c->leak.effective_limit_bytes = limit;
	c->leak.effective_limit_of = "container";
	c->leak.kind = PF_KIND_ANON;
	c->leak.kind_share = 0.98;
	c->leak.pre_leak_bytes = (uint64_t)c->kind->memory;
	c->leak.now_bytes = sample->hot_bytes;
	c->leak.test = "window 5m";
	c->leak.baseline_eta_unix_ns = PF_UNKNOWN;
	c->leak.severity = PF_SEVERITY_WARNING;
	if (isnan(room))
		return;
	c->leak.eta_unix_ns = unix_ns + (uint64_t)(room / slope * (double)PF_NS_PER_HOUR);
	c->leak.eta_low_unix_ns =
		unix_ns + (uint64_t)(room / slope / 1.15 * (double)PF_NS_PER_HOUR);
	c->leak.eta_high_unix_ns =
		unix_ns + (uint64_t)(room / slope / 0.85 * (double)PF_NS_PER_HOUR);
	if (room / slope < 6)
		c->leak.severity = PF_SEVERITY_CRITICAL;
}

static int live(struct pf_sim *sim, struct node *node, struct container *c, uint64_t from_unix_ns,
		uint64_t to_unix_ns)
{
	struct sample_hists hists = { 0 };
	uint64_t state = mix(c->seed ^ from_unix_ns), overshoot = PF_UNKNOWN;
	struct pf_sample sample;
	struct pf_slice *slice;
	int r;

	(void)sim;
	pf_sample_clear(&sample);
	/* Simulated time is both clocks: nothing steps it. */
	sample.start_ns = from_unix_ns;
	sample.end_ns = to_unix_ns;
	fill_cpu(c, from_unix_ns, to_unix_ns - from_unix_ns, &state, &sample, &hists);
	fill_memory(c, to_unix_ns - from_unix_ns, &state, &sample);
	r = pf_slices_at(&c->slices, from_unix_ns, from_unix_ns, &slice);
	if (r == 0)
		r = pf_slice_add(slice, &sample, false);
	if (r == 0)
		r = pf_feed_sample(&c->feed, &sample, (int64_t)to_unix_ns, slice);
	if (r < 0)
		return r;
	if (sample.events_oom_kill) {
		struct pf_oom_kill kill = { .at_ns = to_unix_ns,
					    .usage_bytes = sample.memory_limit_bytes,
					    .limit_bytes = sample.memory_limit_bytes };

		r = pf_feed_oom(&c->feed, &kill, (uint64_t)c->kind->memory_request,
				(int64_t)to_unix_ns, slice, &overshoot);
		if (r < 0 && r != -ENOSPC) /* that only loses a peak of VPA's */
			return r;
		c->identity.restart_count++;
		note_kill(node, c, &sample, to_unix_ns, overshoot);
	}
	fill_now(c, &sample);
	fill_leak(c, &sample, node->start_unix_ns, to_unix_ns);
	return 0;
}

int pf_sim_advance(struct pf_sim *sim, uint32_t at, uint64_t to_unix_ns)
{
	struct node *node = &sim->nodes[at];

	while (node->at_unix_ns < to_unix_ns) {
		uint64_t next = PF_MIN(node->at_unix_ns + sim->opts.step_ns, to_unix_ns);

		for (uint32_t i = 0; i < sim->opts.nr_containers; i++) {
			int r = live(sim, node, &node->containers[i], node->at_unix_ns, next);

			if (r < 0)
				return r;
		}
		node->at_unix_ns = next;
	}
	return 0;
}

/* ---- reports ---- */

static const struct pf_report_signal signals[] = {
	{ "cpu_windows", true, "" },
	{ "runq_latency", true, "" },
	{ "runq_split", true, "" },
	{ "throttling", true, "" },
	{ "memory", true, "" },
	{ "memory_peak", true, "" },
	{ "psi", false, "simulated nodes have no pressure files" },
};

static const struct pf_loss losses[] = { { "slots_full", 0 }, { "windows_late", 3 } };

/* The containers ask for 0.45 CPUs and 0.9 GiB in the mean: every node has room for its own, a large one for
 * twice as many. */
static uint32_t nr_cpus_of(const struct pf_sim *sim, uint32_t node)
{
	uint32_t nr = 4;

	while (nr < sim->opts.nr_containers / 2)
		nr *= 2;
	return node % 2 ? 2 * nr : nr;
}

static const struct pf_label node_classes[][1] = {
	{ { (char *)"node.kubernetes.io/instance-type", (char *)"small" } },
	{ { (char *)"node.kubernetes.io/instance-type", (char *)"large" } },
};

static int put_container(struct container *c, struct pf_arena *arena,
			 struct pf_report_container *to, uint64_t first_seen)
{
	size_t nr = c->slices.nr_closed + (c->slices.open != NULL);
	const struct pf_slice **slices = pf_arena_array(arena, nr, sizeof(*slices));

	if (!slices)
		return arena->err;
	for (uint32_t i = 0; i < c->slices.nr_closed; i++)
		slices[i] = c->slices.closed[i];
	if (c->slices.open)
		slices[nr - 1] = c->slices.open;
	pf_report_container_clear(to);
	to->identity = &c->identity;
	to->cgroup_path =
		pf_arena_printf(arena, "/kubepods.slice/kubepods-pod%s.slice/cri-%s.scope",
				c->identity.pod_uid, c->identity.container_id);
	to->runtime = "containerd";
	to->instance = c->instance;
	to->enforced.cfs_quota_us = c->kind->cpu_limit ? c->kind->cpu_limit * 100 : PF_NO_LIMIT;
	to->enforced.cfs_period_us = 100000;
	to->first_seen_unix_ns = first_seen;
	to->now = c->now;
	to->slices = slices;
	to->nr_slices = nr;
	to->leak = c->leak.state ? &c->leak : NULL;
	to->runtime_kind = c->kind->runtime;
	to->executable = c->kind->executable;
	return arena->err;
}

int pf_sim_report(struct pf_sim *sim, uint32_t at, struct pf_arena *arena,
		  struct pf_report *ret_report)
{
	struct node *node = &sim->nodes[at];
	struct pf_report_container *containers =
		pf_arena_array(arena, sim->opts.nr_containers, sizeof(*containers));
	struct pf_report report;

	if (!containers)
		return arena->err;
	for (uint32_t i = 0; i < sim->opts.nr_containers; i++) {
		int r = put_container(&node->containers[i], arena, &containers[i],
				      node->start_unix_ns);

		if (r < 0)
			return r;
	}
	pf_report_clear(&report);
	report.cluster = sim->cluster;
	report.node = node->name;
	report.boot_id = "5f9c1b52-5d2a-4f0e-9a52-000000000000";
	report.run_id = node->run_id;
	report.sequence = ++node->sequence;
	report.agent_version = PF_VERSION;
	report.kernel_release = at % 3 ? "6.12.48" : "6.1.0-42-amd64";
	report.start_unix_ns = node->at_unix_ns - sim->opts.step_ns;
	report.end_unix_ns = node->at_unix_ns;
	report.nr_cpus = nr_cpus_of(sim, at);
	report.memory_total_bytes = (uint64_t)report.nr_cpus << 31;
	report.cpu_allocatable_millicores = report.nr_cpus * 1000 - 80;
	report.memory_allocatable_bytes = report.memory_total_bytes - (1 << 30);
	report.capture_source = "bpf";
	report.cgroup_layout = "v2";
	report.meta_source = "apiserver";
	report.signals = signals;
	report.nr_signals = PF_ARRAY_SIZE(signals);
	report.losses = losses;
	report.nr_losses = PF_ARRAY_SIZE(losses);
	report.node_labels = node_classes[at % 2];
	report.nr_node_labels = 1;
	report.containers = containers;
	report.nr_containers = sim->opts.nr_containers;
	report.oom_kills = node->kills;
	report.nr_oom_kills = node->nr_kills;
	report.cost = (struct pf_self_cost){ .agent_cpu_ns = report.sequence * 60000000,
					     .bpf_run_ns = report.sequence * 90000000,
					     .bpf_run_count = report.sequence * 900000,
					     .resident_bytes = 14 << 20,
					     .map_bytes = 6 << 20,
					     .thinning = 1 };
	report.cost_wall_ns = report.sequence * PF_NS_PER_MIN;
	*ret_report = report;
	return 0;
}

void pf_sim_taken(struct pf_sim *sim, uint32_t at)
{
	struct node *node = &sim->nodes[at];

	for (uint32_t i = 0; i < sim->opts.nr_containers; i++)
		pf_slices_taken(&node->containers[i].slices, node->at_unix_ns);
	node->nr_kills = 0;
}

void pf_sim_restart(struct pf_sim *sim, uint32_t at)
{
	struct node *node = &sim->nodes[at];

	node->run_id = mix(node->run_id);
	node->sequence = 0;
	for (uint32_t i = 0; i < sim->opts.nr_containers; i++) {
		pf_slices_done(&node->containers[i].slices);
		pf_slices_init(&node->containers[i].slices, node->run_id);
	}
}

/* ---- making the fleet ---- */

static void name_container(struct pf_sim *sim, uint32_t node, uint32_t at, struct container *c)
{
	static const char *const parts = "bcdfghjklmnpqrstvwxz2456789";
	struct pf_identity *id = &c->identity;
	uint64_t bits = c->seed;
	char suffix[6];

	for (size_t i = 0; i < 5; i++, bits /= 27)
		suffix[i] = parts[bits % 27];
	suffix[5] = '\0';
	(void)snprintf(id->namespace_name, sizeof(id->namespace_name),
		       c->kind->per_node ? "kube-system" : "team-%02u", c->workload % 17);
	(void)snprintf(id->workload, sizeof(id->workload), c->kind->per_node ? "%s" : "%s-%u",
		       c->kind->workload, c->workload / PF_SIM_NR_KINDS);
	if (c->kind->kind == PF_WORKLOAD_STATEFUL_SET)
		(void)snprintf(id->pod, sizeof(id->pod), "%.60s-%u", id->workload, c->replica);
	else
		(void)snprintf(id->pod, sizeof(id->pod), "%.60s-%s", id->workload, suffix);
	(void)snprintf(id->container, sizeof(id->container), "%s", c->kind->container);
	(void)snprintf(id->pod_uid, sizeof(id->pod_uid), "%08x-%04x-4%03x-a%03x-%012llx",
		       (uint32_t)c->seed, (uint32_t)(c->seed >> 32) & 0xffff, node & 0xfff,
		       at & 0xfff, (unsigned long long)(mix(c->seed) & 0xffffffffffff));
	(void)snprintf(id->container_id, sizeof(id->container_id), "%016llx%016llx%016llx%016llx",
		       (unsigned long long)c->seed, (unsigned long long)mix(c->seed),
		       (unsigned long long)mix(c->seed + 1), (unsigned long long)mix(c->seed + 2));
	(void)snprintf(id->image, sizeof(id->image), "registry.example/%s:1.%u", c->kind->workload,
		       c->workload % 7);
	(void)snprintf(c->instance, sizeof(c->instance), "%.64s", id->container_id);
	(void)sim;
}

/* Stable and canary pods, for comparing: the last replicas of a workload are the canary. */
static const struct pf_label tracks[][2] = {
	{ { (char *)"app", (char *)"web" }, { (char *)"track", (char *)"stable" } },
	{ { (char *)"app", (char *)"web" }, { (char *)"track", (char *)"canary" } },
};

static uint64_t or_none(double value)
{
	return value > 0 ? (uint64_t)value : PF_NO_LIMIT;
}

static void make_container(struct pf_sim *sim, uint32_t node, uint32_t at, struct container *c)
{
	uint32_t nr_per_node = pf_sim_nr_per_node();
	uint64_t global = (uint64_t)node * sim->opts.nr_containers + at;
	struct pf_identity *id = &c->identity;

	c->seed = mix(sim->opts.seed ^ mix(global + 1));
	if (at < nr_per_node) {
		c->kind = pf_sim_kind_per_node(at);
		c->workload = 0;
		c->replica = node;
	} else {
		uint64_t rest =
			(uint64_t)node * (sim->opts.nr_containers - nr_per_node) + at - nr_per_node;

		c->workload = (uint32_t)(rest % sim->nr_workloads);
		c->replica = (uint32_t)(rest / sim->nr_workloads);
		c->kind = pf_sim_kind(c->workload);
	}
	id->workload_kind = c->kind->kind;
	id->named = true;
	id->qos = PF_QOS_BURSTABLE;
	id->spec = (struct pf_resources){ or_none((double)c->kind->cpu_request),
					  or_none((double)c->kind->cpu_limit),
					  or_none(c->kind->memory_request),
					  or_none(c->kind->memory_limit) };
	id->actual = id->spec;
	id->pod_level = (struct pf_resources){ PF_UNKNOWN, PF_UNKNOWN, PF_UNKNOWN, PF_UNKNOWN };
	id->started_unix_s = (int64_t)(sim->opts.start_unix_ns / PF_NS_PER_S);
	id->labels = tracks[c->replica % 5 == 4];
	id->nr_labels = 2;
	name_container(sim, node, at, c);
	pf_slices_init(&c->slices, sim->nodes[node].run_id);
	pf_feed_init(&c->feed, &sim->settings, 1);
	pf_report_now_clear(&c->now);
}

static int make_node(struct pf_sim *sim, uint32_t at)
{
	struct node *node = &sim->nodes[at];

	(void)snprintf(node->name, sizeof(node->name), "node-%05u", at);
	node->run_id = mix(sim->opts.seed + 7919 * (at + 1));
	node->at_unix_ns = node->start_unix_ns = sim->opts.start_unix_ns;
	node->containers = calloc(sim->opts.nr_containers, sizeof(*node->containers));
	if (!node->containers)
		return -ENOMEM;
	for (uint32_t i = 0; i < sim->opts.nr_containers; i++)
		make_container(sim, at, i, &node->containers[i]);
	return 0;
}

int pf_sim_new(const struct pf_sim_opts *opts, struct pf_sim **ret_sim)
{
	PF_AUTO(pf_sim_freep) struct pf_sim *sim = calloc(1, sizeof(*sim));
	uint64_t nr_pods = (uint64_t)opts->nr_nodes * opts->nr_containers;

	if (!sim)
		return -ENOMEM;
	sim->opts = *opts;
	if (!sim->opts.step_ns)
		sim->opts.step_ns = PF_NS_PER_MIN;
	sim->nr_workloads = (uint32_t)(nr_pods / (opts->nr_replicas ? opts->nr_replicas : 12));
	sim->nr_workloads = PF_MAX(sim->nr_workloads, (uint32_t)PF_SIM_NR_KINDS);
	pf_vpa_settings_default(&sim->settings);
	sim->cluster = strdup(opts->cluster);
	sim->nodes = calloc(opts->nr_nodes, sizeof(*sim->nodes));
	if (!sim->cluster || !sim->nodes)
		return -ENOMEM;
	for (uint32_t i = 0; i < opts->nr_nodes; i++) {
		int r = make_node(sim, i);

		if (r < 0)
			return r;
	}
	*ret_sim = pf_take(sim);
	return 0;
}

void pf_sim_release(struct pf_sim *sim, uint32_t at)
{
	struct node *node = &sim->nodes[at];

	for (uint32_t i = 0; node->containers && i < sim->opts.nr_containers; i++)
		pf_slices_done(&node->containers[i].slices);
	free(node->containers);
	node->containers = NULL;
}

void pf_sim_free(struct pf_sim *sim)
{
	if (!sim)
		return;
	for (uint32_t i = 0; sim->nodes && i < sim->opts.nr_nodes; i++)
		pf_sim_release(sim, i);
	free(sim->nodes);
	free(sim->cluster);
	free(sim);
}
