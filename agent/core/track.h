/* SPDX-License-Identifier: Apache-2.0 */
/*
 * track.h - the containers of this node: one record for each life of each tracked cgroup, from its
 * appearance until its last evidence was taken.
 *
 * Fed by a capture source's callbacks, read by whoever builds reports. Pure: times are handed in.
 * Full: a new cgroup is not taken and counted; of those that ended the oldest goes first.
 */
#ifndef PF_CORE_TRACK_H
#define PF_CORE_TRACK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "core/feed.h"
#include "core/history.h"
#include "core/report.h"
#include "core/runtime.h"
#include "core/series.h"
#include "core/slice.h"
#include "core/types.h"

enum {
	/* Container id; or "CGROUP-PATH@INODE", the path's end if it is long. */
	PF_INSTANCE_MAX = 192,
	PF_EXECUTABLE_MAX = 64, /* last part of the path */
};

/* 2 min: what a container does before is start-up and kept apart in its slices. */
#define PF_STARTUP_NS (120 * PF_NS_PER_S)

/* 2 s: in fast-forward a single sample is too short to look at. */
#define PF_LATEST_NS (2 * PF_NS_PER_S)

/* Run-queue latency, quota and contention wait together, over the same times as the four below. */
struct pf_track_waits {
	uint32_t coming[PF_LATENCY_BUCKETS], interval[PF_LATENCY_BUCKETS];
	uint32_t total[PF_LATENCY_BUCKETS];
};

struct pf_track {
	struct pf_cgroup cgroup;     /* its path is the track's own */
	struct pf_identity identity; /* from the path at first; overwritten when names are known */
	char instance[PF_INSTANCE_MAX];
	uint64_t first_seen_ns, first_seen_unix_ns;
	uint64_t ended_ns, ended_unix_ns; /* PF_UNKNOWN while it lives */
	uint64_t nr_samples;
	struct pf_history *history; /* NULL: who it is, is not settled */
	/* Of its first process, when it was looked at. */
	enum pf_runtime_kind runtime;
	char executable[PF_EXECUTABLE_MAX];
	char *command_line;   /* arguments separated by blanks; NULL: not known, or no runtime */
	uint64_t examined_ns; /* CLOCK_MONOTONIC; 0: not yet */
	bool pending; /* not reported yet, its names are waited for: nothing of it is taken */

	struct pf_slices slices;
	struct pf_enforced enforced;   /* note is NULL */
	struct pf_report_now latest;   /* of the newest samples that cover PF_LATEST_NS */
	struct pf_report_now coming;   /* becomes latest when it is long enough */
	struct pf_report_now interval; /* since pf_tracks_begin_interval() */
	struct pf_report_now total;    /* since it was first seen */
	struct pf_track_waits *waits;  /* NULL: there were none */
	bool waits_known;	       /* they are measured */
	struct pf_series hot;	       /* hot_bytes */
	struct pf_feed feed;	       /* minutes and peaks into the slices */
};

struct pf_tracks_opts {
	uint32_t max_tracks; /* living and ended together */
	uint64_t run_id;
	double time_scale;		   /* 1; durations of the analysis are that much shorter */
	const struct pf_vpa_settings *vpa; /* copied */
	/* Optional: called before a track goes, with all it has. */
	void *arg;
	void (*dropped)(void *arg, struct pf_track *track);
};

struct pf_tracks;

/** pf_tracks_new() - Return: 0; -ENOMEM. */
PF_MUST_CHECK int pf_tracks_new(const struct pf_tracks_opts *opts, struct pf_tracks **ret_tracks);
void pf_tracks_free(struct pf_tracks *tracks);
PF_DEFINE_AUTO(struct pf_tracks *, pf_tracks_free);

/**
 * pf_tracks_appeared() - a cgroup has come into sight.
 * @wall_offset_ns: wall clock less CLOCK_MONOTONIC, now.
 * Return: 0; -ENOSPC: the table is full (counted); -ENOMEM; -EEXIST.
 */
PF_MUST_CHECK int pf_tracks_appeared(struct pf_tracks *tracks, const struct pf_cgroup *cgroup,
				     uint64_t now_ns, int64_t wall_offset_ns,
				     struct pf_track **ret_track);

/** pf_tracks_sampled() - a sample of one of them. Return: 0; -ENOENT: not tracked; -ENOMEM: the
 * sample's evidence is lost; -ENOSPC: a VPA memory peak of it is; both are counted. The result may be ignored. */
int pf_tracks_sampled(struct pf_tracks *tracks, const struct pf_sample *sample,
		      int64_t wall_offset_ns);

/** pf_tracks_vanished() - its last sample has been given. Unknown handles are ignored. */
void pf_tracks_vanished(struct pf_tracks *tracks, uint64_t handle, uint64_t now_ns,
			int64_t wall_offset_ns);

/**
 * pf_tracks_oom_killed() - notes a kill in its container's slice and fills the report's record.
 * @ret_record: strings point into the track and live as long as it.
 */
void pf_tracks_oom_killed(struct pf_tracks *tracks, const struct pf_oom_kill *kill,
			  int64_t wall_offset_ns, struct pf_report_oom *ret_record);

/**
 * pf_tracks_name_oom() - the names of a kill's container as they are known now, which may be more than at
 * the kill. Strings as above.
 * Return: 0; -EAGAIN: they are waited for; -ENOENT: it is not tracked any more, @record is as it was.
 */
PF_MUST_CHECK int pf_tracks_name_oom(const struct pf_tracks *tracks, uint64_t handle,
				     struct pf_report_oom *record);

/** pf_tracks_begin_interval() - the report is built: what comes counts for the next one. */
void pf_tracks_begin_interval(struct pf_tracks *tracks);

/**
 * pf_tracks_taken() - all that was ended or closed at @at_ns is durable elsewhere: closed slices
 * and ended tracks up to then are dropped, but for pending ones.
 */
void pf_tracks_taken(struct pf_tracks *tracks, uint64_t at_ns);

struct pf_track *pf_tracks_find(const struct pf_tracks *tracks, uint64_t handle);
size_t pf_tracks_count(const struct pf_tracks *tracks); /* ended ones included */
size_t pf_tracks_count_living(const struct pf_tracks *tracks);

/** pf_tracks_next() - walks: start with *cursor = 0; NULL at the end. */
struct pf_track *pf_tracks_next(const struct pf_tracks *tracks, size_t *cursor);

#define pf_tracks_for_each(tracks, cursor, track)                                                  \
	for (size_t cursor = 0; ((track) = pf_tracks_next((tracks), &cursor)) != NULL;)

/* What was lost here since the start. */
struct pf_tracks_losses {
	uint64_t tracks_full;	/* cgroups that were not taken */
	uint64_t ended_untaken; /* ended ones that had to go before they were taken */
	uint64_t slices_untaken;
	uint64_t samples_no_memory;
	uint64_t peaks_full; /* VPA memory peaks beyond what a slice holds */
};
struct pf_tracks_losses pf_tracks_get_losses(const struct pf_tracks *tracks);

#endif
