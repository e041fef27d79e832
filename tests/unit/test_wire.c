// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <math.h>
#include <string.h>

#include "unit/check.h"
#include "unit/report_sample.h"
#include "wire/stream.h"
#include "wire/wire.h"

enum { TEST_MEMORY_MAX = 8 << 20 };

static void encode_sample(struct pf_buf *buf)
{
	pf_buf_init(buf, PF_WIRE_MESSAGE_MAX);
	PF_CHECK_INT("encode", pf_wire_encode_report(report_sample(), buf), 0);
}

/* Encoding what was decoded gives the same bytes: so nothing is lost or changed on either way. */
static void test_round_trip(void)
{
	struct pf_buf first, second;
	struct pf_arena arena;
	struct pf_report report;
	struct pf_wire_error error = { 0 };

	encode_sample(&first);
	pf_buf_init(&second, PF_WIRE_MESSAGE_MAX);
	pf_arena_init(&arena, TEST_MEMORY_MAX);
	PF_CHECK_INT("decode",
		     pf_wire_decode_report(first.data, first.len, &arena, &report, &error), 0);
	PF_CHECK_STR("no error", error.reason, "");
	PF_CHECK_INT("encode again", pf_wire_encode_report(&report, &second), 0);
	PF_CHECK_INT("same length", first.len, second.len);
	PF_CHECK("same bytes",
		 first.len == second.len && !memcmp(first.data, second.data, first.len));
	pf_arena_done(&arena);
	pf_buf_done(&first);
	pf_buf_done(&second);
}

/* Names are keys of databases: of a sender of another make, and cut to their room, they are UTF-8 too. */
static void test_names_are_text(void)
{
	/* containers { identity { namespace "n<ff>", workload 254 bytes, of which the last two are one character } } */
	enum { HEAD = 14, WORKLOAD = 254 };
	char data[HEAD + WORKLOAD + 1] = "\x92\x01\x88\x02\x0a\x85\x02\x0a\x02n\xff\x42\xfe\x01";
	struct pf_wire_error error = { 0 };
	const struct pf_identity *id;
	struct pf_report report;
	struct pf_arena arena;

	memset(data + HEAD, 'w', WORKLOAD - 2);
	memcpy(data + HEAD + WORKLOAD - 2, "\xc3\xa9", 2);
	pf_arena_init(&arena, TEST_MEMORY_MAX);
	PF_CHECK_INT("decode",
		     pf_wire_decode_report(data, HEAD + WORKLOAD, &arena, &report, &error), 0);
	PF_CHECK_STR("no error", error.reason, "");
	PF_CHECK_INT("one", report.nr_containers, 1);
	if (report.nr_containers == 1) {
		id = report.containers[0].identity;
		PF_CHECK_STR("namespace", id->namespace_name, "n?");
		PF_CHECK_INT("cut", strlen(id->workload), PF_OBJECT_NAME_MAX - 1);
		PF_CHECK("not within a character", id->workload[PF_OBJECT_NAME_MAX - 2] == '?');
	}
	pf_arena_done(&arena);
}

/* A report of one slice as in the sample, but for one mean and one weight. */
static int decode_with(double hot_mean_bytes, double weight, struct pf_arena *arena,
		       struct pf_report *ret_report)
{
	struct pf_report report = *report_sample();
	struct pf_report_container container = report.containers[0];
	struct pf_slice slice = *container.slices[0];
	const struct pf_slice *slices[] = { &slice };
	double weights[PF_SLICE_VPA_BUCKETS] = { weight };
	struct pf_wire_error error = { 0 };
	struct pf_buf buf;
	int r;

