// SPDX-License-Identifier: Apache-2.0
#include "export/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double known(uint64_t value, double unit)
{
	return value >= PF_NO_LIMIT ? (double)NAN : (double)value / unit;
}

enum container_value {
	CPU_USAGE,
	PERIODS,
	THROTTLED_PERIODS,
	THROTTLED,
	QUOTA_WAIT,
	CONTENTION_WAIT,
	PSI_CPU,
	PSI_MEMORY,
	PSI_IO,
	OOM_KILLS,
	MEMORY_USAGE,
	WORKING_SET,
	HOT,
	CPU_LIMIT,
	MEMORY_LIMIT,
	THREADS,
	ADVISED_CPU_REQUEST,
	ADVISED_CPU_LIMIT,
	ADVISED_MEMORY_REQUEST,
	ADVISED_MEMORY_LIMIT,
	LEAK,
};

static double advised(const struct pf_amounts *amounts, bool limit, double unit)
{
	return amounts ? known(limit ? amounts->limit : amounts->target, unit) : (double)NAN;
}

double pf_container_metric(const struct pf_metrics_container *c, const struct pf_metric *metric)
{
	const struct pf_report_now *now = &c->container->now;
	const struct pf_enforced *enforced = &c->container->enforced;
	const double s = (double)PF_NS_PER_S;

	switch ((enum container_value)metric->which) {
	case CPU_USAGE:
		return known(now->usage_ns, s);
	case PERIODS:
		return known(now->nr_periods, 1);
	case THROTTLED_PERIODS:
		return known(now->nr_throttled, 1);
	case THROTTLED:
		return known(now->throttled_ns, s);
	case QUOTA_WAIT:
		return known(now->quota_wait_ns, s);
	case CONTENTION_WAIT:
		return known(now->contention_wait_ns, s);
	case PSI_CPU:
		return known(now->psi.cpu_some_ns, s);
	case PSI_MEMORY:
		return known(now->psi.memory_some_ns, s);
	case PSI_IO:
		return known(now->psi.io_some_ns, s);
	case OOM_KILLS:
		return known(now->oom_kills, 1);
	case MEMORY_USAGE:
		return known(now->memory_usage_bytes, 1);
	case WORKING_SET:
		return known(now->working_set_bytes, 1);
	case HOT:
		return known(now->hot_bytes, 1);
	case CPU_LIMIT:
		return known(enforced->cfs_quota_us, 1) / known(enforced->cfs_period_us, 1);
	case MEMORY_LIMIT:
		return known(enforced->memory_limit_bytes, 1);
	case THREADS:
		return known(now->nr_threads, 1);
	case ADVISED_CPU_REQUEST:
		return advised(c->cpu, false, 1000);
	case ADVISED_CPU_LIMIT:
		return advised(c->cpu, true, 1000);
	case ADVISED_MEMORY_REQUEST:
		return advised(c->memory, false, 1);
	case ADVISED_MEMORY_LIMIT:
		return advised(c->memory, true, 1);
	case LEAK:
		return (double)c->leak;
	}
	return NAN;
}

