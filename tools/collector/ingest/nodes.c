// SPDX-License-Identifier: Apache-2.0
#include "collector/ingest/nodes.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <string.h>

#include "base/map.h"
#include "core/units.h"

struct pf_nodes {
	pthread_mutex_t lock;
	struct pf_map *map; /* "cluster\nnode" -> struct pf_node_info */
	size_t max_nodes;
};

static void key_of(const char *cluster, const char *node, char *key, size_t size)
{
	(void)snprintf(key, size, "%s\n%s", cluster, node); /* ingest keeps names short */
}

int pf_nodes_new(size_t max_nodes, struct pf_nodes **ret_nodes)
{
	struct pf_nodes *nodes = calloc(1, sizeof(*nodes));
	int r;

	if (!nodes)
		return -ENOMEM;
	r = pf_map_new_str(max_nodes, &nodes->map);
	if (r < 0) {
		free(nodes);
		return r;
	}
	(void)pthread_mutex_init(&nodes->lock, NULL); /* cannot fail with default attributes */
	nodes->max_nodes = max_nodes;
	*ret_nodes = nodes;
	return 0;
}

void pf_nodes_free(struct pf_nodes *nodes)
{
	struct pf_node_info *info;

	if (!nodes)
		return;
	pf_map_for_each(nodes->map, cursor, info)
		free(info);
	pf_map_free(nodes->map);
	(void)pthread_mutex_destroy(&nodes->lock);
	free(nodes);
}

static void forget_silent(struct pf_nodes *nodes, int64_t now_ms)
{
	const int64_t since_ms =
		now_ms - (int64_t)(PF_NODE_FORGOTTEN_MIN * (PF_NS_PER_MIN / PF_NS_PER_MS));
	struct pf_node_info *info;
	char key[1024];

	pf_map_for_each(nodes->map, cursor, info) {
		if (info->received_unix_ms >= since_ms)
			continue;
		key_of(info->cluster, info->node, key, sizeof(key));
		free(pf_map_remove_str(nodes->map, key));
	}
}

bool pf_nodes_has_room(struct pf_nodes *nodes, const char *cluster, const char *node,
		       int64_t now_unix_ms)
{
	char key[1024];
	bool room;

	key_of(cluster, node, key, sizeof(key));
	pthread_mutex_lock(&nodes->lock);
	room = pf_map_count(nodes->map) < nodes->max_nodes || pf_map_get_str(nodes->map, key);
	if (!room) {
		forget_silent(nodes, now_unix_ms);
		room = pf_map_count(nodes->map) < nodes->max_nodes;
	}
	pthread_mutex_unlock(&nodes->lock);
	return room;
}

static void signals_text(const struct pf_report *report, char *text, size_t size)
{
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < report->nr_signals; i++) {
		if (report->signals[i].on)
			continue;
		int nr = snprintf(text + len, size - len, "%s%s", len ? "," : "",
				  report->signals[i].name);

		if (nr < 0 || (size_t)nr >= size - len)
			break; /* cut */
		len += (size_t)nr;
	}
}

static double cost_ratio(const struct pf_report *report)
{
	const struct pf_self_cost *cost = &report->cost;
	uint64_t bpf_ns = cost->bpf_run_ns == PF_UNKNOWN ? 0 : cost->bpf_run_ns;

	if (cost->agent_cpu_ns == PF_UNKNOWN || report->cost_wall_ns == PF_UNKNOWN ||
	    !report->cost_wall_ns)
		return NAN;
	return (double)(cost->agent_cpu_ns + bpf_ns) / (double)report->cost_wall_ns;
}

static uint64_t sum_known(uint64_t a, uint64_t b)
{
	return a == PF_UNKNOWN ? b : b == PF_UNKNOWN ? a : a + b;
}

static void add_known(uint64_t *sum, uint64_t more)
{
	if (more < PF_NO_LIMIT)
		*sum += more;
}

static void fill_containers(struct pf_node_info *info, const struct pf_report_index *index)
{
	info->nr_containers = info->nr_leaks = 0;
	info->cpu_requested_millicores = info->memory_requested_bytes = info->hot_bytes = 0;
	info->cpu_used_millicores = 0;
	for (size_t i = 0; i < index->nr_containers; i++) {
		const struct pf_index_container *c = &index->containers[i];

		if (c->ended)
			continue;
		info->nr_containers++;
		info->nr_leaks += c->leak_alarm;
		add_known(&info->cpu_requested_millicores, c->cpu_request_millicores);
		add_known(&info->memory_requested_bytes, c->memory_request_bytes);
		add_known(&info->hot_bytes, c->hot_bytes);
		if (c->usage_ns != PF_UNKNOWN && c->interval_ns != PF_UNKNOWN && c->interval_ns)
			info->cpu_used_millicores +=
				(double)c->usage_ns * 1000 / (double)c->interval_ns;
	}
}

