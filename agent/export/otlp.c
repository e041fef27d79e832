// SPDX-License-Identifier: Apache-2.0
#include "export/otlp.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "wire/otlp.h"

enum { SET_NONE = 0, SETS_BEFORE = 1, CONTAINER_ATTRIBUTES = 5 };

struct builder {
	const struct pf_metrics *metrics;
	struct pf_arena *arena;
	struct pf_otlp_attributes *sets; /* none, each container, each loss, each signal */
	struct pf_otlp_metric *list;
	size_t nr;
	uint64_t agent_start_unix_ns;
	double bounds[PF_METRIC_LATENCY_BOUNDS];
};

/* podfit_container_cpu_usage_seconds_total, "s": podfit.container.cpu_usage */
static const char *name_of(struct pf_arena *arena, const char *name)
{
	static const char *const endings[] = { "_total", "_seconds", "_bytes", "_cores" };
	char *copy = pf_arena_strdup(arena, name), *dot = copy;
	size_t len = copy ? strlen(copy) : 0;

	for (size_t i = 0; i < PF_ARRAY_SIZE(endings); i++) {
		size_t end = strlen(endings[i]);

		if (len > end && !strcmp(copy + len - end, endings[i]))
			copy[len -= end] = '\0';
	}
	for (int i = 0; i < 2 && dot; i++) {
		dot = strchr(dot, '_');
		if (dot)
			*dot = '.';
	}
	return copy;
}

static struct pf_otlp_attributes set_of(struct builder *b, size_t nr,
					const struct pf_otlp_attribute *from)
{
	struct pf_otlp_attribute *list = pf_arena_array(b->arena, nr, sizeof(*list));

	if (list)
		memcpy(list, from, nr * sizeof(*list));
	return (struct pf_otlp_attributes){ list, list ? nr : 0 };
}

static struct pf_otlp_attributes container_set(struct builder *b,
					       const struct pf_report_container *container)
{
	const struct pf_identity *id = container->identity;
	const struct pf_otlp_attribute list[CONTAINER_ATTRIBUTES] = {
		{ "k8s.namespace.name", id->namespace_name },
		{ "k8s.pod.name", id->pod },
		{ "k8s.container.name", id->container },
		{ "podfit.workload", id->workload },
		{ "podfit.workload.kind", pf_workload_kind_name(id->workload_kind) },
	};

	return set_of(b, CONTAINER_ATTRIBUTES, list);
}

static size_t make_sets(struct builder *b)
{
	const struct pf_report *report = b->metrics->report;
	size_t nr = SETS_BEFORE + b->metrics->nr + report->nr_losses + report->nr_signals, at = 1;

	b->sets = pf_arena_array(b->arena, nr, sizeof(*b->sets));
	if (!b->sets)
		return 0;
	for (size_t i = 0; i < b->metrics->nr; i++)
		b->sets[at++] = container_set(b, b->metrics->containers[i].container);
	for (size_t i = 0; i < report->nr_losses; i++)
		b->sets[at++] = set_of(
			b, 1, &(struct pf_otlp_attribute){ "reason", report->losses[i].reason });
	for (size_t i = 0; i < report->nr_signals; i++)
		b->sets[at++] = set_of(
			b, 1, &(struct pf_otlp_attribute){ "signal", report->signals[i].name });
	return nr;
}

static void add(struct builder *b, const char *name, const char *unit, const char *help,
		enum pf_otlp_kind kind, const struct pf_otlp_point *points, size_t nr_points)
{
	struct pf_otlp_metric *metric = &b->list[b->nr];

	if (!nr_points)
		return;
	*metric = (struct pf_otlp_metric){ .name = name_of(b->arena, name),
					   .description = help,
					   .unit = unit,
					   .kind = kind,
					   .points = points,
					   .nr_points = nr_points };
	if (kind == PF_OTLP_HISTOGRAM) {
		metric->bounds = b->bounds;
		metric->nr_bounds = PF_METRIC_LATENCY_BOUNDS;
	}
	b->nr++;
}

static enum pf_otlp_kind kind_of(const struct pf_metric *metric)
{
	return metric->counter ? PF_OTLP_SUM : PF_OTLP_GAUGE;
}

/* Counters of a container count since it was first seen. */
static uint64_t since(const struct pf_metrics_container *c)
{
	uint64_t first = c->container->first_seen_unix_ns;

	return first == PF_UNKNOWN ? 0 : first;
}

static void add_container_metric(struct builder *b, const struct pf_metric *metric)
{
	const struct pf_metrics *metrics = b->metrics;
	struct pf_otlp_point *points = pf_arena_array(b->arena, metrics->nr, sizeof(*points));
	size_t nr = 0;

	for (size_t i = 0; points && i < metrics->nr; i++) {
		double value = pf_container_metric(&metrics->containers[i], metric);

		if (isnan(value))
			continue;
		points[nr++] =
			(struct pf_otlp_point){ .set = SETS_BEFORE + i,
						.start_unix_ns = since(&metrics->containers[i]),
						.value = value };
	}
	add(b, metric->name, metric->unit, metric->help, kind_of(metric), points, nr);
}

