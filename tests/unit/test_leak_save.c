// SPDX-License-Identifier: Apache-2.0
/*
 * test_leak_save.c - a saved and loaded leak state goes on as if nothing had been; damaged ones are refused.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/units.h"
#include "core/leak_internal.h"
#include "core/leak_save.h"
#include "unit/check.h"

static struct pf_leak_sample sample_at(uint64_t i, struct pf_memory_kinds *kinds)
{
	uint64_t grown = i > 10000 ? (i - 10000) * 64 * PF_KIB : 0;

	*kinds = (struct pf_memory_kinds){ .anon = 200 * PF_MIB + grown + i % 7 * PF_MIB,
					   .shmem = 10 * PF_MIB };
	return (struct pf_leak_sample){
		.at_ns = (1700000000 + 10 * i) * PF_NS_PER_S,
		.hot_bytes = kinds->anon + kinds->shmem,
		.limit_bytes = PF_GIB,
		.cpu_cores = (double)(i % 100) / 100,
		.kinds = kinds,
	};
}

static unsigned push(struct pf_leak_state *state, const struct pf_leak_options *options,
		     uint64_t from, uint64_t to)
{
	unsigned nr_events = 0;

	for (uint64_t i = from; i < to; i++) {
		struct pf_memory_kinds kinds;
		struct pf_leak_sample sample = sample_at(i, &kinds);

		nr_events += pf_leak_push(state, options, &sample) != PF_LEAK_NOTHING;
	}
	return nr_events;
}

/* Rings may lie at other places; what they hold may not differ. */
static void check_same_rings(const struct pf_leak_state *got, const struct pf_leak_state *want)
{
	for (size_t level = 0; level < PF_LEAK_NR_LEVELS; level++) {
		PF_CHECK_INT("bins", got->level[level].nr_bins, want->level[level].nr_bins);
		PF_CHECK("some", got->level[level].nr_bins > 10);
		for (size_t i = 0; i < want->level[level].nr_bins; i++) {
			const struct pf_leak_bin *a = leak_bin_at(got, level, i),
						 *b = leak_bin_at(want, level, i);

			PF_CHECK_INT("bin", a->index, b->index);
			PF_CHECK_INT("lowest", a->min_pages, b->min_pages);
			PF_CHECK_INT("highest", a->max_pages, b->max_pages);
			PF_CHECK_NEAR("CPU", a->cpu_cores, b->cpu_cores, 0);
			PF_CHECK("CPU was known", b->cpu_cores > 0);
		}
		PF_CHECK_INT("blocks", got->level[level].nr_blocks, want->level[level].nr_blocks);
		for (size_t i = 0; i < want->level[level].nr_blocks; i++) {
			const struct pf_leak_block *a = leak_block_at(got, level, i),
						   *b = leak_block_at(want, level, i);

			PF_CHECK_INT("block", a->index, b->index);
			for (size_t k = 0; k < PF_LEAK_NR_KINDS; k++)
				PF_CHECK_INT("kind", a->pages[k], b->pages[k]);
		}
	}
}

static void check_same_records(const struct pf_leak_record *got, const struct pf_leak_record *want,
			       size_t nr)
{
	size_t nr_used = 0;

	for (size_t i = 0; i < nr; i++) {
		nr_used += want[i].index && want[i].max_floor_pages[0];
		PF_CHECK_INT("record", got[i].index, want[i].index);
		PF_CHECK_NEAR("its CPU", got[i].cpu_sum, want[i].cpu_sum, 0);
		PF_CHECK_INT("how often known", got[i].nr_cpu, want[i].nr_cpu);
		for (size_t k = 0; k < PF_LEAK_RECORD_LEVELS; k++)
			PF_CHECK_INT("highest floor", got[i].max_floor_pages[k],
				     want[i].max_floor_pages[k]);
	}
	PF_CHECK("there are some", nr_used > 0);
}

/* Saved each 3000 samples (not at any bin's end), against one that never was. */
static void test_goes_on(void)
{
	static struct pf_leak_state whole, broken;
	struct pf_leak_options options;
	struct pf_leak_finding a, b;
	struct pf_buf buf;

	memset(&whole, 0, sizeof(whole));
	memset(&broken, 0, sizeof(broken));
	pf_leak_options_init(10 * PF_NS_PER_S, 1, &options);
	pf_buf_init(&buf, PF_LEAK_SAVED_MAX);
	for (uint64_t i = 0; i < 24000; i += 3000) {
		PF_CHECK_INT("events", push(&whole, &options, i, i + 3000),
			     push(&broken, &options, i, i + 3000));
		pf_buf_reset(&buf);
		PF_CHECK_INT("saved", pf_leak_save(&broken, &buf), 0);
		memset(&broken, 0xa5, sizeof(broken));
		PF_CHECK_INT("loaded", pf_leak_load(buf.data, buf.len, &broken), 0);
	}
	pf_leak_describe(&whole, &options, &a);
	pf_leak_describe(&broken, &options, &b);
	PF_CHECK_INT("alarm", a.state, PF_LEAK_ALARM);
	PF_CHECK_INT("state", b.state, a.state);
	PF_CHECK_NEAR("slope", b.slope_bytes_per_hour, a.slope_bytes_per_hour, 0);
	PF_CHECK_INT("exhaustion", b.eta_unix_ns, a.eta_unix_ns);
	PF_CHECK_INT("since", b.since_unix_ns, a.since_unix_ns);
	PF_CHECK_NEAR("kind's share", b.kind_share, a.kind_share, 0);
	PF_CHECK("small", buf.len < 9000);
	pf_buf_done(&buf);
	check_same_rings(&broken, &whole);
	check_same_records(broken.hour, whole.hour, PF_LEAK_RECORD_HOURS);
	check_same_records(broken.day, whole.day, PF_LEAK_RECORD_DAYS);
}

