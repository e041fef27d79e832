// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/evidence_save.h"
#include "store/checkpoint.h"
#include "unit/check.h"
#include "unit/fault_sys.h"
#include "unit/report_sample.h"

#define NOW_UNIX 1790000000000000000

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
	*parts = (struct pf_checkpoint_parts){ .now_ns = 5, .now_unix_ns = NOW_UNIX };
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
	struct pf_checkpoint_feeds *feeds = NULL;
	struct pf_checkpoint_parts again;
	struct pf_history *history = NULL;
	struct pf_track *track;
	struct world world;
	size_t cursor = 0;

	world_init(&world);
	PF_CHECK_INT("save", pf_checkpoint_save(&pf_sys_real, world.directory, &world.parts), 0);
	PF_CHECK_INT("load", load(&world, &again, &feeds), 1);
	PF_CHECK_INT("history", pf_histories_get(again.histories, "a", 1, &history), 0);
	PF_CHECK("with evidence", history->evidence != NULL);
	if (history->evidence)
		PF_CHECK_INT("of both instances", history->evidence->nr_instances, 2);
	PF_CHECK("leak", pf_leak_book_next(again.leaks, &cursor) != NULL);
	track = pf_tracks_find(world.parts.tracks, 7);
	track->feed.vpa.interval_end_ns = 0;
	pf_checkpoint_feed(feeds, track);
	PF_CHECK("feed goes on", track->feed.vpa.interval_end_ns > NOW_UNIX);
	pf_checkpoint_feeds_free(feeds);
	parts_done(&again);
	world_done(&world);
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

static void test_damage(void)
{
	char path[128], aside[128];
	struct pf_checkpoint_feeds *feeds = NULL;
	struct pf_checkpoint_parts again;
	struct world world;
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
	struct world world;

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
	      { "damage", test_damage }, { "faults", test_faults });
