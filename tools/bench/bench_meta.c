// SPDX-License-Identifier: Apache-2.0
/*
 * bench_meta.c - the metadata path with a full node: what a list of 250 pods costs in CPU and
 * memory, from JSON to names, beside the floor (yajl walking the same text, doing nothing) and the
 * usual way (yajl's document tree).
 *
 * Usage: bench-meta PODS.json [PODS] [ROUNDS]      PODS.json: a recorded list, whose pods are
 * repeated with other uids and ids until there are PODS.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>
#include <yajl/yajl_tree.h>

#include "base/buf.h"
#include "base/units.h"
#include "meta/meta.h"
#include "meta/pod_json.h"
#include "sys/clock.h"
#include "sys/file.h"

enum { PODS_DEFAULT = 250, ROUNDS_DEFAULT = 21, PIECE = 16384 };

struct bench {
	struct pf_buf text; /* the list */
	struct pf_podmap *map;
	struct pf_cgroup *cgroups;
	size_t nr_cgroups, max_cgroups;
	bool collect; /* make cgroups of what is listed */
	uint64_t now_ns;
};

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Median CPU time of @rounds calls. */
static uint64_t median_of(void (*fn)(struct bench *), struct bench *bench, unsigned rounds)
{
	uint64_t times[256];

	rounds = PF_MIN(rounds, (unsigned)PF_ARRAY_SIZE(times));
	for (unsigned i = 0; i < rounds; i++) {
		uint64_t start_ns = pf_clock_process_cpu_ns();

		fn(bench);
		times[i] = pf_clock_process_cpu_ns() - start_ns;
	}
	qsort(times, rounds, sizeof(*times), compare_u64);
	return times[rounds / 2];
}

/* ---- the ways ---- */

static int nothing(void *arg)
{
	(void)arg;
	return 1;
}

static int nothing_boolean(void *arg, int value)
{
	(void)arg;
	(void)value;
	return 1;
}

static int nothing_number(void *arg, const char *text, size_t len)
{
	(void)arg;
	(void)text;
	(void)len;
	return 1;
}

static int nothing_string(void *arg, const unsigned char *text, size_t len)
{
	(void)arg;
	(void)text;
	(void)len;
	return 1;
}

static void walk_only(struct bench *bench)
{
	static const yajl_callbacks callbacks = { .yajl_null = nothing,
						  .yajl_boolean = nothing_boolean,
						  .yajl_number = nothing_number,
						  .yajl_string = nothing_string,
						  .yajl_start_map = nothing,
						  .yajl_map_key = nothing_string,
						  .yajl_end_map = nothing,
						  .yajl_start_array = nothing,
						  .yajl_end_array = nothing };
	yajl_handle yajl = yajl_alloc(&callbacks, NULL, NULL);

	for (size_t at = 0; yajl && at < bench->text.len; at += PIECE)
		if (yajl_parse(yajl, (const unsigned char *)bench->text.data + at,
			       PF_MIN((size_t)PIECE, bench->text.len - at)) != yajl_status_ok)
			abort();
	yajl_free(yajl);
}

static void document_tree(struct bench *bench)
{
	char error[128];
	yajl_val tree = yajl_tree_parse(bench->text.data, error, sizeof(error));

	if (!tree)
		abort();
	yajl_tree_free(tree);
}

static size_t document_tree_bytes(struct bench *bench)
{
	size_t before = mallinfo2().uordblks, bytes;
	char error[128];
	yajl_val tree = yajl_tree_parse(bench->text.data, error, sizeof(error));

	bytes = mallinfo2().uordblks - before;
	yajl_tree_free(tree);
	return bytes;
}

static void add_cgroups(struct bench *bench, const struct pf_pod *pod)
{
	for (uint32_t i = 0; i < pod->nr_containers && bench->nr_cgroups < bench->max_cgroups;
	     i++) {
		struct pf_cgroup *cgroup = &bench->cgroups[bench->nr_cgroups];

		if (!*pod->containers[i].id)
			continue;
		bench->nr_cgroups++;
		cgroup->handle = cgroup->id = bench->nr_cgroups;
		cgroup->class.kind = PF_CGROUP_CONTAINER;
		snprintf(cgroup->class.pod_uid, sizeof(cgroup->class.pod_uid), "%s",
			 pod->cgroup_uid);
		snprintf(cgroup->class.container_id, sizeof(cgroup->class.container_id), "%s",
			 pod->containers[i].id);
	}
}

static void on_pod(void *arg, enum pf_watch_event event, const struct pf_pod *pod)
{
	struct bench *bench = arg;

	(void)event;
	if (bench->collect)
		add_cgroups(bench, pod);
	if (pf_podmap_put(bench->map, pod, bench->now_ns) < 0)
		abort();
}

static void read_list(struct bench *bench)
{
	struct pf_meta_opts defaults;
	PF_AUTO(pf_pod_json_freep) struct pf_pod_json *parser = NULL;

	pf_meta_opts_init(&defaults);
	struct pf_pod_json_opts opts = { .mode = PF_POD_JSON_LIST,
					 .labels = defaults.with.labels,
					 .annotations = defaults.with.annotations,
					 .pod = on_pod,
					 .arg = bench };
	if (pf_pod_json_new(&opts, &parser) < 0)
		abort();
	pf_podmap_list_begin(bench->map);
	for (size_t at = 0; at < bench->text.len; at += PIECE)
		if (pf_pod_json_feed(parser, bench->text.data + at,
				     PF_MIN((size_t)PIECE, bench->text.len - at)) < 0)
			abort();
	if (pf_pod_json_finish(parser) < 0)
		abort();
	bench->now_ns += PF_NS_PER_S;
	(void)pf_podmap_list_end(bench->map, bench->now_ns);
}