/* Padding too: a failure writes nothing. */
static bool same_bytes(const void *a, const void *b, size_t size)
{
	return !memcmp(a, b, size);
}

/* Every cut and every flipped bit: refused, or a state that still can be used; outputs untouched on failure. */
static void test_damage(void)
{
	static struct pf_leak_state state, loaded, untouched;
	struct pf_leak_options options;
	struct pf_leak_finding finding;
	struct pf_buf buf;

	memset(&state, 0, sizeof(state));
	memset(&untouched, 0x5a, sizeof(untouched));
	pf_leak_options_init(10 * PF_NS_PER_S, 1, &options);
	pf_buf_init(&buf, PF_LEAK_SAVED_MAX);
	push(&state, &options, 0, 12000);
	PF_CHECK_INT("saved", pf_leak_save(&state, &buf), 0);
	for (size_t len = 0; len < buf.len; len++) {
		memset(&loaded, 0x5a, sizeof(loaded));
		PF_CHECK_INT("cut", pf_leak_load(buf.data, len, &loaded), -EBADMSG);
		if (len % 64 == 0)
			PF_CHECK("untouched", same_bytes(&loaded, &untouched, sizeof(loaded)));
	}
	for (size_t bit = 0; bit < buf.len * 8; bit += 3) {
		buf.data[bit / 8] ^= (char)(1 << bit % 8);
		if (pf_leak_load(buf.data, buf.len, &loaded) == 0) {
			push(&loaded, &options, 12000, 12200);
			pf_leak_describe(&loaded, &options, &finding);
		}
		buf.data[bit / 8] ^= (char)(1 << bit % 8);
	}
	buf.data[0] = 3;
	PF_CHECK_INT("newer form", pf_leak_load(buf.data, buf.len, &loaded), -EOPNOTSUPP);
	pf_buf_done(&buf);
}

/* Two bins in one place, in each ring, and an open bin in a closed one's. */
static void test_bins_in_one_place(void)
{
	static struct pf_leak_state state, loaded;
	struct pf_leak_options options;
	struct pf_buf buf;

	memset(&state, 0, sizeof(state));
	pf_leak_options_init(10 * PF_NS_PER_S, 1, &options);
	pf_buf_init(&buf, PF_LEAK_SAVED_MAX);
	push(&state, &options, 0, 6000);
	for (size_t level = 0; level < PF_LEAK_NR_LEVELS; level++) {
		PF_CHECK("some in each ring", state.level[level].nr_bins > 1);
		for (size_t i = 0; i + 1 < state.level[level].nr_bins; i++) {
			uint32_t next = leak_bin_at(&state, level, i + 1)->index;
			struct pf_leak_bin *bin = leak_bin_place(&state, level, i);

			PF_CHECK_INT("neighbours", next, bin->index + 1);
			bin->index = next;
			pf_buf_reset(&buf);
			PF_CHECK_INT("saved", pf_leak_save(&state, &buf), 0);
			PF_CHECK_INT("refused", pf_leak_load(buf.data, buf.len, &loaded), -EBADMSG);
			bin->index = next - 1;
		}
	}
	for (size_t level = 0; level < PF_LEAK_NR_LEVELS - 1; level++) {
		uint32_t index = state.level[level].index;

		state.level[level].index = index - 1;
		pf_buf_reset(&buf);
		PF_CHECK_INT("saved", pf_leak_save(&state, &buf), 0);
		PF_CHECK_INT("refused", pf_leak_load(buf.data, buf.len, &loaded), -EBADMSG);
		state.level[level].index = index;
	}
	pf_buf_reset(&buf);
	PF_CHECK_INT("saved", pf_leak_save(&state, &buf), 0);
	PF_CHECK_INT("as it was", pf_leak_load(buf.data, buf.len, &loaded), 0);
	pf_buf_done(&buf);
}

/* A checkpoint of the first form, whose finest bins had another width: these go, the rest stays. */
static void test_first_form(void)
{
	static struct pf_leak_state state, loaded;
	struct pf_leak_options options;
	struct pf_buf buf;

	memset(&state, 0, sizeof(state));
	pf_leak_options_init(10 * PF_NS_PER_S, 1, &options);
	pf_buf_init(&buf, PF_LEAK_SAVED_MAX);
	push(&state, &options, 0, 12000);
	PF_CHECK_INT("saved", pf_leak_save(&state, &buf), 0);
	buf.data[0] = 1; /* and without what the second form adds at the end, one byte here */
	PF_CHECK_INT("loaded", pf_leak_load(buf.data, buf.len - 1, &loaded), 0);
	PF_CHECK_INT("no finest bins", loaded.level[0].nr_bins, 0);
	PF_CHECK_INT("no records of theirs", loaded.hour[0].max_floor_pages[0], 0);
	PF_CHECK_INT("the next ones are there", loaded.level[1].nr_bins, state.level[1].nr_bins);
	push(&loaded, &options, 12000, 18000);
	PF_CHECK_INT("alarm", loaded.phase, PF_LEAK_ALARM);
	pf_buf_done(&buf);
}

static void test_full_buffer(void)
{
	static struct pf_leak_state state;
	struct pf_buf buf;

	pf_buf_init(&buf, 100);
	PF_CHECK_INT("no room", pf_leak_save(&state, &buf), -ENOSPC);
	pf_buf_done(&buf);
}

PF_TEST_SUITE(leak_save, { "goes on", test_goes_on }, { "damage", test_damage },
	      { "bins in one place", test_bins_in_one_place }, { "first form", test_first_form },
	      { "full buffer", test_full_buffer });
