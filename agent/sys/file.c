// SPDX-License-Identifier: Apache-2.0
#include "sys/file.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

enum { READ_STEP = 16384 };

/* A descriptor closed on leaving the scope, through the table. */
struct open_file {
	const struct pf_sys *sys;
	int fd;
};

static void close_file(struct open_file *file)
{
	if (file->fd >= 0)
		(void)file->sys->close(file->fd); /* read, or given up, or fsynced before */
}

static int read_all(const struct pf_sys *sys, int fd, struct pf_buf *buf)
{
	for (;;) {
		size_t room = PF_MIN((size_t)READ_STEP, buf->max_len - buf->len);
		char probe, *place = &probe;
		ssize_t n;

		/* Full: one more byte tells whether the file ends here. */
		if (room) {
			int r = pf_buf_reserve(buf, room, &place);

			if (r < 0)
				return r;
		}
		n = sys->read(fd, place, room ? room : 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return 0;
		if (!room)
			return -EFBIG;
		buf->len += (size_t)n;
		buf->data[buf->len] = '\0';
	}
}

int pf_file_read(const struct pf_sys *sys, int dir_fd, const char *path, struct pf_buf *buf)
{
	PF_AUTO(close_file)
	struct open_file file = { sys, sys->openat(dir_fd, path, O_RDONLY | O_CLOEXEC, 0) };
	size_t len_before = buf->len;
	int r;

	if (file.fd < 0)
		return -errno;
	r = read_all(sys, file.fd, buf);
	if (r < 0) {
		buf->len = len_before;
		buf->err = 0;
		if (buf->data)
			buf->data[buf->len] = '\0';
	}
	return r;
}

ssize_t pf_file_read_small(const struct pf_sys *sys, int fd, char *ret_text, size_t size)
{
	size_t len = 0;

	while (len < size - 1) {
		ssize_t n = sys->pread(fd, ret_text + len, size - 1 - len, (off_t)len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		len += (size_t)n;
	}
	ret_text[len] = '\0';
	return (ssize_t)len;
}

int pf_file_write_all(const struct pf_sys *sys, int fd, const void *bytes, size_t len)
{
	const char *data = bytes;

	while (len) {
		ssize_t n = sys->write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static int write_temp(const struct pf_sys *sys, int dir_fd, const char *temp, const void *data,
		      size_t len, mode_t mode)
{
	struct open_file file = {
		sys, sys->openat(dir_fd, temp,
				 O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode)
	};
	int r;

	if (file.fd < 0)
		return -errno;
	r = pf_file_write_all(sys, file.fd, data, len);
	if (r >= 0 && sys->fsync(file.fd) < 0)
		r = -errno;
	/* The last place where a full disk may show itself (NFS). */
	if (sys->close(file.fd) < 0 && r >= 0)
		r = -errno;
	return r;
}

static int sync_parent(const struct pf_sys *sys, int dir_fd, const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;
	char parent[PATH_MAX] = ".";

	if (slash && !len)
		len = 1; /* "/name" */
	if (slash) {
		memcpy(parent, path, len); /* shorter than the path with ".tmp", which did fit */
		parent[len] = '\0';
	}
	PF_AUTO(close_file)
	struct open_file dir = { sys, sys->openat(dir_fd, parent,
						  O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0) };
	if (dir.fd < 0)
		return -errno;
	return sys->fsync(dir.fd) < 0 ? -errno : 0;
}

int pf_file_write_atomic(const struct pf_sys *sys, int dir_fd, const char *path, const void *data,
			 size_t len, mode_t mode)
{
	char temp[PATH_MAX];
	int n = snprintf(temp, sizeof(temp), "%s.tmp", path), r;

	if (n < 0 || n >= (int)sizeof(temp))
		return -ENAMETOOLONG;
	r = write_temp(sys, dir_fd, temp, data, len, mode);
	if (r >= 0 && sys->renameat(dir_fd, temp, dir_fd, path) < 0)
		r = -errno;
	if (r < 0) {
		(void)sys->unlinkat(dir_fd, temp, 0); /* the first error is the one to tell */
		return r;
	}
	return sync_parent(sys, dir_fd, path);
}

int pf_file_make_dirs(const struct pf_sys *sys, int dir_fd, const char *path, mode_t mode)
{
	char part[PATH_MAX];
	size_t len = strlen(path);

	if (len >= sizeof(part))
		return -ENAMETOOLONG;
	memcpy(part, path, len + 1);
	for (size_t i = 1; i <= len; i++) {
		if (part[i] != '/' && part[i] != '\0')
			continue;
		part[i] = '\0';
		if (sys->mkdirat(dir_fd, part, mode) < 0 && errno != EEXIST)
			return -errno;
		part[i] = i < len ? '/' : '\0';
	}
	PF_AUTO(close_file)
	struct open_file dir = { sys,
				 sys->openat(dir_fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0) };

	return dir.fd < 0 ? -errno : 0;
}
