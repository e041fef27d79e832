// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * window.bpf.c - ten times a second: what each container used, what it would have used without its
 * quota, and its memory.
 *
 * Hook:   a bpf_timer, so nothing per event. The pass is split into phases where slots x CPUs are many; each slot is
 *         still seen every 100 ms. Windows are normalised by the time that really passed.
 * Output: pf_windows[slot]; one writer.
 * Losses: windows longer than 1.5 x 100 ms are counted as late (and are in the histogram); slots whose cgroup went.
 * Kernel: 6.1 (bpf_loop is of 5.17, the timer of 5.15).
 */
#include "sample.bpf.h"

#include "hist.bpf.h"

/*
 * v6.2: a plain load with a fault handler in place of a helper call; a pass is twice as fast with
 * it. Declared in this file only, because bpftool 7.1 cannot link two objects that name the same
 * kernel function.
 */
extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym __weak;

#define PF_FIELD(addr, type, field)                                                                \
	({                                                                                         \
		__typeof__(((type *)0)->field) pf_field__;                                         \
		if (pf_settings.rdonly_cast) {                                                     \
			const type *pf_object__ = bpf_rdonly_cast((const void *)(addr),            \
								  bpf_core_type_id_kernel(type));  \
			pf_field__ = pf_object__->field;                                           \
		} else {                                                                           \
			pf_field__ = PF_READ(addr, type, field);                                   \
		}                                                                                  \
		pf_field__;                                                                        \
	})

__hidden __u64 pf_peek(__u64 addr)
{
	__u64 word = 0;

	if (pf_settings.rdonly_cast) {
		/* Any structure whose first word is a number does; the offset is 0 in all kernels known. */
		const struct page_counter *object = bpf_rdonly_cast(
			(const void *)(addr -
				       bpf_core_field_offset(((struct page_counter *)0)->usage)),
			bpf_core_type_id_kernel(struct page_counter));

		return object->usage.counter;
	}
	if (bpf_probe_read_kernel(&word, sizeof(word), (const void *)addr))
		pf_drop(PF_DROP_READ);
	return word;
}

#define QUOTA_NONE (~0ull)

struct tick_timer {
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tick_timer);
} pf_timers SEC(".maps");

static __always_inline bool alive(__u64 css, __u64 serial)
{
	return PF_FIELD(css, struct cgroup_subsys_state, serial_nr) == serial;
}

static __always_inline __u64 entity_of(struct pf_entity *entity, __u64 tg, __u32 cpu)
{
	if (!entity->se)
		entity->se = pf_group_entity(tg, cpu,
					     pf_cpu_offsets[PF_BOUND_INDEX(cpu, PF_MAX_CPUS - 1)]);
	return entity->se;
}

struct group_state {
	__u64 usage_ns;	  /* since its creation */
	__u32 nr_running; /* CPUs with a runnable task of it */
};

/* Of the slot's group, nested groups included: at most a tick old. */
static __always_inline struct group_state group_state(__u64 tg, __u32 slot)
{
	struct group_state state = { 0 };

	for (__u32 cpu = 0; cpu < PF_MAX_CPUS && cpu < pf_settings.nr_cpus; cpu++) {
		__u32 key = slot * pf_settings.nr_cpus + cpu;
		struct pf_entity *entity = bpf_map_lookup_elem(&pf_entities, &key);
		__u64 se = entity ? entity_of(entity, tg, cpu) : 0;

		if (!se)
			continue;
		state.usage_ns += PF_FIELD(se, struct sched_entity, sum_exec_runtime);
		state.nr_running += PF_FIELD(se, struct sched_entity, on_rq) != 0;
	}
	return state;
}

__hidden __u64 pf_group_usage_ns(__u64 tg, __u32 slot)
{
	return group_state(tg, slot).usage_ns;
}

/* One pass over the slots of a phase. */
struct pass {
	__u32 phase, nr_phases;
};

__u32 pf_phase, pf_thin_tick;
__u64 pf_window_pass_ns; /* spent in passes; the kernel's statistics leave timer callbacks out */
/* rq clock - CLOCK_MONOTONIC, never more than the truth: an idle CPU's rq clock stands still. */
__s64 pf_rq_clock_lead;
__u64 pf_rq_clock_lead_at;

/*
 * An idle CPU does not update its rq clock, but a throttled group often leaves its CPU idle. So the
 * offset between the rq clocks and ours is kept from the busy ones: the largest seen, falling by
 * 500 ppm, the most by which NTP slews ours.
 */
