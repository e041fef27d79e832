/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter.h - which containers a command is about: --filter=KEY=PATTERN[,KEY=PATTERN...].
 *
 * Keys: namespace, pod, workload, container, node, kind, qos, label:NAME. A pattern may have * and
 * ?; all parts must match. Without KEY= the pattern is looked for in workload, container and pod.
 */
#ifndef PF_CTL_FILTER_H
#define PF_CTL_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#include "core/report.h"

enum { PF_FILTER_PARTS_MAX = 16 };

struct pf_filter {
	char *text; /* the parts point into it */
	struct {
		const char *key; /* NULL: any name */
		const char *pattern;
	} parts[PF_FILTER_PARTS_MAX];
	size_t nr_parts;
};

/** pf_filter_parse() - an empty @text lets all through. Return: 0; -EINVAL with @error; -ENOMEM. */
int pf_filter_parse(const char *text, struct pf_filter *ret_filter, char *error, size_t error_size);
void pf_filter_done(struct pf_filter *filter);
bool pf_filter_match(const struct pf_filter *filter, const struct pf_report *report,
		     const struct pf_report_container *container);

#endif
