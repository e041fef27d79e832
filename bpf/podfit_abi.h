/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * podfit_abi.h - what the BPF programs and agent/capture share: settings, records, events, losses.
 *
 * Fixed-width types, explicit padding. Enum values are numbered by hand and only appended to.
 * Times are ns; "rq clock" is the scheduler's per-CPU clock, everything else CLOCK_MONOTONIC.
 */
#ifndef PODFIT_ABI_H
#define PODFIT_ABI_H

#define PF_ABI_LATENCY_BUCKETS	  116 /* core/hist.h: PF_LATENCY_BUCKETS */
#define PF_ABI_MILLICORES_BUCKETS 272 /* core/hist.h: PF_MILLICORES_BUCKETS */

/* Groups that are looked up without a walk, by css.id modulo this: ids are small and dense, so few share an entry. */
#define PF_CSS_ENTRIES	   8192
#define PF_BLK_CSS_ENTRIES 4096
#define PF_THREADS	   32768 /* threads remembered, by pid modulo this; see struct pf_thread */
#define PF_WALK_MAX	   14 /* levels of nested cgroups looked at between a task and its container */
#define PF_INTERVALS	   8	/* throttle intervals remembered per (CPU, slot); a power of two */
#define PF_PATH_MAX	   512	/* of a cgroup path in an event */
#define PF_LATENCY_TABLE   1024 /* waits below 64 us are looked up directly */
#define PF_THIN_TICKS	   16	/* ticks of the timer in one cycle of thinning */
#define PF_STACK_DEPTH	   32
#define PF_GROWTH_COUNTS                                                                           \
	8192 /* (process, stack) pairs of all watched containers between two reads */
#define PF_GROWTH_STACKS 4096
#define PF_MAX_CPUS	 1024
#define PF_WINDOW_NS	 100000000ull /* 100 ms: a CFS period */
#define PF_RECENT	 128 /* windows kept one by one; a power of two, more than 10 s hold */

/* Why something was not counted; pf_drops[reason], since the load. */
enum pf_drop {
	PF_DROP_RECORD = 0,	   /* no memory for a container's throttle or stall record */
	PF_DROP_NO_QUEUE_TIME = 1, /* switch-in of a tracked task without last_queued */
	PF_DROP_ABSURD_WAIT =
		2, /* migrated wait longer than the time since the task last ran: left out */
	PF_DROP_QUOTA_HISTORY =
		3, /* a wait older than the remembered throttle intervals: rest is contention */
	PF_DROP_DEEP_NESTING = 4, /* no container found within PF_WALK_MAX levels */
	PF_DROP_LATE_WINDOW =
		5, /* a window longer than 1.5 times its nominal length (still counted) */
	PF_DROP_STALE_SLOT = 6, /* a slot's cgroup was gone without a removal event */
	PF_DROP_READ = 7,	/* a kernel read failed */
	PF_DROP_EVENT = 8,	/* ring buffer full: an event was lost */
	PF_DROP_TIMER = 9,	/* a timer call failed */
	PF_DROP_RECLAIM = 10,	/* a reclaim's start was not remembered or not found */
	PF_DROP_STACK = 11,	/* a growth stack could not be stored */
	PF_DROP_GROWTH = 12,	/* a growth count could not be stored: table full */
	PF_DROP_PATH = 13,	/* a cgroup path was longer than PF_PATH_MAX */
	PF_NR_DROPS = 16,
};

/* Set before the load, constant afterwards. */
struct pf_settings {
	__u32 nr_slots; /* size of the per-slot maps; slot 0 means "not ours" and is never used */
	__u32 nr_cpus;	/* possible CPUs */
	__u32 rdonly_cast;   /* kernel has bpf_rdonly_cast(), v6.2 */
	__u32 percpu_cfs_rq; /* task_group.cfs_rq is per-CPU memory, v7.2 */
	__u32 growth_period; /* minor faults per growth sample, at first */
	__u32 page_shift;
};

