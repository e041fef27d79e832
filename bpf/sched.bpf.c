// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * sched.bpf.c - how long the tasks of each container waited for a CPU, how much of it was its own
 * quota, and how long each throttling lasted.
 *
 * Hook:   tp_btf/sched_switch, for the task that comes in. No wake-up hook, no hash, no per-task
 * map. Output: pf_waits[cpu * nr_slots + slot]; one writer a record, so plain adds; user space maps
 * it and sums CPUs. Losses: css ids beyond the table, tasks without a queueing time, waits older
 * than the remembered throttle intervals. Kernel: 6.1 and later, SCHED_INFO; the split needs the
 * throttle clock (CFS_BANDWIDTH).
 *
 * The tracepoint fires before sched_info_arrive() clears last_queued, and the rq clock was updated
 * at the top of
 * __schedule(). A waiting task that is moved to another CPU has last_queued reset, and what it
 * waited before is added to run_delay: so run_delay is remembered per thread and its growth since
 * the last switch-in is part of the wait.
 */
#include "slots.bpf.h"

#include "hist.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* set at load: nr_cpus x nr_slots */
	__type(key, __u32);
	__type(value, struct pf_wait_rec);
} pf_waits SEC(".maps");

/*
 * pid & 65535 -> run_delay at the thread's last switch-in, its low 56 bits, under 8 bits of the pid: one word, so that
 * two threads that share an entry cannot tear it. A plain array: reached without a lookup.
 */
__u64 pf_run_delays[PF_PIDS];

/* Filled by user space before the load: pf_latency_bucket() of each 64 ns, instead of its chain of twenty instructions. */
const volatile __u8 pf_latency_table[PF_LATENCY_TABLE];

#define DELAY_BITS  56
#define MAX_RT_PRIO 100 /* below: real-time, which no CFS quota holds back */

/* pf_latency_bucket() by table: eight bits more are eight octaves of four buckets. */
static __always_inline __u64 bucket_of(__u64 ns)
{
	__u64 x = (ns ? ns - 1 : 0) >> 6, octaves = 0;

	if (x >= PF_LATENCY_TABLE) {
		if (x >> 18)
			return pf_latency_bucket(ns); /* 17 ms and more: rare */
		x >>= 8;
		octaves = 32;
	}
	return pf_latency_table[PF_BOUND_INDEX(x, PF_LATENCY_TABLE - 1)] + octaves;
}

/*
 * The queue of the container's own group on this CPU: where its quota and those above it show. A
 * task of a nested group sits @depth entities below it.
 */
static __always_inline struct cfs_rq *container_queue(struct task_struct *task, __u32 depth)
{
	struct sched_entity *se = &task->se;

	for (__u32 i = 0; i < PF_WALK_MAX && i < depth; i++) {
		if (!se->parent)
			break;
		se = se->parent;
	}
	return se->cfs_rq;
}

/* The throttle clock has moved by @length: an interval has just ended. */
static __always_inline void add_interval(struct pf_wait_rec *rec, __u64 length, __u64 now)
{
	__u64 i = PF_BOUND_INDEX(rec->nr_intervals, PF_INTERVALS - 1);

	rec->intervals[i].start_ns = now - length;
	rec->intervals[i].end_ns = now;
	rec->last_throttle_end_ns = now;
	rec->nr_intervals++;
	rec->stall[PF_BOUND_INDEX(pf_latency_bucket(length), 127)]++;
}

/* How much of [from, now] the remembered throttle intervals cover. */
static __noinline __u64 throttled_part(struct pf_wait_rec *rec, __u64 from)
{
	__u64 sum = 0, oldest = ~0ull;

	for (__u32 i = 0; i < PF_INTERVALS; i++) {
		__u64 start = rec->intervals[i].start_ns, end = rec->intervals[i].end_ns;

		if (start < oldest)
			oldest = start;
		if (end <= from)
			continue;
		sum += end - (start > from ? start : from);
	}
	if (oldest > from && rec->nr_intervals > PF_INTERVALS)
		pf_drop(PF_DROP_QUOTA_HISTORY);
	return sum;
}

