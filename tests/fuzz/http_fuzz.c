// SPDX-License-Identifier: Apache-2.0
/*
 * Requests to the collector: a whole one runs in this process (SQLite in a folder of its own, tokens
 * on) behind a unix socket, so request line, headers, query, path and body pass through the code
 * that serves strangers. The picture of the fleet it answers from is that of a small simulated fleet
 * and of whatever reports the inputs themselves made it take.
 *
 * An input is one request or several, byte for byte, but for its first byte, which says what is done
 * to it: bit 0: what is behind the empty line is compressed, and the length of the body is put in;
 * bit 1: a valid token is put in; bit 2: the connection is kept after the first answer, which costs
 * the wait for a second one.
 *
 * Beyond survival: every answer ends, has a status that openapi.yaml knows or libmicrohttpd gives
 * to what is no HTTP, and a body that is what its type says: JSON that parses (of an error: with the
 * error in words), HTML that is well-formed. And the collector still answers after each.
 */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <yajl/yajl_tree.h>

#include "base/buf.h"
#include "bench/fleet/sim.h"
#include "collector/collector.h"
#include "collector/ingest/gunzip.h"
#include "core/units.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "unit/xml_check.h"
#include "wire/wire.h"

enum {
	ANSWER_MAX = 64 << 20,
	NESTED_MAX = 1 << 20, /* yajl recurses over values; ours are flat, but parse only so much */
	PATIENCE_MS = 20000,
	SILENCE_MS = 200,
	HEAD_MAX = 8192,
	NR_NODES = 2,
	NR_CONTAINERS = 16,
};

#define TOKEN "fuzz-token-0123456789"

static struct {
	char folder[64], socket[96];
	struct pf_collector_config config;
	pthread_t thread;
} server;

/* ---- the collector ---- */

static void *serve(void *arg)
{
	char error[PF_COLLECTOR_ERROR_MAX] = "";

	(void)arg;
	if (pf_collector_run(&server.config, error) != 0) {
		fprintf(stderr, "the collector does not start: %s\n", error);
		abort();
	}
	return NULL;
}

static void stop_server(void)
{
	static const char *const names[] = { "podfit.db", "podfit.db-wal", "podfit.db-shm",
					     "tokens", "socket" };

	(void)pthread_kill(server.thread, SIGTERM);
	(void)pthread_join(server.thread, NULL);
	pf_collector_config_done(&server.config);
	for (size_t i = 0; i < PF_ARRAY_SIZE(names); i++) {
		char path[128];

		(void)snprintf(path, sizeof(path), "%s/%s", server.folder, names[i]);
		(void)unlink(path);
	}
	(void)rmdir(server.folder);
}

static void write_tokens(const char *path)
{
	FILE *file = fopen(path, "we");

	if (!file || fputs(TOKEN " all\n", file) < 0 || fclose(file) != 0)
		abort();
}

