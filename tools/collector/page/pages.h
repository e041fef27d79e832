/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pages.h - the web page: the fleet, its nodes, one workload, a comparison. The formatting is report/'s;
 * here the picture is turned into its views. Each is called in a thread of the pool and answers.
 */
#ifndef PF_COLLECTOR_PAGE_PAGES_H
#define PF_COLLECTOR_PAGE_PAGES_H

#include "collector/collector.h"
#include "report/view.h"

void pf_pages_fleet(struct pf_collector *c, struct pf_http_request *req);
void pf_pages_nodes(struct pf_collector *c, struct pf_http_request *req);
void pf_pages_workload(struct pf_collector *c, struct pf_http_request *req);

/** pf_pages_reply() - answers with a finished page, with the headers every page has. */
void pf_pages_reply(struct pf_http_request *req, struct pf_buf *page);

/** pf_pages_fleet_picture() - as pf_reply_fleet(), but what there is to say is said as a page. */
struct pf_fleet *pf_pages_fleet_picture(struct pf_collector *c, struct pf_http_request *req);

/** pf_pages_message() - a page that only says something; of status 503 it loads itself again. */
void pf_pages_message(struct pf_http_request *req, unsigned status, const char *heading,
		      const char *text);

enum { PF_PAGES_ROWS = 100 }; /* of a table, on one page of it */

/** pf_pages_is_silent() - the node has not been heard of for longer than a few report intervals. */
bool pf_pages_is_silent(const struct pf_node_info *node, uint64_t now_ns);

/** pf_pages_amount() - as views have it: PF_UNKNOWN for NaN. */
uint64_t pf_pages_amount(double value);

/* The page's own query arguments. */
enum { PF_PAGES_PARAMS_MAX = 24 };
struct pf_pages_params {
	struct pf_html_param list[PF_PAGES_PARAMS_MAX];
	size_t nr;
};
void pf_pages_params(struct pf_http_request *req, struct pf_pages_params *ret_params);

#endif
