// SPDX-License-Identifier: Apache-2.0
/*
 * index.c - one walk over an encoded report. The rule of every function here: true only if the
 * decoder would take the same bytes too; in doubt false, and the decoder decides.
 *
 * Which field has which type is read from the generated descriptors once, so that a field added to
 * the schema cannot be forgotten here.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "core/evidence.h"
#include "wire/cursor.h"
#include "wire/index.h"
#include "wire/internal.h"

enum {
	TABLES_MAX = 32, /* message types below a container */
	NUMBER_MAX = 128,
	TAG_UNKNOWN = 0xff,
	SLICES_FIRST = 256,
	/*
	 * What decoding takes in memory, at most: a field's place in the decoder's lists, twice as
	 * it grows them; each byte of packed numbers becomes a uint64_t; a message its struct and
	 * ours, the largest of which are identities and slices.
	 */
	FIELD_BYTES = 128,
	BYTE_BYTES = 8,
	MESSAGE_BYTES = 4096,
};

/* One message type. */
struct pf_wire_table {
	const ProtobufCMessageDescriptor *descriptor;
	uint8_t wire_type[NUMBER_MAX]; /* TAG_UNKNOWN: no such field */
	bool repeated[NUMBER_MAX], packed[NUMBER_MAX];
	const struct pf_wire_table *message[NUMBER_MAX]; /* of fields that are messages */
};

static struct pf_wire_table tables[TABLES_MAX];
static size_t nr_tables;
static bool tables_fit = true;
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

/* NULL: more types or larger field numbers than there is room for; then nothing is walked. */
static const struct pf_wire_table *table_of(const ProtobufCMessageDescriptor *descriptor)
{
	struct pf_wire_table *table;

	for (size_t i = 0; i < nr_tables; i++)
		if (tables[i].descriptor == descriptor)
			return &tables[i];
	if (nr_tables == TABLES_MAX)
		return NULL;
	table = &tables[nr_tables++];
	table->descriptor = descriptor;
	memset(table->wire_type, TAG_UNKNOWN, sizeof(table->wire_type));
	for (unsigned i = 0; i < descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &descriptor->fields[i];

		if (field->id >= NUMBER_MAX)
			return NULL;
		table->wire_type[field->id] = (uint8_t)pf_wire_type_of(field->type);
		table->repeated[field->id] = field->label == PROTOBUF_C_LABEL_REPEATED;
		table->packed[field->id] =
			table->repeated[field->id] &&
			table->wire_type[field->id] != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
		if (field->type != PROTOBUF_C_TYPE_MESSAGE)
			continue;
		table->message[field->id] = table_of(field->descriptor);
		if (!table->message[field->id])
			return NULL;
	}
	return table;
}

static void make_tables(void)
{
	tables_fit = table_of(&podfit__v1__container__descriptor) != NULL;
}

/* ---- fields ---- */

struct walk {
	struct pf_arena *arena;
	const struct pf_wire_table *container, *slice, *hist, *vpa, *peak, *limits;
	size_t memory; /* what decoding would take, at most */
	struct pf_index_slice *slices;
	size_t nr_slices, slices_cap;
};

/* The next field; the caller has seen that there is one. False: unusual. */
static inline bool next_field(struct walk *walk, struct pf_wire_cursor *c, struct pf_wire_field *f)
{
	const struct pf_wire_table *t = c->table;
	unsigned type;

	if (!pf_wire_read_tag(c, &f->number, &type))
		return false;
	f->known = f->number < NUMBER_MAX && t->wire_type[f->number] != TAG_UNKNOWN;
	/* Rising, so that no single field comes twice: the decoder would merge the two. */
	if (f->number < c->last || (f->number == c->last && f->known && !t->repeated[f->number]))
		return false;
	if (f->known &&
	    type != (t->packed[f->number] ? (unsigned)PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED
					  : t->wire_type[f->number]))
		return false;
	c->last = f->number;
	walk->memory += FIELD_BYTES;
	return pf_wire_read_value(c, type, f);
}

static struct pf_wire_cursor cursor_of(struct walk *walk, const struct pf_wire_table *table,
				       const struct pf_wire_field *f)
{
	walk->memory += MESSAGE_BYTES;
	return (struct pf_wire_cursor){ f->data, f->data + f->len, table, 0 };
}

