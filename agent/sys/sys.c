// SPDX-License-Identifier: Apache-2.0
#include "sys/sys.h"

#include <stdio.h>
#include <unistd.h>

/* openat() and fstat() take a variable argument list or may be macros: these have one type. */
static int real_openat(int dir_fd, const char *path, int flags, mode_t mode)
{
	return openat(dir_fd, path, flags, mode);
}

static int real_fstat(int fd, struct stat *ret_stat)
{
	return fstat(fd, ret_stat);
}

const struct pf_sys pf_sys_real = {
	.openat = real_openat,
	.close = close,
	.read = read,
	.pread = pread,
	.write = write,
	.fsync = fsync,
	.ftruncate = ftruncate,
	.fstat = real_fstat,
	.renameat = renameat,
	.unlinkat = unlinkat,
	.mkdirat = mkdirat,
};
