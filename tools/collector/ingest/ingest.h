/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ingest.h - POST /v1/reports: a body is checked as strictly as if it were decoded (wire/index.h) and
 * handed to the writer; the answer goes out after its commit.
 *
 * Answers: 200 durable; 400 damaged (with byte and reason); 403 not this node's; 413 too large, also
 * when decompressed or decoded; 415; 422 understood but refused (newer schema, clock far ahead);
 * 429 too many nodes; 503 with Retry-After: the store is not there, full, or we are too busy.
 */
#ifndef PF_COLLECTOR_INGEST_INGEST_H
#define PF_COLLECTOR_INGEST_INGEST_H

#include "collector/ingest/nodes.h"
#include "collector/ingest/writer.h"
#include "sys/http_server.h"

struct pf_ingest;

struct pf_ingest_opts {
	struct pf_writer *writer;
	struct pf_nodes *nodes;
	size_t max_inflated_bytes; /* of one report */
	size_t max_decoded_bytes;
	uint32_t retention_hours; /* older slices are not stored */
	/* Called after a new report is durable; from the writer's thread. */
	void (*stored)(void *arg);
	void *stored_arg;
};

/* What became of reports, since the start. Each report is counted once. */
enum pf_ingest_result {
	PF_INGEST_STORED,
	PF_INGEST_KNOWN,
	PF_INGEST_TOO_OLD, /* acknowledged and dropped: older than the retention */
	PF_INGEST_DAMAGED,
	PF_INGEST_TOO_LARGE,
	PF_INGEST_MEDIA_TYPE,
	PF_INGEST_FOREIGN, /* of another node or cluster than the sender may report for */
	PF_INGEST_NEWER_SCHEMA,
	PF_INGEST_CLOCK, /* hours ahead of ours */
	PF_INGEST_TOO_MANY_NODES,
	PF_INGEST_NOT_STORED, /* the store failed, or memory was out */
	PF_NR_INGEST_RESULTS,
};

const char *pf_ingest_result_name(enum pf_ingest_result result);

/* For whom the sender may report; NULL fields: any. */
struct pf_ingest_who {
	const char *cluster;
	bool (*may_report)(void *arg, const char *node); /* by certificate; NULL: any node */
	void *arg;
};

PF_MUST_CHECK int pf_ingest_new(const struct pf_ingest_opts *opts, struct pf_ingest **ret_ingest);
void pf_ingest_free(struct pf_ingest *ingest); /* accepts NULL; after the server and the writer */
PF_DEFINE_AUTO(struct pf_ingest *, pf_ingest_free);

/** pf_ingest_post() - answers @req, or defers it until its report is durable. */
void pf_ingest_post(struct pf_ingest *ingest, struct pf_http_request *req,
		    const struct pf_ingest_who *who);

uint64_t pf_ingest_count(struct pf_ingest *ingest, enum pf_ingest_result result);

#endif
