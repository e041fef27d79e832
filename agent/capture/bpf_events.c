// SPDX-License-Identifier: Apache-2.0
/*
 * bpf_events.c - the ring of rare events: cgroups made and removed, OOM kills.
 *
 * On v1 a container is one directory in each hierarchy; they are made and removed one by one, and
 * events of all of them come. The primary hierarchy's directory decides; the others bind what was
 * missing, or add their part of the end.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture/bpf_private.h"
#include "sys/clock.h"
#include "sys/log.h"

static struct pf_brief *find_brief(struct pf_capture *c, const char *path)
{
	for (uint32_t i = 0; i < c->nr_briefs; i++)
		if (!strcmp(c->briefs[i].path, path))
			return &c->briefs[i];
	return NULL;
}

static struct pf_brief *add_brief(struct pf_capture *c, const char *path)
{
	struct pf_brief *b = find_brief(c, path);

	if (b)
		return b;
	if (c->nr_briefs == PF_BRIEFS_MAX) {
		c->nr_briefs_lost++;
		return NULL;
	}
	b = &c->briefs[c->nr_briefs++];
	memset(b, 0, sizeof(*b));
	memcpy(b->path, path, strnlen(path, sizeof(b->path) - 1));
	b->id = b->born_ns = b->usage_ns = b->watermark_bytes = b->nr_oom_kills = PF_UNKNOWN;
	return b;
}

static bool is_primary(const struct pf_capture *c, const struct pf_event_head *head)
{
	return head->hierarchy == (uint32_t)c->layout.hierarchy[c->layout.primary];
}

static void on_created(struct pf_capture *c, const struct pf_cgroup_event *e)
{
	struct pf_tracked *t = pf_discover_by_path(c->discover, e->path);
	struct pf_brief *b;

	if (t && !c->slots[t->slot]->removed) {
		pf_bpf_rebind(c, t);
		return;
	}
	if (!is_primary(c, &e->head))
		return;
	if (t) /* made anew under the same name before the rest of the old one was gone */
		pf_bpf_finish(c, t);
	/* Gone already: its removal is in the ring behind this event. */
	if (pf_discover_hint(c->discover, e->path, e->head.at_ns) != -ENOENT)
		return;
	b = add_brief(c, e->path);
	if (b) {
		b->id = e->head.cgroup_id;
		b->born_ns = e->head.at_ns;
	}
}

/* A cgroup without a slot. One that was seen coming is accounted; the others are not ours, or were
 * refused. */
static void on_removed(struct pf_capture *c, const struct pf_cgroup_event *e)
{
	struct pf_brief *b = find_brief(c, e->path);
	struct pf_cgroup_class class;

	if (!b && (is_primary(c, &e->head) || !pf_discover_classify(c->discover, e->path, &class)))
		return;
	if (!b)
		b = add_brief(c, e->path);
	if (!b)
		return;
	if (e->usage_ns != PF_ABI_UNKNOWN)
		b->usage_ns = e->usage_ns;
	if (e->memory_watermark_bytes != PF_ABI_UNKNOWN)
		b->watermark_bytes = e->memory_watermark_bytes;
	if (e->events_oom_kill != PF_ABI_UNKNOWN)
		b->nr_oom_kills = e->events_oom_kill;
	b->gone_ns = e->head.at_ns;
	b->removed = b->removed || is_primary(c, &e->head);
}

static void report_brief(struct pf_capture *c, const struct pf_brief *b,
			 const struct pf_cgroup_class *class)
{
	struct pf_cgroup cgroup = { .handle = pf_discover_new_handle(c->discover),
				    .id = b->id,
				    .path = b->path,
				    .class = *class };
	struct pf_sample s;

	cgroup.born_ns = b->born_ns;
	c->opts.sink.appeared(c->opts.sink.arg, &cgroup);
	pf_sample_clear(&s);
	s.handle = cgroup.handle;
	s.start_ns = b->born_ns;
	s.end_ns = b->gone_ns;
	s.last = true;
	s.usage_ns = b->usage_ns;
	s.memory_peak_bytes = b->watermark_bytes;
	s.events_oom_kill = b->nr_oom_kills;
	c->opts.sink.sampled(c->opts.sink.arg, &s);
	c->opts.sink.vanished(c->opts.sink.arg, cgroup.handle);
}

void pf_bpf_events_flush(struct pf_capture *c, uint64_t now_ns)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < c->nr_briefs; i++) {
		struct pf_brief *b = &c->briefs[i];
		struct pf_cgroup_class class;

		/* Not removed: between two hierarchies' events, or the removal's event was lost. */
		if (b->removed && b->born_ns != PF_UNKNOWN &&
		    pf_discover_classify(c->discover, b->path, &class))
			report_brief(c, b, &class);
		else if (!b->removed && b->born_ns != PF_UNKNOWN &&
			 now_ns < b->born_ns + 60 * PF_NS_PER_S)
			c->briefs[kept++] = *b;
	}
	c->nr_briefs = kept;
}

