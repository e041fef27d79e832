// SPDX-License-Identifier: Apache-2.0
/* HorizontalPodAutoscalers: what is read of them, and the list from a server that answers as told. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/buf.h"
#include "core/units.h"
#include "meta/hpa.h"
#include "sys/http_server.h"
#include "unit/check.h"
#include "unit/fault_alloc.h"

enum { TARGETS_MAX = 16, ROUNDS_MAX = 2000, REQUESTS_MAX = 8, PAGES = 64 };

struct got {
	struct pf_hpa_target targets[TARGETS_MAX];
	uint32_t nr;
};

static void on_target(void *arg, const struct pf_hpa_target *target)
{
	struct got *got = arg;

	if (got->nr < TARGETS_MAX)
		got->targets[got->nr] = *target;
	got->nr++;
}

#define UTILIZATION "\"target\":{\"type\":\"Utilization\",\"averageUtilization\":80}"
#define CPU	    "{\"type\":\"Resource\",\"resource\":{\"name\":\"cpu\"," UTILIZATION "}}"

/* Three autoscalers, keys in different orders, with metrics of every type. */
static const char list_text[] =
	"{\"kind\":\"HorizontalPodAutoscalerList\",\"metadata\":{\"resourceVersion\":\"7\",\"continue\":\"next/1\"},"
	"\"items\":[{\"metadata\":{\"name\":\"h1\",\"namespace\":\"shop\",\"labels\":{\"namespace\":\"no\"}},"
	"\"spec\":{\"maxReplicas\":5,\"scaleTargetRef\":{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"name\":\"web\"},"
	"\"metrics\":[" CPU
	",{\"type\":\"Resource\",\"resource\":{\"name\":\"memory\",\"target\":{\"type\":\"AverageValue\","
	"\"averageValue\":\"100Mi\"}}},{\"type\":\"Pods\",\"pods\":{\"metric\":{\"name\":\"cpu\"}," UTILIZATION
	"}}]},"
	"\"status\":{\"currentMetrics\":[" CPU "],\"conditions\":[{\"type\":\"Resource\"}]}},"
	"{\"spec\":{\"metrics\":[{\"containerResource\":{" UTILIZATION
	",\"container\":\"db\",\"name\":\"memory\"},"
	"\"type\":\"ContainerResource\"}],\"scaleTargetRef\":{\"name\":\"store\",\"kind\":\"StatefulSet\"}},"
	"\"metadata\":{\"namespace\":\"data\",\"name\":\"h2\"}},"
	"{\"metadata\":{\"namespace\":\"shop\"},\"spec\":{\"scaleTargetRef\":{\"kind\":\"Rollout\",\"name\":\"canary\"},"
	"\"metrics\":[" CPU "]}}]}";

static void check_target(const struct pf_hpa_target *got, const char *namespace_name,
			 const char *kind, const char *name, const char *container, bool cpu)
{
	PF_CHECK_STR(name, got->namespace_name, namespace_name);
	PF_CHECK_STR(name, got->kind, kind);
	PF_CHECK_STR(name, got->name, name);
	PF_CHECK_STR(name, got->container, container);
	PF_CHECK(name, got->on_cpu == cpu && got->on_memory == !cpu);
}

static void test_json(void)
{
	static const size_t steps[] = { 1, 7, sizeof(list_text) };

	for (size_t i = 0; i < PF_ARRAY_SIZE(steps); i++) {
		PF_AUTO(pf_hpa_json_freep) struct pf_hpa_json *parser = NULL;
		struct got got = { .nr = 0 };
		size_t len = strlen(list_text);

		PF_CHECK_INT("new", pf_hpa_json_new(on_target, &got, &parser), 0);
		for (size_t at = 0; at < len; at += steps[i])
			PF_CHECK_INT("feed",
				     pf_hpa_json_feed(parser, list_text + at,
						      PF_MIN(steps[i], len - at)),
				     0);
		PF_CHECK_INT("finish", pf_hpa_json_finish(parser), 0);
		PF_CHECK_STR("next page", pf_hpa_json_continue(parser), "next/1");
		PF_CHECK_INT("targets", got.nr, 3);
		check_target(&got.targets[0], "shop", "Deployment", "web", "", true);
		check_target(&got.targets[1], "data", "StatefulSet", "store", "db", false);
		check_target(&got.targets[2], "shop", "Rollout", "canary", "", true);
	}
}