/* A message of which nothing is needed. Depth is bounded: no type of the schema contains itself. */
static bool skip_message(struct walk *walk, const struct pf_wire_table *table,
			 const struct pf_wire_field *from)
{
	struct pf_wire_cursor c = cursor_of(walk, table, from);
	struct pf_wire_field f;

	while (c.at < c.end) {
		if (!next_field(walk, &c, &f) || (f.known && table->packed[f.number]))
			return false;
		if (f.known && table->message[f.number] &&
		    !skip_message(walk, table->message[f.number], &f))
			return false;
	}
	return true;
}

/* Fields whose value is not needed. */
static bool pass(struct walk *walk, const struct pf_wire_cursor *c, const struct pf_wire_field *f)
{
	if (!f->known)
		return true;
	if (c->table->packed[f->number])
		return false;
	return !c->table->message[f->number] || skip_message(walk, c->table->message[f->number], f);
}

/* ---- histograms ---- */

/* How many varints @f packs. Long ones, which our counts never are, are left to the decoder. */
static bool count_varints(const struct pf_wire_field *f, size_t *ret_nr)
{
	const uint8_t *at = f->data, *end = f->data + f->len;
	unsigned more;
	size_t nr = 0;

	if (f->len && end[-1] & 0x80)
		return false;
	for (; end - at >= 8; at += 8) {
		uint64_t word;

		memcpy(&word, at, sizeof(word));
		more = (unsigned)__builtin_popcountll(word & 0x8080808080808080u);
		/* A number of more than ten bytes has five of them, its last apart, in one word. */
		if (more > 4)
			return false;
		nr += 8 - more;
	}
	for (more = 0; at < end; at++) {
		more += (unsigned)(*at >> 7);
		nr += !(*at & 0x80);
	}
	if (more > 4)
		return false; /* it may be the end of one that began in the word before */
	*ret_nr = nr;
	return true;
}

/* Distances between buckets: the sum stays below @nr_buckets, and only the first may be 0. */
static bool check_deltas(const struct pf_wire_field *f, size_t nr_buckets, size_t *ret_nr)
{
	const uint8_t *at = f->data, *end = f->data + f->len;
	uint64_t sum = 0;
	size_t nr = 0;

	while (at < end) {
		uint64_t delta = *at++;

		if (delta & 0x80) {
			if (at == end || *at & 0x80)
				return false;
			delta = (delta & 0x7f) | (uint64_t)*at++ << 7;
		}
		sum += delta;
		if (sum >= nr_buckets || (nr && !delta))
			return false;
		nr++;
	}
	*ret_nr = nr;
	return true;
}

static bool check_weights(const struct pf_wire_field *f, size_t *ret_nr)
{
	if (f->len % sizeof(double))
		return false;
	for (size_t i = 0; i < f->len; i += sizeof(double)) {
		double weight;

		memcpy(&weight, f->data + i, sizeof(weight));
		if (!(weight >= 0 && weight <= PF_WIRE_WEIGHT_MAX))
			return false;
	}
	*ret_nr = f->len / sizeof(double);
	return true;
}

static bool check_hist(struct walk *walk, const struct pf_wire_field *from,
		       enum pf_hist_layout layout, size_t nr_buckets)
{
	struct pf_wire_cursor c = cursor_of(walk, walk->hist, from);
	size_t nr_deltas = 0, nr_counts = 0, nr_weights = 0;
	bool layout_seen = false;
	struct pf_wire_field f;

	while (c.at < c.end) {
		bool good = next_field(walk, &c, &f);

		/* The decoder would add a second list to the first. */
		if (!good || (f.known && walk->hist->packed[f.number] && c.at < c.end &&
			      *c.at >> 3 == f.number))
			return false;
		switch (f.number) {
		case 1:
			good = f.value == (uint64_t)layout;
			layout_seen = true;
			break;
		case 2:
			good = check_deltas(&f, nr_buckets, &nr_deltas);
			break;
		case 3:
			good = count_varints(&f, &nr_counts);
			break;
		case 4:
			good = check_weights(&f, &nr_weights);
			break;
		default:
			good = pass(walk, &c, &f);
		}
		if (!good)
			return false;
	}
	return layout_seen &&
	       nr_deltas == (layout == (enum pf_hist_layout)PODFIT__V1__HISTOGRAM_LAYOUT__VPA_CPU
				     ? nr_weights
				     : nr_counts);
}

