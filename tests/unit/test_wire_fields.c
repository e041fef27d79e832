// SPDX-License-Identifier: Apache-2.0
/*
 * Every field of the schema, found by its descriptors: a report that fills them all comes back the same, so that none can be
 * forgotten on either way.
 */
#include <podfit.pb-c.h>
#include <stdlib.h>
#include <string.h>

#include "unit/check.h"
#include "unit/report_sample.h"
#include "wire/wire.h"

enum { MESSAGES_MAX = 64, FIELDS_MAX = 64 };

/* What was seen of each message's fields. */
static struct seen {
	const ProtobufCMessageDescriptor *type;
	bool field[FIELDS_MAX];
} seen[MESSAGES_MAX];

static struct seen *seen_of(const ProtobufCMessageDescriptor *type)
{
	for (size_t i = 0; i < MESSAGES_MAX; i++) {
		if (!seen[i].type)
			seen[i].type = type;
		if (seen[i].type == type)
			return &seen[i];
	}
	abort();
}

static void walk(const ProtobufCMessage *message)
{
	struct seen *s = seen_of(message->descriptor);

	for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
		const void *member = (const char *)message + field->offset;
		const void *quantifier = (const char *)message + field->quantifier_offset;
		size_t n =
			field->label == PROTOBUF_C_LABEL_REPEATED ? *(const size_t *)quantifier : 1;
		bool pointer = field->type == PROTOBUF_C_TYPE_MESSAGE ||
			       field->type == PROTOBUF_C_TYPE_STRING;

		if (field->label == PROTOBUF_C_LABEL_REPEATED)
			s->field[i] |= n > 0;
		else if (pointer)
			s->field[i] |= *(void *const *)member != NULL;
		else
			s->field[i] |= *(const protobuf_c_boolean *)quantifier;
		if (field->type != PROTOBUF_C_TYPE_MESSAGE)
			continue;
		(void)seen_of(field->descriptor);
		for (size_t k = 0; k < n; k++) {
			const ProtobufCMessage *inner = field->label == PROTOBUF_C_LABEL_REPEATED
								? (*(ProtobufCMessage ***)member)[k]
								: *(ProtobufCMessage **)member;

			if (inner)
				walk(inner);
		}
	}
}

/* What the sample leaves unknown. */
static void fill_container(struct pf_report_container *c)
{
	static const char *const nodes[] = { "node-7", "node-8" };
	static const struct pf_fleet_info fleet = { .cluster = "c",
						    .node_class = "big",
						    .nr_instances = 12,
						    .nr_nodes = 5,
						    .first_unix_ns = 1001,
						    .last_unix_ns = 2002,
						    .usage_now_millicores = 12.5,
						    .hot_now_bytes = 3e9,
						    .nr_leaking_instances = 3,
						    .nr_leaking_nodes = 2,
						    .leak_slope_min = 1.5,
						    .leak_slope_max = 3.5,
						    .leak_slope_mean = 2.5,
						    .leaking_nodes = nodes,
						    .nr_leaking_named = 2,
						    .worst_leak_node = "node-8",
						    .worst_leak_pod = "cart-1" };
	static uint32_t counts[PF_MILLICORES_BUCKETS];
	static struct pf_identity identity;
	static struct pf_slice slice;
	static const struct pf_slice *slices[] = { &slice };
	static struct pf_recommendation recommendation;
	static struct pf_leak_finding leak;

	identity = *c->identity;
	identity.actual = (struct pf_resources){ 11, 12, 13, 14 };
	identity.pod_level = (struct pf_resources){ 21, 22, 23, 24 };
	identity.hpa_on_cpu = true;
	c->identity = &identity;
	c->enforced.memory_high_bytes = 77;
	c->enforced.swap_limit_bytes = 78;
	c->ended_unix_ns = 79;
	c->fleet = &fleet;

	slice = *c->slices[0];
	counts[3] = 5;
	slice.hists[PF_HIST_BLOCK_IO] = counts;
	slice.minute_demand = counts;
	c->slices = slices;

	recommendation = *c->recommendation;
	recommendation.evidence = (struct pf_evidence_summary){ .covered_hours = 1,
								.nr_windows = 2,
								.demand_p50_millicores = 3,
								.demand_p90_millicores = 4,
								.demand_p99_millicores = 5,
								.demand_peak_millicores = 6,
								.usage_mean_millicores = 7,
								.throttled_ratio = 0.25,
								.throttled_ns_per_s = 8,
								.quota_wait_ns_per_s = 9,
								.contention_wait_ns_per_s = 10,
								.runq_p99_ns = 11,
								.memory_peak_bytes = 12,
								.hot_peak_bytes = 13,
								.working_set_peak_bytes = 14,
								.hot_mean_bytes = 15,
								.oom_kills = 16,
								.oom_overshoot_bytes = 17,
								.nr_instances = 18,
								.cpu_utilization = 0.5,
								.memory_utilization = 0.75 };
	c->recommendation = &recommendation;

	leak = *c->leak;
	leak.eta_low_unix_ns = 31;
	leak.eta_high_unix_ns = 32;
	leak.pre_leak_bytes = 33;
	leak.baseline_eta_unix_ns = 34;
	c->leak = &leak;
}

