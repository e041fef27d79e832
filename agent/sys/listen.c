// SPDX-License-Identifier: Apache-2.0
#include "sys/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

enum {
	BACKLOG = 511
}; /* a fleet's agents may all reconnect at once after the collector restarts */

static int fail(int err, char *error, size_t error_size, const char *listen, const char *why)
{
	(void)snprintf(error, error_size, "cannot listen on %s: %s", listen, why);
	return err;
}

/* True if somebody answers on the unix socket. */
static bool unix_is_alive(const struct sockaddr_un *addr)
{
	PF_AUTO(pf_closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return true; /* not known: better not remove it */
	/* EAGAIN: its queue is full, so it has an owner. */
	return connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0 || errno == EAGAIN;
}

static int listen_unix(const char *listen_on, unsigned mode, struct pf_listener *ret, char *error,
		       size_t error_size)
{
	const char *path = listen_on + strlen("unix:");
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct stat st;

	if (!*path || strlen(path) >= sizeof(addr.sun_path))
		return fail(-EINVAL, error, error_size, listen_on,
			    "a unix socket's path has 1 to 107 bytes");
	memcpy(addr.sun_path, path, strlen(path) + 1);

	PF_AUTO(pf_closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return fail(-errno, error, error_size, listen_on, strerror(errno));
	if (lstat(path, &st) == 0) {
		if (!S_ISSOCK(st.st_mode))
			return fail(-EEXIST, error, error_size, listen_on,
				    "there is a file of that name that is no socket");
		if (unix_is_alive(&addr))
			return fail(
				-EADDRINUSE, error, error_size, listen_on,
				"another process serves it; stop that one or choose another path");
		(void)unlink(path); /* bind() tells if that did not work */
	}

	/* The mode is set by the mask, so that there is no moment with a wider one. */
	mode_t mask = umask(~(mode ? mode : 0660) & 0777);
	int r = bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ? -errno : 0;

	(void)umask(mask);
	if (r < 0)
		return fail(r, error, error_size, listen_on,
			    r == -ENOENT ? "its directory does not exist" : strerror(-r));
	if (listen(fd, BACKLOG) < 0)
		return fail(-errno, error, error_size, listen_on, strerror(errno));
	*ret = (struct pf_listener){ .fd = fd, .loopback = true, .is_unix = true };
	(void)snprintf(ret->address, sizeof(ret->address), "%s", listen_on);
	fd = -1;
	return 0;
}

static bool is_loopback(const struct sockaddr *addr)
{
	if (addr->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)addr;

		return (ntohl(in->sin_addr.s_addr) >> 24) == 127;
	}
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)addr;

	return addr->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
}

/* Splits "host:port" or "[v6]:port". */
static int split(const char *text, char *host, size_t host_size, char *port, size_t port_size)
{
	const char *colon = strrchr(text, ':');
	size_t len;

	if (!colon || !colon[1] || strspn(colon + 1, "0123456789") != strlen(colon + 1) ||
	    strlen(colon + 1) >= port_size)
		return -EINVAL;
	len = (size_t)(colon - text);
	if (*text == '[') {
		if (len < 2 || text[len - 1] != ']')
			return -EINVAL;
		text++;
		len -= 2;
	} else if (memchr(text, ':', len)) {
		return -EINVAL; /* an IPv6 address without its brackets */
	}
	if (len >= host_size)
		return -EINVAL;
	memcpy(host, text, len);
	host[len] = '\0';
	(void)snprintf(port, port_size, "%s", colon + 1);
	return 0;
}

static int listen_on_addr(const struct addrinfo *ai, int *ret_fd)
{
	PF_AUTO(pf_closep)
	int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1, off = 0;

	if (fd < 0)
		return -errno;
	/* Without it a restart would have to wait out the old connections' TIME_WAIT. */
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (ai->ai_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0)
		return -errno;
	*ret_fd = fd;
	fd = -1;
	return 0;
}

static void describe(struct pf_listener *l)
{
	struct sockaddr_storage addr;
	socklen_t len = sizeof(addr);
	char host[64] = "?", port[8] = "?";

	if (getsockname(l->fd, (struct sockaddr *)&addr, &len) < 0)
		return;
	(void)getnameinfo((struct sockaddr *)&addr, len, host, sizeof(host), port, sizeof(port),
			  NI_NUMERICHOST | NI_NUMERICSERV);
	(void)snprintf(l->address, sizeof(l->address), strchr(host, ':') ? "[%s]:%s" : "%s:%s",
		       host, port);
	l->loopback = is_loopback((struct sockaddr *)&addr);
}

int pf_listen(const char *listen_on, unsigned unix_mode, struct pf_listener *ret_listener,
	      char *error, size_t error_size)
{
	char host[256], port[8];
	struct addrinfo *found = NULL, hints = { .ai_flags = AI_PASSIVE | AI_NUMERICSERV,
						 .ai_family = AF_UNSPEC,
						 .ai_socktype = SOCK_STREAM };
	struct pf_listener l = { .fd = -1 };

	if (!strncmp(listen_on, "unix:", 5))
		return listen_unix(listen_on, unix_mode, ret_listener, error, error_size);
	if (split(listen_on, host, sizeof(host), port, sizeof(port)) < 0)
		return fail(-EINVAL, error, error_size, listen_on,
			    "write HOST:PORT, [IPV6]:PORT, :PORT or unix:/PATH");

	/* Every address: one IPv6 socket takes both families, where the host has IPv6 at all. */
	if (!*host)
		hints.ai_family = AF_INET6;
	for (int attempt = 0; attempt < 2 && l.fd < 0; attempt++) {
		int gai = getaddrinfo(*host ? host : NULL, port, &hints, &found);
		int r = -EADDRNOTAVAIL;

		if (gai)
			return fail(-EINVAL, error, error_size, listen_on, gai_strerror(gai));
		for (struct addrinfo *ai = found; ai && l.fd < 0; ai = ai->ai_next)
			r = listen_on_addr(ai, &l.fd);
		freeaddrinfo(found);
		if (l.fd >= 0)
			break;
		if (!*host && attempt == 0 && (r == -EAFNOSUPPORT || r == -EADDRNOTAVAIL)) {
			hints.ai_family = AF_INET;
			continue;
		}
		return fail(r, error, error_size, listen_on,
			    r == -EADDRINUSE
				    ? "the port is taken; stop who has it or choose another"
				    : strerror(-r));
	}
	describe(&l);
	*ret_listener = l;
	return 0;
}

void pf_listener_done(struct pf_listener *l)
{
	if (l->fd < 0)
		return;
	(void)close(l->fd);
	l->fd = -1;
	if (l->is_unix)
		(void)unlink(l->address + strlen("unix:"));
}
