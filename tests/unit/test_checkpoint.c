// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "core/evidence_save.h"
#include "store/checkpoint.h"
#include "sys/file.h"
#include "unit/check.h"
#include "unit/fault_sys.h"
#include "unit/report_sample.h"

#define NOW_UNIX 1790000000000000000
/* When it is saved and loaded: after the samples. */
#define LATER_UNIX (NOW_UNIX + 60 * (int64_t)PF_NS_PER_S)

struct world {
	struct pf_checkpoint_parts parts;
	char directory[64];
};

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void parts_init(struct pf_checkpoint_parts *parts)
{
	struct pf_leak_options options;
	struct pf_vpa_settings vpa;

	pf_vpa_settings_default(&vpa);
	pf_leak_options_init(10 * PF_NS_PER_S, 1, &options);
	*parts = (struct pf_checkpoint_parts){ .now_ns = 5, .now_unix_ns = LATER_UNIX };
	PF_CHECK_INT("histories", pf_histories_new(10, &parts->histories), 0);
	PF_CHECK_INT("book", pf_leak_book_new(10, &options, &parts->leaks), 0);
	PF_CHECK_INT("tracks",
		     pf_tracks_new(
			     &(struct pf_tracks_opts){
				     .max_tracks = 10, .run_id = 1, .time_scale = 1, .vpa = &vpa },
			     &parts->tracks),
		     0);
}

static void parts_done(struct pf_checkpoint_parts *parts)
{
	pf_tracks_free(parts->tracks);
	pf_histories_free(parts->histories);
	pf_leak_book_free(parts->leaks);
}

/* A history with a slice, a container with an open hour that belongs to it, and a leak state. */
static void world_init(struct world *world)
{
	const struct pf_cgroup cgroup = { .handle = 7, .id = 77, .path = "/x" };
	const struct pf_leak_sample leak = {
		.at_ns = NOW_UNIX, .hot_bytes = 1 << 20, .limit_bytes = PF_NO_LIMIT, .cpu_cores = -1
	};
	const struct pf_slice *slice = report_sample()->containers[0].slices[0];
	struct pf_history *history;
	struct pf_track *track;
	struct pf_sample sample;
	enum pf_leak_event event;

	snprintf(world->directory, sizeof(world->directory), "/tmp/podfit-test-XXXXXX");
	PF_CHECK("mkdtemp", mkdtemp(world->directory) != NULL);
	parts_init(&world->parts);
	PF_CHECK_INT("get", pf_histories_get(world->parts.histories, "a", 1, &history), 0);
	PF_CHECK_INT("take", pf_history_take(history, "one", slice, 2), 0);
	PF_CHECK_INT("appeared",
		     pf_tracks_appeared(world->parts.tracks, &cgroup, 1, NOW_UNIX, &track), 0);
	pf_sample_clear(&sample);
	sample.handle = 7;
	sample.end_ns = 10 * PF_NS_PER_S;
	sample.working_set_bytes = 123456;
	PF_CHECK_INT("sampled", pf_tracks_sampled(world->parts.tracks, &sample, NOW_UNIX), 0);
	track->history = history;
	history->nr_living++;
	PF_CHECK_INT("leak",
		     pf_leak_book_sample(world->parts.leaks, 7, track->instance, &leak, &event), 0);
}

