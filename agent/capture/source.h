/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source.h - a place samples come from: BPF programs, cgroup files, or recorded samples.
 *
 * Called from the agent's loop only; struct pf_capture belongs to the implementation. open() finds
 * and attaches what it can; what it cannot becomes a signal that is off, with a reason. After
 * open() the agent drops its rights; everything later works without them.
 */
#ifndef PF_CAPTURE_SOURCE_H
#define PF_CAPTURE_SOURCE_H

#include "core/growth.h"
#include "core/types.h"

struct pf_capture;

/* How a source tells what it found. All pointers are borrowed until the callback returns. */
struct pf_capture_sink {
	void *arg;
	void (*appeared)(void *arg, const struct pf_cgroup *cgroup);
	void (*sampled)(void *arg, const struct pf_sample *sample);
	void (*vanished)(void *arg, uint64_t handle); /* after the sample marked last */
	void (*oom_killed)(void *arg, const struct pf_oom_kill *kill);
};

struct pf_capture_opts {
	const char *cgroup_root; /* "/sys/fs/cgroup"; the layout below it (v1, hybrid, v2) is found
				    out */
	const char *proc_root;	 /* "/proc" */
	const char *replay_path; /* source replay */
	uint32_t max_containers;
	uint64_t interval_ns;	 /* of snapshots */
	bool growth_stacks;	 /* prepare page-fault sampling for suspects */
	bool fresh_memory;	 /* read memory.stat of growth-sampled containers: fast-forward
				    (--time.scale) */
	double cpu_budget_ratio; /* of one CPU for all BPF programs; above it events are thinned. 0:
				    no budget */
	pf_classify_fn classify;
	void *classify_arg;
	struct pf_capture_sink sink;
};

struct pf_capture_ops {
	const char *name; /* as in --capture.source */

	/* On failure @error says in words what is missing and what would help. Return: 0;
	 * -EOPNOTSUPP, -EPERM, -ENOENT, ... */
	int (*open)(const struct pf_capture_opts *opts, struct pf_capture **ret_capture,
		    char *error, size_t error_size);

	/* A descriptor that is readable when dispatch() has work (rare events), or -1. */
	int (*fd)(struct pf_capture *capture);
	int (*dispatch)(struct pf_capture *capture);

	/* Looks for new and gone cgroups, then calls sink.sampled for every tracked one. @now_ns:
	 * CLOCK_MONOTONIC. */
	int (*snapshot)(struct pf_capture *capture, uint64_t now_ns);

	const struct pf_signal_state *(*signals)(
		struct pf_capture *capture); /* PF_NR_SIGNALS of them */
	size_t (*losses)(struct pf_capture *capture, struct pf_loss *ret_losses, size_t max_losses);
	/* Fills the bpf_* and map_* fields, and thinning where run-queue events are counted. */
	void (*cost)(struct pf_capture *capture, struct pf_self_cost *cost);
	/* Of the cgroup hierarchies: "v1", "hybrid", "v2"; "" where samples come without. */
	const char *(*layout)(struct pf_capture *capture);

	/* Page-fault sampling for one container; optional (NULL where there is none). growth_read()
	 * gives what was gathered since the last call, largest first, at most @max. */
	int (*growth_watch)(struct pf_capture *capture, uint64_t handle, bool on);
	int (*growth_read)(struct pf_capture *capture, uint64_t handle,
			   struct pf_growth_stack *ret_stacks, size_t max);

	void (*close)(struct pf_capture *capture); /* accepts NULL */
};

/** pf_capture_find() - the source of that name, or NULL. */
const struct pf_capture_ops *pf_capture_find(const char *name);

#endif
