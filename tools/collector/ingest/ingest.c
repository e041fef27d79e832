// SPDX-License-Identifier: Apache-2.0
#include "collector/ingest/ingest.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"
#include "collector/ingest/gunzip.h"
#include "core/units.h"
#include "sys/clock.h"
#include "wire/index.h"

enum {
	NAME_LEN_MAX = 253,	/* an object name of Kubernetes */
	HOURS_AHEAD_MAX = 24,	/* a clock further ahead would leave evidence in the future */
	SCRATCH_KEEP = 8 << 20, /* memory a thread's scratch keeps between reports */
	SLICES_MAX = 1 << 20,	/* of one report: a year of hours for 100 containers */
};

/* Memory for one report at a time; as many as there are threads. */
struct scratch {
	struct scratch *next;
	struct pf_buf inflated;
	struct pf_arena arena;
};

struct pf_ingest {
	struct pf_ingest_opts opts;
	pthread_mutex_t lock;
	struct scratch *idle;
	atomic_ullong counts[PF_NR_INGEST_RESULTS];
};

/* A report that waits for its commit. */
struct waiting {
	struct pf_write write;
	struct pf_ingest *ingest;
	struct pf_http_request *req;
	struct pf_buf packed; /* the body, if it came uncompressed */
	char *cluster, *node;
};

static const char *const result_names[PF_NR_INGEST_RESULTS] = {
	[PF_INGEST_STORED] = "stored",	       [PF_INGEST_KNOWN] = "known",
	[PF_INGEST_TOO_OLD] = "too_old",       [PF_INGEST_DAMAGED] = "damaged",
	[PF_INGEST_TOO_LARGE] = "too_large",   [PF_INGEST_MEDIA_TYPE] = "media_type",
	[PF_INGEST_FOREIGN] = "foreign",       [PF_INGEST_NEWER_SCHEMA] = "newer_schema",
	[PF_INGEST_CLOCK] = "clock",	       [PF_INGEST_TOO_MANY_NODES] = "too_many_nodes",
	[PF_INGEST_NOT_STORED] = "not_stored",
};

const char *pf_ingest_result_name(enum pf_ingest_result result)
{
	return result_names[result];
}

uint64_t pf_ingest_count(struct pf_ingest *ingest, enum pf_ingest_result result)
{
	return atomic_load(&ingest->counts[result]);
}

static void count(struct pf_ingest *ingest, enum pf_ingest_result result)
{
	atomic_fetch_add(&ingest->counts[result], 1);
}

/* ---- scratch memory ---- */

static struct scratch *scratch_take(struct pf_ingest *ingest)
{
	struct scratch *scratch;

	pthread_mutex_lock(&ingest->lock);
	scratch = ingest->idle;
	if (scratch)
		ingest->idle = scratch->next;
	pthread_mutex_unlock(&ingest->lock);
	if (scratch)
		return scratch;
	scratch = calloc(1, sizeof(*scratch));
	if (!scratch)
		return NULL;
	pf_buf_init(&scratch->inflated, ingest->opts.max_inflated_bytes);
	pf_arena_init(&scratch->arena, ingest->opts.max_decoded_bytes);
	return scratch;
}

static void scratch_give(struct pf_ingest *ingest, struct scratch *scratch)
{
	/* One huge report must not pin its memory for good. */
	if (scratch->inflated.cap > SCRATCH_KEEP)
		pf_buf_done(&scratch->inflated);
	pf_buf_reset(&scratch->inflated);
	if (scratch->arena.used_bytes > SCRATCH_KEEP)
		pf_arena_done(&scratch->arena);
	else
		pf_arena_reset(&scratch->arena);
	pthread_mutex_lock(&ingest->lock);
	scratch->next = ingest->idle;
	ingest->idle = scratch;
	pthread_mutex_unlock(&ingest->lock);
}

/* ---- one report ---- */

static void waiting_free(struct waiting *waiting)
{
	if (!waiting)
		return;
	pf_keyset_done(&waiting->write.keys);
	pf_buf_done(&waiting->packed);
	free(waiting->cluster);
	free(waiting->node);
	free(waiting);
}

