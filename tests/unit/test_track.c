// SPDX-License-Identifier: Apache-2.0
/* Containers of a node from their appearance to their last evidence, without a kernel. */
#include <errno.h>
#include <string.h>

#include "core/track.h"
#include "unit/check.h"

/* 2026-05-29 00:30 UTC when the monotonic clock began. */
#define WALL_OFFSET_NS ((int64_t)(1780014600 * PF_NS_PER_S))

struct fixture {
	struct pf_tracks *tracks;
	uint64_t now_ns;
	int64_t offset_ns;
	unsigned nr_dropped;
	uint64_t dropped_usage_ns;
};

static void on_dropped(void *arg, struct pf_track *track)
{
	struct fixture *f = arg;

	f->nr_dropped++;
	f->dropped_usage_ns += track->total.usage_ns == PF_UNKNOWN ? 0 : track->total.usage_ns;
}

static void set_up(struct fixture *f, uint32_t max_tracks)
{
	struct pf_vpa_settings vpa;
	struct pf_tracks_opts opts = { .max_tracks = max_tracks,
				       .run_id = 7,
				       .time_scale = 1,
				       .vpa = &vpa,
				       .arg = f,
				       .dropped = on_dropped };

	*f = (struct fixture){ .now_ns = 1000 * PF_NS_PER_S, .offset_ns = WALL_OFFSET_NS };
	pf_vpa_settings_default(&vpa);
	PF_CHECK_INT("new", pf_tracks_new(&opts, &f->tracks), 0);
}

static struct pf_track *appear(struct fixture *f, uint64_t handle, const char *path)
{
	struct pf_cgroup cgroup = { .handle = handle,
				    .id = 100 + handle,
				    .born_ns = f->now_ns,
				    .path = path,
				    .class = { .kind = PF_CGROUP_UNIT } };
	struct pf_track *track = NULL;

	PF_CHECK_INT("appeared",
		     pf_tracks_appeared(f->tracks, &cgroup, f->now_ns, f->offset_ns, &track), 0);
	return track;
}

/* Ten seconds at half a CPU. */
static int sample(struct fixture *f, uint64_t handle, uint64_t bytes, bool last)
{
	struct pf_sample s;

	pf_sample_clear(&s);
	s.handle = handle;
	s.start_ns = f->now_ns;
	f->now_ns += 10 * PF_NS_PER_S;
	s.end_ns = f->now_ns;
	s.usage_ns = 5 * PF_NS_PER_S;
	s.memory_usage_bytes = s.hot_bytes = s.working_set_bytes = bytes;
	s.memory_peak_bytes = bytes + PF_MIB;
	s.events_oom_kill = 0;
	s.cfs_quota_us = 50000;
	s.last = last;
	return pf_tracks_sampled(f->tracks, &s, f->offset_ns);
}

