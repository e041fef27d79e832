// SPDX-License-Identifier: Apache-2.0
/*
 * answers_fleet.c - nodes, namespaces, and the fleet in figures.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "collector/api/answers.h"
#include "collector/api/classes.h"
#include "collector/api/path.h"
#include "collector/api/quota.h"
#include "collector/api/reply.h"
#include "collector/merge/load.h"
#include "core/units.h"
#include "report/emit.h"
#include "sys/clock.h"
#include "wire/wire.h"

/* ---- nodes ---- */

static void emit_node(struct pf_emit *e, const struct pf_node_info *n, int64_t now_ms)
{
	pf_emit_open(e, NULL, false);
	pf_emit_text(e, "cluster", n->cluster);
	pf_emit_text(e, "node", n->node);
	pf_emit_textf(e, "run_id", "%016llx", (unsigned long long)n->run_id);
	pf_emit_uint(e, "sequence", n->sequence);
	pf_emit_uint(e, "end_unix_ns", n->end_unix_ns);
	pf_emit_double(e, "heard_seconds_ago", (double)(now_ms - n->received_unix_ms) / 1e3);
	pf_emit_double(e, "clock_skew_seconds", (double)n->skew_ms / 1e3);
	pf_emit_bool(e, "last", n->last);
	pf_emit_text(e, "agent_version", n->agent_version);
	pf_emit_text(e, "kernel_release", n->kernel_release);
	pf_emit_text(e, "capture_source", n->capture_source);
	pf_emit_text(e, "cgroup_layout", n->cgroup_layout);
	pf_emit_text(e, "meta_source", n->meta_source);
	pf_emit_text(e, "signals_off", n->signals_off);
	pf_emit_uint(e, "nr_cpus", n->nr_cpus);
	pf_emit_uint(e, "nr_containers", n->nr_containers);
	pf_emit_uint(e, "nr_leaks", n->nr_leaks);
	pf_emit_uint(e, "memory_total_bytes", n->memory_total_bytes);
	pf_emit_uint(e, "cpu_allocatable_millicores", n->cpu_allocatable_millicores);
	pf_emit_uint(e, "memory_allocatable_bytes", n->memory_allocatable_bytes);
	pf_emit_uint(e, "lost", n->nr_lost);
	pf_emit_double(e, "agent_cpu_ratio", n->cost_ratio);
	pf_emit_uint(e, "agent_bytes", n->cost_bytes);
	pf_emit_double(e, "thinning", n->thinning);
	pf_emit_close(e);
}

void pf_answer_nodes(struct pf_collector *c, struct pf_http_request *req)
{
	PF_AUTO(pf_freep) struct pf_node_info *nodes = NULL;
	int64_t now_ms = pf_clock_wall_ns() / (int64_t)PF_NS_PER_MS;
	struct pf_emit e;
	struct pf_buf out;
	size_t nr = 0;

	pf_buf_init(&out, PF_ANSWER_MAX);
	if (pf_nodes_list(c->nodes, &nodes, &nr) < 0)
		out.err = -ENOMEM;
	pf_emit_init(&e, &out, false);
	pf_emit_open(&e, NULL, false);
	pf_emit_uint(&e, "total", nr);
	pf_emit_open(&e, "nodes", true);
	for (size_t i = 0; i < nr; i++)
		emit_node(&e, &nodes[i], now_ms);
	pf_emit_close(&e);
	pf_emit_close(&e);
	pf_reply_buf(req, "application/json", &out);
}

static int encode_one(const struct pf_report *const *reports, size_t nr, struct pf_buf *out)
{
	return nr ? pf_wire_encode_report(reports[0], out) : -ENOENT;
}

static int read_report(struct pf_collector *c, const struct pf_node_info *info, struct pf_buf *out)
{
	struct pf_store *store = NULL;
	char error[256] = "";
	struct pf_store_report row = { .key = { info->cluster, info->node, info->run_id,
						info->sequence } };
	const struct pf_report *const *reports;
	struct pf_loader loader;
	size_t nr;
	int r = pf_readers_take(c->readers, &store, error, sizeof(error));

	if (r < 0)
		return r;
	pf_loader_init(&loader, c->store, store, c->config->limits_inflated_bytes,
		       c->config->limits_decoded_bytes);
	r = pf_loader_node(&loader, &row, 1, &reports, &nr);
	if (r == 0)
		r = encode_one(reports, nr, out);
	pf_loader_done(&loader);
	pf_readers_give(c->readers, store, r < 0 && r != -ENOENT);
	return r;
}

