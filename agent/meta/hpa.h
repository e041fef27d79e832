/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hpa.h - which workloads a HorizontalPodAutoscaler scales on CPU or memory utilization. For those
 * another request changes the number of replicas, and advice has to say so.
 *
 * Opt-in, because each node's agent lists the autoscalers of the whole cluster: every ten minutes,
 * from the server's cache, each agent at another moment. What was known stays known while the server
 * does not answer.
 */
#ifndef PF_META_HPA_H
#define PF_META_HPA_H

#include "meta/hpa_json.h"
#include "meta/source.h"

enum { PF_HPA_TARGETS_MAX = 16384 }; /* of the cluster; more are not known and counted */

struct pf_hpa;

/** pf_hpa_new() - @server: its strings are the caller's as long as it lives. @changed: a list has
 * come. Return: 0; -ENOMEM; -errno. */
PF_MUST_CHECK int pf_hpa_new(struct pf_loop *loop, const struct pf_meta_server *server,
			     void (*changed)(void *arg), void *arg, struct pf_hpa **ret_hpa);
void pf_hpa_free(struct pf_hpa *hpa); /* accepts NULL */
PF_DEFINE_AUTO(struct pf_hpa *, pf_hpa_free);

/** pf_hpa_fill() - sets the identity's hpa_* by its names, once a list has come. */
void pf_hpa_fill(const struct pf_hpa *hpa, struct pf_identity *identity);

/** pf_hpa_refused() - what the newest list had beyond the maxima. */
uint64_t pf_hpa_refused(const struct pf_hpa *hpa);

#endif
