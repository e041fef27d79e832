/* SPDX-License-Identifier: Apache-2.0 */
/*
 * otlp.h - metrics as an OTLP request (ExportMetricsServiceRequest), for POST /v1/metrics.
 *
 * Plain values that own nothing. Text that is not UTF-8 has its bad bytes replaced by '?'; an
 * attribute without a value is left out.
 */
#ifndef PF_WIRE_OTLP_H
#define PF_WIRE_OTLP_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"

struct pf_otlp_attribute {
	const char *key, *value;
};

/* What the points of one container, reason, ... have in common. */
struct pf_otlp_attributes {
	const struct pf_otlp_attribute *list;
	size_t nr;
};

enum pf_otlp_kind {
	PF_OTLP_GAUGE,
	PF_OTLP_SUM,	   /* monotonic, cumulative */
	PF_OTLP_HISTOGRAM, /* cumulative */
};

struct pf_otlp_point {
	size_t set;		/* its attributes: index into the request's sets */
	uint64_t start_unix_ns; /* since when sums and histograms count; 0: not known */
	double value;		/* of a histogram: the sum */
	const uint64_t
		*counts; /* of a histogram, nr_bounds + 1: each bucket alone, not cumulative */
};

struct pf_otlp_metric {
	const char *name, *description, *unit; /* unit as UCUM writes it: "s", "By", "{cpu}" */
	enum pf_otlp_kind kind;
	const struct pf_otlp_point *points;
	size_t nr_points;
	const double *bounds; /* of a histogram: inclusive upper edges, rising */
	size_t nr_bounds;
};

struct pf_otlp_request {
	struct pf_otlp_attributes resource;
	const struct pf_otlp_attributes *sets; /* each made once, however many points have it */
	size_t nr_sets;
	const char *scope, *scope_version;
	uint64_t at_unix_ns; /* of all points */
	const struct pf_otlp_metric *metrics;
	size_t nr_metrics;
};

/** pf_otlp_encode() - appends the request. Return: 0; -ENOMEM; -ENOSPC beyond the buffer's maximum;
 * on failure @out is as it was. */
PF_MUST_CHECK int pf_otlp_encode(const struct pf_otlp_request *request, struct pf_buf *out);

#endif
