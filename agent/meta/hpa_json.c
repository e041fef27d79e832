// SPDX-License-Identifier: Apache-2.0
#include "meta/hpa_json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "meta/json_guard.h"
#include "meta/pod.h"

enum { PATH_MAX_LEN = 128, KEY_MAX_LEN = 32 }; /* the longest of interest has 57 bytes */

struct pf_hpa_json {
	void (*target)(void *arg, const struct pf_hpa_target *target);
	void *arg;
	yajl_handle yajl;
	struct pf_json_guard guard;
	/* Keys from the root, with a dot before each; arrays add none. Where it would be too long
	 * nothing is of interest, so it is cut. */
	char path[PATH_MAX_LEN];
	uint16_t lengths[PF_JSON_DEPTH_MAX + 1]; /* of the path at each open map or array */
	uint32_t depth;
	bool failed;

	struct pf_hpa_target item; /* of the HPA being read */
	/* A metric may come before scaleTargetRef and metadata: those of one item wait for its end. */
	struct {
		char type[24], resource[16], target[16], container[PF_OBJECT_NAME_MAX];
	} metric;
	struct scaled {
		char container[PF_OBJECT_NAME_MAX]; /* "": all of the pod's */
		bool on_cpu, on_memory;
	} scaled[PF_POD_CONTAINERS_MAX];
	uint32_t nr_scaled;
	uint64_t nr_beyond;
	char token[4096];
};

#define IN_ITEM	  ".items"
#define IN_METRIC ".items.spec.metrics"

static bool at(const struct pf_hpa_json *p, const char *path)
{
	return !strcmp(p->path, path);
}

static void copy(char *to, size_t size, const unsigned char *text, size_t len)
{
	(void)snprintf(to, size, "%.*s", (int)PF_MIN(len, size - 1), (const char *)text);
}

#define TAKE(p, path, field)                                                                       \
	do {                                                                                       \
		if (at(p, path))                                                                   \
			copy(field, sizeof(field), text, len);                                     \
	} while (0)

static int on_string(void *arg, const unsigned char *text, size_t len)
{
	struct pf_hpa_json *p = arg;

	TAKE(p, ".metadata.continue", p->token);
	TAKE(p, IN_ITEM ".metadata.namespace", p->item.namespace_name);
	TAKE(p, IN_ITEM ".spec.scaleTargetRef.kind", p->item.kind);
	TAKE(p, IN_ITEM ".spec.scaleTargetRef.name", p->item.name);
	TAKE(p, IN_METRIC ".type", p->metric.type);
	TAKE(p, IN_METRIC ".resource.name", p->metric.resource);
	TAKE(p, IN_METRIC ".resource.target.type", p->metric.target);
	TAKE(p, IN_METRIC ".containerResource.name", p->metric.resource);
	TAKE(p, IN_METRIC ".containerResource.target.type", p->metric.target);
	TAKE(p, IN_METRIC ".containerResource.container", p->metric.container);
	return 1;
}

/* What is known of the container; NULL: an autoscaler names more than a pod can have. */
static struct scaled *scaled_of(struct pf_hpa_json *p, const char *container)
{
	struct scaled *s;

	for (uint32_t i = 0; i < p->nr_scaled; i++)
		if (!strcmp(p->scaled[i].container, container))
			return &p->scaled[i];
	if (p->nr_scaled == PF_ARRAY_SIZE(p->scaled)) {
		p->nr_beyond++;
		return NULL;
	}
	s = &p->scaled[p->nr_scaled++];
	*s = (struct scaled){ .on_cpu = false };
	memcpy(s->container, container, strlen(container) + 1);
	return s;
}

static void end_metric(struct pf_hpa_json *p)
{
	bool cpu = !strcmp(p->metric.resource, "cpu");
	bool memory = !strcmp(p->metric.resource, "memory");
	bool one = !strcmp(p->metric.type, "ContainerResource");
	struct scaled *s;

	if ((strcmp(p->metric.type, "Resource") && !one) ||
	    strcmp(p->metric.target, "Utilization") || (!cpu && !memory))
		return;
	s = scaled_of(p, one ? p->metric.container : "");
	if (!s)
		return;
	s->on_cpu |= cpu;
	s->on_memory |= memory;
}

