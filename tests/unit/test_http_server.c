// SPDX-License-Identifier: Apache-2.0
/* The HTTP server over real sockets: every limit, both ways to run, answers from another thread. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/buf.h"
#include "sys/http_server.h"
#include "unit/check.h"

/* A request waits here for the answering thread. */
struct fixture {
	struct pf_http_server *server;
	struct pf_http_request *waiting[8];
	size_t nr_waiting;
	pthread_mutex_t lock;
	pthread_t loop;
	atomic_bool stop;
};

static void count_arg(void *arg, const char *name, const char *value)
{
	pf_buf_addf(arg, "%s=%s;", name, value);
}

static bool admit(void *arg, struct pf_http_request *req)
{
	(void)arg;
	if (strcmp(pf_http_path(req), "/secret") != 0)
		return true;
	pf_http_reply_header(req, "WWW-Authenticate", "Bearer");
	pf_http_reply_error(req, 401, "no \"token\"\n");
	return false;
}

static void handle(void *arg, struct pf_http_request *req)
{
	struct fixture *f = arg;
	struct pf_buf out;
	size_t len;
	const char *body = pf_http_body(req, &len);

	if (!strcmp(pf_http_path(req), "/later")) {
		pf_http_defer(req);
		pthread_mutex_lock(&f->lock);
		f->waiting[f->nr_waiting++] = req;
		pthread_mutex_unlock(&f->lock);
		return;
	}
	pf_buf_init(&out, 4096);
	pf_buf_addf(&out, "%s %s ", pf_http_method(req) == PF_HTTP_POST ? "POST" : "GET",
		    pf_http_path(req));
	pf_http_query_each(req, count_arg, &out);
	pf_buf_addf(&out, " x=%s %zu:%.*s", pf_http_query(req, "x") ?: "none", len, (int)len,
		    body ? body : "");
	len = out.len;
	pf_http_reply(req, 200, "text/plain", pf_buf_steal(&out), len);
}

static void *run_loop(void *arg)
{
	struct fixture *f = arg;

	while (!atomic_load(&f->stop)) {
		struct pollfd p = { .fd = pf_http_server_fd(f->server), .events = POLLIN };
		int timeout = pf_http_server_timeout_ms(f->server);

		(void)poll(&p, 1, timeout < 0 || timeout > 20 ? 20 : timeout);
		pf_http_server_run(f->server);
	}
	return NULL;
}

static bool fixture_start(struct fixture *f, struct pf_http_server_opts opts)
{
	char error[256] = "";

	*f = (struct fixture){ .lock = PTHREAD_MUTEX_INITIALIZER };
	opts.arg = f;
	opts.handle = handle;
	opts.admit = admit;
	if (!opts.listen)
		opts.listen = "127.0.0.1:0";
	PF_CHECK_INT("start", pf_http_server_new(&opts, &f->server, error, sizeof(error)), 0);
	if (!f->server) {
		fprintf(stderr, "%s\n", error);
		return false;
	}
	if (!opts.nr_threads)
		(void)pthread_create(&f->loop, NULL, run_loop, f);
	return true;
}

static void fixture_stop(struct fixture *f)
{
	atomic_store(&f->stop, true);
	if (f->loop)
		(void)pthread_join(f->loop, NULL);
	pf_http_server_free(f->server);
}

static int dial(const struct fixture *f)
{
	const char *address = pf_http_server_address(f->server);
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = 10 };
	bool is_unix = !strncmp(address, "unix:", 5);
	int fd = socket(is_unix ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(un.sun_path, sizeof(un.sun_path), "%s", address + 5);
	in.sin_port = htons((uint16_t)strtoul(strrchr(address, ':') + 1, NULL, 10));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (is_unix)
		PF_CHECK_INT("connect", connect(fd, (void *)&un, sizeof(un)), 0);
	else
		PF_CHECK_INT("connect", connect(fd, (void *)&in, sizeof(in)), 0);
	return fd;
}

/* Everything until the server closes. */
static void read_all(int fd, char *text, size_t size)
{
	size_t len = 0;
	ssize_t r;

	while (len + 1 < size && (r = recv(fd, text + len, size - 1 - len, 0)) > 0)
		len += (size_t)r;
	text[len] = '\0';
}

