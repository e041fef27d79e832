// SPDX-License-Identifier: Apache-2.0
/*
 * bpf_bind.c - ties a slot to the kernel objects of a cgroup: its ids go into pf_want, and an
 * iterator over just that directory stores the pointers. Needs no right beyond the descriptors, so
 * it works after the capability drop.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/bpf_private.h"
#include "sys/log.h"

#define LOOKS_MAX 3 /* for extras that a runtime makes late, or never */

/* Controllers whose hierarchies a slot is bound in; one of several in a hierarchy is enough. */
static const enum pf_controller bound_controllers[] = {
	PF_CTL_CPU, PF_CTL_MEMORY, PF_CTL_PIDS, PF_CTL_BLKIO, PF_CTL_UNIFIED,
};

#define EPOCH_BIT 52 /* the lowest of the epoch's in its word */

static void forget_looked_up(struct pf_capture *c)
{
	int r = pf_bpf_clear_map(c->bpf->maps.pf_css_slots),
	    r_block = pf_bpf_clear_map(c->bpf->maps.pf_block_css_slots);

	memset(c->bpf->bss->pf_threads, 0, sizeof(c->bpf->bss->pf_threads));
	r = r < 0 ? r : r_block;
	if (r < 0)
		pf_log(PF_LOG_WARNING, "capture",
		       "old slots cannot be cleared: %s; a cgroup idle since may be booked wrongly",
		       strerror(-r));
}

/* pf_want has changed: whatever was looked up is to be looked up again. */
static void new_epoch(struct pf_capture *c)
{
	struct pf_control *control = &c->bpf->data->pf_control;
	uint64_t epoch_bits = control->epoch_bits + (1ull << EPOCH_BIT);

	/*
	 * An entry untouched for 4096 changes would look fresh, so all are cleared before that: twice a round, because
	 * a program that runs meanwhile still writes one of the epoch that ends here.
	 */
	if (!(epoch_bits << 1))
		forget_looked_up(c);
	__atomic_store_n(&control->epoch_bits, epoch_bits, __ATOMIC_RELEASE);
}

static bool is_bound_in(const struct pf_bound_slot *s, uint32_t hierarchy)
{
	for (uint32_t i = 0; i < s->want_count; i++)
		if (s->wants[i].hierarchy == hierarchy)
			return true;
	return false;
}

/* Runs pf_bind on the directory. */
static int iterate(struct pf_capture *c, int dir_fd)
{
	union bpf_iter_link_info info = {
		.cgroup = { .order = BPF_CGROUP_ITER_SELF_ONLY, .cgroup_fd = (__u32)dir_fd },
	};
	LIBBPF_OPTS(bpf_link_create_opts, opts, .iter_info = &info, .iter_info_len = sizeof(info));
	PF_AUTO(pf_closep)
	int link_fd =
		bpf_link_create(bpf_program__fd(c->bpf->progs.pf_bind), 0, BPF_TRACE_ITER, &opts);
	PF_AUTO(pf_closep) int iter_fd = -1;
	char none[8];

	if (link_fd < 0)
		return link_fd;
	iter_fd = bpf_iter_create(link_fd);
	if (iter_fd < 0)
		return iter_fd;
	while (read(iter_fd, none, sizeof(none)) > 0)
		;
	return 0;
}

