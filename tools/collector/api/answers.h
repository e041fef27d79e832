/* SPDX-License-Identifier: Apache-2.0 */
/*
 * answers.h - the answers of /v1. Each is called in a thread of the pool and answers its request.
 */
#ifndef PF_COLLECTOR_API_ANSWERS_H
#define PF_COLLECTOR_API_ANSWERS_H

#include "collector/collector.h"

void pf_answer_recommendations(struct pf_collector *c, struct pf_http_request *req);
void pf_answer_workloads(struct pf_collector *c, struct pf_http_request *req);
void pf_answer_workload(struct pf_collector *c, struct pf_http_request *req); /* one, in full */
void pf_answer_leaks(struct pf_collector *c, struct pf_http_request *req);
void pf_answer_nodes(struct pf_collector *c, struct pf_http_request *req);
void pf_answer_node(struct pf_collector *c, struct pf_http_request *req); /* its newest report */
void pf_answer_namespaces(struct pf_collector *c, struct pf_http_request *req);
void pf_answer_fleet(struct pf_collector *c, struct pf_http_request *req);

#endif