	slice.hot_mean_bytes = hot_mean_bytes;
	slice.vpa.cpu_weight = weights;
	container.slices = slices;
	container.nr_slices = 1;
	report.containers = &container;
	report.nr_containers = 1;
	pf_buf_init(&buf, PF_WIRE_MESSAGE_MAX);
	PF_CHECK_INT("encode", pf_wire_encode_report(&report, &buf), 0);
	r = pf_wire_decode_report(buf.data, buf.len, arena, ret_report, &error);
	PF_CHECK("a reason", (r == 0) == !error.reason[0]);
	pf_buf_done(&buf);
	return r;
}

/* Sums must stay finite whatever a sender says: evidence that is not cannot be kept. */
static void test_beyond_reason(void)
{
	struct pf_report report;
	struct pf_arena arena;

	pf_arena_init(&arena, TEST_MEMORY_MAX);
	PF_CHECK_INT("within", decode_with(1e15, 1e11, &arena, &report), 0);
	PF_CHECK_NEAR("mean", report.containers[0].slices[0]->hot_mean_bytes, 1e15, 0);
	PF_CHECK_NEAR("weight", report.containers[0].slices[0]->vpa.cpu_weight[0], 1e11, 0);
	PF_CHECK_INT("a mean beyond", decode_with(1e300, 1, &arena, &report), 0);
	PF_CHECK("is not known", isnan(report.containers[0].slices[0]->hot_mean_bytes));
	PF_CHECK_INT("below", decode_with(-1, 1, &arena, &report), 0);
	PF_CHECK("is not known", isnan(report.containers[0].slices[0]->hot_mean_bytes));
	PF_CHECK_INT("a weight beyond", decode_with(1, 1e300, &arena, &report), -EBADMSG);
	PF_CHECK_INT("infinite", decode_with(1, INFINITY, &arena, &report), -EBADMSG);
	PF_CHECK_INT("no number", decode_with(1, NAN, &arena, &report), -EBADMSG);
	pf_arena_done(&arena);
}

/* Numbers that no machine has: what becomes of each, and that each is counted once. */
static void test_impossible(void)
{
	struct pf_report report = *report_sample();
	struct pf_report_container container = report.containers[0];
	struct pf_slice slice = *container.slices[0];
	const struct pf_slice *slices[] = { &slice }, *got;
	struct pf_wire_error error = { 0 };
	struct pf_arena arena;
	struct pf_buf buf;
	uint64_t before;

	container.slices = slices;
	container.nr_slices = 1;
	report.containers = &container;
	report.nr_containers = 1;
	pf_arena_init(&arena, TEST_MEMORY_MAX);
	pf_buf_init(&buf, PF_WIRE_MESSAGE_MAX);

	before = pf_wire_nr_impossible();
	PF_CHECK_INT("encode", pf_wire_encode_report(&report, &buf), 0);
	PF_CHECK_INT("decode", pf_wire_decode_report(buf.data, buf.len, &arena, &report, &error),
		     0);
	PF_CHECK_INT("all can be", pf_wire_nr_impossible() - before, 0);

	report.memory_total_bytes = INT64_MAX;
	report.containers = &container;
	slice.restarts = INT64_MAX;
	slice.hot_mean_bytes = -1;
	slice.vpa.nr_peaks = 3;
	slice.vpa.peaks[0] = (struct pf_slice_peak){ slice.start_unix_ns, 5, false };
	slice.vpa.peaks[1] = (struct pf_slice_peak){ slice.start_unix_ns, INT64_MAX, false };
	slice.vpa.peaks[2] = (struct pf_slice_peak){ INT64_MAX, 5, false };
	slice.vpa.last_cpu_unix_ns = INT64_MAX;
	pf_buf_reset(&buf);
	PF_CHECK_INT("encode", pf_wire_encode_report(&report, &buf), 0);
	PF_CHECK_INT("decode", pf_wire_decode_report(buf.data, buf.len, &arena, &report, &error),
		     0);
	got = report.containers[0].slices[0];
	PF_CHECK("total", report.memory_total_bytes == PF_UNKNOWN);
	PF_CHECK("restarts", got->restarts == PF_UNKNOWN);
	PF_CHECK("mean", isnan(got->hot_mean_bytes));
	PF_CHECK_INT("peaks", got->vpa.nr_peaks, 1);
	PF_CHECK_INT("peak", got->vpa.peaks[0].bytes, 5);
	PF_CHECK_INT("samples", got->vpa.nr_cpu_samples, 0);
	PF_CHECK_INT("each is counted", pf_wire_nr_impossible() - before, 6);
	pf_buf_done(&buf);
	pf_arena_done(&arena);
}

