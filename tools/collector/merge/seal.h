/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seal.h - hours that are over become summaries in the store and part of the base; old hours become
 * days; what is older than the retention goes.
 */
#ifndef PF_COLLECTOR_MERGE_SEAL_H
#define PF_COLLECTOR_MERGE_SEAL_H

#include "collector/merge/base.h"
#include "collector/merge/load.h"

struct pf_seal_input {
	const struct pf_store_ops *ops;
	struct pf_store *store;
	struct pf_loader *loader;
	const struct pf_vpa_settings *settings;
	const char *node_class_label;
	size_t max_workloads;
	struct pf_base *base;
	uint32_t open_from; /* hours before it are over */
	uint32_t now_hour;  /* not before that of any pf_forget() */
	uint32_t report_hours;
	uint32_t window_from; /* summaries of older hours are not looked at */
	bool look_for_late;   /* read the keys of all reports, to find hours that changed */
	uint32_t nr_parts;    /* in which hours are merged, so that not all evidence is in memory */
};

/**
 * pf_seal() - summaries of every hour that is over and has none, or has changed since; then brings the
 * base up to what the store has.
 * Hours of which pf_forget() has not left every report stay as they are: made again from the rest they
 * would lose what ended in them.
 * @ret_nr_sealed: hours made into summaries; set in any case.
 * Return: 0; -errno of the store; -ENOMEM.
 */
PF_MUST_CHECK int pf_seal(const struct pf_seal_input *input, uint64_t *ret_nr_sealed);

struct pf_forget_input {
	const struct pf_store_ops *ops;
	struct pf_store *store;
	const struct pf_vpa_settings *settings;
	size_t max_workloads;
	uint32_t now_hour;
	uint32_t report_hours, retention_hours;
	uint64_t max_bytes; /* 0: no limit */
	uint32_t nr_parts;  /* as of pf_seal_input */
};

/**
 * pf_forget() - old reports and summaries go, old hours become days; then, while the store is larger
 * than it may be, the oldest of what is left. Raises PF_MARK_WHOLE_FROM with every report that goes.
 * @line: what is worth telling; "" if nothing is.
 * Return: 0; -errno of the store; -ENOMEM.
 */
PF_MUST_CHECK int pf_forget(const struct pf_forget_input *input, struct pf_store_size *ret_size,
			    char *line, size_t line_size);

/** pf_seal_day_fingerprint() - of a day, from the seals of its hours; 0 of none. */
uint64_t pf_seal_day_fingerprint(const struct pf_store_sealed *seals, size_t nr,
				 uint32_t start_hour);

/* Seals read from the store. */
struct pf_seal_list {
	struct pf_store_sealed *seals;
	size_t nr, cap;
};
PF_MUST_CHECK int pf_seal_list_read(const struct pf_store_ops *ops, struct pf_store *store,
				    struct pf_seal_list *ret_list);
void pf_seal_list_done(struct pf_seal_list *list);
const struct pf_store_sealed *pf_seal_list_find(const struct pf_seal_list *list,
						enum pf_summary_level level, uint32_t start_hour);

/** pf_seal_write() - replaces the summaries of one hour or day by those of @set, which is packed; a day
 * in one transaction, which also takes out its hours'. Return: 0; -errno of the store; -ENOMEM. */
PF_MUST_CHECK int pf_seal_write(const struct pf_store_ops *ops, struct pf_store *store,
				struct pf_merge_set *set, const struct pf_store_sealed *sealed);

#endif
