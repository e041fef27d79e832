// SPDX-License-Identifier: Apache-2.0
#include "wire/otlp.h"

#include <otlp.pb-c.h>

#include "wire/internal.h"

/* 1000 containers with 25 metrics each take 4 MB. */
enum { REQUEST_MEMORY_MAX = 64 << 20 };

typedef Podfit__Otlp__KeyValue key_value;

/* Attributes that are made. */
struct attributes {
	key_value **list;
	size_t nr;
};

static key_value *put_attribute(struct pf_arena *arena, const struct pf_otlp_attribute *from)
{
	Podfit__Otlp__AnyValue *value = pf_arena_alloc(arena, sizeof(*value));
	key_value *to = pf_arena_alloc(arena, sizeof(*to));

	if (!value || !to)
		return NULL;
	podfit__otlp__any_value__init(value);
	podfit__otlp__key_value__init(to);
	PUT_TEXT(arena, value, string_value, from->value);
	PUT_TEXT(arena, to, key, from->key);
	to->value = value;
	return to;
}

static struct attributes put_attributes(struct pf_arena *arena,
					const struct pf_otlp_attributes *from)
{
	struct attributes to = { .list = pf_arena_array(arena, from->nr + 1, sizeof(key_value *)) };

	for (size_t i = 0; to.list && i < from->nr; i++) {
		if (!from->list[i].value || !from->list[i].value[0])
			continue;
		to.list[to.nr] = put_attribute(arena, &from->list[i]);
		to.nr += to.list[to.nr] != NULL;
	}
	return to;
}

/* What all points of a request need. */
struct points {
	struct pf_arena *arena;
	const struct pf_otlp_request *request;
	struct attributes *sets;
};

static Podfit__Otlp__NumberPoint **put_numbers(const struct points *p,
					       const struct pf_otlp_metric *metric)
{
	Podfit__Otlp__NumberPoint **to = pf_arena_array(p->arena, metric->nr_points, sizeof(*to));
	Podfit__Otlp__NumberPoint *each =
		pf_arena_array(p->arena, metric->nr_points, sizeof(*each));

	for (size_t i = 0; to && each && i < metric->nr_points; i++) {
		const struct pf_otlp_point *from = &metric->points[i];

		to[i] = &each[i];
		podfit__otlp__number_point__init(to[i]);
		if (from->start_unix_ns && metric->kind == PF_OTLP_SUM)
			PUT_ANY(to[i], start_time_unix_nano, from->start_unix_ns);
		PUT_ANY(to[i], time_unix_nano, p->request->at_unix_ns);
		PUT_ANY(to[i], as_double, from->value);
		to[i]->attributes = p->sets[from->set].list;
		to[i]->n_attributes = p->sets[from->set].nr;
	}
	return to;
}

static uint64_t total(const uint64_t *counts, size_t nr)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < nr; i++)
		sum += counts[i];
	return sum;
}

static Podfit__Otlp__HistogramPoint **put_histograms(const struct points *p,
						     const struct pf_otlp_metric *metric)
{
	Podfit__Otlp__HistogramPoint **to =
		pf_arena_array(p->arena, metric->nr_points, sizeof(*to));
	Podfit__Otlp__HistogramPoint *each =
		pf_arena_array(p->arena, metric->nr_points, sizeof(*each));

	for (size_t i = 0; to && each && i < metric->nr_points; i++) {
		const struct pf_otlp_point *from = &metric->points[i];

		to[i] = &each[i];
		podfit__otlp__histogram_point__init(to[i]);
		if (from->start_unix_ns)
			PUT_ANY(to[i], start_time_unix_nano, from->start_unix_ns);
		PUT_ANY(to[i], time_unix_nano, p->request->at_unix_ns);
		PUT_ANY(to[i], count, total(from->counts, metric->nr_bounds + 1));
		PUT_ANY(to[i], sum, from->value);
		to[i]->bucket_counts = (uint64_t *)from->counts; /* packing only reads it */
		to[i]->n_bucket_counts = metric->nr_bounds + 1;
		to[i]->explicit_bounds = (double *)metric->bounds;
		to[i]->n_explicit_bounds = metric->nr_bounds;
		to[i]->attributes = p->sets[from->set].list;
		to[i]->n_attributes = p->sets[from->set].nr;
	}
	return to;
}