#define COPY(to, from) ((void)snprintf((to), sizeof(to), "%s", (from))) /* cut if too long */

static void fill(struct pf_node_info *info, const struct pf_report_index *index,
		 int64_t received_ms, bool live)
{
	const struct pf_report *report = &index->report;

	info->run_id = report->run_id;
	info->sequence = report->sequence;
	info->end_unix_ns = report->end_unix_ns;
	info->received_unix_ms = PF_MAX(info->received_unix_ms, received_ms);
	if (live)
		info->skew_ms = (int64_t)(report->end_unix_ns / PF_NS_PER_MS) - received_ms;
	COPY(info->agent_version, report->agent_version);
	COPY(info->kernel_release, report->kernel_release);
	COPY(info->capture_source, report->capture_source);
	COPY(info->cgroup_layout, report->cgroup_layout);
	COPY(info->meta_source, report->meta_source);
	signals_text(report, info->signals_off, sizeof(info->signals_off));
	info->nr_cpus = report->nr_cpus;
	info->memory_total_bytes = report->memory_total_bytes;
	info->cpu_allocatable_millicores = report->cpu_allocatable_millicores;
	info->memory_allocatable_bytes = report->memory_allocatable_bytes;
	fill_containers(info, index);
	info->nr_lost = 0;
	for (size_t i = 0; i < report->nr_losses; i++)
		info->nr_lost += report->losses[i].count;
	info->cost_ratio = cost_ratio(report);
	info->cost_bytes = sum_known(report->cost.resident_bytes, report->cost.map_bytes);
	info->thinning = report->cost.thinning;
	info->last = report->last;
}

static int add_node(struct pf_nodes *nodes, const char *key, const struct pf_report *report,
		    struct pf_node_info **ret_info)
{
	PF_AUTO(pf_freep) struct pf_node_info *info = calloc(1, sizeof(*info));
	int r;

	if (!info)
		return -ENOMEM;
	COPY(info->cluster, report->cluster);
	COPY(info->node, report->node);
	r = pf_map_put_str(nodes->map, key, info);
	if (r < 0)
		return r;
	*ret_info = pf_take(info);
	return 0;
}

static int seen_locked(struct pf_nodes *nodes, const char *key, const struct pf_report_index *index,
		       int64_t received_ms, bool live)
{
	const struct pf_report *report = &index->report;
	struct pf_node_info *info = pf_map_get_str(nodes->map, key);
	int r = 0;

	if (!info)
		r = add_node(nodes, key, report, &info);
	else if (report->run_id == info->run_id ? report->sequence < info->sequence
						: report->end_unix_ns < info->end_unix_ns)
		return 0;
	if (r == 0)
		fill(info, index, received_ms, live);
	return r;
}

int pf_nodes_seen(struct pf_nodes *nodes, const struct pf_report_index *index,
		  int64_t received_unix_ms, bool live)
{
	char key[1024];
	int r;

	key_of(index->report.cluster, index->report.node, key, sizeof(key));
	pthread_mutex_lock(&nodes->lock);
	r = seen_locked(nodes, key, index, received_unix_ms, live);
	pthread_mutex_unlock(&nodes->lock);
	return r;
}

size_t pf_nodes_count(struct pf_nodes *nodes)
{
	pthread_mutex_lock(&nodes->lock);
	size_t nr = pf_map_count(nodes->map);

	pthread_mutex_unlock(&nodes->lock);
	return nr;
}

static int by_name(const void *left, const void *right)
{
	const struct pf_node_info *a = left, *b = right;
	int r = strcmp(a->cluster, b->cluster);

	return r ? r : strcmp(a->node, b->node);
}

int pf_nodes_list(struct pf_nodes *nodes, struct pf_node_info **ret_list, size_t *ret_nr)
{
	struct pf_node_info *list;
	const struct pf_node_info *info;
	size_t nr = 0;

	pthread_mutex_lock(&nodes->lock);
	list = calloc(pf_map_count(nodes->map) + 1, sizeof(*list));
	if (list)
		pf_map_for_each(nodes->map, cursor, info)
			list[nr++] = *info;
	pthread_mutex_unlock(&nodes->lock);
	if (!list)
		return -ENOMEM;
	qsort(list, nr, sizeof(*list), by_name);
	*ret_list = list;
	*ret_nr = nr;
	return 0;
}

int pf_nodes_get(struct pf_nodes *nodes, const char *cluster, const char *node_name,
		 struct pf_node_info *ret_info)
{
	const struct pf_node_info *info;
	char key[1024];

	key_of(cluster, node_name, key, sizeof(key));
	pthread_mutex_lock(&nodes->lock);
	info = pf_map_get_str(nodes->map, key);
	if (info)
		*ret_info = *info;
	pthread_mutex_unlock(&nodes->lock);
	return info ? 0 : -ENOENT;
}
