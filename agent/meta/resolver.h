/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolver.h - asks the API server for the owners of ReplicaSets and Jobs whose pods do not tell
 * (owner.h), one at a time.
 *
 * Needs the verb "get" on replicasets (apps) and jobs (batch); without it the pods' own word
 * counts, said once in the log.
 */
#ifndef PF_META_RESOLVER_H
#define PF_META_RESOLVER_H

#include "meta/source.h"

struct pf_resolver;

/** pf_resolver_new() - @base: the server's URL, copied. Return: 0; -ENOMEM; -errno. */
PF_MUST_CHECK int pf_resolver_new(struct pf_loop *loop, const struct pf_meta_source_opts *opts,
				  const char *base, struct pf_podmap *map,
				  void (*changed)(void *arg), void *arg,
				  struct pf_resolver **ret_resolver);
void pf_resolver_free(struct pf_resolver *resolver); /* accepts NULL */
PF_DEFINE_AUTO(struct pf_resolver *, pf_resolver_free);

/** pf_resolver_work() - pods may have come whose owner is to be asked for. */
void pf_resolver_work(struct pf_resolver *resolver);

#endif