static void look_up_all(struct bench *bench)
{
	for (size_t i = 0; i < bench->nr_cgroups; i++) {
		struct pf_identity id;

		if (pf_podmap_lookup(bench->map, &bench->cgroups[i], bench->now_ns, &id) !=
		    PF_META_NAMED)
			abort();
	}
}

/* ---- the list ---- */

/* Digits of ids and uids are set anew in each copy, so that all pods are different. */
static void vary(char *text, size_t len, unsigned copy)
{
	static const char *const marks[] = { "\"uid\":\"", "containerd://", "config.mirror\":\"" };

	for (size_t m = 0; m < PF_ARRAY_SIZE(marks); m++)
		for (char *p = text;
		     (p = memmem(p, len - (size_t)(p - text), marks[m], strlen(marks[m])));) {
			char digits[5];

			p += strlen(marks[m]);
			snprintf(digits, sizeof(digits), "%04x", copy);
			memcpy(p, digits, 4);
		}
}

static int make_list(const char *path, unsigned nr_pods, struct pf_buf *list)
{
	static const char items_mark[] = "\"items\":[";
	PF_AUTO(pf_buf_done) struct pf_buf recorded;
	char *items, *end;
	unsigned nr_recorded = 0;
	int r;

	pf_buf_init(&recorded, 4 << 20);
	r = pf_file_read(&pf_sys_real, AT_FDCWD, path, &recorded);
	if (r < 0)
		return r;
	items = strstr(recorded.data, items_mark);
	end = strrchr(recorded.data, ']');
	if (!items || !end)
		return -EBADMSG;
	items += strlen(items_mark);
	*end = '\0';
	for (const char *p = items; (p = strstr(p, "\"creationTimestamp\"")); p++)
		nr_recorded++;
	if (!nr_recorded)
		return -EBADMSG;
	(void)pf_buf_adds(list, "{\"kind\":\"PodList\",\"metadata\":{},\"items\":[");
	for (unsigned copy = 0; copy * nr_recorded < nr_pods; copy++) {
		vary(items, strlen(items), copy);
		(void)pf_buf_addf(list, "%s%s", copy ? "," : "", items);
	}
	(void)pf_buf_adds(list, "]}");
	return list->err;
}

static void line(const char *what, uint64_t ns, size_t bytes)
{
	printf("%-48s %8.3f ms  %7.1f MB/s\n", what, (double)ns / 1e6,
	       (double)bytes * 1e3 / (double)ns);
}

int main(int argc, char **argv)
{
	unsigned nr_pods = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : PODS_DEFAULT;
	unsigned rounds = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : ROUNDS_DEFAULT;
	struct pf_podmap_opts opts = { .max_pods = 16384, .max_cgroups = 65536 };
	struct bench bench = { .max_cgroups = 65536, .now_ns = 1 };
	struct pf_podmap_stats stats;
	size_t before;
	uint64_t ns;

	pf_buf_init(&bench.text, 512 << 20);
	bench.cgroups = calloc(bench.max_cgroups, sizeof(*bench.cgroups));
	if (argc < 2 || !rounds || !bench.cgroups || make_list(argv[1], nr_pods, &bench.text) < 0 ||
	    pf_podmap_new(&opts, &bench.map) < 0) {
		fprintf(stderr, "usage: bench-meta PODS.json [PODS] [ROUNDS]\n");
		return 2;
	}
	before = mallinfo2().uordblks;
	bench.collect = true;
	read_list(&bench);
	bench.collect = false;
	pf_podmap_stats(bench.map, &stats);
	printf("meta: %u pods, %zu containers, list of %.2f MB\n", stats.nr_pods, bench.nr_cgroups,
	       (double)bench.text.len / 1e6);
	printf("%-48s %8.1f KiB (%.1f KiB a pod)\n", "memory of the map",
	       (double)(mallinfo2().uordblks - before) / 1024,
	       (double)(mallinfo2().uordblks - before) / 1024 / stats.nr_pods);
	for (size_t i = 0; i < bench.nr_cgroups; i++)
		pf_podmap_appeared(bench.map, &bench.cgroups[i], bench.now_ns);

	line("floor: yajl walks the list, nothing is kept", median_of(walk_only, &bench, rounds),
	     bench.text.len);
	line("podfit: list to names in the map", median_of(read_list, &bench, rounds),
	     bench.text.len);
	line("usual way: yajl's document tree, nothing read",
	     median_of(document_tree, &bench, rounds), bench.text.len);
	printf("%-48s %8.1f KiB at once\n", "usual way: memory of the tree",
	       (double)document_tree_bytes(&bench) / 1024);
	ns = median_of(look_up_all, &bench, rounds);
	printf("%-48s %8.3f ms  %7.0f ns each\n", "who each container is, all of them",
	       (double)ns / 1e6, (double)ns / (double)bench.nr_cgroups);
	pf_podmap_free(bench.map);
	pf_buf_done(&bench.text);
	free(bench.cgroups);
	return 0;
}