/* ---- slices ---- */

static bool check_peak(struct walk *walk, const struct pf_wire_field *from)
{
	struct pf_wire_cursor c = cursor_of(walk, walk->peak, from);
	bool has_end = false, has_bytes = false;
	struct pf_wire_field f;

	while (c.at < c.end) {
		if (!next_field(walk, &c, &f) || !pass(walk, &c, &f))
			return false;
		has_end |= f.number == 1;
		has_bytes |= f.number == 2;
	}
	return has_end && has_bytes;
}

static bool check_vpa(struct walk *walk, const struct pf_wire_field *from)
{
	struct pf_wire_cursor c = cursor_of(walk, walk->vpa, from);
	size_t nr_peaks = 0;
	struct pf_wire_field f;

	while (c.at < c.end) {
		bool good = next_field(walk, &c, &f);

		if (good && f.number == 1)
			good = check_hist(
				walk, &f,
				(enum pf_hist_layout)PODFIT__V1__HISTOGRAM_LAYOUT__VPA_CPU,
				PF_SLICE_VPA_BUCKETS);
		else if (good && f.number == 5)
			good = check_peak(walk, &f) && ++nr_peaks <= PF_SLICE_PEAKS_MAX;
		else if (good)
			good = pass(walk, &c, &f);
		if (!good)
			return false;
	}
	return true;
}

static bool check_latency(struct walk *walk, const struct pf_wire_field *f)
{
	return check_hist(walk, f, PF_LAYOUT_LATENCY_NS, PF_LATENCY_BUCKETS);
}

static bool check_millicores(struct walk *walk, const struct pf_wire_field *f)
{
	return check_hist(walk, f, PF_LAYOUT_MILLICORES, PF_MILLICORES_BUCKETS);
}

static bool check_limits(struct walk *walk, const struct pf_wire_field *from)
{
	struct pf_wire_cursor c = cursor_of(walk, walk->limits, from);
	struct pf_wire_field f;

	while (c.at < c.end) {
		bool good = next_field(walk, &c, &f);

		if (good && f.known && c.table->message[f.number])
			good = check_millicores(walk, &f); /* all its messages are */
		else if (good)
			good = pass(walk, &c, &f);
		if (!good)
			return false;
	}
	return true;
}

static bool add_slice(struct walk *walk, const struct pf_index_slice *slice)
{
	if (walk->nr_slices == walk->slices_cap) {
		size_t cap = walk->slices_cap ? walk->slices_cap * 2 : SLICES_FIRST;
		struct pf_index_slice *slices = pf_arena_array(walk->arena, cap, sizeof(*slices));

		if (!slices)
			return false;
		if (walk->nr_slices)
			memcpy(slices, walk->slices, walk->nr_slices * sizeof(*slices));
		walk->slices = slices;
		walk->slices_cap = cap;
	}
	walk->slices[walk->nr_slices++] = *slice;
	return true;
}

static bool walk_slice(struct walk *walk, const struct pf_wire_field *from, uint64_t instance)
{
	struct pf_wire_cursor c = cursor_of(walk, walk->slice, from);
	struct pf_index_slice slice = { .instance = instance };
	bool has_hour = false, has_run = false;
	uint64_t start_ns = 0, covered_ns = 0;
	struct pf_wire_field f;

	while (c.at < c.end) {
		bool good = next_field(walk, &c, &f);

		if (!good)
			return false;
		switch (f.number) {
		case 1:
			good = f.value <= UINT32_MAX;
			slice.hour = (uint32_t)f.value;
			has_hour = true;
			break;
		case 2:
			slice.run_id = f.value;
			has_run = true;
			break;
		case 3:
			slice.sequence = f.value;
			break;
		case 4:
			start_ns = f.value;
			break;
		case 5:
			covered_ns = f.value;
			break;
		case 14: /* usage, demand, start-up, minutes */
		case 15:
		case 65:
		case 67:
			good = check_millicores(walk, &f);
			break;
		case 33: /* quota, contention, throttle and reclaim stalls, block I/O */
		case 34:
		case 35:
		case 36:
		case 38:
			good = check_latency(walk, &f);
			break;
		case 26:
			good = check_limits(walk, &f);
			break;
		case 70:
			good = check_vpa(walk, &f);
			break;
		default: /* a histogram that is not named above has packed fields: refused */
			good = pass(walk, &c, &f);
		}
		if (!good)
			return false;
	}
	return has_hour && has_run && pf_wire_slice_fits(slice.hour, start_ns, covered_ns) &&
	       add_slice(walk, &slice);
}

