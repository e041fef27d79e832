// SPDX-License-Identifier: Apache-2.0
/* The sink that sends to the collector, against a server that answers as it is told. */
#include <errno.h>
#include <ftw.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include "core/units.h"
#include "export/push.h"
#include "sys/http_server.h"
#include "unit/check.h"
#include "unit/fault_sys.h"

enum { REQUESTS_MAX = 16, REPORT_MAX = 4096, ROUNDS_MAX = 2000 };

struct answer {
	unsigned status; /* 0: 200 */
	const char *retry_after;
};

struct collector {
	struct pf_http_server *server;
	char url[80];
	const struct answer *answers; /* of the first requests; 200 after them */
	size_t nr_answers;
	pthread_mutex_t lock;
	size_t nr_requests;
	char bodies[REQUESTS_MAX][REPORT_MAX]; /* unpacked */
	bool well_formed;		       /* path, method and headers of all requests */
};

static bool unpack(const void *data, size_t len, char ret_text[REPORT_MAX])
{
	z_stream z = { .next_in = (Bytef *)data, .avail_in = (uInt)len };
	int r;

	if (inflateInit2(&z, 15 + 16) != Z_OK)
		return false;
	z.next_out = (Bytef *)ret_text;
	z.avail_out = REPORT_MAX - 1;
	r = inflate(&z, Z_FINISH);
	ret_text[z.total_out] = '\0';
	(void)inflateEnd(&z); /* frees */
	return r == Z_STREAM_END;
}

static bool header_is(const struct pf_http_request *req, const char *name, const char *want)
{
	const char *value = pf_http_header(req, name);

	return value && !strcmp(value, want);
}

static void handle(void *arg, struct pf_http_request *req)
{
	static const struct answer good = { 0 };
	struct collector *c = arg;
	const struct answer *answer = &good;
	size_t len;
	const void *body = pf_http_body(req, &len);

	pthread_mutex_lock(&c->lock);
	if (c->nr_requests < c->nr_answers)
		answer = &c->answers[c->nr_requests];
	if (c->nr_requests < REQUESTS_MAX)
		c->well_formed = c->well_formed && pf_http_method(req) == PF_HTTP_POST &&
				 !strcmp(pf_http_path(req), "/v1/reports") &&
				 header_is(req, "Content-Type", "application/x-protobuf") &&
				 header_is(req, "Content-Encoding", "gzip") &&
				 unpack(body, len, c->bodies[c->nr_requests++]);
	pthread_mutex_unlock(&c->lock);
	if (answer->retry_after)
		pf_http_reply_header(req, "Retry-After", answer->retry_after);
	pf_http_reply(req, answer->status ?: 200, "text/plain",
		      answer->status ? strdup("not now\r\n") : NULL, answer->status ? 9 : 0);
}

static size_t nr_requests(struct collector *c)
{
	size_t nr;

	pthread_mutex_lock(&c->lock);
	nr = c->nr_requests;
	pthread_mutex_unlock(&c->lock);
	return nr;
}

static void collector_start(struct collector *c, const struct answer *answers, size_t nr)
{
	const struct pf_http_server_opts opts = { .listen = "127.0.0.1:0",
						  .nr_threads = 1,
						  .max_body_bytes = 1 << 20,
						  .arg = c,
						  .handle = handle };
	char error[256] = "";

	*c = (struct collector){ .answers = answers,
				 .nr_answers = nr,
				 .lock = PTHREAD_MUTEX_INITIALIZER,
				 .well_formed = true };
	PF_CHECK_INT("server", pf_http_server_new(&opts, &c->server, error, sizeof(error)), 0);
	PF_CHECK_STR("server", error, "");
	if (c->server)
		snprintf(c->url, sizeof(c->url), "http://%s/", pf_http_server_address(c->server));
}

static void collector_stop(struct collector *c)
{
	PF_CHECK("requests were well-formed", c->well_formed);
	pf_http_server_free(c->server);
}

/* ---- the sink ---- */

struct sender {
	struct pf_loop *loop;
	void *sink;
};

static char directory[64];

