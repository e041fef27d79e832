// SPDX-License-Identifier: Apache-2.0
/*
 * Pod lists and watch streams. The first byte chooses the mode and the size of the pieces. Beyond
 * survival: the pieces make no difference, what comes out is bounded and UTF-8, and a copy is equal.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "meta/pod_json.h"
#include "meta/podmap.h"

struct sum {
	uint64_t nr_pods, nr_containers, hash;
	struct pf_podmap *map;
};

static void add_text(struct sum *sum, const char *text, size_t max)
{
	size_t len = strlen(text);

	assert(len < max);
	for (size_t i = 0, n; i < len; i += n) {
		n = pf_utf8_len(text + i, len - i);
		assert(n);
	}
	for (size_t i = 0; i < len; i++)
		sum->hash = sum->hash * 1099511628211u + (unsigned char)text[i] + 1;
}

static void add_pod(struct sum *sum, const struct pf_pod *pod)
{
	add_text(sum, pod->namespace_name, PF_LABEL_NAME_MAX);
	add_text(sum, pod->name, PF_OBJECT_NAME_MAX);
	add_text(sum, pod->uid, PF_POD_UID_MAX);
	add_text(sum, pod->cgroup_uid, PF_POD_UID_MAX);
	add_text(sum, pod->owner_name, PF_OBJECT_NAME_MAX);
	assert(*pod->name && *pod->uid && *pod->cgroup_uid && pod->nr_labels <= PF_LABELS_MAX);
	for (uint32_t i = 0; i < pod->nr_labels; i++) {
		add_text(sum, pod->labels[i].key, PF_OBJECT_NAME_MAX + PF_LABEL_NAME_MAX);
		add_text(sum, pod->labels[i].value, 257);
	}
	assert(pod->nr_containers <= PF_POD_CONTAINERS_MAX);
	for (uint32_t i = 0; i < pod->nr_containers; i++) {
		const struct pf_pod_container *c = &pod->containers[i];

		add_text(sum, c->name, PF_OBJECT_NAME_MAX);
		add_text(sum, c->image, PF_OBJECT_NAME_MAX);
		add_text(sum, c->id, PF_CONTAINER_ID_MAX);
		add_text(sum, c->last_id, PF_CONTAINER_ID_MAX);
		sum->hash += c->spec.cpu_limit_millicores ^ c->actual.memory_limit_bytes;
	}
	sum->nr_containers += pod->nr_containers;
}

static void on_pod(void *arg, enum pf_watch_event event, const struct pf_pod *pod)
{
	struct sum *sum = arg;
	struct sum copied = { .hash = 7 }, original = { .hash = 7 };
	struct pf_pod *copy = NULL;

	sum->nr_pods++;
	sum->hash += event;
	if (!pod)
		return;
	add_pod(sum, pod);
	if (pf_pod_copy(pod, &copy) < 0)
		abort();
	add_pod(&copied, copy);
	add_pod(&original, pod);
	assert(copied.hash == original.hash);
	pf_pod_free(copy);
	if (!sum->map)
		return;
	if (event == PF_WATCH_DELETED)
		pf_podmap_drop(sum->map, pod->uid, sum->nr_pods);
	else if (pf_podmap_put(sum->map, pod, sum->nr_pods) == -ENOMEM)
		abort(); /* a full table is one of the cases */
}

static void run(enum pf_pod_json_mode mode, const uint8_t *data, size_t size, size_t step,
		struct sum *sum)
{
	static const char *const keys[] = { "app", "a*", NULL };
	struct pf_pod_json_opts opts = {
		.mode = mode, .labels = keys, .annotations = keys, .pod = on_pod, .arg = sum
	};
	PF_AUTO(pf_pod_json_freep) struct pf_pod_json *parser = NULL;
	int r = pf_pod_json_new(&opts, &parser);

	if (r < 0)
		abort();
	for (size_t at = 0; at < size && r >= 0; at += step)
		r = pf_pod_json_feed(parser, data + at, PF_MIN(step, size - at));
	r = pf_pod_json_finish(parser);
	assert((r < 0) == (*pf_pod_json_error(parser) != '\0'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pf_podmap_opts opts = { .max_pods = 3, .max_cgroups = 4 };
	PF_AUTO(pf_podmap_freep) struct pf_podmap *map = NULL;
	struct sum whole = { .hash = 1 }, pieces = { .hash = 1 };
	enum pf_pod_json_mode mode;

	if (!size)
		return 0;
	if (pf_podmap_new(&opts, &map) < 0)
		abort();
	mode = (enum pf_pod_json_mode)(data[0] % 3);
	whole.map = map;
	run(mode, data + 1, size - 1, size, &whole);
	run(mode, data + 1, size - 1, 1 + data[0] / 3, &pieces);
	assert(whole.nr_pods == pieces.nr_pods && whole.nr_containers == pieces.nr_containers &&
	       whole.hash == pieces.hash);
	return 0;
}
