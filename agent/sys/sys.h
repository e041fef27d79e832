/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sys.h - the system calls on which data on disk depends, behind a table, so that a test can make
 * the n-th of them fail.
 */
#ifndef PF_SYS_SYS_H
#define PF_SYS_SYS_H

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>

/* As the calls of the same name: -1 and errno on failure. */
struct pf_sys {
	int (*openat)(int dir_fd, const char *path, int flags, mode_t mode);
	int (*close)(int fd);
	ssize_t (*read)(int fd, void *data, size_t len);
	ssize_t (*pread)(int fd, void *data, size_t len, off_t offset);
	ssize_t (*write)(int fd, const void *data, size_t len);
	int (*fsync)(int fd);
	int (*ftruncate)(int fd, off_t len);
	int (*fstat)(int fd, struct stat *ret_stat);
	int (*renameat)(int old_dir_fd, const char *old_path, int new_dir_fd, const char *new_path);
	int (*unlinkat)(int dir_fd, const char *path, int flags);
	int (*mkdirat)(int dir_fd, const char *path, mode_t mode);
};

extern const struct pf_sys pf_sys_real;

#endif
