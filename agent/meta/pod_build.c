// SPDX-License-Identifier: Apache-2.0
#include "meta/pod_build.h"

#include <string.h>

#include "base/parse.h"
#include "base/utf8.h"
#include "sys/clock.h"

enum {
	POD_TEXT_MAX =
		128 * 1024,    /* names, ids, kept labels of one pod; 128 containers need 60 KiB */
	LABEL_VALUE_MAX = 257, /* of annotations; labels are at most 63 long */
};

static const char MIRROR[] = "kubernetes.io/config.mirror",
		  SOURCE[] = "kubernetes.io/config.source", TEMPLATE_HASH[] = "pod-template-hash";

void pf_pod_build_init(struct pf_pod_build *build, struct pf_pod_json_info *info)
{
	build->info = info;
	pf_arena_init(&build->arena, POD_TEXT_MAX);
}

void pf_pod_build_done(struct pf_pod_build *build)
{
	pf_arena_done(&build->arena);
}

/* A copy of at most @size - 1 bytes; bytes that would not be UTF-8 downstream become '?'. */
static const char *keep(struct pf_pod_build *build, const char *text, size_t size)
{
	size_t len = strnlen(text, size - 1);
	char *copy;

	if (!len)
		return "";
	while (text[len] && len && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--; /* not in the middle of a character */
	copy = pf_arena_alloc(&build->arena, len + 1);
	if (!copy)
		return ""; /* the arena remembers; the pod is given up at its end */
	memcpy(copy, text, len);
	for (size_t i = 0; i < len;) {
		size_t n = pf_utf8_len(copy + i, len - i);

		if (!n)
			copy[i] = '?';
		i += n ? n : 1;
	}
	return copy;
}

static void init_container(struct pf_pod_container *c, enum pf_container_type type)
{
	*c = (struct pf_pod_container){
		.name = "", .image = "", .id = "", .last_id = "", .type = type
	};
	/* No resources named in a spec: none are set. None in a status: not told. */
	pf_resources_set_all(&c->spec, PF_NO_LIMIT);
	pf_resources_set_all(&c->actual, PF_UNKNOWN);
}

void pf_pod_build_begin(struct pf_pod_build *build)
{
	pf_arena_reset(&build->arena);
	build->pod = (struct pf_pod){ .namespace_name = "",
				      .name = "",
				      .node = "",
				      .uid = "",
				      .cgroup_uid = "",
				      .owner_kind = "",
				      .owner_name = "",
				      .owner_uid = "",
				      .owner_api = "",
				      .template_hash = "",
				      .phase = "" };
	pf_resources_set_all(&build->pod.pod_spec, PF_NO_LIMIT);
	pf_resources_set_all(&build->pod.pod_actual, PF_UNKNOWN);
	build->has_controller = false;
	build->resources = NULL;
	build->nr_specs = build->nr_statuses = build->nr_labels = 0;
	build->spec = build->status = NULL;
}

static struct pf_pod_container *next_container(struct pf_pod_build *build,
					       struct pf_pod_container *all, uint32_t *nr)
{
	struct pf_pod_container *c;

	if (*nr == PF_POD_CONTAINERS_MAX) {
		build->info->nr_lost_containers++;
		return NULL;
	}
	c = &all[(*nr)++];
	init_container(c, build->type);
	return c;
}

static void enter_resources(struct pf_pod_build *build, struct pf_resources *resources)
{
	build->resources = resources;
	if (resources)
		pf_resources_set_all(resources, PF_NO_LIMIT);
}

void pf_pod_build_enter(struct pf_pod_build *build, enum pf_pod_part part)
{
	switch (part) {
	case PF_PART_CONTAINERS:
	case PF_PART_CONTAINER_STATUSES:
		build->type = PF_CONTAINER_MAIN;
		break;
	case PF_PART_INIT_CONTAINERS:
	case PF_PART_INIT_STATUSES:
		build->type = PF_CONTAINER_INIT;
		break;
	case PF_PART_EPHEMERAL_CONTAINERS:
	case PF_PART_EPHEMERAL_STATUSES:
		build->type = PF_CONTAINER_EPHEMERAL;
		break;
	case PF_PART_CONTAINER:
		build->spec = next_container(build, build->specs, &build->nr_specs);
		break;
	case PF_PART_CONTAINER_STATUS:
		build->status = next_container(build, build->statuses, &build->nr_statuses);
		break;
	case PF_PART_POD_RESOURCES:
		enter_resources(build, &build->pod.pod_spec);
		break;
	case PF_PART_POD_ACTUAL:
		enter_resources(build, &build->pod.pod_actual);
		break;
	case PF_PART_SPEC_RESOURCES:
		enter_resources(build, build->spec ? &build->spec->spec : NULL);
		break;
	case PF_PART_ACTUAL_RESOURCES:
		enter_resources(build, build->status ? &build->status->actual : NULL);
		break;
	case PF_PART_OWNER:
		build->owner.kind = build->owner.name = build->owner.uid = build->owner.api = "";
		build->owner.controller = false;
		break;
	case PF_PART_RUNNING:
		if (build->status)
			build->status->state = PF_POD_CONTAINER_RUNNING;
		break;
	case PF_PART_TERMINATED:
		if (build->status)
			build->status->state = PF_POD_CONTAINER_TERMINATED;
		break;
	default:
		break;
	}
}

void pf_pod_build_leave(struct pf_pod_build *build, enum pf_pod_part part)
{
	struct pf_pod *pod = &build->pod;

	if (part != PF_PART_OWNER || build->has_controller ||
	    (*pod->owner_kind && !build->owner.controller))
		return; /* the controller is the owner; without one the first named */
	pod->owner_kind = build->owner.kind;
	pod->owner_name = build->owner.name;
	pod->owner_uid = build->owner.uid;
	pod->owner_api = build->owner.api;
	build->has_controller = build->owner.controller;
}

static bool key_wanted(const char *const *keys, const char *key)
{
	for (; keys && *keys; keys++) {
		size_t len = strlen(*keys);

		if (len && (*keys)[len - 1] == '*' ? !strncmp(*keys, key, len - 1)
						   : !strcmp(*keys, key))
			return true;
	}
	return false;
}

static void add_label(struct pf_pod_build *build, const char *const *keys, const char *key,
		      const char *text)
{
	struct pf_label *label;

	if (!key_wanted(keys, key) || build->nr_labels == PF_LABELS_MAX)
		return;
	label = &build->labels[build->nr_labels++];
	/* Never written through: the type is for those who own their labels. */
	label->key = (char *)keep(build, key, PF_OBJECT_NAME_MAX + PF_LABEL_NAME_MAX);
	label->value = (char *)keep(build, text, LABEL_VALUE_MAX);
}

static void add_annotation(struct pf_pod_build *build, const char *key, const char *text)
{
	if (!strcmp(key, MIRROR)) {
		build->pod.static_pod = true;
		build->pod.cgroup_uid = keep(build, text, PF_POD_UID_MAX);
	} else if (!strcmp(key, SOURCE) && strcmp(text, "api")) {
		build->pod.static_pod = true; /* the kubelet's own view: from a file or a URL */
	}
	add_label(build, build->annotation_keys, key, text);
}

static int64_t time_of(struct pf_pod_build *build, const char *text)
{
	int64_t wall_ns;

	if (!*text)
		return 0; /* null: never */
	if (pf_clock_parse(text, &wall_ns) < 0) {
		build->info->nr_bad_values++;
		return 0;
	}
	return wall_ns / (int64_t)PF_NS_PER_S;
}

static uint64_t quantity_of(struct pf_pod_build *build, const char *text, bool cpu)
{
	uint64_t value;
	int r = cpu ? pf_parse_cpu_quantity(text, &value) : pf_parse_memory_quantity(text, &value);

	if (r < 0) {
		build->info->nr_bad_values++;
		return PF_UNKNOWN;
	}
	return value;
}

static void resource_value(struct pf_pod_build *build, enum pf_pod_part value, const char *text)
{
	struct pf_resources *resources = build->resources;

	if (!resources)
		return;
	if (value == PF_VALUE_CPU_REQUEST)
		resources->cpu_request_millicores = quantity_of(build, text, true);
	else if (value == PF_VALUE_CPU_LIMIT)
		resources->cpu_limit_millicores = quantity_of(build, text, true);
	else if (value == PF_VALUE_MEMORY_REQUEST)
		resources->memory_request_bytes = quantity_of(build, text, false);
	else
		resources->memory_limit_bytes = quantity_of(build, text, false);
}

/* "containerd://ID" -> "ID" */
static const char *id_of(struct pf_pod_build *build, const char *text)
{
	const char *colon = strstr(text, "://");

	return keep(build, colon ? colon + 3 : text, PF_CONTAINER_ID_MAX);
}

static void status_value(struct pf_pod_build *build, enum pf_pod_part value, const char *text)
{
	struct pf_pod_container *c = build->status;
	uint64_t number;

	if (!c)
		return;
	switch (value) {
	case PF_VALUE_CONTAINER_ID:
		c->id = id_of(build, text);
		break;
	case PF_VALUE_TERMINATED_ID:
		if (!*c->id)
			c->id = id_of(build, text);
		break;
	case PF_VALUE_LAST_ID:
		c->last_id = id_of(build, text);
		break;
	case PF_VALUE_RESTART_COUNT:
		if (pf_parse_u64(text, &number) < 0 || number > UINT32_MAX)
			build->info->nr_bad_values++;
		else
			c->restart_count = (uint32_t)number;
		break;
	case PF_VALUE_RUNNING_STARTED:
	case PF_VALUE_TERMINATED_STARTED:
		c->started_unix_s = time_of(build, text);
		break;
	case PF_VALUE_LAST_STARTED:
		c->last_started_unix_s = time_of(build, text);
		break;
	default:
		break;
	}
}

static enum pf_qos qos_of(const char *text)
{
	if (!strcmp(text, "Guaranteed"))
		return PF_QOS_GUARANTEED;
	if (!strcmp(text, "Burstable"))
		return PF_QOS_BURSTABLE;
	return !strcmp(text, "BestEffort") ? PF_QOS_BEST_EFFORT : PF_QOS_UNKNOWN;
}

/* Values that are kept as they are: where they go, and how long they may be. */
static const char **text_place(struct pf_pod_build *build, enum pf_pod_part value, size_t *ret_size)
{
	struct pf_pod *pod = &build->pod;
	struct pf_pod_container *spec = build->spec;

	*ret_size = PF_OBJECT_NAME_MAX;
	switch (value) {
	case PF_VALUE_NAME:
		return &pod->name;
	case PF_VALUE_NAMESPACE:
		*ret_size = PF_LABEL_NAME_MAX;
		return &pod->namespace_name;
	case PF_VALUE_UID:
		*ret_size = PF_POD_UID_MAX;
		return &pod->uid;
	case PF_VALUE_NODE:
		return &pod->node;
	case PF_VALUE_PHASE:
		return &pod->phase;
	case PF_VALUE_OWNER_KIND:
		return &build->owner.kind;
	case PF_VALUE_OWNER_NAME:
		return &build->owner.name;
	case PF_VALUE_OWNER_UID:
		return &build->owner.uid;
	case PF_VALUE_OWNER_API:
		return &build->owner.api;
	case PF_VALUE_SPEC_NAME:
		return spec ? &spec->name : NULL;
	case PF_VALUE_IMAGE:
		return spec ? &spec->image : NULL;
	case PF_VALUE_STATUS_NAME:
		return build->status ? &build->status->name : NULL;
	default:
		return NULL;
	}
}

void pf_pod_build_value(struct pf_pod_build *build, enum pf_pod_part value, const char *key,
			const char *text)
{
	struct pf_pod *pod = &build->pod;
	size_t size;
	const char **place = text_place(build, value, &size);

	if (place) {
		*place = keep(build, text, size);
		return;
	}
	switch (value) {
	case PF_VALUE_CREATED:
		pod->created_unix_s = time_of(build, text);
		break;
	case PF_VALUE_DELETING:
		pod->deleting = *text;
		break;
	case PF_VALUE_LABEL:
		if (!strcmp(key, TEMPLATE_HASH))
			pod->template_hash = keep(build, text, PF_LABEL_NAME_MAX);
		add_label(build, build->label_keys, key, text);
		break;
	case PF_VALUE_ANNOTATION:
		add_annotation(build, key, text);
		break;
	case PF_VALUE_OWNER_CONTROLLER:
		build->owner.controller = !strcmp(text, "true");
		break;
	case PF_VALUE_QOS:
		pod->qos = qos_of(text);
		break;
	case PF_VALUE_RESTART_POLICY:
		if (build->spec && build->spec->type == PF_CONTAINER_INIT &&
		    !strcmp(text, "Always"))
			build->spec->type = PF_CONTAINER_SIDECAR;
		break;
	case PF_VALUE_CPU_REQUEST:
	case PF_VALUE_CPU_LIMIT:
	case PF_VALUE_MEMORY_REQUEST:
	case PF_VALUE_MEMORY_LIMIT:
		resource_value(build, value, text);
		break;
	default:
		status_value(build, value, text);
	}
}

/* Names are unique among all kinds of containers of a pod. */
static struct pf_pod_container *find_spec(struct pf_pod_build *build, const char *name)
{
	for (uint32_t i = 0; i < build->nr_specs; i++)
		if (!strcmp(build->specs[i].name, name))
			return &build->specs[i];
	return NULL;
}

static void join_statuses(struct pf_pod_build *build)
{
	for (uint32_t i = 0; i < build->nr_statuses; i++) {
		const struct pf_pod_container *status = &build->statuses[i];
		struct pf_pod_container *spec = find_spec(build, status->name);

		if (!spec) {
			/* Not in the API's rules, but its cgroup is there and has a name. */
			build->type = status->type;
			spec = next_container(build, build->specs, &build->nr_specs);
			if (!spec)
				return;
			spec->name = status->name;
			pf_resources_set_all(&spec->spec, PF_UNKNOWN);
		}
		spec->id = status->id;
		spec->last_id = status->last_id;
		spec->state = status->state;
		spec->restart_count = status->restart_count;
		spec->started_unix_s = status->started_unix_s;
		spec->last_started_unix_s = status->last_started_unix_s;
		spec->actual = status->actual;
	}
}

const struct pf_pod *pf_pod_build_end(struct pf_pod_build *build)
{
	struct pf_pod *pod = &build->pod;

	join_statuses(build);
	if (build->arena.err || !*pod->uid || !*pod->name || !*pod->namespace_name) {
		build->info->nr_lost_pods++;
		return NULL;
	}
	if (!strcmp(pod->owner_kind, "Node"))
		pod->static_pod = true; /* a mirror, whatever its annotations say */
	if (!*pod->cgroup_uid)
		pod->cgroup_uid = pod->uid;
	pod->containers = build->specs;
	pod->nr_containers = build->nr_specs;
	pod->labels = build->labels;
	pod->nr_labels = build->nr_labels;
	build->info->nr_pods++;
	return pod;
}
