// SPDX-License-Identifier: Apache-2.0
#include "collector/merge/load.h"

#include <errno.h>
#include <string.h>

#include "collector/ingest/gunzip.h"

enum { NAMES_BYTES_MAX = 512 << 20, ROWS_MAX = 1 << 26 };

/* Rows come by node, so that a name is mostly the one before. */
static const char *keep_name(struct pf_row_list *list, const char *name, const char **last)
{
	if (!*last || strcmp(*last, name) != 0)
		*last = pf_arena_strdup(&list->names, name);
	return *last;
}

static int take_row(void *arg, const struct pf_store_report *report)
{
	struct pf_row_list *list = arg;
	struct pf_store_report row = *report;

	if (list->nr == list->cap) {
		size_t cap = list->cap ? list->cap * 2 : 256;
		void *rows = cap <= ROWS_MAX ? realloc(list->rows, cap * sizeof(row)) : NULL;

		if (!rows)
			return -ENOMEM;
		list->rows = rows;
		list->cap = cap;
	}
	row.key.cluster = keep_name(list, report->key.cluster, &list->last_cluster);
	row.key.node = keep_name(list, report->key.node, &list->last_node);
	if (!row.key.cluster || !row.key.node)
		return -ENOMEM;
	list->rows[list->nr++] = row;
	return 0;
}

int pf_row_list_read(const struct pf_store_ops *ops, struct pf_store *store, uint32_t from,
		     uint32_t to, struct pf_row_list *ret_list)
{
	struct pf_row_list list = { .nr = 0 };
	int r;

	pf_arena_init(&list.names, NAMES_BYTES_MAX);
	r = ops->list_reports(store, from, to, take_row, &list);
	if (r < 0) {
		pf_row_list_done(&list);
		return r;
	}
	*ret_list = list;
	return 0;
}

void pf_row_list_done(struct pf_row_list *list)
{
	free(list->rows);
	pf_arena_done(&list->names);
	list->rows = NULL;
	list->nr = list->cap = 0;
}

size_t pf_row_list_node_end(const struct pf_row_list *list, size_t at)
{
	const struct pf_store_key *key = &list->rows[at].key;

	while (at < list->nr && !strcmp(list->rows[at].key.node, key->node) &&
	       !strcmp(list->rows[at].key.cluster, key->cluster))
		at++;
	return at;
}

void pf_loader_init(struct pf_loader *loader, const struct pf_store_ops *ops,
		    struct pf_store *store, size_t max_inflated, size_t max_decoded)
{
	*loader = (struct pf_loader){ .ops = ops, .store = store };
	pf_buf_init(&loader->inflated, max_inflated);
	pf_arena_init(&loader->arena, max_decoded);
}

void pf_loader_done(struct pf_loader *loader)
{
	pf_buf_done(&loader->inflated);
	pf_arena_done(&loader->arena);
}

struct loading {
	struct pf_loader *loader;
	struct pf_report *report;
	bool taken;
};

static int take_body(void *arg, const struct pf_store_report *row)
{
	struct loading *loading = arg;
	struct pf_loader *loader = loading->loader;
	struct pf_wire_error error;
	const void *data = row->body;
	size_t len = row->body_len;
	int r = 0;

	pf_buf_reset(&loader->inflated);
	if (row->encoding == PF_STORE_GZIP) {
		r = pf_gunzip(row->body, row->body_len, &loader->inflated);
		data = loader->inflated.data;
		len = loader->inflated.len;
	}
	if (r == 0 && loader->choice)
		r = pf_wire_decode_some(data, len, loader->choice, &loader->arena, loading->report,
					&error);
	else if (r == 0)
		r = pf_wire_decode_report(data, len, &loader->arena, loading->report, &error);
	loading->taken = r == 0;
	if (r < 0 && r != -ENOMEM)
		loader->nr_unreadable++;
	return r == -ENOMEM ? r : 0;
}

int pf_loader_node(struct pf_loader *loader, const struct pf_store_report *rows, size_t nr,
		   const struct pf_report *const **ret_reports, size_t *ret_nr)
{
	const struct pf_report **reports;
	struct pf_report *all;
	size_t nr_taken = 0;

	pf_arena_reset(&loader->arena);
	reports = pf_arena_array(&loader->arena, nr + 1, sizeof(*reports));
	all = pf_arena_array(&loader->arena, nr + 1, sizeof(*all));
	if (!reports || !all)
		return -ENOMEM;
	/* The newest last in a list by run and sequence; they matter most if memory is short. */
	for (size_t i = nr; i-- > 0;) {
		struct loading loading = { .loader = loader, .report = &all[nr_taken] };
		int r = loader->ops->get_report(loader->store, &rows[i].key, take_body, &loading);

		if (r < 0 && r != -ENOENT)
			return r;
		if (loading.taken)
			reports[nr_taken] = &all[nr_taken];
		nr_taken += loading.taken;
		if (loader->arena.err == -ENOSPC)
			break; /* the rest would not fit either */
	}
	*ret_reports = reports;
	*ret_nr = nr_taken;
	return 0;
}