/* Written by user space while running; see pf_control in slots.bpf.c. */
struct pf_control {
	__u64 epoch_bits; /* a 12-bit number << 52, as in pf_css_slots; raised after pf_want changes */
	__u32 nr_phases; /* the window pass is split into this many; at least 1 */
	__u32 nr_used;	 /* slots 1..nr_used may be in use */
	__u32 thin_on;	 /* of PF_THIN_TICKS ticks, how many the switch hook works in */
	/* Written by the timer. */
	__u32 paused; /* the switch hook is to do nothing */
	__u64 round_bits; /* counts the pauses, a number << 56: what was remembered before one is void */
	/* Index into mem_cgroup_vmstats.state[] by enum pf_memstat; PF_STAT_ABSENT: unknown */
	__u32 stat_index[24];
	/* Hierarchies as bits of their numbers. */
	__u64 primary_hierarchy;   /* its new cgroups are told */
	__u64 watched_hierarchies; /* the new cgroups of these too, while nr_incomplete is not 0 */
	__u64 usage_hierarchies;   /* untracked cgroups that go are told: with CPU or memory */
	__u64 nr_incomplete;	   /* tracked cgroups that a hierarchy is still missing of */
};
#define PF_STAT_ABSENT 0xffffffffu

enum pf_memstat {
	PF_MEMSTAT_ANON = 0,
	PF_MEMSTAT_FILE = 1,
	PF_MEMSTAT_SHMEM = 2,
	PF_MEMSTAT_INACTIVE_FILE = 3,
	PF_MEMSTAT_ACTIVE_FILE = 4,
	PF_MEMSTAT_UNEVICTABLE = 5,
	PF_MEMSTAT_SLAB_RECLAIMABLE = 6,
	PF_MEMSTAT_SLAB_UNRECLAIMABLE = 7,
	PF_MEMSTAT_KERNEL_STACK = 8,
	PF_MEMSTAT_PAGETABLES = 9,
	PF_MEMSTAT_PERCPU = 10,
	PF_MEMSTAT_SOCK = 11,
	PF_NR_MEMSTATS = 12,
};

/* Key of pf_want: kernfs ids are unique within one hierarchy only. */
struct pf_want_key {
	__u64 cgroup_id;
	__u32 hierarchy; /* 0: cgroup v2 */
	__u32 pad;	 /* zero */
};

/*
 * What the switch hook remembers of a thread; pf_threads[pid % PF_THREADS]. Each word tells by itself
 * whether it is of the thread that is looked up, so two threads that share an entry cannot mix theirs.
 */
struct pf_thread {
	__u64 group; /* pf_group_of() its task group and the epoch, then depth (4 bits) and slot (15 bits) */
	__u64 delay; /* run_delay at its last switch-in, under bits of the pid and the round; 0: none yet */
};
#define PF_GROUP_BITS 19
#define PF_SLOT_BITS  15

/* Waits of one slot on one CPU; pf_waits[cpu * nr_slots + slot]. One writer: that CPU. */
struct pf_wait_rec {
	__u64 contention_ns;
	__u64 quota_ns;
	__u64 throttle_clock_plus_1; /* last value of the queue's throttle clock; 0: none yet */
	__u64 last_throttle_end_ns;
	__u64 round_bits; /* in which the clock above was last seen to move */
	__u32 contention[PF_ABI_LATENCY_BUCKETS]; /* every wait's contention part */
	__u64 fill;				  /* whole cache lines */
};

struct pf_interval {
	__u64 start_ns, end_ns; /* rq clock */
};

/*
 * What a quota does to one slot on one CPU; pf_throttles[slot, cpu]. Made at the first throttling, since most containers
 * have none on most CPUs. One writer: that CPU.
 */
struct pf_throttle_key {
	__u32 slot, cpu;
};