/* @rec keeps the clock plus one, so that 0 is a clock that was not looked at yet. */
static __noinline void throttle_clock_moved(struct pf_wait_rec *rec, __u64 clock_plus_1, __u64 now)
{
	__u64 before = rec->throttle_clock_plus_1;

	if (rec->thin_round !=
	    pf_control.thin_round) { /* moved in a pause: by how many intervals is not known */
		rec->thin_round = pf_control.thin_round;
		before = 0;
	}
	if (before && clock_plus_1 > before)
		add_interval(rec, clock_plus_1 - before, now);
	rec->throttle_clock_plus_1 = clock_plus_1;
}

/* A wait of length @wait that began at @queued. */
static __always_inline void count_wait(struct pf_wait_rec *rec, struct task_struct *task,
				       __u64 queued, __u64 wait)
{
	__u64 quota;

	if (rec->last_throttle_end_ns > queued && task->prio >= MAX_RT_PRIO) {
		quota = throttled_part(rec, queued);
		if (quota > wait)
			quota = wait;
		rec->quota_ns += quota;
		rec->quota[PF_BOUND_INDEX(pf_latency_bucket(quota), 127)]++;
		wait -= quota;
	}
	rec->contention_ns += wait;
	rec->contention[PF_BOUND_INDEX(bucket_of(wait), 127)]++;
}

/*
 * The thread's run_delay is not what it was left at: it has waited since, besides the wait that ends now.
 *
 * Mostly that is the first part of this wait, before the task was moved to this CPU; it is returned. But nobody waits
 * longer than since it last ran: then it is a wait that had ended in a switch without this hook (met on a kernel that
 * does not trace some of its own threads' switches), and is counted as one of its own.
 */
static __noinline __u64 unseen_wait(struct pf_wait_rec *rec, struct task_struct *task,
				    __u64 expected, __u64 left, __u64 now)
{
	__u64 unseen = expected - left, queued = task->sched_info.last_queued;
	__u64 last = task->sched_info.last_arrival, here = now > queued ? now - queued : 0;

	/* Another thread's entry; or the hook has been pausing, and what was left is old. */
	if ((expected ^ left) >> DELAY_BITS || pf_control.thin_on < PF_THIN_TICKS)
		return 0;
	if ((__s64)unseen < 0) { /* less than it was: the pid is another thread's now */
		pf_drop(PF_DROP_ABSURD_WAIT);
		return 0;
	}
	if (unseen + here <= now - last)
		return unseen;
	count_wait(rec, task, last - unseen, unseen);
	return 0;
}

static __always_inline int switched_in(struct task_struct *task)
{
	__u32 pid = task->pid, cpu, key;
	__u64 entry, slot, queued, now, wait, clock, expected, left, *delay;
	struct pf_wait_rec *rec;
	struct cfs_rq *queue;

	if (!pid || pf_control.paused) /* idle; above the CPU budget */
		return 0;
	if (pf_settings.percpu_cfs_rq)
		pf_learn_cpu_offset(task, bpf_get_smp_processor_id());
	entry = pf_task_entry(task);
	slot = PF_ENTRY_SLOT(entry);
	if (!slot)
		return 0;
	queued = task->sched_info.last_queued;
	if (!queued) {
		pf_drop(PF_DROP_NO_QUEUE_TIME);
		return 0;
	}
	cpu = bpf_get_smp_processor_id();
	key = cpu * pf_settings.nr_slots + slot;
	rec = bpf_map_lookup_elem(&pf_waits, &key);
	if (!rec)
		return 0;
	queue = task->se.cfs_rq;
	now = queue->rq->clock;
	if (PF_ENTRY_DEPTH(entry))
		queue = container_queue(task, PF_ENTRY_DEPTH(entry));
	clock = pf_throttle_clock_ns(queue) + 1;
	if (clock != rec->throttle_clock_plus_1)
		throttle_clock_moved(rec, clock, now);
	wait = now - queued;
	if ((__s64)wait < 0)
		wait = 0;
	delay = &pf_run_delays[PF_BOUND_INDEX(pid, PF_PIDS - 1)];
	expected = ((__u64)((pid >> 16) + 1) << DELAY_BITS) + task->sched_info.run_delay;
	left = *delay;
	*delay = expected + wait;
	if (left != expected)
		wait += unseen_wait(rec, task, expected, left, now);
	count_wait(rec, task, queued, wait);
	return 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(pf_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	return switched_in(next);
}

char pf_license[] SEC("license") = "Dual BSD/GPL";
