// SPDX-License-Identifier: Apache-2.0
/* Metrics as an OTLP request, unpacked again: names, units, attributes, sums, gauges, histograms. */
#include <errno.h>
#include <otlp.pb-c.h>
#include <stdlib.h>

#include "export/otlp.h"
#include "unit/check.h"
#include "unit/fault_alloc.h"
#include "unit/report_sample.h"

enum { MESSAGE_MAX = 1 << 20, ARENA_MAX = 4 << 20 };

struct world {
	struct pf_report report;
	struct pf_report_container containers[2];
	struct pf_identity ids[2];
	struct pf_metrics_container list[2];
	uint32_t waits[PF_LATENCY_BUCKETS];
	struct pf_amounts amounts;
	struct pf_metrics_opts opts;
	struct pf_metrics metrics;
	Podfit__Otlp__MetricsRequest *got;
};

/* c0 is known whole, c1 has no pod, no advice, no waits, and little else that is known. */
static void world_init(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->report = *report_sample();
	w->amounts = (struct pf_amounts){ 1500, 1, 2, 3, PF_NO_LIMIT };
	w->waits[0] = 1;
	w->waits[31] = 2; /* the first edge is inclusive */
	w->waits[32] = 4;
	w->waits[PF_LATENCY_BUCKETS - 1] = 8;
	for (int i = 0; i < 2; i++) {
		w->containers[i] = report_sample()->containers[0];
		w->ids[i] = *w->containers[i].identity;
		snprintf(w->ids[i].container, sizeof(w->ids[i].container), "c%d", i);
		w->containers[i].identity = &w->ids[i];
		w->list[i] = (struct pf_metrics_container){ .container = &w->containers[i] };
	}
	w->containers[0].now.quota_wait_ns = 1500 * PF_NS_PER_MS;
	w->containers[0].now.contention_wait_ns = 500 * PF_NS_PER_MS;
	w->containers[0].now.usage_ns = 3 * PF_NS_PER_S;
	w->list[0].waits = w->waits;
	w->list[0].cpu = &w->amounts;
	w->list[0].leak = PF_LEAK_SUSPECT;
	pf_report_now_clear(&w->containers[1].now);
	w->ids[1].pod[0] = '\0';
	w->opts = (struct pf_metrics_opts){ .max_containers = 10,
					    .now_unix_ns = w->report.end_unix_ns,
					    .nr_snapshots = 12 };
	pf_metrics_select(&w->report, w->list, 2, &w->opts, &w->metrics);
}

static int write_request(const struct world *w, struct pf_buf *out)
{
	struct pf_arena arena;
	int r;

	pf_arena_init(&arena, ARENA_MAX);
	r = pf_otlp_write(&w->metrics, &arena, out);
	pf_arena_done(&arena);
	return r;
}

static void world_write(struct world *w)
{
	struct pf_buf out;

	pf_buf_init(&out, MESSAGE_MAX);
	PF_CHECK_INT("write", write_request(w, &out), 0);
	w->got = podfit__otlp__metrics_request__unpack(NULL, out.len, (const uint8_t *)out.data);
	PF_CHECK("well-formed", w->got != NULL);
	pf_buf_done(&out);
}

static void world_done(struct world *w)
{
	if (w->got)
		podfit__otlp__metrics_request__free_unpacked(w->got, NULL);
}

static const Podfit__Otlp__Metric *find(const struct world *w, const char *name)
{
	const Podfit__Otlp__ScopeMetrics *scope = w->got->resource_metrics[0]->scope_metrics[0];

	for (size_t i = 0; i < scope->n_metrics; i++)
		if (!strcmp(scope->metrics[i]->name, name))
			return scope->metrics[i];
	return NULL;
}

static const char *attribute(Podfit__Otlp__KeyValue *const *list, size_t nr, const char *key)
{
	for (size_t i = 0; i < nr; i++)
		if (!strcmp(list[i]->key, key))
			return list[i]->value->string_value;
	return NULL;
}

#define POINT_ATTRIBUTE(point, key) attribute((point)->attributes, (point)->n_attributes, key)