/* ---- containers ---- */

static bool walk_resources(struct walk *walk, const struct pf_wire_table *table,
			   const struct pf_wire_field *from, struct pf_index_container *to)
{
	struct pf_wire_cursor c = cursor_of(walk, table, from);
	struct pf_wire_field f;

	while (c.at < c.end) {
		if (!next_field(walk, &c, &f) || !pass(walk, &c, &f))
			return false;
		if (f.number == 1 && f.value) /* known: what does not follow is not set */
			to->cpu_request_millicores = to->memory_request_bytes = PF_NO_LIMIT;
		else if (f.number == 2)
			to->cpu_request_millicores = pf_wire_request(f.value);
		else if (f.number == 4)
			to->memory_request_bytes = pf_wire_request(f.value);
	}
	return true;
}

static bool walk_now(struct walk *walk, const struct pf_wire_table *table,
		     const struct pf_wire_field *from, struct pf_index_container *to)
{
	struct pf_wire_cursor c = cursor_of(walk, table, from);
	struct pf_wire_field f;

	while (c.at < c.end) {
		if (!next_field(walk, &c, &f) || !pass(walk, &c, &f))
			return false;
		if (f.number == 1)
			to->interval_ns = f.value;
		else if (f.number == 2)
			to->usage_ns = f.value;
		else if (f.number == 14)
			to->hot_bytes = f.value;
	}
	return true;
}

static bool walk_leak(struct walk *walk, const struct pf_wire_table *table,
		      const struct pf_wire_field *from, struct pf_index_container *to)
{
	struct pf_wire_cursor c = cursor_of(walk, table, from);
	struct pf_wire_field f;

	while (c.at < c.end) {
		if (!next_field(walk, &c, &f) || !pass(walk, &c, &f))
			return false;
		if (f.number == 1)
			to->leak_alarm = f.value == PODFIT__V1__LEAK_STATE__LEAK_ALARM;
		if (f.number == 1 && f.value > INT32_MAX)
			return false;
	}
	return true;
}

static void clear(struct pf_index_container *container)
{
	*container = (struct pf_index_container){ .cpu_request_millicores = PF_UNKNOWN,
						  .memory_request_bytes = PF_UNKNOWN,
						  .interval_ns = PF_UNKNOWN,
						  .usage_ns = PF_UNKNOWN,
						  .hot_bytes = PF_UNKNOWN };
}

static bool walk_container(struct walk *walk, const struct pf_wire_field *from,
			   struct pf_index_container *to)
{
	struct pf_wire_cursor c = cursor_of(walk, walk->container, from);
	uint64_t instance = pf_evidence_instance_id("");
	struct pf_wire_field f;

	clear(to);
	while (c.at < c.end) {
		const struct pf_wire_table *message;
		bool good = next_field(walk, &c, &f);

		if (!good)
			return false;
		message = f.known ? c.table->message[f.number] : NULL;
		switch (f.number) {
		case 2:
			good = pf_wire_hash_name(&f, &instance);
			break;
		case 3:
			good = walk_resources(walk, message, &f, to);
			break;
		case 8:
			to->ended = f.value != PF_UNKNOWN;
			break;
		case 9:
			good = walk_now(walk, message, &f, to);
			break;
		case 10:
			good = walk_slice(walk, &f, instance);
			break;
		case 12:
			good = walk_leak(walk, message, &f, to);
			break;
		default:
			good = pass(walk, &c, &f);
		}
		if (!good)
			return false;
	}
	return true;
}

/* ---- the report ---- */