static void ask(const struct fixture *f, const char *request, char *answer, size_t size)
{
	PF_AUTO(pf_closep) int fd = dial(f);

	(void)send(fd, request, strlen(request), MSG_NOSIGNAL);
	read_all(fd, answer, size);
}

static const struct exchange {
	const char *name, *request, *want[3], *want_not;
} exchanges[] = {
	{ "get",
	  "GET /a%20b?x=1&y=%26&z HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
	  { "HTTP/1.1 200 ", "GET /a b x=1;y=&;z=; x=1 0:", "X-Content-Type-Options: nosniff" } },
	{ "head",
	  "HEAD /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
	  { "HTTP/1.1 200 ", "Content-Length: 17" },
	  "x=none" },
	{ "post",
	  "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
	  { "HTTP/1.1 200 ", "POST /p  x=none 5:hello" } },
	{ "chunked",
	  "POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
	  "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
	  { "HTTP/1.1 200 ", "5:hello" } },
	{ "refused before the body",
	  "POST /secret HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nConnection: close\r\n\r\n",
	  { "HTTP/1.1 401 ", "WWW-Authenticate: Bearer",
	    "{\"error\": \"no \\\"token\\\"\\u000a\"}" } },
	{ "announced too large",
	  "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\nConnection: close\r\n\r\n",
	  { "HTTP/1.1 413 ", "larger than 1000 bytes" } },
	{ "absurd length",
	  "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 18446744073709551615\r\n"
	  "Connection: close\r\n\r\n",
	  { "HTTP/1.1 413 " } },
	{ "no HTTP", "\x16\x03\x01\x02\r\n\r\n", { "" }, "200" },
};

static void check_exchanges(const char *how, struct pf_http_server_opts opts)
{
	struct fixture f;
	char answer[4096];

	opts.max_body_bytes = 1000;
	if (!fixture_start(&f, opts))
		return;
	for (size_t i = 0; i < PF_ARRAY_SIZE(exchanges); i++) {
		const struct exchange *e = &exchanges[i];

		ask(&f, e->request, answer, sizeof(answer));
		for (size_t w = 0; w < PF_ARRAY_SIZE(e->want) && e->want[w]; w++) {
			if (!strstr(answer, e->want[w]))
				fprintf(stderr, "%s/%s: no '%s' in: %s\n", how, e->name, e->want[w],
					answer);
			PF_CHECK(e->name, strstr(answer, e->want[w]) != NULL);
		}
		PF_CHECK(e->name, !e->want_not || !strstr(answer, e->want_not));
	}

	struct pf_http_server_stats stats;

	pf_http_server_get_stats(f.server, &stats);
	PF_CHECK_INT(how, stats.nr_refused_bodies, 2);
	PF_CHECK_INT(how, stats.nr_requests, 7);
	fixture_stop(&f);
}

static void test_exchanges(void)
{
	check_exchanges("loop", (struct pf_http_server_opts){ 0 });
	check_exchanges("one thread", (struct pf_http_server_opts){ .nr_threads = 1 });
	check_exchanges("three threads", (struct pf_http_server_opts){ .nr_threads = 3 });
}

static void test_chunked_limits(void)
{
	static const char head[] = "POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n"
				   "Connection: close\r\n\r\n";
	struct fixture f;
	char chunk[128], answer[1024] = "";

	if (!fixture_start(&f,
			   (struct pf_http_server_opts){ .nr_threads = 1, .max_body_bytes = 1000 }))
		return;
	memset(chunk, 'x', sizeof(chunk));
	memcpy(chunk, "64\r\n", 4);
	memcpy(chunk + 4 + 100, "\r\n", 2);

	/* A little too long: the client gets to read why. */
	int fd = dial(&f);

	(void)send(fd, head, strlen(head), MSG_NOSIGNAL);
	for (int i = 0; i < 12; i++)
		(void)send(fd, chunk, 106, MSG_NOSIGNAL);
	(void)send(fd, "0\r\n\r\n", 5, MSG_NOSIGNAL);
	read_all(fd, answer, sizeof(answer));
	PF_CHECK("413", strstr(answer, "HTTP/1.1 413 ") != NULL);
	(void)close(fd);

	/* Endless: cut off. */
	fd = dial(&f);
	(void)send(fd, head, strlen(head), MSG_NOSIGNAL);
	ssize_t r = 0;

	for (int i = 0; i < 100000 && r >= 0; i++)
		r = send(fd, chunk, 106, MSG_NOSIGNAL);
	PF_CHECK("cut off", r < 0);
	(void)close(fd);
	fixture_stop(&f);
}

