// SPDX-License-Identifier: Apache-2.0
#include "collector/api/select.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/parse.h"
#include "collector/merge/set.h"
#include "core/recommend.h"
#include "report/html.h"

static const char *const sort_names[PF_NR_SELECT_SORTS] = { "name",   "instances", "cpu",
							    "memory", "risk",	   "savings" };

/* A core is priced like so much memory by the large clouds: only for an order, where prices are not
 * known. */
#define BYTES_PER_MILLICORE (8.0 * 1073741824.0 / 1000.0)

/* ---- parsing ---- */

static int bad(char *error, size_t error_size, const char *name, const char *value,
	       const char *want)
{
	(void)snprintf(error, error_size, "%s=%.100s: want %s", name, value, want);
	return -EINVAL;
}

static int parse_sort(const char *text, struct pf_select *select, char *error, size_t error_size)
{
	const char *name = text;

	select->descending = *name == '-';
	name += select->descending;
	for (int i = 0; i < PF_NR_SELECT_SORTS; i++) {
		if (strcmp(name, sort_names[i]) != 0)
			continue;
		select->sort = i;
		return 0;
	}
	return bad(error, error_size, "sort", text,
		   "name, instances, cpu, memory, risk or savings, with - before it for downwards");
}

static int parse_number(const struct pf_http_request *req, const char *name, uint64_t max,
			uint64_t *ret_value, char *error, size_t error_size)
{
	const char *text = pf_http_query(req, name);
	uint64_t value;

	if (!text || !*text)
		return 0;
	if (pf_parse_u64(text, &value) < 0 || !value || value > max)
		return bad(error, error_size, name, text, "a number from 1 to 100000");
	*ret_value = value;
	return 0;
}

struct verdicts {
	struct pf_select *select;
	const char *unknown;
};

static void take_verdict(void *arg, const char *name, const char *value)
{
	struct verdicts *v = arg;
	struct pf_select *select = v->select;
	enum pf_verdict verdict;

	if (strcmp(name, "verdict") != 0 || !*value)
		return;
	verdict = pf_verdict_parse(value);
	if (verdict == PF_VERDICT_NONE)
		v->unknown = "a verdict such as CPU_THROTTLED";
	else if (select->nr_verdicts == PF_SELECT_VERDICTS_MAX)
		v->unknown = "at most 16 of them";
	else
		select->verdicts[select->nr_verdicts++] = verdict;
}

static int parse_action(const char *text, struct pf_select *select, char *error, size_t error_size)
{
	for (int i = 1; i < PF_NR_ACTIONS; i++) {
		if (strcmp(pf_action_name(i), text) != 0)
			continue;
		select->action = i;
		return 0;
	}
	return bad(error, error_size, "action", text, "an action such as INCREASE_LIMITS");
}

static const char *text_of(const struct pf_http_request *req, const char *name)
{
	const char *text = pf_http_query(req, name);

	return text && *text ? text : NULL;
}

static int parse_kind(const struct pf_http_request *req, struct pf_select *select, char *error,
		      size_t error_size)
{
	const char *text = text_of(req, "kind");

	if (!text)
		return 0;
	select->has_kind = true;
	select->kind = pf_workload_kind_parse(text);
	if (select->kind == PF_WORKLOAD_UNKNOWN)
		return bad(error, error_size, "kind", text, "a kind such as Deployment");
	return 0;
}