/* What does not fit leaves the buffer as it was: its text, its NUL, and no error. */
static void test_no_room(void)
{
	const struct pf_agent_status status = { .version = "a version that does not fit",
						.meta_source = "",
						.meta_state = "",
						.export_state = "",
						.not_ready_reason = "" };
	const struct pf_report *report = report_sample();
	struct pf_buf buf;

	pf_buf_init(&buf, 20);
	PF_CHECK_INT("before", pf_buf_adds(&buf, "kept"), 0);
	PF_CHECK_INT("report", pf_wire_encode_report(report, &buf), -ENOSPC);
	PF_CHECK_INT("header", pf_wire_encode_header(report, &buf), -ENOSPC);
	PF_CHECK_INT("container", pf_wire_encode_container(&report->containers[0], &buf), -ENOSPC);
	PF_CHECK_INT("status", pf_wire_encode_status(&status, &buf), -ENOSPC);
	PF_CHECK_INT("no error stays", buf.err, 0);
	PF_CHECK_INT("length", buf.len, 4);
	PF_CHECK_STR("text", buf.data, "kept");
	pf_buf_done(&buf);
}

/* An error from before is the caller's to see: encoding neither writes behind it nor forgets it. */
static void test_earlier_error(void)
{
	const struct pf_agent_status status = { .version = "1",
						.meta_source = "",
						.meta_state = "",
						.export_state = "",
						.not_ready_reason = "" };
	const struct pf_report *report = report_sample();
	struct pf_buf buf;

	pf_buf_init(&buf, 1 << 20);
	PF_CHECK_INT("before", pf_buf_adds(&buf, "kept"), 0);
	buf.err = -ENOMEM;
	PF_CHECK_INT("report", pf_wire_encode_report(report, &buf), -ENOMEM);
	PF_CHECK_INT("header", pf_wire_encode_header(report, &buf), -ENOMEM);
	PF_CHECK_INT("container", pf_wire_encode_container(&report->containers[0], &buf), -ENOMEM);
	PF_CHECK_INT("status", pf_wire_encode_status(&status, &buf), -ENOMEM);
	PF_CHECK_INT("the error stays", buf.err, -ENOMEM);
	PF_CHECK_STR("nothing was added", buf.data, "kept");
	pf_buf_reset(&buf);
	PF_CHECK_INT("report", pf_wire_encode_report(report, &buf), 0);
	PF_CHECK_INT("a NUL behind it", buf.data[buf.len], '\0');
	pf_buf_done(&buf);
}

static void check_container(const struct pf_report_container *got,
			    const struct pf_report_container *want)
{
	PF_CHECK_STR("workload", got->identity->workload, want->identity->workload);
	PF_CHECK_INT("kind", got->identity->workload_kind, want->identity->workload_kind);
	PF_CHECK("limit known not to be set",
		 got->identity->spec.memory_limit_bytes == PF_NO_LIMIT);
	PF_CHECK("actual unknown", got->identity->actual.cpu_request_millicores == PF_UNKNOWN);
	PF_CHECK_STR("label", got->identity->labels[0].value, "shop");
	PF_CHECK_INT("quota", got->enforced.cfs_quota_us, 20000);
	PF_CHECK("no high limit", got->enforced.memory_high_bytes == PF_NO_LIMIT);
	PF_CHECK("swap unknown", got->enforced.swap_limit_bytes == PF_UNKNOWN);
	PF_CHECK_INT("now", got->now.psi.io_full_ns, want->now.psi.io_full_ns);
	PF_CHECK_NEAR("trend", got->now.hot_trend_bytes_per_hour, -2.5e6, 0);
	PF_CHECK("still running", got->ended_unix_ns == PF_UNKNOWN);
}