static void test_bad_json(void)
{
	static const char deep[] =
		"{\"items\":[{\"spec\":{\"metrics\":[[[{\"a\":{\"b\":[1,{\"c\":null}]}}]]],"
		"\"0123456789012345678901234567890123456789\":{\"x\":{\"type\":\"Resource\"}}}}]}";
	PF_AUTO(pf_hpa_json_freep) struct pf_hpa_json *parser = NULL;
	struct got got = { .nr = 0 };

	/* Cut anywhere it is not whole, and nothing is read beyond its end. */
	for (size_t len = 0; len < strlen(list_text); len += 3) {
		struct pf_hpa_json *cut = NULL;

		PF_CHECK_INT("new", pf_hpa_json_new(on_target, &got, &cut), 0);
		PF_CHECK_INT("feed", pf_hpa_json_feed(cut, list_text, len), 0);
		PF_CHECK_INT("cut off", pf_hpa_json_finish(cut), -EBADMSG);
		pf_hpa_json_free(cut);
	}
	got.nr = 0;
	PF_CHECK_INT("new", pf_hpa_json_new(on_target, &got, &parser), 0);
	PF_CHECK_INT("odd shapes", pf_hpa_json_feed(parser, deep, strlen(deep)), 0);
	PF_CHECK_INT("are JSON", pf_hpa_json_finish(parser), 0);
	PF_CHECK_INT("without a target", got.nr, 0);
	pf_hpa_json_free(pf_take(parser));
	PF_CHECK_INT("new", pf_hpa_json_new(on_target, &got, &parser), 0);
	PF_CHECK_INT("no JSON", pf_hpa_json_feed(parser, "{]", 2), -EBADMSG);
	PF_CHECK_INT("stays so", pf_hpa_json_feed(parser, "{}", 2), -EBADMSG);
	pf_hpa_json_free(pf_take(parser));
	fault_alloc(1);
	PF_CHECK_INT("no memory", pf_hpa_json_new(on_target, &got, &parser), -ENOMEM);
	fault_alloc_end();
}

/* Whoever may make an autoscaler must not be able to fill the agent's memory with it. */
static void test_many_metrics(void)
{
	enum { NAMED = PF_POD_CONTAINERS_MAX + 70, TIMES = 2 };
	PF_AUTO(pf_hpa_json_freep) struct pf_hpa_json *parser = NULL;
	struct got got = { .nr = 0 };
	struct pf_buf text;

	pf_buf_init(&text, 1 << 20);
	pf_buf_adds(&text,
		    "{\"items\":[{\"metadata\":{\"namespace\":\"shop\"},\"spec\":{"
		    "\"scaleTargetRef\":{\"kind\":\"Deployment\",\"name\":\"web\"},\"metrics\":[");
	for (int i = 0; i < NAMED * TIMES; i++)
		pf_buf_addf(
			&text,
			"%s{\"type\":\"ContainerResource\",\"containerResource\":{\"name\":\"%s\","
			"\"container\":\"c%d\"," UTILIZATION "}}",
			i ? "," : "", i < NAMED ? "cpu" : "memory", i % NAMED);
	pf_buf_adds(&text, "]}}]}");
	PF_CHECK_INT("text", text.err, 0);
	PF_CHECK_INT("new", pf_hpa_json_new(on_target, &got, &parser), 0);
	PF_CHECK_INT("feed", pf_hpa_json_feed(parser, text.data, text.len), 0);
	PF_CHECK_INT("one a container", got.nr, PF_POD_CONTAINERS_MAX);
	PF_CHECK("of both metrics", got.targets[0].on_cpu && got.targets[0].on_memory);
	PF_CHECK_INT("the others are counted", pf_hpa_json_beyond(parser), 70 * TIMES);
	pf_buf_done(&text);
}

