// SPDX-License-Identifier: Apache-2.0
/*
 * Agents and collectors of different versions: what a newer minor version adds is passed over, what
 * an older one does not know is unknown, and numbers of fields stay what they were.
 */
#include <errno.h>
#include <podfit.pb-c.h>
#include <stdlib.h>

#include "sys/file.h"
#include "unit/check.h"
#include "unit/report_sample.h"
#include "wire/wire.h"

enum { TEST_MEMORY_MAX = 8 << 20, VARINT = 0, FIXED64 = 1, DELIMITED = 2, FIXED32 = 5 };

/* How a message is written anew: with fields of the future everywhere, or with one field left out. */
struct rewrite {
	bool with_future;
	size_t leave_out; /* number of the field as they come, nested ones included; SIZE_MAX: none */
	size_t nr_fields; /* seen so far */
	char left_out[160];
};

static uint64_t get_varint(const uint8_t **at)
{
	uint64_t value = 0;

	for (unsigned shift = 0;; shift += 7) {
		uint8_t byte = *(*at)++;

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return value;
	}
}

static void add_varint(struct pf_buf *out, uint64_t value)
{
	do {
		uint8_t byte = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));

		(void)pf_buf_add(out, &byte, 1);
		value >>= 7;
	} while (value);
}

static void add_tag(struct pf_buf *out, unsigned number, unsigned type)
{
	add_varint(out, (uint64_t)number << 3 | type);
}

