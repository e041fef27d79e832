// SPDX-License-Identifier: Apache-2.0
/*
 * The shape of what is read is one table: which key of which part leads where. The walk keeps a
 * stack of parts; a value whose key is in no rule is skipped with all below it.
 */
#include "meta/pod_json.h"

#include <errno.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "base/parse.h"
#include "meta/json_guard.h"
#include "meta/pod_build.h"

#define ANY NULL /* any key, or an array's element */

static const struct rule {
	enum pf_pod_part from;
	const char *key;
	enum pf_pod_part to;
} rules[] = {
	{ PF_PART_LIST, "metadata", PF_PART_LIST_META },
	{ PF_PART_LIST, "items", PF_PART_ITEMS },
	{ PF_PART_LIST, "message", PF_VALUE_STATUS_MESSAGE },
	{ PF_PART_LIST, "reason", PF_VALUE_STATUS_REASON },
	{ PF_PART_LIST, "code", PF_VALUE_STATUS_CODE },
	{ PF_PART_LIST_META, "resourceVersion", PF_VALUE_LIST_VERSION },
	{ PF_PART_LIST_META, "continue", PF_VALUE_CONTINUE },
	{ PF_PART_ITEMS, ANY, PF_PART_POD },

	{ PF_PART_EVENT, "type", PF_VALUE_EVENT_TYPE },
	{ PF_PART_EVENT, "object", PF_PART_POD },

	{ PF_PART_POD, "metadata", PF_PART_META },
	{ PF_PART_POD, "spec", PF_PART_SPEC },
	{ PF_PART_POD, "status", PF_PART_STATUS },
	{ PF_PART_POD, "message", PF_VALUE_STATUS_MESSAGE },
	{ PF_PART_POD, "reason", PF_VALUE_STATUS_REASON },
	{ PF_PART_POD, "code", PF_VALUE_STATUS_CODE },

	{ PF_PART_META, "name", PF_VALUE_NAME },
	{ PF_PART_META, "namespace", PF_VALUE_NAMESPACE },
	{ PF_PART_META, "uid", PF_VALUE_UID },
	{ PF_PART_META, "resourceVersion", PF_VALUE_VERSION },
	{ PF_PART_META, "creationTimestamp", PF_VALUE_CREATED },
	{ PF_PART_META, "deletionTimestamp", PF_VALUE_DELETING },
	{ PF_PART_META, "labels", PF_PART_LABELS },
	{ PF_PART_META, "annotations", PF_PART_ANNOTATIONS },
	{ PF_PART_META, "ownerReferences", PF_PART_OWNERS },
	{ PF_PART_LABELS, ANY, PF_VALUE_LABEL },
	{ PF_PART_ANNOTATIONS, ANY, PF_VALUE_ANNOTATION },
	{ PF_PART_OWNERS, ANY, PF_PART_OWNER },
	{ PF_PART_OWNER, "kind", PF_VALUE_OWNER_KIND },
	{ PF_PART_OWNER, "name", PF_VALUE_OWNER_NAME },
	{ PF_PART_OWNER, "uid", PF_VALUE_OWNER_UID },
	{ PF_PART_OWNER, "apiVersion", PF_VALUE_OWNER_API },
	{ PF_PART_OWNER, "controller", PF_VALUE_OWNER_CONTROLLER },

	{ PF_PART_SPEC, "nodeName", PF_VALUE_NODE },
	{ PF_PART_SPEC, "containers", PF_PART_CONTAINERS },
	{ PF_PART_SPEC, "initContainers", PF_PART_INIT_CONTAINERS },
	{ PF_PART_SPEC, "ephemeralContainers", PF_PART_EPHEMERAL_CONTAINERS },
	{ PF_PART_SPEC, "resources", PF_PART_POD_RESOURCES },
	{ PF_PART_CONTAINERS, ANY, PF_PART_CONTAINER },
	{ PF_PART_INIT_CONTAINERS, ANY, PF_PART_CONTAINER },
	{ PF_PART_EPHEMERAL_CONTAINERS, ANY, PF_PART_CONTAINER },
	{ PF_PART_CONTAINER, "name", PF_VALUE_SPEC_NAME },
	{ PF_PART_CONTAINER, "image", PF_VALUE_IMAGE },
	{ PF_PART_CONTAINER, "restartPolicy", PF_VALUE_RESTART_POLICY },
	{ PF_PART_CONTAINER, "resources", PF_PART_SPEC_RESOURCES },

	{ PF_PART_STATUS, "phase", PF_VALUE_PHASE },
	{ PF_PART_STATUS, "qosClass", PF_VALUE_QOS },
	{ PF_PART_STATUS, "resources", PF_PART_POD_ACTUAL },
	{ PF_PART_STATUS, "containerStatuses", PF_PART_CONTAINER_STATUSES },
	{ PF_PART_STATUS, "initContainerStatuses", PF_PART_INIT_STATUSES },
	{ PF_PART_STATUS, "ephemeralContainerStatuses", PF_PART_EPHEMERAL_STATUSES },
	{ PF_PART_CONTAINER_STATUSES, ANY, PF_PART_CONTAINER_STATUS },
	{ PF_PART_INIT_STATUSES, ANY, PF_PART_CONTAINER_STATUS },
	{ PF_PART_EPHEMERAL_STATUSES, ANY, PF_PART_CONTAINER_STATUS },
	{ PF_PART_CONTAINER_STATUS, "name", PF_VALUE_STATUS_NAME },
	{ PF_PART_CONTAINER_STATUS, "containerID", PF_VALUE_CONTAINER_ID },
	{ PF_PART_CONTAINER_STATUS, "restartCount", PF_VALUE_RESTART_COUNT },
	{ PF_PART_CONTAINER_STATUS, "resources", PF_PART_ACTUAL_RESOURCES },
	{ PF_PART_CONTAINER_STATUS, "state", PF_PART_STATE },
	{ PF_PART_CONTAINER_STATUS, "lastState", PF_PART_LAST_STATE },
	{ PF_PART_STATE, "running", PF_PART_RUNNING },
	{ PF_PART_STATE, "terminated", PF_PART_TERMINATED },
	{ PF_PART_RUNNING, "startedAt", PF_VALUE_RUNNING_STARTED },
	{ PF_PART_TERMINATED, "startedAt", PF_VALUE_TERMINATED_STARTED },
	{ PF_PART_TERMINATED, "containerID", PF_VALUE_TERMINATED_ID },
	{ PF_PART_LAST_STATE, "terminated", PF_PART_LAST_TERMINATED },
	{ PF_PART_LAST_TERMINATED, "startedAt", PF_VALUE_LAST_STARTED },
	{ PF_PART_LAST_TERMINATED, "containerID", PF_VALUE_LAST_ID },

	{ PF_PART_POD_RESOURCES, "requests", PF_PART_REQUESTS },
	{ PF_PART_POD_RESOURCES, "limits", PF_PART_LIMITS },
	{ PF_PART_POD_ACTUAL, "requests", PF_PART_REQUESTS },
	{ PF_PART_POD_ACTUAL, "limits", PF_PART_LIMITS },
	{ PF_PART_SPEC_RESOURCES, "requests", PF_PART_REQUESTS },
	{ PF_PART_SPEC_RESOURCES, "limits", PF_PART_LIMITS },
	{ PF_PART_ACTUAL_RESOURCES, "requests", PF_PART_REQUESTS },
	{ PF_PART_ACTUAL_RESOURCES, "limits", PF_PART_LIMITS },
	{ PF_PART_REQUESTS, "cpu", PF_VALUE_CPU_REQUEST },
	{ PF_PART_REQUESTS, "memory", PF_VALUE_MEMORY_REQUEST },
	{ PF_PART_LIMITS, "cpu", PF_VALUE_CPU_LIMIT },
	{ PF_PART_LIMITS, "memory", PF_VALUE_MEMORY_LIMIT },
};