static __always_inline __u64 rq_clock_now(__u64 rq, __u64 now)
{
	__u64 clock = PF_FIELD(rq, struct rq, clock);
	__s64 lead = (__s64)(clock - now),
	      floor = pf_rq_clock_lead - (__s64)((now - pf_rq_clock_lead_at) >> 11);

	if (!pf_rq_clock_lead_at || lead > floor) {
		pf_rq_clock_lead = lead;
		pf_rq_clock_lead_at = now;
		return clock;
	}
	return now + floor;
}

/* Throttle clock of a group's queue on one CPU, with the interval that is running. */
static __always_inline __u64 throttle_clock_now(__u64 se, __u64 now)
{
	__u64 queue = (__u64)PF_FIELD(se, struct sched_entity, my_q), rq, clock, start;

	if (!queue)
		return 0;
	rq = (__u64)PF_FIELD(queue, struct cfs_rq, rq);
	clock = rq_clock_now(rq, now);
	if (bpf_core_field_exists(((struct cfs_rq *)0)->throttled_clock_self_time)) {
		start = PF_FIELD(queue, struct cfs_rq, throttled_clock_self);
		return PF_FIELD(queue, struct cfs_rq, throttled_clock_self_time) +
		       (start && clock > start ? clock - start : 0);
	}
	/* The PELT clock lags the rq clock by a constant while the CPU is idle. */
	clock -= PF_FIELD(rq, struct rq, clock) - PF_FIELD(rq, struct rq, clock_pelt) +
		 PF_FIELD(rq, struct rq, lost_idle_time);
	start = PF_FIELD(queue, struct cfs_rq, throttled_clock_pelt);
	return PF_FIELD(queue, struct cfs_rq, throttled_clock_pelt_time) +
	       (PF_FIELD(queue, struct cfs_rq, throttle_count) && clock > start ? clock - start
										: 0);
}

/* Growth of throttled time in this window: on each CPU at most what use left of the window's length. */
static __always_inline __u64 throttled_ns(__u32 slot, __u64 now, __u64 window_ns)
{
	__u64 sum = 0;

	for (__u32 cpu = 0; cpu < PF_MAX_CPUS && cpu < pf_settings.nr_cpus; cpu++) {
		__u32 key = slot * pf_settings.nr_cpus + cpu;
		struct pf_entity *entity = bpf_map_lookup_elem(&pf_entities, &key);
		__u64 clock, grown, usage, used, room;

		if (!entity || !entity->se)
			continue;
		clock = throttle_clock_now(entity->se, now);
		usage = PF_FIELD(entity->se, struct sched_entity, sum_exec_runtime);
		if (!entity->throttle_known) {
			entity->throttle_known = 1;
			entity->throttle_ns = clock;
			entity->usage_ns = usage;
		}
		used = usage > entity->usage_ns ? usage - entity->usage_ns : 0;
		entity->usage_ns = usage;
		room = window_ns > used ? window_ns - used : 0;
		/* The running interval is an estimate, so the clock may seem to step back by a little. */
		grown = clock > entity->throttle_ns ? clock - entity->throttle_ns : 0;
		entity->throttle_ns += grown;
		sum += grown < room ? grown : room;
	}
	return sum;
}

static __always_inline void count_window(struct pf_ref *ref, struct pf_window_rec *w, __u64 used,
					 __u64 demand, __u64 window_ns)
{
	__u64 millicores;
	__u32 bucket;

	w->nr_windows++;
	if (!used) {
		w->nr_idle++;
	} else {
		bucket = pf_millicores_bucket(used, window_ns);
		pf_barrier(bucket);
		if (bucket < PF_ABI_MILLICORES_BUCKETS)
			w->usage[bucket]++;
		millicores = (used * 1000 + window_ns - 1) / window_ns;
		if (millicores > ref->usage_peak_millicores)
			ref->usage_peak_millicores = millicores;
	}
	if (!demand) {
		w->nr_demand_idle++;
	} else {
		bucket = pf_millicores_bucket(demand, window_ns);
		pf_barrier(bucket);
		if (bucket < PF_ABI_MILLICORES_BUCKETS)
			w->demand[bucket]++;
		millicores = (demand * 1000 + window_ns - 1) / window_ns;
		if (millicores > ref->demand_peak_millicores)
			ref->demand_peak_millicores = millicores;
	}
}

static __always_inline void keep_window(struct pf_window_rec *w, __u64 used, __u64 throttled,
					__u32 nr_running, __u64 window_ns)
{
	__u64 number = w->nr_windows - 1, word = (number & 0xffffff) << 40;

	if (nr_running > 0xff)
		nr_running = 0xff;
	word |= (__u64)nr_running << 32 | (__u64)pf_cpu_code(throttled, window_ns) << 16 |
		pf_cpu_code(used, window_ns);
	if (used || throttled)
		w->recent[number % PF_RECENT] = word;
}