static void check_slice(const struct pf_slice *got, const struct pf_slice *want)
{
	PF_CHECK_INT("hour", got->hour, want->hour);
	PF_CHECK("run", got->run_id == want->run_id);
	PF_CHECK_INT("idle windows", got->nr_idle_windows, want->nr_idle_windows);
	PF_CHECK_INT("last bucket", got->hists[PF_HIST_USAGE][271], 4000000000u);
	PF_CHECK("measured, nothing seen", got->hists[PF_HIST_CONTENTION_WAIT] != NULL);
	PF_CHECK("not measured", got->hists[PF_HIST_BLOCK_IO] == NULL);
	PF_CHECK_INT("CPUs", got->nr_cpus, 8);
	PF_CHECK_INT("pairs", got->limits.nr_pairs, want->limits.nr_pairs);
	for (size_t i = 0; i < PF_NR_LIMIT_COUNTS; i++)
		PF_CHECK_INT("limit queues", got->limits.counts[i][33], 7 + i);
	PF_CHECK_NEAR("VPA weight", got->vpa.cpu_weight[100], want->vpa.cpu_weight[100], 0);
	PF_CHECK_INT("peaks", got->vpa.nr_peaks, 2);
	PF_CHECK("OOM peak", got->vpa.peaks[1].oom);
	PF_CHECK_NEAR("mean", got->working_set_mean_bytes, want->working_set_mean_bytes, 0);
}

static void test_values(void)
{
	const struct pf_report *want = report_sample();
	struct pf_buf buf;
	struct pf_arena arena;
	struct pf_report got;
	struct pf_wire_error error = { 0 };

	encode_sample(&buf);
	pf_arena_init(&arena, TEST_MEMORY_MAX);
	if (pf_wire_decode_report(buf.data, buf.len, &arena, &got, &error) != 0) {
		PF_CHECK_STR("decode", error.reason, "");
	} else {
		PF_CHECK_STR("node", got.node, want->node);
		PF_CHECK_INT("containers", got.nr_containers, 2);
		PF_CHECK_INT("losses", got.losses[0].count, 3);
		PF_CHECK_NEAR("thinning", got.cost.thinning, 0.25, 0);
		check_container(&got.containers[0], &want->containers[0]);
		check_slice(got.containers[0].slices[0], want->containers[0].slices[0]);
		PF_CHECK("advice to remove a limit",
			 got.containers[0].recommendation->results[0].cpu.limit == PF_NO_LIMIT);
		PF_CHECK_STR("frame", got.containers[0].leak->stacks[0].frames[0].symbol, "grow");
		PF_CHECK("a frame without a name",
			 !got.containers[0].leak->stacks[0].frames[1].symbol);
		PF_CHECK("unknown stays unknown", got.containers[1].now.usage_ns == PF_UNKNOWN);
		PF_CHECK_INT("kill", got.oom_kills[0].victim_shmem_bytes, 4096);
	}
	pf_arena_done(&arena);
	pf_buf_done(&buf);
}

/* Cut anywhere, the message is refused with a byte inside it, or is a valid shorter one. */
static void test_truncation(void)
{
	struct pf_buf buf;
	size_t refused = 0;

	encode_sample(&buf);
	for (size_t len = 0; len < buf.len; len++) {
		struct pf_wire_error error = { .offset = SIZE_MAX };
		int r = pf_wire_scan(PF_WIRE_REPORT, buf.data, len, &error);

		PF_CHECK("0 or damaged", r == 0 || r == -EBADMSG);
		if (r < 0) {
			refused++;
			PF_CHECK("inside", error.offset <= len);
			PF_CHECK("says why", error.reason[0] != '\0');
		}
	}
	PF_CHECK("most cuts are seen", refused > buf.len * 9 / 10);
	pf_buf_done(&buf);
}