static void *answer_all(void *arg)
{
	struct fixture *f = arg;

	for (size_t answered = 0; answered < 3;) {
		struct pf_http_request *req = NULL;

		pthread_mutex_lock(&f->lock);
		if (f->nr_waiting)
			req = f->waiting[--f->nr_waiting];
		pthread_mutex_unlock(&f->lock);
		if (req) {
			pf_http_reply(req, 200, "text/plain", strdup("late"), 4);
			answered++;
		} else {
			(void)usleep(1000);
		}
	}
	return NULL;
}

static void check_deferred(uint32_t nr_threads)
{
	struct fixture f;
	pthread_t answerer;
	char answer[1024];

	if (!fixture_start(&f, (struct pf_http_server_opts){ .nr_threads = nr_threads }))
		return;
	(void)pthread_create(&answerer, NULL, answer_all, &f);
	for (int i = 0; i < 3; i++) {
		ask(&f, "GET /later HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", answer,
		    sizeof(answer));
		PF_CHECK("late", strstr(answer, "\r\n\r\nlate") != NULL);
	}
	(void)pthread_join(answerer, NULL);

	struct pf_http_server_stats stats;

	pf_http_server_get_stats(f.server, &stats);
	PF_CHECK_INT("deferred", stats.nr_deferred, 0);
	fixture_stop(&f);
}

static void test_deferred(void)
{
	check_deferred(0);
	check_deferred(2);
}

static void test_budget(void)
{
	static const char head[] =
		"POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\nConnection: close\r\n\r\n";
	struct fixture f;
	char answer[1024];

	if (!fixture_start(&f, (struct pf_http_server_opts){ .nr_threads = 1,
							     .max_body_bytes = 1000,
							     .max_total_body_bytes = 1500 }))
		return;

	PF_AUTO(pf_closep) int slow = dial(&f);
	struct pf_http_server_stats stats = { 0 };

	(void)send(slow, head, strlen(head), MSG_NOSIGNAL);
	for (int i = 0; i < 1000 && stats.body_bytes != 1000; i++) {
		(void)usleep(1000);
		pf_http_server_get_stats(f.server, &stats);
	}
	ask(&f, head, answer, sizeof(answer));
	PF_CHECK("503", strstr(answer, "HTTP/1.1 503 ") != NULL);
	PF_CHECK("again later", strstr(answer, "Retry-After: 1") != NULL);
	pf_http_server_get_stats(f.server, &stats);
	PF_CHECK_INT("counted", stats.nr_refused_budget, 1);
	fixture_stop(&f);
}