static void test_life(void)
{
	struct pf_track *track;
	struct pf_cgroup again = { .handle = 1, .path = "/x" };
	struct fixture f;

	set_up(&f, 8);
	track = appear(&f, 1, "/system.slice/web.service");
	PF_CHECK_INT("once", pf_tracks_appeared(f.tracks, &again, f.now_ns, f.offset_ns, &track),
		     -EEXIST);
	track = pf_tracks_find(f.tracks, 1);
	PF_CHECK_STR("named by its path", track->identity.workload, "web.service");
	PF_CHECK_STR("told apart by its inode", track->instance, "/system.slice/web.service@101");
	PF_CHECK_INT("wall clock", track->first_seen_unix_ns, (int64_t)f.now_ns + WALL_OFFSET_NS);

	PF_CHECK_INT("sample", sample(&f, 1, 100 * PF_MIB, false), 0);
	PF_CHECK_INT("seen at once", track->latest.memory_usage_bytes, 100 * PF_MIB);
	PF_CHECK_INT("sample", sample(&f, 1, 80 * PF_MIB, false), 0);
	pf_tracks_begin_interval(f.tracks);
	PF_CHECK_INT("a new interval", track->interval.usage_ns, PF_UNKNOWN);
	PF_CHECK_INT("the last sample", sample(&f, 1, 1, true), 0);
	PF_CHECK_INT("counts", track->interval.usage_ns, 5 * PF_NS_PER_S);
	PF_CHECK_INT("in total", track->total.usage_ns, 15 * PF_NS_PER_S);
	PF_CHECK_INT("but is no state", track->total.memory_usage_bytes, 80 * PF_MIB);
	PF_CHECK_INT("highest", track->total.memory_peak_bytes, 101 * PF_MIB);
	PF_CHECK_INT("enforced", track->enforced.cfs_quota_us, 50000);
	PF_CHECK_INT("of another", sample(&f, 2, 1, false), -ENOENT);

	pf_tracks_vanished(f.tracks, 1, f.now_ns, f.offset_ns);
	pf_tracks_vanished(f.tracks, 1, f.now_ns + 1, f.offset_ns);
	pf_tracks_vanished(f.tracks, 99, f.now_ns, f.offset_ns);
	PF_CHECK_INT("the first end holds", track->ended_ns, f.now_ns);
	PF_CHECK_INT("none lives", pf_tracks_count_living(f.tracks), 0);
	PF_CHECK_INT("but it is there", pf_tracks_count(f.tracks), 1);
	pf_tracks_taken(f.tracks, f.now_ns - 1);
	PF_CHECK_INT("what ended later is not taken", pf_tracks_count(f.tracks), 1);
	track->pending = true;
	pf_tracks_taken(f.tracks, f.now_ns);
	PF_CHECK_INT("nor what waits for its names", pf_tracks_count(f.tracks), 1);
	track->pending = false;
	pf_tracks_taken(f.tracks, f.now_ns);
	PF_CHECK_INT("taken", pf_tracks_count(f.tracks), 0);
	PF_CHECK_INT("told", f.nr_dropped, 1);
	PF_CHECK_INT("with all it had", f.dropped_usage_ns, 15 * PF_NS_PER_S);
	pf_tracks_free(f.tracks);
}

/* Restarted in place: the same path, another inode, another life. */
static void test_restart(void)
{
	struct pf_track *first, *second;
	struct fixture f;

	set_up(&f, 8);
	first = appear(&f, 1, "/system.slice/web.service");
	PF_CHECK_INT("sample", sample(&f, 1, PF_MIB, false), 0);
	pf_tracks_vanished(f.tracks, 1, f.now_ns, f.offset_ns);
	second = appear(&f, 2, "/system.slice/web.service");
	PF_CHECK("two lives", strcmp(first->instance, second->instance) != 0);
	PF_CHECK_STR("one workload", first->identity.workload, second->identity.workload);
	PF_CHECK("nothing is taken over", !second->slices.open && !second->nr_samples &&
						  second->total.usage_ns == PF_UNKNOWN);
	PF_CHECK_INT("one lives", pf_tracks_count_living(f.tracks), 1);
	pf_tracks_free(f.tracks);
}

static void test_full(void)
{
	struct pf_cgroup more = { .handle = 9, .path = "/more" };
	struct pf_track *track = NULL;
	struct fixture f;

	set_up(&f, 3);
	for (uint64_t i = 1; i <= 3; i++)
		appear(&f, i, "/a");
	PF_CHECK_INT("full", pf_tracks_appeared(f.tracks, &more, f.now_ns, f.offset_ns, &track),
		     -ENOSPC);
	PF_CHECK("output untouched", !track);
	PF_CHECK_INT("counted", pf_tracks_get_losses(f.tracks).tracks_full, 1);
	pf_tracks_vanished(f.tracks, 3, f.now_ns, f.offset_ns);
	pf_tracks_vanished(f.tracks, 2, f.now_ns + 5, f.offset_ns);
	appear(&f, 9, "/more");
	PF_CHECK("the one that ended first went",
		 !pf_tracks_find(f.tracks, 3) && pf_tracks_find(f.tracks, 2));
	PF_CHECK_INT("counted", pf_tracks_get_losses(f.tracks).ended_untaken, 1);
	PF_CHECK_INT("told", f.nr_dropped, 1);
	pf_tracks_free(f.tracks);
}

