/* SPDX-License-Identifier: Apache-2.0 */
/*
 * merger.h - the thread that keeps the picture of the fleet: merges what has come in, seals hours that
 * are over, forgets what is too old.
 *
 * Everything follows from the stored reports: an hour that is over is merged once into summaries, which
 * are stored with a fingerprint of the reports they were made from; when a late report changes the
 * fingerprint they are made again. The hours still open are merged anew each time. So order,
 * repetition, restarts and the number of collectors change nothing.
 */
#ifndef PF_COLLECTOR_MERGE_MERGER_H
#define PF_COLLECTOR_MERGE_MERGER_H

#include "collector/ingest/nodes.h"
#include "collector/merge/fleet.h"
#include "collector/store/store.h"
#include "policy/policy.h"

struct pf_merger;

struct pf_merger_opts {
	const struct pf_store_ops *store;
	const char *where;
	struct pf_nodes *nodes;
	const struct pf_policy *policy; /* NULL: podfit's own rules */
	const char *node_class_label;	/* "": DaemonSets are not split */
	uint64_t interval_ns;		/* shortest time between two merges */
	uint32_t retention_hours;	/* of summaries */
	uint32_t report_hours;		/* of reports */
	uint64_t max_store_bytes;	/* 0: no limit */
	size_t max_workloads;
	size_t max_inflated_bytes, max_decoded_bytes; /* of one report */
	/* Called when something worth a line in the log happens; from the merger's thread. */
	void (*log)(void *arg, bool is_problem, const char *line);
	void *log_arg;
};

struct pf_merger_stats {
	uint64_t nr_merges, nr_failed; /* since the start */
	uint64_t nr_sealed;	       /* hours and days made into summaries */
	uint64_t nr_unreadable;	       /* stored reports and summaries that could not be decoded */
	uint64_t last_took_ns, last_unix_ns;
	bool failing;
	char error[256];
	struct pf_store_size size; /* of the newest look */
};

/** pf_merger_new() - connects to the store and starts the thread; the first picture comes soon. */
PF_MUST_CHECK int pf_merger_new(const struct pf_merger_opts *opts, struct pf_merger **ret_merger,
				char *error, size_t error_size);
void pf_merger_free(struct pf_merger *merger); /* accepts NULL; waits for a merge that runs */
PF_DEFINE_AUTO(struct pf_merger *, pf_merger_free);

/** pf_merger_poke() - something new is stored. Does not block. */
void pf_merger_poke(struct pf_merger *merger);

/** pf_merger_fleet() - the newest picture, to be given back by pf_fleet_unref(); NULL: none yet. */
struct pf_fleet *pf_merger_fleet(struct pf_merger *merger);

void pf_merger_get_stats(struct pf_merger *merger, struct pf_merger_stats *ret_stats);

#endif