static void test_resource(void)
{
	static struct world w;
	const Podfit__Otlp__ResourceMetrics *got;

	world_init(&w);
	w.report.cluster = "";
	world_write(&w);
	got = w.got->resource_metrics[0];
	PF_CHECK_INT("one resource", w.got->n_resource_metrics, 1);
	PF_CHECK_STR(
		"service",
		attribute(got->resource->attributes, got->resource->n_attributes, "service.name"),
		"podfit-agent");
	PF_CHECK_STR(
		"node",
		attribute(got->resource->attributes, got->resource->n_attributes, "k8s.node.name"),
		"node-1");
	PF_CHECK_STR("run",
		     attribute(got->resource->attributes, got->resource->n_attributes,
			       "service.instance.id"),
		     "fedcba9876543210");
	PF_CHECK("not known, not there",
		 !attribute(got->resource->attributes, got->resource->n_attributes,
			    "k8s.cluster.name"));
	PF_CHECK_STR("scope", got->scope_metrics[0]->scope->name, "podfit");
	world_done(&w);
}

static void test_numbers(void)
{
	static struct world w;
	const Podfit__Otlp__Metric *m;

	world_init(&w);
	world_write(&w);
	m = find(&w, "podfit.container.cpu_usage");
	PF_CHECK("cpu", m && m->sum && !m->gauge && !m->histogram);
	if (m && m->sum) {
		const Podfit__Otlp__NumberPoint *p = m->sum->data_points[0];

		PF_CHECK_STR("unit", m->unit, "s");
		PF_CHECK_INT("cumulative", m->sum->aggregation_temporality,
			     PODFIT__OTLP__TEMPORALITY__CUMULATIVE);
		PF_CHECK("monotonic", m->sum->is_monotonic);
		PF_CHECK_INT("unknown has no point", m->sum->n_data_points, 1);
		PF_CHECK_NEAR("value", p->as_double, 3, 0);
		PF_CHECK("now", p->time_unix_nano == w.report.end_unix_ns);
		PF_CHECK("since it was first seen",
			 p->start_time_unix_nano == w.containers[0].first_seen_unix_ns);
		PF_CHECK_STR("namespace", POINT_ATTRIBUTE(p, "k8s.namespace.name"), "shop");
		PF_CHECK_STR("container", POINT_ATTRIBUTE(p, "k8s.container.name"), "c0");
		PF_CHECK_STR("workload", POINT_ATTRIBUTE(p, "podfit.workload"), "cart");
		PF_CHECK_STR("kind", POINT_ATTRIBUTE(p, "podfit.workload.kind"), "StatefulSet");
	}
	m = find(&w, "podfit.container.leak_state");
	PF_CHECK("a gauge of both", m && m->gauge && m->gauge->n_data_points == 2);
	if (m && m->gauge && m->gauge->n_data_points == 2) {
		/* Sorted by namespace, pod, container: none comes first. */
		const Podfit__Otlp__NumberPoint *p = m->gauge->data_points[0];

		PF_CHECK_NEAR("suspect", m->gauge->data_points[1]->as_double, 1, 0);
		PF_CHECK_STR("the other", POINT_ATTRIBUTE(p, "k8s.container.name"), "c1");
		PF_CHECK("no pod, no attribute", !POINT_ATTRIBUTE(p, "k8s.pod.name"));
		PF_CHECK("a gauge has no start", !p->has_start_time_unix_nano);
	}
	m = find(&w, "podfit.container.recommended_cpu_request");
	PF_CHECK("advice", m && m->gauge && !strcmp(m->unit, "{cpu}") &&
				   m->gauge->data_points[0]->as_double == 1.5);
	PF_CHECK("no advice, no metric", !find(&w, "podfit.container.recommended_cpu_limit"));
	m = find(&w, "podfit.agent.lost");
	PF_CHECK("losses", m && m->sum && m->sum->data_points[0]->as_double == 3);
	if (m && m->sum) {
		PF_CHECK_STR("reason", POINT_ATTRIBUTE(m->sum->data_points[0], "reason"),
			     "slots_full");
		PF_CHECK("since the agent began",
			 m->sum->data_points[0]->start_time_unix_nano ==
				 w.report.end_unix_ns - w.report.cost_wall_ns);
	}
	m = find(&w, "podfit.agent.signal_on");
	PF_CHECK("signals",
		 m && m->gauge && m->gauge->n_data_points == 2 &&
			 !strcmp(POINT_ATTRIBUTE(m->gauge->data_points[1], "signal"), "psi") &&
			 m->gauge->data_points[1]->as_double == 0);
	m = find(&w, "podfit.agent.snapshots");
	PF_CHECK("of the agent alone", m && m->sum && m->sum->data_points[0]->as_double == 12 &&
					       !m->sum->data_points[0]->n_attributes);
	world_done(&w);
}

