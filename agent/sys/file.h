/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file.h - small files: read whole, or replaced whole so that a crash leaves the old or the new
 * one.
 *
 * Paths are relative to a directory descriptor (AT_FDCWD: the working directory).
 */
#ifndef PF_SYS_FILE_H
#define PF_SYS_FILE_H

#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "sys/sys.h"

/**
 * pf_file_read() - appends the whole file to @buf.
 * Return: 0; -errno of open or read; -EFBIG if it does not fit @buf's maximum; -ENOMEM. On failure
 * @buf holds what it held before (its error is cleared).
 */
PF_MUST_CHECK int pf_file_read(const struct pf_sys *sys, int dir_fd, const char *path,
			       struct pf_buf *buf);

/**
 * pf_file_read_small() - the first @size - 1 bytes of an open file from its beginning, with a NUL:
 * for cgroup and proc files that are read again and again. No allocation.
 * Return: the length; -errno of pread().
 */
PF_MUST_CHECK ssize_t pf_file_read_small(const struct pf_sys *sys, int fd, char *ret_text,
					 size_t size);

/** pf_file_write_all() - writes on until all of @bytes is written. Return: 0; -errno of write(). */
PF_MUST_CHECK int pf_file_write_all(const struct pf_sys *sys, int fd, const void *bytes,
				    size_t len);

/**
 * pf_file_write_atomic() - replaces @path: writes "@path.tmp", fsync, rename, fsync of the
 * directory. Two writers of one @path are not supported.
 * Return: 0; -errno of the failed call, @path is then the old one, or, if only the last fsync
 * failed, the new one; the temporary file is removed.
 */
PF_MUST_CHECK int pf_file_write_atomic(const struct pf_sys *sys, int dir_fd, const char *path,
				       const void *data, size_t len, mode_t mode);

/** pf_file_make_dirs() - mkdir -p. Return: 0; -errno of mkdir; -ENOTDIR; -ENAMETOOLONG. */
PF_MUST_CHECK int pf_file_make_dirs(const struct pf_sys *sys, int dir_fd, const char *path,
				    mode_t mode);

#endif
