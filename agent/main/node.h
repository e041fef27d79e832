/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node.h - facts about this host and this process that every report carries.
 */
#ifndef PF_MAIN_NODE_H
#define PF_MAIN_NODE_H

#include <stdint.h>

#include "base/cleanup.h"

struct pf_node {
	char name[256];
	char boot_id[40];
	char kernel_release[128];
	uint32_t nr_cpus;
	uint64_t memory_total_bytes;
	uint64_t run_id; /* random */
};

/**
 * pf_node_read() - @name: "" for the host's own. @proc_root: "/proc".
 * Return: 0; -errno if there is no randomness; what else cannot be read stays unknown.
 */
PF_MUST_CHECK int pf_node_read(const char *name, const char *proc_root, struct pf_node *ret_node);

/** pf_node_resident_bytes() - resident memory of this process now; PF_UNKNOWN. */
uint64_t pf_node_resident_bytes(void);

#endif
