/* SPDX-License-Identifier: Apache-2.0 */
/*
 * picture.h - one snapshot of the fleet from what is in the store and the base.
 *
 * With many workloads it is made in parts: every report is read once for each part, and decoded but
 * for the containers of other parts; so the evidence of one part only is in memory at a time. The
 * result is the same in however many parts it is made.
 */
#ifndef PF_COLLECTOR_MERGE_PICTURE_H
#define PF_COLLECTOR_MERGE_PICTURE_H

#include "collector/merge/build.h"
#include "collector/merge/load.h"

struct pf_picture_input {
	const struct pf_store_ops *ops;
	struct pf_store *store;
	struct pf_loader *loader;
	struct pf_nodes *nodes; /* told what the reports say of their nodes; NULL: none */
	const struct pf_base *base;
	const struct pf_policy *policy; /* NULL: podfit's own rules */
	const struct pf_vpa_settings *settings;
	const char *node_class_label;
	size_t max_workloads;
	uint32_t from; /* the first hour that is open */
	uint64_t now_unix_ns;
	size_t dense_max; /* 0: PF_MERGE_DENSE_MAX */
};

/**
 * pf_picture_make() - reads the store as it is at one moment.
 * @nr_parts: where to begin, 0 where nothing is known; set to what the next picture should begin
 * with. Too few are noticed, and it begins anew with more.
 * Return: 0; -errno of the store; -ENOMEM.
 */
PF_MUST_CHECK int pf_picture_make(const struct pf_picture_input *in, uint32_t *nr_parts,
				  struct pf_fleet **ret_fleet);

#endif