static int connect_to_server(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", server.socket);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0)
		return fd;
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

/* ---- a request and its answers ---- */

/* Sends what there is room for. Return: bytes. */
static size_t send_some(int fd, const char *data, size_t len)
{
	ssize_t n = send(fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN ? 0 : len; /* refused, and closed for what follows */
	return (size_t)n;
}

/*
 * Sends and reads at once, so that neither side waits for the other; until the server has closed, or
 * is silent and may be: it has answered, or waits for the rest of a request.
 */
static void exchange(const struct pf_buf *request, bool must_answer, struct pf_buf *answer)
{
	int fd = connect_to_server(), silent_ms = 0;
	size_t sent = 0;
	bool closed = false;

	if (fd < 0)
		abort(); /* it is gone */
	while (!closed) {
		struct pollfd wait = { fd, (short)(POLLIN | (sent < request->len ? POLLOUT : 0)),
				       0 };
		char piece[65536];
		ssize_t n;

		if (poll(&wait, 1, SILENCE_MS) == 0) {
			silent_ms += SILENCE_MS;
			assert(silent_ms < PATIENCE_MS); /* else it hangs */
			closed = answer->len || !must_answer;
			continue;
		}
		silent_ms = 0;
		if (wait.revents & POLLOUT)
			sent += send_some(fd, request->data + sent, request->len - sent);
		if (!(wait.revents & (POLLIN | POLLHUP | POLLERR)))
			continue;
		n = recv(fd, piece, sizeof(piece), MSG_DONTWAIT);
		if (n > 0)
			assert(pf_buf_add(answer, piece, (size_t)n) == 0);
		closed = n == 0 || (n < 0 && errno != EAGAIN);
	}
	(void)close(fd);
}

static bool is_known_status(int status)
{
	static const int known[] = { 100, 200, 304, 400, 401, 403, 404, 405, 408, 411,
				     413, 414, 415, 417, 422, 429, 431, 501, 503, 505 };

	for (size_t i = 0; i < PF_ARRAY_SIZE(known); i++)
		if (known[i] == status)
			return true;
	return false;
}

/* Value of a header in [@head, @end), or NULL; the line ends with "\r\n". */
static const char *header_of(const char *head, const char *end, const char *name)
{
	size_t len = strlen(name);

	for (const char *line = head; line < end;) {
		const char *next = memmem(line, (size_t)(end - line), "\r\n", 2);

		if (!next)
			break;
		if ((size_t)(next - line) > len && !strncasecmp(line, name, len) &&
		    line[len] == ':')
			return line + len + 1 + strspn(line + len + 1, " ");
		line = next + 2;
	}
	return NULL;
}

static void check_json(int status, const char *body, size_t len)
{
	const char *path[] = { "error", NULL };
	char *text, error[256];
	yajl_val value;

	if (len > NESTED_MAX)
		return;
	text = strndup(body, len);
	assert(text && strlen(text) == len);
	value = yajl_tree_parse(text, error, sizeof(error));
	assert(value);
	/* 422 is also what fail_on= gives with the comparison itself. */
	if (status >= 400 && status != 422)
		assert(YAJL_IS_STRING(yajl_tree_get(value, path, yajl_t_string)));
	yajl_tree_free(value);
	free(text);
}

static void check_html(const char *body, size_t len)
{
	const char *fault = xml_fault(body, len);

	if (!fault)
		return;
	fprintf(stderr, "%s\n%.*s\n", fault, (int)PF_MIN(len, (size_t)ANSWER_MAX), body);
	abort();
}

static void check_body(int status, const char *head, const char *end, const char *body, size_t len)
{
	const char *type = header_of(head, end, "Content-Type");
	const char *encoding = header_of(head, end, "Content-Encoding");
	PF_AUTO(pf_buf_done) struct pf_buf plain;

	pf_buf_init(&plain, ANSWER_MAX);
	if (encoding && !strncmp(encoding, "gzip", 4)) {
		assert(pf_gunzip(body, len, &plain) == 0);
		body = plain.data ? plain.data : "";
		len = plain.len;
	}
	if (type && !strncmp(type, "application/json", strlen("application/json")))
		check_json(status, body, len);
	/* libmicrohttpd's own complaints are HTML too, but not ours to vouch for. */
	else if (type && !strncmp(type, "text/html", strlen("text/html")) &&
		 header_of(head, end, "Content-Security-Policy"))
		check_html(body, len);
}

/* @head_only: the request was a HEAD, so the length is of what was left out. */
static void check_answers(const struct pf_buf *answer, bool head_only)
{
	const char *at = answer->data ? answer->data : "", *all_end = at + answer->len;

	while (at < all_end) {
		const char *end = memmem(at, (size_t)(all_end - at), "\r\n\r\n", 4), *length;
		unsigned long long len = 0;
		int status;

		assert(end && sscanf(at, "HTTP/1.%*[01] %d", &status) == 1);
		if (!is_known_status(status))
			fprintf(stderr, "status %d\n", status);
		assert(is_known_status(status));
		/* libmicrohttpd's own complaint: it ends what can be understood (of a bad
		 * Content-Length its version 0.9.75 says the head twice). */
		if (!header_of(at, end + 2, "X-Content-Type-Options"))
			return;
		length = header_of(at, end + 2, "Content-Length");
		if (length && status != 304 && status >= 200)
			len = strtoull(length, NULL, 10);
		if (head_only)
			return;
		/* A connection that libmicrohttpd gave up on is cut. */
		if (len > (size_t)(all_end - end - 4))
			return;
		check_body(status, at, end + 2, end + 4, (size_t)len);
		at = end + 4 + len;
	}
}

static int ask(const char *target, struct pf_buf *answer)
{
	PF_AUTO(pf_buf_done) struct pf_buf request;
	int status = 0;

	pf_buf_init(&request, 4096);
	(void)pf_buf_addf(&request,
			  "GET %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " TOKEN "\r\n"
			  "Connection: close\r\n\r\n",
			  target);
	exchange(&request, true, answer);
	(void)sscanf(answer->data ? answer->data : "", "HTTP/1.1 %d", &status);
	return status;
}

/* ---- what it answers from ---- */

static void post(const struct pf_report *report)
{
	struct pf_buf raw, packed, request, answer;

	pf_buf_init(&raw, ANSWER_MAX);
	pf_buf_init(&packed, ANSWER_MAX);
	pf_buf_init(&request, ANSWER_MAX);
	pf_buf_init(&answer, ANSWER_MAX);
	if (pf_wire_encode_report(report, &raw) < 0 || pf_gzip(raw.data, raw.len, &packed) < 0)
		abort();
	(void)pf_buf_addf(&request,
			  "POST /v1/reports HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " TOKEN
			  "\r\nContent-Type: application/x-protobuf\r\nContent-Encoding: gzip\r\n"
			  "Connection: close\r\nContent-Length: %zu\r\n\r\n",
			  packed.len);
	(void)pf_buf_add(&request, packed.data, packed.len);
	exchange(&request, true, &answer);
	assert(answer.len && strstr(answer.data, "200 OK"));
	pf_buf_done(&raw);
	pf_buf_done(&packed);
	pf_buf_done(&request);
	pf_buf_done(&answer);
}

static void fill(void)
{
	uint64_t now_ns = (uint64_t)pf_clock_wall_ns();
	struct pf_sim_opts opts = { .seed = 1,
				    .cluster = "c",
				    .nr_nodes = NR_NODES,
				    .nr_containers = NR_CONTAINERS,
				    .start_unix_ns = now_ns - PF_NS_PER_HOUR };
	PF_AUTO(pf_sim_freep) struct pf_sim *sim = NULL;
	struct pf_arena arena;

	pf_arena_init(&arena, ANSWER_MAX);
	if (pf_sim_new(&opts, &sim) < 0)
		abort();
	for (uint32_t node = 0; node < NR_NODES; node++) {
		struct pf_report report;

		if (pf_sim_advance(sim, node, now_ns) < 0 ||
		    pf_sim_report(sim, node, &arena, &report) < 0)
			abort();
		post(&report);
	}
	pf_arena_done(&arena);
}

static void wait_until_merged(void)
{
	for (int i = 0; i < PATIENCE_MS / 20; i++) {
		PF_AUTO(pf_buf_done) struct pf_buf answer;

		pf_buf_init(&answer, ANSWER_MAX);
		if (ask("/v1/fleet", &answer) == 200 && strstr(answer.data, "\"nr_nodes\": 2") &&
		    !strstr(answer.data, "\"nr_instances\": 0"))
			return;
		(void)usleep(20000);
	}
	abort();
}

static void start_server(void)
{
	char arg[4][160], tokens[96], error[PF_COLLECTOR_ERROR_MAX];
	char *argv[] = { (char *)"collector",
			 arg[0],
			 arg[1],
			 arg[2],
			 arg[3],
			 (char *)"--web.threads=2",
			 (char *)"--merge.interval=200ms",
			 (char *)"--limits.max-nodes=40",
			 (char *)"--limits.body-size=256Ki",
			 (char *)"--limits.inflated-size=1Mi",
			 (char *)"--limits.decoded-size=4Mi",
			 NULL };
	char *envp[] = { NULL };

	(void)snprintf(server.folder, sizeof(server.folder), "/tmp/pf-http-fuzz.XXXXXX");
	if (!mkdtemp(server.folder))
		abort();
	(void)snprintf(server.socket, sizeof(server.socket), "%s/socket", server.folder);
	(void)snprintf(tokens, sizeof(tokens), "%s/tokens", server.folder);
	write_tokens(tokens);
	(void)snprintf(arg[0], sizeof(arg[0]), "--web.listen-address=unix:%s", server.socket);
	(void)snprintf(arg[1], sizeof(arg[1]), "--store=sqlite:%s/podfit.db", server.folder);
	(void)snprintf(arg[2], sizeof(arg[2]), "--auth.token-file=%s", tokens);
	(void)snprintf(arg[3], sizeof(arg[3]), "--limits.max-workloads=500");
	if (pf_collector_config_load((int)PF_ARRAY_SIZE(argv) - 1, argv, envp, &server.config,
				     error) < 0 ||
	    pthread_create(&server.thread, NULL, serve, NULL) != 0)
		abort();
	pf_log_setup(PF_LOG_ERROR, PF_LOG_LOGFMT);
	(void)atexit(stop_server);
	for (int i = 0, fd = -1; i < PATIENCE_MS / 10 && fd < 0; i++) {
		fd = connect_to_server();
		if (fd >= 0)
			(void)close(fd);
		else
			(void)usleep(10000);
	}
	fill();
	wait_until_merged();
}

/* ---- an input ---- */

static void add_body(const char *body, size_t len, bool compress, struct pf_buf *request)
{
	struct pf_buf packed;

	pf_buf_init(&packed, ANSWER_MAX);
	if (compress && pf_gzip(body, len, &packed) < 0)
		abort();
	(void)pf_buf_addf(request, "%sContent-Length: %zu\r\n\r\n",
			  compress ? "Content-Encoding: gzip\r\n" : "",
			  compress ? packed.len : len);
	(void)pf_buf_add(request, compress ? packed.data : body, compress ? packed.len : len);
	pf_buf_done(&packed);
}

static void make_request(const uint8_t *data, size_t size, struct pf_buf *request)
{
	const char *text = (const char *)data + 1;
	size_t len = size - 1;
	const char *end = memmem(text, len, "\r\n\r\n", 4), *line = memmem(text, len, "\r\n", 2);
	bool compress = data[0] & 1, trusted = data[0] & 2, kept = data[0] & 4;
	size_t head = end ? (size_t)(end - text) + 2 : len;
	size_t first = line ? (size_t)(line - text) + 2 : 0;

	if (line)
		(void)pf_buf_add(request, text, first);
	if (trusted && line)
		(void)pf_buf_adds(request, "Authorization: Bearer " TOKEN "\r\n");
	if (!kept && line)
		(void)pf_buf_adds(request, "Connection: close\r\n");
	if (!end || !compress) {
		(void)pf_buf_add(request, text + first, len - first);
		return;
	}
	(void)pf_buf_add(request, text + first, head - first);
	add_body(end + 4, len - head - 2, true, request);
}

/* A head that is complete, of a request that has no body. One that just about fills libmicrohttpd's
 * memory is left waiting by it, until the connection has been idle for too long. */
static bool is_whole(const struct pf_buf *request)
{
	const char *end = request->len ? memmem(request->data, request->len, "\r\n\r\n", 4) : NULL;
	bool has_body = false;

	if (!end || end - request->data > HEAD_MAX)
		return false;
	for (const char *at = request->data; at < end; at++)
		has_body |= !strncasecmp(at, "content-length", 14) ||
			    !strncasecmp(at, "transfer-encoding", 17);
	return !has_body;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	PF_AUTO(pf_buf_done) struct pf_buf request;
	PF_AUTO(pf_buf_done) struct pf_buf answer;
	PF_AUTO(pf_buf_done) struct pf_buf alive;

	if (!server.folder[0])
		start_server();
	pf_buf_init(&request, ANSWER_MAX);
	pf_buf_init(&answer, ANSWER_MAX);
	pf_buf_init(&alive, ANSWER_MAX);
	if (!size)
		return 0;
	make_request(data, size, &request);
	exchange(&request, is_whole(&request), &answer);
	check_answers(&answer, request.len >= 5 && !memcmp(request.data, "HEAD ", 5));
	assert(ask("/livez", &alive) == 200);
	return 0;
}
