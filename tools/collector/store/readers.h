/* SPDX-License-Identifier: Apache-2.0 */
/*
 * readers.h - connections to the store for threads that read now and then: kept open between uses.
 */
#ifndef PF_COLLECTOR_STORE_READERS_H
#define PF_COLLECTOR_STORE_READERS_H

#include "collector/store/store.h"

struct pf_readers;

PF_MUST_CHECK int pf_readers_new(const struct pf_store_ops *ops, const char *where,
				 struct pf_readers **ret_readers);
void pf_readers_free(struct pf_readers *readers); /* accepts NULL; all were given back */
PF_DEFINE_AUTO(struct pf_readers *, pf_readers_free);

/** pf_readers_take() - a connection nobody else uses. @error: why there is none. Return: 0; as open(). */
PF_MUST_CHECK int pf_readers_take(struct pf_readers *readers, struct pf_store **ret_store,
				  char *error, size_t error_size);

/** pf_readers_give() - gives it back. @failed: it is closed, the next one may do better. */
void pf_readers_give(struct pf_readers *readers, struct pf_store *store, bool failed);

#endif
