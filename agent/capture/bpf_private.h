/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bpf_private.h - the parts of the BPF source: object (load, attach), bind (slots), sample
 * (differences), stat (where memory counters are), events, growth, cost. Used by capture/bpf*.c
 * only.
 */
#ifndef PF_CAPTURE_BPF_PRIVATE_H
#define PF_CAPTURE_BPF_PRIVATE_H

#include <linux/types.h>

#include "capture/discover.h"
#include "capture/feature.h"
#include "capture/layout.h"
#include "capture/snap.h"
#include "capture/source.h"

#include "podfit_abi.h"

#include "podfit.skel.h" /* needs the types of the line above */

/* Histograms that most containers never fill: those of the throttled, of reclaim and of block I/O. */
struct pf_rare_totals {
	uint32_t quota[PF_LATENCY_BUCKETS];
	uint32_t stall[PF_LATENCY_BUCKETS];
	uint32_t reclaim[PF_LATENCY_BUCKETS];
	uint32_t block_io[PF_LATENCY_BUCKETS];
};

/* Totals of one slot since it was bound; differences of two make a sample. */
struct pf_totals {
	uint64_t contention_ns, quota_ns, throttle_end_ns;
	uint64_t nr_windows, nr_idle, nr_demand_idle;
	uint64_t reclaim_ns, block_io_ns;
	struct pf_snap_rec snap;
	uint32_t contention[PF_LATENCY_BUCKETS]; /* from here on only what has moved is looked at */
	uint16_t usage[PF_MILLICORES_BUCKETS];
	uint16_t demand[PF_MILLICORES_BUCKETS];
};

/* Growth of all histograms in one sample. */
struct pf_hist_growth {
	struct pf_rare_totals rare;
	uint32_t contention[PF_LATENCY_BUCKETS];
	uint32_t usage[PF_MILLICORES_BUCKETS];
	uint32_t demand[PF_MILLICORES_BUCKETS];
};

/* What the source keeps of a tracked cgroup. */
struct pf_bound_slot {
	bool incomplete;   /* CPU or memory is still missing */
	uint32_t nr_looks; /* for hierarchies that were not there yet */
	bool removed; /* one of its directories went: finished at the latest at the next snapshot */
	uint64_t start_ns; /* of the interval that runs */
	uint32_t want_count;
	struct pf_want_key wants[PF_NR_CONTROLLERS]; /* its keys in pf_want */
	struct pf_totals before;
	struct pf_rare_totals *rare_before; /* made when one of them moves; NULL: all 0 */
};

/* A cgroup that was gone before it could be tracked, put together from its hierarchies' events
 * until the next snapshot. */
#define PF_BRIEFS_MAX 256
struct pf_brief {
	char path[PF_PATH_MAX];
	uint64_t id, born_ns, gone_ns;
	uint64_t usage_ns, watermark_bytes, nr_oom_kills; /* PF_UNKNOWN until told */
	bool removed;
};

struct pf_capture {
	struct pf_capture_opts opts;
	struct pf_layout layout;
	struct podfit_bpf *bpf;
	struct pf_features features;
	struct pf_signal_state signals[PF_NR_SIGNALS];
	struct pf_discover *discover;
	struct pf_bound_slot **slots; /* [nr_slots], by slot */
	uint32_t nr_slots, nr_cpus;   /* possible CPUs: hypervisors announce more than there are */
	uint32_t nr_online;

	/* Mapped arrays. */
	struct pf_wait_rec *waits;     /* [nr_cpus * nr_slots] */
	struct pf_window_rec *windows; /* [nr_slots] */
	struct pf_snap_rec *snaps;     /* [nr_slots] */
	size_t mapped_bytes[3];

	struct pf_stat_finder *stat_finder;
	struct pf_cost_meter *cost;
	struct pf_growth *growth_sampler;     /* NULL: not asked for, or not possible */
	uint32_t thin_on;		      /* in force in the interval that is being sampled */
	struct pf_rare_totals *rare_now;      /* scratch of one sample */
	struct pf_hist_growth *growth;	      /* the same */
	struct pf_window recent[PF_RECENT];   /* the same */
	uint64_t scanned_ns, nr_lost_at_scan; /* of the last walk through the tree */
	struct ring_buffer *ring;
	struct pf_brief *briefs; /* [PF_BRIEFS_MAX]: cgroups that went before they were tracked */
	uint32_t nr_briefs;
	uint64_t nr_briefs_lost;
};

/* ---- bpf_object.c */

/** pf_bpf_load() - opens, sizes, loads, attaches, maps. Optional programs that fail turn their
 * signals off. */
PF_MUST_CHECK int pf_bpf_load(struct pf_capture *c, char *error, size_t error_size);
void pf_bpf_unload(struct pf_capture *c);

/** pf_bpf_run() - runs a program that has no hook, in our own time: a SEC("syscall") or SEC("raw_tp") one. Return: what it returned; -errno. */
int pf_bpf_run(const struct bpf_program *program, void *arg, uint32_t arg_size);

/** pf_bpf_map_bytes() - what the kernel holds for the maps now, by its own account; 0 where /proc is not to be had. */
uint64_t pf_bpf_map_bytes(const struct podfit_bpf *bpf);

