// SPDX-License-Identifier: Apache-2.0
/*
 * bpf_growth.c - page-fault sampling for containers under suspicion.
 *
 * One perf event a CPU is opened and tied to the program at the start, disabled; switching it on needs no right. What was
 * gathered is taken out when it is read, so two reads with equal time between them give two windows to compare.
 *
 * A sample with its stack costs 10 to 17 us. So that a suspect whose memory comes and goes fast does not pay for it, the
 * period grows until there are at most SAMPLES_PER_CPU a second.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "capture/bpf_private.h"
#include "sys/clock.h"
#include "sys/log.h"

enum {
	SAMPLES_PER_CPU = 100, /* a second, of watched containers: 0.2 % of a CPU at most */
	PERIOD_MAX = 1 << 20,
};

/* Between two looks at whether the period is right: with less the rate is not known well. */
#define ADAPT_NS (250 * PF_NS_PER_MS)

struct pf_growth {
	uint32_t nr_events;
	uint32_t nr_watched;
	uint64_t period, first_period; /* minor faults a sample */
	uint64_t nr_faults, since_ns;  /* taken out, since that moment */
	uint64_t *watched;	       /* [nr_slots], mapped */
	size_t watched_bytes;
	struct event {
		int fd;
		struct bpf_link *link;
	} events[]; /* one a CPU */
};

/* A count that was taken out of the kernel's table. */
struct taken {
	struct pf_growth_key key;
	struct pf_growth_count count;
};

static int open_event(uint32_t cpu, uint32_t period)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_PAGE_FAULTS_MIN,
		.sample_period = period,
		.disabled = 1,
	};
	long fd = syscall(SYS_perf_event_open, &attr, -1, (int)cpu, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : (int)fd;
}

static int map_watched(struct pf_capture *c, struct pf_growth *g)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), size = c->nr_slots * sizeof(uint64_t);
	void *memory;

	size = (size + page - 1) / page * page;
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
		      bpf_map__fd(c->bpf->maps.pf_growth_watched), 0);
	if (memory == MAP_FAILED)
		return -errno;
	g->watched = memory;
	g->watched_bytes = size;
	return 0;
}

void pf_bpf_growth_free(struct pf_growth *g)
{
	if (!g)
		return;
	for (uint32_t i = 0; i < g->nr_events; i++) {
		bpf_link__destroy(g->events[i].link);
		if (g->events[i].fd >= 0)
			(void)close(g->events[i].fd); /* on the way out */
	}
	if (g->watched)
		(void)munmap(g->watched, g->watched_bytes); /* on the way out */
	free(g);
}
PF_DEFINE_AUTO(struct pf_growth *, pf_bpf_growth_free);

int pf_bpf_growth_new(struct pf_capture *c, struct pf_growth **ret_growth)
{
	PF_AUTO(pf_bpf_growth_freep)
	struct pf_growth *g = calloc(1, sizeof(*g) + c->nr_cpus * sizeof(g->events[0]));
	int r;

	if (!g)
		return -ENOMEM;
	r = map_watched(c, g);
	if (r < 0)
		return r;
	g->period = g->first_period = c->bpf->rodata->pf_settings.growth_period;
	for (uint32_t cpu = 0; cpu < c->nr_cpus; cpu++) {
		struct event *e = &g->events[g->nr_events];

		e->fd = open_event(cpu, (uint32_t)g->period);
		if (e->fd == -ENODEV || e->fd == -ENXIO) /* possible, but not online */
			continue;
		if (e->fd < 0)
			return e->fd;
		g->nr_events++;
		e->link = bpf_program__attach_perf_event(c->bpf->progs.pf_growth, e->fd);
		if (!e->link)
			return -errno;
		/* Attaching switches an event on. */
		if (ioctl(e->fd, PERF_EVENT_IOC_DISABLE, 0) < 0)
			return -errno;
	}
	*ret_growth = pf_take(g);
	return 0;
}

static int switch_events(struct pf_growth *g, bool on)
{
	for (uint32_t i = 0; i < g->nr_events; i++)
		if (ioctl(g->events[i].fd, on ? PERF_EVENT_IOC_ENABLE : PERF_EVENT_IOC_DISABLE, 0) <
		    0)
			return -errno;
	return 0;
}

static int set_period(struct pf_growth *g, uint64_t period)
{
	if (period == g->period)
		return 0;
	for (uint32_t i = 0; i < g->nr_events; i++)
		if (ioctl(g->events[i].fd, PERF_EVENT_IOC_PERIOD, &period) < 0)
			return -errno;
	g->period = period;
	return 0;
}

/* Up at once, down by halves: a quiet moment is not the end of a storm. */
static int adapt_period(struct pf_growth *g, uint64_t nr_faults)
{
	uint64_t now_ns = pf_clock_monotonic_ns(), period = g->period;
	double seconds = (double)(now_ns - g->since_ns) / (double)PF_NS_PER_S;

	g->nr_faults += nr_faults;
	if (now_ns - g->since_ns < ADAPT_NS)
		return 0;

	double most = SAMPLES_PER_CPU * (double)g->nr_events * seconds;
	double samples = (double)g->nr_faults / (double)period;

	if (samples > most)
		period = (uint64_t)PF_MIN((double)period * samples / most, (double)PERIOD_MAX);
	else if (samples < most / 4)
		period = PF_MAX(period / 2, g->first_period);
	g->nr_faults = 0;
	g->since_ns = now_ns;
	return set_period(g, period);
}

