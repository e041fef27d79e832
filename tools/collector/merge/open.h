/* SPDX-License-Identifier: Apache-2.0 */
/*
 * open.h - the hours that are still changing, merged from the nodes' newest reports: evidence, and
 * what is true now (instances, configured resources, leaks, OOM kills).
 */
#ifndef PF_COLLECTOR_MERGE_OPEN_H
#define PF_COLLECTOR_MERGE_OPEN_H

#include "collector/merge/fleet.h"
#include "collector/merge/load.h"
#include "collector/merge/resolve.h"
#include "collector/merge/set.h"

/* What is true of a workload now; pf_merged.extra of an open set. In the open set's arena. */
struct pf_open_extra {
	uint64_t newest_unix_ns;
	const struct pf_identity *identity;
	const char *image, *runtime_kind, *executable, *enforced_note;
	struct pf_fleet_instance
		*instances; /* newest PF_FLEET_INSTANCES_MAX; until the part ends */
	uint32_t nr_listed, cap;
	uint32_t nr_running, nr_nodes, last_node; /* last_node: number of the node looked at last */
	uint64_t max_cpu_millicores, max_memory_bytes; /* of its nodes */
	double usage_now_millicores, hot_now_bytes, time_scale;
	struct pf_fleet_leak leak;
	double slope_sum;
	uint32_t last_leak_node;
};

struct pf_open {
	struct pf_merge_set set;
	struct pf_arena arena;
	struct pf_arena lists; /* instances, which grow and are copied once their number is known */
	uint32_t from;	       /* first hour */
	uint64_t now_unix_ns;
	const char *node_class_label;	    /* "": DaemonSets are not split by class */
	const struct pf_workload_key *only; /* NULL: all; else nothing but this one is merged */
	uint32_t part, nr_parts; /* nothing but this part of the workloads; 0 parts: all */
	struct pf_fleet_oom *ooms;
	uint32_t nr_ooms, nr_nodes;
	uint64_t nr_all_ooms;
};

PF_MUST_CHECK int pf_open_init(struct pf_open *open, uint32_t from, uint64_t now_unix_ns,
			       size_t max_workloads, const struct pf_vpa_settings *settings,
			       const char *node_class_label);
void pf_open_done(struct pf_open *open);

/**
 * pf_open_begin_part() - empties the set for another part; what was said of the parts before stays in
 * the arena. OOM kills are taken with part 0.
 * Return: 0; -ENOMEM.
 */
PF_MUST_CHECK int pf_open_begin_part(struct pf_open *open, uint32_t part, uint32_t nr_parts);

/**
 * pf_open_add_node() - merges one node.
 * @reports: all of the node that have slices of the open hours.
 * @heard_unix_ns: when the newest of them came, by our clock.
 * Return: 0; -ENOMEM. A table that is full leaves workloads out, which is counted in the set.
 */
PF_MUST_CHECK int pf_open_add_node(struct pf_open *open, const struct pf_report *const *reports,
				   size_t nr_reports, uint64_t heard_unix_ns);

/** pf_merge_key_of() - the workload a container counts for. @node_class: "" or the class. */
void pf_merge_key_of(const struct pf_report *report, const struct pf_identity *identity,
		     const char *node_class, struct pf_workload_key *ret_key);

/** pf_merge_add_resolved() - adds a slice to its workload; of a DaemonSet also to its node's class.
 * Return: 0; -ENOMEM. A full table is counted. */
PF_MUST_CHECK int pf_merge_add_resolved(struct pf_merge_set *set, const struct pf_resolved *one,
					const char *node_class);

/** pf_merge_node_class() - the value of the node's label; "" if it has none. */
const char *pf_merge_node_class(const struct pf_report *report, const char *label);

#endif
