// SPDX-License-Identifier: Apache-2.0
#include "bench/fleet/blast.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

enum { HEAD_MAX = 1024, ANSWER_MAX = 8192, LATENCIES_MAX = 1 << 22 };

/* The collector closes what is idle for a minute. */
static const uint64_t stale_ns = 30000000000;

struct connection {
	int fd;
	bool busy;
	char head[HEAD_MAX];
	size_t head_len, sent;
	const char *body;
	size_t body_len;
	uint64_t start_ns; /* of the newest request, or of the connection */
	char answer[ANSWER_MAX];
	size_t answer_len;
};

struct pf_blast {
	struct pf_blast_opts opts;
	struct addrinfo *address;
	struct connection *connections;
	struct pollfd *polls;
	struct pf_blast_stats stats;
	float *latencies_ms;
	size_t nr_latencies;
	uint64_t next_ns; /* no request before, with a limit */
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts); /* cannot fail with a valid clock */
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static int reconnect(struct pf_blast *blast, struct connection *c)
{
	int on = 1;

	if (c->fd >= 0)
		(void)close(c->fd);
	c->fd = socket(blast->address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return -errno;
	if (connect(c->fd, blast->address->ai_addr, blast->address->ai_addrlen) < 0)
		return -errno;
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	c->busy = false;
	c->start_ns = now_ns();
	return 0;
}

int pf_blast_new(const struct pf_blast_opts *opts, struct pf_blast **ret_blast)
{
	PF_AUTO(pf_blast_freep) struct pf_blast *blast = calloc(1, sizeof(*blast));
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };

	if (!blast)
		return -ENOMEM;
	blast->opts = *opts;
	blast->connections = calloc(opts->nr_connections, sizeof(*blast->connections));
	blast->polls = calloc(opts->nr_connections, sizeof(*blast->polls));
	blast->latencies_ms = calloc(LATENCIES_MAX, sizeof(*blast->latencies_ms));
	if (!blast->connections || !blast->polls || !blast->latencies_ms)
		return -ENOMEM;
	for (uint32_t i = 0; i < opts->nr_connections; i++)
		blast->connections[i].fd = -1;
	if (getaddrinfo(opts->host, opts->port, &hints, &blast->address))
		return -EADDRNOTAVAIL;
	for (uint32_t i = 0; i < opts->nr_connections; i++) {
		int r = reconnect(blast, &blast->connections[i]);

		if (r < 0)
			return r;
	}
	*ret_blast = pf_take(blast);
	return 0;
}

void pf_blast_free(struct pf_blast *blast)
{
	if (!blast)
		return;
	for (uint32_t i = 0; blast->connections && i < blast->opts.nr_connections; i++)
		if (blast->connections[i].fd >= 0)
			(void)close(blast->connections[i].fd);
	free(blast->connections);
	free(blast->polls);
	free(blast->latencies_ms);
	if (blast->address)
		freeaddrinfo(blast->address);
	free(blast);
}

static int broken(struct pf_blast *blast, struct connection *c)
{
	blast->stats.nr_broken++;
	return reconnect(blast, c);
}

