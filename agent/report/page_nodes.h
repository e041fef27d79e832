/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page_nodes.h - the nodes: when each was heard, what it holds, what its kernel lets be measured,
 * what the agent costs there and what it lost.
 */
#ifndef PF_REPORT_PAGE_NODES_H
#define PF_REPORT_PAGE_NODES_H

#include "report/view.h"

enum { PF_VIEW_NODES_MAX = 500 }; /* of one page of the table */

struct pf_view_node {
	const char *cluster, *name;
	uint64_t heard_unix_ns; /* end of its newest report */
	bool silent;		/* longer than it should be */
	bool stopped;		/* its last report said that the agent was stopping */
	int64_t skew_ms; /* its clock at the newest report, less the collector's; 0: not known */
	const char *agent_version, *kernel_release, *capture_source, *cgroup_layout, *meta_source;
	uint64_t nr_containers;
	uint64_t cpu_allocatable_millicores, cpu_requested_millicores, cpu_used_millicores;
	uint64_t memory_allocatable_bytes, memory_requested_bytes, memory_used_bytes;
	double agent_cpu_ratio; /* agent and its BPF programs, of one CPU; NaN */
	uint64_t agent_bytes;	/* resident memory and maps */
	double thinning;	/* 1: every event counted; NaN */
	uint64_t nr_lost;	/* all reasons together, since the agent's start */
	const char *lost_reasons;
	const char *signals_off; /* what is not measured and why; NULL, "": all is on */
};

struct pf_view_nodes {
	struct pf_html_page page;
	/* Parameters: q, sort (name, heard, containers, cpu, memory, cost, lost), page. */
	struct pf_html_query query;
	const struct pf_view_node *nodes; /* of this page */
	size_t nr_nodes;
	uint64_t nr_matching, nr_silent;
	uint64_t nr_clocks_off; /* pf_view_clock_is_off() */
	uint64_t page_number, per_page;
};

/** pf_view_clock_is_off() - by more than reports are late: its evidence is filed under wrong hours. */
bool pf_view_clock_is_off(int64_t skew_ms);

/** pf_page_nodes() - the page. Return: 0; what the buffer failed with. */
PF_MUST_CHECK int pf_page_nodes(struct pf_buf *buf, const struct pf_view_nodes *view);

#endif
