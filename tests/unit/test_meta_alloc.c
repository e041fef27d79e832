// SPDX-License-Identifier: Apache-2.0
/*
 * meta/ out of memory at each allocation in turn: what cannot be kept is told or counted, nothing
 * leaks, nothing half-made stays, and the next list brings back all names.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "meta/cgroup_path.h"
#include "meta/meta.h"
#include "meta/pod_json.h"
#include "meta/podmap.h"
#include "sys/file.h"
#include "unit/check.h"
#include "unit/fault_alloc.h"

#define S     PF_NS_PER_S
#define NODE  "tests/fixtures/k8s/v1-cgroupfs/"
#define TRUTH NODE "truth.tsv"

enum { TEXT_MAX = 1 << 20, LEAVES_MAX = 64, TRIES_MAX = 20000 };

struct leaf {
	struct pf_cgroup cgroup;
	char path[256], type[16], namespace_name[64], pod[254], container[254];
};

/* A recorded node: its list of pods, and its cgroups. */
struct node {
	struct pf_buf list;
	struct leaf leaf[LEAVES_MAX];
	uint32_t nr;
};

static void node_init(struct node *node)
{
	struct pf_cgroup_rules rules = { 0 };
	struct pf_buf truth;
	char *rest, *line;
	unsigned long weight;

	node->nr = 0;
	pf_buf_init(&node->list, TEXT_MAX);
	pf_buf_init(&truth, TEXT_MAX);
	PF_CHECK_INT("list",
		     pf_file_read(&pf_sys_real, AT_FDCWD, NODE "api-pods.json", &node->list), 0);
	PF_CHECK_INT("truth", pf_file_read(&pf_sys_real, AT_FDCWD, TRUTH, &truth), 0);
	for (line = strtok_r(truth.data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		struct leaf *leaf = &node->leaf[node->nr];

		memset(leaf, 0, sizeof(*leaf));
		if (sscanf(line, "%255s %lu %15s %63s %253s %253s", leaf->path, &weight, leaf->type,
			   leaf->namespace_name, leaf->pod, leaf->container) != 6 ||
		    node->nr == LEAVES_MAX)
			abort();
		leaf->cgroup.path = leaf->path;
		leaf->cgroup.handle = leaf->cgroup.id = ++node->nr;
		pf_cgroup_classify(&rules, leaf->path, &leaf->cgroup.class);
	}
	PF_CHECK("leaves", node->nr > 10);
	pf_buf_done(&truth);
}

struct reading {
	struct pf_podmap *map;
	uint64_t now_ns;
	unsigned nr_pods, nr_refused;
};

static void on_pod(void *arg, enum pf_watch_event event, const struct pf_pod *pod)
{
	struct reading *reading = arg;

	(void)event;
	reading->nr_pods++;
	if (pod && pf_podmap_put(reading->map, pod, reading->now_ns) < 0)
		reading->nr_refused++;
}

/* Reads the list into the map, as a source does. Return: 0; what failed first. */
static int read_list(const struct node *node, struct reading *reading,
		     struct pf_pod_json_info *ret_info)
{
	static const char *const labels[] = { "*", NULL };
	const struct pf_pod_json_opts opts = { .mode = PF_POD_JSON_LIST,
					       .labels = labels,
					       .annotations = labels,
					       .pod = on_pod,
					       .arg = reading };
	struct pf_pod_json *parser = (struct pf_pod_json *)reading;
	int r = pf_pod_json_new(&opts, &parser);

	if (r < 0) {
		PF_CHECK("untouched", parser == (struct pf_pod_json *)reading);
		return r;
	}
	pf_podmap_list_begin(reading->map);
	r = pf_pod_json_feed(parser, node->list.data, node->list.len);
	if (r == 0)
		r = pf_pod_json_finish(parser);
	*ret_info = *pf_pod_json_info(parser);
	pf_pod_json_free(parser);
	if (r == 0)
		(void)pf_podmap_list_end(reading->map, reading->now_ns); /* doubted: see the end */
	return r;
}

static void appear(const struct node *node, struct pf_podmap *map)
{
	for (uint32_t i = 0; i < node->nr; i++)
		pf_podmap_appeared(map, &node->leaf[i].cgroup, S);
}

static void check_names(const struct node *node, struct pf_podmap *map)
{
	for (uint32_t i = 0; i < node->nr; i++) {
		const struct leaf *leaf = &node->leaf[i];
		struct pf_identity id;
		enum pf_meta_answer answer = pf_podmap_lookup(map, &leaf->cgroup, 100 * S, &id);

		if (!strcmp(leaf->type, "sandbox")) {
			PF_CHECK(leaf->path, answer != PF_META_NAMED);
			continue;
		}
		PF_CHECK_INT(leaf->path, answer, PF_META_NAMED);
		PF_CHECK_STR(leaf->path, id.pod, leaf->pod);
		PF_CHECK_STR(leaf->path, id.container, leaf->container);
	}
}

/* The first list and the first cgroups come while memory fails once; the second while it does not. */
static void once(const struct node *node, unsigned nth, bool *ret_more)
{
	const struct pf_podmap_opts opts = { .max_pods = 100, .max_cgroups = 200 };
	struct reading first = { .now_ns = S }, second = { .now_ns = 40 * S };
	struct pf_pod_json_info info = { 0 };
	struct pf_podmap *map = NULL;
	long live = fault_alloc_live();
	struct pf_podmap_stats stats;
	int r;

	PF_CHECK_INT("map", pf_podmap_new(&opts, &map), 0);
	first.map = second.map = map;
	fault_alloc(nth);
	r = read_list(node, &first, &info);
	appear(node, map);
	fault_alloc_end();
	*ret_more = fault_alloc_calls() >= nth;
	pf_podmap_stats(map, &stats);
	PF_CHECK("an error of memory, or none", r == 0 || r == -ENOMEM);
	if (*ret_more)
		PF_CHECK("told or counted", r < 0 || first.nr_refused || info.nr_lost_pods ||
						    stats.nr_cgroups_refused ||
						    info.nr_lost_containers);
	else
		PF_CHECK("all well", r == 0 && !first.nr_refused && !info.nr_lost_pods &&
					     !stats.nr_cgroups_refused);
	appear(node, map);
	PF_CHECK_INT("the next list", read_list(node, &second, &info), 0);
	PF_CHECK_INT("is taken whole", second.nr_refused + info.nr_lost_pods, 0);
	pf_podmap_heard(map, 100 * S);
	check_names(node, map);
	pf_podmap_free(map);
	PF_CHECK_INT("nothing leaks", fault_alloc_live(), live);
}

static void test_names(void)
{
	static struct node node;
	unsigned nth = 1;
	bool more = true;

	node_init(&node);
	for (; more && nth < TRIES_MAX; nth++)
		once(&node, nth, &more);
	PF_CHECK("came to an end", !more);
	PF_CHECK("many were tried", nth > 50);
	pf_buf_done(&node.list);
}

static void test_podmap_new(void)
{
	const struct pf_podmap_opts opts = { .max_pods = 100, .max_cgroups = 200 };
	int r = -ENOMEM;

	for (unsigned nth = 1; r < 0 && nth < 100; nth++) {
		struct pf_podmap *untouched = (struct pf_podmap *)&r, *map = untouched;
		long live = fault_alloc_live();

		fault_alloc(nth);
		r = pf_podmap_new(&opts, &map);
		fault_alloc_end();
		PF_CHECK_INT("result", r, fault_alloc_calls() >= nth ? -ENOMEM : 0);
		if (r < 0)
			PF_CHECK("untouched", map == untouched);
		else
			pf_podmap_free(map);
		PF_CHECK_INT("nothing leaks", fault_alloc_live(), live);
	}
	PF_CHECK_INT("in the end", r, 0);
}

/* A source that cannot start for want of memory says so, and what it had begun is gone; a failure in
 * its first request is one to be tried again. Return: whether an allocation was left to fail. */
static bool start_once(const struct pf_meta_opts *opts, unsigned nth, unsigned *nr_refused)
{
	struct pf_meta *untouched = (struct pf_meta *)&nth, *meta = untouched;
	long live = fault_alloc_live();
	struct pf_loop *loop = NULL;
	char error[400] = "";
	bool failed;
	int r;

	PF_CHECK_INT("loop", pf_loop_new(&loop), 0);
	fault_alloc(nth);
	r = pf_meta_new(opts, loop, &meta, error, sizeof(error));
	fault_alloc_end();
	failed = fault_alloc_calls() >= nth;
	PF_CHECK(opts->source, r == 0 || (failed && r == -ENOMEM));
	if (r < 0) {
		PF_CHECK(opts->source, meta == untouched);
		PF_CHECK(opts->source, error[0] != '\0');
		++*nr_refused;
	} else {
		pf_meta_free(meta);
	}
	pf_loop_free(loop);
	PF_CHECK_INT(opts->source, fault_alloc_live(), live);
	return failed;
}

static void check_start(const char *source, unsigned nr_min)
{
	struct pf_meta_opts opts;
	unsigned nth = 1, nr_refused = 0;

	pf_meta_opts_init(&opts);
	opts.source = source;
	opts.max_cgroups = 100;
	opts.with.max_pods = 100;
	opts.with.node_name = "node-a";
	opts.with.resolve_owners = opts.with.hpa = true;
	opts.with.pod_logs = "/nonexistent";
	opts.with.apiserver = (struct pf_meta_server){ .url = "http://127.0.0.1:1" };
	opts.with.kubelet = (struct pf_meta_server){ .url = "http://127.0.0.1:1" };
	opts.with.kubelet_interval_ns = S;
	while (nth < 200 && start_once(&opts, nth, &nr_refused))
		nth++;
	PF_CHECK(source, nth < 200 && nr_refused >= nr_min);
}

static void test_start(void)
{
	check_start("none", 5);
	check_start("kubelet", 8);
	check_start("apiserver", 10);
}

PF_TEST_SUITE(meta_alloc, { "map", test_podmap_new }, { "names", test_names },
	      { "start of a source", test_start });