void pf_answer_node(struct pf_collector *c, struct pf_http_request *req)
{
	struct pf_path path;
	struct pf_node_info info;
	struct pf_buf message, json;
	struct pf_arena arena;
	struct pf_wire_error error;
	int r;

	/* "/v1/nodes/CLUSTER/NODE" */
	if (pf_path_split(pf_http_target(req), &path) < 0 || path.nr != 4 ||
	    pf_nodes_get(c->nodes, path.parts[2], path.parts[3], &info) < 0) {
		pf_http_reply_error(req, 404,
				    "no such node has reported: /v1/nodes/CLUSTER/NODE, with - for "
				    "a cluster without a name");
		return;
	}
	pf_buf_init(&message, PF_ANSWER_MAX);
	pf_buf_init(&json, PF_ANSWER_MAX);
	pf_arena_init(&arena, PF_ANSWER_MAX);
	r = read_report(c, &info, &message);
	if (r == 0 && !pf_reply_wants_protobuf(req)) {
		r = pf_wire_json(PF_WIRE_REPORT, message.data, message.len, &arena, &json, &error);
		pf_buf_done(&message);
		message = json;
		pf_buf_init(&json, 0);
	}
	pf_arena_done(&arena);
	pf_buf_done(&json);
	if (r < 0) {
		pf_buf_done(&message);
		/* It was superseded between the question and the look. */
		pf_http_reply_header(req, "Retry-After", "1");
		pf_http_reply_error(req, 503, "the node's newest report cannot be read just now");
		return;
	}
	pf_reply_buf(req,
		     pf_reply_wants_protobuf(req) ? "application/x-protobuf" : "application/json",
		     &message);
}

/* ---- namespaces ---- */

static void emit_resources(struct pf_emit *e, const char *key, const struct pf_resources *r)
{
	pf_emit_open(e, key, false);
	pf_emit_uint(e, "cpu_request_millicores", r->cpu_request_millicores);
	pf_emit_uint(e, "cpu_limit_millicores", r->cpu_limit_millicores);
	pf_emit_uint(e, "memory_request_bytes", r->memory_request_bytes);
	pf_emit_uint(e, "memory_limit_bytes", r->memory_limit_bytes);
	pf_emit_close(e);
}

static void emit_savings(struct pf_emit *e, const struct pf_savings *s)
{
	if (!s->known)
		return;
	pf_emit_open(e, "savings", false);
	pf_emit_int(e, "cpu_millicores", s->cpu_millicores);
	pf_emit_int(e, "memory_bytes", s->memory_bytes);
	pf_emit_double(e, "money_per_month", s->money_per_month);
	if (isfinite(s->money_per_month))
		pf_emit_text(e, "currency", s->currency);
	pf_emit_close(e);
}

void pf_answer_namespaces(struct pf_collector *c, struct pf_http_request *req)
{
	PF_AUTO(pf_fleet_unrefp) struct pf_fleet *fleet = pf_reply_fleet(c, req);
	struct pf_emit e;
	struct pf_buf out;

	if (!fleet)
		return;
	pf_buf_init(&out, PF_ANSWER_MAX);
	pf_emit_init(&e, &out, false);
	pf_emit_open(&e, NULL, false);
	pf_emit_uint(&e, "at_unix_ns", fleet->at_unix_ns);
	pf_emit_open(&e, "namespaces", true);
	for (size_t i = 0; i < fleet->nr_namespaces; i++) {
		const struct pf_fleet_namespace *ns = &fleet->namespaces[i];
		struct pf_resources quota;
		char sentence[PF_QUOTA_SENTENCE_MAX];

		pf_quota_advise(ns, &quota, sentence, sizeof(sentence));
		pf_emit_open(&e, NULL, false);
		pf_emit_text(&e, "cluster", ns->cluster);
		pf_emit_text(&e, "namespace", ns->name);
		pf_emit_uint(&e, "nr_workloads", ns->nr_workloads);
		pf_emit_uint(&e, "nr_instances", ns->nr_instances);
		emit_resources(&e, "requested", &ns->requested);
		emit_resources(&e, "advised", &ns->advised);
		emit_resources(&e, "quota_advice", &quota);
		pf_emit_text(&e, "quota_sentence", sentence);
		emit_savings(&e, &ns->savings);
		pf_emit_close(&e);
	}
	pf_emit_close(&e);
	pf_emit_close(&e);
	pf_reply_buf(req, "application/json", &out);
}

/* ---- the whole ---- */

