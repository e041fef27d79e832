// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * sched.bpf.c - how long the tasks of each container waited for a CPU, how much of it was its own
 * quota, and how long each throttling lasted.
 *
 * Hook:   tp_btf/sched_switch, for the task that comes in. No wake-up hook, no hash but for the throttled.
 * Output: pf_waits[cpu * nr_slots + slot], pf_throttles[slot, cpu]; one writer a record, so plain adds; user space
 *         sums CPUs.
 * Losses: tasks without a queueing time, waits older than the remembered throttle intervals, the part of a wait before a
 *         move where two threads share an entry of pf_threads, or in a thread's first switch-in after a pause.
 * Kernel: 6.1 and later, SCHED_INFO; the split needs the throttle clock (CFS_BANDWIDTH).
 *
 * The tracepoint fires before sched_info_arrive() clears last_queued, and the rq clock was updated at the top of
 * __schedule(). A waiting task that is moved to another CPU has last_queued reset, and what it waited before is added to
 * run_delay: so run_delay is remembered per thread and its growth since the last switch-in is part of the wait.
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

/* See struct pf_throttle_rec. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1); /* set at load: nr_cpus x nr_slots */
	__type(key, struct pf_throttle_key);
	__type(value, struct pf_throttle_rec);
} pf_throttles SEC(".maps");

struct pf_throttle_rec pf_no_throttles; /* zero: what a new record is made from */

/* See struct pf_thread: one cache line has what is needed to know a thread's slot, and what it waited elsewhere. */
struct pf_thread pf_threads[PF_THREADS]; /* a plain array: reached without a lookup */

/* Filled by user space before the load: pf_latency_bucket() of each 64 ns, instead of its chain of twenty instructions. */
const volatile __u8 pf_latency_table[PF_LATENCY_TABLE];

#define DELAY_BITS  48 /* three days; a thread that waits longer loses one migrated wait each time */
#define WRITTEN_BIT (1ull << 55) /* an entry without it is still empty, not of thread 0 to 32767 */
#define MAX_RT_PRIO 100		 /* below: real-time, which no CFS quota holds back */

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

static __always_inline struct pf_throttle_rec *find_throttles(__u32 slot)
{
	struct pf_throttle_key key = { .slot = slot, .cpu = bpf_get_smp_processor_id() };

	return bpf_map_lookup_elem(&pf_throttles, &key);
}

static __always_inline struct pf_throttle_rec *make_throttles(__u32 slot)
{
	struct pf_throttle_key key = { .slot = slot, .cpu = bpf_get_smp_processor_id() };

	bpf_map_update_elem(&pf_throttles, &key, &pf_no_throttles, BPF_NOEXIST);
	return bpf_map_lookup_elem(&pf_throttles, &key);
}

/* The throttle clock has moved by @length: an interval has just ended. */
static __always_inline void add_interval(struct pf_wait_rec *rec, __u32 slot, __u64 length,
					 __u64 now)
{
	struct pf_throttle_rec *throttles = find_throttles(slot);
	__u64 i, bucket = pf_latency_bucket(length);

	if (!throttles)
		throttles = make_throttles(slot);
	if (!throttles) {
		pf_drop(PF_DROP_RECORD);
		return;
	}
	i = PF_BOUND_INDEX(throttles->nr_intervals, PF_INTERVALS - 1);
	throttles->intervals[i].start_ns = now - length;
	throttles->intervals[i].end_ns = now;
	throttles->nr_intervals++;
	pf_barrier(bucket);
	if (bucket < PF_ABI_LATENCY_BUCKETS)
		throttles->stall[bucket]++;
	rec->last_throttle_end_ns = now;
}

/* How much of [from, now] the remembered throttle intervals cover. */
static __always_inline __u64 throttled_part(const struct pf_throttle_rec *throttles, __u64 from)
{
	__u64 sum = 0, oldest = ~0ull;

	for (__u32 i = 0; i < PF_INTERVALS; i++) {
		__u64 start = throttles->intervals[i].start_ns,
		      end = throttles->intervals[i].end_ns;

		if (start < oldest)
			oldest = start;
		if (end <= from)
			continue;
		sum += end - (start > from ? start : from);
	}
	if (oldest > from && throttles->nr_intervals > PF_INTERVALS)
		pf_drop(PF_DROP_QUOTA_HISTORY);
	return sum;
}

/* Of a wait that began at @queued, what the quota took: @running of the throttling that still lasts, and earlier ones. */
static __noinline __u64 quota_part(__u32 slot, __u64 queued, __u64 wait, __u64 running)
{
	struct pf_throttle_rec *throttles = find_throttles(slot);
	__u64 quota, bucket;

	if (!throttles && running)
		throttles = make_throttles(slot);
	if (!throttles)
		return 0;
	quota = throttled_part(throttles, queued) + running;
	if (quota > wait)
		quota = wait;
	bucket = pf_latency_bucket(quota);
	pf_barrier(bucket);
	if (bucket < PF_ABI_LATENCY_BUCKETS)
		throttles->quota[bucket]++;
	return quota;
}

