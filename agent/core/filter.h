/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter.h - which containers are wanted: the language of --filter and of the APIs' filter=.
 *
 *	namespace=shop,workload=web|api,container!=*-sidecar,label:app=web
 *
 * All terms must hold. A term is KEY=PATTERNS or KEY!=PATTERNS; PATTERNS are separated by '|', and
 * one of them must match the whole value ('*' any text, '?' one character, case counts). Keys:
 * namespace, workload, kind, pod, container, node, qos, and label:NAME (or label.NAME) for the
 * labels and annotations carried along. What is not known or not set is "": so label:x= holds where
 * x is not set, and label:x!=1 holds there too, as in Kubernetes' selectors.
 *
 * A term without '=' names parts of namespace/workload/container: with slashes from the left
 * ("shop/web", "shop/web/app"), a single one whichever part it matches, or the pod ("web").
 */
#ifndef PF_CORE_FILTER_H
#define PF_CORE_FILTER_H

#include "base/cleanup.h"
#include "core/types.h"

struct pf_filter;

/**
 * pf_filter_parse() - @text "" or NULL: everything.
 * @error: on -EINVAL what is wrong and where.
 * Return: 0; -EINVAL; -ENOMEM; -ENOSPC: more than 64 terms or 4 KiB.
 */
PF_MUST_CHECK int pf_filter_parse(const char *text, struct pf_filter **ret_filter, char *error,
				  size_t error_size);
void pf_filter_free(struct pf_filter *filter); /* accepts NULL */
PF_DEFINE_AUTO(struct pf_filter *, pf_filter_free);

/** pf_filter_match() - whether the container is wanted. @filter NULL: everything is. @node: its
 * node's name, NULL if not known. */
bool pf_filter_match(const struct pf_filter *filter, const char *node,
		     const struct pf_identity *identity);

/** pf_filter_glob() - whether @pattern ('*', '?') matches the whole of @text. */
bool pf_filter_glob(const char *pattern, const char *text);

#endif
