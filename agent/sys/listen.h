/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listen.h - a listening socket from what the user wrote.
 */
#ifndef PF_SYS_LISTEN_H
#define PF_SYS_LISTEN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

enum { PF_LISTEN_ADDRESS_MAX = 128 };

struct pf_listener {
	int fd;				     /* non-blocking, close-on-exec */
	char address[PF_LISTEN_ADDRESS_MAX]; /* "127.0.0.1:41234" with the real port, "unix:/path"
					      */
	bool loopback;			     /* a loopback address or a unix socket */
	bool is_unix;
};

/**
 * pf_listen() - binds and listens on "host:port", "[v6]:port", ":port" (every address, both
 * families) or "unix:/path".
 * @unix_mode: permissions of a unix socket; one that nobody answers on is replaced.
 * @error: on failure what is wrong and what would help.
 * Return: 0; -EINVAL for an address that is none; -EADDRINUSE, -EACCES, ...
 */
PF_MUST_CHECK int pf_listen(const char *listen, unsigned unix_mode,
			    struct pf_listener *ret_listener, char *error, size_t error_size);

/** pf_listener_done() - closes; removes the unix socket's file. */
void pf_listener_done(struct pf_listener *listener);

#endif