/* ---- the list from a server ---- */

struct server {
	struct pf_http_server *http;
	char url[80];
	struct {
		unsigned status;
		const char *body;
	} answers[REQUESTS_MAX];
	pthread_mutex_t lock;
	unsigned nr_requests;
	char targets[REQUESTS_MAX][200];
};

static void handle(void *arg, struct pf_http_request *req)
{
	struct server *s = arg;
	unsigned i;

	pthread_mutex_lock(&s->lock);
	i = PF_MIN(s->nr_requests, (unsigned)REQUESTS_MAX - 1);
	s->nr_requests++;
	snprintf(s->targets[i], sizeof(s->targets[i]), "%s", pf_http_target(req));
	pthread_mutex_unlock(&s->lock);
	if (!s->answers[i].body)
		pf_http_reply_error(req, s->answers[i].status ?: 500, "no");
	else
		pf_http_reply(req, 200, "application/json", strdup(s->answers[i].body),
			      strlen(s->answers[i].body));
}

static void server_start(struct server *s)
{
	const struct pf_http_server_opts opts = {
		.listen = "127.0.0.1:0", .nr_threads = 1, .arg = s, .handle = handle
	};
	char error[256] = "";

	pthread_mutex_init(&s->lock, NULL);
	PF_CHECK_INT("server", pf_http_server_new(&opts, &s->http, error, sizeof(error)), 0);
	if (s->http)
		snprintf(s->url, sizeof(s->url), "http://%s", pf_http_server_address(s->http));
}

static unsigned nr_requests(struct server *s)
{
	unsigned nr;

	pthread_mutex_lock(&s->lock);
	nr = s->nr_requests;
	pthread_mutex_unlock(&s->lock);
	return nr;
}

static void on_changed(void *arg)
{
	++*(unsigned *)arg;
}

static void run(struct pf_loop *loop, struct server *s, unsigned requests, const unsigned *lists,
		unsigned want_lists)
{
	for (int i = 0; i < ROUNDS_MAX && (nr_requests(s) < requests || *lists < want_lists); i++)
		PF_CHECK_INT("round", pf_loop_run_once(loop, 10 * PF_NS_PER_MS), 0);
	PF_CHECK_INT("requests", nr_requests(s), requests);
	PF_CHECK_INT("lists", *lists, want_lists);
}

static struct pf_identity identity_of(const char *namespace_name, enum pf_workload_kind kind,
				      const char *workload, const char *container)
{
	struct pf_identity id = { .workload_kind = kind };

	snprintf(id.namespace_name, sizeof(id.namespace_name), "%s", namespace_name);
	snprintf(id.workload, sizeof(id.workload), "%s", workload);
	snprintf(id.container, sizeof(id.container), "%s", container);
	return id;
}

static void check_fill(const struct pf_hpa *hpa, struct pf_identity id, bool known, bool cpu,
		       bool memory)
{
	pf_hpa_fill(hpa, &id);
	PF_CHECK(id.workload, id.hpa_known == known);
	PF_CHECK(id.workload, id.hpa_on_cpu == cpu);
	PF_CHECK(id.workload, id.hpa_on_memory == memory);
}