static int push(struct pf_blast *blast, struct connection *c)
{
	while (c->sent < c->head_len + c->body_len) {
		size_t in_body = c->sent > c->head_len ? c->sent - c->head_len : 0;
		size_t in_head = c->sent < c->head_len ? c->sent : c->head_len;
		struct iovec parts[] = {
			{ c->head + in_head, c->head_len - in_head },
			{ (char *)(uintptr_t)c->body + in_body, c->body_len - in_body },
		};
		struct msghdr msg = { .msg_iov = parts, .msg_iovlen = 2 };
		ssize_t nr = sendmsg(c->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (nr < 0 && errno == EAGAIN)
			return 0;
		if (nr < 0)
			return broken(blast, c);
		c->sent += (size_t)nr;
	}
	return 0;
}

static void note(struct pf_blast *blast, const struct connection *c, unsigned status)
{
	if (status != 200) {
		blast->stats.nr_refused++;
		blast->stats.last_status = status;
		return;
	}
	blast->stats.nr_ok++;
	if (blast->nr_latencies < LATENCIES_MAX)
		blast->latencies_ms[blast->nr_latencies++] = (float)(now_ns() - c->start_ns) / 1e6f;
}

/* The answer is complete when as much of its body is there as its head says. */
static bool is_complete(const struct connection *c, bool *ret_close)
{
	const char *end = strstr(c->answer, "\r\n\r\n"), *length;

	if (!end)
		return false;
	length = strcasestr(c->answer, "\r\nContent-Length:");
	*ret_close = strcasestr(c->answer, "\r\nConnection: close") != NULL;
	return length &&
	       c->answer_len >= (size_t)(end + 4 - c->answer) +
					strtoul(length + strlen("\r\nContent-Length:"), NULL, 10);
}

static int pull(struct pf_blast *blast, struct connection *c)
{
	ssize_t nr = recv(c->fd, c->answer + c->answer_len, sizeof(c->answer) - 1 - c->answer_len,
			  MSG_DONTWAIT);
	bool close_it = false;

	if (nr < 0 && errno == EAGAIN)
		return 0;
	if (nr <= 0)
		return broken(blast, c);
	c->answer_len += (size_t)nr;
	c->answer[c->answer_len] = '\0';
	if (!is_complete(c, &close_it))
		return 0;
	note(blast, c, (unsigned)strtoul(c->answer + strlen("HTTP/1.1 "), NULL, 10));
	c->busy = false;
	return close_it ? reconnect(blast, c) : 0;
}

/* One round of waiting. */
static int turn(struct pf_blast *blast)
{
	uint32_t nr = blast->opts.nr_connections;

	for (uint32_t i = 0; i < nr; i++) {
		struct connection *c = &blast->connections[i];
		bool sending = c->busy && c->sent < c->head_len + c->body_len;

		blast->polls[i] = (struct pollfd){ .fd = c->busy ? c->fd : -1,
						   .events = POLLIN | (sending ? POLLOUT : 0) };
	}
	if (poll(blast->polls, nr, 1000) < 0)
		return errno == EINTR ? 0 : -errno;
	for (uint32_t i = 0; i < nr; i++) {
		struct connection *c = &blast->connections[i];
		int r = 0;

		if (blast->polls[i].revents & POLLOUT)
			r = push(blast, c);
		if (r == 0 && c->busy && (blast->polls[i].revents & (POLLIN | POLLHUP | POLLERR)))
			r = pull(blast, c);
		if (r < 0)
			return r;
	}
	return 0;
}

static struct connection *find_free(struct pf_blast *blast)
{
	for (uint32_t i = 0; i < blast->opts.nr_connections; i++)
		if (!blast->connections[i].busy)
			return &blast->connections[i];
	return NULL;
}

static void wait_for_turn(struct pf_blast *blast)
{
	uint64_t now = now_ns();

	if (blast->opts.max_per_s <= 0)
		return;
	if (blast->next_ns > now) {
		struct timespec ts = { (time_t)((blast->next_ns - now) / 1000000000u),
				       (long)((blast->next_ns - now) % 1000000000u) };

		(void)nanosleep(&ts, NULL); /* early: a little above the limit */
	}
	blast->next_ns = (blast->next_ns > now ? blast->next_ns : now) +
			 (uint64_t)(1e9 / blast->opts.max_per_s);
}

int pf_blast_send(struct pf_blast *blast, const void *body, size_t len)
{
	struct connection *c;

	wait_for_turn(blast);
	while (!(c = find_free(blast))) {
		int r = turn(blast);

		if (r < 0)
			return r;
	}
	if (now_ns() - c->start_ns > stale_ns) {
		int r = reconnect(blast, c);

		if (r < 0)
			return r;
	}
	c->head_len = (size_t)snprintf(
		c->head, sizeof(c->head),
		"POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-protobuf\r\n"
		"Content-Encoding: gzip\r\nContent-Length: %zu\r\n%s%s%s\r\n",
		blast->opts.path, blast->opts.host, len,
		blast->opts.token ? "Authorization: Bearer " : "",
		blast->opts.token ? blast->opts.token : "", blast->opts.token ? "\r\n" : "");
	c->body = body;
	c->body_len = len;
	c->sent = c->answer_len = 0;
	c->busy = true;
	c->start_ns = now_ns();
	return push(blast, c);
}

int pf_blast_drain(struct pf_blast *blast)
{
	for (;;) {
		bool busy = false;

		for (uint32_t i = 0; i < blast->opts.nr_connections; i++)
			busy |= blast->connections[i].busy;
		if (!busy)
			return 0;
		int r = turn(blast);

		if (r < 0)
			return r;
	}
}

static int by_value(const void *left, const void *right)
{
	float a = *(const float *)left, b = *(const float *)right;

	return (a > b) - (a < b);
}

void pf_blast_get_stats(struct pf_blast *blast, struct pf_blast_stats *ret_stats)
{
	size_t nr = blast->nr_latencies;

	*ret_stats = blast->stats;
	if (!nr)
		return;
	qsort(blast->latencies_ms, nr, sizeof(*blast->latencies_ms), by_value);
	ret_stats->p50_ms = (double)blast->latencies_ms[nr / 2];
	ret_stats->p99_ms = (double)blast->latencies_ms[nr * 99 / 100];
	ret_stats->max_ms = (double)blast->latencies_ms[nr - 1];
}