static const struct damage_case {
	const char *name;
	const char *bytes;
	size_t len;
	int want;
	size_t want_offset;
	const char *want_reason;
} damage_cases[] = {
	{ "empty", "", 0, 0, 0, "" },
	{ "field 0", "\x00", 1, -EBADMSG, 0, "NodeReport: field number 0" },
	{ "number cut", "\x08\x80", 2, -EBADMSG, 1, "a number is cut off" },
	{ "number too long", "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12, -EBADMSG, 1,
	  "a number is longer than ten bytes" },
	{ "wrong wire type", "\x0d\x01\x02\x03\x04", 5, -EBADMSG, 0,
	  "NodeReport.schema_major: wire type 5" },
	{ "group", "\xe3\x3e", 2, -EBADMSG, 0, "NodeReport: wire type 3" },
	{ "string beyond the end", "\x08\x01\x1a\x05xy", 6, -EBADMSG, 3,
	  "cluster: says 5 bytes, 2 are left" },
	{ "inside a container", "\x92\x01\x04\x12\x09xy", 7, -EBADMSG, 4,
	  "instance: says 9 bytes, 2 are left" },
	{ "unknown field", "\xf8\x7f\x01", 3, 0, 0, "" },
	{ "newer major", "\x08\x02", 2, -EPROTONOSUPPORT, 0,
	  "schema version 2.0 is newer than 1.x, which this podfit reads" },
	/* Container.slices with a Histogram (usage_windows) whose only bucket is number 272. */
	{ "bucket beyond the last",
	  "\x92\x01\x1a\x52\x18\x08\x01\x11\x00\x00\x00\x00\x00\x00\x00\x00\x72\x0b"
	  "\x08\x02\x12\x02\x90\x02\x1a\x01\x01\x28\x00",
	  29, -EBADMSG, 0, "containers[0]: histogram: bucket out of order or beyond the last" },
};

static void test_damage(void)
{
	for (size_t i = 0; i < PF_ARRAY_SIZE(damage_cases); i++) {
		const struct damage_case *c = &damage_cases[i];
		struct pf_wire_error error = { 0 };
		struct pf_arena arena;
		struct pf_report report;

		pf_arena_init(&arena, TEST_MEMORY_MAX);
		PF_CHECK_INT(c->name,
			     pf_wire_decode_report(c->bytes, c->len, &arena, &report, &error),
			     c->want);
		PF_CHECK_INT(c->name, error.offset, c->want_offset);
		PF_CHECK_STR(c->name, error.reason, c->want_reason);
		pf_arena_done(&arena);
	}
}

/* Two bytes a container: what they would take in memory is bounded, and said. */
static void test_small_message_large_memory(void)
{
	enum { NR = 100000 };
	struct pf_buf buf;
	struct pf_arena arena;
	struct pf_report report;
	struct pf_wire_error error = { 0 };

	pf_buf_init(&buf, PF_WIRE_MESSAGE_MAX);
	for (int i = 0; i < NR; i++)
		(void)pf_buf_add(&buf, "\x92\x01\x00", 3);
	pf_arena_init(&arena, TEST_MEMORY_MAX);
	PF_CHECK_INT("refused", pf_wire_decode_report(buf.data, buf.len, &arena, &report, &error),
		     -ENOSPC);
	PF_CHECK_STR("says why", error.reason, "it would take more than 8388608 bytes in memory");
	pf_arena_done(&arena);
	pf_buf_done(&buf);
}

