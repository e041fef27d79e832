/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api.h - from a request to its answer: who may, which route, and the answers that are not long
 * enough for a file of their own.
 */
#ifndef PF_COLLECTOR_API_API_H
#define PF_COLLECTOR_API_API_H

#include "base/buf.h"
#include "collector/collector.h"

/** pf_api_admit(), pf_api_handle() - for struct pf_http_server_opts; @arg: struct pf_collector. */
bool pf_api_admit(void *arg, struct pf_http_request *req);
void pf_api_handle(void *arg, struct pf_http_request *req);

/* Handlers; each answers. */
void pf_api_metrics(struct pf_collector *c, struct pf_http_request *req);

#endif
