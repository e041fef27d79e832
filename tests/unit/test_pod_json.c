// SPDX-License-Identifier: Apache-2.0
#include "meta/pod_json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/buf.h"
#include "sys/file.h"
#include "unit/check.h"

enum { EVENTS_MAX = 8 };

/* What the parser gave, copied. */
struct got {
	uint32_t nr;
	enum pf_watch_event events[EVENTS_MAX];
	struct pf_pod *pods[EVENTS_MAX];
};

static void on_pod(void *arg, enum pf_watch_event event, const struct pf_pod *pod)
{
	struct got *got = arg;

	if (got->nr == EVENTS_MAX)
		return;
	got->events[got->nr] = event;
	got->pods[got->nr] = NULL;
	if (pod && pf_pod_copy(pod, &got->pods[got->nr]) < 0)
		abort();
	got->nr++;
}

static void got_done(struct got *got)
{
	for (uint32_t i = 0; i < got->nr; i++)
		pf_pod_free(got->pods[i]);
	got->nr = 0;
}

static const char *const label_keys[] = { "app", "podfit.io/*", NULL };
static const char *const annotation_keys[] = { "note", NULL };

static struct pf_pod_json *new_parser(enum pf_pod_json_mode mode, struct got *got)
{
	struct pf_pod_json_opts opts = { .mode = mode,
					 .labels = label_keys,
					 .annotations = annotation_keys,
					 .pod = on_pod,
					 .arg = got };
	struct pf_pod_json *parser = NULL;

	if (pf_pod_json_new(&opts, &parser) < 0)
		abort();
	return parser;
}

/* In pieces of @step bytes. */
static int feed(struct pf_pod_json *parser, const char *text, size_t step)
{
	size_t len = strlen(text);
	int r = 0;

	for (size_t at = 0; at < len && r >= 0; at += step)
		r = pf_pod_json_feed(parser, text + at, PF_MIN(step, len - at));
	return r;
}

#define META "\"metadata\":{\"name\":\"p\",\"namespace\":\"n\",\"uid\":\"u\"}"

