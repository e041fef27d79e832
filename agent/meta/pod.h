/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod.h - what podfit keeps of a pod: a plain value whose strings and arrays lie where its maker
 * put them (the parser's arena, or one block of memory made by pf_pod_copy()).
 */
#ifndef PF_META_POD_H
#define PF_META_POD_H

#include "base/cleanup.h"
#include "core/types.h"

/* A pod may have more containers; those are not named and counted as a loss. */
enum { PF_POD_CONTAINERS_MAX = 128 };

enum pf_pod_container_state {
	PF_POD_CONTAINER_WAITING, /* or not told */
	PF_POD_CONTAINER_RUNNING,
	PF_POD_CONTAINER_TERMINATED,
};

struct pf_pod_container {
	const char *name, *image;
	const char *id;	     /* of the newest instance, without prefix; "" before */
	const char *last_id; /* of the instance before it, where told */
	enum pf_container_type type;
	enum pf_pod_container_state state;
	uint32_t restart_count;			     /* of the newest instance */
	int64_t started_unix_s, last_started_unix_s; /* 0: not told */
	struct pf_resources spec, actual;	     /* actual: unknown if not told */
};

/* Strings are never NULL. */
struct pf_pod {
	const char *namespace_name, *name, *node;
	const char *uid;	/* the API's; for a static pod seen by the API, of its mirror */
	const char *cgroup_uid; /* as in the cgroup path */
	const char *owner_kind, *owner_name, *owner_uid, *owner_api; /* controller; "apps/v1" */
	const char *template_hash;				     /* label pod-template-hash */
	const char *phase;
	bool static_pod, deleting;
	enum pf_qos qos;
	int64_t created_unix_s;
	struct pf_resources pod_spec, pod_actual; /* of the pod as a whole */
	const struct pf_label *labels;
	uint32_t nr_labels;
	const struct pf_pod_container *containers;
	uint32_t nr_containers;
};

/** pf_pod_copy() - a copy in one block. Return: 0; -ENOMEM. */
PF_MUST_CHECK int pf_pod_copy(const struct pf_pod *pod, struct pf_pod **ret_pod);
void pf_pod_free(struct pf_pod *pod); /* of pf_pod_copy(); accepts NULL */
PF_DEFINE_AUTO(struct pf_pod *, pf_pod_free);

/** pf_pod_find_container() - the container that has or had this id, or NULL. @ret_last: it is the
 * instance before the newest. */
const struct pf_pod_container *pf_pod_find_container(const struct pf_pod *pod, const char *id,
						     bool *ret_last);

/** pf_resources_set_all() - every number @value, PF_UNKNOWN or PF_NO_LIMIT. */
void pf_resources_set_all(struct pf_resources *resources, uint64_t value);

#endif