static void emit_totals(struct pf_emit *e, const struct pf_fleet_totals *t)
{
	pf_emit_uint(e, "nr_workloads", t->nr_workloads);
	pf_emit_uint(e, "nr_instances", t->nr_instances);
	pf_emit_uint(e, "nr_leaks", t->nr_leaks);
	pf_emit_uint(e, "cpu_allocatable_millicores", t->cpu_allocatable_millicores);
	pf_emit_uint(e, "cpu_requested_millicores", t->cpu_requested_millicores);
	pf_emit_uint(e, "cpu_advised_millicores", t->cpu_advised_millicores);
	pf_emit_double(e, "cpu_used_millicores", t->cpu_used_millicores);
	pf_emit_uint(e, "memory_allocatable_bytes", t->memory_allocatable_bytes);
	pf_emit_uint(e, "memory_requested_bytes", t->memory_requested_bytes);
	pf_emit_uint(e, "memory_advised_bytes", t->memory_advised_bytes);
	pf_emit_double(e, "memory_used_bytes", t->memory_used_bytes);
	emit_savings(e, &t->savings);
	pf_emit_open(e, "verdicts", false);
	for (int i = 1; i < PF_NR_VERDICTS; i++)
		if (t->verdicts[i])
			pf_emit_uint(e, pf_verdict_name(i), t->verdicts[i]);
	pf_emit_close(e);
}

static void emit_classes(struct pf_emit *e, const struct pf_fleet *fleet, struct pf_buf *out)
{
	PF_AUTO(pf_arena_done) struct pf_arena arena;
	struct pf_class_sum *sums;
	size_t nr = 0;

	pf_arena_init(&arena, PF_ANSWER_MAX);
	if (pf_class_sums(fleet, &arena, &sums, &nr) < 0)
		out->err = -ENOMEM;
	pf_emit_open(e, "classes", true);
	for (size_t i = 0; i < nr; i++) {
		pf_emit_open(e, NULL, false);
		pf_emit_text(e, "class", sums[i].name);
		pf_emit_uint(e, "nr_workloads", sums[i].nr_workloads);
		pf_emit_uint(e, "nr_instances", sums[i].nr_instances);
		pf_emit_uint(e, "cpu_requested_millicores", sums[i].cpu_requested_millicores);
		pf_emit_uint(e, "cpu_advised_millicores", sums[i].cpu_advised_millicores);
		pf_emit_uint(e, "memory_requested_bytes", sums[i].memory_requested_bytes);
		pf_emit_uint(e, "memory_advised_bytes", sums[i].memory_advised_bytes);
		emit_savings(e, &sums[i].savings);
		pf_emit_close(e);
	}
	pf_emit_close(e);
}

/* In all the time that there is evidence of. */
static uint64_t all_oom_kills(const struct pf_fleet *fleet)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < fleet->nr_workloads; i++) {
		uint64_t nr = fleet->workloads[i].recommendation.evidence.oom_kills;

		if (!*fleet->workloads[i].key.node_class && nr < PF_NO_LIMIT)
			sum += nr;
	}
	return sum;
}

void pf_answer_fleet(struct pf_collector *c, struct pf_http_request *req)
{
	PF_AUTO(pf_fleet_unrefp) struct pf_fleet *fleet = pf_reply_fleet(c, req);
	struct pf_emit e;
	struct pf_buf out;

	if (!fleet)
		return;
	pf_buf_init(&out, PF_ANSWER_MAX);
	pf_emit_init(&e, &out, false);
	pf_emit_open(&e, NULL, false);
	pf_emit_uint(&e, "at_unix_ns", fleet->at_unix_ns);
	pf_emit_bool(&e, "merge_pending", pf_reply_is_behind(c, fleet));
	pf_emit_double(&e, "merge_seconds", (double)fleet->took_ns / (double)PF_NS_PER_S);
	pf_emit_uint(&e, "nr_nodes", pf_nodes_count(c->nodes));
	pf_emit_uint(&e, "nr_left_out", fleet->nr_left_out);
	pf_emit_uint(&e, "nr_oom_kills", all_oom_kills(fleet));
	pf_emit_uint(&e, "nr_recent_oom_kills", fleet->nr_all_ooms);
	pf_emit_uint(&e, "recent_from_unix_ns", (uint64_t)fleet->open_from * PF_NS_PER_HOUR);
	emit_totals(&e, &fleet->totals);
	emit_classes(&e, fleet, &out);
	pf_emit_close(&e);
	pf_reply_buf(req, "application/json", &out);
}
