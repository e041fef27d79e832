/* SPDX-License-Identifier: Apache-2.0 */
/*
 * advice_out.h - recommendations in the forms that people and tools take: a table, data, and files to apply.
 *
 * The forms to apply hold what the chosen policy says; containers without advice are left out, and what is not a
 * Kubernetes workload is named in a comment. Amounts are exact Kubernetes quantities.
 */
#ifndef PF_REPORT_ADVICE_OUT_H
#define PF_REPORT_ADVICE_OUT_H

#include <stddef.h>

#include "base/buf.h"
#include "report/view.h"

enum pf_advice_format {
	PF_ADVICE_TABLE,     /* for a terminal */
	PF_ADVICE_JSON,	     /* {"recommendations": [...]}, the protobuf's field names */
	PF_ADVICE_YAML,	     /* the same */
	PF_ADVICE_CSV,	     /* one line a container; empty: not known */
	PF_ADVICE_PATCH,     /* kubectl patch commands, one a workload */
	PF_ADVICE_VPA,	     /* VerticalPodAutoscaler objects with status, updateMode Off */
	PF_ADVICE_KUSTOMIZE, /* a kustomization with patches */
	PF_ADVICE_HELM,	     /* values: workload, container, resources */
	PF_NR_ADVICE_FORMATS,
};

/** pf_advice_format_parse() - "table", "json", ..., "helm-values". Return: 0; -EINVAL. */
PF_MUST_CHECK int pf_advice_format_parse(const char *name, enum pf_advice_format *ret_format);

/**
 * pf_advice_print() - all rows in one form. Rows of one workload stand together in @rows.
 * Return: 0; the buffer's error.
 */
PF_MUST_CHECK int pf_advice_print(enum pf_advice_format format, const struct pf_view_row *rows,
				  size_t nr_rows, struct pf_buf *buf);

/** pf_advice_explain() - how one row's numbers came about, in words and figures. Return: 0; the buffer's error. */
PF_MUST_CHECK int pf_advice_explain(const struct pf_view_row *row, struct pf_buf *buf);

/** pf_advice_cpu(), pf_advice_memory() - an amount as a Kubernetes quantity: "250m", "2", "512Mi". */
struct pf_human pf_advice_cpu(uint64_t millicores);
struct pf_human pf_advice_memory(uint64_t bytes);

#endif
