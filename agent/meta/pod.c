// SPDX-License-Identifier: Apache-2.0
#include "meta/pod.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The block: struct pf_pod, labels, containers, then all text. */
struct block {
	char *text; /* where the next goes */
};

static const char *put(struct block *block, const char *text)
{
	size_t size = strlen(text) + 1;
	char *place = block->text;

	memcpy(place, text, size);
	block->text += size;
	return place;
}

static const char **pod_strings(struct pf_pod *pod, size_t i)
{
	const char **strings[] = {
		&pod->namespace_name, &pod->name,	   &pod->node,	     &pod->uid,
		&pod->cgroup_uid,     &pod->owner_kind,	   &pod->owner_name, &pod->owner_uid,
		&pod->owner_api,      &pod->template_hash, &pod->phase,
	};

	return i < PF_ARRAY_SIZE(strings) ? strings[i] : NULL;
}

static size_t text_size(const struct pf_pod *pod)
{
	struct pf_pod strings = *pod;
	size_t size = 0;

	for (size_t i = 0; pod_strings(&strings, i); i++)
		size += strlen(*pod_strings(&strings, i)) + 1;
	for (uint32_t i = 0; i < pod->nr_labels; i++)
		size += strlen(pod->labels[i].key) + strlen(pod->labels[i].value) + 2;
	for (uint32_t i = 0; i < pod->nr_containers; i++) {
		const struct pf_pod_container *c = &pod->containers[i];

		size += strlen(c->name) + strlen(c->image) + strlen(c->id) + strlen(c->last_id) + 4;
	}
	return size;
}

int pf_pod_copy(const struct pf_pod *pod, struct pf_pod **ret_pod)
{
	size_t containers_size = pod->nr_containers * sizeof(*pod->containers);
	size_t labels_size = pod->nr_labels * sizeof(*pod->labels);
	struct pf_pod *copy =
		malloc(sizeof(*copy) + containers_size + labels_size + text_size(pod));
	struct pf_pod_container *containers;
	struct pf_label *labels;
	struct block block;

	if (!copy)
		return -ENOMEM;
	containers = (struct pf_pod_container *)(copy + 1);
	labels = (struct pf_label *)((char *)containers + containers_size);
	block.text = (char *)labels + labels_size;
	*copy = *pod;
	copy->containers = containers;
	copy->labels = labels;
	for (size_t i = 0; pod_strings(copy, i); i++)
		*pod_strings(copy, i) = put(&block, *pod_strings(copy, i));
	for (uint32_t i = 0; i < pod->nr_labels; i++) {
		labels[i].key = (char *)put(&block, pod->labels[i].key);
		labels[i].value = (char *)put(&block, pod->labels[i].value);
	}
	for (uint32_t i = 0; i < pod->nr_containers; i++) {
		struct pf_pod_container *c = &containers[i];

		*c = pod->containers[i];
		c->name = put(&block, c->name);
		c->image = put(&block, c->image);
		c->id = put(&block, c->id);
		c->last_id = put(&block, c->last_id);
	}
	*ret_pod = copy;
	return 0;
}

void pf_pod_free(struct pf_pod *pod)
{
	free(pod);
}

const struct pf_pod_container *pf_pod_find_container(const struct pf_pod *pod, const char *id,
						     bool *ret_last)
{
	for (uint32_t i = 0; i < pod->nr_containers; i++) {
		const struct pf_pod_container *c = &pod->containers[i];
		bool newest = !strcmp(c->id, id);

		if (!newest && strcmp(c->last_id, id))
			continue;
		*ret_last = !newest;
		return c;
	}
	return NULL;
}

void pf_resources_set_all(struct pf_resources *resources, uint64_t value)
{
	*resources = (struct pf_resources){ value, value, value, value };
}