int pf_bpf_growth_watch(struct pf_capture *c, uint32_t slot, bool on)
{
	struct pf_growth *g = c->growth_sampler;
	int r;

	if (!g)
		return -EOPNOTSUPP;
	if (!g->watched[slot] == !on)
		return 0;
	if (on) /* what is left of an earlier suspicion says nothing of this one */
		(void)pf_bpf_growth_read(c, slot, NULL, 0); /* -ENOMEM: then it stays */
	if (on && !g->nr_watched) {
		g->nr_faults = 0;
		g->since_ns = pf_clock_monotonic_ns();
		r = set_period(g, g->first_period);
		if (r == 0)
			r = switch_events(g, true);
		if (r < 0)
			return r;
	}
	g->watched[slot] = on;
	g->nr_watched += on ? 1 : -1;
	return g->nr_watched ? 0 : switch_events(g, false);
}

bool pf_bpf_growth_is_watched(const struct pf_capture *c, uint32_t slot)
{
	return c->growth_sampler && c->growth_sampler->watched[slot];
}

/* Takes the counts of @slot out of the table. Return: how many; -ENOMEM. */
static int take_counts(struct pf_capture *c, uint32_t slot, struct taken *taken)
{
	int fd = bpf_map__fd(c->bpf->maps.pf_growth_counts), n = 0;
	PF_AUTO(pf_freep) struct pf_growth_key *keys = calloc(PF_GROWTH_COUNTS, sizeof(*keys));
	struct pf_growth_key key, *before = NULL;
	int nr_keys = 0;

	if (!keys)
		return -ENOMEM;
	/* First the keys: deleting while walking would start the walk anew. */
	while (nr_keys < PF_GROWTH_COUNTS && bpf_map_get_next_key(fd, before, &key) == 0) {
		keys[nr_keys] = key;
		before = &keys[nr_keys++];
	}
	for (int i = 0; i < nr_keys; i++) {
		if (keys[i].slot != slot ||
		    bpf_map_lookup_and_delete_elem(fd, &keys[i], &taken[n].count) < 0)
			continue;
		taken[n++].key = keys[i];
	}
	return n;
}

static int by_faults(const void *a, const void *b)
{
	const struct taken *x = a, *y = b;

	return x->count.nr_faults < y->count.nr_faults	 ? 1
	       : x->count.nr_faults > y->count.nr_faults ? -1
							 : 0;
}

static void fill_stack(struct pf_capture *c, const struct taken *t, struct pf_growth_stack *s)
{
	__u32 id = (__u32)t->key.stack_id;

	_Static_assert(sizeof(s->addresses) == PF_STACK_DEPTH * sizeof(__u64),
		       "one depth, both sides");
	memset(s, 0, sizeof(*s));
	s->tgid = t->key.tgid;
	memcpy(s->comm, t->count.comm, sizeof(s->comm) - 1);
	s->nr_faults = t->count.nr_faults;
	if (t->key.stack_id < 0 ||
	    bpf_map_lookup_elem(bpf_map__fd(c->bpf->maps.pf_growth_stacks), &id, s->addresses) < 0)
		return;
	while (s->nr_addresses < PF_STACK_DEPTH && s->addresses[s->nr_addresses])
		s->nr_addresses++;
}

/* Frees the stacks of what was taken, but for those that a count in the table still names. */
static void free_stacks(struct pf_capture *c, const struct taken *taken, int nr_taken)
{
	int counts = bpf_map__fd(c->bpf->maps.pf_growth_counts),
	    stacks = bpf_map__fd(c->bpf->maps.pf_growth_stacks);
	struct pf_growth_key key, before;
	bool first = true;
	uint8_t used[PF_GROWTH_STACKS / 8] = { 0 };

	for (int n = 0; n < PF_GROWTH_COUNTS &&
			bpf_map_get_next_key(counts, first ? NULL : &before, &key) == 0;
	     n++) {
		if (key.stack_id >= 0 && key.stack_id < PF_GROWTH_STACKS)
			used[key.stack_id / 8] |= (uint8_t)(1 << key.stack_id % 8);
		before = key;
		first = false;
	}
	for (int i = 0; i < nr_taken; i++) {
		__s32 id = taken[i].key.stack_id;

		if (id >= 0 && id < PF_GROWTH_STACKS && !(used[id / 8] & 1 << id % 8))
			(void)bpf_map_delete_elem(stacks, &id); /* two counts may have named it */
	}
}

int pf_bpf_growth_read(struct pf_capture *c, uint32_t slot, struct pf_growth_stack *ret_stacks,
		       size_t max)
{
	PF_AUTO(pf_freep) struct taken *taken = NULL;
	uint64_t nr_faults = 0;
	int n, r;

	if (!c->growth_sampler)
		return -EOPNOTSUPP;
	taken = calloc(PF_GROWTH_COUNTS, sizeof(*taken));
	if (!taken)
		return -ENOMEM;
	n = take_counts(c, slot, taken);
	if (n < 0)
		return n;
	qsort(taken, (size_t)n, sizeof(*taken), by_faults);
	for (int i = 0; i < n && (size_t)i < max; i++)
		fill_stack(c, &taken[i], &ret_stacks[i]);
	free_stacks(c, taken, n);
	for (int i = 0; i < n; i++)
		nr_faults += taken[i].count.nr_faults;
	r = adapt_period(c->growth_sampler, nr_faults);
	if (r < 0)
		return r;
	return (int)PF_MIN((size_t)n, max);
}

void pf_bpf_growth_forget(struct pf_capture *c, uint32_t slot)
{
	if (!pf_bpf_growth_is_watched(c, slot))
		return;
	(void)pf_bpf_growth_watch(c, slot, false); /* nothing to be done about a stuck event */
	(void)pf_bpf_growth_read(
		c, slot, NULL,
		0); /* -ENOMEM: what is left is mistaken for the next one's first samples */
}