/* One field of each wire type, of numbers that no message has. */
static void add_future(struct pf_buf *out)
{
	add_tag(out, 1900, VARINT);
	add_varint(out, UINT64_MAX);
	add_tag(out, 1901, FIXED64);
	(void)pf_buf_add(out, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
	add_tag(out, 1902, DELIMITED);
	add_varint(out, 5);
	(void)pf_buf_add(out, "later", 5);
	add_tag(out, 1903, FIXED32);
	(void)pf_buf_add(out, "\0\0\0\0", 4);
}

static void rewrite(const ProtobufCMessageDescriptor *descriptor, const uint8_t *at,
		    const uint8_t *end, struct rewrite *how, struct pf_buf *out);

static const uint8_t *value_end(const uint8_t *at, unsigned type)
{
	uint64_t len;

	switch (type) {
	case VARINT:
		(void)get_varint(&at);
		return at;
	case FIXED64:
		return at + 8;
	case FIXED32:
		return at + 4;
	default:
		len = get_varint(&at);
		return at + len;
	}
}

static void rewrite_message(const ProtobufCFieldDescriptor *field, const uint8_t *at,
			    struct rewrite *how, struct pf_buf *out)
{
	uint64_t len = get_varint(&at);
	struct pf_buf body;

	pf_buf_init(&body, PF_WIRE_MESSAGE_MAX);
	rewrite(field->descriptor, at, at + len, how, &body);
	add_varint(out, body.len);
	(void)pf_buf_add(out, body.data, body.len);
	pf_buf_done(&body);
}

static void rewrite(const ProtobufCMessageDescriptor *descriptor, const uint8_t *at,
		    const uint8_t *end, struct rewrite *how, struct pf_buf *out)
{
	if (how->with_future)
		add_future(out);
	while (at < end) {
		uint64_t tag = get_varint(&at);
		const ProtobufCFieldDescriptor *field =
			protobuf_c_message_descriptor_get_field(descriptor, (unsigned)(tag >> 3));
		const uint8_t *next = value_end(at, tag & 7);

		if (how->nr_fields++ == how->leave_out) {
			snprintf(how->left_out, sizeof(how->left_out), "%s.%s",
				 descriptor->short_name, field->name);
			at = next;
			continue;
		}
		add_varint(out, tag);
		if (field->type == PROTOBUF_C_TYPE_MESSAGE)
			rewrite_message(field, at, how, out);
		else
			(void)pf_buf_add(out, at, (size_t)(next - at));
		at = next;
		if (how->with_future)
			add_future(out);
	}
}

static void rewrite_report(const struct pf_buf *from, struct rewrite *how, struct pf_buf *to)
{
	const uint8_t *data = (const uint8_t *)from->data;

	pf_buf_init(to, PF_WIRE_MESSAGE_MAX);
	rewrite(&podfit__v1__node_report__descriptor, data, data + from->len, how, to);
	PF_CHECK_INT("rewritten", to->err, 0);
}

/* Decodes and encodes again. Return: what decoding gave. */
static int through(const struct pf_buf *from, struct pf_buf *to, struct pf_wire_error *error)
{
	struct pf_report report;
	struct pf_arena arena;
	int r;

	pf_buf_init(to, PF_WIRE_MESSAGE_MAX);
	pf_arena_init(&arena, TEST_MEMORY_MAX);
	r = pf_wire_decode_report(from->data, from->len, &arena, &report, error);
	if (r == 0)
		PF_CHECK_INT("encode again", pf_wire_encode_report(&report, to), 0);
	pf_arena_done(&arena);
	return r;
}

static bool same(const struct pf_buf *a, const struct pf_buf *b)
{
	return a->len == b->len && !memcmp(a->data, b->data, a->len);
}

/* A newer agent and an older collector. */
static void test_newer(void)
{
	struct rewrite how = { .with_future = true, .leave_out = SIZE_MAX };
	struct pf_wire_error error = { 0 };
	struct pf_buf now, newer, again, json;
	struct pf_arena arena;

	pf_buf_init(&now, PF_WIRE_MESSAGE_MAX);
	PF_CHECK_INT("encode", pf_wire_encode_report(report_sample(), &now), 0);
	rewrite_report(&now, &how, &newer);
	PF_CHECK("much was added", newer.len > 3 * now.len);
	PF_CHECK_INT("well-formed", pf_wire_scan(PF_WIRE_REPORT, newer.data, newer.len, &error), 0);
	PF_CHECK_INT("taken", through(&newer, &again, &error), 0);
	PF_CHECK_STR("no complaint", error.reason, "");
	PF_CHECK("all that is known arrives", same(&now, &again));
	pf_buf_done(&again);

	pf_arena_init(&arena, TEST_MEMORY_MAX);
	pf_buf_init(&json, PF_WIRE_MESSAGE_MAX);
	pf_buf_init(&again, PF_WIRE_MESSAGE_MAX);
	PF_CHECK_INT("json",
		     pf_wire_json(PF_WIRE_REPORT, newer.data, newer.len, &arena, &json, &error), 0);
	PF_CHECK_INT("json",
		     pf_wire_json(PF_WIRE_REPORT, now.data, now.len, &arena, &again, &error), 0);
	PF_CHECK("the same to read", same(&json, &again));
	pf_arena_done(&arena);
	pf_buf_done(&json);
	pf_buf_done(&again);
	pf_buf_done(&newer);
	pf_buf_done(&now);
}

static void check_recorded(const struct pf_report *got)
{
	const struct pf_report_container *c = &got->containers[0];
	const struct pf_slice *slice = c->slices[0];

	PF_CHECK_INT("minor", got->schema_minor, 0);
	PF_CHECK_STR("layout", got->cgroup_layout, "v2");
	PF_CHECK_NEAR("thinning", got->cost.thinning, 0.25, 0);
	PF_CHECK_STR("workload", c->identity->workload, "cart");
	PF_CHECK_INT("kind", c->identity->workload_kind, PF_WORKLOAD_STATEFUL_SET);
	PF_CHECK_INT("request", c->identity->spec.memory_request_bytes, 300);
	PF_CHECK_INT("enforced", c->enforced.cpu_weight, 79);
	PF_CHECK_INT("threads", c->now.nr_threads, (1 << 10) + 33 * 1001);
	PF_CHECK_INT("quota", slice->cfs_quota_us, 100 + 9 * 1001);
	PF_CHECK_INT("kills of the hour", slice->oom_kills, (1 << 22) + 17 * 1001);
	PF_CHECK_INT("last bucket", slice->hists[PF_HIST_USAGE][271], 4000000000u);
	PF_CHECK_INT("VPA peaks", slice->vpa.nr_peaks, 2);
	PF_CHECK_INT("verdict", c->recommendation->findings[1].verdict, PF_VERDICT_IDLE);
	PF_CHECK_INT("curve", c->recommendation->curve[1].burst_us, 20000);
	PF_CHECK_NEAR("slope", c->leak->slope_high, 4e6, 0);
	PF_CHECK_STR("frame", c->leak->stacks[0].frames[0].symbol, "grow");
	PF_CHECK_INT("kill", got->oom_kills[0].overshoot_bytes, 30000000);
}

/* A report of an earlier build, see tests/fixtures/versions/README.md. */
static void test_recorded(void)
{
	static const char source[] = "tests/fixtures/versions/report-1.0.pb";
	struct pf_wire_error error = { 0 };
	struct pf_report got;
	struct pf_arena arena;
	struct pf_buf file;
	const uint8_t *at;
	uint64_t len;
	int r;

	pf_buf_init(&file, 1 << 20);
	pf_arena_init(&arena, TEST_MEMORY_MAX);
	PF_CHECK_INT(source, pf_file_read(&pf_sys_real, AT_FDCWD, source, &file), 0);
	if (file.len) {
		at = (const uint8_t *)file.data;
		len = get_varint(&at);
		r = pf_wire_decode_report(at, len, &arena, &got, &error);
		PF_CHECK_INT("decode", r, 0);
		if (r == 0 && got.nr_containers == 2)
			check_recorded(&got);
		else
			PF_CHECK("containers", false);
	}
	pf_arena_done(&arena);
	pf_buf_done(&file);
}

/* Without these a number would have to be guessed: such a message never was one of version 1. */
static bool is_needed(const char *field)
{
	static const char *const needed[] = {
		"HourSlice.hour",  "HourSlice.run_id",	       "Histogram.layout",
		"Histogram.count", "Histogram.index_delta",    "Histogram.weight",
		"Peak.bytes",	   "Peak.interval_end_unix_ns"
	};

	for (size_t i = 0; i < PF_ARRAY_SIZE(needed); i++)
		if (!strcmp(field, needed[i]))
			return true;
	return false;
}

/* An older agent: whatever single field it does not have, the rest arrives as it is. */
static void test_older(void)
{
	struct pf_buf now;
	size_t nr_fields = 1;

	pf_buf_init(&now, PF_WIRE_MESSAGE_MAX);
	PF_CHECK_INT("encode", pf_wire_encode_report(report_sample(), &now), 0);
	for (size_t i = 0; i < nr_fields; i++) {
		struct rewrite how = { .leave_out = i };
		struct pf_wire_error error = { 0 };
		struct pf_buf older, again, third;
		int r;

		rewrite_report(&now, &how, &older);
		if (i == 0)
			nr_fields = how.nr_fields;
		r = through(&older, &again, &error);
		PF_CHECK_INT(how.left_out, r, is_needed(how.left_out) ? -EBADMSG : 0);
		PF_CHECK(how.left_out, (r == 0) == !error.reason[0]);
		if (r == 0) {
			PF_CHECK_INT(how.left_out, through(&again, &third, &error), 0);
			PF_CHECK(how.left_out, same(&again, &third));
			pf_buf_done(&third);
		}
		pf_buf_done(&again);
		pf_buf_done(&older);
	}
	PF_CHECK("many fields were tried", nr_fields > 300);
	pf_buf_done(&now);
}

/* Values that only a newer version gives to an enum, and where each must end up. */
static void check_container(const Podfit__V1__Container *sent)
{
	struct pf_buf bytes;
	struct pf_report got;
	struct pf_arena arena;
	struct pf_wire_error error = { 0 };
	Podfit__V1__NodeReport report = PODFIT__V1__NODE_REPORT__INIT;
	Podfit__V1__Container *list[] = { (Podfit__V1__Container *)sent };
	char *place;

	report.has_schema_minor = 1;
	report.schema_minor = 7;
	report.containers = list;
	report.n_containers = 1;
	pf_buf_init(&bytes, PF_WIRE_MESSAGE_MAX);
	pf_arena_init(&arena, TEST_MEMORY_MAX);
	PF_CHECK_INT(
		"room",
		pf_buf_reserve(&bytes, podfit__v1__node_report__get_packed_size(&report), &place),
		0);
	pf_buf_wrote(&bytes, podfit__v1__node_report__pack(&report, (uint8_t *)place));
	PF_CHECK_INT("decode", pf_wire_decode_report(bytes.data, bytes.len, &arena, &got, &error),
		     0);
	PF_CHECK_INT("minor version", got.schema_minor, 7);
	if (got.nr_containers == 1) {
		const struct pf_report_container *c = &got.containers[0];

		PF_CHECK_INT("workload", c->identity->workload_kind, PF_WORKLOAD_OTHER);
		PF_CHECK_INT("type", c->identity->type, PF_CONTAINER_MAIN);
		PF_CHECK_INT("qos", c->identity->qos, PF_QOS_UNKNOWN);
		PF_CHECK_INT("verdict", c->recommendation->findings[0].verdict, PF_VERDICT_NONE);
		PF_CHECK_INT("action", c->recommendation->findings[0].action, PF_ACTION_NONE);
		PF_CHECK_STR("its sentence", c->recommendation->findings[0].sentence, "new");
		PF_CHECK_INT("leak", c->leak->state, PF_LEAK_NONE);
		PF_CHECK_INT("severity", c->leak->severity, PF_SEVERITY_NONE);
		PF_CHECK_INT("kind", c->leak->kind, PF_KIND_UNKNOWN);
	}
	pf_arena_done(&arena);
	pf_buf_done(&bytes);
}

static void test_newer_enums(void)
{
	Podfit__V1__Identity identity = PODFIT__V1__IDENTITY__INIT;
	Podfit__V1__Finding finding = PODFIT__V1__FINDING__INIT, *findings[] = { &finding };
	Podfit__V1__Recommendation recommendation = PODFIT__V1__RECOMMENDATION__INIT;
	Podfit__V1__LeakFinding leak = PODFIT__V1__LEAK_FINDING__INIT;
	Podfit__V1__Container container = PODFIT__V1__CONTAINER__INIT;

	identity.has_workload_kind = identity.has_container_type = identity.has_qos = 1;
	identity.workload_kind = (Podfit__V1__WorkloadKind)1000;
	identity.container_type = (Podfit__V1__ContainerType)1000;
	identity.qos = (Podfit__V1__QosClass)1000;
	finding.has_verdict = finding.has_action = 1;
	finding.verdict = (Podfit__V1__Verdict)1000;
	finding.action = (Podfit__V1__Action)1000;
	finding.sentence = (char *)"new";
	recommendation.findings = findings;
	recommendation.n_findings = 1;
	leak.has_state = leak.has_severity = leak.has_kind = 1;
	leak.state = (Podfit__V1__LeakState)1000;
	leak.severity = (Podfit__V1__Severity)1000;
	leak.kind = (Podfit__V1__MemoryKind)1000;
	container.identity = &identity;
	container.recommendation = &recommendation;
	container.leak = &leak;
	check_container(&container);
}

PF_TEST_SUITE(wire_versions, { "newer", test_newer }, { "older, field by field", test_older },
	      { "newer enums", test_newer_enums }, { "recorded", test_recorded });