static void add_latency(struct builder *b)
{
	const struct pf_metrics *metrics = b->metrics;
	struct pf_otlp_point *points = pf_arena_array(b->arena, metrics->nr, sizeof(*points));
	size_t nr = 0;

	for (size_t i = 0; i < PF_METRIC_LATENCY_BOUNDS; i++)
		b->bounds[i] = pf_metrics_latency_bound(i);
	for (size_t i = 0; points && i < metrics->nr; i++) {
		uint64_t *counts =
			pf_arena_array(b->arena, PF_METRIC_LATENCY_BOUNDS + 1, sizeof(*counts));
		double sum_s;

		if (!counts)
			return;
		if (!pf_metrics_latency(&metrics->containers[i], counts, &sum_s))
			continue;
		points[nr++] =
			(struct pf_otlp_point){ .set = SETS_BEFORE + i,
						.start_unix_ns = since(&metrics->containers[i]),
						.value = sum_s,
						.counts = counts };
	}
	add(b, PF_METRIC_LATENCY, "s", PF_METRIC_LATENCY_HELP, PF_OTLP_HISTOGRAM, points, nr);
}

static void add_agent(struct builder *b)
{
	const struct pf_report *report = b->metrics->report;
	size_t set = SETS_BEFORE + b->metrics->nr;
	struct pf_otlp_point *points = pf_arena_array(
		b->arena, pf_nr_agent_metrics + report->nr_losses + report->nr_signals,
		sizeof(*points));

	if (!points)
		return;
	for (size_t i = 0; i < pf_nr_agent_metrics; i++, points++) {
		const struct pf_metric *metric = &pf_agent_metrics[i];
		double value = pf_agent_metric(b->metrics, metric);

		*points = (struct pf_otlp_point){ .set = SET_NONE,
						  .start_unix_ns = b->agent_start_unix_ns,
						  .value = value };
		add(b, metric->name, metric->unit, metric->help, kind_of(metric), points,
		    !isnan(value));
	}
	for (size_t i = 0; i < report->nr_losses; i++)
		points[i] = (struct pf_otlp_point){ .set = set + i,
						    .start_unix_ns = b->agent_start_unix_ns,
						    .value = (double)report->losses[i].count };
	add(b, PF_METRIC_LOST, "1", PF_METRIC_LOST_HELP, PF_OTLP_SUM, points, report->nr_losses);
	points += report->nr_losses;
	set += report->nr_losses;
	for (size_t i = 0; i < report->nr_signals; i++)
		points[i] =
			(struct pf_otlp_point){ .set = set + i, .value = report->signals[i].on };
	add(b, PF_METRIC_SIGNAL, "1", PF_METRIC_SIGNAL_HELP, PF_OTLP_GAUGE, points,
	    report->nr_signals);
}

int pf_otlp_write(const struct pf_metrics *metrics, struct pf_arena *arena, struct pf_buf *out)
{
	enum { AGENT_FAMILIES = 2, LATENCY = 1 };
	const struct pf_report *report = metrics->report;
	struct builder b = { .metrics = metrics, .arena = arena };
	const struct pf_otlp_attribute resource[] = {
		{ "service.name", "podfit-agent" },
		{ "service.version", report->agent_version },
		{ "service.instance.id", pf_arena_printf(arena, "%016" PRIx64, report->run_id) },
		{ "k8s.node.name", report->node },
		{ "k8s.cluster.name", report->cluster },
		{ "podfit.capture_source", report->capture_source },
	};
	struct pf_otlp_request request = { .resource = { resource, PF_ARRAY_SIZE(resource) },
					   .scope = "podfit",
					   .scope_version = report->agent_version,
					   .at_unix_ns = report->end_unix_ns };

	if (report->cost_wall_ns < report->end_unix_ns)
		b.agent_start_unix_ns = report->end_unix_ns - report->cost_wall_ns;
	request.nr_sets = make_sets(&b);
	b.list = pf_arena_array(
		arena, pf_nr_container_metrics + pf_nr_agent_metrics + AGENT_FAMILIES + LATENCY,
		sizeof(*b.list));
	if (arena->err)
		return arena->err;
	add_agent(&b);
	for (size_t i = 0; i < pf_nr_container_metrics; i++)
		add_container_metric(&b, &pf_container_metrics[i]);
	add_latency(&b);
	if (arena->err)
		return arena->err;
	request.sets = b.sets;
	request.metrics = b.list;
	request.nr_metrics = b.nr;
	return pf_otlp_encode(&request, out);
}