/* Refused, then two pages: nothing is known before, and all of it after. */
static void test_list(void)
{
	static struct server s = {
		.answers = { { 500, NULL },
			     { 200, list_text },
			     { 200,
			       "{\"items\":[{\"metadata\":{\"namespace\":\"data\"},\"spec\":{\"scaleTargetRef\":"
			       "{\"kind\":\"StatefulSet\",\"name\":\"store\"},\"metrics\":[" CPU
			       "]}}]}" } },
	};
	struct pf_identity web = identity_of("shop", PF_WORKLOAD_DEPLOYMENT, "web", "app");
	struct pf_meta_server server = { .url = s.url };
	struct pf_loop *loop = NULL;
	struct pf_hpa *hpa = NULL;
	unsigned nr_lists = 0;

	server_start(&s);
	PF_CHECK_INT("loop", pf_loop_new(&loop), 0);
	PF_CHECK_INT("new", pf_hpa_new(loop, &server, on_changed, &nr_lists, &hpa), 0);
	check_fill(hpa, web, false, false, false);
	run(loop, &s, 3, &nr_lists, 1);
	PF_CHECK_STR("from the cache", s.targets[1],
		     "/apis/autoscaling/v2/horizontalpodautoscalers?limit=500&resourceVersion=0");
	PF_CHECK_STR("the next page", s.targets[2],
		     "/apis/autoscaling/v2/horizontalpodautoscalers?limit=500&continue=next%2F1");
	PF_CHECK_INT("none beyond the maximum", pf_hpa_refused(hpa), 0);
	check_fill(hpa, web, true, true, false);
	check_fill(hpa, identity_of("data", PF_WORKLOAD_DEPLOYMENT, "web", "app"), true, false,
		   false);
	check_fill(hpa, identity_of("data", PF_WORKLOAD_STATEFUL_SET, "store", "db"), true, true,
		   true);
	check_fill(hpa, identity_of("data", PF_WORKLOAD_STATEFUL_SET, "store", "proxy"), true, true,
		   false);
	check_fill(hpa, identity_of("shop", PF_WORKLOAD_OTHER, "canary", "x"), true, true, false);
	check_fill(hpa, identity_of("shop", PF_WORKLOAD_JOB, "web", "app"), true, false, false);
	pf_hpa_free(hpa);
	pf_loop_free(loop);
	pf_http_server_free(s.http);
}

/* Of a list that goes on for ever no part is taken for all of it. */
static void test_endless(void)
{
	static struct server s;
	struct pf_meta_server server = { .url = s.url };
	struct pf_loop *loop = NULL;
	struct pf_hpa *hpa = NULL;
	unsigned nr_lists = 0;

	for (size_t i = 0; i < REQUESTS_MAX; i++)
		s.answers[i].body = list_text;
	server_start(&s);
	PF_CHECK_INT("loop", pf_loop_new(&loop), 0);
	PF_CHECK_INT("new", pf_hpa_new(loop, &server, on_changed, &nr_lists, &hpa), 0);
	run(loop, &s, PAGES, &nr_lists, 0);
	for (int i = 0; i < 30; i++)
		PF_CHECK_INT("round", pf_loop_run_once(loop, 10 * PF_NS_PER_MS), 0);
	PF_CHECK_INT("not asked again at once", nr_requests(&s), PAGES);
	PF_CHECK_INT("not taken", nr_lists, 0);
	check_fill(hpa, identity_of("shop", PF_WORKLOAD_DEPLOYMENT, "web", "app"), false, false,
		   false);
	pf_hpa_free(hpa);
	pf_loop_free(loop);
	pf_http_server_free(s.http);
}

/* Without the right it is asked once and then not for minutes; nothing is claimed to be known. */
static void test_denied(void)
{
	static struct server s = { .answers = { { 403, NULL } } };
	struct pf_meta_server server = { .url = s.url };
	struct pf_loop *loop = NULL;
	struct pf_hpa *hpa = NULL;
	unsigned nr_lists = 0;

	server_start(&s);
	PF_CHECK_INT("loop", pf_loop_new(&loop), 0);
	PF_CHECK_INT("new", pf_hpa_new(loop, &server, on_changed, &nr_lists, &hpa), 0);
	run(loop, &s, 1, &nr_lists, 0);
	for (int i = 0; i < 30; i++)
		PF_CHECK_INT("round", pf_loop_run_once(loop, 50 * PF_NS_PER_MS), 0);
	PF_CHECK_INT("not asked again", nr_requests(&s), 1);
	check_fill(hpa, identity_of("shop", PF_WORKLOAD_DEPLOYMENT, "web", "app"), false, false,
		   false);
	pf_hpa_free(hpa);
	pf_loop_free(loop);
	pf_http_server_free(s.http);
}

PF_TEST_SUITE(hpa, { "json", test_json }, { "bad json", test_bad_json },
	      { "many metrics", test_many_metrics }, { "list", test_list },
	      { "endless", test_endless }, { "denied", test_denied });