const struct pf_metric pf_container_metrics[] = {
	{ "podfit_container_cpu_usage_seconds_total", true, "s", "CPU time of all tasks.",
	  CPU_USAGE },
	{ "podfit_container_cpu_periods_total", true, "{period}",
	  "CFS periods with something to run.", PERIODS },
	{ "podfit_container_cpu_throttled_periods_total", true, "{period}",
	  "CFS periods in which the quota was used up.", THROTTLED_PERIODS },
	{ "podfit_container_cpu_throttled_seconds_total", true, "s",
	  "Time throttled, summed over CPUs.", THROTTLED },
	{ "podfit_container_runqueue_quota_wait_seconds_total", true, "s",
	  "Waiting for a CPU because of the container's own quota.", QUOTA_WAIT },
	{ "podfit_container_runqueue_contention_wait_seconds_total", true, "s",
	  "Waiting for a CPU because others had it.", CONTENTION_WAIT },
	{ "podfit_container_pressure_cpu_some_seconds_total", true, "s",
	  "Time some task waited for CPU (PSI).", PSI_CPU },
	{ "podfit_container_pressure_memory_some_seconds_total", true, "s",
	  "Time some task waited for memory (PSI).", PSI_MEMORY },
	{ "podfit_container_pressure_io_some_seconds_total", true, "s",
	  "Time some task waited for I/O (PSI).", PSI_IO },
	{ "podfit_container_oom_kills_total", true, "{kill}", "Processes killed for memory.",
	  OOM_KILLS },
	{ "podfit_container_memory_usage_bytes", false, "By",
	  "Memory charged, page cache included.", MEMORY_USAGE },
	{ "podfit_container_memory_working_set_bytes", false, "By",
	  "Usage less inactive file pages.", WORKING_SET },
	{ "podfit_container_memory_hot_bytes", false, "By", "Memory that cannot be dropped.", HOT },
	{ "podfit_container_cpu_limit_cores", false, "{cpu}", "CFS quota / period in force.",
	  CPU_LIMIT },
	{ "podfit_container_memory_limit_bytes", false, "By", "Memory limit in force.",
	  MEMORY_LIMIT },
	{ "podfit_container_threads", false, "{thread}", "Threads of all processes.", THREADS },
	{ "podfit_container_recommended_cpu_request_cores", false, "{cpu}", "Advised CPU request.",
	  ADVISED_CPU_REQUEST },
	{ "podfit_container_recommended_cpu_limit_cores", false, "{cpu}", "Advised CPU limit.",
	  ADVISED_CPU_LIMIT },
	{ "podfit_container_recommended_memory_request_bytes", false, "By",
	  "Advised memory request.", ADVISED_MEMORY_REQUEST },
	{ "podfit_container_recommended_memory_limit_bytes", false, "By", "Advised memory limit.",
	  ADVISED_MEMORY_LIMIT },
	{ "podfit_container_leak_state", false, "1", "0: none, 1: suspected, 2: leaks.", LEAK },
};
const size_t pf_nr_container_metrics = PF_ARRAY_SIZE(pf_container_metrics);

/* ---- the agent's own ---- */

enum agent_value {
	AGENT_CPU,
	BPF_RUN,
	BPF_RUNS,
	RESIDENT,
	MAPS,
	SNAPSHOTS,
	REPORTS,
	CONTAINERS,
	WITHOUT_SERIES,
};

double pf_agent_metric(const struct pf_metrics *metrics, const struct pf_metric *metric)
{
	const struct pf_self_cost *cost = &metrics->report->cost;

	switch ((enum agent_value)metric->which) {
	case AGENT_CPU:
		return known(cost->agent_cpu_ns, 1e9);
	case BPF_RUN:
		return known(cost->bpf_run_ns, 1e9);
	case BPF_RUNS:
		return known(cost->bpf_run_count, 1);
	case RESIDENT:
		return known(cost->resident_bytes, 1);
	case MAPS:
		return known(cost->map_bytes, 1);
	case SNAPSHOTS:
		return (double)metrics->opts->nr_snapshots;
	case REPORTS:
		return (double)metrics->opts->nr_reports;
	case CONTAINERS:
		return (double)metrics->nr_all;
	case WITHOUT_SERIES:
		return (double)(metrics->nr_all - metrics->nr);
	}
	return NAN;
}

const struct pf_metric pf_agent_metrics[] = {
	{ "podfit_agent_cpu_seconds_total", true, "s", "CPU time of the agent's process.",
	  AGENT_CPU },
	{ "podfit_agent_bpf_run_seconds_total", true, "s", "Run time of its BPF programs.",
	  BPF_RUN },
	{ "podfit_agent_bpf_runs_total", true, "{run}", "Runs of its BPF programs.", BPF_RUNS },
	{ "podfit_agent_resident_memory_bytes", false, "By", "Resident memory.", RESIDENT },
	{ "podfit_agent_map_memory_bytes", false, "By", "Memory of its BPF maps.", MAPS },
	{ "podfit_agent_snapshots_total", true, "{snapshot}", "Snapshots taken.", SNAPSHOTS },
	{ "podfit_agent_reports_total", true, "{report}", "Reports exported.", REPORTS },
	{ "podfit_agent_containers", false, "{container}", "Containers that are measured.",
	  CONTAINERS },
	{ "podfit_agent_containers_without_series", false, "{container}",
	  "Of them those left out here: too young, beyond the cap, or of the same name.",
	  WITHOUT_SERIES },
};
const size_t pf_nr_agent_metrics = PF_ARRAY_SIZE(pf_agent_metrics);