struct pf_throttle_rec {
	__u32 nr_intervals; /* ever; the newest is intervals[(nr_intervals - 1) % PF_INTERVALS] */
	__u32 pad;	    /* zero */
	struct pf_interval intervals[PF_INTERVALS];
	__u32 quota[PF_ABI_LATENCY_BUCKETS]; /* quota parts of waits that are not 0 */
	__u32 stall[PF_ABI_LATENCY_BUCKETS]; /* lengths of throttle intervals */
};

/*
 * 100 ms windows of one slot; pf_windows[slot]. One writer: the timer (or the removal hook); but the stalls, which are
 * added to atomically. The counts of windows are 16 bits wide: ten a second wrap after 1.8 hours, and are read before.
 */
struct pf_window_rec {
	__u64 last_ns;	/* end of the last window; 0: none yet */
	__u64 usage_ns; /* of the task group since its creation */
	__u64 nr_windows;
	__u64 nr_idle;		       /* windows with zero use */
	__u64 nr_demand_idle;	       /* windows with zero use and no throttled time */
	__u64 reclaim_ns, block_io_ns; /* sums of what pf_stalls[slot] holds */
	__u64 pad;		       /* zero */
	__u16 usage[PF_ABI_MILLICORES_BUCKETS];
	__u16 demand[PF_ABI_MILLICORES_BUCKETS];
	/*
	 * The newest windows: number n is recent[n % PF_RECENT], written if it had use or throttled time.
	 * One word each: n (24 bits), CPUs with a runnable task at its end (8), throttled time, use (16
	 * each, pf_cpu_code()).
	 */
	__u64 recent[PF_RECENT];
};
#define PF_RECENT_NUMBER(word)	  ((word) >> 40)
#define PF_RECENT_RUNNING(word)	  ((word) >> 32 & 0xff)
#define PF_RECENT_THROTTLED(word) ((word) >> 16 & 0xffff)
#define PF_RECENT_USED(word)	  ((word)&0xffff)

/* Rare stalls of one slot, from any CPU: atomic adds; pf_stalls[slot], made at the first one. */
struct pf_stall_rec {
	__u32 reclaim[PF_ABI_LATENCY_BUCKETS];
	__u32 block_io[PF_ABI_LATENCY_BUCKETS];
};

/* Parts of a slot that are bound to a kernel object. */
enum pf_bound {
	PF_BOUND_CPU = 1,
	PF_BOUND_MEMORY = 2,
	PF_BOUND_PSI = 4,
	PF_BOUND_PIDS = 8,
	PF_BOUND_CPU_GONE = 16,	   /* removed: the CPU numbers are the last ones */
	PF_BOUND_MEMORY_GONE = 32, /* the same for memory */
};

#define PF_ABI_NO_LIMIT 0xfffffffffffffffeull /* core/units.h: PF_NO_LIMIT */
#define PF_ABI_UNKNOWN	0xffffffffffffffffull

/* What a snapshot reads of one slot; pf_snaps[slot]. Unknown numbers are PF_ABI_UNKNOWN. */
struct pf_snap_rec {
	__u64 at_ns;
	__u32 bound; /* enum pf_bound */
	__u32 pad;   /* zero */
	/* CPU */
	__u64 usage_ns, nr_periods, nr_throttled, throttled_ns;
	__u64 quota_ns, period_ns, burst_ns, shares;
	__u64 usage_peak_millicores, demand_peak_millicores; /* of the interval that ends here */
	/* memory */
	__u64 memory_usage_bytes, memory_peak_bytes, memory_watermark_bytes;
	__u64 memory_max_bytes, memory_high_bytes, swap_usage_bytes, swap_max_bytes;
	__u64 events_high, events_max, events_oom, events_oom_kill;
	__u64 stats[PF_NR_MEMSTATS]; /* bytes */
	/* stalls: cpu some, cpu full, memory some, memory full, io some, io full */
	__u64 psi_ns[6];
	__u64 nr_tasks;
};