/* @rec keeps the clock plus one, so that 0 is a clock that was not looked at yet. */
static __noinline void throttle_clock_moved(struct pf_wait_rec *rec, __u32 slot, __u64 clock_plus_1,
					    __u64 now)
{
	__u64 before = rec->throttle_clock_plus_1;

	if (rec->round_bits !=
	    pf_control.round_bits) { /* moved in a pause: by how many intervals is not known */
		rec->round_bits = pf_control.round_bits;
		before = 0;
	}
	if (before && clock_plus_1 > before)
		add_interval(rec, slot, clock_plus_1 - before, now);
	rec->throttle_clock_plus_1 = clock_plus_1;
}

/* A wait of length @wait that began at @queued; in the last @running of it the container was throttled, and still is. */
static __always_inline void count_wait(struct pf_wait_rec *rec, __u32 slot,
				       struct task_struct *task, __u64 queued, __u64 wait,
				       __u64 running)
{
	__u64 bucket;

	if ((rec->last_throttle_end_ns > queued || running) && task->prio >= MAX_RT_PRIO) {
		__u64 quota = quota_part(slot, queued, wait, running);

		rec->quota_ns += quota;
		wait -= quota;
	}
	rec->contention_ns += wait;
	bucket = bucket_of(wait);
	pf_barrier(bucket);
	if (bucket < PF_ABI_LATENCY_BUCKETS)
		rec->contention[bucket]++;
}

/*
 * The thread's run_delay is not what it was left at: it has waited since, besides the wait that ends now.
 *
 * Mostly that is the first part of this wait, before the task was moved to this CPU; it is returned. But nobody waits
 * longer than since it last ran: then it is a wait that had ended in a switch without this hook (a kernel may run no
 * BPF program in the context of some of its processes), and is counted as one of its own.
 */
static __noinline __u64 unseen_wait(struct pf_wait_rec *rec, __u32 slot, struct task_struct *task,
				    __u64 expected, __u64 left)
{
	__u64 unseen = expected - left, queued = task->sched_info.last_queued;
	__u64 last = task->sched_info.last_arrival, now = task->se.cfs_rq->rq->clock,
	      here = now > queued ? now - queued : 0;

	/* Empty; another thread's entry; or of a round before a pause, and what was left is old. */
	if ((expected ^ left) >> DELAY_BITS)
		return 0;
	if ((__s64)unseen < 0) { /* less than it was: the pid is another thread's now */
		pf_drop(PF_DROP_ABSURD_WAIT);
		return 0;
	}
	if (unseen + here <= now - last)
		return unseen;
	count_wait(rec, slot, task, last - unseen, unseen, 0);
	return 0;
}

/*
 * The thread's entry is another's, or of a group it has left, or older than the last change of pf_want. The epoch in
 * @group was read before, so what is looked up now is not older.
 */
static __noinline __u64 learn_group(struct pf_thread *thread, struct task_struct *task, __u64 group)
{
	__u64 entry = pf_task_entry(task);

	group = group >> PF_GROUP_BITS << PF_GROUP_BITS | PF_ENTRY_DEPTH(entry) << PF_SLOT_BITS |
		PF_ENTRY_SLOT(entry);
	thread->group = group;
	return group;
}

static __always_inline int switched_in(struct task_struct *task)
{
	__u32 pid = task->pid, key, slot, depth;
	__u64 group, queued, now, wait, clock, expected, left, since, running = 0;
	struct pf_thread *thread;
	struct pf_wait_rec *rec;
	struct cfs_rq *queue;

	if (!pid || pf_control.paused) /* idle; above the CPU budget */
		return 0;
	if (pf_settings.percpu_cfs_rq)
		pf_learn_cpu_offset(task, bpf_get_smp_processor_id());
	thread = &pf_threads[PF_BOUND_INDEX(pid, PF_THREADS - 1)];
	group = pf_group_of(task->sched_task_group);
	if ((thread->group ^ group) >> PF_GROUP_BITS)
		group = learn_group(thread, task, group);
	else
		group = thread->group;
	slot = group & ((1 << PF_SLOT_BITS) - 1);
	if (!slot)
		return 0;
	queued = task->sched_info.last_queued;
	if (!queued) {
		pf_drop(PF_DROP_NO_QUEUE_TIME);
		return 0;
	}
	key = bpf_get_smp_processor_id() * pf_settings.nr_slots + slot;
	rec = bpf_map_lookup_elem(&pf_waits, &key);
	if (!rec)
		return 0;
	queue = task->se.cfs_rq;
	now = queue->rq->clock;
	depth = group >> PF_SLOT_BITS & 15;
	if (depth)
		queue = container_queue(task, depth);
	clock = pf_throttle_clock_ns(queue) + 1;
	if (clock != rec->throttle_clock_plus_1)
		throttle_clock_moved(rec, slot, clock, now);
	wait = now - queued;
	if ((__s64)wait < 0)
		wait = 0;
	/* Under bits of the pid that are not in its index, and of the round. */
	expected = task->sched_info.run_delay ^ (__u64)(pid >> 15) << DELAY_BITS ^ WRITTEN_BIT ^
		   pf_control.round_bits;
	left = thread->delay;
	thread->delay = expected + wait;
	if (left != expected)
		wait += unseen_wait(rec, slot, task, expected, left);
	since = pf_throttled_since_ns(queue);
	if (since && since < now)
		running = now - (since > queued ? since : queued);
	count_wait(rec, slot, task, queued, wait, running);
	return 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(pf_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	return switched_in(next);
}

char pf_license[] SEC("license") = "Dual BSD/GPL";