static void test_every_kind_of_container(void)
{
	static const char text[] =
		"{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"77\",\"continue\":\"more\"},\"items\":[{"
		"\"status\":{\"qosClass\":\"Burstable\",\"phase\":\"Running\","
		"\"resources\":{\"requests\":{\"cpu\":\"900m\"}},"
		"\"containerStatuses\":[{\"name\":\"app\",\"containerID\":\"containerd://new\",\"restartCount\":3,"
		"\"state\":{\"running\":{\"startedAt\":\"2026-11-21T23:41:19Z\"}},"
		"\"lastState\":{\"terminated\":{\"containerID\":\"containerd://old\",\"startedAt\":\"2026-11-21T23:40:00Z\"}},"
		"\"allocatedResources\":{\"cpu\":\"1\"},"
		"\"resources\":{\"limits\":{\"cpu\":\"150m\",\"memory\":\"32Mi\"},\"requests\":{\"cpu\":\"100m\"}}},"
		"{\"name\":\"stray\",\"containerID\":\"cri-o://s\",\"state\":{\"waiting\":{\"reason\":\"x\"}}}],"
		"\"initContainerStatuses\":[{\"name\":\"prep\",\"state\":{\"terminated\":{\"exitCode\":0,"
		"\"containerID\":\"containerd://prep1\",\"startedAt\":\"2026-11-21T23:39:00Z\"}}},"
		"{\"name\":\"proxy\",\"containerID\":\"containerd://proxy1\",\"state\":{\"running\":{}}}],"
		"\"ephemeralContainerStatuses\":[{\"name\":\"debug\",\"containerID\":\"docker://d\"}]},"
		"\"spec\":{\"nodeName\":\"node-a\",\"resources\":{\"limits\":{\"cpu\":2,\"memory\":\"1Gi\"}},"
		"\"containers\":[{\"name\":\"app\",\"image\":\"i:1\",\"env\":[{\"name\":\"x\",\"value\":\"y\"}],"
		"\"resources\":{\"limits\":{\"cpu\":\"200m\",\"memory\":\"64Mi\"},"
		"\"requests\":{\"cpu\":\"0.1\",\"memory\":\"24Mi\",\"nvidia.com/gpu\":\"1\"}}}],"
		"\"initContainers\":[{\"name\":\"prep\",\"resources\":{}},"
		"{\"name\":\"proxy\",\"restartPolicy\":\"Always\",\"resources\":{\"requests\":{\"cpu\":\"odd\"}}}],"
		"\"ephemeralContainers\":[{\"name\":\"debug\"}]},"
		"\"metadata\":{\"name\":\"web-1\",\"namespace\":\"shop\",\"uid\":\"U-1\",\"creationTimestamp\":\"2026-11-21T23:38:00Z\","
		"\"labels\":{\"app\":\"web\",\"pod-template-hash\":\"abc\",\"podfit.io/class\":\"api\",\"secret\":\"z\"},"
		"\"annotations\":{\"note\":\"a\\u00e4\\n\",\"other\":\"b\"},"
		"\"ownerReferences\":[{\"kind\":\"Thing\",\"name\":\"t\",\"uid\":\"1\"},"
		"{\"apiVersion\":\"apps/v1\",\"kind\":\"ReplicaSet\",\"name\":\"web-abc\",\"uid\":\"2\",\"controller\":true}]}}]}";
	static const size_t steps[] = { 1, 7, 100000 };

	for (size_t i = 0; i < PF_ARRAY_SIZE(steps); i++) {
		struct got got = { 0 };
		PF_AUTO(pf_pod_json_freep)
		struct pf_pod_json *parser = new_parser(PF_POD_JSON_LIST, &got);
		const struct pf_pod_container *c;
		const struct pf_pod *pod;
		bool last = true;

		PF_CHECK_INT("feed", feed(parser, text, steps[i]), 0);
		PF_CHECK_INT(pf_pod_json_error(parser), pf_pod_json_finish(parser), 0);
		PF_CHECK_INT("pods", got.nr, 1);
		if (got.nr != 1)
			return;
		pod = got.pods[0];
		PF_CHECK_STR("version", pf_pod_json_info(parser)->resource_version, "77");
		PF_CHECK_STR("continue", pf_pod_json_info(parser)->continue_token, "more");
		PF_CHECK_INT("the odd quantity", pf_pod_json_info(parser)->nr_bad_values, 1);
		PF_CHECK_STR("name", pod->name, "web-1");
		PF_CHECK_STR("namespace", pod->namespace_name, "shop");
		PF_CHECK_STR("cgroup uid", pod->cgroup_uid, "U-1");
		PF_CHECK_STR("controller", pod->owner_name, "web-abc");
		PF_CHECK_STR("its API", pod->owner_api, "apps/v1");
		PF_CHECK_STR("hash", pod->template_hash, "abc");
		PF_CHECK_INT("qos", pod->qos, PF_QOS_BURSTABLE);
		PF_CHECK_INT("pod cpu limit", pod->pod_spec.cpu_limit_millicores, 2000);
		PF_CHECK_INT("pod cpu request", pod->pod_spec.cpu_request_millicores,
			     (int64_t)PF_NO_LIMIT);
		PF_CHECK_INT("pod actual", pod->pod_actual.cpu_request_millicores, 900);
		PF_CHECK_INT("labels", pod->nr_labels, 3);
		PF_CHECK_STR("annotation", pod->nr_labels == 3 ? pod->labels[2].value : "",
			     "a\xc3\xa4\n");
		PF_CHECK_INT("containers", pod->nr_containers, 5);

		c = pf_pod_find_container(pod, "new", &last);
		PF_CHECK("app", c && !last && !strcmp(c->name, "app"));
		if (!c)
			return;
		PF_CHECK_INT("state", c->state, PF_POD_CONTAINER_RUNNING);
		PF_CHECK_INT("restarts", c->restart_count, 3);
		PF_CHECK_INT("started", c->started_unix_s, 1795304479);
		PF_CHECK_INT("request", c->spec.cpu_request_millicores, 100);
		PF_CHECK_INT("limit", c->spec.memory_limit_bytes, 64 << 20);
		PF_CHECK_INT("limit in force", c->actual.memory_limit_bytes, 32 << 20);
		PF_CHECK_INT("no request in force", c->actual.memory_request_bytes,
			     (int64_t)PF_NO_LIMIT);
		c = pf_pod_find_container(pod, "old", &last);
		PF_CHECK("the one before", c && last && !strcmp(c->name, "app"));
		c = pf_pod_find_container(pod, "prep1", &last);
		PF_CHECK("init", c && c->type == PF_CONTAINER_INIT &&
					 c->state == PF_POD_CONTAINER_TERMINATED);
		PF_CHECK("nothing set", c && c->spec.cpu_limit_millicores == PF_NO_LIMIT);
		c = pf_pod_find_container(pod, "proxy1", &last);
		PF_CHECK("sidecar", c && c->type == PF_CONTAINER_SIDECAR);
		PF_CHECK("not understood", c && c->spec.cpu_request_millicores == PF_UNKNOWN);
		PF_CHECK("not told", c && c->actual.cpu_request_millicores == PF_UNKNOWN);
		c = pf_pod_find_container(pod, "d", &last);
		PF_CHECK("ephemeral", c && c->type == PF_CONTAINER_EPHEMERAL);
		c = pf_pod_find_container(pod, "s", &last);
		PF_CHECK("a status without spec",
			 c && !strcmp(c->name, "stray") &&
				 c->spec.cpu_limit_millicores == PF_UNKNOWN);
		got_done(&got);
	}
}