static const char *fresh_directory(void)
{
	snprintf(directory, sizeof(directory), "/tmp/podfit-test-XXXXXX");
	PF_CHECK("mkdtemp", mkdtemp(directory) != NULL);
	return directory;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void remove_directory(void)
{
	(void)nftw(directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void sender_open(struct sender *sender, const struct pf_sys *sys, const char *url,
			const char *spool, uint64_t max_bytes, uint64_t timeout_ns)
{
	const struct pf_push_opts opts = { .kind = &pf_push_reports,
					   .url = url,
					   .timeout_ns = timeout_ns,
					   .spool_directory = spool,
					   .spool_max_bytes = max_bytes };
	char error[256] = "";

	PF_CHECK_INT("loop", pf_loop_new(&sender->loop), 0);
	PF_CHECK_INT("open",
		     pf_push_open(sender->loop, sys, &opts, &sender->sink, error, sizeof(error)),
		     0);
	PF_CHECK_STR("open", error, "");
}

static void sender_close(struct sender *sender)
{
	pf_sink_push.close(sender->sink);
	pf_loop_free(sender->loop);
}

static int write_text(struct sender *sender, const char *text, char *error, size_t error_size)
{
	struct pf_buf encoded;
	int r;

	pf_buf_init(&encoded, REPORT_MAX);
	(void)pf_buf_adds(&encoded, text);
	r = pf_sink_push.write(sender->sink, NULL, &encoded, error, error_size);
	pf_buf_done(&encoded);
	return r;
}

static void write_good(struct sender *sender, const char *text)
{
	char error[256] = "";

	PF_CHECK_INT("write", write_text(sender, text, error, sizeof(error)), 0);
	PF_CHECK_STR("write", error, "");
}

static struct pf_push_status status_of(const struct sender *sender)
{
	struct pf_push_status status;

	pf_push_get_status(sender->sink, &status);
	return status;
}

/* Runs the loop until so many requests have ended one way or the other, or far too long. */
static void run_until_ended(struct sender *sender, uint64_t nr)
{
	for (int i = 0; i < ROUNDS_MAX; i++) {
		struct pf_push_status status = status_of(sender);

		if (status.nr_sent + status.nr_refused + status.nr_failed >= nr)
			return;
		PF_CHECK_INT("round", pf_loop_run_once(sender->loop, 10 * PF_NS_PER_MS), 0);
	}
	PF_CHECK("ended in time", false);
}

/* ---- what happens ---- */

static void test_delivery(void)
{
	struct collector c;
	struct sender sender;
	struct pf_push_status status;

	collector_start(&c, NULL, 0);
	sender_open(&sender, &pf_sys_real, c.url, NULL, 1 << 20, 5 * PF_NS_PER_S);
	PF_CHECK("idle", !pf_sink_push.busy(sender.sink));
	write_good(&sender, "first report");
	write_good(&sender, "second report");
	PF_CHECK("at work", pf_sink_push.busy(sender.sink));
	run_until_ended(&sender, 2);
	status = status_of(&sender);
	PF_CHECK_INT("sent", status.nr_sent, 2);
	PF_CHECK_INT("nothing waits", status.spool.nr_entries, 0);
	PF_CHECK_STR("no error", status.last_error, "");
	PF_CHECK("idle again", !pf_sink_push.busy(sender.sink));
	PF_CHECK_STR("oldest first", c.bodies[0], "first report");
	PF_CHECK_STR("then the next", c.bodies[1], "second report");
	sender_close(&sender);
	collector_stop(&c);
}

static const struct refusal_case {
	const char *name;
	struct answer answer;
	bool dropped; /* the report goes, and the next one follows at once */
	bool open;    /* the circuit breaker */
	uint64_t min_ms, max_ms;
	const char *error;
} refusal_cases[] = {
	{ .name = "400", .answer = { 400, NULL }, .dropped = true },
	{ .name = "413", .answer = { 413, NULL }, .dropped = true },
	{ .name = "415", .answer = { 415, NULL }, .dropped = true },
	{ .name = "422", .answer = { 422, NULL }, .dropped = true },
	{ .name = "401: the token may come",
	  .answer = { 401, NULL },
	  .min_ms = 500,
	  .max_ms = 1000,
	  .error = "status 401: not now" },
	{ .name = "429", .answer = { 429, NULL }, .min_ms = 500, .max_ms = 1000 },
	{ .name = "429, asked", .answer = { 429, "7" }, .min_ms = 7000, .max_ms = 8000 },
	{ .name = "429, asked for a day",
	  .answer = { 429, "86400" },
	  .min_ms = 600000,
	  .max_ms = 600000 },
	{ .name = "503", .answer = { 503, NULL }, .open = true, .min_ms = 30000, .max_ms = 30000 },
	{ .name = "503, asked for less",
	  .answer = { 503, "3" },
	  .open = true,
	  .min_ms = 30000,
	  .max_ms = 30000 },
	{ .name = "503, asked for more",
	  .answer = { 503, "120" },
	  .open = true,
	  .min_ms = 120000,
	  .max_ms = 121000,
	  .error = "status 503: not now" },
};

/* Waits are read from the status, not waited for: a loaded machine can only make them shorter. */
static void check_kept(const struct refusal_case *c, const struct pf_push_status *status)
{
	enum { LATE_MS = 5000 };
	uint64_t wait_ms = status->wait_ns / PF_NS_PER_MS;

	PF_CHECK_INT(c->name, status->nr_failed, 1);
	PF_CHECK_INT(c->name, status->nr_refused, 0);
	PF_CHECK_INT(c->name, status->spool.nr_entries, 2);
	PF_CHECK(c->name, status->open == c->open);
	PF_CHECK(c->name, wait_ms <= c->max_ms);
	PF_CHECK(c->name, wait_ms + LATE_MS >= c->min_ms);
	if (c->error)
		PF_CHECK_STR(c->name, status->last_error, c->error);
}

static void test_refusals(void)
{
	for (size_t i = 0; i < PF_ARRAY_SIZE(refusal_cases); i++) {
		const struct refusal_case *c = &refusal_cases[i];
		struct pf_push_status status;
		struct pf_loss losses[8];
		struct collector collector;
		struct sender sender;
		size_t nr_losses;

		collector_start(&collector, &c->answer, 1);
		sender_open(&sender, &pf_sys_real, collector.url, NULL, 1 << 20, 5 * PF_NS_PER_S);
		write_good(&sender, "one");
		write_good(&sender, "two");
		run_until_ended(&sender, c->dropped ? 2 : 1);
		status = status_of(&sender);
		nr_losses = pf_sink_push.losses(sender.sink, losses, PF_ARRAY_SIZE(losses));
		PF_CHECK("losses", nr_losses > 0);
		PF_CHECK_STR(c->name, losses[0].reason, "push_refused");
		PF_CHECK_INT(c->name, losses[0].count, c->dropped);
		PF_CHECK_INT(c->name, nr_requests(&collector), c->dropped ? 2 : 1);
		if (c->dropped) {
			PF_CHECK_INT(c->name, status.nr_refused, 1);
			PF_CHECK_INT(c->name, status.nr_sent, 1);
			PF_CHECK_STR("the next one arrives", collector.bodies[1], "two");
		} else {
			check_kept(c, &status);
		}
		sender_close(&sender);
		collector_stop(&collector);
	}
}

/* Refused for now, it comes again by itself, and only then the next. */
static void test_retry(void)
{
	static const struct answer answers[] = { { 429, NULL } };
	struct collector c;
	struct sender sender;

	collector_start(&c, answers, 1);
	sender_open(&sender, &pf_sys_real, c.url, NULL, 1 << 20, 5 * PF_NS_PER_S);
	write_good(&sender, "one");
	write_good(&sender, "two");
	run_until_ended(&sender, 3);
	PF_CHECK_INT("sent", status_of(&sender).nr_sent, 2);
	PF_CHECK_INT("tried again", status_of(&sender).nr_failed, 1);
	PF_CHECK_STR("over it", status_of(&sender).last_error, "");
	PF_CHECK_STR("again", c.bodies[1], "one");
	PF_CHECK_STR("next", c.bodies[2], "two");
	sender_close(&sender);
	collector_stop(&c);
}

/* A socket that takes connections and never says a word. */
static int silent_listener(char url[80])
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	PF_CHECK("bind", bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	PF_CHECK("listen", listen(fd, 4) == 0);
	PF_CHECK("name", getsockname(fd, (struct sockaddr *)&address, &len) == 0);
	snprintf(url, 80, "http://127.0.0.1:%u", ntohs(address.sin_port));
	return fd;
}

static void on_tick(void *arg, uint64_t now_ns)
{
	(void)now_ns;
	++*(unsigned *)arg;
}

/* A server that hangs holds up neither write() nor the loop, and is given up after its time. */
static void test_never_blocks(void)
{
	struct sender sender;
	struct pf_push_status status;
	unsigned ticks = 0;
	char url[80];
	int fd = silent_listener(url);

	sender_open(&sender, &pf_sys_real, url, NULL, 1 << 20, 3600 * PF_NS_PER_S);
	PF_CHECK_INT("timer",
		     pf_loop_add_timer(sender.loop, 0, PF_NS_PER_MS, on_tick, &ticks, NULL), 0);
	write_good(&sender, "one");
	while (ticks < 50)
		PF_CHECK_INT("round", pf_loop_run_once(sender.loop, PF_NS_PER_S), 0);
	for (int i = 0; i < 5; i++)
		write_good(&sender, "more");
	status = status_of(&sender);
	PF_CHECK_INT("still waiting for the answer", status.nr_failed, 0);
	PF_CHECK_INT("all is kept", status.spool.nr_entries, 6);
	sender_close(&sender);

	sender_open(&sender, &pf_sys_real, url, NULL, 1 << 20, 50 * PF_NS_PER_MS);
	write_good(&sender, "one");
	run_until_ended(&sender, 1);
	status = status_of(&sender);
	PF_CHECK_INT("given up", status.nr_failed, 1);
	PF_CHECK("not tried again soon", status.open && status.wait_ns > 20 * PF_NS_PER_S);
	PF_CHECK("says why", status.last_error[0] != '\0');
	PF_CHECK_INT("kept", status.spool.nr_entries, 1);
	sender_close(&sender);
	(void)close(fd); /* of a listener */
}

/* Nobody there for long: the spool holds what it may, drops the oldest and counts them. */
static void test_bounded(void)
{
	enum { NR = 40, KEEP_BYTES = 400 };
	struct pf_loss losses[8];
	struct pf_push_status status;
	struct collector c;
	struct sender sender;
	char url[80], text[32];
	uint64_t kept;
	int fd = silent_listener(url);

	(void)close(fd); /* now the port is closed */
	sender_open(&sender, &pf_sys_real, url, fresh_directory(), KEEP_BYTES, 5 * PF_NS_PER_S);
	for (int i = 0; i < NR; i++) {
		snprintf(text, sizeof(text), "report %d", i);
		write_good(&sender, text);
	}
	run_until_ended(&sender, 1);
	status = status_of(&sender);
	kept = status.spool.nr_entries;
	PF_CHECK("within the bound", status.spool.bytes <= KEEP_BYTES);
	PF_CHECK("something is kept", kept > 2);
	PF_CHECK_INT("the rest is counted", status.spool.nr_dropped, NR - kept);
	PF_CHECK_INT("three kinds", pf_sink_push.losses(sender.sink, losses, PF_ARRAY_SIZE(losses)),
		     3);
	PF_CHECK_STR("kind", losses[1].reason, "spool_dropped");
	PF_CHECK_INT("told", losses[1].count, NR - kept);
	sender_close(&sender);

	/* A new process finds them, and a collector that is back. */
	collector_start(&c, NULL, 0);
	sender_open(&sender, &pf_sys_real, c.url, directory, KEEP_BYTES, 5 * PF_NS_PER_S);
	run_until_ended(&sender, kept);
	PF_CHECK_INT("all arrive", status_of(&sender).nr_sent, kept);
	for (uint64_t i = 0; i < PF_MIN(kept, REQUESTS_MAX); i++) {
		snprintf(text, sizeof(text), "report %d", (int)(NR - kept + i));
		PF_CHECK_STR("the newest, in order", c.bodies[i], text);
	}
	sender_close(&sender);
	sender_open(&sender, &pf_sys_real, c.url, directory, KEEP_BYTES, 5 * PF_NS_PER_S);
	PF_CHECK_INT("and are not told twice", status_of(&sender).spool.nr_entries, 0);
	sender_close(&sender);
	collector_stop(&c);
	remove_directory();
}

/* The disk is full: the report is lost for this sink, said, and the next ones go on. */
static void test_disk_full(void)
{
	struct collector c;
	struct sender sender;
	char error[256] = "";
	const struct pf_sys *sys = fault_sys(0, 0);

	collector_start(&c, NULL, 0);
	sender_open(&sender, sys, c.url, fresh_directory(), 1 << 20, 5 * PF_NS_PER_S);
	(void)fault_sys(2, ENOSPC); /* the write, after the file was made */
	PF_CHECK_INT("refused", write_text(&sender, "lost", error, sizeof(error)), -ENOSPC);
	PF_CHECK_STR("said", error, "spool: No space left on device");
	(void)fault_sys(0, 0);
	PF_CHECK_INT("nothing half-written waits", status_of(&sender).spool.nr_entries, 0);
	write_good(&sender, "next");
	run_until_ended(&sender, 1);
	PF_CHECK_STR("arrives", c.bodies[0], "next");
	PF_CHECK_INT("alone", nr_requests(&c), 1);
	sender_close(&sender);
	collector_stop(&c);
	remove_directory();
}

static void test_open_fails(void)
{
	struct pf_loop *loop = NULL;
	char error[256] = "";
	void *sink = &error;
	const struct pf_push_opts opts = { .kind = &pf_push_reports,
					   .url = "http://127.0.0.1:1",
					   .timeout_ns = PF_NS_PER_S,
					   .spool_directory = "/dev/null/spool",
					   .spool_max_bytes = 1000 };

	PF_CHECK_INT("loop", pf_loop_new(&loop), 0);
	PF_CHECK_INT("no directory",
		     pf_push_open(loop, &pf_sys_real, &opts, &sink, error, sizeof(error)),
		     -ENOTDIR);
	PF_CHECK("named", strstr(error, "/dev/null/spool") != NULL);
	PF_CHECK("untouched", sink == (void *)&error);
	pf_loop_free(loop);
}

PF_TEST_SUITE(push, { "delivery", test_delivery }, { "refusals", test_refusals },
	      { "retry", test_retry }, { "never blocks", test_never_blocks },
	      { "bounded, and found again", test_bounded }, { "disk full", test_disk_full },
	      { "open fails", test_open_fails });