static void waiting_freep(struct waiting **waiting)
{
	waiting_free(*waiting);
}

static void reply_ok(struct pf_http_request *req, const char *result)
{
	char *body;
	int len = asprintf(&body, "{\"result\": \"%s\"}\n", result);

	pf_http_reply(req, 200, "application/json", len < 0 ? NULL : body,
		      len < 0 ? 0 : (size_t)len);
}

/* In the writer's thread. */
static void on_written(struct pf_write *write, int r, enum pf_written how)
{
	struct waiting *waiting = write->arg;
	struct pf_http_request *req = waiting->req;
	enum pf_ingest_result result = r < 0		       ? PF_INGEST_NOT_STORED
				       : how == PF_WRITTEN_NEW ? PF_INGEST_STORED
							       : PF_INGEST_KNOWN;

	count(waiting->ingest, result);
	if (result == PF_INGEST_STORED)
		waiting->ingest->opts.stored(waiting->ingest->opts.stored_arg);
	waiting_free(waiting);
	if (r == 0) {
		reply_ok(req, result_names[result]);
		return;
	}
	/* A full disk does not empty itself in a second. */
	pf_http_reply_header(req, "Retry-After", r == -ENOSPC ? "30" : "5");
	pf_http_reply_error(req, 503, "%s",
			    r == -ENOSPC ? "the collector's disk is full: the report is not stored"
					 : "the collector's store does not answer: the report is "
					   "not stored");
}

static bool media_type_fits(struct pf_http_request *req)
{
	static const char *const fitting[] = { "application/x-protobuf", "application/protobuf" };
	const char *type = pf_http_header(req, "Content-Type");

	if (!type)
		return false;
	for (size_t i = 0; i < PF_ARRAY_SIZE(fitting); i++) {
		size_t len = strlen(fitting[i]);

		if (!strncasecmp(type, fitting[i], len) && (!type[len] || strchr("; ", type[len])))
			return true;
	}
	return false;
}

/* The message's bytes: the body, or what it inflates to. Return: as pf_gunzip(); -EINVAL: an
 * encoding we do not know. */
static int message_of(struct pf_http_request *req, struct scratch *scratch, const void **ret_data,
		      size_t *ret_len, bool *ret_gzip)
{
	const char *encoding = pf_http_header(req, "Content-Encoding");
	size_t len;
	const void *body = pf_http_body(req, &len);
	int r;

	*ret_gzip = encoding && !strcasecmp(encoding, "gzip");
	if (encoding && !*ret_gzip && strcasecmp(encoding, "identity") != 0)
		return -EINVAL;
	if (!*ret_gzip) {
		*ret_data = body;
		*ret_len = len;
		return len > scratch->inflated.max_len ? -EFBIG : 0;
	}
	r = pf_gunzip(body, len, &scratch->inflated);
	if (r < 0)
		return r == -ENOSPC ? -EFBIG : r;
	*ret_data = scratch->inflated.data;
	*ret_len = scratch->inflated.len;
	return 0;
}

struct hours {
	uint32_t min, max;
};

/* Hours of the report's slices; of its end, if it has none. */
static struct hours hours_of(const struct pf_report_index *index)
{
	uint32_t end =
		(uint32_t)PF_MIN(index->report.end_unix_ns / PF_NS_PER_HOUR, (uint64_t)UINT32_MAX);
	struct hours hours = { UINT32_MAX, 0 };

	for (size_t i = 0; i < index->nr_slices; i++) {
		hours.min = PF_MIN(hours.min, index->slices[i].hour);
		hours.max = PF_MAX(hours.max, index->slices[i].hour);
	}
	if (!index->nr_slices)
		hours.min = hours.max = end;
	return hours;
}

