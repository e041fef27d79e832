// SPDX-License-Identifier: Apache-2.0
/*
 * answer_workload.c - GET /v1/workloads/CLUSTER/NAMESPACE/KIND/NAME/CONTAINER: all about one.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "collector/api/answers.h"
#include "collector/api/detail.h"
#include "collector/api/path.h"
#include "collector/api/reply.h"
#include "report/emit.h"
#include "report/human.h"
#include "wire/wire.h"

static void emit_kinds(struct pf_emit *e, const struct pf_hour_point *p)
{
	static const char *const names[PF_MEMORY_NR_KINDS] = {
		"anon_bytes",
		"file_bytes",
		"shmem_bytes",
		"inactive_file_bytes",
		"active_file_bytes",
		"unevictable_bytes",
		"slab_reclaimable_bytes",
		"slab_unreclaimable_bytes",
		"kernel_stack_bytes",
		"pagetables_bytes",
		"percpu_bytes",
		"sock_bytes",
		"swap_bytes",
	};

	if (!p->nr_kinds)
		return;
	pf_emit_open(e, "memory", false); /* mean of the instances */
	for (size_t i = 0; i < PF_MEMORY_NR_KINDS; i++) {
		uint64_t sum = ((const uint64_t *)&p->kinds)[i];

		pf_emit_uint(e, names[i], sum == PF_UNKNOWN ? sum : sum / p->nr_kinds);
	}
	pf_emit_close(e);
}

static void emit_point(struct pf_emit *e, const struct pf_hour_point *p)
{
	pf_emit_open(e, NULL, false);
	pf_emit_uint(e, "hour", p->hour);
	pf_emit_uint(e, "nr_instances", p->nr_instances);
	pf_emit_double(e, "covered_hours", p->covered_ns / (double)PF_NS_PER_HOUR);
	pf_emit_double(e, "usage_mean_millicores", pf_hour_mean(&p->usage_ns) * 1000);
	pf_emit_uint(e, "demand_p99_millicores", p->demand_p99_millicores);
	pf_emit_uint(e, "demand_peak_millicores", p->demand_peak_millicores);
	pf_emit_double(e, "throttled_ratio", pf_hour_throttled_ratio(p));
	pf_emit_double(e, "quota_wait_ns_per_s", pf_hour_mean(&p->quota_wait_ns) * 1e9);
	pf_emit_double(e, "contention_wait_ns_per_s", pf_hour_mean(&p->contention_wait_ns) * 1e9);
	pf_emit_double(e, "memory_mean_bytes", pf_hour_mean(&p->memory_byte_ns));
	pf_emit_double(e, "hot_mean_bytes", pf_hour_mean(&p->hot_byte_ns));
	pf_emit_uint(e, "memory_peak_bytes", p->memory_peak_bytes);
	pf_emit_uint(e, "hot_peak_bytes", p->hot_peak_bytes);
	pf_emit_uint(e, "working_set_peak_bytes", p->working_set_peak_bytes);
	emit_kinds(e, p);
	pf_emit_uint(e, "oom_kills", p->oom_kills);
	pf_emit_uint(e, "restarts", p->restarts);
	pf_emit_uint(e, "cpu_request_millicores", p->present.cpu_request_millicores);
	pf_emit_uint(e, "cpu_limit_millicores", p->present.cpu_limit_millicores);
	pf_emit_uint(e, "memory_request_bytes", p->present.memory_request_bytes);
	pf_emit_uint(e, "memory_limit_bytes", p->present.memory_limit_bytes);
	pf_emit_close(e);
}

static void emit_instance(struct pf_emit *e, const struct pf_fleet_instance *in)
{
	pf_emit_open(e, NULL, false);
	pf_emit_text(e, "node", in->node);
	pf_emit_text(e, "pod", in->pod);
	pf_emit_bool(e, "running", in->running);
	pf_emit_uint(e, "first_seen_unix_ns", in->first_seen_unix_ns);
	pf_emit_double(e, "usage_mean_millicores", in->usage_mean_millicores);
	pf_emit_double(e, "demand_p99_millicores", in->demand_p99_millicores);
	pf_emit_double(e, "throttled_ratio", in->throttled_ratio);
	pf_emit_double(e, "contention_wait_ns_per_s", in->contention_wait_ns_per_s);
	pf_emit_uint(e, "hot_peak_bytes", in->hot_peak_bytes);
	pf_emit_uint(e, "memory_peak_bytes", in->memory_peak_bytes);
	pf_emit_uint(e, "runq_p99_ns", in->runq_p99_ns);
	pf_emit_uint(e, "restarts", in->restarts);
	pf_emit_uint(e, "oom_kills", in->oom_kills);
	pf_emit_close(e);
}

static void emit_oom(struct pf_emit *e, const struct pf_fleet_oom *oom)
{
	pf_emit_open(e, NULL, false);
	pf_emit_uint(e, "at_unix_ns", oom->kill.at_unix_ns);
	pf_emit_text(e, "node", oom->node);
	pf_emit_text(e, "pod", oom->kill.pod);
	pf_emit_uint(e, "pid", oom->kill.pid);
	pf_emit_text(e, "comm", oom->kill.comm);
	pf_emit_bool(e, "whole_node", oom->kill.whole_node);
	pf_emit_uint(e, "usage_bytes", oom->kill.usage_bytes);
	pf_emit_uint(e, "limit_bytes", oom->kill.limit_bytes);
	pf_emit_uint(e, "overshoot_bytes", oom->kill.overshoot_bytes);
	pf_emit_close(e);
}