/** pf_bpf_clear_map() - zeroes an array that can be mapped. Return: 0; -errno. */
PF_MUST_CHECK int pf_bpf_clear_map(const struct bpf_map *map);

/* ---- bpf_bind.c */

/** pf_bpf_appeared() - gives a tracked cgroup its slot's kernel objects. Return: 0; -ESTALE: it is
 * gone; -errno. */
int pf_bpf_appeared(void *capture, struct pf_tracked *tracked);
/** pf_bpf_rebind() - looks again for hierarchies that were not there yet when the cgroup appeared.
 */
void pf_bpf_rebind(struct pf_capture *c, struct pf_tracked *tracked);
/** pf_bpf_release() - forgets the slot; tracked is free afterwards. */
void pf_bpf_release(struct pf_capture *c, struct pf_tracked *tracked);

/* ---- bpf_sample.c */

/** pf_bpf_take_baseline() - what the maps hold of @slot now is what its next sample is compared with. */
void pf_bpf_take_baseline(struct pf_capture *c, uint32_t slot);
/** pf_bpf_prefetch() - begins to load what a sample of @slot, bound or not, reads: most of its cost is waiting for memory. */
void pf_bpf_prefetch(const struct pf_capture *c, uint32_t slot);
/** pf_bpf_sample() - hands the sink what grew since the last call. */
void pf_bpf_sample(struct pf_capture *c, struct pf_tracked *tracked, uint64_t end_ns, bool last);

/* ---- bpf_stat.c: which of the kernel's counters is which kind of memory */

PF_MUST_CHECK int pf_bpf_stat_new(struct pf_stat_finder **ret_finder);
void pf_bpf_stat_free(struct pf_stat_finder *finder); /* accepts NULL */
/** pf_bpf_stat_learn() - compares up to @nr_cgroups tracked cgroups with their files, and tells the
 * programs. */
void pf_bpf_stat_learn(struct pf_capture *c, uint32_t nr_cgroups);
/** pf_bpf_stat_fold() - makes the kernel fold its per-CPU counters of this cgroup, so that they are current. */
void pf_bpf_stat_fold(struct pf_capture *c, const struct pf_tracked *tracked);

/**
 * pf_bpf_file_usage_ns() - CPU time from cpu.stat, or PF_UNKNOWN: for a v2 cgroup without the cpu controller, as systemd's
 * services are on a host. It has no task group of its own, so no windows and no waits.
 */
uint64_t pf_bpf_file_usage_ns(const struct pf_capture *c, const struct pf_tracked *tracked);

/* ---- bpf_events.c */

/** pf_bpf_events_open() - the ring buffer. pf_bpf_events_fd(): readable when there is something. */
PF_MUST_CHECK int pf_bpf_events_open(struct pf_capture *c);
void pf_bpf_events_close(struct pf_capture *c);
int pf_bpf_events_fd(struct pf_capture *c);
int pf_bpf_events_dispatch(struct pf_capture *c);
/** pf_bpf_events_flush() - reports cgroups that came and went between two looks. */
void pf_bpf_events_flush(struct pf_capture *c, uint64_t now_ns);

/* ---- bpf_cost.c */

/** pf_bpf_cost_new() - begins to measure; before the rights are dropped. */
PF_MUST_CHECK int pf_bpf_cost_new(const struct pf_capture *c, struct pf_cost_meter **ret_meter);
void pf_bpf_cost_free(struct pf_cost_meter *meter); /* accepts NULL */
void pf_bpf_cost_read(struct pf_capture *c, struct pf_self_cost *cost);
/** pf_bpf_cost_budget() - decides for the next interval how much of the time the switch hook may work. */
void pf_bpf_cost_budget(struct pf_capture *c, uint64_t now_ns);
/**
 * pf_cost_thin_on() - ticks of PF_THIN_TICKS in which the hook may work, at least 1.
 * @budget_ns: CPU time allowed in an interval; @pass_ns, @hook_ns: what window passes and the unthinned hook take in it.
 */
uint32_t pf_cost_thin_on(double budget_ns, double pass_ns, double hook_ns);

/* ---- bpf_growth.c */

/** pf_bpf_growth_new() - opens the events, switched off; before the rights are dropped. */
PF_MUST_CHECK int pf_bpf_growth_new(struct pf_capture *c, struct pf_growth **ret_growth);
void pf_bpf_growth_free(struct pf_growth *growth); /* accepts NULL */
int pf_bpf_growth_watch(struct pf_capture *c, uint32_t slot, bool on);
/** pf_bpf_growth_forget() - the slot's container is gone: nothing of it may be found by the next one. */
void pf_bpf_growth_forget(struct pf_capture *c, uint32_t slot);
bool pf_bpf_growth_is_watched(const struct pf_capture *c, uint32_t slot);
/** pf_bpf_growth_read() - takes what was gathered. Return: number of stacks, at most @max; -errno. */
int pf_bpf_growth_read(struct pf_capture *c, uint32_t slot, struct pf_growth_stack *ret_stacks,
		       size_t max);

/** pf_bpf_finish() - the cgroup is gone: its last sample, then it is forgotten. bpf.c */
void pf_bpf_finish(struct pf_capture *c, struct pf_tracked *tracked);

#endif
