/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leak.h - is this container leaking? A streaming detector with a fixed amount of memory.
 *
 * Memory is cut into bins of six widths, 30 s to 4 h; the smallest value of a bin is its floor,
 * which a collector's troughs and short bursts do not move. A leak is a floor that rises in many
 * steps, as straight as an unbounded process rises, into territory not seen for eight days, by a
 * material part of the room that is left. Three tests look for it: windows of 24 to 36 bins of each
 * width, the same hours of following days, and record floors close to the limit.
 *
 * The state is a plain value: copy it, save it, restore it. Nothing is allocated, nothing fails.
 * One sample costs a few comparisons; a test runs at every third completed bin.
 *
 * Time is the caller's: nanoseconds of a clock that keeps its origin for as long as the state lives
 * (the wall clock at start, advanced by the monotonic clock). A sample older than the newest one
 * still counts in the bins that are open and is counted; gaps leave bins empty. With time_scale s
 * all durations of the algorithm are s times shorter; inputs and results stay in real time.
 */
#ifndef PF_CORE_LEAK_H
#define PF_CORE_LEAK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/advice.h"
#include "core/leak_baseline.h"
#include "core/types.h"

enum {
	PF_LEAK_NR_LEVELS = 6,	  /* bins of 30 s, 1 min, 5 min, 20 min, 1 h, 4 h */
	PF_LEAK_WINDOW_BINS = 36, /* most bins one window test looks at */
	PF_LEAK_HOUR_BINS = 192,  /* eight days */
	PF_LEAK_4H_BINS = 48,	  /* eight days */
	PF_LEAK_NR_BINS = 4 * PF_LEAK_WINDOW_BINS + PF_LEAK_HOUR_BINS + PF_LEAK_4H_BINS,
	PF_LEAK_RECORD_LEVELS = 4, /* their rings are shorter than what must be remembered */
	PF_LEAK_RECORD_HOURS = 24,
	PF_LEAK_RECORD_DAYS = 8,
	PF_LEAK_BLOCKS = 12, /* of three bins: memory by kind */
	PF_LEAK_NR_KINDS = PF_NR_KINDS - 1,
	PF_LEAK_PAGE_BYTES = 4096, /* unit of memory in the state */
};

/* One bin of one width. Its place in time is origin + index * width. */
struct pf_leak_bin {
	uint32_t index;
	uint32_t min_pages, max_pages;
	float cpu_cores; /* mean; below 0: not known */
};

/* Memory by kind: smallest values of three bins. The newest block may still be open. */
struct pf_leak_block {
	uint32_t index;			  /* bin index / 3 */
	uint32_t pages[PF_LEAK_NR_KINDS]; /* by enum pf_memory_kind, less one */
};

/* The bin being filled, and where the completed ones of this width are. */
struct pf_leak_level {
	uint32_t index, min_pages, max_pages;
	uint32_t nr_samples;	 /* 0: no bin is open */
	uint32_t nr_cpu_samples; /* of them with known CPU use */
	uint32_t nr_closed;	 /* bins completed: every third one is followed by a test */
	double cpu_sum;
	uint16_t head, nr_bins;		/* ring of bins: place of the oldest, and how many */
	uint16_t block_head, nr_blocks; /* ring of blocks */
};

/* What bins that left the short rings had shown, for one hour or one day. */
struct pf_leak_record {
	uint32_t index; /* hour or day since the origin, plus 1; 0: empty */
	uint32_t max_floor_pages[PF_LEAK_RECORD_LEVELS];
	float cpu_sum; /* over all levels */
	uint32_t nr_cpu;
};

/* The line through the memory of a suspect, as of the last test that passed. */
struct pf_leak_fit {
	uint64_t at_ns, span_ns;
	double slope, slope_low, slope_high; /* bytes a second of real time, 90 % interval */
	double floor_bytes, rise_bytes;	     /* at the end; over the span */
	double peak_bytes;		     /* highest value near the end */
	double reach_bytes; /* what runs into the limit: peaks that rise, or the floor */
	double score;
	char test
		[4]; /* "L0" to "L5" window of that level, "D2" to "D6" days, "N3" "N4" near the limit */
};