/* A full house: a new connection takes the place of one that has been idle, and only of such. */
static void test_eviction(void)
{
	struct fixture f;
	char answer[1024];
	int idle[3];

	if (!fixture_start(&f,
			   (struct pf_http_server_opts){ .nr_threads = 1, .max_connections = 3 }))
		return;
	for (size_t i = 0; i < 3; i++)
		idle[i] = dial(&f);
	ask(&f, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", answer, sizeof(answer));
	PF_CHECK_STR("too young to be thrown out", answer, "");
	(void)sleep(2);
	(void)usleep(100000);
	ask(&f, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", answer, sizeof(answer));
	PF_CHECK("served", strstr(answer, "HTTP/1.1 200 ") != NULL);

	struct pf_http_server_stats stats;

	pf_http_server_get_stats(f.server, &stats);
	PF_CHECK_INT("refused", stats.nr_refused_connections, 1);
	PF_CHECK_INT("evicted", stats.nr_evicted, 1);
	for (size_t i = 0; i < 3; i++)
		(void)close(idle[i]);
	fixture_stop(&f);
}

static void test_quiesce(void)
{
	struct fixture f;
	char answer[1024];

	if (!fixture_start(&f, (struct pf_http_server_opts){ .nr_threads = 1 }))
		return;
	pf_http_server_quiesce(f.server);
	ask(&f, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", answer, sizeof(answer));
	PF_CHECK("503", strstr(answer, "HTTP/1.1 503 ") != NULL);
	fixture_stop(&f);
}

static void test_unix(void)
{
	char path[64], listen_on[80], answer[1024], error[256] = "";
	struct fixture f;
	struct stat st;

	(void)snprintf(path, sizeof(path), "/tmp/pf-http-%d.sock", getpid());
	(void)snprintf(listen_on, sizeof(listen_on), "unix:%s", path);
	if (!fixture_start(&f,
			   (struct pf_http_server_opts){ .listen = listen_on, .unix_mode = 0600 }))
		return;
	PF_CHECK_INT("there", stat(path, &st), 0);
	PF_CHECK_INT("mode", st.st_mode & 0777, 0600);
	ask(&f, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", answer, sizeof(answer));
	PF_CHECK("answered", strstr(answer, " 200 ") != NULL);

	struct pf_http_server *second = NULL;
	struct pf_http_server_opts opts = { .listen = listen_on, .handle = handle };

	PF_CHECK_INT("a live one is left alone",
		     pf_http_server_new(&opts, &second, error, sizeof(error)), -EADDRINUSE);
	fixture_stop(&f);
	PF_CHECK_INT("gone", stat(path, &st), -1);
}

static void test_stale_unix(void)
{
	char path[64], listen_on[80], answer[1024];
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct fixture f;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(path, sizeof(path), "/tmp/pf-http-stale-%d.sock", getpid());
	(void)snprintf(listen_on, sizeof(listen_on), "unix:%s", path);
	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	PF_CHECK_INT("bind", bind(fd, (void *)&addr, sizeof(addr)), 0);
	(void)close(fd); /* the file stays, nobody answers */
	if (!fixture_start(&f, (struct pf_http_server_opts){ .listen = listen_on }))
		return;
	ask(&f, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", answer, sizeof(answer));
	PF_CHECK("served", strstr(answer, "HTTP/1.1 200 ") != NULL);
	fixture_stop(&f);
}

static const struct {
	const char *listen, *cert, *key;
	int want;
	const char *says;
} bad_opts[] = {
	{ "nonsense", NULL, NULL, -EINVAL, "HOST:PORT" },
	{ "::1:80", NULL, NULL, -EINVAL, "HOST:PORT" },
	{ "127.0.0.1:", NULL, NULL, -EINVAL, "HOST:PORT" },
	{ "192.0.2.1:0", NULL, NULL, -EADDRNOTAVAIL, "192.0.2.1" },
	{ "unix:", NULL, NULL, -EINVAL, "107" },
	{ "unix:/nonexistent-dir/x.sock", NULL, NULL, -ENOENT, "directory" },
	{ "127.0.0.1:0", "cert", NULL, -EINVAL, "private key" },
	{ "127.0.0.1:0", "no PEM", "no PEM", -EINVAL, "PEM" },
};

static void test_loopback_only(void)
{
	struct pf_http_server_opts opts = { .listen = ":0",
					    .loopback_only = true,
					    .handle = handle };
	struct pf_http_server *server = NULL;
	char error[256] = "";

	PF_CHECK_INT("everywhere", pf_http_server_new(&opts, &server, error, sizeof(error)),
		     -EACCES);
	opts.listen = "localhost:0";
	PF_CHECK_INT("here", pf_http_server_new(&opts, &server, error, sizeof(error)), 0);
	pf_http_server_free(server);
}

static void test_bad_opts(void)
{
	for (size_t i = 0; i < PF_ARRAY_SIZE(bad_opts); i++) {
		struct pf_http_server_opts opts = { .listen = bad_opts[i].listen,
						    .tls = { .cert_pem = bad_opts[i].cert,
							     .key_pem = bad_opts[i].key },
						    .handle = handle };
		struct pf_http_server *server = NULL;
		char error[256] = "";

		PF_CHECK_INT(bad_opts[i].listen,
			     pf_http_server_new(&opts, &server, error, sizeof(error)),
			     bad_opts[i].want);
		PF_CHECK(error, strstr(error, bad_opts[i].says) != NULL);
		PF_CHECK("untouched", server == NULL);
	}
}

PF_TEST_SUITE(http_server, { "exchanges", test_exchanges },
	      { "chunked limits", test_chunked_limits }, { "deferred", test_deferred },
	      { "budget", test_budget }, { "eviction", test_eviction }, { "quiesce", test_quiesce },
	      { "unix", test_unix }, { "stale unix socket", test_stale_unix },
	      { "bad options", test_bad_opts }, { "loopback only", test_loopback_only });
