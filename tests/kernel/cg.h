/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cg.h - cgroups of the tests' own, on v1, hybrid and v2 alike. All of them lie below one directory
 * that only this run uses; nothing that was there before is touched.
 */
#ifndef PF_TESTS_KERNEL_CG_H
#define PF_TESTS_KERNEL_CG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

/* A cgroup: the same path in every hierarchy that is mounted. */
struct kt_cg {
	char path[160]; /* below the mount, as "/podfit-test-123/a" */
};

struct kt_throttling {
	uint64_t nr_periods, nr_throttled, throttled_ns;
};

/** kt_cg_root() - the directory of this run: "/podfit-test-<pid>". */
const char *kt_cg_root(void);

/** kt_cg_init() - finds the hierarchies; called once, by the runner. Return: 0; -ENOENT if no
 * cgroup file system is mounted. */
PF_MUST_CHECK int kt_cg_init(void);

bool kt_cg_is_v2(void);
/** kt_cg_has() - is controller @name ("cpu", "memory", "blkio"/"io") usable? */
bool kt_cg_has(const char *name);

/* The following end the test as failed when the kernel refuses. @name may hold a slash: a cgroup
 * inside another that exists. */
void kt_cg_new(struct kt_cg *cg, const char *name);
/** kt_cg_new_beside() - not below kt_cg_root() but beside it: stays when that is cleared. */
void kt_cg_new_beside(struct kt_cg *cg, const char *suffix);
/** kt_cg_remove() - of an emptied cgroup; waits for its last processes to be gone. */
void kt_cg_remove(const struct kt_cg *cg);
/** kt_cg_delegate() - lets cgroups inside @cg have controllers of their own (v2; v1 always does).
 */
void kt_cg_delegate(const struct kt_cg *cg);
void kt_cg_set_quota(const struct kt_cg *cg, int64_t quota_us, uint64_t period_us); /* -1: none */
/** kt_cg_set_burst() - after the quota, at most as much. Return: false if this kernel has none (before v5.14). */
bool kt_cg_set_burst(const struct kt_cg *cg, uint64_t burst_us);
/** kt_cg_set_weight_max() - of @cg and all above it: as much CPU as there is, beside other cgroups. */
void kt_cg_set_weight_max(const struct kt_cg *cg);
void kt_cg_set_memory_limit(const struct kt_cg *cg, uint64_t bytes);

/** kt_cg_enter() - moves the calling process. Return: 0; negative errno. */
PF_MUST_CHECK int kt_cg_enter(const struct kt_cg *cg);

/* What the kernel's own files say. */
uint64_t kt_cg_cpu_ns(const struct kt_cg *cg);
void kt_cg_throttling(const struct kt_cg *cg, struct kt_throttling *ret_throttling);
uint64_t kt_cg_memory_bytes(const struct kt_cg *cg);
/** kt_cg_memory_stat() - @key as v2 spells it: anon file shmem inactive_file unevictable. */
uint64_t kt_cg_memory_stat(const struct kt_cg *cg, const char *key);
/** kt_cg_pressure_ns() - "some" total of @resource (cpu, memory, io). Return: false without PSI. */
bool kt_cg_pressure_ns(const struct kt_cg *cg, const char *resource, uint64_t *ret_ns);
/** kt_cg_id() - kernfs id in the hierarchy of the memory controller. */
uint64_t kt_cg_id(const struct kt_cg *cg);

/** kt_cg_remove_all() - kills whatever is left in this run's cgroups and removes them. */
void kt_cg_remove_all(void);

#endif
