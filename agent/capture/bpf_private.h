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
#include "capture/source.h"

#include "podfit_abi.h"

#include "podfit.skel.h" /* needs the types of the line above */

/* Totals of one slot since it was bound; differences of two make a sample. */
struct pf_totals {
	uint64_t contention_ns, quota_ns;
	uint64_t nr_windows, nr_idle, nr_demand_idle;
	uint64_t reclaim_ns, block_io_ns;
	uint32_t contention[PF_LATENCY_BUCKETS];
	uint32_t quota[PF_LATENCY_BUCKETS];
	uint32_t stall[PF_LATENCY_BUCKETS];
	uint32_t reclaim[PF_LATENCY_BUCKETS];
	uint32_t block_io[PF_LATENCY_BUCKETS];
	uint32_t usage[PF_MILLICORES_BUCKETS];
	uint32_t demand[PF_MILLICORES_BUCKETS];
	struct pf_snap_rec snap;
};

/* What the source keeps of a tracked cgroup. */
struct pf_bound_slot {
	bool bound;
	bool removed; /* one of its directories went: finished at the latest at the next snapshot */
	uint64_t start_ns; /* of the interval that runs */
	uint32_t want_count;
	struct pf_want_key wants[PF_NR_CONTROLLERS]; /* its keys in pf_want */
	struct pf_totals before;
};

struct pf_capture {
	struct pf_capture_opts opts;
	struct pf_layout layout;
	struct podfit_bpf *bpf;
	struct pf_features features;
	struct pf_signal_state signals[PF_NR_SIGNALS];
	struct pf_discover *discover;
	struct pf_bound_slot **slots; /* [nr_slots], by slot */
	uint32_t nr_slots, nr_cpus;
	uint64_t map_bytes;

	/* Mapped arrays. */
	struct pf_wait_rec *waits;     /* [nr_cpus * nr_slots] */
	struct pf_window_rec *windows; /* [nr_slots] */
	struct pf_snap_rec *snaps;     /* [nr_slots] */
	struct pf_stall_rec *stalls;   /* [nr_slots] */
	uint64_t *css_slots;	       /* [PF_CSS_IDS] */
	size_t mapped_bytes[5];

	struct pf_totals *now, *growth; /* scratch of one sample */
	uint64_t snapshot_at_ns;
};

/* ---- bpf_object.c */

/** pf_bpf_load() - opens, sizes, loads, attaches, maps. Optional programs that fail turn their
 * signals off. */
PF_MUST_CHECK int pf_bpf_load(struct pf_capture *c, char *error, size_t error_size);
void pf_bpf_unload(struct pf_capture *c);

/** pf_bpf_run() - runs a SEC("syscall") program. Return: what it returned; -errno. */
int pf_bpf_run(const struct bpf_program *program, void *arg, uint32_t arg_size);

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

/** pf_bpf_read_totals() - what the maps hold of @slot now. */
void pf_bpf_read_totals(struct pf_capture *c, uint32_t slot, struct pf_totals *ret_totals);
/** pf_bpf_sample() - hands the sink what grew since the last call. */
void pf_bpf_sample(struct pf_capture *c, struct pf_tracked *tracked, uint64_t end_ns, bool last);

#endif