enum {
	KEY_SIZE = PF_OBJECT_NAME_MAX + PF_LABEL_NAME_MAX +
		   1, /* prefix/name; longer ones are not ours */
	VALUE_SIZE = PF_JSON_STRING_MAX + 5,
};

struct pf_pod_json {
	struct pf_pod_json_opts opts;
	struct pf_pod_json_info info;
	size_t first_rule[PF_NR_PARTS]; /* in rules[]; another part's (0) if it has none */
	struct pf_pod_build build;
	yajl_handle yajl;
	struct pf_json_guard guard;
	uint64_t nr_bytes;
	int err;
	char error[256];

	enum pf_pod_part stack[PF_JSON_DEPTH_MAX]; /* open parts; NONE: skipped */
	bool arrays[PF_JSON_DEPTH_MAX];
	uint32_t depth;
	enum pf_pod_part next; /* where the last key leads */
	char key[KEY_SIZE];

	enum pf_watch_event event;
	bool have_pod, done; /* of this event; a list or object has ended */
	char value[VALUE_SIZE];
};

static enum pf_pod_part part_below(const struct pf_pod_json *p, enum pf_pod_part from,
				   const char *key, bool array)
{
	/* The rules of one part stand together. */
	for (size_t i = p->first_rule[from]; i < PF_ARRAY_SIZE(rules) && rules[i].from == from; i++)
		if (rules[i].key == ANY || (!array && !strcmp(rules[i].key, key)))
			return rules[i].to;
	return PF_PART_NONE;
}