static __always_inline void cpu_window(struct pf_ref *ref, struct pf_window_rec *w, __u32 slot,
				       __u64 tg)
{
	struct group_state state = group_state(tg, slot);
	__u64 usage = state.usage_ns, now = bpf_ktime_get_ns(), window_ns, used, throttled = 0;
	__u64 quota = PF_FIELD(tg, struct task_group, cfs_bandwidth.quota);

	window_ns = now - w->last_ns;
	if (ref->quota_above || quota != QUOTA_NONE)
		throttled = throttled_ns(slot, now, window_ns);
	if (w->last_ns && window_ns) {
		used = usage > w->usage_ns ? usage - w->usage_ns : 0;
		if (window_ns > PF_WINDOW_NS + PF_WINDOW_NS / 2)
			pf_drop(PF_DROP_LATE_WINDOW);
		count_window(ref, w, used, used + throttled, window_ns);
		keep_window(w, used, throttled, state.nr_running, window_ns);
	}
	w->usage_ns = usage;
	w->last_ns = now;
}

static __always_inline void memory_window(struct pf_ref *ref, __u64 memcg)
{
	__u64 pages = PF_FIELD(memcg, struct mem_cgroup, memory.usage.counter);

	if (pages > ref->memory_peak_pages)
		ref->memory_peak_pages = pages;
}

static __always_inline void close_window(__u32 slot, struct pf_ref *ref, struct pf_window_rec *w)
{
	/* Read once: the removal hook may take them away on another CPU. */
	__u64 tg = *(const volatile __u64 *)&ref->tg, memcg = *(const volatile __u64 *)&ref->memcg;

	if (tg) {
		if (alive(tg, ref->tg_serial)) {
			cpu_window(ref, w, slot, tg);
		} else {
			ref->tg = 0;
			pf_drop(PF_DROP_STALE_SLOT);
		}
	}
	if (memcg) {
		if (alive(memcg, ref->memcg_serial)) {
			memory_window(ref, memcg);
		} else {
			ref->memcg = 0;
			pf_drop(PF_DROP_STALE_SLOT);
		}
	}
}

__hidden int pf_close_window(__u32 slot)
{
	struct pf_ref *ref = bpf_map_lookup_elem(&pf_refs, &slot);
	struct pf_window_rec *w = bpf_map_lookup_elem(&pf_windows, &slot);

	if (ref && w)
		close_window(slot, ref, w);
	return 0;
}

static long window_of(__u32 i, struct pass *pass)
{
	pf_close_window(1 + pass->phase + i * pass->nr_phases);
	return 0;
}

/*
 * Above the CPU budget the switch hook works in some of every PF_THIN_TICKS ticks only. What it remembers of threads and
 * throttle clocks is old after a pause, hence a new round.
 */
static __always_inline void thin(void)
{
	__u32 tick_in_cycle = pf_thin_tick++ % PF_THIN_TICKS,
	      paused = tick_in_cycle >= pf_control.thin_on;

	if (pf_control.paused && !paused)
		pf_control.round_bits += 1ull << 56;
	pf_control.paused = paused;
}

static int tick(void *map, __u32 *key, struct tick_timer *value)
{
	__u32 nr_phases = pf_control.nr_phases, nr_used = pf_control.nr_used;
	__u64 step, now, start = bpf_ktime_get_ns();
	struct pass pass;

	if (!nr_phases)
		nr_phases = 1;
	pass.nr_phases = nr_phases;
	pass.phase = pf_phase < nr_phases ? pf_phase : 0;
	pf_phase = pass.phase + 1;
	if (nr_used > pass.phase)
		bpf_loop((nr_used - pass.phase + nr_phases - 1) / nr_phases, window_of, &pass, 0);

	if (!pass.phase)
		thin();

	/* The next point of a fixed grid, so that late ticks do not add up; not one that is almost here. */
	step = PF_WINDOW_NS / nr_phases;
	now = bpf_ktime_get_ns();
	pf_window_pass_ns += now - start;
	now %= step;
	if (bpf_timer_start(&value->timer, step - now + (now > step - step / 4 ? step : 0), 0))
		pf_drop(PF_DROP_TIMER);
	return 0;
}

/* Started once by user space; the timer lives as long as the map does. Return: 0 or the failing call's error. */
SEC("syscall")
int pf_start_timer(void *ctx)
{
	__u32 key = 0;
	struct tick_timer *value = bpf_map_lookup_elem(&pf_timers, &key);
	long r;

	if (!value)
		return -1;
	r = bpf_timer_init(&value->timer, &pf_timers, PF_CLOCK_MONOTONIC);
	if (!r)
		r = bpf_timer_set_callback(&value->timer, tick);
	if (!r)
		r = bpf_timer_start(&value->timer, PF_WINDOW_NS, 0);
	return r;
}

char pf_license[] SEC("license") = "Dual BSD/GPL";