static int bind_hierarchy(struct pf_capture *c, struct pf_tracked *t, enum pf_controller controller)
{
	struct pf_bound_slot *s = c->slots[t->slot];
	struct pf_want_key key = { .hierarchy = (__u32)c->layout.hierarchy[controller] };
	PF_AUTO(pf_closep) int fd = -1;
	struct stat st;
	int r;

	if (c->layout.dir_fd[controller] < 0 || c->layout.hierarchy[controller] < 0 ||
	    is_bound_in(s, key.hierarchy))
		return 0;
	fd = openat(c->layout.dir_fd[controller], t->cgroup.path + 1,
		    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0
				       : -errno; /* a runtime makes the hierarchies one by one */
	if (fstat(fd, &st) < 0)
		return -errno;
	key.cgroup_id = st.st_ino;
	r = bpf_map_update_elem(bpf_map__fd(c->bpf->maps.pf_want), &key, &t->slot, BPF_ANY);
	if (r < 0)
		return r;
	s->wants[s->want_count++] = key;
	return iterate(c, fd);
}

/*
 * Whether CPU and memory are bound, or not to be had. While one is missing, new directories of all hierarchies are told:
 * v1 runtimes make them one after the other. PSI and pids are extras, looked for at each snapshot.
 */
static void note_complete(struct pf_capture *c, const struct pf_tracked *t)
{
	struct pf_bound_slot *s = c->slots[t->slot];
	uint32_t need = (c->layout.hierarchy[PF_CTL_CPU] >= 0 ? PF_BOUND_CPU : 0) |
			(c->layout.hierarchy[PF_CTL_MEMORY] >= 0 ? PF_BOUND_MEMORY : 0);
	bool incomplete = (c->snaps[t->slot].bound & need) != need;

	c->bpf->data->pf_control.nr_incomplete += (uint64_t)incomplete - (uint64_t)s->incomplete;
	s->incomplete = incomplete;
}

static int bind_all(struct pf_capture *c, struct pf_tracked *t)
{
	uint32_t before = c->slots[t->slot]->want_count;
	int r = 0;

	for (size_t i = 0; i < PF_ARRAY_SIZE(bound_controllers) && r >= 0; i++)
		r = bind_hierarchy(c, t, bound_controllers[i]);
	note_complete(c, t);
	if (c->slots[t->slot]->want_count != before)
		new_epoch(c);
	return r;
}

/* The window pass is split so that a burst stays near 100 us: about 125 ns for each CPU of a slot.
 */
static void adapt_phases(struct pf_capture *c)
{
	struct pf_control *control = &c->bpf->data->pf_control;
	uint32_t nr_used = pf_discover_highest_slot(c->discover);
	uint64_t nr_phases = ((uint64_t)nr_used * c->nr_cpus + 799) / 800;

	control->nr_used = nr_used;
	control->nr_phases = (uint32_t)PF_MIN(PF_MAX(nr_phases, 1), 20);
}

/* The kernel's side of a slot, empty. */
static int clear_slot(struct pf_capture *c, uint32_t slot)
{
	char none[256] = { 0 };
	struct bpf_map *refs = c->bpf->maps.pf_refs;
	int r;

	if (bpf_map__value_size(refs) > sizeof(none))
		return -EOVERFLOW;
	r = bpf_map_update_elem(bpf_map__fd(refs), &slot, none, BPF_ANY);
	if (r < 0)
		return r;
	for (uint32_t cpu = 0; cpu < c->nr_cpus; cpu++) {
		struct pf_wait_rec *rec = &c->waits[(size_t)cpu * c->nr_slots + slot];
		struct pf_throttle_key key = { .slot = slot, .cpu = cpu };

		if (rec->last_throttle_end_ns || rec->quota_ns)
			(void)bpf_map_delete_elem(bpf_map__fd(c->bpf->maps.pf_throttles),
						  &key); /* none where there was no memory */
		memset(rec, 0, sizeof(*rec));
	}
	if (c->windows[slot].reclaim_ns || c->windows[slot].block_io_ns)
		(void)bpf_map_delete_elem(bpf_map__fd(c->bpf->maps.pf_stalls),
					  &slot); /* the same */
	memset(&c->windows[slot], 0, sizeof(*c->windows));
	memset(&c->snaps[slot], 0, sizeof(*c->snaps));
	return 0;
}

/* For a cgroup that lived before us, what it did until now is not ours to report. */
static void take_baseline(struct pf_capture *c, struct pf_tracked *t)
{
	struct pf_snapshot_arg arg = { .first = t->slot, .end = t->slot + 1 };

	struct pf_totals *before = &c->slots[t->slot]->before;

	if (!t->from_start || pf_bpf_run(c->bpf->progs.pf_snapshot, &arg, sizeof(arg)) < 0)
		return;
	pf_bpf_take_baseline(c, t->slot);
	if (!(before->snap.bound & PF_BOUND_CPU))
		before->snap.usage_ns = pf_bpf_file_usage_ns(c, t);
}

int pf_bpf_appeared(void *capture, struct pf_tracked *t)
{
	struct pf_capture *c = capture;
	struct pf_bound_slot *s;
	int r = clear_slot(c, t->slot);

	if (r < 0)
		return r;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->start_ns = t->since_ns;
	c->slots[t->slot] = s;
	r = bind_all(c, t);
	if (r >= 0 && !c->snaps[t->slot].bound)
		r = -ESTALE;
	if (r < 0) {
		pf_bpf_release(c, t);
		return r;
	}
	take_baseline(c, t);
	adapt_phases(c);
	c->opts.sink.appeared(c->opts.sink.arg, &t->cgroup);
	return 0;
}

void pf_bpf_rebind(struct pf_capture *c, struct pf_tracked *t)
{
	struct pf_bound_slot *s = c->slots[t->slot];

	if (!s->incomplete && s->nr_looks >= LOOKS_MAX)
		return;
	s->nr_looks++;
	(void)bind_all(c, t); /* what is not there stays unknown */
}

void pf_bpf_release(struct pf_capture *c, struct pf_tracked *t)
{
	struct pf_bound_slot *s = c->slots[t->slot];

	if (!s)
		return;
	for (uint32_t i = 0; i < s->want_count; i++)
		(void)bpf_map_delete_elem(bpf_map__fd(c->bpf->maps.pf_want),
					  &s->wants[i]); /* there, or gone already */
	pf_bpf_growth_forget(c, t->slot);
	c->bpf->data->pf_control.nr_incomplete -= s->incomplete;
	new_epoch(c);
	(void)clear_slot(c, t->slot); /* again when the slot is taken anew */
	c->slots[t->slot] = NULL;
	free(s->rare_before);
	free(s);
}
