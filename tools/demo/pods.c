// SPDX-License-Identifier: Apache-2.0
/*
 * pods.c - what a kubelet would say about the demo's workloads.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/buf.h"
#include "demo/demo.h"
#include "sys/http_server.h"

struct demo_pods {
	struct pf_http_server *server;
	char *list;
};

static void random_hex(char *text, size_t nr_digits)
{
	unsigned char bytes[32];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		memset(bytes, 0xa5, sizeof(bytes)); /* ids need to differ from real ones only */
	for (size_t i = 0; i < nr_digits; i++)
		text[i] = "0123456789abcdef"[bytes[i / 2] >> (i % 2 * 4) & 15];
	text[nr_digits] = '\0';
}

static void make_ids(struct demo_workload *workload)
{
	char hex[65];

	random_hex(hex, 32);
	(void)snprintf(workload->pod_uid, sizeof(workload->pod_uid), "%.8s-%.4s-4%.3s-8%.3s-%.12s",
		       hex, hex + 8, hex + 13, hex + 17, hex + 20);
	random_hex(workload->container_id, 64);
}

static void add_pod(struct pf_buf *out, const struct demo_workload *w, const char *started)
{
	static const char hash[] = "6d4cf56db6";

	(void)pf_buf_addf(
		out,
		"{\"metadata\":{\"name\":\"%s-%s-x2x7k\",\"namespace\":\"demo\",\"uid\":\"%s\","
		"\"labels\":{\"app\":\"%s\",\"pod-template-hash\":\"%s\"},"
		"\"ownerReferences\":[{\"apiVersion\":\"apps/v1\",\"kind\":\"ReplicaSet\","
		"\"name\":\"%s-%s\",\"uid\":\"%s\",\"controller\":true}]},",
		w->name, hash, w->pod_uid, w->name, hash, w->name, hash, w->pod_uid);
	(void)pf_buf_addf(out,
			  "\"spec\":{\"containers\":[{\"name\":\"%s\",\"image\":\"demo/%s\","
			  "\"resources\":{\"requests\":{\"cpu\":\"%um\",\"memory\":\"%uMi\"},"
			  "\"limits\":{\"cpu\":\"%um\",\"memory\":\"%uMi\"}}}]},",
			  w->name, w->name, w->cpu_request_millicores, w->memory_request_mib,
			  w->cpu_limit_millicores, w->memory_limit_mib);
	(void)pf_buf_addf(
		out,
		"\"status\":{\"phase\":\"Running\",\"qosClass\":\"Burstable\",\"startTime\":\"%s\","
		"\"containerStatuses\":[{\"name\":\"%s\",\"ready\":true,\"started\":true,"
		"\"restartCount\":0,\"image\":\"demo/%s\",\"imageID\":\"\","
		"\"containerID\":\"containerd://%s\","
		"\"state\":{\"running\":{\"startedAt\":\"%s\"}},\"lastState\":{}}]}}",
		started, w->name, w->name, w->container_id, started);
}

static char *make_list(void)
{
	char started[32];
	time_t now = time(NULL);
	struct tm tm;
	struct pf_buf out;

	pf_buf_init(&out, 1 << 20);
	(void)strftime(started, sizeof(started), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
	(void)pf_buf_adds(&out, "{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":{},"
				"\"items\":[");
	for (size_t i = 0; i < DEMO_NR_WORKLOADS; i++) {
		make_ids(&demo_workloads[i]);
		(void)pf_buf_adds(&out, i ? "," : "");
		add_pod(&out, &demo_workloads[i], started);
	}
	(void)pf_buf_adds(&out, "]}\n");
	if (out.err) {
		pf_buf_done(&out);
		return NULL;
	}
	return pf_buf_steal(&out);
}

static void handle(void *arg, struct pf_http_request *req)
{
	const struct demo_pods *pods = arg;
	char *copy;

	if (strcmp(pf_http_path(req), "/pods") && strcmp(pf_http_path(req), "/pods/")) {
		pf_http_reply_error(req, 404, "only /pods");
		return;
	}
	copy = strdup(pods->list);
	pf_http_reply(req, copy ? 200 : 500, "application/json", copy, copy ? strlen(copy) : 0);
}

int demo_pods_serve(struct demo_pods **ret_pods, char *error, size_t error_size)
{
	struct demo_pods *pods = calloc(1, sizeof(*pods));
	const struct pf_http_server_opts opts = {
		.listen = "127.0.0.1:0", .nr_threads = 1, .arg = pods, .handle = handle
	};
	int r = -ENOMEM;

	(void)snprintf(error, error_size, "out of memory");
	if (pods)
		pods->list = make_list();
	if (pods && pods->list)
		r = pf_http_server_new(&opts, &pods->server, error, error_size);
	if (r < 0) {
		demo_pods_free(pods);
		return r;
	}
	*ret_pods = pods;
	return 0;
}

const char *demo_pods_address(const struct demo_pods *pods)
{
	return pf_http_server_address(pods->server);
}

void demo_pods_free(struct demo_pods *pods)
{
	if (!pods)
		return;
	pf_http_server_free(pods->server);
	free(pods->list);
	free(pods);
}