/* What is wrong with the names and numbers of a report; NULL: nothing. */
static const char *fault_of(const struct pf_report_index *index)
{
	const struct pf_report *report = &index->report;

	if (!*report->node)
		return "it does not say of which node it is";
	if (strlen(report->node) > NAME_LEN_MAX || strlen(report->cluster) > NAME_LEN_MAX)
		return "the name of its node or cluster is longer than 253 bytes";
	if (strchr(report->node, '\n') || strchr(report->cluster, '\n'))
		return "the name of its node or cluster has a line feed";
	if (!pf_utf8_is_valid(report->node) || !pf_utf8_is_valid(report->cluster))
		return "the name of its node or cluster is not UTF-8";
	if (!report->run_id || !report->sequence)
		return "it has no run_id or no sequence";
	if (!report->end_unix_ns)
		return "it has no end time";
	if (index->nr_slices > SLICES_MAX)
		return "it has too many hour slices";
	return NULL;
}

/* Refuses what is not to be stored. True: answered. */
static bool refuse_content(struct pf_ingest *ingest, struct pf_http_request *req,
			   const struct pf_report_index *index, const struct hours *hours,
			   const struct pf_ingest_who *who, uint32_t now_hour)
{
	const struct pf_report *report = &index->report;
	const char *fault = fault_of(index);

	if (fault) {
		count(ingest, PF_INGEST_DAMAGED);
		pf_http_reply_error(req, 400, "this report cannot be taken: %s", fault);
	} else if ((who->cluster && strcmp(who->cluster, report->cluster) != 0) ||
		   (who->may_report && !who->may_report(who->arg, report->node))) {
		count(ingest, PF_INGEST_FOREIGN);
		pf_http_reply_error(
			req, 403,
			"you may not report for node %s of cluster \"%s\": your token or "
			"certificate is another's",
			report->node, report->cluster);
	} else if (hours->max > now_hour + HOURS_AHEAD_MAX) {
		count(ingest, PF_INGEST_CLOCK);
		pf_http_reply_error(
			req, 422,
			"the clock of node %s is %u hours ahead of the collector's: set "
			"one of them right",
			report->node, hours->max - now_hour);
	} else if (!pf_nodes_has_room(ingest->opts.nodes, report->cluster, report->node,
				      pf_clock_wall_ns() / (int64_t)PF_NS_PER_MS)) {
		count(ingest, PF_INGEST_TOO_MANY_NODES);
		pf_http_reply_header(req, "Retry-After", "60");
		pf_http_reply_error(
			req, 429, "the collector has as many nodes as it may (--limits.max-nodes)");
	} else if (hours->max + ingest->opts.retention_hours < now_hour) {
		count(ingest, PF_INGEST_TOO_OLD);
		reply_ok(req, result_names[PF_INGEST_TOO_OLD]);
	} else {
		return false;
	}
	return true;
}

static void refuse_message(struct pf_ingest *ingest, struct pf_http_request *req, int r,
			   const struct pf_wire_error *error)
{
	switch (r) {
	case -EPROTONOSUPPORT:
		count(ingest, PF_INGEST_NEWER_SCHEMA);
		pf_http_reply_error(req, 422, "%s; update the collector before the agents",
				    error->reason);
		return;
	case -EFBIG:
	case -ENOSPC:
		count(ingest, PF_INGEST_TOO_LARGE);
		pf_http_reply_error(
			req, 413,
			"the report is too large: at most %zu bytes decompressed and %zu "
			"in memory",
			ingest->opts.max_inflated_bytes, ingest->opts.max_decoded_bytes);
		return;
	case -EINVAL:
		count(ingest, PF_INGEST_MEDIA_TYPE);
		pf_http_reply_error(req, 415, "Content-Encoding is gzip or identity");
		return;
	case -ENOMEM:
		count(ingest, PF_INGEST_NOT_STORED);
		pf_http_reply_header(req, "Retry-After", "5");
		pf_http_reply_error(req, 503, "the collector is out of memory");
		return;
	default:
		count(ingest, PF_INGEST_DAMAGED);
		if (error->reason[0])
			pf_http_reply_error(req, 400, "byte %zu: %s", error->offset, error->reason);
		else
			pf_http_reply_error(req, 400, "the body is no gzip, or is cut off");
	}
}