/* ---- run-queue latency ---- */

enum { LATENCY_FIRST = 31, LATENCY_STEP = 8 };

_Static_assert(LATENCY_FIRST + LATENCY_STEP * (PF_METRIC_LATENCY_BOUNDS - 1) <
		       PF_LATENCY_BUCKETS - 1,
	       "the open bucket has no upper edge");

static size_t latency_bucket(size_t i)
{
	return LATENCY_FIRST + LATENCY_STEP * i;
}

double pf_metrics_latency_bound(size_t i)
{
	return (double)pf_hist_edge(PF_LAYOUT_LATENCY_NS, latency_bucket(i)) / 1e9;
}

bool pf_metrics_latency(const struct pf_metrics_container *container,
			uint64_t ret_counts[PF_METRIC_LATENCY_BOUNDS + 1], double *ret_sum_s)
{
	const struct pf_report_now *now = &container->container->now;
	size_t at = 0;

	if (!container->waits || now->quota_wait_ns >= PF_NO_LIMIT ||
	    now->contention_wait_ns >= PF_NO_LIMIT)
		return false;
	memset(ret_counts, 0, (PF_METRIC_LATENCY_BOUNDS + 1) * sizeof(*ret_counts));
	for (size_t b = 0; b < PF_LATENCY_BUCKETS; b++) {
		while (at < PF_METRIC_LATENCY_BOUNDS && b > latency_bucket(at))
			at++;
		ret_counts[at] += container->waits[b];
	}
	*ret_sum_s = (double)(now->quota_wait_ns + now->contention_wait_ns) / 1e9;
	return true;
}

/* ---- which containers ---- */

static int by_use(const void *left, const void *right)
{
	const struct pf_metrics_container *a = left, *b = right;
	double x = known(a->container->now.usage_ns, 1), y = known(b->container->now.usage_ns, 1);

	x = isnan(x) ? -1 : x;
	y = isnan(y) ? -1 : y;
	return x < y ? 1 : x > y ? -1 : strcmp(a->container->instance, b->container->instance);
}

static int by_name(const void *left, const void *right)
{
	const struct pf_identity *a =
		((const struct pf_metrics_container *)left)->container->identity;
	const struct pf_identity *b =
		((const struct pf_metrics_container *)right)->container->identity;
	int r = strcmp(a->namespace_name, b->namespace_name);

	if (!r)
		r = strcmp(a->pod, b->pod);
	if (!r)
		r = strcmp(a->container, b->container);
	return r ? r : strcmp(a->workload, b->workload);
}

void pf_metrics_select(const struct pf_report *report, struct pf_metrics_container *containers,
		       size_t nr, const struct pf_metrics_opts *opts,
		       struct pf_metrics *ret_metrics)
{
	size_t nr_old = 0, nr_unique = 0;

	for (size_t i = 0; i < nr; i++) {
		const struct pf_report_container *c = containers[i].container;

		if (c->ended_unix_ns == PF_UNKNOWN &&
		    c->first_seen_unix_ns + opts->min_age_ns <= opts->now_unix_ns)
			containers[nr_old++] = containers[i];
	}
	qsort(containers, nr_old, sizeof(*containers), by_use);
	nr_old = PF_MIN(nr_old, (size_t)opts->max_containers);
	qsort(containers, nr_old, sizeof(*containers), by_name);
	for (size_t i = 0; i < nr_old; i++)
		if (!nr_unique || by_name(&containers[nr_unique - 1], &containers[i]))
			containers[nr_unique++] = containers[i];
	*ret_metrics = (struct pf_metrics){ .report = report,
					    .containers = containers,
					    .nr = nr_unique,
					    .nr_all = nr,
					    .opts = opts };
}
