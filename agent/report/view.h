/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view.h - plain values that several pages show, and the small parts they share.
 *
 * Views borrow everything for the call. Counts are uint64_t so that PF_UNKNOWN can say "not known".
 */
#ifndef PF_REPORT_VIEW_H
#define PF_REPORT_VIEW_H

#include "core/advice.h"
#include "core/report.h"
#include "report/html.h"
#include "report/svg.h"

enum pf_page_id {
	PF_PAGE_FLEET,	  /* "/" */
	PF_PAGE_NODES,	  /* "/nodes" */
	PF_PAGE_COMPARE,  /* "/compare" */
	PF_PAGE_WORKLOAD, /* "/workloads/CLUSTER/NAMESPACE/KIND/NAME/CONTAINER", "-" for an empty
			     part */
};

/** pf_view_nav() - sets the collector's navigation with @current marked. */
void pf_view_nav(struct pf_html_page *page, enum pf_page_id current);

/* Names of one container of one workload, merged over its instances. */
struct pf_view_name {
	const char *cluster, *namespace_name, *workload, *container;
	enum pf_workload_kind kind;
	const char *node_class; /* only its instances on nodes of that class; NULL, "": all */
};

/** pf_view_href() - address of its page. @ret_href: cut to nothing if it does not fit. */
void pf_view_href(const struct pf_view_name *name, char *ret_href, size_t size);

/* One line of the workload table. */
struct pf_view_row {
	struct pf_view_name name;
	enum pf_container_type type; /* which list of the pod template it is in */
	const char *href;	     /* NULL: the name is no link */
	uint64_t nr_instances, nr_nodes;
	const struct pf_resources *present;  /* NULL: not known */
	const struct pf_recommendation *rec; /* NULL: none yet */
	const struct pf_leak_finding *leak;  /* NULL: none */
	const struct pf_svg_point *demand;   /* for the sparkline, millicores; NULL: none */
	size_t nr_demand;
};

/** pf_view_result() - what the policy that holds says; NULL: nothing yet, or @rec is NULL.
 * pf_view_result_of() - a named policy's. */
const struct pf_policy_result *pf_view_result(const struct pf_recommendation *rec);
const struct pf_policy_result *pf_view_result_of(const struct pf_recommendation *rec,
						 const char *policy);

/** pf_view_rows() - the workload table. @query: NULL: without sort links; else its "sort" is name,
 * instances, cpu, memory, risk or savings, "-" before it for downwards. */
void pf_view_rows(struct pf_buf *buf, const char *caption, const struct pf_view_row *rows,
		  size_t nr_rows, const struct pf_html_query *query);

/** pf_view_change() - "500m -> 250m" for a request (@limit false) or limit. @advised PF_UNKNOWN:
 * is left as it is. */
void pf_view_change(struct pf_buf *buf, enum pf_quantity quantity, uint64_t present,
		    uint64_t advised, bool limit);

/** pf_view_savings() - "1.2 cores, 3 GiB" or money; what it costs where it is negative. */
void pf_view_savings(struct pf_buf *buf, const struct pf_savings *savings);

/** pf_view_card() - a figure with its name. @value: a text, escaped here. */
void pf_view_card(struct pf_buf *buf, const char *label, const char *value, const char *sub);

/** pf_view_slope() - "12 MiB/h (9 to 15)". pf_view_eta() - "in 5 h (3 h to 9 h)", "not in sight".
 */
void pf_view_slope(struct pf_buf *buf, const struct pf_leak_finding *leak);
void pf_view_eta(struct pf_buf *buf, uint64_t now_unix_ns, const struct pf_leak_finding *leak);

/* A leak seen in several instances of a workload is one finding with its spread. */
struct pf_view_spread {
	uint64_t nr_instances, nr_nodes; /* that leak; 0 or PF_UNKNOWN: not told */
	double slope_min, slope_max;	 /* bytes an hour over them; NaN */
	const char *worst;		 /* where the one shown is; NULL: not told */
};

/** pf_view_spread() - "5 instances on 3 nodes, 9 to 30 MiB/h; worst on node-7". */
void pf_view_spread(struct pf_buf *buf, const struct pf_view_spread *spread);

/** pf_view_glossary() - what the words mean, folded away; for the end of a page. */
void pf_view_glossary(struct pf_buf *buf);

/** pf_page_message() - a page that only says something, such as that there is no such workload.
 * Return: 0; what the buffer failed with. */
PF_MUST_CHECK int pf_page_message(struct pf_buf *buf, const struct pf_html_page *page,
				  const char *heading, const char *text);

/* An OOM kill for the tables. */
struct pf_view_oom {
	struct pf_view_name name;
	const char *href, *node, *pod;
	const struct pf_report_oom *kill;
};

/** pf_view_ooms() - table of kills, newest first as given. */
void pf_view_ooms(struct pf_buf *buf, uint64_t now_unix_ns, const struct pf_view_oom *kills,
		  size_t nr_kills, uint64_t nr_all);

#endif
