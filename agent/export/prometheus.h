/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prometheus.h - GET /metrics: the text exposition format 0.0.4.
 *
 * Labels of container series are exactly namespace, pod, container, node, workload, workload_kind.
 * A cap keeps their number bounded: the containers that use most CPU, none younger than the minimum
 * age; what is left out is a metric of its own.
 */
#ifndef PF_EXPORT_PROMETHEUS_H
#define PF_EXPORT_PROMETHEUS_H

#include "base/buf.h"
#include "core/report.h"

/* What a report does not hold: totals since the container was first seen, and the newest advice. */
struct pf_prometheus_container {
	const struct pf_report_container
		*container;    /* its now: gauges of now, counters are totals */
	const uint32_t *waits; /* run-queue latency, PF_LATENCY_BUCKETS; NULL: off */
	const struct pf_amounts *cpu, *memory; /* advised; NULL: not yet */
	enum pf_leak_level_of leak;
};

struct pf_prometheus_opts {
	uint32_t max_containers;
	uint64_t min_age_ns;
	uint64_t now_unix_ns;
	uint64_t nr_snapshots, nr_reports;
};

/**
 * pf_prometheus_write() - appends all metrics.
 * @containers: sorted in place; those left out are moved to the end.
 * Return: 0; the buffer's error; -ENOMEM.
 */
PF_MUST_CHECK int pf_prometheus_write(const struct pf_report *report,
				      struct pf_prometheus_container *containers,
				      size_t nr_containers, const struct pf_prometheus_opts *opts,
				      struct pf_buf *out);

#endif