static enum pf_pod_part root_part(const struct pf_pod_json *p)
{
	return p->opts.mode == PF_POD_JSON_LIST	   ? PF_PART_LIST
	       : p->opts.mode == PF_POD_JSON_WATCH ? PF_PART_EVENT
						   : PF_PART_POD;
}

/* Where the value that begins now belongs. */
static enum pf_pod_part this_part(const struct pf_pod_json *p)
{
	if (!p->depth)
		return root_part(p);
	if (!p->arrays[p->depth - 1])
		return p->next;
	return part_below(p, p->stack[p->depth - 1], "", true);
}

static bool is_array_part(enum pf_pod_part part)
{
	switch (part) {
	case PF_PART_ITEMS:
	case PF_PART_OWNERS:
	case PF_PART_CONTAINERS:
	case PF_PART_INIT_CONTAINERS:
	case PF_PART_EPHEMERAL_CONTAINERS:
	case PF_PART_CONTAINER_STATUSES:
	case PF_PART_INIT_STATUSES:
	case PF_PART_EPHEMERAL_STATUSES:
		return true;
	default:
		return false;
	}
}

static int on_open(struct pf_pod_json *p, bool array)
{
	enum pf_pod_part part = this_part(p);

	/* An object where a value or an array should be, and the like: not what we know, so
	 * skipped. */
	if (part >= PF_NR_PARTS || is_array_part(part) != array)
		part = PF_PART_NONE;
	p->stack[p->depth] = part; /* the guard bounds the depth */
	p->arrays[p->depth++] = array;
	if (part == PF_PART_EVENT) {
		p->event = PF_WATCH_UNKNOWN;
		p->have_pod = false;
	} else if (part == PF_PART_POD) {
		pf_pod_build_begin(&p->build);
		p->have_pod = true;
	} else if (part != PF_PART_NONE) {
		pf_pod_build_enter(&p->build, part);
	}
	return 1;
}

static int on_start_map(void *arg)
{
	return on_open(arg, false);
}

static int on_start_array(void *arg)
{
	return on_open(arg, true);
}