static void fill_oom(struct pf_report_oom *oom)
{
	oom->container_id = "id";
	oom->namespace_name = "shop";
	oom->pod = "cart-1";
	oom->workload = "cart";
	oom->whole_node = true;
	oom->limit_bytes = 41;
	oom->memory = (struct pf_memory_kinds){ 51, 52, 53, 54 };
	oom->victim_anon_bytes = 42;
	oom->victim_file_bytes = 43;
}

static const struct pf_report *full_report(void)
{
	static struct pf_report_container containers[3];
	static struct pf_report_oom kills[2];
	static struct pf_report report;

	report = *report_sample();
	report.cpu_allocatable_millicores = 7900;
	report.memory_allocatable_bytes = 15ull << 30;
	containers[0] = containers[2] = report.containers[0];
	containers[1] = report.containers[1];
	fill_container(&containers[2]);
	report.containers = containers;
	report.nr_containers = 3;
	kills[0] = kills[1] = report.oom_kills[0];
	fill_oom(&kills[1]);
	report.oom_kills = kills;
	report.nr_oom_kills = 2;
	return &report;
}

static void test_every_field(void)
{
	const struct pf_report *report = full_report();
	struct pf_buf buf;
	unsigned nr = 0;

	pf_buf_init(&buf, PF_WIRE_MESSAGE_MAX);
	PF_CHECK_INT("encode", pf_wire_encode_report(report, &buf), 0);

	Podfit__V1__NodeReport *message =
		podfit__v1__node_report__unpack(NULL, buf.len, (const uint8_t *)buf.data);

	PF_CHECK("unpack", message != NULL);
	walk(&message->base);
	for (size_t i = 0; i < MESSAGES_MAX && seen[i].type; i++)
		for (unsigned f = 0; f < seen[i].type->n_fields; f++) {
			char name[128];

			(void)snprintf(name, sizeof(name), "%s.%s", seen[i].type->short_name,
				       seen[i].type->fields[f].name);
			PF_CHECK(name, seen[i].field[f]);
			nr++;
		}
	PF_CHECK("they were looked at", nr > 200);
	podfit__v1__node_report__free_unpacked(message, NULL);
	pf_buf_done(&buf);
}

/* Decoded and encoded again: the same bytes. What both ways have wrong alike shows in a few values of each kind. */
static void test_both_ways(void)
{
	struct pf_wire_error error = { 0 };
	struct pf_report got;
	struct pf_arena arena;
	struct pf_buf first, second;

	pf_buf_init(&first, PF_WIRE_MESSAGE_MAX);
	pf_buf_init(&second, PF_WIRE_MESSAGE_MAX);
	pf_arena_init(&arena, 8 << 20);
	PF_CHECK_INT("encode", pf_wire_encode_report(full_report(), &first), 0);
	if (pf_wire_decode_report(first.data, first.len, &arena, &got, &error) != 0) {
		PF_CHECK_STR("decode", error.reason, "");
	} else {
		const struct pf_report_container *c = &got.containers[2];

		PF_CHECK_INT("encode again", pf_wire_encode_report(&got, &second), 0);
		PF_CHECK("the same",
			 first.len == second.len && !memcmp(first.data, second.data, first.len));
		PF_CHECK_INT("instances", c->fleet->nr_instances, 12);
		PF_CHECK_INT("nodes", c->fleet->nr_nodes, 5);
		PF_CHECK_STR("leaking node", c->fleet->leaking_nodes[1], "node-8");
		PF_CHECK_NEAR("slowest leak", c->fleet->leak_slope_min, 1.5, 0);
		PF_CHECK("no fleet on a node", !got.containers[0].fleet);
		PF_CHECK_INT("block I/O", c->slices[0]->hists[PF_HIST_BLOCK_IO][3], 5);
		PF_CHECK_INT("minutes", c->slices[0]->minute_demand[3], 5);
		PF_CHECK_NEAR("p50", c->recommendation->evidence.demand_p50_millicores, 3, 0);
		PF_CHECK_INT("before the leak", c->leak->pre_leak_bytes, 33);
		PF_CHECK_INT("ended", c->ended_unix_ns, 79);
		PF_CHECK_INT("swap", c->enforced.swap_limit_bytes, 78);
		PF_CHECK_INT("victim's files", got.oom_kills[1].victim_file_bytes, 43);
		PF_CHECK_INT("allocatable", got.cpu_allocatable_millicores, 7900);
		PF_CHECK("HPA", c->identity->hpa_on_cpu && !got.containers[0].identity->hpa_on_cpu);
	}
	pf_arena_done(&arena);
	pf_buf_done(&first);
	pf_buf_done(&second);
}

PF_TEST_SUITE(wire_fields, { "both ways", test_both_ways }, { "every field", test_every_field });