static int parse_all(const struct pf_http_request *req, struct pf_select *select, char *error,
		     size_t error_size)
{
	struct verdicts verdicts = { .select = select };
	const char *text;
	int r = pf_filter_parse(pf_http_query(req, "filter"), &select->filter, error, error_size);

	if (r == 0)
		r = parse_kind(req, select, error, error_size);
	if (r < 0)
		return r;
	select->cluster = text_of(req, "cluster");
	select->namespace_name = text_of(req, "namespace");
	select->workload = text_of(req, "workload");
	select->container = text_of(req, "container");
	select->node_class = text_of(req, "node_class");
	select->q = text_of(req, "q");
	text = text_of(req, "node_classes");
	if (text && pf_parse_bool(text, &select->node_classes) < 0)
		return bad(error, error_size, "node_classes", text, "true or false");
	pf_http_query_each(req, take_verdict, &verdicts);
	if (verdicts.unknown)
		return bad(error, error_size, "verdict", pf_http_query(req, "verdict"),
			   verdicts.unknown);
	text = text_of(req, "action");
	if (text)
		r = parse_action(text, select, error, error_size);
	text = text_of(req, "sort");
	if (r == 0 && text)
		r = parse_sort(text, select, error, error_size);
	if (r == 0)
		r = parse_number(req, "limit", PF_SELECT_LIMIT_MAX, &select->limit, error,
				 error_size);
	if (r == 0)
		r = parse_number(req, "page", PF_SELECT_LIMIT_MAX, &select->page, error,
				 error_size);
	return r;
}

int pf_select_parse(const struct pf_http_request *req, uint64_t default_limit,
		    struct pf_select *ret_select, char *error, size_t error_size)
{
	struct pf_select select = { .limit = default_limit, .page = 1 };
	int r = parse_all(req, &select, error, error_size);

	if (r < 0) {
		pf_select_done(&select);
		return r;
	}
	*ret_select = select;
	return 0;
}

void pf_select_done(struct pf_select *select)
{
	pf_filter_free(select->filter);
	select->filter = NULL;
}

/* ---- matching ---- */

static bool has_verdict(const struct pf_select *select, const struct pf_fleet_workload *w)
{
	if (!select->nr_verdicts)
		return true;
	for (size_t i = 0; i < w->recommendation.nr_findings; i++)
		for (size_t v = 0; v < select->nr_verdicts; v++)
			if (w->recommendation.findings[i].verdict == select->verdicts[v])
				return true;
	return false;
}

static bool has_action(const struct pf_select *select, const struct pf_fleet_workload *w)
{
	if (select->action == PF_ACTION_NONE)
		return true;
	for (size_t i = 0; i < w->recommendation.nr_findings; i++)
		if (w->recommendation.findings[i].action == select->action)
			return true;
	return false;
}

static bool matches_filter(const struct pf_select *select, const struct pf_fleet_workload *w)
{
	struct pf_identity named = { .workload_kind = w->key.kind };

	if (!select->filter)
		return true;
	if (w->identity)
		named = *w->identity;
	/* A workload is asked for, not the pod that happens to be its newest. */
	named.pod[0] = '\0';
	(void)snprintf(named.namespace_name, sizeof(named.namespace_name), "%s",
		       w->key.namespace_name);
	(void)snprintf(named.workload, sizeof(named.workload), "%s", w->key.workload);
	(void)snprintf(named.container, sizeof(named.container), "%s", w->key.container);
	return pf_filter_match(select->filter, NULL, &named);
}

static bool matches_text(const struct pf_select *select, const struct pf_workload_key *key)
{
	return !select->q || strcasestr(key->namespace_name, select->q) ||
	       strcasestr(key->workload, select->q) || strcasestr(key->container, select->q);
}

static bool is(const char *want, const char *text)
{
	return !want || !strcmp(want, text);
}

/* The workload is asked for. */
static bool matches(const struct pf_select *select, const struct pf_fleet_workload *w)
{
	const struct pf_workload_key *key = &w->key;

	if (select->node_class ? strcmp(select->node_class, key->node_class) != 0
			       : (*key->node_class && !select->node_classes))
		return false;
	if (select->leaks_only && !w->leak.worst)
		return false;
	return is(select->cluster, key->cluster) &&
	       is(select->namespace_name, key->namespace_name) &&
	       is(select->workload, key->workload) && is(select->container, key->container) &&
	       (!select->has_kind || select->kind == key->kind) && matches_text(select, key) &&
	       has_verdict(select, w) && has_action(select, w) && matches_filter(select, w);
}

/* ---- sorting ---- */

