/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nodes.h - what each node said last: the list of the fleet's nodes. In memory; after a restart it is
 * filled again from the stored reports. Thread-safe.
 */
#ifndef PF_COLLECTOR_INGEST_NODES_H
#define PF_COLLECTOR_INGEST_NODES_H

#include "wire/index.h"

struct pf_nodes;

enum {
	PF_NODE_TEXT_MAX = 256,
	PF_NODE_NAME_MAX = 254, /* with its NUL; ingest takes no longer ones */
	PF_NODE_FORGOTTEN_MIN =
		1440, /* minutes of silence after which a node makes room for a new one */
};

/* Strings are "" and numbers PF_UNKNOWN where not known. */
struct pf_node_info {
	char cluster[PF_NODE_NAME_MAX], node[PF_NODE_NAME_MAX];
	uint64_t run_id, sequence;
	int64_t received_unix_ms;
	uint64_t end_unix_ns; /* of the newest report, by the node's clock */
	int64_t skew_ms;      /* the node's clock less ours when it came; transport included */
	char agent_version[32], kernel_release[80], capture_source[16], cgroup_layout[16],
		meta_source[16];
	char signals_off[PF_NODE_TEXT_MAX]; /* names, with commas between */
	uint32_t nr_cpus, nr_containers, nr_leaks;
	uint64_t memory_total_bytes, cpu_allocatable_millicores, memory_allocatable_bytes;
	uint64_t cpu_requested_millicores, memory_requested_bytes; /* of what runs */
	double cpu_used_millicores;
	uint64_t hot_bytes;
	uint64_t nr_lost;  /* sum over reasons */
	double cost_ratio; /* CPU of the agent and its BPF programs per second of wall time; NaN */
	uint64_t cost_bytes; /* resident and maps */
	double thinning;
	bool last; /* the agent said that it stops */
};

PF_MUST_CHECK int pf_nodes_new(size_t max_nodes, struct pf_nodes **ret_nodes);
void pf_nodes_free(struct pf_nodes *nodes); /* accepts NULL */
PF_DEFINE_AUTO(struct pf_nodes *, pf_nodes_free);

/** pf_nodes_has_room() - the node is known, or one more may be; for it nodes that have been silent for a
 * day are forgotten, but only once the table is full. */
bool pf_nodes_has_room(struct pf_nodes *nodes, const char *cluster, const char *node,
		       int64_t now_unix_ms);

/**
 * pf_nodes_seen() - takes what the report says of its node, unless a newer one was seen.
 * @live: it came from the node just now (not out of the store).
 * Return: 0; -ENOSPC: too many nodes; -ENOMEM.
 */
int pf_nodes_seen(struct pf_nodes *nodes, const struct pf_report_index *index,
		  int64_t received_unix_ms, bool live);

size_t pf_nodes_count(struct pf_nodes *nodes);

/** pf_nodes_list() - a copy of all, by cluster and name, to be freed with free(). Return: 0; -ENOMEM. */
PF_MUST_CHECK int pf_nodes_list(struct pf_nodes *nodes, struct pf_node_info **ret_list,
				size_t *ret_nr);

/** pf_nodes_get() - one node. Return: 0; -ENOENT. */
PF_MUST_CHECK int pf_nodes_get(struct pf_nodes *nodes, const char *cluster, const char *node,
			       struct pf_node_info *ret_info);

#endif