static void end_event(struct pf_pod_json *p)
{
	const struct pf_pod *pod = NULL;

	if (p->have_pod && (p->event == PF_WATCH_ADDED || p->event == PF_WATCH_MODIFIED ||
			    p->event == PF_WATCH_DELETED)) {
		pod = pf_pod_build_end(&p->build);
		if (!pod)
			return;
	}
	p->opts.pod(p->opts.arg, p->event, pod);
}

static int on_close(void *arg)
{
	struct pf_pod_json *p = arg;
	enum pf_pod_part part = p->stack[--p->depth];
	const struct pf_pod *pod;

	if (part == PF_PART_EVENT) {
		end_event(p);
	} else if (part == PF_PART_POD && p->opts.mode != PF_POD_JSON_WATCH) {
		/* A Status is no pod, and none is lost. */
		pod = p->info.status_code ? NULL : pf_pod_build_end(&p->build);
		if (pod)
			p->opts.pod(p->opts.arg, PF_WATCH_ADDED, pod);
	} else if (part != PF_PART_NONE) {
		pf_pod_build_leave(&p->build, part);
	}
	if (!p->depth)
		p->done = true;
	return 1;
}

static int on_key(void *arg, const unsigned char *key, size_t len)
{
	struct pf_pod_json *p = arg;
	enum pf_pod_part from = p->stack[p->depth - 1];

	p->next = PF_PART_NONE;
	if (from == PF_PART_NONE || len >= sizeof(p->key))
		return 1;
	memcpy(p->key, key, len);
	p->key[len] = '\0';
	p->next = part_below(p, from, p->key, false);
	return 1;
}

static enum pf_watch_event event_of(const char *text)
{
	static const struct {
		const char *text;
		enum pf_watch_event event;
	} events[] = {
		{ "ADDED", PF_WATCH_ADDED },	 { "MODIFIED", PF_WATCH_MODIFIED },
		{ "DELETED", PF_WATCH_DELETED }, { "BOOKMARK", PF_WATCH_BOOKMARK },
		{ "ERROR", PF_WATCH_ERROR },
	};

	for (size_t i = 0; i < PF_ARRAY_SIZE(events); i++)
		if (!strcmp(text, events[i].text))
			return events[i].event;
	return PF_WATCH_UNKNOWN;
}

/* Cut if longer: a cut version or token is refused by the server, and then listed anew. */
static void copy_value(char *ret_text, size_t size, const char *value)
{
	size_t len = strnlen(value, size - 1);

	memcpy(ret_text, value, len);
	ret_text[len] = '\0';
}

static void take_value(struct pf_pod_json *p, enum pf_pod_part part)
{
	struct pf_pod_json_info *info = &p->info;
	uint64_t number;

	switch (part) {
	case PF_VALUE_EVENT_TYPE:
		p->event = event_of(p->value);
		break;
	case PF_VALUE_VERSION:
		if (p->opts.mode != PF_POD_JSON_WATCH)
			break; /* the list's own counts */
		__attribute__((fallthrough));
	case PF_VALUE_LIST_VERSION:
		copy_value(info->resource_version, sizeof(info->resource_version), p->value);
		break;
	case PF_VALUE_CONTINUE:
		copy_value(info->continue_token, sizeof(info->continue_token), p->value);
		break;
	case PF_VALUE_STATUS_MESSAGE:
		copy_value(info->status_message, sizeof(info->status_message), p->value);
		break;
	case PF_VALUE_STATUS_REASON:
		copy_value(info->status_reason, sizeof(info->status_reason), p->value);
		break;
	case PF_VALUE_STATUS_CODE:
		if (!pf_parse_u64(p->value, &number) && number < 1000)
			info->status_code = (uint32_t)number;
		break;
	default:
		pf_pod_build_value(&p->build, part, p->key, p->value);
	}
}

