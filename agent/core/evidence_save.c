// SPDX-License-Identifier: Apache-2.0
/*
 * evidence_save.c - one walk over the fields for both ways, so that they cannot disagree.
 */
#include "core/evidence_save.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* 2: memory cells know the limit that was in force. 3: limit queues. */
enum { VERSION = 3, VERSION_OLDEST = 1 };

struct io {
	struct pf_buf *out;	 /* saving */
	const unsigned char *in; /* loading */
	size_t left;
	uint32_t version; /* of what is written or read */
	int err;
};

static void io_bits(struct io *io, uint64_t *value, size_t size)
{
	unsigned char bytes[8];

	if (io->err)
		return;
	if (io->out) {
		for (size_t i = 0; i < size; i++)
			bytes[i] = (unsigned char)(*value >> (8 * i));
		io->err = pf_buf_add(io->out, bytes, size);
		return;
	}
	if (io->left < size) {
		io->err = -EBADMSG;
		return;
	}
	*value = 0;
	for (size_t i = 0; i < size; i++)
		*value |= (uint64_t)io->in[i] << (8 * i);
	io->in += size;
	io->left -= size;
}

static void io_u64(struct io *io, uint64_t *value)
{
	io_bits(io, value, 8);
}

static void io_u32(struct io *io, uint32_t *value)
{
	uint64_t wide = *value;

	io_bits(io, &wide, 4);
	*value = (uint32_t)wide;
}

static void io_i64(struct io *io, int64_t *value)
{
	uint64_t bits = (uint64_t)*value;

	io_bits(io, &bits, 8);
	*value = (int64_t)bits;
}

static void io_bool(struct io *io, bool *value)
{
	uint64_t bit = *value;

	io_bits(io, &bit, 1);
	*value = bit != 0;
}

/* Weights and sums: finite and not negative, or the whole is refused. */
static void io_double(struct io *io, double *value)
{
	uint64_t bits;

	memcpy(&bits, value, sizeof(bits));
	io_bits(io, &bits, 8);
	memcpy(value, &bits, sizeof(bits));
	if (!io->err && !io->out && !(isfinite(*value) && *value >= 0))
		io->err = -EBADMSG;
}

static void io_floats(struct io *io, float *values, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		uint32_t bits;

		memcpy(&bits, &values[i], sizeof(bits));
		io_u32(io, &bits);
		memcpy(&values[i], &bits, sizeof(bits));
		if (!io->err && !io->out && !(isfinite(values[i]) && values[i] >= 0))
			io->err = -EBADMSG;
	}
}

static void io_hist(struct io *io, struct pf_vpa_hist *hist)
{
	uint32_t first = (uint32_t)hist->first, last = (uint32_t)hist->last;

	io_i64(io, &hist->half_life_ns);
	io_i64(io, &hist->reference_ns);
	io_double(io, &hist->total);
	io_u32(io, &first);
	io_u32(io, &last);
	for (size_t i = 0; i < PF_VPA_NR_BUCKETS; i++)
		io_double(io, &hist->weight[i]);
	if (first >= PF_VPA_NR_BUCKETS || last >= PF_VPA_NR_BUCKETS || hist->half_life_ns < 0 ||
	    hist->half_life_ns > PF_VPA_MAX_HALF_LIFE_NS)
		io->err = io->err ? io->err : -EBADMSG;
	hist->first = (int)first;
	hist->last = (int)last;
}

static void io_cells(struct io *io, struct pf_memory_cell *cells, uint32_t *nr, uint32_t max)
{
	io_u32(io, nr);
	if (*nr > max) {
		io->err = -EBADMSG;
		*nr = 0;
	}
	for (uint32_t i = 0; i < *nr; i++) {
		io_u32(io, &cells[i].index);
		io_u64(io, &cells[i].need_bytes);
		io_u64(io, &cells[i].peak_bytes);
		io_u64(io, &cells[i].oom_bytes);
		if (io->version >= 2)
			io_u64(io, &cells[i].room_bytes);
		if (i && cells[i].index <= cells[i - 1].index)
			io->err = io->err ? io->err : -EBADMSG;
	}
}

/* The number of an array, and room for it when loading. */
static void *io_array(struct io *io, void *array, uint32_t *nr, uint32_t *cap, uint32_t max,
		      size_t size)
{
	io_u32(io, nr);
	if (*nr > max)
		io->err = io->err ? io->err : -EBADMSG;
	if (io->err) {
		*nr = io->out ? *nr : 0;
		return array;
	}
	if (!io->out && *nr) {
		array = calloc(*nr, size);
		*cap = array ? *nr : 0;
		io->err = array ? 0 : -ENOMEM;
	}
	return array;
}

static void io_peaks(struct io *io, struct pf_evidence *e)
{
	e->peaks = io_array(io, e->peaks, &e->nr_peaks, &e->peaks_cap, PF_EVIDENCE_PEAKS_MAX,
			    sizeof(*e->peaks));
	for (uint32_t i = 0; !io->err && i < e->nr_peaks; i++) {
		io_u64(io, &e->peaks[i].instance);
		io_i64(io, &e->peaks[i].interval_end_ns);
		io_i64(io, &e->peaks[i].bytes);
	}
	if (!io->out && !io->err)
		pf_evidence_order_peaks(e); /* version 1 kept them as they came */
	e->instances = io_array(io, e->instances, &e->nr_instances, &e->instances_cap,
				PF_EVIDENCE_INSTANCES_MAX, sizeof(*e->instances));
	for (uint32_t i = 0; !io->err && i < e->nr_instances; i++) {
		io_u64(io, &e->instances[i].id);
		io_u32(io, &e->instances[i].last_hour);
		io_double(io, &e->instances[i].covered_ns);
		io_double(io, &e->instances[i].usage_ns);
		io_u64(io, &e->instances[i].need_bytes);
	}
}

