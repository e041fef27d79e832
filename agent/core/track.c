// SPDX-License-Identifier: Apache-2.0
#include "core/track.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"

struct pf_tracks {
	struct pf_tracks_opts opts;
	struct pf_vpa_settings vpa;
	struct pf_map *by_handle;
	size_t nr_ended;
	uint64_t nr_kills;
	struct pf_tracks_losses losses;
};

int pf_tracks_new(const struct pf_tracks_opts *opts, struct pf_tracks **ret_tracks)
{
	struct pf_tracks *tracks = calloc(1, sizeof(*tracks));
	int r;

	if (!tracks)
		return -ENOMEM;
	tracks->opts = *opts;
	tracks->vpa = *opts->vpa;
	r = pf_map_new_u64(opts->max_tracks, &tracks->by_handle);
	if (r < 0) {
		free(tracks);
		return r;
	}
	*ret_tracks = tracks;
	return 0;
}

static void track_free(struct pf_track *track)
{
	pf_slices_done(&track->slices);
	if (track->history)
		track->history->nr_living--;
	free(track->command_line);
	free(track->waits);
	free((char *)track->cgroup.path);
	free(track);
}

void pf_tracks_free(struct pf_tracks *tracks)
{
	struct pf_track *track;

	if (!tracks)
		return;
	pf_tracks_for_each(tracks, cursor, track) track_free(track);
	pf_map_free(tracks->by_handle);
	free(tracks);
}

static void track_remove(struct pf_tracks *tracks, struct pf_track *track)
{
	if (tracks->opts.dropped)
		tracks->opts.dropped(tracks->opts.arg, track);
	(void)pf_map_remove_u64(tracks->by_handle, track->cgroup.handle);
	if (track->ended_ns != PF_UNKNOWN)
		tracks->nr_ended--;
	track_free(track);
}

static void drop_oldest_ended(struct pf_tracks *tracks)
{
	struct pf_track *track, *oldest = NULL;

	pf_tracks_for_each(tracks, cursor,
			   track) if (track->ended_ns != PF_UNKNOWN &&
				      (!oldest || track->ended_ns < oldest->ended_ns)) oldest =
		track;
	if (oldest) {
		tracks->losses.ended_untaken++;
		track_remove(tracks, oldest);
	}
}

/* What the cgroup's path alone says. */
static void identity_from_class(const struct pf_cgroup_class *class, const char *path,
				struct pf_identity *ret_identity)
{
	static const struct pf_resources unknown = { PF_UNKNOWN, PF_UNKNOWN, PF_UNKNOWN,
						     PF_UNKNOWN };
	const char *name = class->name[0] ? class->name : class->container_id;
	struct pf_identity *id = ret_identity;

	*id = (struct pf_identity){
		.qos = class->qos, .spec = unknown, .actual = unknown, .pod_level = unknown
	};
	memcpy(id->pod_uid, class->pod_uid, sizeof(id->pod_uid));
	memcpy(id->container_id, class->container_id, sizeof(id->container_id));
	switch (class->kind) {
	case PF_CGROUP_UNIT:
		id->workload_kind = PF_WORKLOAD_SYSTEMD_UNIT;
		break;
	case PF_CGROUP_PLAIN:
		id->workload_kind = PF_WORKLOAD_CGROUP;
		break;
	default:
		id->workload_kind = PF_WORKLOAD_UNKNOWN;
		break;
	}
	if (!name[0]) {
		name = strrchr(path, '/');
		name = name ? name + 1 : path;
	}
	/* Cut if longer: names of units and cgroups are at most 255 bytes, of ids 79. */
	(void)snprintf(id->container, sizeof(id->container), "%.253s", name);
	(void)snprintf(id->workload, sizeof(id->workload), "%.253s", name);
}

static void instance_name(struct pf_track *track)
{
	const struct pf_cgroup *cgroup = &track->cgroup;
	size_t len = strlen(cgroup->path);
	const char *end = cgroup->path + (len > 160 ? len - 160 : 0);

	/* A container that is restarted in place keeps its cgroup path; the inode tells lives
	 * apart. */
	if (cgroup->class.container_id[0])
		(void)snprintf(track->instance, sizeof(track->instance), "%s",
			       cgroup->class.container_id);
	else
		(void)snprintf(track->instance, sizeof(track->instance), "%s@%llu", end,
			       (unsigned long long)cgroup->id);
}