/* All that ended go in one walk, and none that lives. */
static void test_many(void)
{
	struct pf_track *track;
	size_t nr = 0;
	struct fixture f;

	set_up(&f, 500);
	for (uint64_t i = 1; i <= 500; i++) {
		appear(&f, i, "/a");
		if (i % 3)
			pf_tracks_vanished(f.tracks, i, f.now_ns, f.offset_ns);
	}
	pf_tracks_taken(f.tracks, f.now_ns);
	PF_CHECK_INT("left", pf_tracks_count(f.tracks), 166);
	pf_tracks_for_each(f.tracks, cursor, track)
	{
		PF_CHECK_INT("alive", track->cgroup.handle % 3, 0);
		nr++;
	}
	PF_CHECK_INT("walked", nr, 166);
	pf_tracks_free(f.tracks);
}

/* Each time the clock is set back VPA's interval moves with it, and takes another place in the slice, which has eight. */
static void test_peaks_full(void)
{
	struct pf_track *track;
	struct fixture f;

	set_up(&f, 8);
	track = appear(&f, 1, "/x");
	for (unsigned i = 0; i < PF_SLICE_PEAKS_MAX; i++) {
		PF_CHECK_INT("sample", sample(&f, 1, (i + 1) * PF_MIB, false), 0);
		f.offset_ns -= 30 * (int64_t)PF_NS_PER_S;
	}
	PF_CHECK_INT("full", track->slices.open->vpa.nr_peaks, PF_SLICE_PEAKS_MAX);
	PF_CHECK_INT("none lost", pf_tracks_get_losses(f.tracks).peaks_full, 0);
	PF_CHECK_INT("no room", sample(&f, 1, 100 * PF_MIB, false), -ENOSPC);
	PF_CHECK_INT("counted", pf_tracks_get_losses(f.tracks).peaks_full, 1);
	PF_CHECK_INT("the rest is taken", track->total.usage_ns,
		     (PF_SLICE_PEAKS_MAX + 1) * 5 * PF_NS_PER_S);
	pf_tracks_free(f.tracks);
}

/* The wall clock jumps, the monotonic one does not: no hour twice, nothing lost. */
static void test_clock_steps(void)
{
	const int64_t steps_s[] = { -7200, 5 * 86400, -86400, -30, 30, 0 };
	struct pf_track *track;
	uint64_t usage_ns = 0, nr = 0;
	uint32_t hour = 0;
	struct fixture f;

	set_up(&f, 4);
	track = appear(&f, 1, "/a");
	for (size_t i = 0; i < PF_ARRAY_SIZE(steps_s); i++) {
		for (unsigned n = 0; n < 400; n++, nr++) { /* more than an hour */
			PF_CHECK_INT("sample", sample(&f, 1, PF_MIB, false), 0);
			for (uint32_t k = 0; k < track->slices.nr_closed; k++) {
				PF_CHECK("hours only rise", track->slices.closed[k]->hour > hour);
				hour = track->slices.closed[k]->hour;
				usage_ns += track->slices.closed[k]->usage_ns;
			}
			pf_tracks_taken(f.tracks, f.now_ns);
		}
		f.offset_ns += steps_s[i] * (int64_t)PF_NS_PER_S;
	}
	PF_CHECK("the open one is later", track->slices.open->hour > hour);
	usage_ns += track->slices.open->usage_ns;
	PF_CHECK_INT("all of it, once", usage_ns, nr * 5 * PF_NS_PER_S);
	PF_CHECK_INT("none untaken", pf_tracks_get_losses(f.tracks).slices_untaken, 0);
	PF_CHECK("VPA's samples in their order",
		 track->feed.vpa.last_cpu_ns <=
			 (int64_t)f.now_ns + WALL_OFFSET_NS + 5 * 86400 * (int64_t)PF_NS_PER_S);
	pf_tracks_free(f.tracks);
}

