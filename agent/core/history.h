/* SPDX-License-Identifier: Apache-2.0 */
/*
 * history.h - what is known of each workload's container on this node, for longer than its pods
 * live. Key: namespace, workload kind, workload, container name.
 *
 * A slice is taken once, when it is final; the slices of hours that are still open are added to a
 * copy when a recommendation is made. Bounded: the history not touched for longest goes, if nothing
 * of it lives.
 */
#ifndef PF_CORE_HISTORY_H
#define PF_CORE_HISTORY_H

#include <stdint.h>

#include "base/cleanup.h"
#include "core/advice.h"
#include "core/evidence_pack.h"
#include "core/types.h"

enum {
	/* namespace, kind, workload, container and the separators */
	PF_HISTORY_KEY_MAX = PF_LABEL_NAME_MAX + 16 + 2 * PF_OBJECT_NAME_MAX + 4,
};

struct pf_history {
	char *key;
	struct pf_evidence_packed packed; /* evidence of final slices; empty: none yet */
	uint64_t touched_ns;		  /* CLOCK_MONOTONIC */
	uint32_t nr_living;	 /* containers that count on it; it stays while there are any */
	enum pf_verdict verdict; /* first finding of the newest recommendation */
	bool advised;		 /* it held amounts */
	struct pf_amounts cpu, memory;
};

struct pf_histories;

/** pf_histories_new() - Return: 0; -ENOMEM. */
PF_MUST_CHECK int pf_histories_new(uint32_t max_histories, struct pf_histories **ret_histories);
void pf_histories_free(struct pf_histories *histories); /* accepts NULL */
PF_DEFINE_AUTO(struct pf_histories *, pf_histories_free);

/** pf_history_key() - the key of a container. */
void pf_history_key(const struct pf_identity *identity, char ret_key[PF_HISTORY_KEY_MAX]);

/** pf_histories_get() - finds it or makes an empty one. Return: 0; -ENOSPC: full of living ones
 * (counted); -ENOMEM. */
PF_MUST_CHECK int pf_histories_get(struct pf_histories *histories, const char *key, uint64_t now_ns,
				   struct pf_history **ret_history);

/** pf_history_evidence() - what final slices have told so far, as a copy; empty evidence if none has.
 * Return: 0; -ENOMEM. */
PF_MUST_CHECK int pf_history_evidence(const struct pf_history *history,
				      struct pf_evidence **ret_evidence);

/** pf_history_set() - its evidence is this from now on. Return: 0; -ENOMEM: it is as it was. */
PF_MUST_CHECK int pf_history_set(struct pf_history *history, const struct pf_evidence *evidence);

/** pf_histories_rebase() - pf_evidence_rebase() of all. Return: 0; -ENOMEM: some are as they were. */
PF_MUST_CHECK int pf_histories_rebase(struct pf_histories *histories, int64_t now_unix_ns);

/** pf_history_take() - takes a final slice of the instance. Return: 0; -ENOMEM. */
PF_MUST_CHECK int pf_history_take(struct pf_history *history, const char *instance,
				  const struct pf_slice *slice, uint64_t now_ns);

struct pf_history *pf_histories_next(const struct pf_histories *histories, size_t *cursor);
#define pf_histories_for_each(histories, cursor, history)                                          \
	for (size_t cursor = 0; ((history) = pf_histories_next((histories), &cursor)) != NULL;)

size_t pf_histories_count(const struct pf_histories *histories);
uint64_t pf_histories_nr_refused(const struct pf_histories *histories);
uint64_t pf_histories_nr_dropped(const struct pf_histories *histories);

#endif