static void walk_begin(struct walk *walk, struct pf_arena *arena)
{
	*walk = (struct walk){
		.arena = arena,
		.container = table_of(&podfit__v1__container__descriptor),
		.slice = table_of(&podfit__v1__hour_slice__descriptor),
		.hist = table_of(&podfit__v1__histogram__descriptor),
		.vpa = table_of(&podfit__v1__vpa_evidence__descriptor),
		.limits = table_of(&podfit__v1__limit_queues__descriptor),
		.peak = table_of(&podfit__v1__vpa_evidence__peak__descriptor),
	};
}

int pf_wire_index_walk(const void *data, size_t len, struct pf_arena *arena,
		       struct pf_report_index *ret_index)
{
	struct pf_report_index index = { .nr_containers = 0 };
	struct pf_index_container *containers;
	struct pf_wire_error error;
	struct pf_wire_field *fields;
	size_t header_len, nr;
	struct walk walk;
	uint8_t *header;

	(void)pthread_once(&tables_once, make_tables); /* fails only with a bad argument */
	if (!tables_fit || !len || len > arena->max_bytes / BYTE_BYTES)
		return -EAGAIN;
	header = pf_arena_alloc(arena, len);
	if (!header || !pf_wire_split(data, len, arena, header, &header_len, &fields, &nr))
		return pf_wire_undecided(arena);
	containers = pf_arena_array(arena, nr + 1, sizeof(*containers));
	if (!containers)
		return pf_wire_undecided(arena);
	walk_begin(&walk, arena);
	for (size_t i = 0; i < nr; i++)
		if (!walk_container(&walk, &fields[i], &containers[i]))
			return pf_wire_undecided(arena);
	if (pf_wire_decode_report(header, header_len, arena, &index.report, &error) < 0)
		return pf_wire_undecided(arena);
	/* As a whole it might take more memory than it may. */
	if (walk.memory + len * BYTE_BYTES + arena->used_bytes > arena->max_bytes)
		return -EAGAIN;
	index.containers = containers;
	index.nr_containers = nr;
	index.slices = walk.slices;
	index.nr_slices = walk.nr_slices;
	*ret_index = index;
	return 0;
}

static void describe(const struct pf_report_container *from, struct pf_index_container *to)
{
	*to = (struct pf_index_container){
		.ended = from->ended_unix_ns != PF_UNKNOWN,
		.leak_alarm = from->leak && from->leak->state == PF_LEAK_ALARM,
		.cpu_request_millicores = from->identity->spec.cpu_request_millicores,
		.memory_request_bytes = from->identity->spec.memory_request_bytes,
		.interval_ns = from->now.interval_ns,
		.usage_ns = from->now.usage_ns,
		.hot_bytes = from->now.hot_bytes,
	};
}

int pf_report_index_of(const struct pf_report *report, struct pf_arena *arena,
		       struct pf_report_index *ret_index)
{
	struct pf_index_container *containers;
	struct pf_index_slice *slices;
	size_t nr_slices = 0;

	for (size_t i = 0; i < report->nr_containers; i++)
		nr_slices += report->containers[i].nr_slices;
	containers = pf_arena_array(arena, report->nr_containers + 1, sizeof(*containers));
	slices = pf_arena_array(arena, nr_slices + 1, sizeof(*slices));
	if (!containers || !slices)
		return arena->err;
	*ret_index = (struct pf_report_index){ .report = *report,
					       .containers = containers,
					       .nr_containers = report->nr_containers,
					       .slices = slices,
					       .nr_slices = nr_slices };
	for (size_t i = 0; i < report->nr_containers; i++) {
		const struct pf_report_container *c = &report->containers[i];
		uint64_t instance = pf_evidence_instance_id(c->instance);

		describe(c, &containers[i]);
		for (size_t s = 0; s < c->nr_slices; s++)
			*slices++ = (struct pf_index_slice){ instance, c->slices[s]->run_id,
							     c->slices[s]->sequence,
							     c->slices[s]->hour };
	}
	return 0;
}

int pf_wire_index_report(const void *data, size_t len, struct pf_arena *arena,
			 struct pf_report_index *ret_index, struct pf_wire_error *ret_error)
{
	struct pf_report report;
	int r = pf_wire_index_walk(data, len, arena, ret_index);

	if (r == 0)
		return 0;
	pf_arena_reset(arena);
	r = pf_wire_decode_report(data, len, arena, &report, ret_error);
	return r < 0 ? r : pf_report_index_of(&report, arena, ret_index);
}