/* How urgent its findings are; higher is worse. */
static double risk_of(const struct pf_fleet_workload *w)
{
	static const double weight[] = {
		[PF_TONE_PLAIN] = 0, [PF_TONE_GOOD] = 0,  [PF_TONE_NOTE] = 1,
		[PF_TONE_WARN] = 10, [PF_TONE_BAD] = 100,
	};
	double risk = 0;

	for (size_t i = 0; i < w->recommendation.nr_findings; i++)
		risk += weight[pf_verdict_tone(w->recommendation.findings[i].verdict)];
	if (w->leak.worst && w->leak.worst->state == PF_LEAK_ALARM)
		risk += w->leak.worst->severity == PF_SEVERITY_CRITICAL ? 1000 : 100;
	return risk;
}

static double savings_of(const struct pf_fleet_workload *w)
{
	const struct pf_savings *s = &w->recommendation.savings;

	if (!s->known)
		return -INFINITY;
	if (!isnan(s->money_per_month))
		return s->money_per_month;
	return (double)s->cpu_millicores + (double)s->memory_bytes / BYTES_PER_MILLICORE;
}

static double target_of(const struct pf_fleet_workload *w, bool memory)
{
	const struct pf_policy_result *result =
		pf_policy_result_of(&w->recommendation, w->recommendation.policy);
	uint64_t target = !result  ? PF_UNKNOWN
			  : memory ? result->memory.target
				   : result->cpu.target;

	return target == PF_UNKNOWN ? -INFINITY : (double)target;
}

static double value_of(enum pf_select_sort sort, const struct pf_fleet_workload *w)
{
	switch (sort) {
	case PF_SELECT_BY_INSTANCES:
		return w->nr_instances;
	case PF_SELECT_BY_CPU:
		return target_of(w, false);
	case PF_SELECT_BY_MEMORY:
		return target_of(w, true);
	case PF_SELECT_BY_RISK:
		return risk_of(w);
	case PF_SELECT_BY_SAVINGS:
		return savings_of(w);
	default:
		return 0;
	}
}

struct sortable {
	double value;
	size_t place; /* in the order of keys */
	const struct pf_fleet_workload *workload;
};

static int rising(const void *left, const void *right)
{
	const struct sortable *a = left, *b = right;

	if (a->value != b->value)
		return a->value < b->value ? -1 : 1;
	return a->place < b->place ? -1 : a->place > b->place;
}

static int falling(const void *left, const void *right)
{
	const struct sortable *a = left, *b = right;

	if (a->value != b->value)
		return a->value > b->value ? -1 : 1;
	return a->place < b->place ? -1 : a->place > b->place;
}

int pf_select_run(const struct pf_select *select, const struct pf_fleet *fleet,
		  const struct pf_fleet_workload ***ret_list, size_t *ret_nr,
		  const struct pf_fleet_workload *const **ret_page, size_t *ret_nr_page)
{
	PF_AUTO(pf_freep) struct sortable *all = calloc(fleet->nr_workloads + 1, sizeof(*all));
	const struct pf_fleet_workload **list = calloc(fleet->nr_workloads + 1, sizeof(*list));
	size_t nr = 0, first;

	if (!all || !list) {
		free(list);
		return -ENOMEM;
	}
	for (size_t i = 0; i < fleet->nr_workloads; i++) {
		const struct pf_fleet_workload *w = &fleet->workloads[i];

		if (!matches(select, w))
			continue;
		all[nr] = (struct sortable){ value_of(select->sort, w), nr, w };
		/* By name is the order they are in; downwards its reverse. */
		if (select->sort == PF_SELECT_BY_NAME)
			all[nr].value = select->descending ? (double)nr : 0;
		nr++;
	}
	qsort(all, nr, sizeof(*all), select->descending ? falling : rising);
	for (size_t i = 0; i < nr; i++)
		list[i] = all[i].workload;
	first = PF_MIN((size_t)((select->page - 1) * select->limit), nr);
	*ret_list = list;
	*ret_nr = nr;
	*ret_page = list + first;
	*ret_nr_page = PF_MIN(nr - first, (size_t)select->limit);
	return 0;
}
