// SPDX-License-Identifier: Apache-2.0
/*
 * bpf_stat.c - tells the snapshot program where each kind of memory is in this kernel's counters.
 *
 * Guesses: up to v6.9 the array is indexed by enum values, which BTF has; since v6.10 it holds the
 * kinds in the order of memory.stat's table, whose first twenty entries are the same in all kernels
 * seen (6.12, 6.18, 7.2). The rest is found, and the guesses are checked, by comparing memory.stat
 * of some cgroups with the array.
 */
#include <bpf/btf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/bpf_private.h"
#include "capture/cgroup_parse.h"
#include "capture/statmap.h"
#include "sys/file.h"

#define OBSERVATIONS_MAX 200 /* cgroups compared; a file costs about 12 us */
#define STAT_FILE_MAX	 16384

static const struct kind {
	const char *v2_name, *v1_name; /* NULL: v1 does not show it */
	const char *enum_name;	       /* the kernel's, up to v6.9 */
	uint32_t compact;	       /* position since v6.10 */
	enum pf_statmap_unit unit;
} kinds[PF_NR_MEMSTATS] = {
	[PF_MEMSTAT_ANON] = { "anon", "total_rss", "NR_ANON_MAPPED", 14, PF_UNIT_PAGES },
	[PF_MEMSTAT_FILE] = { "file", "total_cache", "NR_FILE_PAGES", 16, PF_UNIT_PAGES },
	[PF_MEMSTAT_SHMEM] = { "shmem", "total_shmem", "NR_SHMEM", 19, PF_UNIT_PAGES },
	[PF_MEMSTAT_INACTIVE_FILE] = { "inactive_file", "total_inactive_file", "NR_INACTIVE_FILE",
				       2, PF_UNIT_PAGES },
	[PF_MEMSTAT_ACTIVE_FILE] = { "active_file", "total_active_file", "NR_ACTIVE_FILE", 3,
				     PF_UNIT_PAGES },
	[PF_MEMSTAT_UNEVICTABLE] = { "unevictable", "total_unevictable", "NR_UNEVICTABLE", 4,
				     PF_UNIT_PAGES },
	[PF_MEMSTAT_SLAB_RECLAIMABLE] = { "slab_reclaimable", NULL, "NR_SLAB_RECLAIMABLE_B", 5,
					  PF_UNIT_BYTES },
	[PF_MEMSTAT_SLAB_UNRECLAIMABLE] = { "slab_unreclaimable", NULL, "NR_SLAB_UNRECLAIMABLE_B",
					    6, PF_UNIT_BYTES },
	[PF_MEMSTAT_KERNEL_STACK] = { "kernel_stack", NULL, "NR_KERNEL_STACK_KB", 23, PF_UNIT_KIB },
	[PF_MEMSTAT_PAGETABLES] = { "pagetables", NULL, "NR_PAGETABLE", 24, PF_UNIT_PAGES },
	[PF_MEMSTAT_PERCPU] = { "percpu", NULL, "MEMCG_PERCPU_B", PF_STATMAP_NONE, PF_UNIT_BYTES },
	[PF_MEMSTAT_SOCK] = { "sock", NULL, "MEMCG_SOCK", PF_STATMAP_NONE, PF_UNIT_PAGES },
};

struct pf_stat_finder {
	struct pf_statmap kinds[PF_NR_MEMSTATS];
	uint32_t nr_observations;
	uint32_t next_slot;
};

PF_DEFINE_AUTO(struct btf *, btf__free);

static long enum_value(const struct btf *btf, const char *type, const char *value)
{
	int id = btf__find_by_name_kind(btf, type, BTF_KIND_ENUM);
	const struct btf_type *t = id > 0 ? btf__type_by_id(btf, (__u32)id) : NULL;
	const struct btf_enum *e = t ? btf_enum(t) : NULL;

	for (int i = 0; e && i < btf_vlen(t); i++, e++)
		if (!strcmp(btf__name_by_offset(btf, e->name_off), value))
			return e->val;
	return -1;
}

/* Length of memcg_vmstats.state[]. */
static long nr_state(const struct btf *btf)
{
	int id = btf__find_by_name_kind(btf, "memcg_vmstats", BTF_KIND_STRUCT);
	const struct btf_type *t = id > 0 ? btf__type_by_id(btf, (__u32)id) : NULL;
	const struct btf_member *m = t ? btf_members(t) : NULL;

	for (int i = 0; m && i < btf_vlen(t); i++, m++) {
		const struct btf_type *member = btf__type_by_id(btf, m->type);

		if (!strcmp(btf__name_by_offset(btf, m->name_off), "state") && btf_is_array(member))
			return btf_array(member)->nelems;
	}
	return -1;
}

/*
 * What the memory cgroup counts itself comes last in the compact array, in the order of its enum:
 * so the distance from the end is the enum's.
 */
static uint32_t guess(const struct btf *btf, const struct kind *kind)
{
	long length = nr_state(btf), end = enum_value(btf, "memcg_stat_item", "MEMCG_NR_STAT");
	long own = enum_value(btf, "memcg_stat_item", kind->enum_name);
	long node = enum_value(btf, "node_stat_item", kind->enum_name);

	if (length == end)
		return own >= 0 ? (uint32_t)own : node >= 0 ? (uint32_t)node : PF_STATMAP_NONE;
	if (own >= 0 && end > own && length >= end - own)
		return (uint32_t)(length - (end - own));
	return kind->compact;
}