/* Everything known of one container, across its restarts. Zeroed is a valid start. */
struct pf_leak_state {
	/* this life */
	uint64_t origin_ns;   /* time of index 0 in every ring */
	uint64_t start_ns;    /* first sample; 0: none yet */
	uint64_t last_ns;     /* newest sample */
	uint32_t first_pages; /* smallest value of the first 15 minutes */
	uint32_t first_kind_pages[PF_LEAK_NR_KINDS];
	bool kinds_known;
	struct pf_leak_level level[PF_LEAK_NR_LEVELS];
	struct pf_leak_bin bin[PF_LEAK_NR_BINS];
	struct pf_leak_block block[PF_LEAK_NR_LEVELS][PF_LEAK_BLOCKS];
	struct pf_leak_record hour[PF_LEAK_RECORD_HOURS];
	struct pf_leak_record day[PF_LEAK_RECORD_DAYS];
	struct pf_leak_baseline baseline;
	struct pf_leak_baseline_alarm baseline_alarm; /* while baseline.alarmed */

	/* all lives */
	uint8_t phase;	/* enum pf_leak_level_of */
	uint8_t kind;	/* enum pf_memory_kind that grows */
	bool inherited; /* the alarm is an earlier life's and not yet seen again in this one */
	float kind_share;
	struct pf_leak_fit fit;	 /* unless phase is PF_LEAK_NONE */
	uint64_t unseen_ns;	 /* without samples since the fit: a node asleep renews nothing */
	uint64_t since_ns;	 /* where the line begins */
	uint64_t first_alarm_ns; /* of this leak */
	uint64_t detect_age_ns;	 /* how old the life was at the alarm */
	uint32_t before_pages;	 /* highest use before the line begins */
	uint32_t top_pages;	 /* highest use since the alarm */
	uint32_t
		released_pages; /* memory was once given back from this height, or stopped growing there */
	uint64_t released_ns;
	uint64_t limit_bytes; /* of the newest sample */
	uint32_t nr_restarts, nr_ooms;
	uint64_t nr_late; /* samples older than the one before */
};

struct pf_leak_options {
	uint64_t interval_ns; /* usual distance of samples, real time */
	double time_scale;    /* 1, or how much faster analysis time runs */
	struct pf_leak_baseline_rule baseline;
};

struct pf_leak_sample {
	uint64_t at_ns;
	uint64_t hot_bytes;   /* what cannot be dropped: pf_memory_hot_bytes() */
	uint64_t limit_bytes; /* effective limit: smallest of container, pod, node; PF_NO_LIMIT */
	double cpu_cores;     /* mean since the sample before; below 0: not known */
	const struct pf_memory_kinds *kinds; /* NULL: not known */
};

enum pf_leak_event {
	PF_LEAK_NOTHING,
	PF_LEAK_SUSPICION_BEGINS,
	PF_LEAK_SUSPICION_ENDS,
	PF_LEAK_ALARM_BEGINS,
	PF_LEAK_ALARM_ENDS,
};

/** pf_leak_options_init() - sampled each @interval_ns, the owner's baseline rule. */
void pf_leak_options_init(uint64_t interval_ns, double time_scale,
			  struct pf_leak_options *ret_options);

/**
 * pf_leak_restart() - the container's instance ended, the next sample is of a new one.
 * @oom: it was killed for memory.
 *
 * An alarm lives on: a leak that always ends in a restart is one leak. It ends when the new life has
 * been without a sign of it for twice as long as it took to find it before.
 */
void pf_leak_restart(struct pf_leak_state *state, bool oom);

/**
 * pf_leak_succeed() - @state, that of a life which already began, is found to follow @before: as if
 * pf_leak_restart(before, oom) had been called at its start.
 */
void pf_leak_succeed(struct pf_leak_state *state, const struct pf_leak_state *before, bool oom);

/** pf_leak_push() - takes one sample. A sample of unknown hot memory (PF_UNKNOWN) is passed over. */
enum pf_leak_event pf_leak_push(struct pf_leak_state *state, const struct pf_leak_options *options,
				const struct pf_leak_sample *sample);

/**
 * pf_leak_rebase() - moves a restored state in time if its newest sample lies after @now_ns: the
 * clock was set back between two runs. Where that would be before 1970 it begins anew.
 */
void pf_leak_rebase(struct pf_leak_state *state, uint64_t now_ns);

/**
 * pf_leak_describe() - the finding as it is reported: state, line, exhaustion of the limit as of the
 * newest sample, kind, severity. Processes, stacks and the limit's owner are the caller's to add.
 * Times are the samples' clock.
 *
 * Severity: critical below 6 h to exhaustion, warning below 7 days, else notice; a suspect is a
 * notice.
 */
void pf_leak_describe(const struct pf_leak_state *state, const struct pf_leak_options *options,
		      struct pf_leak_finding *ret_finding);

#endif
