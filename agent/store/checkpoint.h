/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checkpoint.h - what survives a restart of the agent: histories of workloads, leak states, and
 * where each container is in its VPA memory interval. One file, replaced whole: after a crash there
 * is the old or the new one. A damaged one is set aside beside it and reported.
 */
#ifndef PF_STORE_CHECKPOINT_H
#define PF_STORE_CHECKPOINT_H

#include <stdint.h>

#include "core/history.h"
#include "core/leak_book.h"
#include "core/track.h"
#include "sys/sys.h"

#define PF_CHECKPOINT_FILE    "checkpoint.pb"
#define PF_CHECKPOINT_DAMAGED "checkpoint.damaged.pb"

/* What is saved, and filled when it is loaded. All borrowed. */
struct pf_checkpoint_parts {
	struct pf_histories *histories;
	struct pf_leak_book *leaks;
	struct pf_tracks *tracks; /* saving only: open hours and feeds */
	uint64_t now_ns;	  /* CLOCK_MONOTONIC */
	int64_t now_unix_ns;
};

/* Feeds of instances that have not been seen again yet. */
struct pf_checkpoint_feeds;
void pf_checkpoint_feeds_free(struct pf_checkpoint_feeds *feeds); /* accepts NULL */

/** pf_checkpoint_save() - Return: 0; -errno of writing, then the old file is as it was; -ENOMEM. */
PF_MUST_CHECK int pf_checkpoint_save(const struct pf_sys *sys, const char *directory,
				     const struct pf_checkpoint_parts *parts);

/**
 * pf_checkpoint_load() - fills the parts.
 * @ret_feeds: for pf_checkpoint_feed(); NULL if there are none.
 * @error: what was damaged or could not be read.
 * Return: number of histories; -ENOENT: there is none yet; -EBADMSG: damaged, set aside, nothing was
 * taken; -errno; -ENOMEM.
 */
PF_MUST_CHECK int pf_checkpoint_load(const struct pf_sys *sys, const char *directory,
				     const struct pf_checkpoint_parts *parts,
				     struct pf_checkpoint_feeds **ret_feeds, char *error,
				     size_t error_size);

/** pf_checkpoint_feed() - the instance is here again: its feed goes on where it was. */
void pf_checkpoint_feed(const struct pf_checkpoint_feeds *feeds, struct pf_track *track);

#endif
