// SPDX-License-Identifier: Apache-2.0
/*
 * The recorded nodes: pods put in random order, every container that containerd named found by its
 * cgroup; and the rules of a pod's life. PF_SEED=N repeats an order.
 */
#include "meta/podmap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>

#include "base/buf.h"
#include "meta/cgroup_path.h"
#include "meta/pod_json.h"
#include "sys/file.h"
#include "unit/check.h"

enum { PODS_MAX = 32, CGROUPS_MAX = 64 };

#define S PF_NS_PER_S

/* ---- recorded nodes ---- */

struct pods {
	struct pf_pod *pod[PODS_MAX];
	uint32_t nr;
};

static void take_pod(void *arg, enum pf_watch_event event, const struct pf_pod *pod)
{
	struct pods *pods = arg;

	(void)event;
	if (pods->nr == PODS_MAX || pf_pod_copy(pod, &pods->pod[pods->nr]) < 0)
		abort();
	pods->nr++;
}

static void load_pods(const char *path, struct pods *pods)
{
	struct pf_pod_json_opts opts = { .mode = PF_POD_JSON_LIST, .pod = take_pod, .arg = pods };
	PF_AUTO(pf_pod_json_freep) struct pf_pod_json *parser = NULL;
	struct pf_buf text;

	pf_buf_init(&text, 1 << 20);
	if (pf_file_read(&pf_sys_real, AT_FDCWD, path, &text) < 0 ||
	    pf_pod_json_new(&opts, &parser) < 0 ||
	    pf_pod_json_feed(parser, text.data, text.len) < 0 || pf_pod_json_finish(parser) < 0) {
		fprintf(stderr, "cannot read %s\n", path);
		abort();
	}
	pf_buf_done(&text);
}

static void free_pods(struct pods *pods)
{
	for (uint32_t i = 0; i < pods->nr; i++)
		pf_pod_free(pods->pod[i]);
	pods->nr = 0;
}

static uint64_t random_state;

static uint32_t random_below(uint32_t n)
{
	random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)((random_state >> 33) % n);
}

static void shuffle(struct pods *pods)
{
	for (uint32_t i = pods->nr; i > 1; i--) {
		uint32_t j = random_below(i);
		struct pf_pod *pod = pods->pod[i - 1];

		pods->pod[i - 1] = pods->pod[j];
		pods->pod[j] = pod;
	}
}

struct leaf {
	struct pf_cgroup cgroup;
	char path[PF_CGROUP_PATH_MAX];
	uint64_t weight;
	bool sandbox;
	char namespace_name[64], pod[254], container[254];
};

struct leaves {
	struct leaf leaf[CGROUPS_MAX];
	uint32_t nr;
};

static uint64_t cgroup_id_of(const char *tree, const char *path)
{
	size_t len = strlen(path);

	for (const char *p = tree; p; p = strchr(p, '\n'), p += p != NULL)
		if (!strncmp(p, path, len) && p[len] == ' ')
			return strtoull(p + len, NULL, 10);
	return 0;
}

