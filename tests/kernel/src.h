/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src.h - the capture source under test, and what it has told, added up per life of a cgroup.
 */
#ifndef PF_TESTS_KERNEL_SRC_H
#define PF_TESTS_KERNEL_SRC_H

#include "capture/source.h"
#include "core/slice.h"
#include "kernel/cg.h"

/* One life of one cgroup, as the source told it. */
struct kt_seen {
	struct pf_cgroup cgroup;
	char path[256];
	bool vanished, last_seen;
	unsigned nr_samples;
	uint64_t start_ns, end_ns; /* of the samples added up */
	struct pf_sample sum;	   /* counters added up, gauges of the newest sample */
	uint64_t peak_memory_bytes, peak_usage_millicores; /* highest of all samples */
	/* Of the windows told one by one, each as if it were 100 ms long. */
	uint64_t nr_kept_windows, kept_used_us, kept_throttled_us;
	uint32_t kept_most_running;
	bool has_hist[PF_NR_SAMPLE_HISTS];
	uint64_t hist[PF_NR_SAMPLE_HISTS][PF_HIST_BUCKETS_MAX];
	struct pf_slice *slice; /* of the same samples; NULL unless kt_src_keep_slices() */
};

struct kt_src;

/** kt_src_open() - the source of kt_settings with a table for @max_containers; ends the test if it
 * cannot be opened. Every cgroup directly below kt_cg_root() is a container, nothing else is. */
struct kt_src *kt_src_open(uint32_t max_containers);
/** kt_src_open_thinned() - the same with a CPU budget of nothing: from the second snapshot on the switch hook works in one
 * tick of sixteen. */
struct kt_src *kt_src_open_thinned(uint32_t max_containers);
/**
 * kt_src_hold() - for a whole run on an emulated CPU: two more sources without containers, and a cgroup
 * with a quota, so that the kernel's code is not patched each time a test opens and closes its own
 * (tracepoints, statistics, bandwidth). The emulator now and then trips over code that is patched while
 * another CPU runs it, and the machine dies of it. The cgroup is the caller's to remove.
 */
void kt_src_hold(struct kt_cg *ret_cg);
/** kt_src_keep_slices() - what is told from now on is also kept as the agent does. */
void kt_src_keep_slices(struct kt_src *src);
void kt_src_snapshot(struct kt_src *src);
void kt_src_close(struct kt_src *src); /* accepts NULL */
PF_DEFINE_AUTO(struct kt_src *, kt_src_close);

/** kt_src_has() - @signal is on: then what it measures has to be known. */
bool kt_src_has(const struct kt_src *src, enum pf_signal signal);
/** kt_src_need() - skips the test, with the source's reason, where @signal is off. */
void kt_src_need(struct kt_src *src, enum pf_signal signal);

/** kt_src_find() - the newest life of @cg; NULL if the source never told of one. */
const struct kt_seen *kt_src_find(const struct kt_src *src, const struct kt_cg *cg);
/** kt_src_get() - the same, ending the test if there is none or it has no sample. */
const struct kt_seen *kt_src_get(const struct kt_src *src, const struct kt_cg *cg);
/** kt_src_forget() - starts the sums of all cgroups anew, from the next sample on. */
void kt_src_forget(struct kt_src *src);

/**
 * kt_src_begin() - lets everything come to rest, takes a snapshot and starts all sums anew. With
 * the tasks asleep, counters read now and the sums begin at the same point.
 */
void kt_src_begin(struct kt_src *src);
/** kt_src_end() - lets everything come to rest and takes a snapshot: the sums are complete. */
void kt_src_end(struct kt_src *src);
/** kt_src_pump() - for @ms does what the agent's loop does between snapshots: rare events. */
void kt_src_pump(struct kt_src *src, unsigned ms);

unsigned kt_src_nr_alive(const struct kt_src *src);
unsigned kt_src_nr_lives(const struct kt_src *src);

/** kt_src_kill() - waits up to 5 s for the source to tell of an OOM kill. Return: NULL if none
 * came. */
const struct pf_oom_kill *kt_src_kill(struct kt_src *src);

/** kt_src_loss() - the count of a loss, or of all of them (@reason NULL). */
uint64_t kt_src_loss(struct kt_src *src, const char *reason);
/** kt_src_note_losses() - notes every loss that is not 0, for whoever reads a failure. */
void kt_src_note_losses(struct kt_src *src);

const struct pf_capture_ops *kt_src_ops(const struct kt_src *src);
struct pf_capture *kt_src_capture(const struct kt_src *src);

uint64_t kt_seen_count(const struct kt_seen *seen, enum pf_sample_hist which); /* of all entries */
/** kt_seen_sum() - of all entries, each taken at the middle of its bucket. */
double kt_seen_sum(const struct kt_seen *seen, enum pf_sample_hist which);
/** kt_seen_above() - entries in buckets that lie wholly above @value. */
uint64_t kt_seen_above(const struct kt_seen *seen, enum pf_sample_hist which, uint64_t value);

#endif
