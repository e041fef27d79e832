// SPDX-License-Identifier: Apache-2.0
/*
 * Tries what the sources need, one request after another, and says what is missing in the words of
 * who has to grant it.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>

#include "meta/meta.h"
#include "meta/reader.h"
#include "sys/clock.h"

#define PROBE_NS (5 * PF_NS_PER_S) /* each; one without an answer is the last */

enum {
	URL_SIZE = 2048,
	PROBE_MAX_BODY = 64 << 20, /* the kubelet's list has no limit to ask for */
};

struct doctor {
	struct pf_meta_check *checks;
	size_t nr, max;
};

struct probe {
	bool done;
	int err;
	long status;
	uint64_t nr_pods;
	char error[256];
};

static void add(struct doctor *doctor, const char *name, enum pf_meta_verdict verdict,
		const char *format, ...) PF_PRINTF(4, 5);

static void add(struct doctor *doctor, const char *name, enum pf_meta_verdict verdict,
		const char *format, ...)
{
	struct pf_meta_check *check = &doctor->checks[doctor->nr];
	va_list args;

	if (doctor->nr == doctor->max)
		return;
	doctor->nr++;
	check->verdict = verdict;
	snprintf(check->name, sizeof(check->name), "%s", name);
	va_start(args, format);
	vsnprintf(check->text, sizeof(check->text), format, args);
	va_end(args);
}

static void on_pod(void *arg, enum pf_watch_event event, const struct pf_pod *pod,
		   const struct pf_pod_json_info *info)
{
	struct probe *probe = arg;

	(void)event;
	(void)info;
	probe->nr_pods += pod != NULL;
}

static void on_done(void *arg, const struct pf_read_result *result)
{
	struct probe *probe = arg;

	probe->done = true;
	probe->err = result->err;
	probe->status = result->status;
	snprintf(probe->error, sizeof(probe->error), "%s", result->error);
}

/* One GET, waited for. */
static int run_probe(struct pf_loop *loop, const struct pf_meta_source_opts *with,
		     const struct pf_meta_server *server, const struct pf_read *read,
		     struct probe *probe)
{
	struct pf_reader_opts opts = { .with = with, .pod = on_pod, .done = on_done, .arg = probe };
	uint64_t end_ns = pf_clock_monotonic_ns() + 2 * PROBE_NS;
	PF_AUTO(pf_reader_freep) struct pf_reader *reader = NULL;
	int r;

	*probe = (struct probe){ .done = false };
	r = pf_reader_new(loop, server, &opts, &reader);
	if (r >= 0)
		r = pf_reader_start(reader, read);
	while (r >= 0 && !probe->done && pf_clock_monotonic_ns() < end_ns)
		r = pf_loop_run_once(loop, PF_NS_PER_S / 10);
	if (r >= 0 && !probe->done)
		r = -ETIMEDOUT;
	if (r < 0) {
		probe->err = r;
		snprintf(probe->error, sizeof(probe->error), "%s%s", strerror(-r),
			 r == -ENOENT || r == -EACCES ? " (token file)" : "");
	}
	return probe->err;
}

static void get(struct pf_loop *loop, const struct pf_meta_source_opts *with,
		const struct pf_meta_server *server, enum pf_pod_json_mode mode,
		struct probe *probe, const char *format, ...) PF_PRINTF(6, 7);

static void get(struct pf_loop *loop, const struct pf_meta_source_opts *with,
		const struct pf_meta_server *server, enum pf_pod_json_mode mode,
		struct probe *probe, const char *format, ...)
{
	char url[URL_SIZE];
	struct pf_read read = {
		.url = url, .mode = mode, .total_ns = PROBE_NS, .max_body = PROBE_MAX_BODY
	};
	va_list args;
	int n = snprintf(url, sizeof(url), "%s", server->url);

	va_start(args, format);
	if (n < (int)sizeof(url))
		vsnprintf(url + n, sizeof(url) - (size_t)n, format, args);
	va_end(args);
	(void)run_probe(loop, with, server, &read, probe); /* told by @probe */
}

/* 401 and what is no answer at all are alike for every request. Return: whether it was one. */
static bool add_no_answer(struct doctor *doctor, const char *name, const struct probe *probe)
{
	if (probe->err && !probe->status)
		add(doctor, name, PF_META_FAILED, "no answer: %s", probe->error);
	else if (probe->err)
		add(doctor, name, PF_META_FAILED, "HTTP %ld, then: %s", probe->status,
		    probe->error);
	else if (probe->status == 401)
		add(doctor, name, PF_META_FAILED,
		    "the credentials are not accepted (401): the token or client certificate is "
		    "missing, expired, or of another cluster");
	else
		return false;
	return true;
}

static void check_verb(struct doctor *doctor, const char *name, enum pf_meta_verdict missing,
		       const char *grant, long good, const struct probe *probe)
{
	if (add_no_answer(doctor, name, probe))
		return;
	if (probe->status == good || probe->status == 200)
		add(doctor, name, PF_META_OK, "allowed");
	else if (probe->status == 403)
		add(doctor, name, missing, "refused (403): grant %s", grant);
	else
		add(doctor, name, missing, "%s", probe->error);
}