static struct waiting *waiting_new(struct pf_ingest *ingest, struct pf_http_request *req,
				   const struct pf_report_index *index, const struct hours *hours)
{
	PF_AUTO(waiting_freep) struct waiting *waiting = calloc(1, sizeof(*waiting));
	const struct pf_report *report = &index->report;

	if (!waiting)
		return NULL;
	pf_buf_init(&waiting->packed, SIZE_MAX / 4);
	waiting->ingest = ingest;
	waiting->req = req;
	waiting->cluster = strdup(report->cluster);
	waiting->node = strdup(report->node);
	if (!waiting->cluster || !waiting->node || pf_keyset_of(index, &waiting->write.keys) < 0)
		return NULL;
	waiting->write.arg = waiting;
	waiting->write.done = on_written;
	waiting->write.row = (struct pf_store_report){
		.key = { waiting->cluster, waiting->node, report->run_id, report->sequence },
		.hour_min = hours->min,
		.hour_max = hours->max,
		.received_unix_ms = pf_clock_wall_ns() / (int64_t)PF_NS_PER_MS,
		.encoding = PF_STORE_GZIP,
	};
	return pf_take(waiting);
}

/* The body as it is stored: always compressed, taken as it came where it was. */
static int fill_body(struct waiting *waiting, bool gzip)
{
	size_t len;
	const void *body = pf_http_body(waiting->req, &len);
	int r = gzip ? 0 : pf_gzip(body, len, &waiting->packed);

	waiting->write.row.body = gzip ? body : waiting->packed.data;
	waiting->write.row.body_len = gzip ? len : waiting->packed.len;
	return r;
}

static int take_report(struct pf_ingest *ingest, struct pf_http_request *req, bool gzip,
		       const struct pf_report_index *index, const struct pf_ingest_who *who)
{
	PF_AUTO(waiting_freep) struct waiting *waiting = NULL;
	struct hours hours = hours_of(index);
	uint32_t now_hour = (uint32_t)(pf_clock_wall_ns() / (int64_t)PF_NS_PER_HOUR);

	if (refuse_content(ingest, req, index, &hours, who, now_hour))
		return 0;
	waiting = waiting_new(ingest, req, index, &hours);
	if (!waiting || fill_body(waiting, gzip) < 0)
		return -ENOMEM;
	(void)pf_nodes_seen(ingest->opts.nodes, index, waiting->write.row.received_unix_ms,
			    true); /* out of memory: it is listed after the next report */
	pf_http_defer(req);
	pf_writer_put(ingest->opts.writer, &pf_take(waiting)->write);
	return 0;
}

void pf_ingest_post(struct pf_ingest *ingest, struct pf_http_request *req,
		    const struct pf_ingest_who *who)
{
	struct pf_wire_error error = { .reason = "" };
	struct scratch *scratch;
	struct pf_report_index index;
	const void *data;
	bool gzip = false;
	size_t len;
	int r;

	if (!media_type_fits(req)) {
		count(ingest, PF_INGEST_MEDIA_TYPE);
		pf_http_reply_error(req, 415, "Content-Type is application/x-protobuf");
		return;
	}
	scratch = scratch_take(ingest);
	r = scratch ? message_of(req, scratch, &data, &len, &gzip) : -ENOMEM;
	if (r == 0)
		r = pf_wire_index_report(data, len, &scratch->arena, &index, &error);
	if (r == 0)
		r = take_report(ingest, req, gzip, &index, who);
	if (r < 0)
		refuse_message(ingest, req, r, &error);
	if (scratch)
		scratch_give(ingest, scratch);
}

int pf_ingest_new(const struct pf_ingest_opts *opts, struct pf_ingest **ret_ingest)
{
	struct pf_ingest *ingest = calloc(1, sizeof(*ingest));

	if (!ingest)
		return -ENOMEM;
	ingest->opts = *opts;
	(void)pthread_mutex_init(&ingest->lock, NULL); /* cannot fail with default attributes */
	*ret_ingest = ingest;
	return 0;
}

void pf_ingest_free(struct pf_ingest *ingest)
{
	if (!ingest)
		return;
	while (ingest->idle) {
		struct scratch *scratch = ingest->idle;

		ingest->idle = scratch->next;
		pf_buf_done(&scratch->inflated);
		pf_arena_done(&scratch->arena);
		free(scratch);
	}
	(void)pthread_mutex_destroy(&ingest->lock);
	free(ingest);
}