/* truth.tsv: path, weight, container or sandbox, namespace, pod, container. */
static void load_truth(const char *node, struct leaves *leaves)
{
	struct pf_cgroup_rules rules = { 0 };
	char path[256], type[16];
	struct pf_buf truth, tree;
	char *rest, *line;

	pf_buf_init(&truth, 1 << 20);
	pf_buf_init(&tree, 1 << 20);
	snprintf(path, sizeof(path), "tests/fixtures/k8s/%s/truth.tsv", node);
	if (pf_file_read(&pf_sys_real, AT_FDCWD, path, &truth) < 0)
		abort();
	snprintf(path, sizeof(path), "tests/fixtures/k8s/%s/tree.txt", node);
	if (pf_file_read(&pf_sys_real, AT_FDCWD, path, &tree) < 0)
		abort();
	for (line = strtok_r(truth.data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		struct leaf *leaf = &leaves->leaf[leaves->nr++];
		struct pf_cgroup *cgroup = &leaf->cgroup;

		memset(leaf, 0, sizeof(*leaf));
		if (sscanf(line, "%1023s %lu %15s %63s %253s %253s", leaf->path, &leaf->weight,
			   type, leaf->namespace_name, leaf->pod, leaf->container) != 6)
			abort();
		leaf->sandbox = !strcmp(type, "sandbox");
		cgroup->handle = leaves->nr;
		cgroup->path = leaf->path;
		cgroup->id = cgroup_id_of(tree.data, cgroup->path);
		PF_CHECK(cgroup->path, cgroup->id);
		pf_cgroup_classify(&rules, cgroup->path, &cgroup->class);
	}
	pf_buf_done(&truth);
	pf_buf_done(&tree);
}

/* Who owns the pods of the recorded nodes. */
static const struct owner_case {
	const char *node, *pod, *workload;
	enum pf_workload_kind kind;
	enum pf_qos qos;
} owner_cases[] = {
	{ "v1-cgroupfs", "db-0", "db", PF_WORKLOAD_STATEFUL_SET, PF_QOS_GUARANTEED },
	{ "v1-cgroupfs", "scratch", "scratch", PF_WORKLOAD_POD, PF_QOS_BEST_EFFORT },
	{ "v1-cgroupfs", "crashy", "crashy", PF_WORKLOAD_POD, PF_QOS_BURSTABLE },
	{ "v1-cgroupfs", "hog", "hog", PF_WORKLOAD_POD, PF_QOS_BURSTABLE },
	{ "v1-cgroupfs", "report-29921738-9dr8h", "report", PF_WORKLOAD_CRON_JOB,
	  PF_QOS_BURSTABLE },
	{ "v1-cgroupfs", "report-29921737-djc2x", "report", PF_WORKLOAD_CRON_JOB,
	  PF_QOS_BURSTABLE },
	{ "v1-cgroupfs", "once-b6h24", "once", PF_WORKLOAD_JOB, PF_QOS_GUARANTEED },
	{ "v1-cgroupfs", "web-666b86c774-wshr4", "web", PF_WORKLOAD_DEPLOYMENT, PF_QOS_BURSTABLE },
	{ "v1-cgroupfs", "web-666b86c774-mzxnf", "web", PF_WORKLOAD_DEPLOYMENT, PF_QOS_BURSTABLE },
	{ "v1-cgroupfs", "node-agent-f898n", "node-agent", PF_WORKLOAD_DAEMON_SET,
	  PF_QOS_BURSTABLE },
	{ "v1-cgroupfs", "edge-proxy-node-a", "edge-proxy", PF_WORKLOAD_STATIC_POD,
	  PF_QOS_BURSTABLE },
	{ "v2-systemd", "db-0", "db", PF_WORKLOAD_STATEFUL_SET, PF_QOS_GUARANTEED },
	{ "v2-systemd", "scratch", "scratch", PF_WORKLOAD_POD, PF_QOS_BEST_EFFORT },
	{ "v2-systemd", "crashy", "crashy", PF_WORKLOAD_POD, PF_QOS_BURSTABLE },
	{ "v2-systemd", "hog", "hog", PF_WORKLOAD_POD, PF_QOS_BURSTABLE },
	{ "v2-systemd", "report-29921743-jbwkz", "report", PF_WORKLOAD_CRON_JOB, PF_QOS_BURSTABLE },
	{ "v2-systemd", "once-6wtxs", "once", PF_WORKLOAD_JOB, PF_QOS_GUARANTEED },
	{ "v2-systemd", "web-666b86c774-vcx44", "web", PF_WORKLOAD_DEPLOYMENT, PF_QOS_BURSTABLE },
	{ "v2-systemd", "web-666b86c774-tppqt", "web", PF_WORKLOAD_DEPLOYMENT, PF_QOS_BURSTABLE },
	{ "v2-systemd", "node-agent-g72rw", "node-agent", PF_WORKLOAD_DAEMON_SET,
	  PF_QOS_BURSTABLE },
	{ "v2-systemd", "edge-proxy-node-b", "edge-proxy", PF_WORKLOAD_STATIC_POD,
	  PF_QOS_BURSTABLE },
	{ "v2-cgroupfs-static", "burst-node-c", "burst", PF_WORKLOAD_STATIC_POD, PF_QOS_BURSTABLE },
	{ "v2-cgroupfs-static", "besteff-node-c", "besteff", PF_WORKLOAD_STATIC_POD,
	  PF_QOS_BEST_EFFORT },
	{ "v2-cgroupfs-static", "guar-node-c", "guar", PF_WORKLOAD_STATIC_POD, PF_QOS_GUARANTEED },
};

static const struct owner_case *owner_case_of(const char *node, const char *pod)
{
	for (size_t i = 0; i < PF_ARRAY_SIZE(owner_cases); i++)
		if (!strcmp(owner_cases[i].node, node) && !strcmp(owner_cases[i].pod, pod))
			return &owner_cases[i];
	return NULL;
}

static struct pf_podmap *new_map(uint32_t max_pods)
{
	struct pf_podmap_opts opts = { .max_pods = max_pods, .max_cgroups = CGROUPS_MAX };
	struct pf_podmap *map = NULL;

	if (pf_podmap_new(&opts, &map) < 0)
		abort();
	return map;
}

static void check_leaf(struct pf_podmap *map, const char *node, const struct leaf *leaf,
		       uint64_t now_ns)
{
	const struct owner_case *want = owner_case_of(node, leaf->pod);
	const char *name = leaf->cgroup.path;
	struct pf_identity id;
	enum pf_meta_answer answer = pf_podmap_lookup(map, &leaf->cgroup, now_ns, &id);

	PF_CHECK(leaf->pod, want);
	if (!want)
		return;
	PF_CHECK_INT(name, answer, leaf->sandbox ? PF_META_SANDBOX : PF_META_NAMED);
	PF_CHECK_STR(name, id.namespace_name, leaf->namespace_name);
	PF_CHECK_STR(name, id.pod, leaf->pod);
	PF_CHECK_STR(name, id.workload, want->workload);
	PF_CHECK_INT(name, id.workload_kind, want->kind);
	PF_CHECK_INT(name, id.qos, want->qos);
	if (leaf->sandbox)
		return;
	PF_CHECK("named", id.named);
	PF_CHECK_STR(name, id.container, leaf->container);
	PF_CHECK_STR(name, id.container_id, leaf->cgroup.class.container_id);
	PF_CHECK("resources are known", id.spec.memory_limit_bytes != PF_UNKNOWN);
}

static void check_owners(const char *node, const struct pods *pods)
{
	for (uint32_t i = 0; i < pods->nr; i++) {
		const struct pf_pod *pod = pods->pod[i];
		const struct owner_case *want = owner_case_of(node, pod->name);
		struct pf_owner owner;

		if (!want)
			continue; /* more runs of the same jobs */
		(void)pf_owner_of_pod(pod, &owner);
		PF_CHECK_STR(pod->name, owner.name, want->workload);
		PF_CHECK_INT(pod->name, owner.kind, want->kind);
		PF_CHECK_INT(pod->name, pod->qos, want->qos);
	}
}

static void check_node(const char *node, const char *file)
{
	struct leaves *leaves = calloc(1, sizeof(*leaves));
	PF_AUTO(pf_podmap_freep) struct pf_podmap *map = new_map(PODS_MAX);
	struct pods pods = { 0 };
	char path[256];

	if (!leaves)
		abort();
	snprintf(path, sizeof(path), "tests/fixtures/k8s/%s/%s", node, file);
	load_pods(path, &pods);
	load_truth(node, leaves);
	shuffle(&pods);
	check_owners(node, &pods);
	pf_podmap_list_begin(map);
	for (uint32_t i = 0; i < pods.nr; i++)
		PF_CHECK_INT(file, pf_podmap_put(map, pods.pod[i], S), 0);
	for (uint32_t i = 0; i < leaves->nr; i++)
		pf_podmap_appeared(map, &leaves->leaf[i].cgroup, S);
	PF_CHECK_INT(file, pf_podmap_list_end(map, 2 * S), 0);
	for (uint32_t i = 0; i < leaves->nr; i++)
		pf_podmap_hint(map, leaves->leaf[i].cgroup.handle, leaves->leaf[i].weight);
	/* The sandboxes that are alone in their pod (a crashed container waits) need their time. */
	pf_podmap_heard(map, 30 * S);
	for (uint32_t i = 0; i < leaves->nr; i++)
		check_leaf(map, node, &leaves->leaf[i], 30 * S);
	free(leaves);
	free_pods(&pods);
}

static void test_recorded(void)
{
	const char *given = getenv("PF_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
	unsigned failures = CU_get_number_of_failures();

	random_state = seed;
	for (int round = 0; round < 5; round++) {
		check_node("v1-cgroupfs", "kubelet-pods.json");
		check_node("v1-cgroupfs", "api-pods.json");
		check_node("v2-systemd", "kubelet-pods.json");
		check_node("v2-systemd", "api-pods.json");
		check_node("v2-cgroupfs-static", "kubelet-pods.json");
	}
	if (CU_get_number_of_failures() != failures)
		fprintf(stderr, "repeat with PF_SEED=%llu\n", (unsigned long long)seed);
}

/* ---- a pod's life ---- */

struct life {
	struct pf_podmap *map;
	struct pf_pod_container containers[3];
	struct pf_pod pod;
	struct pf_cgroup cgroups[8];
};

static void life_init(struct life *life)
{
	*life = (struct life){ .map = new_map(4) };
	life->pod = (struct pf_pod){ .namespace_name = "shop",
				     .name = "web-1",
				     .node = "node-a",
				     .uid = "U1",
				     .cgroup_uid = "U1",
				     .owner_kind = "",
				     .owner_name = "",
				     .owner_uid = "",
				     .owner_api = "",
				     .template_hash = "",
				     .phase = "Running",
				     .containers = life->containers,
				     .nr_containers = 1 };
	life->containers[0] = (struct pf_pod_container){
		.name = "app", .image = "i", .id = "c1", .last_id = "", .started_unix_s = 100
	};
}

static const struct pf_cgroup *life_cgroup(struct life *life, uint64_t n, const char *uid,
					   const char *id, uint64_t weight, uint64_t now_ns)
{
	struct pf_cgroup *cgroup = &life->cgroups[n];

	*cgroup = (struct pf_cgroup){ .handle = n, .id = 1000 + n };
	cgroup->class.kind = PF_CGROUP_CONTAINER;
	snprintf(cgroup->class.pod_uid, sizeof(cgroup->class.pod_uid), "%s", uid);
	snprintf(cgroup->class.container_id, sizeof(cgroup->class.container_id), "%s", id);
	pf_podmap_appeared(life->map, cgroup, now_ns);
	pf_podmap_hint(life->map, n, weight);
	return cgroup;
}

static void life_list(struct life *life, uint64_t now_ns)
{
	pf_podmap_list_begin(life->map);
	PF_CHECK_INT("put", pf_podmap_put(life->map, &life->pod, now_ns), 0);
	PF_CHECK_INT("list", pf_podmap_list_end(life->map, now_ns), 0);
}

static void check_answer(struct life *life, const char *name, const struct pf_cgroup *cgroup,
			 uint64_t now_ns, enum pf_meta_answer want, const char *container,
			 uint32_t restarts)
{
	struct pf_identity id;

	PF_CHECK_INT(name, pf_podmap_lookup(life->map, cgroup, now_ns, &id), want);
	if (container) {
		PF_CHECK_STR(name, id.container, container);
		PF_CHECK_INT(name, id.restart_count, restarts);
	}
}

static void test_named_later(void)
{
	struct life life;
	const struct pf_cgroup *sandbox, *app;

	life_init(&life);
	sandbox = life_cgroup(&life, 1, "U1", "pause", 2, 1 * S);
	check_answer(&life, "nothing known", sandbox, 1 * S, PF_META_PENDING, NULL, 0);
	PF_CHECK_INT("worth asking", pf_podmap_waiting(life.map, 1 * S), 1);
	app = life_cgroup(&life, 2, "U1", "c1", 40, 2 * S);
	check_answer(&life, "before the list", app, 2 * S, PF_META_PENDING, NULL, 0);
	life_list(&life, 3 * S);
	check_answer(&life, "listed", app, 3 * S, PF_META_NAMED, "app", 0);
	check_answer(&life, "sandbox", sandbox, 3 * S, PF_META_SANDBOX, NULL, 0);
	PF_CHECK_INT("nothing to ask for", pf_podmap_waiting(life.map, 3 * S), 0);
	pf_podmap_free(life.map);
}

static void test_lone_sandbox(void)
{
	struct life life;
	const struct pf_cgroup *leaf;

	life_init(&life);
	leaf = life_cgroup(&life, 1, "U1", "pause", 2, 1 * S);
	life_list(&life, 5 * S);
	check_answer(&life, "may still be listed", leaf, 6 * S, PF_META_PENDING, NULL, 0);
	check_answer(&life, "the source is silent", leaf, 60 * S, PF_META_PENDING, NULL, 0);
	pf_podmap_heard(life.map, 25 * S);
	check_answer(&life, "in no list", leaf, 60 * S, PF_META_SANDBOX, NULL, 0);
	pf_podmap_free(life.map);
}

static void test_besteffort_first(void)
{
	struct life life;
	const struct pf_cgroup *sandbox, *app;

	/* Both have the least weight; only age tells them apart before the list does. */
	life_init(&life);
	app = life_cgroup(&life, 3, "U1", "c9", 2, 1 * S);
	sandbox = life_cgroup(&life, 2, "U1", "pause", 2, 1 * S);
	life_list(&life, 2 * S);
	check_answer(&life, "the younger waits", app, 2 * S, PF_META_PENDING, NULL, 0);
	check_answer(&life, "the oldest", sandbox, 2 * S, PF_META_SANDBOX, NULL, 0);
	life.containers[0].id = "c9";
	life_list(&life, 3 * S);
	check_answer(&life, "listed", app, 3 * S, PF_META_NAMED, "app", 0);
	pf_podmap_free(life.map);
}

static void test_restarts(void)
{
	struct life life;
	const struct pf_cgroup *first, *second, *third;
	struct pf_identity id;

	life_init(&life);
	first = life_cgroup(&life, 1, "U1", "c1", 40, 1 * S);
	life_list(&life, 2 * S);
	second = life_cgroup(&life, 2, "U1", "c2", 40, 3 * S);
	life.containers[0].id = "c2";
	life.containers[0].last_id = "c1";
	life.containers[0].restart_count = 1;
	life.containers[0].started_unix_s = 200;
	life.containers[0].last_started_unix_s = 100;
	life_list(&life, 4 * S);
	check_answer(&life, "second", second, 4 * S, PF_META_NAMED, "app", 1);
	check_answer(&life, "first is lastState", first, 4 * S, PF_META_NAMED, "app", 0);
	third = life_cgroup(&life, 3, "U1", "c3", 40, 5 * S);
	life.containers[0].id = "c4"; /* the third was never listed but as the one before */
	life.containers[0].last_id = "c3";
	life.containers[0].restart_count = 3;
	life_list(&life, 6 * S);
	check_answer(&life, "first is remembered", first, 6 * S, PF_META_NAMED, "app", 0);
	check_answer(&life, "second is remembered", second, 6 * S, PF_META_NAMED, "app", 1);
	check_answer(&life, "third", third, 6 * S, PF_META_NAMED, "app", 2);
	(void)pf_podmap_lookup(life.map, second, 6 * S, &id);
	PF_CHECK_INT("started", id.started_unix_s, 200);
	for (uint32_t i = 0; i < 40; i++) {
		char text[16];

		snprintf(text, sizeof(text), "x%u", i);
		life.containers[0].id = text;
		life.containers[0].last_id = "";
		life_list(&life, 7 * S);
	}
	check_answer(&life, "not for ever", first, 7 * S, PF_META_PENDING, NULL, 0);
	pf_podmap_free(life.map);
}

static void test_deleted(void)
{
	struct life life;
	const struct pf_cgroup *app;
	struct pf_podmap_stats stats;

	life_init(&life);
	app = life_cgroup(&life, 1, "U1", "c1", 40, 1 * S);
	life_list(&life, 2 * S);
	pf_podmap_drop(life.map, "U1", 3 * S);
	pf_podmap_tick(life.map, 1000 * S);
	check_answer(&life, "until its last report", app, 1000 * S, PF_META_NAMED, "app", 0);
	pf_podmap_forget(life.map, 1);
	pf_podmap_tick(life.map, 1000 * S);
	pf_podmap_stats(life.map, &stats);
	PF_CHECK_INT("pods", stats.nr_pods, 0);
	PF_CHECK_INT("cgroups", stats.nr_cgroups, 0);
	life_list(&life, 1001 * S);
	pf_podmap_drop(life.map, "U1", 1002 * S);
	pf_podmap_tick(life.map, 1003 * S);
	app = life_cgroup(&life, 2, "U1", "c1", 40, 1004 * S);
	check_answer(&life, "seen late", app, 1004 * S, PF_META_NAMED, "app", 0);
	pf_podmap_forget(life.map, 2);
	pf_podmap_tick(life.map, 1200 * S);
	pf_podmap_stats(life.map, &stats);
	PF_CHECK_INT("pods", stats.nr_pods, 0);
	pf_podmap_free(life.map);
}

static void put_n(struct life *life, uint32_t n, uint64_t now_ns, int want)
{
	char uid[16];

	snprintf(uid, sizeof(uid), "N%u", n);
	life->pod.uid = life->pod.cgroup_uid = uid;
	PF_CHECK_INT(uid, pf_podmap_put(life->map, &life->pod, now_ns), want);
}

static uint32_t nr_gone(struct pf_podmap *map, uint64_t now_ns)
{
	struct pf_podmap_stats before, after;

	pf_podmap_stats(map, &before);
	pf_podmap_tick(map, now_ns + 121 * S);
	pf_podmap_stats(map, &after);
	return before.nr_pods - after.nr_pods;
}

static void test_shrinking_list(void)
{
	struct life life;
	struct pf_podmap_stats stats;

	life_init(&life);
	pf_podmap_free(life.map);
	life.map = new_map(16);
	pf_podmap_list_begin(life.map);
	for (uint32_t i = 0; i < 10; i++)
		put_n(&life, i, S, 0);
	PF_CHECK_INT("ten", pf_podmap_list_end(life.map, S), 0);
	pf_podmap_list_begin(life.map);
	for (uint32_t i = 0; i < 8; i++)
		put_n(&life, i, 2 * S, 0);
	PF_CHECK_INT("two less are believed", pf_podmap_list_end(life.map, 2 * S), 0);
	PF_CHECK_INT("gone", nr_gone(life.map, 2 * S), 2);
	pf_podmap_list_begin(life.map);
	PF_CHECK_INT("an empty list is not", pf_podmap_list_end(life.map, 3 * S), -EAGAIN);
	PF_CHECK_INT("nothing gone", nr_gone(life.map, 3 * S), 0);
	pf_podmap_list_begin(life.map);
	for (uint32_t i = 0; i < 8; i++)
		put_n(&life, i, 4 * S, 0);
	PF_CHECK_INT("and was wrong", pf_podmap_list_end(life.map, 4 * S), 0);
	pf_podmap_list_begin(life.map);
	PF_CHECK_INT("again", pf_podmap_list_end(life.map, 5 * S), -EAGAIN);
	pf_podmap_list_begin(life.map);
	PF_CHECK_INT("confirmed", pf_podmap_list_end(life.map, 6 * S), 0);
	PF_CHECK_INT("all gone", nr_gone(life.map, 6 * S), 8);
	pf_podmap_stats(life.map, &stats);
	PF_CHECK_INT("doubts", stats.nr_shrinks_doubted, 2);
	pf_podmap_free(life.map);
}

static void test_full(void)
{
	struct life life;
	struct pf_podmap_stats stats;

	life_init(&life); /* four pods */
	for (uint32_t i = 0; i < 4; i++)
		put_n(&life, i, S, 0);
	put_n(&life, 4, S, -ENOSPC);
	put_n(&life, 0, S, 0); /* a change is taken */
	pf_podmap_drop(life.map, "N1", 2 * S);
	put_n(&life, 5, 3 * S, 0); /* in the place of the one that is gone */
	pf_podmap_stats(life.map, &stats);
	PF_CHECK_INT("refused", stats.nr_pods_refused, 1);
	PF_CHECK_INT("pods", stats.nr_pods, 4);
	pf_podmap_free(life.map);
}

static void test_never_listed(void)
{
	struct life life;
	const struct pf_cgroup *app;
	struct pf_podmap_stats stats;
	struct pf_identity id;

	life_init(&life);
	app = life_cgroup(&life, 1, "U1", "0123456789abcdef", 40, 1 * S);
	check_answer(&life, "waits", app, 119 * S, PF_META_PENDING, NULL, 0);
	PF_CHECK_INT("by ids", pf_podmap_lookup(life.map, app, 122 * S, &id), PF_META_BY_PATH);
	PF_CHECK_STR("short id", id.container, "0123456789ab");
	PF_CHECK_STR("uid", id.workload, "U1");
	PF_CHECK("not named", !id.named);
	pf_podmap_stats(life.map, &stats);
	PF_CHECK_INT("counted", stats.nr_unnamed, 1);
	life.containers[0].id = "0123456789abcdef";
	life_list(&life, 130 * S);
	check_answer(&life, "named after all", app, 130 * S, PF_META_NAMED, "app", 0);
	pf_podmap_free(life.map);
}

static void test_listless(void)
{
	struct life life;
	const struct pf_cgroup *sandbox, *app;

	life_init(&life);
	pf_podmap_set_listless(life.map, true);
	sandbox = life_cgroup(&life, 1, "U1", "pause", 1, 1 * S);
	check_answer(&life, "alone", sandbox, 2 * S, PF_META_PENDING, NULL, 0);
	app = life_cgroup(&life, 2, "U1", "c1", 35, 2 * S);
	check_answer(&life, "heavy", app, 2 * S, PF_META_BY_PATH, "c1", 0);
	check_answer(&life, "oldest and light", sandbox, 3 * S, PF_META_SANDBOX, NULL, 0);
	pf_podmap_free(life.map);
}

static void test_settle(void)
{
	struct life life;
	const struct pf_cgroup *app;

	life_init(&life);
	app = life_cgroup(&life, 1, "U1", "c1", 40, 1 * S);
	check_answer(&life, "waits", app, 1 * S, PF_META_PENDING, NULL, 0);
	pf_podmap_settle(life.map);
	check_answer(&life, "the agent stops", app, 1 * S, PF_META_BY_PATH, "c1", 0);
	pf_podmap_free(life.map);
}

static void test_asked_owner(void)
{
	struct life life;
	const struct pf_cgroup *app;
	struct pf_owner owner;
	struct pf_identity id;

	life_init(&life);
	life.pod.owner_kind = "ReplicaSet";
	life.pod.owner_name = "web-abc";
	life.pod.owner_uid = "R1";
	pf_podmap_resolve_owners(life.map, true);
	app = life_cgroup(&life, 1, "U1", "c1", 40, 1 * S);
	life_list(&life, 2 * S);
	check_answer(&life, "the owner is asked for", app, 3 * S, PF_META_PENDING, "app", 0);
	check_answer(&life, "not for ever", app, 13 * S, PF_META_NAMED, "app", 0);
	PF_CHECK("whom to ask for", pf_podmap_unresolved(life.map));
	pf_owner_of_kind("Rollout", "web", &owner);
	pf_podmap_set_owner(life.map, "R1", &owner);
	PF_CHECK("nobody", !pf_podmap_unresolved(life.map));
	PF_CHECK_INT("named", pf_podmap_lookup(life.map, app, 3 * S, &id), PF_META_NAMED);
	PF_CHECK_STR("owner", id.workload, "web");
	PF_CHECK_INT("kind", id.workload_kind, PF_WORKLOAD_OTHER);
	life_list(&life, 4 * S);
	(void)pf_podmap_lookup(life.map, app, 4 * S, &id);
	PF_CHECK_STR("kept when the pod changes", id.workload, "web");
	life.pod.uid = life.pod.cgroup_uid = "U2";
	PF_CHECK_INT("put", pf_podmap_put(life.map, &life.pod, 5 * S), 0);
	PF_CHECK("a pod of the same owner", !pf_podmap_unresolved(life.map));
	pf_podmap_free(life.map);
}

static const struct guess_case {
	const char *name;
	struct pf_pod pod;
	const char *workload;
	enum pf_workload_kind kind;
	bool may_ask;
} guess_cases[] = {
	{ "a ReplicaSet made by hand",
	  { .name = "p", .owner_kind = "ReplicaSet", .owner_name = "web-abc", .template_hash = "" },
	  "web-abc",
	  PF_WORKLOAD_REPLICA_SET,
	  true },
	{ "a hash that is not the suffix",
	  { .name = "p",
	    .owner_kind = "ReplicaSet",
	    .owner_name = "web-abc",
	    .template_hash = "bc" },
	  "web-abc",
	  PF_WORKLOAD_REPLICA_SET,
	  true },
	{ "a Job with a number",
	  { .name = "p",
	    .owner_kind = "Job",
	    .owner_name = "load-20261121",
	    .created_unix_s = 1795304479 },
	  "load-20261121",
	  PF_WORKLOAD_JOB,
	  true },
	{ "a Job of a CronJob, started an hour late",
	  { .name = "p",
	    .owner_kind = "Job",
	    .owner_name = "r-29921681",
	    .created_unix_s = 1795304479 },
	  "r",
	  PF_WORKLOAD_CRON_JOB },
	{ "a Job of the future",
	  { .name = "p",
	    .owner_kind = "Job",
	    .owner_name = "r-29921999",
	    .created_unix_s = 1795304479 },
	  "r-29921999",
	  PF_WORKLOAD_JOB,
	  true },
	{ "an owner nobody knows",
	  { .name = "p", .owner_kind = "Workflow", .owner_name = "w" },
	  "w",
	  PF_WORKLOAD_OTHER },
	{ "a static pod without its node's name",
	  { .name = "proxy", .node = "node-a", .static_pod = true },
	  "proxy",
	  PF_WORKLOAD_STATIC_POD },
};

static void test_guess(void)
{
	for (size_t i = 0; i < PF_ARRAY_SIZE(guess_cases); i++) {
		const struct guess_case *c = &guess_cases[i];
		struct pf_owner owner;
		struct pf_pod pod = c->pod;

		pod.owner_kind = pod.owner_kind ? pod.owner_kind : "";
		pod.owner_name = pod.owner_name ? pod.owner_name : "";
		pod.template_hash = pod.template_hash ? pod.template_hash : "";
		pod.node = pod.node ? pod.node : "";
		PF_CHECK_INT(c->name, pf_owner_of_pod(&pod, &owner), c->may_ask);
		PF_CHECK_STR(c->name, owner.name, c->workload);
		PF_CHECK_INT(c->name, owner.kind, c->kind);
	}
}

PF_TEST_SUITE(podmap, { "recorded nodes", test_recorded }, { "named later", test_named_later },
	      { "lone sandbox", test_lone_sandbox }, { "besteffort", test_besteffort_first },
	      { "restarts", test_restarts }, { "deleted", test_deleted },
	      { "shrinking list", test_shrinking_list }, { "full", test_full },
	      { "never listed", test_never_listed }, { "listless", test_listless },
	      { "settle", test_settle }, { "asked owner", test_asked_owner },
	      { "guessed owner", test_guess });
