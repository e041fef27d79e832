/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod_build.h - makes a struct pf_pod of the values that pod_json.c meets, in whatever order they
 * come. Used by pod_json.c only.
 */
#ifndef PF_META_POD_BUILD_H
#define PF_META_POD_BUILD_H

#include "base/arena.h"
#include "meta/pod_json.h"

/* Places in the text: objects and arrays first, then single values. */
enum pf_pod_part {
	PF_PART_NONE,
	PF_PART_LIST,
	PF_PART_LIST_META,
	PF_PART_ITEMS,
	PF_PART_EVENT,
	PF_PART_POD,
	PF_PART_META,
	PF_PART_LABELS,
	PF_PART_ANNOTATIONS,
	PF_PART_OWNERS,
	PF_PART_OWNER,
	PF_PART_SPEC,
	PF_PART_CONTAINERS,
	PF_PART_INIT_CONTAINERS,
	PF_PART_EPHEMERAL_CONTAINERS,
	PF_PART_CONTAINER,
	PF_PART_STATUS,
	PF_PART_CONTAINER_STATUS,
	PF_PART_POD_RESOURCES,
	PF_PART_POD_ACTUAL,
	PF_PART_SPEC_RESOURCES,
	PF_PART_ACTUAL_RESOURCES,
	PF_PART_REQUESTS,
	PF_PART_LIMITS,
	PF_PART_CONTAINER_STATUSES,
	PF_PART_INIT_STATUSES,
	PF_PART_EPHEMERAL_STATUSES,
	PF_PART_STATE,
	PF_PART_RUNNING,
	PF_PART_TERMINATED,
	PF_PART_LAST_STATE,
	PF_PART_LAST_TERMINATED,
	PF_NR_PARTS,

	PF_VALUE_LIST_VERSION = PF_NR_PARTS,
	PF_VALUE_CONTINUE,
	PF_VALUE_STATUS_MESSAGE,
	PF_VALUE_STATUS_REASON,
	PF_VALUE_STATUS_CODE,
	PF_VALUE_EVENT_TYPE,
	PF_VALUE_VERSION,
	PF_VALUE_NAME,
	PF_VALUE_NAMESPACE,
	PF_VALUE_UID,
	PF_VALUE_CREATED,
	PF_VALUE_DELETING,
	PF_VALUE_LABEL,
	PF_VALUE_ANNOTATION,
	PF_VALUE_OWNER_KIND,
	PF_VALUE_OWNER_NAME,
	PF_VALUE_OWNER_UID,
	PF_VALUE_OWNER_API,
	PF_VALUE_OWNER_CONTROLLER,
	PF_VALUE_NODE,
	PF_VALUE_PHASE,
	PF_VALUE_QOS,
	PF_VALUE_SPEC_NAME,
	PF_VALUE_STATUS_NAME,
	PF_VALUE_IMAGE,
	PF_VALUE_RESTART_POLICY,
	PF_VALUE_CONTAINER_ID,
	PF_VALUE_RESTART_COUNT,
	PF_VALUE_RUNNING_STARTED,
	PF_VALUE_TERMINATED_STARTED,
	PF_VALUE_TERMINATED_ID,
	PF_VALUE_LAST_STARTED,
	PF_VALUE_LAST_ID,
	PF_VALUE_CPU_REQUEST,
	PF_VALUE_CPU_LIMIT,
	PF_VALUE_MEMORY_REQUEST,
	PF_VALUE_MEMORY_LIMIT,
};

struct pf_pod_build {
	const char *const *label_keys, *const *annotation_keys;
	struct pf_pod_json_info *info; /* counters of what was not understood */
	struct pf_arena arena;	       /* text of the pod being built */
	struct pf_pod pod;
	bool has_controller;
	struct {
		const char *kind, *name, *uid, *api;
		bool controller;
	} owner;
	enum pf_container_type type; /* of the container or status being read */
	struct pf_resources *resources;
	uint32_t nr_specs, nr_statuses;
	struct pf_pod_container *spec, *status; /* current; NULL: beyond the maximum */
	struct pf_pod_container specs[PF_POD_CONTAINERS_MAX], statuses[PF_POD_CONTAINERS_MAX];
	uint32_t nr_labels;
	struct pf_label labels[PF_LABELS_MAX];
};

void pf_pod_build_init(struct pf_pod_build *build, struct pf_pod_json_info *info);
void pf_pod_build_done(struct pf_pod_build *build);

/** pf_pod_build_begin() - a new pod; the one before is gone. */
void pf_pod_build_begin(struct pf_pod_build *build);

/** pf_pod_build_enter(), leave() - an object or array of the pod begins, ends. */
void pf_pod_build_enter(struct pf_pod_build *build, enum pf_pod_part part);
void pf_pod_build_leave(struct pf_pod_build *build, enum pf_pod_part part);

/** pf_pod_build_value() - a single value; @key: of labels and annotations. */
void pf_pod_build_value(struct pf_pod_build *build, enum pf_pod_part value, const char *key,
			const char *text);

/** pf_pod_build_end() - the pod, valid until the next begin. NULL: it is none (counted as lost). */
const struct pf_pod *pf_pod_build_end(struct pf_pod_build *build);

#endif
