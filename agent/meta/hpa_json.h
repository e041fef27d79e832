/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hpa_json.h - reads a HorizontalPodAutoscalerList piece by piece; nothing but the metric being read
 * is kept.
 *
 * Of interest are metrics of type Resource and ContainerResource whose target is a Utilization: a
 * share of the request, so that another request changes how many replicas there are. An average
 * value is an amount and does not depend on requests.
 * Source: the Kubernetes API's HorizontalPodAutoscaler (autoscaling/v2).
 */
#ifndef PF_META_HPA_JSON_H
#define PF_META_HPA_JSON_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "core/types.h"

/* What an autoscaler scales by utilization, one for each container it names. */
struct pf_hpa_target {
	char namespace_name[PF_LABEL_NAME_MAX];
	char kind[64], name[PF_OBJECT_NAME_MAX];
	char container[PF_OBJECT_NAME_MAX]; /* "": all of the pod's */
	bool on_cpu, on_memory;
};

struct pf_hpa_json;

/** pf_hpa_json_new() - @target: called for what was found; borrowed until it returns. Return: 0;
 * -ENOMEM. */
PF_MUST_CHECK int pf_hpa_json_new(void (*target)(void *arg, const struct pf_hpa_target *target),
				  void *arg, struct pf_hpa_json **ret_parser);
void pf_hpa_json_free(struct pf_hpa_json *parser); /* accepts NULL */
PF_DEFINE_AUTO(struct pf_hpa_json *, pf_hpa_json_free);

/** pf_hpa_json_feed() - the next piece; pf_hpa_json_finish() - the text has ended. Return: 0;
 * -EBADMSG: not JSON, or cut off. */
PF_MUST_CHECK int pf_hpa_json_feed(struct pf_hpa_json *parser, const void *data, size_t len);
PF_MUST_CHECK int pf_hpa_json_finish(struct pf_hpa_json *parser);

/** pf_hpa_json_continue() - token of the next page; "": this was the last. */
const char *pf_hpa_json_continue(const struct pf_hpa_json *parser);
/** pf_hpa_json_beyond() - metrics left out: of more containers than a pod can have. */
uint64_t pf_hpa_json_beyond(const struct pf_hpa_json *parser);

#endif
