// SPDX-License-Identifier: Apache-2.0
#include "export/prometheus.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

enum {
	BUCKET_STEP = 8, /* every eighth edge: four times as long */
	BUCKET_FIRST = 31,
};

struct writer {
	struct pf_buf *out;
	const struct pf_report *report;
	const struct pf_prometheus_container *containers;
	size_t nr;
};

/* One byte that is not UTF-8 makes Prometheus refuse the whole page; each is shown as \xNN, so that
 * names which differ stay different. */
static void label(struct pf_buf *out, const char *name, const char *value, const char *before)
{
	size_t left = strlen(value), n;

	(void)pf_buf_addf(out, "%s%s=\"", before, name);
	for (; left; value += n, left -= n) {
		n = pf_utf8_len(value, left);
		if (!n) {
			(void)pf_buf_addf(out, "\\\\x%02x", (unsigned char)*value);
			n = 1;
		} else if (*value == '\\' || *value == '"') {
			(void)pf_buf_addf(out, "\\%c", *value);
		} else if (*value == '\n') {
			(void)pf_buf_adds(out, "\\n");
		} else {
			(void)pf_buf_add(out, value, n);
		}
	}
	(void)pf_buf_adds(out, "\"");
}

static void head(struct pf_buf *out, const char *name, const char *type, const char *help)
{
	(void)pf_buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void labels(const struct writer *writer, const struct pf_report_container *container)
{
	const struct pf_identity *id = container->identity;

	label(writer->out, "namespace", id->namespace_name, "{");
	label(writer->out, "pod", id->pod, ",");
	label(writer->out, "container", id->container, ",");
	label(writer->out, "node", writer->report->node, ",");
	label(writer->out, "workload", id->workload, ",");
	label(writer->out, "workload_kind", pf_workload_kind_name(id->workload_kind), ",");
}

/* One family; @value gives NaN for what is not known, which has no sample. */
static void family(const struct writer *writer, const char *name, const char *type,
		   const char *help,
		   double (*value)(const struct pf_prometheus_container *container, int which),
		   int which)
{
	bool started = false;

	for (size_t i = 0; i < writer->nr; i++) {
		double number = value(&writer->containers[i], which);

		if (isnan(number))
			continue;
		if (!started)
			head(writer->out, name, type, help);
		started = true;
		(void)pf_buf_adds(writer->out, name);
		labels(writer, writer->containers[i].container);
		(void)pf_buf_addf(writer->out, "} %.15g\n", number);
	}
}

static double known(uint64_t value, double unit)
{
	return value >= PF_NO_LIMIT ? (double)NAN : (double)value / unit;
}

enum counter {
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

static double value_of(const struct pf_prometheus_container *c, int which)
{
	const struct pf_report_now *now = &c->container->now;
	const struct pf_enforced *enforced = &c->container->enforced;
	const double s = (double)PF_NS_PER_S;

	switch ((enum counter)which) {
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

static const struct {
	const char *name, *type, *help;
	enum counter which;
} families[] = {
	{ "podfit_container_cpu_usage_seconds_total", "counter", "CPU time of all tasks.",
	  CPU_USAGE },
	{ "podfit_container_cpu_periods_total", "counter", "CFS periods with something to run.",
	  PERIODS },
	{ "podfit_container_cpu_throttled_periods_total", "counter",
	  "CFS periods in which the quota was used up.", THROTTLED_PERIODS },
	{ "podfit_container_cpu_throttled_seconds_total", "counter",
	  "Time throttled, summed over CPUs.", THROTTLED },
	{ "podfit_container_runqueue_quota_wait_seconds_total", "counter",
	  "Waiting for a CPU because of the container's own quota.", QUOTA_WAIT },
	{ "podfit_container_runqueue_contention_wait_seconds_total", "counter",
	  "Waiting for a CPU because others had it.", CONTENTION_WAIT },
	{ "podfit_container_pressure_cpu_some_seconds_total", "counter",
	  "Time some task waited for CPU (PSI).", PSI_CPU },
	{ "podfit_container_pressure_memory_some_seconds_total", "counter",
	  "Time some task waited for memory (PSI).", PSI_MEMORY },
	{ "podfit_container_pressure_io_some_seconds_total", "counter",
	  "Time some task waited for I/O (PSI).", PSI_IO },
	{ "podfit_container_oom_kills_total", "counter", "Processes killed for memory.",
	  OOM_KILLS },
	{ "podfit_container_memory_usage_bytes", "gauge", "Memory charged, page cache included.",
	  MEMORY_USAGE },
	{ "podfit_container_memory_working_set_bytes", "gauge", "Usage less inactive file pages.",
	  WORKING_SET },
	{ "podfit_container_memory_hot_bytes", "gauge", "Memory that cannot be dropped.", HOT },
	{ "podfit_container_cpu_limit_cores", "gauge", "CFS quota / period in force.", CPU_LIMIT },
	{ "podfit_container_memory_limit_bytes", "gauge", "Memory limit in force.", MEMORY_LIMIT },
	{ "podfit_container_threads", "gauge", "Threads of all processes.", THREADS },
	{ "podfit_container_recommended_cpu_request_cores", "gauge", "Advised CPU request.",
	  ADVISED_CPU_REQUEST },
	{ "podfit_container_recommended_cpu_limit_cores", "gauge", "Advised CPU limit.",
	  ADVISED_CPU_LIMIT },
	{ "podfit_container_recommended_memory_request_bytes", "gauge", "Advised memory request.",
	  ADVISED_MEMORY_REQUEST },
	{ "podfit_container_recommended_memory_limit_bytes", "gauge", "Advised memory limit.",
	  ADVISED_MEMORY_LIMIT },
	{ "podfit_container_leak_state", "gauge", "0: none, 1: suspected, 2: leaks.", LEAK },
};

static void latency(const struct writer *writer)
{
	static const char name[] = "podfit_container_runqueue_latency_seconds";
	bool started = false;

	for (size_t i = 0; i < writer->nr; i++) {
		const struct pf_prometheus_container *c = &writer->containers[i];
		const struct pf_report_now *now = &c->container->now;
		uint64_t below = 0, total;

		if (!c->waits || now->quota_wait_ns >= PF_NO_LIMIT ||
		    now->contention_wait_ns >= PF_NO_LIMIT)
			continue;
		if (!started)
			head(writer->out, name, "histogram", "Runnable until running.");
		started = true;
		total = pf_hist_total(c->waits, PF_LATENCY_BUCKETS);
		for (size_t b = 0; b < PF_LATENCY_BUCKETS - 1; b++) {
			below += c->waits[b];
			if (b < BUCKET_FIRST || (b - BUCKET_FIRST) % BUCKET_STEP)
				continue;
			(void)pf_buf_addf(writer->out, "%s_bucket", name);
			labels(writer, c->container);
			(void)pf_buf_addf(writer->out, ",le=\"%.9g\"} %" PRIu64 "\n",
					  (double)pf_hist_edge(PF_LAYOUT_LATENCY_NS, b) / 1e9,
					  below);
		}
		(void)pf_buf_addf(writer->out, "%s_bucket", name);
		labels(writer, c->container);
		(void)pf_buf_addf(writer->out, ",le=\"+Inf\"} %" PRIu64 "\n%s_sum", total, name);
		labels(writer, c->container);
		(void)pf_buf_addf(writer->out, "} %.9g\n%s_count",
				  (double)(now->quota_wait_ns + now->contention_wait_ns) / 1e9,
				  name);
		labels(writer, c->container);
		(void)pf_buf_addf(writer->out, "} %" PRIu64 "\n", total);
	}
}

static void single(struct pf_buf *out, const char *name, const char *type, const char *help,
		   double value)
{
	if (isnan(value))
		return;
	head(out, name, type, help);
	(void)pf_buf_addf(out, "%s %.15g\n", name, value);
}

static void agent(const struct writer *writer, const struct pf_prometheus_opts *opts, size_t nr_all)
{
	const struct pf_report *report = writer->report;
	struct pf_buf *out = writer->out;

	head(out, "podfit_agent_build_info", "gauge", "Version of this agent.");
	(void)pf_buf_adds(out, "podfit_agent_build_info");
	label(out, "version", report->agent_version, "{");
	label(out, "capture_source", report->capture_source, ",");
	(void)pf_buf_adds(out, "} 1\n");
	single(out, "podfit_agent_cpu_seconds_total", "counter", "CPU time of the agent's process.",
	       known(report->cost.agent_cpu_ns, 1e9));
	single(out, "podfit_agent_bpf_run_seconds_total", "counter",
	       "Run time of its BPF programs.", known(report->cost.bpf_run_ns, 1e9));
	single(out, "podfit_agent_bpf_runs_total", "counter", "Runs of its BPF programs.",
	       known(report->cost.bpf_run_count, 1));
	single(out, "podfit_agent_resident_memory_bytes", "gauge", "Resident memory.",
	       known(report->cost.resident_bytes, 1));
	single(out, "podfit_agent_map_memory_bytes", "gauge", "Memory of its BPF maps.",
	       known(report->cost.map_bytes, 1));
	single(out, "podfit_agent_snapshots_total", "counter", "Snapshots taken.",
	       (double)opts->nr_snapshots);
	single(out, "podfit_agent_reports_total", "counter", "Reports exported.",
	       (double)opts->nr_reports);
	single(out, "podfit_agent_containers", "gauge", "Containers that are measured.",
	       (double)nr_all);
	single(out, "podfit_agent_containers_without_series", "gauge",
	       "Of them those left out here: too young, beyond the cap, or of the same name.",
	       (double)(nr_all - writer->nr));
	head(out, "podfit_agent_lost_total", "counter", "What was lost, by reason.");
	for (size_t i = 0; i < report->nr_losses; i++) {
		(void)pf_buf_adds(out, "podfit_agent_lost_total");
		label(out, "reason", report->losses[i].reason, "{");
		(void)pf_buf_addf(out, "} %" PRIu64 "\n", report->losses[i].count);
	}
	head(out, "podfit_agent_signal_on", "gauge", "1 where the kernel and the rights allow it.");
	for (size_t i = 0; i < report->nr_signals; i++) {
		(void)pf_buf_adds(out, "podfit_agent_signal_on");
		label(out, "signal", report->signals[i].name, "{");
		(void)pf_buf_addf(out, "} %d\n", report->signals[i].on);
	}
}

static int by_use(const void *left, const void *right)
{
	const struct pf_prometheus_container *a = left, *b = right;
	double x = value_of(a, CPU_USAGE), y = value_of(b, CPU_USAGE);

	x = isnan(x) ? -1 : x;
	y = isnan(y) ? -1 : y;
	return x < y ? 1 : x > y ? -1 : strcmp(a->container->instance, b->container->instance);
}

static int by_name(const void *left, const void *right)
{
	const struct pf_identity *a =
		((const struct pf_prometheus_container *)left)->container->identity;
	const struct pf_identity *b =
		((const struct pf_prometheus_container *)right)->container->identity;
	int r = strcmp(a->namespace_name, b->namespace_name);

	if (!r)
		r = strcmp(a->pod, b->pod);
	if (!r)
		r = strcmp(a->container, b->container);
	return r ? r : strcmp(a->workload, b->workload);
}

/* Return: how many have series; they are first. A name twice would make the whole page invalid. */
static size_t select_containers(struct pf_prometheus_container *containers, size_t nr,
				const struct pf_prometheus_opts *opts)
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
	return nr_unique;
}

int pf_prometheus_write(const struct pf_report *report, struct pf_prometheus_container *containers,
			size_t nr_containers, const struct pf_prometheus_opts *opts,
			struct pf_buf *out)
{
	struct writer writer = { out, report, containers, 0 };

	writer.nr = select_containers(containers, nr_containers, opts);
	agent(&writer, opts, nr_containers);
	for (size_t i = 0; i < PF_ARRAY_SIZE(families); i++)
		family(&writer, families[i].name, families[i].type, families[i].help, value_of,
		       (int)families[i].which);
	latency(&writer);
	return out->err;
}
