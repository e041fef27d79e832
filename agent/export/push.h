/* SPDX-License-Identifier: Apache-2.0 */
/*
 * push.h - gzip'd protobuf by POST, one after another: reports to the collector (/v1/reports), or
 * metrics to an OTLP receiver (/v1/metrics).
 *
 * A report is accepted when it is in the spool; from there it goes out as the network allows:
 * capped exponential back-off with jitter, a circuit breaker, Retry-After honoured. What the
 * collector refuses for good (400, 413, 415, 422) is dropped and counted, so that it does not hold
 * up what comes after it.
 */
#ifndef PF_EXPORT_PUSH_H
#define PF_EXPORT_PUSH_H

#include "export/sink.h"
#include "export/spool.h"
#include "sys/http_client.h"
#include "sys/loop.h"

/* What is sent, and how losses of it are called: refused for good, dropped to make room, unreadable
 * in the spool. */
struct pf_push_kind {
	const char *path;
	const char *refused, *dropped, *unreadable;
};
extern const struct pf_push_kind pf_push_reports, pf_push_metrics;

struct pf_push_opts {
	const struct pf_push_kind *kind;
	const char *url; /* "https://collector:9788"; the kind's path is added */
	struct pf_http_opts http;
	uint64_t timeout_ns;	     /* of one request */
	const char *spool_directory; /* NULL: in memory */
	uint64_t spool_max_bytes;
};

extern const struct pf_sink_ops pf_sink_push;

/** pf_push_open() - Return: 0; -errno with @error. Strings need not outlive the call. */
PF_MUST_CHECK int pf_push_open(struct pf_loop *loop, const struct pf_sys *sys,
			       const struct pf_push_opts *opts, void **ret_sink, char *error,
			       size_t error_size);

struct pf_push_status {
	uint64_t nr_sent, nr_refused, nr_failed; /* requests: 2xx, given up, to be tried again */
	struct pf_spool_stats spool;
	uint64_t wait_ns;     /* until the next try, while reports wait; 0: now, or under way */
	bool open;	      /* the circuit breaker */
	char last_error[256]; /* "" after a success */
};
void pf_push_get_status(const void *sink, struct pf_push_status *ret_status);

#endif