int pf_tracks_appeared(struct pf_tracks *tracks, const struct pf_cgroup *cgroup, uint64_t now_ns,
		       int64_t wall_offset_ns, struct pf_track **ret_track)
{
	struct pf_track *track;
	int r;

	if (pf_map_get_u64(tracks->by_handle, cgroup->handle))
		return -EEXIST;
	if (pf_map_count(tracks->by_handle) >= tracks->opts.max_tracks)
		drop_oldest_ended(tracks);
	track = calloc(1, sizeof(*track));
	if (!track)
		return -ENOMEM;
	track->cgroup = *cgroup;
	track->cgroup.path = strdup(cgroup->path);
	if (!track->cgroup.path) {
		free(track);
		return -ENOMEM;
	}
	track->first_seen_ns = now_ns;
	track->first_seen_unix_ns = now_ns + (uint64_t)wall_offset_ns;
	track->ended_ns = track->ended_unix_ns = PF_UNKNOWN;
	identity_from_class(&cgroup->class, cgroup->path, &track->identity);
	instance_name(track);
	pf_slices_init(&track->slices, tracks->opts.run_id);
	pf_report_now_clear(&track->latest);
	pf_report_now_clear(&track->coming);
	pf_report_now_clear(&track->interval);
	pf_report_now_clear(&track->total);
	pf_feed_init(&track->feed, &tracks->vpa, tracks->opts.time_scale);
	memset(&track->enforced, 0xff, sizeof(track->enforced));
	track->enforced.note = NULL;
	r = pf_map_put_u64(tracks->by_handle, cgroup->handle, track);
	if (r < 0) {
		track_free(track);
		tracks->losses.tracks_full += r == -ENOSPC;
		return r;
	}
	*ret_track = track;
	return 0;
}

static void add(uint64_t *sum, uint64_t more)
{
	if (more != PF_UNKNOWN)
		*sum = *sum == PF_UNKNOWN ? more : *sum + more;
}

static void raise(uint64_t *peak, uint64_t value)
{
	if (value != PF_UNKNOWN && (*peak == PF_UNKNOWN || value > *peak))
		*peak = value;
}

/* Counters add up over the interval, gauges are the newest. */
static void now_add(struct pf_report_now *now, const struct pf_sample *sample)
{
	uint64_t *sums[] = { &now->usage_ns,	       &now->nr_periods,
			     &now->nr_throttled,       &now->throttled_ns,
			     &now->quota_wait_ns,      &now->contention_wait_ns,
			     &now->nr_waits,	       &now->oom_kills,
			     &now->psi.cpu_some_ns,    &now->psi.cpu_full_ns,
			     &now->psi.memory_some_ns, &now->psi.memory_full_ns,
			     &now->psi.io_some_ns,     &now->psi.io_full_ns };
	const uint64_t more[] = { sample->usage_ns,	      sample->nr_periods,
				  sample->nr_throttled,	      sample->throttled_ns,
				  sample->quota_wait_ns,      sample->contention_wait_ns,
				  sample->nr_waits,	      sample->events_oom_kill,
				  sample->psi.cpu_some_ns,    sample->psi.cpu_full_ns,
				  sample->psi.memory_some_ns, sample->psi.memory_full_ns,
				  sample->psi.io_some_ns,     sample->psi.io_full_ns };

	for (size_t i = 0; i < PF_ARRAY_SIZE(sums); i++)
		add(sums[i], more[i]);
	add(&now->interval_ns, sample->end_ns - sample->start_ns);
	raise(&now->memory_peak_bytes, sample->memory_peak_bytes);
	raise(&now->demand_peak_millicores, sample->demand_peak_millicores);
	if (sample->last)
		return; /* of a cgroup that is gone: the gauges are what is left of it */
	now->memory_usage_bytes = sample->memory_usage_bytes;
	now->working_set_bytes = sample->working_set_bytes;
	now->hot_bytes = sample->hot_bytes;
	now->memory = sample->kinds;
	now->nr_threads = sample->nr_threads;
}

static void quantiles(struct pf_report_now *now, const uint32_t *waits)
{
	double p50, p99;

	if (pf_hist_quantile(PF_LAYOUT_LATENCY_NS, waits, 0, 0.5, &p50) == 0)
		now->runq_p50_ns = (uint64_t)p50;
	if (pf_hist_quantile(PF_LAYOUT_LATENCY_NS, waits, 0, 0.99, &p99) == 0)
		now->runq_p99_ns = (uint64_t)p99;
}

