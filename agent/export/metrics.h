/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics.h - what is exported as metrics, whatever the protocol: one table of the containers'
 * numbers and one of the agent's own, and which containers have series.
 *
 * Names are Prometheus' (base units, counters end in _total). For OTLP the unit and _total are cut
 * off, and the first two underscores are dots: podfit.container.cpu_usage, "s".
 */
#ifndef PF_EXPORT_METRICS_H
#define PF_EXPORT_METRICS_H

#include <stdbool.h>

#include "core/report.h"

/* What a report does not hold: totals since the container was first seen, and the newest advice. */
struct pf_metrics_container {
	const struct pf_report_container
		*container;    /* its now: gauges of now, counters are totals */
	const uint32_t *waits; /* run-queue latency, PF_LATENCY_BUCKETS; NULL: off */
	const struct pf_amounts *cpu, *memory; /* advised; NULL: not yet */
	enum pf_leak_level_of leak;
};

struct pf_metrics_opts {
	uint32_t max_containers;
	uint64_t min_age_ns;
	uint64_t now_unix_ns;
	uint64_t nr_snapshots, nr_reports;
};

/* The containers that have series come first, in a fixed order. */
struct pf_metrics {
	const struct pf_report *report;
	const struct pf_metrics_container *containers;
	size_t nr, nr_all;
	const struct pf_metrics_opts *opts;
};

/**
 * pf_metrics_select() - the busiest containers that live, are old enough and have a name of their
 * own (a name twice would make a page invalid); what is left out is counted.
 * @containers: sorted in place.
 */
void pf_metrics_select(const struct pf_report *report, struct pf_metrics_container *containers,
		       size_t nr_containers, const struct pf_metrics_opts *opts,
		       struct pf_metrics *ret_metrics);

struct pf_metric {
	const char *name;
	bool counter;	  /* else a gauge */
	const char *unit; /* as UCUM writes it: "s", "By", "{cpu}", "1", "{thread}" */
	const char *help;
	int which; /* the table's own */
};

extern const struct pf_metric pf_container_metrics[];
extern const size_t pf_nr_container_metrics;
/** pf_container_metric() - its value; NaN: not known, there is no sample. */
double pf_container_metric(const struct pf_metrics_container *container,
			   const struct pf_metric *metric);

extern const struct pf_metric pf_agent_metrics[];
extern const size_t pf_nr_agent_metrics;
double pf_agent_metric(const struct pf_metrics *metrics, const struct pf_metric *metric);

/* Run-queue latency as a histogram: every eighth edge, each four times the one before. */
#define PF_METRIC_LATENCY      "podfit_container_runqueue_latency_seconds"
#define PF_METRIC_LATENCY_HELP "Runnable until running."
enum { PF_METRIC_LATENCY_BOUNDS = 11 };
/** pf_metrics_latency_bound() - upper edge in seconds of bucket @i < PF_METRIC_LATENCY_BOUNDS. */
double pf_metrics_latency_bound(size_t i);
/** pf_metrics_latency() - counts of each bucket alone, the last one open. Return: whether they are
 * known. */
bool pf_metrics_latency(const struct pf_metrics_container *container,
			uint64_t ret_counts[PF_METRIC_LATENCY_BOUNDS + 1], double *ret_sum_s);

#define PF_METRIC_LOST	      "podfit_agent_lost_total"
#define PF_METRIC_LOST_HELP   "What was lost, by reason."
#define PF_METRIC_SIGNAL      "podfit_agent_signal_on"
#define PF_METRIC_SIGNAL_HELP "1 where the kernel and the rights allow it."

#endif
