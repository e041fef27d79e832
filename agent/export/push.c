// SPDX-License-Identifier: Apache-2.0
#include "export/push.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "core/units.h"
#include "export/breaker.h"
#include "sys/backoff.h"
#include "sys/clock.h"
#include "sys/log.h"

#define AREA		 "push"
#define FIRST_RETRY_NS	 (1 * PF_NS_PER_S)
#define LONGEST_RETRY_NS (5 * PF_NS_PER_MIN)
/* A server may ask for more patience than is good for the spool. */
#define LONGEST_ASKED_NS (10 * PF_NS_PER_MIN)
#define CONNECT_NS	 (2 * PF_NS_PER_S)

enum {
	GZIP_WINDOW = 15 + 16, /* zlib: largest window, gzip header */
	GZIP_LEVEL = 4,	       /* twice as fast as the default for 4 % more bytes */
	GZIP_MEMORY = 8,
	COMPRESSED_MAX = 64 << 20,
	ANSWER_MAX = 4096,    /* an error's text */
	TOKEN_PATH_MAX = 512, /* longer ones are told cut off */
};

const struct pf_push_kind pf_push_reports = { "/v1/reports", "push_refused", "spool_dropped",
					      "spool_unreadable" };
const struct pf_push_kind pf_push_metrics = { "/v1/metrics", "otlp_refused", "otlp_dropped",
					      "otlp_unreadable" };

struct push {
	const struct pf_push_kind *kind;
	struct pf_http *http;
	struct pf_timer *timer;
	struct pf_spool *spool;
	struct pf_backoff backoff;
	struct pf_breaker breaker;
	struct pf_push_status status;
	char *url;
	char token_file[TOKEN_PATH_MAX]; /* as messages name it; "": none */
	uint64_t timeout_ns;
	struct pf_http_call *call; /* NULL: none under way */
	uint64_t number;	   /* of the entry under way */
	uint64_t not_before_ns;
	char answer[ANSWER_MAX];
	size_t answer_len;
};

