/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prometheus.h - GET /metrics: the text exposition format 0.0.4.
 *
 * Labels of container series are exactly namespace, pod, container, node, workload, workload_kind.
 */
#ifndef PF_EXPORT_PROMETHEUS_H
#define PF_EXPORT_PROMETHEUS_H

#include "base/buf.h"
#include "export/metrics.h"

/** pf_prometheus_write() - appends all metrics. Return: 0; the buffer's error; -ENOMEM. */
PF_MUST_CHECK int pf_prometheus_write(const struct pf_metrics *metrics, struct pf_buf *out);

#endif