int pf_bpf_stat_new(struct pf_stat_finder **ret_finder)
{
	PF_AUTO(btf__freep) struct btf *btf = btf__parse("/sys/kernel/btf/vmlinux", NULL);
	struct pf_stat_finder *finder;

	if (!btf)
		return -errno;
	finder = calloc(1, sizeof(*finder));
	if (!finder)
		return -ENOMEM;
	for (size_t i = 0; i < PF_NR_MEMSTATS; i++)
		pf_statmap_init(&finder->kinds[i], kinds[i].unit, guess(btf, &kinds[i]));
	finder->next_slot = 1;
	*ret_finder = finder;
	return 0;
}

void pf_bpf_stat_free(struct pf_stat_finder *finder)
{
	free(finder);
}

static void observe(const struct kind *kind, struct pf_statmap *map, const char *before,
		    const char *after, bool v2, const uint64_t *raw, uint32_t nr_raw)
{
	const char *name = v2 ? kind->v2_name : kind->v1_name;
	uint64_t first, second;

	/* Only what stood still while the array was read. */
	if (name && pf_cgroup_parse_key(before, name, &first) == 0 &&
	    pf_cgroup_parse_key(after, name, &second) == 0 && first == second)
		pf_statmap_observe(map, first, raw, nr_raw, (uint32_t)sysconf(_SC_PAGESIZE));
}

static int open_file(const struct pf_capture *c, enum pf_controller controller,
		     const struct pf_tracked *t, const char *name)
{
	char path[PF_CGROUP_PATH_MAX + 64];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", t->cgroup.path + 1, name);
	fd = openat(c->layout.dir_fd[controller], path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int open_stat(const struct pf_capture *c, const struct pf_tracked *t)
{
	return open_file(c, PF_CTL_MEMORY, t, "memory.stat");
}

uint64_t pf_bpf_file_usage_ns(const struct pf_capture *c, const struct pf_tracked *t)
{
	PF_AUTO(pf_closep) int fd = -1;
	uint64_t usage_us;
	char text[2048];

	if (c->layout.mode != PF_CGROUP_V2)
		return PF_UNKNOWN;
	fd = open_file(c, PF_CTL_CPU, t, "cpu.stat");
	if (fd < 0 || pf_file_read_small(&pf_sys_real, fd, text, sizeof(text)) < 0 ||
	    pf_cgroup_parse_key(text, "usage_usec", &usage_us) < 0)
		return PF_UNKNOWN;
	return usage_us * PF_NS_PER_US;
}

void pf_bpf_stat_fold(struct pf_capture *c, const struct pf_tracked *t)
{
	PF_AUTO(pf_closep) int fd = open_stat(c, t);
	char text[16];

	if (fd >= 0)
		(void)!read(
			fd, text,
			sizeof(text)); /* the text is not needed; a cgroup that is gone has none */
}

/* Compares one cgroup. Reading the file makes the kernel fold its counters, so that the array
 * agrees with it. */
static int compare(struct pf_capture *c, struct pf_tracked *t)
{
	struct pf_rawstat_arg *arg = &c->bpf->bss->pf_rawstat;
	char before[STAT_FILE_MAX], after[STAT_FILE_MAX];
	PF_AUTO(pf_closep) int fd = open_stat(c, t);
	bool v2 = c->layout.mode == PF_CGROUP_V2;
	ssize_t len;
	int r;

	if (fd < 0)
		return fd;
	len = pf_file_read_small(&pf_sys_real, fd, before, sizeof(before));
	if (len < 0)
		return (int)len;
	arg->slot = t->slot;
	r = pf_bpf_run(c->bpf->progs.pf_read_rawstat, NULL, 0);
	if (r < 0 || !arg->nr_state)
		return r < 0 ? r : -ESTALE;
	len = pf_file_read_small(&pf_sys_real, fd, after, sizeof(after));
	if (len < 0)
		return (int)len;
	for (size_t i = 0; i < PF_NR_MEMSTATS; i++)
		observe(&kinds[i], &c->stat_finder->kinds[i], before, after, v2,
			(uint64_t *)arg->state, arg->nr_state);
	c->stat_finder->nr_observations++;
	return 0;
}

static void publish(struct pf_capture *c)
{
	struct pf_control *control = &c->bpf->data->pf_control;

	for (size_t i = 0; i < PF_NR_MEMSTATS; i++)
		control->stat_index[i] = pf_statmap_index(&c->stat_finder->kinds[i]);
}

void pf_bpf_stat_learn(struct pf_capture *c, uint32_t nr_cgroups)
{
	struct pf_stat_finder *finder = c->stat_finder;
	uint32_t end = pf_discover_highest_slot(c->discover);

	for (uint32_t i = 0; i < end && nr_cgroups && finder->nr_observations < OBSERVATIONS_MAX;
	     i++) {
		struct pf_tracked *t;

		finder->next_slot = finder->next_slot < end ? finder->next_slot + 1 : 1;
		t = pf_discover_by_slot(c->discover, finder->next_slot);
		if (t && compare(c, t) == 0) /* one that went just now teaches nothing */
			nr_cgroups--;
	}
	publish(c);
}
