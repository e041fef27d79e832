/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_files.h - certificate, key and client authorities as files that others renew.
 */
#ifndef PF_COLLECTOR_TLS_FILES_H
#define PF_COLLECTOR_TLS_FILES_H

#include <sys/stat.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "sys/http_server.h"

enum { PF_TLS_NR_FILES = 3 }; /* certificate chain, key, client authorities */

struct pf_tls_files {
	const char *paths[PF_TLS_NR_FILES]; /* "": not used */
	struct stat seen[PF_TLS_NR_FILES];  /* when they were last read */
};

/* Their texts, wiped when done. */
struct pf_tls_texts {
	struct pf_buf pem[PF_TLS_NR_FILES];
};

/** pf_tls_changed() - a file is another than when pf_tls_read() read them; false while one is missing. */
bool pf_tls_changed(const struct pf_tls_files *files);

/** pf_tls_read() - reads them all, and remembers which they were whether or not it could.
 * Return: 0; -errno, and @error names the file. @ret_texts is to be done in any case. */
PF_MUST_CHECK int pf_tls_read(struct pf_tls_files *files, struct pf_tls_texts *ret_texts,
			      char *error, size_t error_size);
void pf_tls_texts_done(struct pf_tls_texts *texts);

/** pf_tls_pem() - the texts as the server takes them; they live as long as @texts. */
struct pf_http_server_tls pf_tls_pem(const struct pf_tls_texts *texts);

#endif