static void test_histogram(void)
{
	static struct world w;
	const Podfit__Otlp__Metric *m;

	world_init(&w);
	world_write(&w);
	m = find(&w, "podfit.container.runqueue_latency");
	PF_CHECK("histogram", m && m->histogram && m->histogram->n_data_points == 1);
	if (m && m->histogram) {
		const Podfit__Otlp__HistogramPoint *p = m->histogram->data_points[0];
		uint64_t sum = 0;

		PF_CHECK_STR("unit", m->unit, "s");
		PF_CHECK_INT("cumulative", m->histogram->aggregation_temporality,
			     PODFIT__OTLP__TEMPORALITY__CUMULATIVE);
		PF_CHECK_INT("one more than edges", p->n_bucket_counts, p->n_explicit_bounds + 1);
		for (size_t i = 0; i < p->n_bucket_counts; i++)
			sum += p->bucket_counts[i];
		for (size_t i = 1; i < p->n_explicit_bounds; i++)
			PF_CHECK("rising", p->explicit_bounds[i] > p->explicit_bounds[i - 1]);
		PF_CHECK_INT("count", p->count, 15);
		PF_CHECK_INT("is the sum of the buckets", sum, 15);
		PF_CHECK_INT("edges are inclusive", p->bucket_counts[0], 3);
		PF_CHECK_INT("the next", p->bucket_counts[1], 4);
		PF_CHECK_INT("open", p->bucket_counts[p->n_bucket_counts - 1], 8);
		PF_CHECK_NEAR("sum", p->sum, 2, 1e-12);
		PF_CHECK_STR("whose", POINT_ATTRIBUTE(p, "k8s.container.name"), "c0");
	}
	world_done(&w);
}

/* Every name has one unit and lost its ending; none is there twice. */
static void test_names(void)
{
	static struct world w;
	const Podfit__Otlp__ScopeMetrics *scope;

	world_init(&w);
	world_write(&w);
	scope = w.got->resource_metrics[0]->scope_metrics[0];
	PF_CHECK("metrics", scope->n_metrics > pf_nr_agent_metrics + 15);
	for (size_t i = 0; i < scope->n_metrics; i++) {
		const char *name = scope->metrics[i]->name;

		PF_CHECK(name, !strncmp(name, "podfit.container.", 17) ||
				       !strncmp(name, "podfit.agent.", 13));
		PF_CHECK(name, !strstr(name, "_total") && !strstr(name, "_seconds") &&
				       !strstr(name, "_bytes") && !strstr(name, "_cores"));
		PF_CHECK(name, scope->metrics[i]->unit && scope->metrics[i]->description);
		PF_CHECK(name, find(&w, name) == scope->metrics[i]);
	}
	world_done(&w);
}

/* Out of memory at each allocation in turn, and a message or an arena that is too small. */
static void test_no_room(void)
{
	static struct world w;
	struct pf_arena arena;
	struct pf_buf out;
	unsigned nth = 1;
	int r = -ENOMEM;

	world_init(&w);
	for (; r < 0 && nth < 1000; nth++) {
		long live = fault_alloc_live();

		pf_buf_init(&out, MESSAGE_MAX);
		fault_alloc(nth);
		r = write_request(&w, &out);
		fault_alloc_end();
		PF_CHECK_INT("result", r, fault_alloc_calls() >= nth ? -ENOMEM : 0);
		PF_CHECK("all or nothing", (r == 0) == (out.len > 0) && !out.err);
		pf_buf_done(&out);
		PF_CHECK_INT("nothing leaks", fault_alloc_live(), live);
	}
	PF_CHECK("several were tried", r == 0 && nth > 4);
	pf_buf_init(&out, 1000);
	PF_CHECK_INT("small buffer", write_request(&w, &out), -ENOSPC);
	PF_CHECK("empty", !out.len && !out.err);
	pf_buf_done(&out);
	pf_buf_init(&out, MESSAGE_MAX);
	pf_arena_init(&arena, 1000);
	PF_CHECK_INT("small arena", pf_otlp_write(&w.metrics, &arena, &out), -ENOSPC);
	pf_arena_done(&arena);
	pf_buf_done(&out);
}

PF_TEST_SUITE(otlp, { "resource", test_resource }, { "numbers", test_numbers },
	      { "histogram", test_histogram }, { "names", test_names },
	      { "no room", test_no_room });
