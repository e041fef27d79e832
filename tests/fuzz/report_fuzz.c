// SPDX-License-Identifier: Apache-2.0
/*
 * NodeReports, as one message and as a stream of messages. Beyond survival: what is refused names a
 * byte that was there and why; what decodes is encoded into a message that decodes to the same
 * again; the sizes of a stream's pieces make no difference.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/index.h"
#include "wire/stream.h"
#include "wire/wire.h"

enum {
	INPUT_MEMORY_MAX = 1 << 20,  /* small, so that inputs reach it */
	AGAIN_MEMORY_MAX = 64 << 20, /* ours spells out what the input leaves out */
};

static void check_error(const struct pf_wire_error *error, size_t len)
{
	assert(error->offset <= len && *error->reason);
	assert(memchr(error->reason, '\0', sizeof(error->reason)));
}

static void add_json(const struct pf_buf *message, struct pf_buf *out)
{
	struct pf_wire_error error = { 0 };
	struct pf_arena arena;

	pf_arena_init(&arena, AGAIN_MEMORY_MAX);
	if (pf_wire_json(PF_WIRE_REPORT, message->data, message->len, &arena, out, &error) < 0)
		abort();
	pf_arena_done(&arena);
}

static void encode(const struct pf_report *report, struct pf_buf *out)
{
	pf_buf_init(out, PF_WIRE_MESSAGE_MAX);
	if (pf_wire_encode_report(report, out) < 0)
		abort();
}

/* The first encoding may differ from the input (repaired text, cut names); from then on nothing may
 * change. */
static void check_round_trip(const struct pf_report *report)
{
	struct pf_buf first, second, first_json, second_json;
	struct pf_wire_error error = { 0 };
	struct pf_report again;
	struct pf_arena arena;

	encode(report, &first);
	pf_arena_init(&arena, AGAIN_MEMORY_MAX);
	if (pf_wire_decode_report(first.data, first.len, &arena, &again, &error) < 0)
		abort();
	encode(&again, &second);
	pf_buf_init(&first_json, PF_WIRE_MESSAGE_MAX);
	pf_buf_init(&second_json, PF_WIRE_MESSAGE_MAX);
	add_json(&first, &first_json);
	add_json(&second, &second_json);
	assert(!strcmp(first_json.data, second_json.data));
	assert(first.len == second.len && !memcmp(first.data, second.data, first.len));
	pf_buf_done(&second_json);
	pf_buf_done(&first_json);
	pf_buf_done(&second);
	pf_arena_done(&arena);
	pf_buf_done(&first);
}

static void check_shown(const void *data, size_t size)
{
	struct pf_wire_error error = { 0 };
	struct pf_arena arena;
	struct pf_buf out;
	int scanned = pf_wire_scan(PF_WIRE_REPORT, data, size, &error), r;

	if (scanned < 0)
		check_error(&error, size);
	pf_arena_init(&arena, INPUT_MEMORY_MAX);
	pf_buf_init(&out, PF_WIRE_MESSAGE_MAX);
	r = pf_wire_text(PF_WIRE_REPORT, data, size, &arena, &out, &error);
	assert(scanned == 0 ? r == 0 || r == -ENOSPC || r == -EBADMSG : r == scanned);
	assert(r == 0 || !out.len);
	pf_buf_done(&out);
	pf_arena_done(&arena);
}

/* The walk that stands for decoding takes nothing that decoding does not. */
static void check_walked(const void *data, size_t size, int decoded)
{
	struct pf_report_index index;
	struct pf_arena arena;

	pf_arena_init(&arena, INPUT_MEMORY_MAX);
	assert(pf_wire_index_walk(data, size, &arena, &index) != 0 || decoded == 0);
	pf_arena_done(&arena);
}

static bool every_second(void *arg, uint64_t instance)
{
	(void)arg;
	return instance & 1;
}

/* It skips the scan, so it may take more; never less, and no bytes but those there are. */
static void check_some(const void *data, size_t size, int decoded)
{
	const struct pf_wire_choice choice = { .wanted = every_second,
					       .hour_to = UINT32_MAX / 2,
					       .state = size & 1 };
	struct pf_wire_error error = { .offset = SIZE_MAX };
	struct pf_report report;
	struct pf_arena arena;
	int r;

	pf_arena_init(&arena, AGAIN_MEMORY_MAX);
	r = pf_wire_decode_some(data, size, &choice, &arena, &report, &error);
	if (r < 0)
		check_error(&error, size);
	assert(r == 0 || decoded != 0);
	pf_arena_done(&arena);
}

static void run_message(const void *data, size_t size)
{
	struct pf_wire_error error = { .offset = SIZE_MAX };
	struct pf_report report;
	struct pf_arena arena;
	int r;

	pf_arena_init(&arena, INPUT_MEMORY_MAX);
	r = pf_wire_decode_report(data, size, &arena, &report, &error);
	assert(r == 0 || r == -EBADMSG || r == -EPROTONOSUPPORT || r == -ENOSPC);
	if (r < 0)
		check_error(&error, size);
	else
		check_round_trip(&report);
	pf_arena_done(&arena);
	check_walked(data, size, r);
	check_some(data, size, r);
	check_shown(data, size);
}

struct source {
	const uint8_t *data;
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

struct sum {
	uint64_t nr_messages, nr_bytes, end;
	int result;
};

static struct sum run_stream(const uint8_t *data, size_t size, size_t step, bool decode)
{
	struct source source = { data, size, 0, step };
	struct pf_wire_error error = { .offset = SIZE_MAX };
	struct pf_stream_reader reader;
	struct sum sum = { 0 };

	pf_stream_init(&reader, source_read, &source, INPUT_MEMORY_MAX);
	while ((sum.result = pf_stream_next(&reader, &error)) == 1) {
		sum.nr_bytes += reader.message.len;
		if (decode)
			run_message(reader.message.data, reader.message.len);
	}
	assert(sum.result == 0 || sum.result == -EBADMSG);
	if (sum.result < 0)
		check_error(&error, size);
	else
		assert(reader.offset == size);
	sum.nr_messages = reader.nr_messages;
	sum.end = reader.offset;
	pf_stream_done(&reader);
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sum whole, pieces;

	if (!size)
		return 0;
	run_message(data, size);
	whole = run_stream(data, size, size, true);
	pieces = run_stream(data, size, 1 + data[size - 1] % 16, false);
	assert(whole.nr_messages == pieces.nr_messages && whole.nr_bytes == pieces.nr_bytes &&
	       whole.end == pieces.end && whole.result == pieces.result);
	return 0;
}