static void test_bad_text(void)
{
	struct pf_report report = *report_sample();
	struct pf_buf buf, json;
	struct pf_arena arena;
	struct pf_wire_error error = { 0 };

	report.nr_containers = 0;
	report.node = "a\xff\xc0\x80\xf0\x9f\x98\x80\xed\xa0\x80z\x01\"";
	pf_buf_init(&buf, PF_WIRE_MESSAGE_MAX);
	pf_buf_init(&json, PF_WIRE_MESSAGE_MAX);
	pf_arena_init(&arena, TEST_MEMORY_MAX);
	PF_CHECK_INT("encode", pf_wire_encode_report(&report, &buf), 0);
	PF_CHECK_INT("json", pf_wire_json(PF_WIRE_REPORT, buf.data, buf.len, &arena, &json, &error),
		     0);
	PF_CHECK("repaired and escaped", strstr(json.data, "\"node\":\"a?"
							   "?"
							   "?\xf0\x9f\x98\x80?"
							   "?"
							   "?z\\u0001\\\"\"") != NULL);
	pf_arena_done(&arena);
	pf_buf_done(&json);
	pf_buf_done(&buf);
}

static void test_json(void)
{
	struct pf_buf buf, json, text;
	struct pf_arena arena;
	struct pf_wire_error error = { 0 };
	static const char *const wanted[] = {
		"{\"schema_major\":1,\"schema_minor\":0,\"cluster\":\"test\",",
		"\"run_id\":18364758544493064720,",
		"\"workload_kind\":\"STATEFUL_SET\"",
		"\"signals\":[{\"name\":\"cpu_windows\",\"on\":true},{\"name\":\"psi\",\"on\":false,"
		"\"reason\":\"psi=0\"}]",
		"\"confidence\":0.5,\"hours_more\":11.5",
		"\"thinning\":0.25",
		"\"index_delta\":[17,1],\"count\":[3,4]",
		"\"working_set_mean_bytes\":333333333.3333333",
		"\"last\":true}\n",
	};

	encode_sample(&buf);
	pf_buf_init(&json, PF_WIRE_MESSAGE_MAX);
	pf_buf_init(&text, PF_WIRE_MESSAGE_MAX);
	pf_arena_init(&arena, TEST_MEMORY_MAX);
	PF_CHECK_INT("json", pf_wire_json(PF_WIRE_REPORT, buf.data, buf.len, &arena, &json, &error),
		     0);
	for (size_t i = 0; i < PF_ARRAY_SIZE(wanted); i++)
		PF_CHECK(wanted[i], json.data && strstr(json.data, wanted[i]));
	PF_CHECK("what is not known is left out", !strstr(json.data, "memory_allocatable_bytes"));
	PF_CHECK_INT("text", pf_wire_text(PF_WIRE_REPORT, buf.data, buf.len, &arena, &text, &error),
		     0);
	PF_CHECK("indented", text.data && strstr(text.data, "containers:\n  identity:\n    "
							    "namespace: \"shop\"\n"));
	pf_arena_done(&arena);
	pf_buf_done(&text);
	pf_buf_done(&json);
	pf_buf_done(&buf);
}

static void test_status(void)
{
	static const struct pf_report_signal signals[] = { { "memory", true, "" } };
	const struct pf_agent_status status = {
		.version = "0.1.0",
		.not_ready_reason = "attaching",
		.uptime_ns = 5,
		.nr_containers = 3,
		.signals = signals,
		.nr_signals = 1,
		.cost = { 7, PF_UNKNOWN, PF_UNKNOWN, 9, PF_UNKNOWN, false, NAN },
		.cost_wall_ns = 11,
		.meta_source = "none",
		.meta_state = "",
		.export_state = "ok",
		.spool_bytes = PF_UNKNOWN,
	};
	struct pf_agent_status got;
	struct pf_buf buf;
	struct pf_arena arena;
	struct pf_wire_error error = { 0 };

	pf_buf_init(&buf, PF_WIRE_MESSAGE_MAX);
	pf_arena_init(&arena, TEST_MEMORY_MAX);
	PF_CHECK_INT("encode", pf_wire_encode_status(&status, &buf), 0);
	if (pf_wire_decode_status(buf.data, buf.len, &arena, &got, &error) == 0) {
		PF_CHECK_STR("reason", got.not_ready_reason, "attaching");
		PF_CHECK_INT("resident", got.cost.resident_bytes, 9);
		PF_CHECK("unknown", got.cost.bpf_run_ns == PF_UNKNOWN);
		PF_CHECK_STR("signal", got.signals[0].name, "memory");
	} else {
		PF_CHECK_STR("decode", error.reason, "");
	}
	pf_arena_done(&arena);
	pf_buf_done(&buf);
}