static void add_hist(struct pf_track_waits *waits, const uint32_t *more)
{
	pf_hist_add(waits->coming, more, PF_LATENCY_BUCKETS);
	pf_hist_add(waits->interval, more, PF_LATENCY_BUCKETS);
	pf_hist_add(waits->total, more, PF_LATENCY_BUCKETS);
}

/* Return: 0; -ENOMEM. */
static int add_waits(struct pf_track *track, const struct pf_sample *sample)
{
	const uint32_t *contention = sample->hists[PF_HIST_CONTENTION_WAIT];
	const uint32_t *quota = sample->hists[PF_HIST_QUOTA_WAIT];

	if (!contention)
		return 0;
	track->waits_known = true;
	if (!track->waits && !pf_hist_total(contention, PF_LATENCY_BUCKETS) &&
	    (!quota || !pf_hist_total(quota, PF_LATENCY_BUCKETS)))
		return 0;
	if (!track->waits)
		track->waits = calloc(1, sizeof(*track->waits));
	if (!track->waits)
		return -ENOMEM;
	add_hist(track->waits, contention);
	if (quota)
		add_hist(track->waits, quota);
	quantiles(&track->interval, track->waits->interval);
	return 0;
}

/* A sample may be a little shorter than the timer's beat: 5 % is let go. The first one counts as it
 * is, so that there is something to see at once. */
static void publish(struct pf_track *track, bool last)
{
	if (!last && track->latest.interval_ns != PF_UNKNOWN &&
	    track->coming.interval_ns < PF_LATEST_NS / 20 * 19)
		return;
	if (track->waits)
		quantiles(&track->coming, track->waits->coming);
	track->latest = track->coming;
	pf_report_now_clear(&track->coming);
	if (track->waits)
		memset(track->waits->coming, 0, sizeof(track->waits->coming));
}

static void set_enforced(struct pf_enforced *enforced, const struct pf_sample *sample)
{
	*enforced = (struct pf_enforced){
		.cfs_quota_us = sample->cfs_quota_us,
		.cfs_period_us = sample->cfs_period_us,
		.cfs_burst_us = sample->cfs_burst_us,
		.cpu_weight = sample->cpu_weight,
		.memory_limit_bytes = sample->memory_limit_bytes,
		.memory_high_bytes = sample->memory_high_bytes,
		.swap_limit_bytes = sample->swap_limit_bytes,
	};
}

static void add_trend(struct pf_track *track, const struct pf_sample *sample)
{
	double per_s;

	if (sample->hot_bytes != PF_UNKNOWN)
		pf_series_add(&track->hot, sample->end_ns, (double)sample->hot_bytes);
	if (pf_series_slope(&track->hot, UINT64_MAX, &per_s) == 0)
		track->coming.hot_trend_bytes_per_hour = track->interval.hot_trend_bytes_per_hour =
			per_s * 3600;
}

int pf_tracks_sampled(struct pf_tracks *tracks, const struct pf_sample *sample,
		      int64_t wall_offset_ns)
{
	struct pf_track *track = pf_tracks_find(tracks, sample->handle);
	struct pf_slice *slice;
	double startup_ns = (double)PF_STARTUP_NS / tracks->opts.time_scale;
	bool startup;
	int r, r_waits;

	if (!track)
		return -ENOENT;
	track->nr_samples++;
	now_add(&track->coming, sample);
	now_add(&track->interval, sample);
	now_add(&track->total, sample);
	r_waits = add_waits(track, sample);
	if (!sample->last) {
		set_enforced(&track->enforced, sample);
		add_trend(track, sample);
	}
	publish(track, sample->last);
	startup = sample->start_ns < track->cgroup.born_ns + (uint64_t)startup_ns;
	r = pf_slices_at(&track->slices, sample->start_ns,
			 sample->start_ns + (uint64_t)wall_offset_ns, &slice);
	if (r == 0)
		r = pf_slice_add(slice, sample, startup);
	if (r == 0)
		r = pf_feed_sample(&track->feed, sample, (int64_t)sample->end_ns + wall_offset_ns,
				   slice);
	r = r < 0 ? r : r_waits;
	tracks->losses.samples_no_memory += r == -ENOMEM;
	tracks->losses.peaks_full += r == -ENOSPC;
	return r;
}

