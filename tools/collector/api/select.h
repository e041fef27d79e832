/* SPDX-License-Identifier: Apache-2.0 */
/*
 * select.h - which workloads of the fleet a request asks for, in which order, and which page of them.
 *
 * Query arguments, all optional:
 *
 *	filter=...          core/filter.h's language
 *	cluster, namespace, kind, workload, container=...    exact
 *	verdict=MEMORY_LEAK (may repeat: any of them), action=INCREASE_LIMITS
 *	q=text              part of namespace/workload/container
 *	node_classes=true   also DaemonSets by class of node; node_class=... only that
 *	sort=name|instances|cpu|memory|risk|savings, "-" before it for downwards
 *	limit=N, page=N     from 1
 */
#ifndef PF_COLLECTOR_API_SELECT_H
#define PF_COLLECTOR_API_SELECT_H

#include "collector/merge/fleet.h"
#include "core/filter.h"
#include "sys/http_server.h"

enum { PF_SELECT_VERDICTS_MAX = 16, PF_SELECT_LIMIT_MAX = 100000 };

enum pf_select_sort {
	PF_SELECT_BY_NAME,
	PF_SELECT_BY_INSTANCES,
	PF_SELECT_BY_CPU,
	PF_SELECT_BY_MEMORY,
	PF_SELECT_BY_RISK,
	PF_SELECT_BY_SAVINGS,
	PF_NR_SELECT_SORTS,
};

struct pf_select {
	struct pf_filter *filter;
	const char *cluster, *namespace_name, *workload, *container, *node_class,
		*q; /* NULL: any */
	enum pf_workload_kind kind;
	bool has_kind, node_classes, leaks_only, descending;
	enum pf_verdict verdicts[PF_SELECT_VERDICTS_MAX];
	size_t nr_verdicts;
	enum pf_action action;
	enum pf_select_sort sort;
	uint64_t limit, page;
};

/**
 * pf_select_parse() - from the request's query. The strings live as long as the request.
 * @error: names the argument and what would be right.
 * Return: 0; -EINVAL; -ENOMEM.
 */
PF_MUST_CHECK int pf_select_parse(const struct pf_http_request *req, uint64_t default_limit,
				  struct pf_select *ret_select, char *error, size_t error_size);
void pf_select_done(struct pf_select *select);

/**
 * pf_select_run() - what is asked for, sorted; ties by key, so that pages never overlap.
 * @ret_list: all that match, to be freed with free(); the page is *@ret_page of it.
 * Return: 0; -ENOMEM.
 */
PF_MUST_CHECK int pf_select_run(const struct pf_select *select, const struct pf_fleet *fleet,
				const struct pf_fleet_workload ***ret_list, size_t *ret_nr,
				const struct pf_fleet_workload *const **ret_page,
				size_t *ret_nr_page);

#endif
