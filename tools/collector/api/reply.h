/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reply.h - answers made from a picture of the fleet: validators, compression, rows for the formatters.
 */
#ifndef PF_COLLECTOR_API_REPLY_H
#define PF_COLLECTOR_API_REPLY_H

#include "base/buf.h"
#include "collector/collector.h"
#include "collector/merge/fleet.h"
#include "report/view.h"

enum { PF_ANSWER_MAX = 512 << 20, PF_HREF_MAX = 1024 };

/** pf_reply_unmerged() - why there is no picture to answer from yet; NULL: there is one. A picture
 * that is empty because it is from before the first report counts as none. */
const char *pf_reply_unmerged(struct pf_collector *c, const struct pf_fleet *fleet);

/** pf_reply_is_behind() - reports have been stored that are not in @fleet yet. */
bool pf_reply_is_behind(struct pf_collector *c, const struct pf_fleet *fleet);

/**
 * pf_reply_fleet() - the picture to answer from; to be given back.
 * Return: NULL after an answer: 503 while there is none yet, 304 if the asker has this one.
 */
struct pf_fleet *pf_reply_fleet(struct pf_collector *c, struct pf_http_request *req);

/** pf_reply_buf() - answers 200 with what is in @body, which is empty afterwards, compressed if the
 * asker takes that; 500 if it has an error. */
void pf_reply_buf(struct pf_http_request *req, const char *content_type, struct pf_buf *body);

/** pf_reply_wants_protobuf() - by Accept, or format=protobuf. */
bool pf_reply_wants_protobuf(const struct pf_http_request *req);

/** pf_reply_row() - a workload as the formatters take it. @href: room for its page's address. */
void pf_reply_row(const struct pf_fleet_workload *workload, char href[PF_HREF_MAX],
		  struct pf_view_row *ret_row);

/** pf_reply_rows() - rows of a list, with their hrefs and small charts, in @arena. Return: 0; -ENOMEM. */
PF_MUST_CHECK int pf_reply_rows(struct pf_arena *arena, const struct pf_fleet_workload *const *list,
				size_t nr, struct pf_view_row **ret_rows);

/** pf_reply_report() - a list of workloads as an encoded NodeReport. Return: 0; -ENOMEM. */
PF_MUST_CHECK int pf_reply_report(const struct pf_fleet *fleet,
				  const struct pf_fleet_workload *const *list, size_t nr,
				  struct pf_buf *out);

#endif