void pf_tracks_vanished(struct pf_tracks *tracks, uint64_t handle, uint64_t now_ns,
			int64_t wall_offset_ns)
{
	struct pf_track *track = pf_tracks_find(tracks, handle);

	if (!track || track->ended_ns != PF_UNKNOWN)
		return;
	track->ended_ns = now_ns;
	track->ended_unix_ns = now_ns + (uint64_t)wall_offset_ns;
	tracks->nr_ended++;
}

static void put_names(const struct pf_track *track, struct pf_report_oom *record)
{
	record->container_id = track->identity.container_id;
	record->namespace_name = track->identity.namespace_name;
	record->pod = track->identity.pod;
	record->container = track->identity.container;
	record->workload = track->identity.workload;
	record->workload_kind = track->identity.workload_kind;
}

int pf_tracks_name_oom(const struct pf_tracks *tracks, uint64_t handle,
		       struct pf_report_oom *record)
{
	const struct pf_track *track = handle ? pf_tracks_find(tracks, handle) : NULL;

	if (!track)
		return -ENOENT;
	if (track->pending)
		return -EAGAIN;
	put_names(track, record);
	return 0;
}

void pf_tracks_oom_killed(struct pf_tracks *tracks, const struct pf_oom_kill *kill,
			  int64_t wall_offset_ns, struct pf_report_oom *ret_record)
{
	struct pf_track *track = kill->handle ? pf_tracks_find(tracks, kill->handle) : NULL;
	struct pf_report_oom *record = ret_record;
	uint64_t request;

	pf_report_oom_clear(record);
	record->kill_id = ++tracks->nr_kills;
	record->at_unix_ns = kill->at_ns + (uint64_t)wall_offset_ns;
	record->pid = kill->pid;
	record->whole_node = kill->whole_node;
	record->usage_bytes = kill->usage_bytes;
	record->limit_bytes = kill->limit_bytes;
	record->memory = kill->kinds;
	record->victim_anon_bytes = kill->victim_anon_bytes;
	record->victim_file_bytes = kill->victim_file_bytes;
	record->victim_shmem_bytes = kill->victim_shmem_bytes;
	if (!track)
		return;
	put_names(track, record);
	if (!track->slices.open)
		return; /* killed before its first sample: there is no growth to tell of */
	record->growth_bytes_per_second = track->feed.growth_bytes_per_s;
	request = track->identity.actual.memory_request_bytes;
	if (request == PF_UNKNOWN)
		request = track->identity.spec.memory_request_bytes;
	if (pf_feed_oom(&track->feed, kill, request, (int64_t)record->at_unix_ns,
			track->slices.open, &record->overshoot_bytes) < 0)
		tracks->losses.peaks_full++;
}

void pf_tracks_begin_interval(struct pf_tracks *tracks)
{
	struct pf_track *track;

	pf_tracks_for_each(tracks, cursor, track)
	{
		pf_report_now_clear(&track->interval);
		if (track->waits)
			memset(track->waits->interval, 0, sizeof(track->waits->interval));
	}
}

void pf_tracks_taken(struct pf_tracks *tracks, uint64_t at_ns)
{
	struct pf_track *track;

	pf_tracks_for_each(tracks, cursor, track)
	{
		if (track->pending)
			continue;
		if (track->ended_ns != PF_UNKNOWN && track->ended_ns <= at_ns)
			track_remove(tracks, track);
		else
			pf_slices_taken(&track->slices, at_ns);
	}
}

struct pf_track *pf_tracks_find(const struct pf_tracks *tracks, uint64_t handle)
{
	return pf_map_get_u64(tracks->by_handle, handle);
}

size_t pf_tracks_count(const struct pf_tracks *tracks)
{
	return pf_map_count(tracks->by_handle);
}

size_t pf_tracks_count_living(const struct pf_tracks *tracks)
{
	return pf_map_count(tracks->by_handle) - tracks->nr_ended;
}

struct pf_track *pf_tracks_next(const struct pf_tracks *tracks, size_t *cursor)
{
	return pf_map_next(tracks->by_handle, cursor);
}

struct pf_tracks_losses pf_tracks_get_losses(const struct pf_tracks *tracks)
{
	struct pf_tracks_losses losses = tracks->losses;
	struct pf_track *track;

	pf_tracks_for_each(tracks, cursor, track) losses.slices_untaken += track->slices.nr_lost;
	return losses;
}