static void world_done(struct world *world)
{
	parts_done(&world->parts);
	(void)nftw(world->directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static int load(const struct world *world, struct pf_checkpoint_parts *into,
		struct pf_checkpoint_feeds **feeds)
{
	char error[400] = "";

	parts_init(into);
	return pf_checkpoint_load(&pf_sys_real, world->directory, into, feeds, error,
				  sizeof(error));
}

static void test_round_trip(void)
{
	PF_AUTO(pf_evidence_freep) struct pf_evidence *evidence = NULL;
	struct pf_checkpoint_feeds *feeds = NULL;
	struct pf_checkpoint_parts again;
	struct pf_history *history = NULL;
	struct pf_track *track;
	struct world world = { .directory = "" };
	size_t cursor = 0;

	world_init(&world);
	PF_CHECK_INT("save", pf_checkpoint_save(&pf_sys_real, world.directory, &world.parts), 0);
	PF_CHECK_INT("load", load(&world, &again, &feeds), 1);
	PF_CHECK_INT("history", pf_histories_get(again.histories, "a", 1, &history), 0);
	PF_CHECK("with evidence", history->packed.size > 0);
	PF_CHECK_INT("evidence", pf_history_evidence(history, &evidence), 0);
	PF_CHECK_INT("of both instances", evidence->nr_instances, 2);
	PF_CHECK("leak", pf_leak_book_next(again.leaks, &cursor) != NULL);
	track = pf_tracks_find(world.parts.tracks, 7);
	track->feed.vpa.interval_end_ns = 0;
	pf_checkpoint_feed(feeds, track);
	PF_CHECK("feed goes on", track->feed.vpa.interval_end_ns > NOW_UNIX);
	pf_checkpoint_feeds_free(feeds);
	parts_done(&again);
	world_done(&world);
}

/* Version 2 ended before the limit queues: five sums, four histograms, the number of CPUs. */
static void check_version_2(char *data, size_t len)
{
	size_t tail = 5 * 8 + (size_t)PF_NR_LIMIT_COUNTS * PF_LIMITS * 4 + 8;
	PF_AUTO(pf_evidence_freep) struct pf_evidence *old = NULL;
	char version = data[0];

	PF_CHECK_INT("version", version, 3);
	data[0] = 2;
	PF_CHECK_INT("load", pf_evidence_load(data, len - tail, &old), 0);
	PF_CHECK("no queues", old && old->sums.limit_windows == 0 && old->covered_hours > 0);
	data[0] = 4;
	pf_evidence_free(old);
	old = NULL;
	PF_CHECK_INT("from the future", pf_evidence_load(data, len, &old), -EOPNOTSUPP);
	data[0] = version;
}

/* Saved, loaded and saved again is the same, and any cut or turned bit is refused or harmless. */
static void test_evidence(void)
{
	const struct pf_slice *slice = report_sample()->containers[0].slices[0];
	PF_AUTO(pf_evidence_freep) struct pf_evidence *evidence = NULL;
	PF_AUTO(pf_evidence_freep) struct pf_evidence *again = NULL;
	struct pf_vpa_settings settings;
	struct pf_buf first, second;

	pf_vpa_settings_default(&settings);
	pf_buf_init(&first, 1 << 20);
	pf_buf_init(&second, 1 << 20);
	PF_CHECK_INT("new", pf_evidence_new(&settings, &evidence), 0);
	PF_CHECK_INT("slice", pf_evidence_add_slice(evidence, 3, slice), 0);
	PF_CHECK_INT("save", pf_evidence_save(evidence, &first), 0);
	PF_CHECK_INT("load", pf_evidence_load(first.data, first.len, &again), 0);
	PF_CHECK_INT("save again", pf_evidence_save(again, &second), 0);
	PF_CHECK("the same",
		 first.len == second.len && !memcmp(first.data, second.data, first.len));
	check_version_2(first.data, first.len);
	for (size_t len = 0; len < first.len; len += 7) {
		struct pf_evidence *cut = NULL;
		int r = pf_evidence_load(first.data, len, &cut);

		PF_CHECK("cut is refused", r == -EBADMSG && !cut);
	}
	for (size_t i = 0; i < first.len; i++) {
		PF_AUTO(pf_evidence_freep) struct pf_evidence *turned = NULL;
		struct pf_vpa_aggregate vpa;

		first.data[i] ^= (char)0x80;
		if (pf_evidence_load(first.data, first.len, &turned) == 0)
			pf_evidence_vpa(turned, &vpa); /* must not read beyond anything */
		first.data[i] ^= (char)0x80;
	}
	pf_buf_done(&first);
	pf_buf_done(&second);
}

/* The last end of all evidence, and of the leak state, after a load at that moment. */
static int load_at(const struct world *world, int64_t now_unix_ns, int64_t *ret_last_ns,
		   uint64_t *ret_leak_ns, struct pf_evidence *ret_evidence)
{
	struct pf_checkpoint_feeds *feeds = NULL;
	PF_AUTO(pf_evidence_freep) struct pf_evidence *evidence = NULL;
	struct pf_checkpoint_parts again;
	struct pf_history *history = NULL;
	const struct pf_leak_entry *leak;
	struct pf_track *track = pf_tracks_find(world->parts.tracks, 7);
	char error[400] = "";
	size_t cursor = 0;
	int r;

	parts_init(&again);
	again.now_unix_ns = now_unix_ns;
	r = pf_checkpoint_load(&pf_sys_real, world->directory, &again, &feeds, error,
			       sizeof(error));
	if (r == 1 && pf_histories_get(again.histories, "a", 1, &history) == 0 &&
	    pf_history_evidence(history, &evidence) == 0) {
		*ret_last_ns = evidence->last_ns;
		*ret_evidence = *evidence;
		ret_evidence->peaks = NULL;
		ret_evidence->instances = NULL;
	}
	leak = pf_leak_book_next(again.leaks, &cursor);
	*ret_leak_ns = leak ? leak->state.last_ns : 0;
	track->feed.vpa.interval_end_ns = 0;
	pf_checkpoint_feed(feeds, track);
	pf_checkpoint_feeds_free(feeds);
	parts_done(&again);
	return r;
}

/* The wall clock is somewhere else when the agent starts again. */
static void test_clock_steps(void)
{
	static const struct step_case {
		const char *name;
		int64_t step_ns;
		bool moved, feed;
	} cases[] = {
		{ "as it was", 0, false, true },
		{ "an hour on", PF_NS_PER_HOUR, false, true },
		{ "a year on", 365 * (int64_t)PF_NS_PER_DAY, false, true },
		{ "an hour back", -(int64_t)PF_NS_PER_HOUR, false, false },
		{ "ten days back", -10 * (int64_t)PF_NS_PER_DAY, true, false },
		{ "ten years back", -3650 * (int64_t)PF_NS_PER_DAY, true, false },
	};
	struct world world = { .directory = "" };

	world_init(&world);
	PF_CHECK_INT("save", pf_checkpoint_save(&pf_sys_real, world.directory, &world.parts), 0);
	for (size_t i = 0; i < PF_ARRAY_SIZE(cases); i++) {
		const struct step_case *c = &cases[i];
		int64_t now_ns = LATER_UNIX + c->step_ns, last_ns = 0, first_ns = 0;
		struct pf_evidence now, before;
		uint64_t leak_ns;

		PF_CHECK_INT(c->name, load_at(&world, LATER_UNIX, &first_ns, &leak_ns, &before), 1);
		PF_CHECK_INT(c->name, load_at(&world, now_ns, &last_ns, &leak_ns, &now), 1);
		PF_CHECK(c->name, c->moved == (last_ns != first_ns));
		PF_CHECK(c->name, !c->moved || (last_ns <= now_ns &&
						last_ns > now_ns - (int64_t)PF_NS_PER_DAY));
		PF_CHECK(c->name, leak_ns && leak_ns <= (uint64_t)LATER_UNIX &&
					  leak_ns <= (uint64_t)PF_MAX(now_ns, (int64_t)0));
		PF_CHECK_INT(c->name,
			     pf_tracks_find(world.parts.tracks, 7)->feed.vpa.interval_end_ns != 0,
			     c->feed);
		/* Only its place in time is another. */
		PF_CHECK(c->name, !memcmp(now.demand, before.demand, sizeof(now.demand)));
		PF_CHECK_INT(c->name, now.nr_hours, before.nr_hours);
		PF_CHECK_INT(c->name, (now.last_ns - now.reference_ns),
			     before.last_ns - before.reference_ns);
		PF_CHECK_INT(c->name, now.last_ns / (int64_t)PF_NS_PER_HOUR - now.hours[0].index,
			     before.last_ns / (int64_t)PF_NS_PER_HOUR - before.hours[0].index);
	}
	world_done(&world);
}

/* After a restart in the past new evidence counts at once; what the future said is the older one. */
static void test_future_is_outweighed(void)
{
	const int64_t day_ns = (int64_t)PF_NS_PER_DAY;
	const struct pf_slice *slice = report_sample()->containers[0].slices[0];
	PF_AUTO(pf_evidence_freep) struct pf_evidence *evidence = NULL;
	struct pf_slice later = *slice;
	struct pf_vpa_settings settings;
	double share;

	pf_vpa_settings_default(&settings);
	PF_CHECK_INT("new", pf_evidence_new(&settings, &evidence), 0);
	PF_CHECK_INT("old", pf_evidence_add_slice(evidence, 1, slice), 0);
	pf_evidence_rebase(evidence, (int64_t)slice->start_unix_ns - 100 * day_ns);
	later.hour -= 24 * 90;
	later.start_unix_ns -= 90 * PF_NS_PER_DAY;
	later.vpa.cpu_weight = NULL;
	later.vpa.nr_peaks = 0;
	PF_CHECK_INT("new", pf_evidence_add_slice(evidence, 2, &later), 0);
	/* As of now, in units of the new slice: ten or eleven days of two a half-life are 2^-5. */
	share = evidence->sums.covered_ns / (double)slice->covered_ns *
		exp2(-(double)((int64_t)later.start_unix_ns - evidence->reference_ns) /
		     (double)PF_EVIDENCE_LONG_NS);
	PF_CHECK("the new one and little more", share > 1 && share < 1.05);
	PF_CHECK_INT("the newest hour", evidence->hours[evidence->nr_hours - 1].index, later.hour);
}

/* ---- other versions ---- */

static void path_of(const struct world *world, const char *name, char ret_path[128])
{
	snprintf(ret_path, 128, "%s/%s", world->directory, name);
}

/* The file with @more behind it, and a checksum that fits. */
static void append(const struct world *world, const void *more, size_t len)
{
	enum { HEADER_LEN = 12 };
	struct pf_buf file;
	char path[128];
	uint32_t crc;
	FILE *out;

	path_of(world, PF_CHECKPOINT_FILE, path);
	pf_buf_init(&file, 1 << 20);
	PF_CHECK_INT("read", pf_file_read(&pf_sys_real, AT_FDCWD, path, &file), 0);
	(void)pf_buf_add(&file, more, len);
	crc = (uint32_t)crc32(0, (const Bytef *)file.data + HEADER_LEN,
			      (uInt)(file.len - HEADER_LEN));
	for (size_t i = 0; i < 4; i++)
		file.data[8 + i] = (char)(crc >> (8 * i));
	out = fopen(path, "w");
	PF_CHECK("write", fwrite(file.data, 1, file.len, out) == file.len);
	fclose(out);
	pf_buf_done(&file);
}

/* What a newer build adds without a new version is passed over; a new version is set aside whole. */
static void test_newer(void)
{
	/* Field 1900, a text, in the file and in a Feed of an instance "q". */
	static const char unknown[] = "\xe2\x76\x05later"
				      "\x2a\x08\x0a\x01q\xe2\x76\x02ok";
	struct pf_checkpoint_feeds *feeds = NULL;
	struct pf_checkpoint_parts again;
	char path[128], aside[128];
	struct world world = { .directory = "" };

	world_init(&world);
	path_of(&world, PF_CHECKPOINT_FILE, path);
	path_of(&world, PF_CHECKPOINT_DAMAGED, aside);
	PF_CHECK_INT("save", pf_checkpoint_save(&pf_sys_real, world.directory, &world.parts), 0);
	append(&world, unknown, sizeof(unknown) - 1);
	PF_CHECK_INT("fields of a newer build", load(&world, &again, &feeds), 1);
	pf_checkpoint_feeds_free(feeds);
	parts_done(&again);

	append(&world, "\x08\x02", 2); /* version 2: the last value of a field holds */
	feeds = NULL;
	PF_CHECK_INT("a newer version", load(&world, &again, &feeds), -EBADMSG);
	PF_CHECK("nothing was taken", !feeds && !pf_histories_count(again.histories));
	PF_CHECK("kept for who knows it", access(path, F_OK) < 0 && access(aside, F_OK) == 0);
	parts_done(&again);
	PF_CHECK_INT("and a new one begins",
		     pf_checkpoint_save(&pf_sys_real, world.directory, &world.parts), 0);
	PF_CHECK_INT("whole", load(&world, &again, &feeds), 1);
	pf_checkpoint_feeds_free(feeds);
	parts_done(&again);
	world_done(&world);
}

/* A file of an earlier build, see tests/fixtures/versions/README.md: numbers and meaning hold. */
static void test_earlier_build(void)
{
	static const char source[] = "tests/fixtures/versions/checkpoint-1.pb";
	PF_AUTO(pf_evidence_freep) struct pf_evidence *evidence = NULL;
	struct pf_checkpoint_feeds *feeds = NULL;
	struct pf_checkpoint_parts again;
	struct pf_history *history = NULL;
	struct world world = { .directory = "" };
	struct pf_buf file;
	size_t cursor = 0;
	char path[128];
	FILE *out;

	world_init(&world);
	path_of(&world, PF_CHECKPOINT_FILE, path);
	pf_buf_init(&file, 1 << 20);
	PF_CHECK_INT(source, pf_file_read(&pf_sys_real, AT_FDCWD, source, &file), 0);
	out = fopen(path, "w");
	PF_CHECK("copy", fwrite(file.data, 1, file.len, out) == file.len);
	fclose(out);
	pf_buf_done(&file);
	PF_CHECK_INT("load", load(&world, &again, &feeds), 1);
	PF_CHECK_INT("history", pf_histories_get(again.histories, "a", 1, &history), 0);
	if (pf_history_evidence(history, &evidence) == 0) {
		PF_CHECK_INT("instances", evidence->nr_instances, 2);
		PF_CHECK_INT("quota", evidence->cfs_quota_us, 9109);
		PF_CHECK_INT("memory", evidence->hours[0].peak_bytes, 1 << 20);
		PF_CHECK_INT("kills", evidence->oom_kills, 4211321);
		PF_CHECK_INT("VPA samples", evidence->vpa.nr_samples, 10);
	}
	PF_CHECK("leak", pf_leak_book_next(again.leaks, &cursor) != NULL);
	pf_tracks_find(world.parts.tracks, 7)->feed.vpa.interval_end_ns = 0;
	pf_checkpoint_feed(feeds, pf_tracks_find(world.parts.tracks, 7));
	PF_CHECK("feed",
		 pf_tracks_find(world.parts.tracks, 7)->feed.vpa.interval_end_ns > NOW_UNIX);
	pf_checkpoint_feeds_free(feeds);
	parts_done(&again);
	world_done(&world);
}

static void test_damage(void)
{
	char path[128], aside[128];
	struct pf_checkpoint_feeds *feeds = NULL;
	struct pf_checkpoint_parts again;
	struct world world = { .directory = "" };
	FILE *file;

	world_init(&world);
	PF_CHECK_INT("none yet", load(&world, &again, &feeds), -ENOENT);
	parts_done(&again);
	PF_CHECK_INT("save", pf_checkpoint_save(&pf_sys_real, world.directory, &world.parts), 0);
	snprintf(path, sizeof(path), "%s/" PF_CHECKPOINT_FILE, world.directory);
	snprintf(aside, sizeof(aside), "%s/" PF_CHECKPOINT_DAMAGED, world.directory);
	file = fopen(path, "r+");
	fseek(file, 200, SEEK_SET);
	fputc(0x5a, file);
	fputc(0xa5, file);
	fclose(file);
	PF_CHECK_INT("damaged", load(&world, &again, &feeds), -EBADMSG);
	PF_CHECK_INT("nothing taken", pf_histories_count(again.histories), 0);
	PF_CHECK("set aside", access(path, F_OK) < 0 && access(aside, F_OK) == 0);
	parts_done(&again);
	world_done(&world);
}

/* Every system call of a save fails once: the old or the new file is there, whole. */
static void test_faults(void)
{
	struct world world = { .directory = "" };

	world_init(&world);
	PF_CHECK_INT("first", pf_checkpoint_save(&pf_sys_real, world.directory, &world.parts), 0);
	for (unsigned nth = 1;; nth++) {
		struct pf_checkpoint_feeds *feeds = NULL;
		struct pf_checkpoint_parts again;
		const struct pf_sys *sys = fault_sys(nth, EIO);
		int r;
		unsigned calls;

		fault_sys_short_writes(1000);
		r = pf_checkpoint_save(sys, world.directory, &world.parts);
		calls = fault_sys_calls();
		(void)fault_sys(0, 0);
		PF_CHECK_INT("whole", load(&world, &again, &feeds), 1);
		pf_checkpoint_feeds_free(feeds);
		parts_done(&again);
		if (nth > calls) {
			PF_CHECK_INT("no call failed", r, 0);
			PF_CHECK("several were tried", nth > 3);
			break;
		}
		PF_CHECK_INT("says it", r, -EIO);
	}
	world_done(&world);
}

PF_TEST_SUITE(checkpoint, { "round trip", test_round_trip }, { "evidence", test_evidence },
	      { "clock steps", test_clock_steps },
	      { "the future is outweighed", test_future_is_outweighed }, { "newer", test_newer },
	      { "earlier build", test_earlier_build }, { "damage", test_damage },
	      { "faults", test_faults });
