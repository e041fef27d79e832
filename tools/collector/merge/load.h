/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load.h - stored reports back in memory, node by node.
 */
#ifndef PF_COLLECTOR_MERGE_LOAD_H
#define PF_COLLECTOR_MERGE_LOAD_H

#include "base/arena.h"
#include "base/buf.h"
#include "collector/store/store.h"
#include "core/report.h"
#include "wire/index.h"

/* Keys of stored reports, by node, in the order of pf_store_key. */
struct pf_row_list {
	struct pf_store_report *rows; /* without bodies; the strings are in the arena */
	size_t nr, cap;
	struct pf_arena names;
	const char *last_cluster, *last_node; /* names already copied */
};

/** pf_row_list_read() - the reports with slices in [@from, @to]. Return: 0; as list_reports(); -ENOMEM. */
PF_MUST_CHECK int pf_row_list_read(const struct pf_store_ops *ops, struct pf_store *store,
				   uint32_t from, uint32_t to, struct pf_row_list *ret_list);
void pf_row_list_done(struct pf_row_list *list);

/** pf_row_list_node_end() - index behind the last row of the node that row @at is of. */
size_t pf_row_list_node_end(const struct pf_row_list *list, size_t at);

struct pf_loader {
	const struct pf_store_ops *ops;
	struct pf_store *store;
	struct pf_buf inflated;
	struct pf_arena arena;		     /* what the last call gave lives here */
	uint64_t nr_unreadable;		     /* rows that cannot be decoded, since the start */
	const struct pf_wire_choice *choice; /* NULL: all of a report is wanted */
};

void pf_loader_init(struct pf_loader *loader, const struct pf_store_ops *ops,
		    struct pf_store *store, size_t max_inflated, size_t max_decoded);
void pf_loader_done(struct pf_loader *loader);

/**
 * pf_loader_node() - reads and decodes @nr rows of one node. Rows that are gone meanwhile are left
 * out, as are damaged ones (counted) and those beyond the memory limit.
 * @ret_reports: in the loader's arena, until the next call.
 * Return: 0; -errno of the store.
 */
PF_MUST_CHECK int pf_loader_node(struct pf_loader *loader, const struct pf_store_report *rows,
				 size_t nr, const struct pf_report *const **ret_reports,
				 size_t *ret_nr);

#endif