static int compress_report(const struct pf_buf *encoded, struct pf_buf *out)
{
	z_stream stream = { 0 };
	size_t bound;
	char *place;
	int r, z;

	if (deflateInit2(&stream, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	bound = deflateBound(&stream, encoded->len);
	r = pf_buf_reserve(out, bound, &place);
	if (r == 0) {
		stream.next_in = (Bytef *)encoded->data;
		stream.avail_in = (uInt)encoded->len;
		stream.next_out = (Bytef *)place;
		stream.avail_out = (uInt)bound;
		z = deflate(&stream, Z_FINISH);
		r = z == Z_STREAM_END ? 0 : -EIO;
		pf_buf_wrote(out, stream.total_out);
	}
	(void)deflateEnd(&stream); /* frees; its result tells of unfinished streams only */
	return r;
}

static void wait_for(struct push *push, uint64_t wait_ns)
{
	push->not_before_ns = pf_clock_monotonic_ns() + wait_ns;
	pf_timer_set(push->timer, wait_ns, 0);
}

static int on_body(void *arg, long status, const void *data, size_t len)
{
	struct push *push = arg;
	size_t n = PF_MIN(len, sizeof(push->answer) - 1 - push->answer_len);

	(void)status;
	memcpy(push->answer + push->answer_len, data, n);
	push->answer_len += n;
	push->answer[push->answer_len] = '\0';
	return 0;
}

static void note_error(struct push *push, const struct pf_http_result *result)
{
	static struct pf_log_limit limit = PF_LOG_LIMIT(3, 10 * PF_NS_PER_MIN);
	char *text = push->status.last_error;

	push->answer[strcspn(push->answer, "\r\n")] = '\0';
	if (result->err)
		(void)snprintf(text, sizeof(push->status.last_error), "%s", result->error);
	else
		(void)snprintf(text, sizeof(push->status.last_error), "status %ld: %.200s",
			       result->status, push->answer);
	pf_log_limited(&limit, PF_LOG_WARNING, AREA, "%s: %s; %llu reports wait", push->url, text,
		       (unsigned long long)pf_spool_get_stats(push->spool).nr_entries);
}

/* Trying again would end the same way: the report itself is what is refused. */
static bool is_final(long status)
{
	return status == 400 || status == 413 || status == 415 || status == 422;
}

static void on_done(void *arg, const struct pf_http_result *result)
{
	struct push *push = arg;
	bool sent = !result->err && result->status >= 200 && result->status < 300;
	/* 429 is a server that works, and says how to go on. */
	bool failed = result->err || result->status >= 500;
	uint64_t wait_ns;

	push->call = NULL;
	pf_breaker_done(&push->breaker, pf_clock_monotonic_ns(), failed);
	if (sent || is_final(result->status)) {
		if (sent)
			push->status.last_error[0] = '\0';
		else
			note_error(push, result);
		push->status.nr_sent += sent;
		push->status.nr_refused += !sent;
		pf_spool_pop(push->spool, push->number);
		pf_backoff_reset(&push->backoff);
		wait_for(push, 0);
		return;
	}
	note_error(push, result);
	push->status.nr_failed++;
	wait_ns = pf_backoff_next(&push->backoff);
	if (result->retry_after_ns)
		wait_ns = PF_MIN(result->retry_after_ns +
					 pf_backoff_random(&push->backoff, PF_NS_PER_S),
				 LONGEST_ASKED_NS);
	wait_for(push,
		 PF_MAX(wait_ns, pf_breaker_wait_ns(&push->breaker, pf_clock_monotonic_ns())));
}

static int start_request(struct push *push, const struct pf_buf *body)
{
	static const char *const headers[] = { "Content-Type: application/x-protobuf",
					       "Content-Encoding: gzip", NULL };
	const struct pf_http_call_opts request = {
		.method = "POST",
		.url = push->url,
		.headers = headers,
		.body = body->data,
		.body_len = body->len,
		.connect_ns = PF_MIN(CONNECT_NS, push->timeout_ns),
		.total_ns = push->timeout_ns,
		.on_body = on_body,
		.on_done = on_done,
		.arg = push,
	};

	push->answer_len = 0;
	push->answer[0] = '\0';
	return pf_http_start(push->http, &request, &push->call);
}

static void send_next(struct push *push)
{
	uint64_t now_ns = pf_clock_monotonic_ns();
	struct pf_buf body;
	int r;

	if (push->call)
		return;
	if (now_ns < push->not_before_ns) {
		pf_timer_set(push->timer, push->not_before_ns - now_ns, 0);
		return;
	}
	if (!pf_spool_get_stats(push->spool).nr_entries)
		return;
	if (pf_breaker_wait_ns(&push->breaker, now_ns)) {
		wait_for(push, pf_breaker_wait_ns(&push->breaker, now_ns));
		return;
	}
	pf_buf_init(&body, COMPRESSED_MAX);
	r = pf_spool_peek(push->spool, &body, &push->number);
	/* Asked last: once it has let a call through it waits for the end of that call. */
	if (r == 0 && pf_breaker_allows(&push->breaker, now_ns))
		r = start_request(push, &body);
	pf_buf_done(&body);
	if (r < 0 && r != -ENODATA) {
		char why[TOKEN_PATH_MAX + 128];
		const struct pf_http_result result = { .err = r, .error = why };

		/* Of what can fail before anything is sent, only the token file is somebody's to mend. */
		(void)snprintf(why, sizeof(why), "%s%s%s", push->token_file,
			       push->token_file[0] ? ": " : "", strerror(-r));
		on_done(push, &result);
	}
}

static void on_timer(void *arg, uint64_t now_ns)
{
	(void)now_ns;
	send_next(arg);
}

static void push_close(void *arg)
{
	struct push *push = arg;

	if (!push)
		return;
	pf_http_free(push->http);
	pf_timer_free(push->timer);
	pf_spool_free(push->spool);
	free(push->url);
	free(push);
}

static int set_up(struct push *push, struct pf_loop *loop, const struct pf_push_opts *opts)
{
	size_t len = strlen(opts->url);
	int r;

	while (len && opts->url[len - 1] == '/')
		len--;
	if (asprintf(&push->url, "%.*s%s", (int)len, opts->url, opts->kind->path) < 0) {
		push->url = NULL;
		return -ENOMEM;
	}
	push->kind = opts->kind;
	push->timeout_ns = opts->timeout_ns;
	(void)snprintf(push->token_file, sizeof(push->token_file), "%s",
		       opts->http.token_file ? opts->http.token_file : "");
	push->backoff =
		(struct pf_backoff){ .first_ns = FIRST_RETRY_NS, .max_ns = LONGEST_RETRY_NS };
	r = pf_http_new(loop, &opts->http, &push->http);
	if (r == 0)
		r = pf_loop_add_timer(loop, 0, 0, on_timer, push, &push->timer);
	return r;
}

int pf_push_open(struct pf_loop *loop, const struct pf_sys *sys, const struct pf_push_opts *opts,
		 void **ret_sink, char *error, size_t error_size)
{
	struct push *push = calloc(1, sizeof(*push));
	int r = push ? pf_spool_open(sys, opts->spool_directory, opts->spool_max_bytes,
				     &push->spool, error, error_size)
		     : -ENOMEM;

	if (r == 0) {
		r = set_up(push, loop, opts);
		if (r < 0)
			(void)snprintf(error, error_size, "%s: %s", opts->url, strerror(-r));
	}
	if (r < 0) {
		push_close(push);
		return r;
	}
	*ret_sink = push;
	return 0;
}

static int push_write(void *arg, const struct pf_report *report, const struct pf_buf *encoded,
		      char *error, size_t error_size)
{
	struct push *push = arg;
	struct pf_buf compressed;
	int r;

	(void)report;
	pf_buf_init(&compressed, COMPRESSED_MAX);
	r = compress_report(encoded, &compressed);
	if (r == 0)
		r = pf_spool_put(push->spool, compressed.data, compressed.len);
	pf_buf_done(&compressed);
	if (r < 0) {
		(void)snprintf(error, error_size, "spool: %s", strerror(-r));
		return r;
	}
	send_next(push);
	return 0;
}

static bool push_busy(void *arg)
{
	const struct push *push = arg;

	return push->call || (pf_spool_get_stats(push->spool).nr_entries &&
			      pf_clock_monotonic_ns() >= push->not_before_ns);
}

static size_t push_losses(void *arg, struct pf_loss *ret_losses, size_t max_losses)
{
	const struct push *push = arg;
	const struct pf_spool_stats spool = pf_spool_get_stats(push->spool);
	const struct pf_loss losses[] = {
		{ push->kind->refused, push->status.nr_refused },
		{ push->kind->dropped, spool.nr_dropped },
		{ push->kind->unreadable, spool.nr_unreadable },
	};
	size_t nr = PF_MIN(PF_ARRAY_SIZE(losses), max_losses);

	memcpy(ret_losses, losses, nr * sizeof(losses[0]));
	return nr;
}

void pf_push_get_status(const void *sink, struct pf_push_status *ret_status)
{
	const struct push *push = sink;
	uint64_t now_ns = pf_clock_monotonic_ns();

	*ret_status = push->status;
	ret_status->spool = pf_spool_get_stats(push->spool);
	if (!push->call && ret_status->spool.nr_entries && push->not_before_ns > now_ns)
		ret_status->wait_ns = push->not_before_ns - now_ns;
	ret_status->open = push->breaker.state != PF_BREAKER_CLOSED;
}

const struct pf_sink_ops pf_sink_push = {
	.name = "collector",
	.write = push_write,
	.busy = push_busy,
	.losses = push_losses,
	.close = push_close,
};
