/* SPDX-License-Identifier: Apache-2.0 */
/* page_workload_parts.h - the sections of a workload's page, one file a subject. */
#ifndef PF_REPORT_PAGE_WORKLOAD_PARTS_H
#define PF_REPORT_PAGE_WORKLOAD_PARTS_H

#include "report/page_workload.h"

/* What every section needs. */
struct pf_part {
	struct pf_buf *buf;
	const struct pf_view_workload *view;
	const struct pf_policy_result *result; /* of the policy that holds; NULL: none yet */
	const char *prefix;		       /* of ids */
	int level;			       /* of headings */
};

/** pf_part_id() - an id for @what in this page. */
struct pf_human pf_part_id(const struct pf_part *part, const char *what);

void pf_part_cpu(const struct pf_part *part);
void pf_part_waiting(const struct pf_part *part);
void pf_part_memory(const struct pf_part *part);
void pf_part_leak(const struct pf_part *part);

/** pf_part_line() - a line of the history by one of its numbers. @place: of a value within its hour,
 * 0.5: means stand in the middle, 1: states at the end. Return: pf_part_nr() points, to be freed;
 * NULL without history, or without memory (then the buffer has the error). */
struct pf_svg_point *pf_part_line(const struct pf_part *part, size_t offset, double place);
size_t pf_part_nr(const struct pf_part *part);

/** pf_part_hour() - the @i-th hour that is drawn. */
const struct pf_view_hour *pf_part_hour(const struct pf_part *part, size_t i);

#define PF_PART_LINE(part, member, place)                                                          \
	pf_part_line(part, offsetof(struct pf_view_hour, member), place)

/** pf_part_time() - a chart over the history's time: bounds, gaps, names of the x axis. */
void pf_part_time(const struct pf_part *part, struct pf_svg_chart *ret_chart);

struct pf_part_fact {
	const char *name;
	enum pf_quantity quantity;
	double value; /* NaN: not measured */
};

/** pf_part_facts() - a row of figures; nothing if none of them is known. */
void pf_part_facts(const struct pf_part *part, const struct pf_part_fact *facts, size_t nr_facts);

/** pf_part_amount() - a resource or advice for a drawing: NaN if it is not a number. */
double pf_part_amount(uint64_t amount);

#endif