static int on_text(void *arg, const char *text, size_t len)
{
	struct pf_pod_json *p = arg;
	enum pf_pod_part part = this_part(p);

	if (part < PF_NR_PARTS)
		return 1; /* also null where an object may be */
	len = PF_MIN(len, sizeof(p->value) - 1);
	memcpy(p->value, text, len);
	p->value[len] = '\0';
	take_value(p, part);
	return 1;
}

static int on_string(void *arg, const unsigned char *text, size_t len)
{
	return on_text(arg, (const char *)text, len);
}

static int on_boolean(void *arg, int value)
{
	return on_text(arg, value ? "true" : "false", value ? 4 : 5);
}

static int on_null(void *arg)
{
	return on_text(arg, "", 0);
}

static const yajl_callbacks callbacks = {
	.yajl_null = on_null,
	.yajl_boolean = on_boolean,
	.yajl_number = on_text,
	.yajl_string = on_string,
	.yajl_start_map = on_start_map,
	.yajl_map_key = on_key,
	.yajl_end_map = on_close,
	.yajl_start_array = on_start_array,
	.yajl_end_array = on_close,
};

int pf_pod_json_new(const struct pf_pod_json_opts *opts, struct pf_pod_json **ret_parser)
{
	struct pf_pod_json *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->opts = *opts;
	for (size_t i = PF_ARRAY_SIZE(rules); i-- > 0;)
		p->first_rule[rules[i].from] = i;
	p->build.label_keys = opts->labels;
	p->build.annotation_keys = opts->annotations;
	pf_pod_build_init(&p->build, &p->info);
	p->yajl = yajl_alloc(&callbacks, NULL, p);
	if (!p->yajl) {
		pf_pod_json_free(p);
		return -ENOMEM;
	}
	/* What is kept is looked at in pod_build.c; a stray byte elsewhere must not cost the whole
	 * list. */
	yajl_config(p->yajl, yajl_dont_validate_strings, 1);
	yajl_config(p->yajl, yajl_allow_multiple_values, opts->mode == PF_POD_JSON_WATCH);
	*ret_parser = p;
	return 0;
}

void pf_pod_json_free(struct pf_pod_json *p)
{
	if (!p)
		return;
	if (p->yajl)
		yajl_free(p->yajl);
	pf_pod_build_done(&p->build);
	free(p);
}

static int fail(struct pf_pod_json *p, const char *what)
{
	p->err = -EBADMSG;
	snprintf(p->error, sizeof(p->error), "byte %llu: %s", (unsigned long long)p->nr_bytes,
		 what);
	p->error[strcspn(p->error, "\n")] = '\0';
	return p->err;
}

static int parse_text(void *arg, const unsigned char *text, size_t len)
{
	struct pf_pod_json *p = arg;
	unsigned char *message;

	if (yajl_parse(p->yajl, text, len) == yajl_status_ok)
		return 0;
	message = yajl_get_error(p->yajl, 0, text, len);
	(void)fail(p, message ? (const char *)message : "not JSON");
	if (message)
		yajl_free_error(p->yajl, message);
	return p->err;
}

int pf_pod_json_feed(struct pf_pod_json *p, const void *data, size_t len)
{
	int r;

	if (p->err)
		return p->err;
	r = pf_json_guard_feed(&p->guard, data, len, parse_text, p);
	p->nr_bytes += len;
	p->info.nr_cut_strings = p->guard.nr_cut;
	if (r < 0 && !p->err)
		return fail(p, "nested too deep, or a number too long");
	return r;
}

int pf_pod_json_finish(struct pf_pod_json *p)
{
	if (p->err)
		return p->err;
	if (p->depth)
		return fail(p, "the text ends in the middle");
	if (!p->done && p->opts.mode != PF_POD_JSON_WATCH)
		return fail(p, "no object");
	return 0;
}

const char *pf_pod_json_error(const struct pf_pod_json *p)
{
	return p->error;
}

const struct pf_pod_json_info *pf_pod_json_info(const struct pf_pod_json *p)
{
	return &p->info;
}
