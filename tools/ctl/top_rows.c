// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/top.h"
#include "report/human.h"

static const char *const key_names[PF_NR_TOP_KEYS] = {
	[PF_TOP_CPU] = "cpu",	    [PF_TOP_THROTTLED] = "throttled", [PF_TOP_RUNQ] = "runq",
	[PF_TOP_MEMORY] = "memory", [PF_TOP_TREND] = "trend",	      [PF_TOP_PRESSURE] = "psi",
	[PF_TOP_NAME] = "name",
};

const struct pf_top_column pf_top_columns[PF_TOP_COLUMNS] = {
	{ "CPU", 7, PF_TOP_CPU },
	{ "LIMIT", 7, -1 },
	{ "THROTTLED", 9, PF_TOP_THROTTLED },
	{ "RUNQ p99", 9, PF_TOP_RUNQ },
	{ "MEMORY", 9, PF_TOP_MEMORY },
	{ "OF LIMIT", 8, -1 },
	{ "TREND/h", 10, PF_TOP_TREND },
	{ "PSI cpu", 7, PF_TOP_PRESSURE },
	{ "mem", 5, -1 },
	{ "io", 5, -1 },
	{ "OOM", 4, -1 },
};

int pf_top_key_parse(const char *name, enum pf_top_key *ret_key)
{
	for (size_t i = 0; i < PF_NR_TOP_KEYS; i++)
		if (!strcmp(key_names[i], name)) {
			*ret_key = (enum pf_top_key)i;
			return 0;
		}
	return -EINVAL;
}

static double known(uint64_t value)
{
	return value >= PF_NO_LIMIT ? (double)NAN : (double)value;
}

static double share(uint64_t part, uint64_t whole)
{
	if (part >= PF_NO_LIMIT || whole >= PF_NO_LIMIT || !whole)
		return NAN;
	return (double)part / (double)whole;
}

static void fill_name(struct pf_top_row *row, const struct pf_report_container *container)
{
	const struct pf_identity *id = container->identity;

	if (id->namespace_name[0])
		(void)snprintf(row->name, sizeof(row->name), "%s/%s/%s", id->namespace_name,
			       id->pod, id->container);
	else if (id->pod_uid[0])
		(void)snprintf(row->name, sizeof(row->name), "pod %.36s/%.12s", id->pod_uid,
			       id->container_id);
	else
		(void)snprintf(row->name, sizeof(row->name), "%s", id->container);
}

static const char *worst(const struct pf_report_container *container)
{
	const struct pf_recommendation *advice = container->recommendation;

	if (container->leak && container->leak->state == PF_LEAK_ALARM)
		return "LEAK";
	if (container->leak && container->leak->state == PF_LEAK_SUSPECT)
		return "leak?";
	return advice && advice->nr_findings ? pf_verdict_name(advice->findings[0].verdict) : "";
}

static void fill_row(struct pf_top_row *row, const struct pf_report_container *container)
{
	const struct pf_report_now *now = &container->now;
	const struct pf_enforced *enforced = &container->enforced;

	*row = (struct pf_top_row){
		.cores = share(now->usage_ns, now->interval_ns),
		.limit_cores = share(enforced->cfs_quota_us, enforced->cfs_period_us),
		.throttled_ratio = share(now->nr_throttled, now->nr_periods),
		.runq_p99_ns = known(now->runq_p99_ns),
		.memory_bytes = known(now->working_set_bytes),
		.memory_ratio = share(now->hot_bytes, enforced->memory_limit_bytes),
		.trend_bytes_per_hour = now->hot_trend_bytes_per_hour,
		.pressure_cpu = share(now->psi.cpu_some_ns, now->interval_ns),
		.pressure_memory = share(now->psi.memory_some_ns, now->interval_ns),
		.pressure_io = share(now->psi.io_some_ns, now->interval_ns),
		.oom_kills = now->oom_kills >= PF_NO_LIMIT ? 0 : now->oom_kills,
		.verdict = worst(container),
	};
	fill_name(row, container);
}

static double sort_value(const struct pf_top_row *row, enum pf_top_key key)
{
	switch (key) {
	case PF_TOP_THROTTLED:
		return row->throttled_ratio;
	case PF_TOP_RUNQ:
		return row->runq_p99_ns;
	case PF_TOP_MEMORY:
		return row->memory_bytes;
	case PF_TOP_TREND:
		return row->trend_bytes_per_hour;
	case PF_TOP_PRESSURE:
		return fmax(row->pressure_cpu, fmax(row->pressure_memory, row->pressure_io));
	default:
		return row->cores;
	}
}

struct order {
	enum pf_top_key key;
	bool ascending;
};

/* What is not known comes last either way; equal ones by name, so that rows do not dance. */
static int compare(const void *a_, const void *b_, void *arg)
{
	const struct pf_top_row *a = a_, *b = b_;
	const struct order *order = arg;
	double x = sort_value(a, order->key), y = sort_value(b, order->key);
	int by_name = strcmp(a->name, b->name);

	if (order->key == PF_TOP_NAME)
		return order->ascending ? -by_name : by_name;
	if (isnan(x) || isnan(y))
		return isnan(x) == isnan(y) ? by_name : isnan(x) ? 1 : -1;
	if (x == y)
		return by_name;
	return (x < y) != order->ascending ? 1 : -1;
}

