// SPDX-License-Identifier: Apache-2.0
#include "collector/tls_files.h"

#include <errno.h>
#include <string.h>

#include "sys/file.h"

enum { PEM_BYTES_MAX = 1 << 20 };

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

bool pf_tls_changed(const struct pf_tls_files *files)
{
	bool changed = false;

	for (size_t i = 0; i < PF_TLS_NR_FILES; i++) {
		struct stat now;

		if (!*files->paths[i])
			continue;
		if (stat(files->paths[i], &now) < 0)
			return false; /* somebody is at it */
		changed |= !is_same(&now, &files->seen[i]);
	}
	return changed;
}

static int read_one(const char *path, struct stat *seen, struct pf_buf *pem)
{
	/* Before it is read: what comes in between is a change. */
	if (stat(path, seen) < 0)
		return -errno;
	int r = pf_file_read(&pf_sys_real, AT_FDCWD, path, pem);

	/* Without a text there would be no TLS. */
	return r == 0 && !pem->len ? -ENODATA : r;
}

int pf_tls_read(struct pf_tls_files *files, struct pf_tls_texts *ret_texts, char *error,
		size_t error_size)
{
	int r = 0;

	for (size_t i = 0; i < PF_TLS_NR_FILES; i++) {
		pf_buf_init(&ret_texts->pem[i], PEM_BYTES_MAX);
		if (r < 0 || !*files->paths[i])
			continue;
		r = read_one(files->paths[i], &files->seen[i], &ret_texts->pem[i]);
		if (r < 0)
			(void)snprintf(error, error_size, "%s: %s", files->paths[i],
				       r == -ENODATA ? "it is empty" : strerror(-r));
	}
	return r;
}

void pf_tls_texts_done(struct pf_tls_texts *texts)
{
	for (size_t i = 0; i < PF_TLS_NR_FILES; i++) {
		if (texts->pem[i].data)
			explicit_bzero(texts->pem[i].data, texts->pem[i].cap);
		pf_buf_done(&texts->pem[i]);
	}
}

struct pf_http_server_tls pf_tls_pem(const struct pf_tls_texts *texts)
{
	return (struct pf_http_server_tls){ .cert_pem = texts->pem[0].data,
					    .key_pem = texts->pem[1].data,
					    .client_ca_pem = texts->pem[2].data };
}
