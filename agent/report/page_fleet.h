/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page_fleet.h - the first page: how fresh the fleet's reports are, what it asks for and what it
 * needs, what to look at first, every workload (one page of the table), and namespaces with what a
 * ResourceQuota would have to allow.
 */
#ifndef PF_REPORT_PAGE_FLEET_H
#define PF_REPORT_PAGE_FLEET_H

#include "report/view.h"

enum {
	PF_VIEW_ROWS_MAX = 500, /* of one page of the table */
	PF_VIEW_TOP_MAX = 10,	/* of each of the short lists */
	PF_VIEW_NAMESPACES_MAX = 200,
	PF_VIEW_CLASSES_MAX = 100,
	PF_VIEW_CHOICES_MAX = 500, /* of a filter */
};

/* Sums over the fleet. PF_UNKNOWN: not known; then it is not shown as a bar. */
struct pf_view_totals {
	uint64_t allocatable, requested, advised, used;
};

struct pf_view_freshness {
	uint64_t nr_nodes;	 /* known in the retention time */
	uint64_t nr_reporting;	 /* heard of within three report intervals */
	uint64_t oldest_unix_ns; /* newest report of the node that has been silent longest */
};

/* How many workloads have a verdict; the badge links to the table with that filter. */
struct pf_view_count {
	enum pf_verdict verdict;
	uint64_t count;
};

struct pf_view_leak {
	struct pf_view_name name;
	const char *href;
	const struct pf_leak_finding *leak; /* of the worst instance */
	struct pf_view_spread spread;
};

/* A workload that loses time because others have the CPU. */
struct pf_view_victim {
	struct pf_view_name name;
	const char *href, *worst_node;
	double contention_wait_ns_per_s; /* of an instance, mean */
	double worst_ns_per_s;		 /* of the worst one */
	uint64_t runq_p99_ns;
};

struct pf_view_namespace {
	const char *cluster, *name, *href;
	uint64_t nr_workloads;
	struct pf_resources requested; /* sums; of limits too, PF_NO_LIMIT if any has none */
	struct pf_resources advised;   /* the same for the advised values */
	struct pf_resources quota;     /* hard values of its ResourceQuota; PF_NO_LIMIT: none */
	const char *quota_advice;      /* a sentence; NULL: none */
	struct pf_savings savings;
};

/* Sums over all instances of a workload class. */
struct pf_view_class {
	const char *name; /* "": those without one */
	uint64_t nr_workloads;
	uint64_t cpu_requested_millicores, cpu_advised_millicores;
	uint64_t memory_requested_bytes, memory_advised_bytes;
	struct pf_savings savings;
};

/* A workload and how often the kernel killed it for memory. */
struct pf_view_killed {
	struct pf_view_name name;
	const char *href;
	uint64_t nr_kills;
};

struct pf_view_fleet {
	struct pf_html_page page;
	/* The page's own parameters: q, namespace, kind, verdict, sort, page; others are kept. */
	struct pf_html_query query;

	struct pf_view_freshness freshness;
	uint64_t nr_workloads, nr_containers, nr_namespaces;
	struct pf_view_totals cpu, memory; /* millicores, bytes */
	struct pf_savings savings;
	uint64_t window_ns;		    /* time of all evidence */
	uint64_t nr_oom_kills;		    /* in all of it */
	uint64_t recent_ns;		    /* time that the list of kills covers */
	uint64_t nr_recent_oom_kills;	    /* in it */
	const struct pf_view_count *counts; /* as they are to be shown */
	size_t nr_counts;

	const struct pf_view_leak *leaks; /* worst first */
	size_t nr_leaks;
	uint64_t nr_all_leaks;
	const struct pf_view_victim *victims; /* worst first */
	size_t nr_victims;
	const struct pf_view_killed *killed; /* most often first, in all of the time */
	size_t nr_killed;
	uint64_t nr_all_killed;		/* workloads */
	const struct pf_view_oom *ooms; /* recent ones, newest first */
	size_t nr_ooms;

	const struct pf_view_row *rows; /* of this page, sorted and filtered */
	size_t nr_rows;
	uint64_t nr_matching; /* that pass the filters, on all pages */
	uint64_t page_number, per_page;
	const struct pf_html_nav *downloads; /* the same rows in other forms */
	size_t nr_downloads;

	const char *const *namespace_choices; /* for the filter */
	size_t nr_namespace_choices;
	const struct pf_view_namespace *namespaces;
	size_t nr_namespaces_shown;
	const struct pf_view_class *classes; /* shown if there is one with a name */
	size_t nr_classes;
};

/** pf_page_fleet() - the page. Return: 0; what the buffer failed with. */
PF_MUST_CHECK int pf_page_fleet(struct pf_buf *buf, const struct pf_view_fleet *view);

#endif