static void test_kill(void)
{
	struct pf_oom_kill kill = {
		.handle = 1, .pid = 42, .usage_bytes = 300 * PF_MIB, .limit_bytes = 300 * PF_MIB
	};
	struct pf_report_oom record;
	struct pf_track *track;
	struct fixture f;

	set_up(&f, 4);
	track = appear(&f, 1, "/system.slice/web.service");
	kill.at_ns = f.now_ns;
	pf_tracks_oom_killed(f.tracks, &kill, f.offset_ns, &record);
	PF_CHECK_STR("who", record.workload, "web.service");
	PF_CHECK_INT("before any sample nothing is known of its growth", record.overshoot_bytes,
		     PF_UNKNOWN);
	PF_CHECK_INT("sample", sample(&f, 1, 100 * PF_MIB, false), 0);
	PF_CHECK_INT("sample", sample(&f, 1, 200 * PF_MIB, false), 0);
	kill.at_ns = f.now_ns + 5 * PF_NS_PER_S;
	pf_tracks_oom_killed(f.tracks, &kill, f.offset_ns, &record);
	PF_CHECK_INT("the second kill", record.kill_id, 2);
	PF_CHECK_INT("when", record.at_unix_ns, (int64_t)kill.at_ns + WALL_OFFSET_NS);
	/* 100 MiB in five seconds, for 30 s more. */
	PF_CHECK_NEAR("overshoot", (double)record.overshoot_bytes, 600 * (double)PF_MIB,
		      (double)PF_MIB);
	PF_CHECK_INT("kept with the hour", track->slices.open->oom_overshoot_bytes,
		     record.overshoot_bytes);
	PF_CHECK_INT("nobody else saw how high it was", track->slices.open->memory_peak_bytes,
		     300 * PF_MIB);
	kill.handle = 77;
	pf_tracks_oom_killed(f.tracks, &kill, f.offset_ns, &record);
	PF_CHECK("of nobody known", !record.workload || !record.workload[0]);
	PF_CHECK_INT("is told all the same", record.pid, 42);
	pf_tracks_free(f.tracks);
}

/* A container that is killed right away has its names later. */
static void test_kill_named_later(void)
{
	struct pf_oom_kill kill = { .handle = 1, .pid = 42 };
	struct pf_report_oom record;
	struct pf_track *track;
	struct fixture f;

	set_up(&f, 4);
	track = appear(&f, 1, "/a");
	pf_tracks_oom_killed(f.tracks, &kill, f.offset_ns, &record);
	track->pending = true;
	(void)snprintf(track->identity.workload, sizeof(track->identity.workload), "web");
	(void)snprintf(track->identity.pod, sizeof(track->identity.pod), "web-1");
	track->identity.workload_kind = PF_WORKLOAD_DEPLOYMENT;
	record.workload = "as it was";
	PF_CHECK_INT("waits", pf_tracks_name_oom(f.tracks, 1, &record), -EAGAIN);
	PF_CHECK_INT("of nobody known", pf_tracks_name_oom(f.tracks, 77, &record), -ENOENT);
	PF_CHECK_INT("of none", pf_tracks_name_oom(f.tracks, 0, &record), -ENOENT);
	PF_CHECK_STR("untouched", record.workload, "as it was");
	track->pending = false;
	PF_CHECK_INT("named", pf_tracks_name_oom(f.tracks, 1, &record), 0);
	PF_CHECK_STR("workload", record.workload, "web");
	PF_CHECK_STR("pod", record.pod, "web-1");
	PF_CHECK_INT("kind", record.workload_kind, PF_WORKLOAD_DEPLOYMENT);
	PF_CHECK_INT("all else stays", record.pid, 42);
	pf_tracks_free(f.tracks);
}