/* Argument of the snapshot program: one word, @first the lower half (the programs' byte order is little-endian). */
struct pf_snapshot_arg {
	__u32 first, end; /* slots [first, end) */
};

/* Argument of the program that copies one memory cgroup's raw counters, for calibration. */
struct pf_rawstat_arg {
	__u32 slot;
	__u32 nr_state; /* out: length of the array; 0: not bound */
	__u64 state[192];
};

enum pf_event_kind {
	PF_EVENT_OOM = 1,
	PF_EVENT_CREATED = 2, /* a cgroup outside tracked ones */
	PF_EVENT_REMOVED = 3, /* a cgroup that was not tracked, with what it had used */
	PF_EVENT_GONE = 4, /* one hierarchy's directory of a tracked cgroup; the slot holds its last
			      numbers */
};

struct pf_event_head {
	__u32 kind; /* enum pf_event_kind */
	__u32 slot; /* 0: not tracked */
	__u64 at_ns;
	__u64 cgroup_id;
	__u32 hierarchy;
	__u32 pad; /* zero */
};

struct pf_cgroup_event {
	struct pf_event_head head;
	__u64 usage_ns; /* PF_EVENT_REMOVED: PF_ABI_UNKNOWN if this hierarchy has no CPU */
	__u64 memory_watermark_bytes; /* the same for memory */
	__u64 events_oom_kill;
	char path[PF_PATH_MAX]; /* below the hierarchy's root */
};

struct pf_oom_event {
	struct pf_event_head head; /* of the memory cgroup of the victim, or its tracked ancestor */
	__u32 tgid;
	__u32 pad;
	char comm[16];
	__u64 usage_bytes, limit_bytes; /* of the tightest memory cgroup above the victim that is
					   full; else its own */
	__u64 container_usage_bytes;	/* of the slot's memory cgroup; PF_ABI_UNKNOWN without */
	__u64 victim_anon_bytes, victim_file_bytes, victim_shmem_bytes;
	__u64 stats[PF_NR_MEMSTATS];
	__u32 whole_node; /* no memory cgroup above the victim was at its limit */
	__u32 pad2;
};

/* Growth samples: who faulted fresh memory in, and from where. */
struct pf_growth_key {
	__u32 slot;
	__u32 tgid;
	__s32 stack_id; /* into pf_growth_stacks; negative: none */
	__u32 pad;
};

struct pf_growth_count {
	__u64 nr_faults; /* each sample stands for a period of them */
	char comm[16];
};

#define PF_ABI_ASSERT(type, size)                                                                  \
	_Static_assert(sizeof(type) == (size), #type ": laid out otherwise on this side")
PF_ABI_ASSERT(struct pf_settings, 24);
PF_ABI_ASSERT(struct pf_control, 160);
PF_ABI_ASSERT(struct pf_want_key, 16);
PF_ABI_ASSERT(struct pf_thread, 16);
PF_ABI_ASSERT(struct pf_wait_rec, 512);
PF_ABI_ASSERT(struct pf_throttle_key, 8);
PF_ABI_ASSERT(struct pf_throttle_rec, 1064);
PF_ABI_ASSERT(struct pf_window_rec, 2176);
PF_ABI_ASSERT(struct pf_stall_rec, 928);
PF_ABI_ASSERT(struct pf_snap_rec, 336);
PF_ABI_ASSERT(struct pf_snapshot_arg, 8);
PF_ABI_ASSERT(struct pf_rawstat_arg, 1544);
PF_ABI_ASSERT(struct pf_event_head, 32);
PF_ABI_ASSERT(struct pf_cgroup_event, 568);
PF_ABI_ASSERT(struct pf_oom_event, 208);
PF_ABI_ASSERT(struct pf_growth_key, 16);
PF_ABI_ASSERT(struct pf_growth_count, 24);
#undef PF_ABI_ASSERT

#endif