static void test_watch(void)
{
	static const char text[] =
		"{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"p\",\"namespace\":\"n\",\"uid\":\"u\",\"resourceVersion\":\"5\"}}}\n"
		"{\"object\":{\"metadata\":{\"name\":\"p\",\"namespace\":\"n\",\"uid\":\"u\",\"resourceVersion\":\"6\"}},\"type\":\"DELETED\"}\n"
		"{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"Pod\",\"metadata\":{\"resourceVersion\":\"9\"}}}\n"
		"{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410,\"reason\":\"Expired\",\"message\":\"too old\"}}\n"
		"{\"type\":\"NEW KIND\",\"object\":{}}\n"
		"{\"type\":\"ADDED\",\"obj";
	static const enum pf_watch_event want[] = { PF_WATCH_ADDED, PF_WATCH_DELETED,
						    PF_WATCH_BOOKMARK, PF_WATCH_ERROR,
						    PF_WATCH_UNKNOWN };
	struct got got = { 0 };
	PF_AUTO(pf_pod_json_freep)
	struct pf_pod_json *parser = new_parser(PF_POD_JSON_WATCH, &got);

	PF_CHECK_INT("feed", feed(parser, text, 3), 0);
	PF_CHECK_INT("events", got.nr, PF_ARRAY_SIZE(want));
	for (uint32_t i = 0; i < got.nr && i < PF_ARRAY_SIZE(want); i++)
		PF_CHECK_INT("event", got.events[i], want[i]);
	PF_CHECK("pods only where there are", got.pods[0] && got.pods[1] && !got.pods[2]);
	PF_CHECK_STR("version", pf_pod_json_info(parser)->resource_version, "9");
	PF_CHECK_INT("code", pf_pod_json_info(parser)->status_code, 410);
	PF_CHECK_STR("reason", pf_pod_json_info(parser)->status_reason, "Expired");
	PF_CHECK_INT("nothing lost", pf_pod_json_info(parser)->nr_lost_pods, 0);
	PF_CHECK_INT("cut off", pf_pod_json_finish(parser), -EBADMSG);
	got_done(&got);
}

static const struct bad_case {
	const char *name, *text;
	enum pf_pod_json_mode mode;
	int feed_err, finish_err;
	uint32_t nr_pods, nr_lost;
} bad_cases[] = {
	{ "empty", "", PF_POD_JSON_LIST, 0, -EBADMSG },
	{ "not JSON", "<html>", PF_POD_JSON_LIST, -EBADMSG, -EBADMSG },
	{ "cut off", "{\"items\":[{" META "}", PF_POD_JSON_LIST, 0, -EBADMSG, 1 },
	{ "two values", "{} {}", PF_POD_JSON_LIST, -EBADMSG, -EBADMSG },
	{ "an array", "[]", PF_POD_JSON_LIST, 0, 0 },
	{ "items is an object", "{\"items\":{\"a\":{" META "}}}", PF_POD_JSON_LIST, 0, 0 },
	{ "items is null", "{\"items\":null}", PF_POD_JSON_LIST, 0, 0 },
	{ "an item is a number", "{\"items\":[5,{" META "}]}", PF_POD_JSON_LIST, 0, 0, 1 },
	{ "no uid", "{\"items\":[{\"metadata\":{\"name\":\"a\",\"namespace\":\"b\"}},{" META "}]}",
	  PF_POD_JSON_LIST, 0, 0, 1, 1 },
	{ "a number that never ends",
	  "{\"a\":11111111111111111111111111111111111111111111111111111111111111111111111111",
	  PF_POD_JSON_LIST, -EBADMSG, -EBADMSG },
	{ "nested too deep",
	  "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
	  PF_POD_JSON_LIST, -EBADMSG, -EBADMSG },
	{ "a Status", "{\"kind\":\"Status\",\"metadata\":{},\"status\":\"Failure\",\"code\":403}",
	  PF_POD_JSON_OBJECT, 0, 0 },
	{ "bytes that are not UTF-8", "{\"items\":[{\"x\":\"\xff\xfe\"," META "}]}",
	  PF_POD_JSON_LIST, 0, 0, 1 },
};

