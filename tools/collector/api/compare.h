/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compare.h - GET /v1/compare and its page: two sets of pods over the last hours.
 *
 *	stable=, canary=   filters (core/filter.h), such as label:track=canary; both needed
 *	filter=            what both have in common, such as namespace=shop,workload=web
 *	window=2h          how far back, up to the retention of reports; see compare_gather.h for hours
 *	mode=podfit        or baseline
 *	fail_on=PAUSE      or ROLLBACK: answer 422 where the decision is that or worse, for a
 *	                   progressive-delivery controller that only looks at the status
 */
#ifndef PF_COLLECTOR_API_COMPARE_H
#define PF_COLLECTOR_API_COMPARE_H

#include "collector/collector.h"

void pf_answer_compare(struct pf_collector *c, struct pf_http_request *req);
void pf_pages_compare(struct pf_collector *c, struct pf_http_request *req);

#endif
