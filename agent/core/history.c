// SPDX-License-Identifier: Apache-2.0
#include "core/history.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"

struct pf_histories {
	struct pf_map *by_key;
	uint32_t max;
	uint64_t nr_refused, nr_dropped;
};

int pf_histories_new(uint32_t max_histories, struct pf_histories **ret_histories)
{
	struct pf_histories *histories = calloc(1, sizeof(*histories));
	int r;

	if (!histories)
		return -ENOMEM;
	histories->max = max_histories;
	r = pf_map_new_str(max_histories, &histories->by_key);
	if (r < 0) {
		free(histories);
		return r;
	}
	*ret_histories = histories;
	return 0;
}

static void history_free(struct pf_history *history)
{
	pf_evidence_packed_done(&history->packed);
	free(history->key);
	free(history);
}

void pf_histories_free(struct pf_histories *histories)
{
	struct pf_history *history;

	if (!histories)
		return;
	pf_histories_for_each(histories, cursor, history) history_free(history);
	pf_map_free(histories->by_key);
	free(histories);
}

void pf_history_key(const struct pf_identity *identity, char ret_key[PF_HISTORY_KEY_MAX])
{
	/* No part can hold a control character: they are Kubernetes names, or names of files. */
	(void)snprintf(ret_key, PF_HISTORY_KEY_MAX, "%s\x1f%s\x1f%s\x1f%s",
		       identity->namespace_name, pf_workload_kind_name(identity->workload_kind),
		       identity->workload, identity->container);
}

static void drop_oldest(struct pf_histories *histories)
{
	struct pf_history *history, *oldest = NULL;

	pf_histories_for_each(histories, cursor,
			      history) if (!history->nr_living &&
					   (!oldest || history->touched_ns < oldest->touched_ns))
		oldest = history;
	if (!oldest)
		return;
	histories->nr_dropped++;
	(void)pf_map_remove_str(histories->by_key, oldest->key);
	history_free(oldest);
}

int pf_histories_get(struct pf_histories *histories, const char *key, uint64_t now_ns,
		     struct pf_history **ret_history)
{
	struct pf_history *history = pf_map_get_str(histories->by_key, key);
	int r;

	if (history) {
		history->touched_ns = now_ns;
		*ret_history = history;
		return 0;
	}
	if (pf_map_count(histories->by_key) >= histories->max)
		drop_oldest(histories);
	history = calloc(1, sizeof(*history));
	if (!history)
		return -ENOMEM;
	history->key = strdup(key);
	history->touched_ns = now_ns;
	r = history->key ? pf_map_put_str(histories->by_key, key, history) : -ENOMEM;
	if (r < 0) {
		histories->nr_refused += r == -ENOSPC;
		history_free(history);
		return r;
	}
	*ret_history = history;
	return 0;
}

int pf_history_evidence(const struct pf_history *history, struct pf_evidence **ret_evidence)
{
	struct pf_vpa_settings settings;

	if (history->packed.size)
		return pf_evidence_unpack(&history->packed, ret_evidence);
	pf_vpa_settings_default(&settings);
	return pf_evidence_new(&settings, ret_evidence);
}

int pf_history_set(struct pf_history *history, const struct pf_evidence *evidence)
{
	struct pf_evidence_packed packed;
	int r = pf_evidence_pack(evidence, &packed);

	if (r < 0)
		return r;
	pf_evidence_packed_done(&history->packed);
	history->packed = packed;
	return 0;
}

int pf_history_take(struct pf_history *history, const char *instance, const struct pf_slice *slice,
		    uint64_t now_ns)
{
	PF_AUTO(pf_evidence_freep) struct pf_evidence *evidence = NULL;
	int r = pf_history_evidence(history, &evidence);

	history->touched_ns = now_ns;
	if (r == 0)
		r = pf_evidence_add_slice(evidence, pf_evidence_instance_id(instance), slice);
	return r < 0 ? r : pf_history_set(history, evidence);
}

int pf_histories_rebase(struct pf_histories *histories, int64_t now_unix_ns)
{
	struct pf_history *history;
	int r = 0;

	pf_histories_for_each(histories, cursor, history)
	{
		PF_AUTO(pf_evidence_freep) struct pf_evidence *evidence = NULL;
		int r_one = history->packed.size ? pf_history_evidence(history, &evidence) : 0;

		if (r_one == 0 && evidence) {
			pf_evidence_rebase(evidence, now_unix_ns);
			r_one = pf_history_set(history, evidence);
		}
		r = r < 0 ? r : r_one;
	}
	return r;
}

struct pf_history *pf_histories_next(const struct pf_histories *histories, size_t *cursor)
{
	return pf_map_next(histories->by_key, cursor);
}

size_t pf_histories_count(const struct pf_histories *histories)
{
	return pf_map_count(histories->by_key);
}

uint64_t pf_histories_nr_refused(const struct pf_histories *histories)
{
	return histories->nr_refused;
}

uint64_t pf_histories_nr_dropped(const struct pf_histories *histories)
{
	return histories->nr_dropped;
}