/* A sample of @length_ns with @nr waits of @ns each. */
static void waits(struct fixture *f, uint64_t length_ns, uint32_t nr, uint64_t ns)
{
	uint32_t contention[PF_LATENCY_BUCKETS] = { 0 }, quota[PF_LATENCY_BUCKETS] = { 0 };
	struct pf_sample s;

	pf_sample_clear(&s);
	s.handle = 1;
	s.start_ns = f->now_ns;
	f->now_ns += length_ns;
	s.end_ns = f->now_ns;
	s.usage_ns = length_ns / 2;
	contention[pf_hist_bucket(PF_LAYOUT_LATENCY_NS, ns)] = nr / 2;
	quota[pf_hist_bucket(PF_LAYOUT_LATENCY_NS, ns)] = nr - nr / 2;
	s.hists[PF_HIST_CONTENTION_WAIT] = contention;
	s.hists[PF_HIST_QUOTA_WAIT] = quota;
	PF_CHECK_INT("sampled", pf_tracks_sampled(f->tracks, &s, f->offset_ns), 0);
}

/* Waits of an interval tell its latencies, both kinds together; each interval of its own waits only. */
static void test_waits(void)
{
	struct pf_track *track;
	struct fixture f;

	set_up(&f, 8);
	track = appear(&f, 1, "/system.slice/web.service");
	waits(&f, 10 * PF_NS_PER_S, 0, 1);
	PF_CHECK("measured, and there were none",
		 track->waits_known && !track->waits && track->latest.runq_p99_ns == PF_UNKNOWN);
	waits(&f, 10 * PF_NS_PER_S, 100, 8 * PF_NS_PER_MS);
	PF_CHECK_NEAR("p50", (double)track->latest.runq_p50_ns, 8e6, 2e6);
	PF_CHECK_NEAR("p99", (double)track->latest.runq_p99_ns, 8e6, 2e6);
	PF_CHECK_INT("both kinds", pf_hist_total(track->waits->total, PF_LATENCY_BUCKETS), 100);
	waits(&f, 10 * PF_NS_PER_S, 200, 100 * PF_NS_PER_US);
	PF_CHECK_NEAR("of the newest only", (double)track->latest.runq_p99_ns, 1e5, 25e3);
	PF_CHECK_NEAR("the interval has both", (double)track->interval.runq_p99_ns, 8e6, 2e6);
	PF_CHECK_NEAR("most were short", (double)track->interval.runq_p50_ns, 1e5, 25e3);
	pf_tracks_begin_interval(f.tracks);
	waits(&f, 10 * PF_NS_PER_S, 10, 100 * PF_NS_PER_US);
	PF_CHECK_NEAR("a new interval", (double)track->interval.runq_p99_ns, 1e5, 25e3);
	PF_CHECK_INT("all in all", pf_hist_total(track->waits->total, PF_LATENCY_BUCKETS), 310);
	pf_tracks_free(f.tracks);
}

/* Short samples are put together until they cover enough to be worth showing. */
static void test_short_samples(void)
{
	struct pf_track *track;
	struct fixture f;

	set_up(&f, 8);
	track = appear(&f, 1, "/system.slice/web.service");
	waits(&f, PF_LATEST_NS / 4, 10, 8 * PF_NS_PER_MS);
	PF_CHECK_INT("the first at once", track->latest.interval_ns, PF_LATEST_NS / 4);
	for (unsigned i = 0; i < 3; i++) {
		waits(&f, PF_LATEST_NS / 4, 10, 8 * PF_NS_PER_MS);
		PF_CHECK_INT("not yet", track->latest.interval_ns, PF_LATEST_NS / 4);
	}
	waits(&f, PF_LATEST_NS / 4, 10, 8 * PF_NS_PER_MS);
	PF_CHECK_INT("four together", track->latest.interval_ns, PF_LATEST_NS);
	PF_CHECK_INT("and their use", track->latest.usage_ns, PF_LATEST_NS / 2);
	waits(&f, PF_LATEST_NS / 100 * 97, 10, 8 * PF_NS_PER_MS);
	PF_CHECK_INT("a little early is let go", track->latest.interval_ns,
		     PF_LATEST_NS / 100 * 97);
	pf_tracks_free(f.tracks);
}

PF_TEST_SUITE(track, { "life", test_life }, { "waits", test_waits },
	      { "short samples", test_short_samples }, { "restart", test_restart },
	      { "full", test_full }, { "many", test_many }, { "clock steps", test_clock_steps },
	      { "kill", test_kill }, { "kill named later", test_kill_named_later },
	      { "peaks full", test_peaks_full });