int pf_top_rows(const struct pf_report *report, const struct pf_filter *filter, enum pf_top_key key,
		bool ascending, struct pf_top_row **ret_rows, size_t *ret_nr_rows)
{
	struct pf_top_row *rows = calloc(report->nr_containers + 1, sizeof(*rows));
	struct order order = { key, ascending };
	size_t nr = 0;

	if (!rows)
		return -ENOMEM;
	for (size_t i = 0; i < report->nr_containers; i++) {
		const struct pf_report_container *container = &report->containers[i];

		if (container->ended_unix_ns == PF_UNKNOWN &&
		    pf_filter_match(filter, report->node, container->identity))
			fill_row(&rows[nr++], container);
	}
	qsort_r(rows, nr, sizeof(*rows), compare, &order);
	*ret_rows = rows;
	*ret_nr_rows = nr;
	return 0;
}

static void cell_ratio(double ratio, char *text)
{
	if (isnan(ratio))
		(void)snprintf(text, PF_TOP_CELL_MAX, "-");
	else
		(void)snprintf(text, PF_TOP_CELL_MAX, "%.*f%%", ratio < 0.0995 ? 1 : 0,
			       ratio * 100);
}

static void cell_cores(double cores, char *text)
{
	if (isnan(cores))
		(void)snprintf(text, PF_TOP_CELL_MAX, "-");
	else
		(void)snprintf(text, PF_TOP_CELL_MAX, "%.*f", cores < 10 ? 3 : 1, cores);
}

static void cell_bytes(double bytes, bool sign, char *text)
{
	static const char *const units[] = { "", "Ki", "Mi", "Gi", "Ti" };
	double size = fabs(bytes);
	size_t unit = 0;

	if (isnan(bytes)) {
		(void)snprintf(text, PF_TOP_CELL_MAX, "-");
		return;
	}
	for (; size >= 1023.5 && unit + 1 < PF_ARRAY_SIZE(units); unit++)
		size /= 1024;
	(void)snprintf(text, PF_TOP_CELL_MAX, "%s%.*f%s",
		       !sign || size == 0 ? ""
		       : bytes < 0	  ? "-"
					  : "+",
		       unit && size < 99.5 ? 1 : 0, size, units[unit]);
}

static void cell_ns(double ns, char *text)
{
	if (isnan(ns))
		(void)snprintf(text, PF_TOP_CELL_MAX, "-");
	else
		(void)snprintf(text, PF_TOP_CELL_MAX, "%s", pf_human_ns((uint64_t)ns).text);
}

void pf_top_cell(const struct pf_top_row *row, size_t column, char ret_text[PF_TOP_CELL_MAX])
{
	switch (column) {
	case 0:
		cell_cores(row->cores, ret_text);
		break;
	case 1:
		cell_cores(row->limit_cores, ret_text);
		break;
	case 2:
		cell_ratio(row->throttled_ratio, ret_text);
		break;
	case 3:
		cell_ns(row->runq_p99_ns, ret_text);
		break;
	case 4:
		cell_bytes(row->memory_bytes, false, ret_text);
		break;
	case 5:
		cell_ratio(row->memory_ratio, ret_text);
		break;
	case 6:
		cell_bytes(row->trend_bytes_per_hour, true, ret_text);
		break;
	case 7:
		cell_ratio(row->pressure_cpu, ret_text);
		break;
	case 8:
		cell_ratio(row->pressure_memory, ret_text);
		break;
	case 9:
		cell_ratio(row->pressure_io, ret_text);
		break;
	default:
		(void)snprintf(ret_text, PF_TOP_CELL_MAX, "%llu",
			       (unsigned long long)row->oom_kills);
		break;
	}
}

void pf_top_heading(const struct pf_report *report, size_t nr_rows, char *ret_text, size_t size)
{
	const struct pf_self_cost *cost = &report->cost;
	double cores = 0, own = NAN;

	for (size_t i = 0; i < report->nr_containers; i++) {
		const struct pf_report_now *now = &report->containers[i].now;
		double use = share(now->usage_ns, now->interval_ns);

		if (!isnan(use) && report->containers[i].ended_unix_ns == PF_UNKNOWN)
			cores += use;
	}
	if (cost->agent_cpu_ns < PF_NO_LIMIT && report->cost_wall_ns < PF_NO_LIMIT)
		own = (double)(cost->agent_cpu_ns +
			       (cost->bpf_run_ns < PF_NO_LIMIT ? cost->bpf_run_ns : 0)) /
		      (double)PF_MAX(report->cost_wall_ns, 1u);
	(void)snprintf(ret_text, size,
		       "%s  kernel %s  source %s  %zu containers, %.2f of %u cores  agent %.2f%% "
		       "of a core, %s",
		       report->node, report->kernel_release, report->capture_source, nr_rows, cores,
		       report->nr_cpus, own * 100,
		       pf_human_bytes(cost->resident_bytes).text); /* cut at the line's end */
}