/* Weights of a decaying histogram, by upper edges of their buckets. */
static void emit_weights(struct pf_emit *e, const char *key, enum pf_hist_layout layout,
			 const float *weights, float zero)
{
	pf_emit_open(e, key, false);
	pf_emit_double(e, "zero", (double)zero);
	pf_emit_open(e, "edges", true);
	for (size_t i = 0; i < pf_hist_nr_buckets(layout); i++)
		if (weights[i] > 0)
			pf_emit_uint(e, NULL, pf_hist_edge(layout, i));
	pf_emit_close(e);
	pf_emit_open(e, "weights", true);
	for (size_t i = 0; i < pf_hist_nr_buckets(layout); i++)
		if (weights[i] > 0)
			pf_emit_double(e, NULL, (double)weights[i]);
	pf_emit_close(e);
	pf_emit_close(e);
}

static void emit_evidence(struct pf_emit *e, const struct pf_evidence *ev)
{
	pf_emit_open(e, "histograms", false);
	emit_weights(e, "demand_millicores", PF_LAYOUT_MILLICORES, ev->demand, ev->demand_idle);
	emit_weights(e, "minute_demand_millicores", PF_LAYOUT_MILLICORES, ev->minute_long,
		     ev->minute_long_idle);
	emit_weights(e, "quota_wait_ns", PF_LAYOUT_LATENCY_NS, ev->quota_wait, 0);
	emit_weights(e, "contention_wait_ns", PF_LAYOUT_LATENCY_NS, ev->contention_wait, 0);
	emit_weights(e, "throttle_stall_ns", PF_LAYOUT_LATENCY_NS, ev->throttle_stall, 0);
	pf_emit_close(e);
}

/* The container as the schema has it, which the wire writes. */
static int add_report(const struct pf_detail *d, struct pf_buf *out)
{
	PF_AUTO(pf_arena_done) struct pf_arena arena;
	struct pf_wire_error error;
	struct pf_buf message;
	int r;

	pf_arena_init(&arena, PF_ANSWER_MAX);
	pf_buf_init(&message, PF_ANSWER_MAX);
	r = pf_reply_report(d->fleet, &d->workload, 1, &message);
	if (r == 0)
		r = pf_wire_json(PF_WIRE_REPORT, message.data, message.len, &arena, out, &error);
	pf_buf_done(&message);
	while (out->len && out->data[out->len - 1] == '\n')
		out->data[--out->len] = '\0';
	return r;
}

static void emit_rest(const struct pf_detail *d, struct pf_buf *out)
{
	struct pf_emit e;
	size_t at = out->len;

	pf_emit_init(&e, out, false);
	pf_emit_open(&e, NULL, false);
	pf_emit_open(&e, "history", true);
	for (size_t i = 0; i < d->nr_points; i++)
		emit_point(&e, &d->points[i]);
	pf_emit_close(&e);
	pf_emit_uint(&e, "nr_oom_kills", d->nr_all_ooms);
	pf_emit_open(&e, "oom_kills", true);
	for (size_t i = 0; i < d->nr_ooms; i++)
		emit_oom(&e, &d->ooms[i]);
	pf_emit_close(&e);
	pf_emit_open(&e, "instances", true);
	for (size_t i = 0; i < d->nr_instances; i++)
		emit_instance(&e, &d->instances[i]);
	pf_emit_close(&e);
	if (d->evidence)
		emit_evidence(&e, d->evidence);
	pf_emit_close(&e);
	/* Its opening brace becomes the comma behind the first member. */
	if (!out->err)
		out->data[at] = ',';
}

void pf_answer_workload(struct pf_collector *c, struct pf_http_request *req)
{
	PF_AUTO(pf_detail_done) struct pf_detail d = { 0 };
	struct pf_workload_key key;
	struct pf_fleet *fleet;
	struct pf_path path;
	struct pf_buf out;
	uint64_t at_unix_ns;
	bool behind;
	int r;

	if (pf_path_split(pf_http_target(req), &path) < 0 || pf_path_workload(&path, &key) < 0) {
		pf_http_reply_error(
			req, 400,
			"want /v1/workloads/CLUSTER/NAMESPACE/KIND/NAME/CONTAINER, with - "
			"for an empty part");
		return;
	}
	if (pf_http_query(req, "node_class"))
		key.node_class = pf_http_query(req, "node_class");
	fleet = pf_reply_fleet(c, req);
	if (!fleet)
		return;
	at_unix_ns = fleet->at_unix_ns;
	behind = pf_reply_is_behind(c, fleet);
	r = pf_detail_read(c, fleet, &key, &d);
	if (r == -ENOENT)
		pf_http_reply_error(req, 404, "no such workload has been seen (merged at %s%s)",
				    pf_human_rfc3339(at_unix_ns).text,
				    behind ? "; newer reports are not merged yet" : "");
	if (r < 0 && r != -ENOENT) {
		pf_http_reply_header(req, "Retry-After", "5");
		pf_http_reply_error(req, 503, "the store does not answer");
	}
	if (r < 0)
		return;
	pf_buf_init(&out, PF_ANSWER_MAX);
	pf_buf_adds(&out, "{\"report\":");
	if (add_report(&d, &out) < 0)
		out.err = -ENOMEM;
	emit_rest(&d, &out);
	pf_reply_buf(req, "application/json", &out);
}