static void io_windows(struct io *io, struct pf_evidence *e)
{
	io_floats(io, e->demand, PF_MILLICORES_BUCKETS);
	io_floats(io, &e->demand_idle, 1);
	io_floats(io, e->minute_long, PF_MILLICORES_BUCKETS);
	io_floats(io, &e->minute_long_idle, 1);
	io_floats(io, e->minute_short, PF_MILLICORES_BUCKETS);
	io_floats(io, &e->minute_short_idle, 1);
	io_floats(io, e->quota_wait, PF_LATENCY_BUCKETS);
	io_floats(io, e->contention_wait, PF_LATENCY_BUCKETS);
	io_floats(io, e->throttle_stall, PF_LATENCY_BUCKETS);
}

static void io_limits(struct io *io, struct pf_evidence *e)
{
	io_double(io, &e->sums.limit_windows);
	io_double(io, &e->sums.limit_active);
	io_double(io, &e->sums.limit_free);
	io_double(io, &e->sums.limit_running);
	io_double(io, &e->sums.limit_pairs);
	for (size_t i = 0; i < PF_NR_LIMIT_COUNTS; i++)
		io_floats(io, e->limits[i], PF_LIMITS);
	io_u64(io, &e->nr_cpus);
}

static void io_evidence(struct io *io, struct pf_evidence *e)
{
	double *sums[] = { &e->sums.covered_ns,	    &e->sums.usage_ns,
			   &e->sums.throttled_ns,   &e->sums.nr_periods,
			   &e->sums.nr_throttled,   &e->sums.nr_waits,
			   &e->sums.quota_wait_ns,  &e->sums.contention_wait_ns,
			   &e->sums.reclaim_ns,	    &e->sums.block_io_ns,
			   &e->sums.memory_some_ns, &e->sums.memory_byte_ns,
			   &e->sums.hot_byte_ns,    &e->sums.saturated_ns,
			   &e->covered_hours,	    &e->startup_ns };
	uint64_t *numbers[] = { &e->demand_peak_millicores,
				&e->startup_peak_millicores,
				&e->window_ns,
				&e->cfs_quota_us,
				&e->cfs_period_us,
				&e->cfs_burst_us,
				&e->memory_limit_bytes,
				&e->max_threads,
				&e->oom_kills,
				&e->events_max,
				&e->events_high,
				&e->restarts,
				&e->oom_overshoot_bytes,
				&e->working_set_peak_bytes };

	_Static_assert(sizeof(struct pf_evidence_sums) == 19 * sizeof(double),
		       "a new sum is to be walked too, and VERSION to be raised");
	io_i64(io, &e->reference_ns);
	io_i64(io, &e->first_ns);
	io_i64(io, &e->last_ns);
	io_i64(io, &e->newest_ns);
	io_bool(io, &e->has_windows);
	io_bool(io, &e->has_kinds);
	io_bool(io, &e->has_waits);
	for (size_t i = 0; i < PF_ARRAY_SIZE(sums); i++)
		io_double(io, sums[i]);
	for (size_t i = 0; i < PF_ARRAY_SIZE(numbers); i++)
		io_u64(io, numbers[i]);
	io_windows(io, e);
	io_cells(io, e->hours, &e->nr_hours, PF_EVIDENCE_HOURS);
	io_cells(io, e->days, &e->nr_days, PF_EVIDENCE_DAYS);
	io_hist(io, &e->vpa.cpu);
	io_hist(io, &e->vpa.memory);
	io_i64(io, &e->vpa.first_ns);
	io_i64(io, &e->vpa.last_ns);
	io_i64(io, &e->vpa.nr_samples);
	io_peaks(io, e);
	if (io->version >= 3)
		io_limits(io, e);
}

int pf_evidence_save(const struct pf_evidence *evidence, struct pf_buf *buf)
{
	struct io io = { .out = buf, .version = VERSION };
	struct pf_evidence copy = *evidence; /* the walk writes only when loading */

	io_u32(&io, &io.version);
	io_evidence(&io, &copy);
	return io.err;
}

int pf_evidence_load(const void *data, size_t size, struct pf_evidence **ret_evidence)
{
	PF_AUTO(pf_evidence_freep) struct pf_evidence *evidence = NULL;
	struct io io = { .in = data, .left = size };
	struct pf_vpa_settings settings;
	int r;

	io_u32(&io, &io.version);
	if (io.err)
		return io.err;
	if (io.version < VERSION_OLDEST || io.version > VERSION)
		return -EOPNOTSUPP;
	pf_vpa_settings_default(&settings);
	r = pf_evidence_new(&settings, &evidence); /* sets the histograms' scales */
	if (r < 0)
		return r;
	io_evidence(&io, evidence);
	if (io.err || io.left || evidence->vpa.nr_samples < 0)
		return io.err ? io.err : -EBADMSG;
	*ret_evidence = pf_take(evidence);
	return 0;
}
