/* SPDX-License-Identifier: Apache-2.0 */
/*
 * path.h - the parts of a request's path, each decoded by itself, so that a name may hold a slash.
 */
#ifndef PF_COLLECTOR_API_PATH_H
#define PF_COLLECTOR_API_PATH_H

#include <stddef.h>

#include "base/cleanup.h"
#include "collector/store/store.h"
#include "sys/http_server.h"

enum { PF_PATH_PARTS_MAX = 8, PF_PATH_BYTES_MAX = 2048 };

struct pf_path {
	char text[PF_PATH_BYTES_MAX]; /* the parts, one after another */
	const char *parts[PF_PATH_PARTS_MAX];
	size_t nr;
};

/**
 * pf_path_split() - @target up to its query. "-" stands for an empty part.
 * Return: 0; -EINVAL: a bad escape, a NUL, too many parts or too long.
 */
PF_MUST_CHECK int pf_path_split(const char *target, struct pf_path *ret_path);

/** pf_path_workload() - the last five parts as a workload's key. Return: 0; -EINVAL. */
PF_MUST_CHECK int pf_path_workload(const struct pf_path *path, struct pf_workload_key *ret_key);

#endif
