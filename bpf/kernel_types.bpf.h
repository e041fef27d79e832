/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * kernel_types.bpf.h - the few kernel structures podfit looks into, written by hand.
 *
 * Only the fields that are read, in any order: CO-RE finds each by name in the running kernel's
 * BTF, so there is no generated vmlinux.h in the tree. A suffix ___x names another version's shape
 * of the same structure. Include this first.
 */
#ifndef PODFIT_KERNEL_TYPES_BPF_H
#define PODFIT_KERNEL_TYPES_BPF_H

typedef unsigned char __u8;
typedef signed short __s16;
typedef unsigned short __u16;
typedef signed int __s32;
typedef unsigned int __u32;
typedef signed long long __s64;
typedef unsigned long long __u64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef __u8 u8;
typedef __u16 u16;
typedef __s32 s32;
typedef __u32 u32;
typedef __s64 s64;
typedef __u64 u64;
typedef _Bool bool;
#define true 1
#define false 0
#define NULL ((void *)0)

/* UAPI numbers, from linux/bpf.h. */
enum {
	BPF_ANY = 0,
	BPF_NOEXIST = 1,
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_STACK_TRACE = 7,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_RINGBUF = 27,
	BPF_F_NO_PREALLOC = 1 << 0,
	BPF_F_USER_STACK = 1 << 8,
	BPF_F_MMAPABLE = 1 << 10,
};
#define PF_CLOCK_MONOTONIC 1

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	s64 counter;
} atomic64_t;

typedef struct {
	long counter;
} atomic_long_t;

struct kernfs_node {
	u64 id;
};

struct psi_group {
	u64 total[12]; /* [aggregator][state]; older pahole writes it flat */
};
struct psi_group___2d {
	u64 total[2][6];
};

struct cgroup;

struct cgroup_subsys_state {
	struct cgroup *cgroup;
	int id;
	u64 serial_nr;
	struct cgroup_subsys_state *parent;
};

struct cgroup_root {
	int hierarchy_id;
};

struct cgroup {
	struct cgroup_subsys_state self;
	struct kernfs_node *kn;
	struct cgroup_subsys_state *subsys[12];
	struct cgroup_root *root;
	struct psi_group *psi;
};

struct css_set {
	struct cgroup_subsys_state *subsys[12];
};

enum cgroup_subsys_id {
	cpu_cgrp_id,
	cpuacct_cgrp_id,
	io_cgrp_id,
	memory_cgrp_id,
	pids_cgrp_id,
};

struct cfs_rq;

struct sched_entity {
	unsigned char on_rq; /* an int until 6.12: the low byte */
	u64 sum_exec_runtime;
	struct sched_entity *parent;
	struct cfs_rq *cfs_rq;
	struct cfs_rq *my_q;
};

struct rq {
	u64 clock;
	u64 clock_pelt;
	unsigned long lost_idle_time;
};

struct task_group;

struct cfs_rq {
	struct rq *rq;
	struct task_group *tg;
	int throttle_count;
	u64 throttled_clock_pelt;
	u64 throttled_clock_pelt_time;
	u64 throttled_clock_self;
	u64 throttled_clock_self_time;
};

/* v7.2: what task_group.cfs_rq points into, one for each CPU. */
struct cfs_tg_state {
	struct cfs_rq cfs_rq;
	struct sched_entity se;
};

struct cfs_bandwidth {
	s64 period; /* ktime_t, a union around an s64 until v6.5 or so; read through a cast */
	u64 quota;
	u64 burst;
	int nr_periods;
	int nr_throttled;
	u64 throttled_time;
};

struct task_group {
	struct cgroup_subsys_state css;
	struct sched_entity **se;
	struct cfs_rq **cfs_rq;
	unsigned long shares;
	struct task_group *parent;
	struct cfs_bandwidth cfs_bandwidth;
};
struct task_group___percpu {
	struct cfs_rq *cfs_rq;
};

struct sched_info {
	unsigned long long run_delay;
	unsigned long long last_arrival;
	unsigned long long last_queued;
};

struct percpu_counter {
	s64 count;
};

struct mm_rss_stat {
	atomic_long_t count[4];
};

struct mm_struct {
	struct percpu_counter rss_stat[4]; /* v6.2 */
};
struct mm_struct___pre62 {
	struct mm_rss_stat rss_stat;
};

struct task_struct {
	int prio;
	int pid;
	int tgid;
	char comm[16];
	struct sched_entity se;
	struct sched_info sched_info;
	struct task_group *sched_task_group;
	struct css_set *cgroups;
	struct mm_struct *mm;
	struct task_struct *group_leader;
};

struct page_counter {
	atomic_long_t usage;
	unsigned long watermark;
	unsigned long high;
	unsigned long max;
	struct page_counter *parent;
};

struct memcg_vmstats {
	long state[40];
};

struct mem_cgroup {
	struct cgroup_subsys_state css;
	struct page_counter memory;
	struct page_counter swap;
	struct memcg_vmstats *vmstats;
	atomic_long_t memory_events[9];
};

enum memcg_memory_event {
	MEMCG_LOW,
	MEMCG_HIGH,
	MEMCG_MAX,
	MEMCG_OOM,
	MEMCG_OOM_KILL,
};

struct file;

struct vm_area_struct {
	struct file *vm_file;
};

struct pids_cgroup {
	struct cgroup_subsys_state css;
	atomic64_t counter;
};

struct blkcg {
	struct cgroup_subsys_state css;
};

struct blkcg_gq {
	struct blkcg *blkcg;
};

struct bio {
	struct blkcg_gq *bi_blkg;
};

struct request {
	unsigned int __data_len;
	struct bio *bio;
	u64 start_time_ns;
};

struct bpf_iter__cgroup {
	struct cgroup *cgroup;
};

#pragma clang attribute pop

/* UAPI. The saved registers, whose size is the architecture's, are read by the stack walker only. */
#if defined(__TARGET_ARCH_x86)
#define PF_USER_REGS 21
#elif defined(__TARGET_ARCH_arm64)
#define PF_USER_REGS 34
#else
#error "size of the saved registers: see bpf_user_pt_regs_t in asm/bpf_perf_event.h"
#endif
struct bpf_perf_event_data {
	__u64 regs[PF_USER_REGS];
	__u64 sample_period;
	__u64 addr;
};

/* UAPI. */
struct bpf_raw_tracepoint_args {
	__u64 args[1];
};

/* UAPI, and opaque to programs: 16 bytes the kernel owns. */
struct bpf_timer {
	__u64 opaque[2];
} __attribute__((aligned(8)));

#endif