static void test_bad(void)
{
	for (size_t i = 0; i < PF_ARRAY_SIZE(bad_cases); i++) {
		const struct bad_case *c = &bad_cases[i];
		struct got got = { 0 };
		PF_AUTO(pf_pod_json_freep)
		struct pf_pod_json *parser = new_parser(c->mode, &got);

		PF_CHECK_INT(c->name, feed(parser, c->text, 5), c->feed_err);
		PF_CHECK_INT(c->name, pf_pod_json_finish(parser), c->finish_err);
		PF_CHECK_INT(c->name, got.nr, c->nr_pods);
		PF_CHECK_INT(c->name, pf_pod_json_info(parser)->nr_lost_pods, c->nr_lost);
		PF_CHECK(c->name, (c->finish_err == 0) == !*pf_pod_json_error(parser));
		got_done(&got);
	}
}

/* A value of @len bytes, made of @unit, in an annotation; cut wherever that falls. */
static void check_long_value(const char *unit, size_t len)
{
	struct got got = { 0 };
	PF_AUTO(pf_pod_json_freep)
	struct pf_pod_json *parser = new_parser(PF_POD_JSON_LIST, &got);
	struct pf_buf text;

	pf_buf_init(&text, len + 1024);
	(void)pf_buf_adds(&text, "{\"items\":[{\"metadata\":{\"annotations\":{\"note\":\"");
	while (text.len < len)
		(void)pf_buf_adds(&text, unit);
	(void)pf_buf_adds(&text, "\"},\"name\":\"p\",\"namespace\":\"n\",\"uid\":\"u\"}}]}");
	PF_CHECK_INT(unit, feed(parser, text.data, 4096), 0);
	PF_CHECK_INT(pf_pod_json_error(parser), pf_pod_json_finish(parser), 0);
	PF_CHECK_INT(unit, got.nr, 1);
	PF_CHECK_INT("cut", pf_pod_json_info(parser)->nr_cut_strings, 1);
	PF_CHECK("short", got.nr == 1 && got.pods[0]->nr_labels == 1 &&
				  strlen(got.pods[0]->labels[0].value) <= 256);
	got_done(&got);
	pf_buf_done(&text);
}

static void test_long_values(void)
{
	/* Whatever stands at the place of the cut: a byte, an escape, a pair of escapes, a
	 * character, half of one. */
	static const char *const units[] = {
		"x",	"\\n",	    "\\u00e4",		"\\ud83d\\ude00", "\\\\",
		"\\\"", "\xc3\xa4", "\xf0\x9f\x98\x80", "\xbf",		  "abc\\u0041\xe2\x82\xac"
	};

	for (size_t i = 0; i < PF_ARRAY_SIZE(units); i++)
		for (size_t extra = 0; extra < 7; extra++)
			check_long_value(units[i], 40000 + extra);
}

static void test_recorded(void)
{
	static const struct {
		const char *path;
		uint64_t nr_pods;
	} files[] = {
		{ "tests/fixtures/k8s/v1-cgroupfs/kubelet-pods.json", 13 },
		{ "tests/fixtures/k8s/v1-cgroupfs/api-pods.json", 13 },
		{ "tests/fixtures/k8s/v2-systemd/kubelet-pods.json", 10 },
		{ "tests/fixtures/k8s/v2-systemd/api-pods.json", 10 },
		{ "tests/fixtures/k8s/v2-cgroupfs-static/kubelet-pods.json", 3 },
	};

	for (size_t i = 0; i < PF_ARRAY_SIZE(files); i++) {
		struct got got = { 0 };
		PF_AUTO(pf_pod_json_freep)
		struct pf_pod_json *parser = new_parser(PF_POD_JSON_LIST, &got);
		const struct pf_pod_json_info *info = pf_pod_json_info(parser);
		struct pf_buf text;

		pf_buf_init(&text, 1 << 20);
		PF_CHECK_INT(files[i].path,
			     pf_file_read(&pf_sys_real, AT_FDCWD, files[i].path, &text), 0);
		PF_CHECK_INT(files[i].path, feed(parser, text.data ? text.data : "", 1000), 0);
		PF_CHECK_INT(files[i].path, pf_pod_json_finish(parser), 0);
		PF_CHECK_INT(files[i].path, info->nr_pods, files[i].nr_pods);
		PF_CHECK_INT(files[i].path,
			     info->nr_bad_values + info->nr_lost_pods + info->nr_lost_containers,
			     0);
		got_done(&got);
		pf_buf_done(&text);
	}
}

PF_TEST_SUITE(pod_json, { "every kind of container", test_every_kind_of_container },
	      { "watch", test_watch }, { "bad", test_bad }, { "long values", test_long_values },
	      { "recorded", test_recorded });