static void end_item(struct pf_hpa_json *p)
{
	for (uint32_t i = 0; i < p->nr_scaled; i++) {
		struct pf_hpa_target target = p->item;

		memcpy(target.container, p->scaled[i].container, sizeof(target.container));
		target.on_cpu = p->scaled[i].on_cpu;
		target.on_memory = p->scaled[i].on_memory;
		if (target.name[0])
			p->target(p->arg, &target);
	}
	p->nr_scaled = 0;
	p->item = (struct pf_hpa_target){ 0 };
}

static int on_open(void *arg)
{
	struct pf_hpa_json *p = arg;

	p->lengths[p->depth++] = (uint16_t)strlen(p->path); /* the guard bounds the depth */
	return 1;
}

static int on_start_map(void *arg)
{
	struct pf_hpa_json *p = arg;

	if (at(p, IN_METRIC))
		memset(&p->metric, 0, sizeof(p->metric));
	return on_open(arg);
}

static int on_key(void *arg, const unsigned char *key, size_t len)
{
	struct pf_hpa_json *p = arg;
	size_t used = p->lengths[p->depth - 1];

	p->path[used] = '\0';
	if (len > KEY_MAX_LEN || used + 1 + len >= sizeof(p->path)) {
		key = (const unsigned char *)"?";
		len = 1;
	}
	if (used + 1 + len < sizeof(p->path))
		(void)snprintf(p->path + used, sizeof(p->path) - used, ".%.*s", (int)len,
			       (const char *)key);
	return 1;
}

static int on_close(void *arg)
{
	struct pf_hpa_json *p = arg;

	p->path[p->lengths[--p->depth]] = '\0';
	return 1;
}

static int on_end_map(void *arg)
{
	struct pf_hpa_json *p = arg;

	(void)on_close(arg);
	if (at(p, IN_METRIC))
		end_metric(p);
	else if (at(p, IN_ITEM))
		end_item(p);
	return 1;
}

static const yajl_callbacks callbacks = {
	.yajl_string = on_string,
	.yajl_start_map = on_start_map,
	.yajl_map_key = on_key,
	.yajl_end_map = on_end_map,
	.yajl_start_array = on_open,
	.yajl_end_array = on_close,
};

int pf_hpa_json_new(void (*target)(void *arg, const struct pf_hpa_target *target), void *arg,
		    struct pf_hpa_json **ret_parser)
{
	PF_AUTO(pf_hpa_json_freep) struct pf_hpa_json *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->target = target;
	p->arg = arg;
	p->yajl = yajl_alloc(&callbacks, NULL, p);
	if (!p->yajl)
		return -ENOMEM;
	*ret_parser = pf_take(p);
	return 0;
}

void pf_hpa_json_free(struct pf_hpa_json *p)
{
	if (!p)
		return;
	if (p->yajl)
		yajl_free(p->yajl);
	free(p);
}

static int feed_yajl(void *arg, const unsigned char *text, size_t len)
{
	struct pf_hpa_json *p = arg;

	return yajl_parse(p->yajl, text, len) == yajl_status_ok ? 0 : -EBADMSG;
}

int pf_hpa_json_feed(struct pf_hpa_json *p, const void *data, size_t len)
{
	int r = p->failed ? -EBADMSG : pf_json_guard_feed(&p->guard, data, len, feed_yajl, p);

	p->failed = r < 0;
	return r;
}

int pf_hpa_json_finish(struct pf_hpa_json *p)
{
	return !p->failed && yajl_complete_parse(p->yajl) == yajl_status_ok ? 0 : -EBADMSG;
}

const char *pf_hpa_json_continue(const struct pf_hpa_json *p)
{
	return p->token;
}

uint64_t pf_hpa_json_beyond(const struct pf_hpa_json *p)
{
	return p->nr_beyond;
}
