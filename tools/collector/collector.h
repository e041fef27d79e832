/* SPDX-License-Identifier: Apache-2.0 */
/*
 * collector.h - the parts of one running collector, as the API sees them.
 */
#ifndef PF_COLLECTOR_COLLECTOR_H
#define PF_COLLECTOR_COLLECTOR_H

#include <stdatomic.h>

#include "collector/api/auth.h"
#include "collector/api/pool.h"
#include "collector/config.h"
#include "collector/ingest/ingest.h"
#include "collector/ingest/nodes.h"
#include "collector/ingest/writer.h"
#include "collector/merge/merger.h"
#include "collector/store/readers.h"
#include "collector/tls_files.h"
#include "sys/http_server.h"

struct pf_collector {
	const struct pf_collector_config *config;
	const struct pf_store_ops *store;
	const char *store_where;
	struct pf_auth *auth;
	struct pf_nodes *nodes;
	struct pf_writer *writer;
	struct pf_ingest *ingest;
	struct pf_readers *readers;
	struct pf_policy *policy; /* NULL: podfit's own rules */
	struct pf_merger *merger;
	struct pf_pool *pool, *reading_pool; /* the latter for answers that read many reports */
	struct pf_http_server *server;
	struct pf_tls_files tls; /* main thread only */
	int64_t started_unix_ms;
	/* By our clock; 0: nothing was stored since the start. */
	atomic_ullong first_stored_ns, newest_stored_ns;
	char store_note[512]; /* what opening the store had to say; "": nothing */
};

/**
 * pf_collector_run() - starts everything, serves until SIGINT or SIGTERM, stops everything.
 * SIGHUP: reads tokens and certificates again, as it also does when their files change.
 * @error: on failure what is wrong and what would help.
 * Return: the program's exit code.
 */
int pf_collector_run(const struct pf_collector_config *config, char error[PF_COLLECTOR_ERROR_MAX]);

#endif