static void check_owners(struct doctor *doctor, struct pf_loop *loop,
			 const struct pf_meta_source_opts *with)
{
	struct probe probe;

	/* Of an object that is not there: 404 means one may look. */
	get(loop, with, &with->apiserver, PF_POD_JSON_OBJECT, &probe,
	    "/apis/apps/v1/namespaces/default/replicasets/podfit-doctor");
	check_verb(doctor, "apiserver: get replicasets", PF_META_WARNING,
		   "the verb get on replicasets (API group apps), or owners of bare ReplicaSets "
		   "stay unknown",
		   404, &probe);
	get(loop, with, &with->apiserver, PF_POD_JSON_OBJECT, &probe,
	    "/apis/batch/v1/namespaces/default/jobs/podfit-doctor");
	check_verb(doctor, "apiserver: get jobs", PF_META_WARNING,
		   "the verb get on jobs (API group batch), or owners of Jobs stay unknown", 404,
		   &probe);
}

static void check_hpa(struct doctor *doctor, struct pf_loop *loop,
		      const struct pf_meta_source_opts *with)
{
	struct probe probe;

	get(loop, with, &with->apiserver, PF_POD_JSON_LIST, &probe,
	    "/apis/autoscaling/v2/horizontalpodautoscalers?limit=1&resourceVersion=0");
	check_verb(doctor, "apiserver: list horizontalpodautoscalers", PF_META_WARNING,
		   "the verb list on horizontalpodautoscalers (API group autoscaling), or leave "
		   "--pods.hpa off",
		   200, &probe);
}

static void check_apiserver(struct doctor *doctor, struct pf_loop *loop,
			    const struct pf_meta_source_opts *with)
{
	const char *list = "apiserver: list pods";
	char node[3 * PF_OBJECT_NAME_MAX];
	struct probe probe;

	if (pf_http_escape(with->node_name, node, sizeof(node)) < 0) {
		add(doctor, list, PF_META_FAILED, "the node's name is too long");
		return;
	}
	get(loop, with, &with->apiserver, PF_POD_JSON_LIST, &probe,
	    "/api/v1/pods?limit=1&resourceVersion=0&fieldSelector=spec.nodeName%%3D%s", node);
	if (!probe.err && probe.status == 200)
		add(doctor, list, probe.nr_pods ? PF_META_OK : PF_META_WARNING,
		    probe.nr_pods ? "allowed, node %s has pods"
				  : "allowed, but node %s has no pods: is --pods.node-name right?",
		    with->node_name);
	else
		check_verb(doctor, list, PF_META_FAILED,
			   "the verb list on pods (core API group, all namespaces)", 200, &probe);
	if (probe.err && !probe.status)
		return; /* all others would say the same */
	get(loop, with, &with->apiserver, PF_POD_JSON_WATCH, &probe,
	    "/api/v1/pods?watch=1&timeoutSeconds=1&resourceVersion=0&"
	    "fieldSelector=spec.nodeName%%3D%s",
	    node);
	check_verb(doctor, "apiserver: watch pods", PF_META_FAILED,
		   "the verb watch on pods (core API group, all namespaces)", 200, &probe);
	if (with->resolve_owners)
		check_owners(doctor, loop, with);
	if (with->hpa)
		check_hpa(doctor, loop, with);
}

static void check_kubelet(struct doctor *doctor, struct pf_loop *loop,
			  const struct pf_meta_source_opts *with)
{
	struct probe probe;

	get(loop, with, &with->kubelet, PF_POD_JSON_LIST, &probe, "/pods");
	check_verb(doctor, "kubelet: get pods", PF_META_FAILED,
		   "the verb get on nodes/pods (before Kubernetes 1.33: on nodes/proxy)", 200,
		   &probe);
}

static void check_none(struct doctor *doctor, const struct pf_meta_source_opts *with)
{
	const char *name = "none: log folder";
	char path[PATH_MAX];
	DIR *dir;

	if (!with->pod_logs || !*with->pod_logs) {
		add(doctor, name, PF_META_WARNING, "no folder given: containers have ids only");
		return;
	}
	snprintf(path, sizeof(path), "%s/containers", with->pod_logs);
	dir = opendir(path);
	if (dir) {
		add(doctor, name, PF_META_OK, "%s gives names, but no owners and resources", path);
		(void)closedir(dir);
		return;
	}
	add(doctor, name, PF_META_WARNING, "%s: %s: containers have ids only", path,
	    strerror(errno));
}

static bool wanted(const struct pf_meta_opts *opts, const struct pf_meta_source_ops *ops,
		   struct doctor *doctor)
{
	bool automatic = !strcmp(opts->source, "auto");
	char error[256];

	if (!automatic && strcmp(opts->source, ops->name))
		return false;
	if (ops->usable(&opts->with, error, sizeof(error)) >= 0)
		return true;
	add(doctor, ops->name, automatic ? PF_META_WARNING : PF_META_FAILED, "not used: %s", error);
	return false;
}

size_t pf_meta_doctor(const struct pf_meta_opts *opts, struct pf_meta_check *ret_checks, size_t max)
{
	struct doctor doctor = { .checks = ret_checks, .max = max };
	PF_AUTO(pf_loop_freep) struct pf_loop *loop = NULL;
	int r = pf_loop_new(&loop);

	if (r < 0) {
		add(&doctor, "pods", PF_META_FAILED, "%s", strerror(-r));
		return doctor.nr;
	}
	if (wanted(opts, &pf_meta_apiserver, &doctor))
		check_apiserver(&doctor, loop, &opts->with);
	if (wanted(opts, &pf_meta_kubelet, &doctor))
		check_kubelet(&doctor, loop, &opts->with);
	if (wanted(opts, &pf_meta_none, &doctor))
		check_none(&doctor, &opts->with);
	return doctor.nr;
}
