/* SPDX-License-Identifier: Apache-2.0 */
/*
 * otlp.h - the metrics of metrics.h as an OTLP request; export/push.h sends it (pf_push_otlp).
 *
 * Attributes of containers follow OpenTelemetry's names (k8s.namespace.name, k8s.pod.name,
 * k8s.container.name), and podfit.workload, podfit.workload.kind; the resource has service.name,
 * service.version, service.instance.id (the run), k8s.node.name, k8s.cluster.name.
 */
#ifndef PF_EXPORT_OTLP_H
#define PF_EXPORT_OTLP_H

#include "base/arena.h"
#include "base/buf.h"
#include "export/metrics.h"

/**
 * pf_otlp_write() - appends the request.
 * @arena: for what is between the metrics and the message.
 * Return: 0; -ENOMEM; -ENOSPC from the arena or the buffer.
 */
PF_MUST_CHECK int pf_otlp_write(const struct pf_metrics *metrics, struct pf_arena *arena,
				struct pf_buf *out);

#endif
