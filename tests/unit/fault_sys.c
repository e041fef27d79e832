// SPDX-License-Identifier: Apache-2.0
#include "unit/fault_sys.h"

#include <errno.h>
#include <stdbool.h>

static unsigned calls, fail_at;
static int fail_with;
static size_t most;

static bool fails(void)
{
	if (++calls != fail_at)
		return false;
	errno = fail_with;
	return true;
}

static int fault_openat(int dir_fd, const char *path, int flags, mode_t mode)
{
	return fails() ? -1 : pf_sys_real.openat(dir_fd, path, flags, mode);
}

static ssize_t fault_read(int fd, void *data, size_t len)
{
	return fails() ? -1 : pf_sys_real.read(fd, data, len);
}

static ssize_t fault_pread(int fd, void *data, size_t len, off_t offset)
{
	return fails() ? -1 : pf_sys_real.pread(fd, data, len, offset);
}

static ssize_t fault_write(int fd, const void *data, size_t len)
{
	return fails() ? -1 : pf_sys_real.write(fd, data, most && len > most ? most : len);
}

static int fault_fsync(int fd)
{
	return fails() ? -1 : pf_sys_real.fsync(fd);
}

static int fault_renameat(int old_dir_fd, const char *old_path, int new_dir_fd,
			  const char *new_path)
{
	return fails() ? -1 : pf_sys_real.renameat(old_dir_fd, old_path, new_dir_fd, new_path);
}

static int fault_mkdirat(int dir_fd, const char *path, mode_t mode)
{
	return fails() ? -1 : pf_sys_real.mkdirat(dir_fd, path, mode);
}

const struct pf_sys *fault_sys(unsigned nth, int err)
{
	static struct pf_sys sys;

	sys = pf_sys_real;
	sys.openat = fault_openat;
	sys.read = fault_read;
	sys.pread = fault_pread;
	sys.write = fault_write;
	sys.fsync = fault_fsync;
	sys.renameat = fault_renameat;
	sys.mkdirat = fault_mkdirat;
	calls = 0;
	most = 0;
	fail_at = nth;
	fail_with = err;
	return &sys;
}

unsigned fault_sys_calls(void)
{
	return calls;
}

void fault_sys_short_writes(size_t len)
{
	most = len;
}