static void put_data(const struct points *p, const struct pf_otlp_metric *from,
		     Podfit__Otlp__Metric *to)
{
	switch (from->kind) {
	case PF_OTLP_GAUGE:
		to->gauge = pf_arena_alloc(p->arena, sizeof(*to->gauge));
		if (!to->gauge)
			return;
		podfit__otlp__gauge__init(to->gauge);
		to->gauge->data_points = put_numbers(p, from);
		to->gauge->n_data_points = from->nr_points;
		return;
	case PF_OTLP_SUM:
		to->sum = pf_arena_alloc(p->arena, sizeof(*to->sum));
		if (!to->sum)
			return;
		podfit__otlp__sum__init(to->sum);
		PUT_ANY(to->sum, aggregation_temporality, PODFIT__OTLP__TEMPORALITY__CUMULATIVE);
		PUT_ANY(to->sum, is_monotonic, 1);
		to->sum->data_points = put_numbers(p, from);
		to->sum->n_data_points = from->nr_points;
		return;
	case PF_OTLP_HISTOGRAM:
		to->histogram = pf_arena_alloc(p->arena, sizeof(*to->histogram));
		if (!to->histogram)
			return;
		podfit__otlp__histogram__init(to->histogram);
		PUT_ANY(to->histogram, aggregation_temporality,
			PODFIT__OTLP__TEMPORALITY__CUMULATIVE);
		to->histogram->data_points = put_histograms(p, from);
		to->histogram->n_data_points = from->nr_points;
		return;
	}
}

static Podfit__Otlp__Metric **put_metrics(const struct points *p)
{
	const struct pf_otlp_request *request = p->request;
	Podfit__Otlp__Metric **to = pf_arena_array(p->arena, request->nr_metrics, sizeof(*to));
	Podfit__Otlp__Metric *each = pf_arena_array(p->arena, request->nr_metrics, sizeof(*each));

	for (size_t i = 0; to && each && i < request->nr_metrics; i++) {
		const struct pf_otlp_metric *from = &request->metrics[i];

		to[i] = &each[i];
		podfit__otlp__metric__init(to[i]);
		PUT_TEXT(p->arena, to[i], name, from->name);
		PUT_TEXT(p->arena, to[i], description, from->description);
		PUT_TEXT(p->arena, to[i], unit, from->unit);
		put_data(p, from, to[i]);
	}
	return to;
}

static int put_request(struct pf_arena *arena, const struct pf_otlp_request *request,
		       struct pf_buf *out)
{
	Podfit__Otlp__Resource resource = PODFIT__OTLP__RESOURCE__INIT;
	Podfit__Otlp__Scope scope = PODFIT__OTLP__SCOPE__INIT;
	Podfit__Otlp__ScopeMetrics in_scope = PODFIT__OTLP__SCOPE_METRICS__INIT, *scopes[1];
	Podfit__Otlp__ResourceMetrics of_resource = PODFIT__OTLP__RESOURCE_METRICS__INIT;
	Podfit__Otlp__ResourceMetrics *resources[1] = { &of_resource };
	Podfit__Otlp__MetricsRequest message = PODFIT__OTLP__METRICS_REQUEST__INIT;
	struct points points = { arena, request,
				 pf_arena_array(arena, request->nr_sets, sizeof(*points.sets)) };
	struct attributes of_node = put_attributes(arena, &request->resource);
	char *place;
	int r;

	for (size_t i = 0; points.sets && i < request->nr_sets; i++)
		points.sets[i] = put_attributes(arena, &request->sets[i]);
	resource.attributes = of_node.list;
	resource.n_attributes = of_node.nr;
	PUT_TEXT(arena, &scope, name, request->scope);
	PUT_TEXT(arena, &scope, version, request->scope_version);
	in_scope.scope = &scope;
	in_scope.metrics = points.sets ? put_metrics(&points) : NULL;
	in_scope.n_metrics = request->nr_metrics;
	scopes[0] = &in_scope;
	of_resource.resource = &resource;
	of_resource.scope_metrics = scopes;
	of_resource.n_scope_metrics = 1;
	message.resource_metrics = resources;
	message.n_resource_metrics = 1;
	if (arena->err)
		return arena->err;
	r = pf_buf_reserve(out, podfit__otlp__metrics_request__get_packed_size(&message), &place);
	if (r == 0)
		pf_buf_wrote(out, podfit__otlp__metrics_request__pack(&message, (uint8_t *)place));
	return r;
}

int pf_otlp_encode(const struct pf_otlp_request *request, struct pf_buf *out)
{
	size_t before = out->len;
	struct pf_arena arena;
	int r;

	if (out->err)
		return out->err;
	pf_arena_init(&arena, REQUEST_MEMORY_MAX);
	r = put_request(&arena, request, out);
	pf_arena_done(&arena);
	if (r < 0)
		pf_buf_undo(out, before);
	return r;
}