struct source {
	const char *data;
	size_t len, at, step;
};

static ssize_t source_read(void *arg, void *data, size_t len)
{
	struct source *source = arg;
	size_t n = PF_MIN(PF_MIN(len, source->step), source->len - source->at);

	memcpy(data, source->data + source->at, n);
	source->at += n;
	return (ssize_t)n;
}

/* Two messages of 300 and 0 bytes, read in steps of 7 bytes. */
static void stream_of(struct pf_buf *buf)
{
	char body[300];

	memset(body, 'b', sizeof(body));
	pf_buf_init(buf, 1000);
	PF_CHECK_INT("prefix", pf_stream_prefix(buf, sizeof(body)), 0);
	(void)pf_buf_add(buf, body, sizeof(body));
	PF_CHECK_INT("prefix", pf_stream_prefix(buf, 0), 0);
}

static void test_stream(void)
{
	struct pf_buf buf;
	struct pf_stream_reader reader;
	struct pf_wire_error error = { 0 };

	stream_of(&buf);

	struct source source = { buf.data, buf.len, 0, 7 };

	pf_stream_init(&reader, source_read, &source, 300);
	PF_CHECK_INT("first", pf_stream_next(&reader, &error), 1);
	PF_CHECK_INT("length", reader.message.len, 300);
	PF_CHECK_INT("begins at", reader.message_offset, 2);
	PF_CHECK_INT("second", pf_stream_next(&reader, &error), 1);
	PF_CHECK_INT("empty", reader.message.len, 0);
	PF_CHECK_INT("end", pf_stream_next(&reader, &error), 0);
	PF_CHECK_INT("messages", reader.nr_messages, 2);
	pf_stream_done(&reader);
	source.at = 0;
	pf_stream_init(&reader, source_read, &source, 299);
	PF_CHECK_INT("too large", pf_stream_next(&reader, &error), -EBADMSG);
	PF_CHECK_INT("at", error.offset, 0);
	PF_CHECK_STR("why", error.reason,
		     "a message of 300 bytes: more than the 299 that are taken");
	pf_stream_done(&reader);
	pf_buf_done(&buf);
}

static void test_stream_cut(void)
{
	struct pf_buf buf;

	stream_of(&buf);
	for (size_t len = 1; len < buf.len - 1; len++) {
		struct source source = { buf.data, len, 0, 64 };
		struct pf_stream_reader reader;
		struct pf_wire_error error = { 0 };

		pf_stream_init(&reader, source_read, &source, 300);
		PF_CHECK_INT("cut", pf_stream_next(&reader, &error), -EBADMSG);
		PF_CHECK_INT("where", error.offset, len < 2 ? 0 : len);
		pf_stream_done(&reader);
	}
	pf_buf_done(&buf);
}

PF_TEST_SUITE(wire, { "round trip", test_round_trip }, { "values", test_values },
	      { "truncation", test_truncation }, { "damage", test_damage },
	      { "small message, large memory", test_small_message_large_memory },
	      { "no room", test_no_room }, { "earlier error", test_earlier_error },
	      { "bad text", test_bad_text }, { "names are text", test_names_are_text },
	      { "beyond reason", test_beyond_reason }, { "impossible numbers", test_impossible },
	      { "json", test_json }, { "status", test_status }, { "stream", test_stream },
	      { "stream cut", test_stream_cut });