static void on_gone(struct pf_capture *c, const struct pf_cgroup_event *e)
{
	struct pf_tracked *t = pf_discover_by_slot(c->discover, e->head.slot);
	struct pf_bound_slot *s = t ? c->slots[t->slot] : NULL;
	bool ours = false;
	uint32_t bound;

	for (uint32_t i = 0; s && i < s->want_count; i++)
		ours |= s->wants[i].cgroup_id == e->head.cgroup_id &&
			s->wants[i].hierarchy == e->head.hierarchy;
	if (!ours) /* finished already, by a scan */
		return;
	s->removed = true;
	bound = c->snaps[t->slot].bound;
	if ((!(bound & PF_BOUND_CPU) || bound & PF_BOUND_CPU_GONE) &&
	    (!(bound & PF_BOUND_MEMORY) || bound & PF_BOUND_MEMORY_GONE))
		pf_bpf_finish(c, t);
}

static void on_oom(struct pf_capture *c, const struct pf_oom_event *e)
{
	struct pf_tracked *t = e->head.slot ? pf_discover_by_slot(c->discover, e->head.slot) : NULL;
	struct pf_oom_kill kill = {
		.at_ns = e->head.at_ns,
		.handle = t ? t->cgroup.handle : 0,
		.cgroup_id = e->head.cgroup_id,
		.pid = e->tgid,
		.whole_node = e->whole_node,
		.usage_bytes = e->usage_bytes,
		.limit_bytes = e->limit_bytes,
		.container_usage_bytes = e->container_usage_bytes,
		.victim_anon_bytes = e->victim_anon_bytes,
		.victim_file_bytes = e->victim_file_bytes,
		.victim_shmem_bytes = e->victim_shmem_bytes,
	};

	memcpy(kill.comm, e->comm, sizeof(kill.comm) - 1);
	pf_snap_memory_kinds(e->stats, &kill.kinds);
	c->opts.sink.oom_killed(c->opts.sink.arg, &kill);
}

static int on_event(void *capture, void *data, size_t size)
{
	struct pf_capture *c = capture;
	const struct pf_event_head *head = data;

	if (size < sizeof(*head))
		return 0;
	if (head->kind == PF_EVENT_OOM) {
		if (size >= sizeof(struct pf_oom_event))
			on_oom(c, data);
		return 0;
	}

	/* Sent as long as its path is; the rest of the path is zero here. */
	struct pf_cgroup_event e = { 0 };

	memcpy(&e, data, PF_MIN(size, sizeof(e) - 1));
	if (head->kind == PF_EVENT_CREATED)
		on_created(c, &e);
	else if (head->kind == PF_EVENT_REMOVED)
		on_removed(c, &e);
	else if (head->kind == PF_EVENT_GONE)
		on_gone(c, &e);
	return 0;
}

static uint64_t hierarchy_bit(const struct pf_capture *c, int controller)
{
	int hierarchy = c->layout.hierarchy[controller];

	return hierarchy >= 0 && hierarchy < 64 ? 1ull << hierarchy : 0;
}

int pf_bpf_events_open(struct pf_capture *c)
{
	struct pf_control *control = &c->bpf->data->pf_control;

	c->briefs = calloc(PF_BRIEFS_MAX, sizeof(*c->briefs));
	if (!c->briefs)
		return -ENOMEM;
	c->ring = ring_buffer__new(bpf_map__fd(c->bpf->maps.pf_events), on_event, c, NULL);
	if (!c->ring)
		return -errno;
	for (int i = 0; i < PF_NR_CONTROLLERS; i++)
		if (i != PF_CTL_CPUACCT) /* its counters are not read */
			control->watched_hierarchies |= hierarchy_bit(c, i);
	control->primary_hierarchy = hierarchy_bit(c, c->layout.primary);
	control->usage_hierarchies = hierarchy_bit(c, PF_CTL_CPU) | hierarchy_bit(c, PF_CTL_MEMORY);
	return 0;
}

void pf_bpf_events_close(struct pf_capture *c)
{
	ring_buffer__free(c->ring);
	free(c->briefs);
}

int pf_bpf_events_fd(struct pf_capture *c)
{
	return ring_buffer__epoll_fd(c->ring);
}

int pf_bpf_events_dispatch(struct pf_capture *c)
{
	int r = ring_buffer__consume(c->ring);

	return r < 0 ? r : 0;
}
