/* SPDX-License-Identifier: Apache-2.0 */
/*
 * discover.h - which cgroups are tracked: found by walking the tree and by hints, told apart by the
 * classifier.
 *
 * The table is bounded: when it is full a new cgroup is not taken, and counted; nothing is thrown
 * out for it. It is looked at again in every scan, so it is taken once there is room. What is
 * nested in a tracked cgroup counts for it and is not looked at.
 */
#ifndef PF_CAPTURE_DISCOVER_H
#define PF_CAPTURE_DISCOVER_H

#include "core/types.h"

/* A tracked cgroup; its path is kept behind it. Slots are 1..max_tracked; a slot is free again after pf_discover_remove(). */
struct pf_tracked {
	struct pf_cgroup cgroup;
	uint32_t slot;
	uint64_t
		since_ns; /* it did not exist before: its creation, or the scan before the one that found it */
	bool from_start; /* found by the first scan: it lived before we did */
	uint64_t scan;	 /* the last one that saw it */
	char path[];
};

struct pf_discover_opts {
	int root_fd; /* of the primary hierarchy; borrowed */
	uint32_t max_tracked;
	pf_classify_fn classify;
	void *classify_arg;
	void *arg;
	/* A cgroup was taken. A failure drops it again and is counted. */
	int (*appeared)(void *arg, struct pf_tracked *tracked);
	/* A scan no longer finds it; the callee calls pf_discover_remove(). */
	void (*vanished)(void *arg, struct pf_tracked *tracked);
};

struct pf_discover_losses {
	uint64_t nr_table_full; /* cgroups not taken when first seen */
	uint64_t nr_failed;	/* appeared() failed, directory unreadable */
	uint64_t nr_too_deep;	/* directories beyond the depth or number that is walked */
};

struct pf_discover;

PF_MUST_CHECK int pf_discover_new(const struct pf_discover_opts *opts,
				  struct pf_discover **ret_discover);
void pf_discover_free(struct pf_discover *discover); /* accepts NULL */
PF_DEFINE_AUTO(struct pf_discover *, pf_discover_free);

/** pf_discover_scan() - walks the whole tree. Return: number tracked; -errno if the root cannot be
 * read. */
int pf_discover_scan(struct pf_discover *discover, uint64_t now_ns);

/**
 * pf_discover_hint() - a directory was created at @path (below the root, with a leading slash).
 * Return: 1 if it is tracked now; 0 if it is not ours; -errno.
 */
int pf_discover_hint(struct pf_discover *discover, const char *path, uint64_t now_ns);

/**
 * pf_discover_classify() - what a path is, with all its parents taken into account.
 * Return: true if it is one to be tracked.
 */
bool pf_discover_classify(struct pf_discover *discover, const char *path,
			  struct pf_cgroup_class *ret_class);

struct pf_tracked *pf_discover_by_slot(struct pf_discover *discover, uint32_t slot);
struct pf_tracked *pf_discover_by_path(struct pf_discover *discover, const char *path);
void pf_discover_remove(struct pf_discover *discover, struct pf_tracked *tracked);

/** pf_discover_new_handle() - a handle for a cgroup that is reported but was never tracked. */
uint64_t pf_discover_new_handle(struct pf_discover *discover);

/** pf_discover_is_full() - some cgroups are waiting for room, to be taken by a scan. */
bool pf_discover_is_full(const struct pf_discover *discover);

uint32_t pf_discover_highest_slot(const struct pf_discover *discover);
const struct pf_discover_losses *pf_discover_losses(const struct pf_discover *discover);

#endif
