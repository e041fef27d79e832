/* SPDX-License-Identifier: Apache-2.0 */
/*
 * demo.h - `make run`: four real workloads under real limits, podfit at work on them, and nothing
 * left behind.
 *
 * They stand where the kubelet would put them, below a cgroup of the demo's own, and a small server
 * on loopback plays the kubelet that knows their names and requests.
 */
#ifndef PF_DEMO_DEMO_H
#define PF_DEMO_DEMO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct demo_workload {
	const char *name; /* of Deployment, container and process */
	const char *what; /* one line for people */
	unsigned cpu_request_millicores, cpu_limit_millicores;
	unsigned memory_request_mib, memory_limit_mib;
	void (*run)(void); /* never returns */
	char pod_uid[37], container_id[65];
};

enum { DEMO_NR_WORKLOADS = 4 };
extern struct demo_workload demo_workloads[DEMO_NR_WORKLOADS];

/* ---- cgroups.c ---- */
struct demo_cgroups {
	bool v2;
	char roots[8][256]; /* directories of the hierarchies that are used, each once */
	size_t nr_roots;
	char name[64]; /* of the demo's own cgroup in each of them */
};

/** demo_cgroups_find() - the hierarchies of this host. Return: 0; -errno with @error. */
int demo_cgroups_find(struct demo_cgroups *ret_cgroups, char *error, size_t error_size);
/** demo_cgroups_make() - a workload's cgroup with its limits. Return: 0; -errno with @error. */
int demo_cgroups_make(const struct demo_cgroups *cgroups, const struct demo_workload *workload,
		      char *error, size_t error_size);
/** demo_cgroups_join() - moves the calling process there. Return: 0; -errno. */
int demo_cgroups_join(const struct demo_cgroups *cgroups, const struct demo_workload *workload);
/** demo_cgroups_remove() - ends all that runs below the demo's cgroup and removes it. */
void demo_cgroups_remove(const struct demo_cgroups *cgroups);
/** demo_cgroups_remove_stale() - those of demos that are no more. */
void demo_cgroups_remove_stale(const struct demo_cgroups *cgroups);

/* ---- pods.c: the stand-in for the kubelet ---- */
struct demo_pods;
/** demo_pods_serve() - GET /pods on a free port of loopback. Return: 0; -errno with @error. */
int demo_pods_serve(struct demo_pods **ret_pods, char *error, size_t error_size);
const char *demo_pods_address(const struct demo_pods *pods); /* "127.0.0.1:41234" */
void demo_pods_free(struct demo_pods *pods);		     /* accepts NULL */

/* ---- workloads.c ---- */
/** demo_workload_main() - becomes that workload; does not return. */
void demo_workload_main(const struct demo_workload *workload);

#endif
