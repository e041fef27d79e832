/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page_workload.h - one container of one workload: present and advised resources by both policies,
 * the limit curve, use over time, where it waited, memory by kind with its trend, findings, how the
 * numbers came about, and the patch.
 */
#ifndef PF_REPORT_PAGE_WORKLOAD_H
#define PF_REPORT_PAGE_WORKLOAD_H

#include "core/hour_point.h"
#include "report/view.h"

enum {
	PF_VIEW_HOURS_MAX = 24 * 400, /* of history that is drawn; the newest are kept */
	PF_VIEW_INSTANCES_MAX = 200,
	PF_VIEW_NODE_CLASSES_MAX = 100,
	PF_VIEW_STACKS_MAX = 8,
	PF_VIEW_FRAMES_MAX = 32,
	PF_VIEW_STEPS_MAX = 64,
};

/* One step of the history, usually an hour. Per instance: means over the instances, peaks of the
 * highest. NaN: not measured. */
struct pf_view_hour {
	uint64_t start_unix_ns, length_ns;
	double usage_mean_millicores, demand_p99_millicores, demand_peak_millicores;
	double throttled_ratio; /* of CFS periods */
	double memory_peak_bytes, hot_peak_bytes;
	struct pf_memory_kinds memory; /* at the end */
	uint64_t oom_kills, restarts;
};

/** pf_view_hour_of() - a point of the history as it is kept; what was not measured in it is NaN. */
void pf_view_hour_of(const struct pf_hour_point *point, struct pf_view_hour *ret_hour);

/* A merged histogram, as struct pf_evidence holds it; counts NULL: not measured. */
struct pf_view_hist {
	const float *counts; /* pf_hist_nr_buckets() of the layout of its kind */
	double nr_zero;	     /* windows of exactly 0 */
};

struct pf_view_instance {
	const char *node, *pod;
	uint64_t first_seen_unix_ns;
	bool ended;
	double usage_mean_millicores, demand_p99_millicores, throttled_ratio;
	double contention_wait_ns_per_s;
	double hot_peak_bytes, memory_peak_bytes;
	uint64_t runq_p99_ns, restarts, oom_kills;
};

/* A text made to be copied: patch, VPA object, Kustomize, Helm values. */
struct pf_view_output {
	const char *label, *text;
};

struct pf_view_workload {
	struct pf_html_page page;
	struct pf_view_row row; /* names, present, advice, leak */
	const char *image, *runtime_kind,
		*enforced_note; /* NULL or "": not known, nothing to say */
	enum pf_qos qos;
	struct pf_view_spread leak_spread; /* of row.leak over the instances */
	double covered_ns; /* instance time behind the histograms, decayed as they are */

	const struct pf_view_hour *hours; /* rising */
	size_t nr_hours;
	struct pf_view_hist hists[PF_NR_SAMPLE_HISTS];
	const struct pf_view_row *node_classes; /* of a DaemonSet: the same by class of node */
	size_t nr_node_classes;
	const struct pf_view_instance *instances;
	size_t nr_instances; /* shown; row.nr_instances is of all */
	const struct pf_view_oom *ooms;
	size_t nr_ooms;
	uint64_t nr_all_ooms;
	const struct pf_view_output *outputs;
	size_t nr_outputs;
	const struct pf_html_nav *downloads; /* its data in other forms */
	size_t nr_downloads;
};

/** pf_page_workload() - the page. Return: 0; what the buffer failed with. */
PF_MUST_CHECK int pf_page_workload(struct pf_buf *buf, const struct pf_view_workload *view);

/**
 * pf_view_workload_body() - everything below the heading, for pages that hold several.
 * @level: of its headings, 2 to 4.
 * @prefix: for ids of charts, unique in the page; letters, digits, dashes.
 */
void pf_view_workload_body(struct pf_buf *buf, const struct pf_view_workload *view, int level,
			   const char *prefix);

#endif
