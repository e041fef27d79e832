// SPDX-License-Identifier: Apache-2.0
/*
 * Every call of the atomic write is made to fail once: the old content stays, no temporary file is
 * left, the errno comes back.
 */
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "unit/check.h"

static unsigned calls_left; /* the call at which it reaches 0 fails with EIO */

static bool fails(void)
{
	if (!calls_left || --calls_left)
		return false;
	errno = EIO;
	return true;
}

static int failing_openat(int dir_fd, const char *path, int flags, mode_t mode)
{
	return fails() ? -1 : pf_sys_real.openat(dir_fd, path, flags, mode);
}

static int failing_close(int fd)
{
	bool fail = fails();
	int r = pf_sys_real.close(fd); /* closed anyway, as the kernel does */

	if (!fail)
		return r;
	errno = EIO;
	return -1;
}

static ssize_t failing_read(int fd, void *data, size_t len)
{
	return fails() ? -1 : pf_sys_real.read(fd, data, PF_MIN(len, 3u)); /* short reads */
}

static ssize_t failing_write(int fd, const void *data, size_t len)
{
	return fails() ? -1 : pf_sys_real.write(fd, data, PF_MIN(len, 2u)); /* short writes */
}

static int failing_fsync(int fd)
{
	return fails() ? -1 : pf_sys_real.fsync(fd);
}

static int failing_renameat(int old_dir, const char *old_path, int new_dir, const char *new_path)
{
	return fails() ? -1 : pf_sys_real.renameat(old_dir, old_path, new_dir, new_path);
}

static int failing_mkdirat(int dir_fd, const char *path, mode_t mode)
{
	return fails() ? -1 : pf_sys_real.mkdirat(dir_fd, path, mode);
}

static struct pf_sys failing(void)
{
	struct pf_sys sys = pf_sys_real;

	sys.openat = failing_openat;
	sys.close = failing_close;
	sys.read = failing_read;
	sys.write = failing_write;
	sys.fsync = failing_fsync;
	sys.renameat = failing_renameat;
	sys.mkdirat = failing_mkdirat;
	return sys;
}

static int open_temp_dir(char *top)
{
	if (!mkdtemp(top))
		return -1;
	return open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void check_content(const char *name, int dir_fd, const char *path, const char *want)
{
	struct pf_buf buf;

	pf_buf_init(&buf, 64);
	PF_CHECK_INT(name, pf_file_read(&pf_sys_real, dir_fd, path, &buf), 0);
	PF_CHECK_STR(name, buf.data ? buf.data : "", want);
	pf_buf_done(&buf);
}

static void test_write_each_call_fails(void)
{
	char top[] = "/tmp/podfit-test-XXXXXX", name[32];
	PF_AUTO(pf_closep) int dir_fd = open_temp_dir(top);
	struct pf_sys sys = failing();
	unsigned n = 0;
	int r = -EIO;

	PF_CHECK_INT("first", pf_file_write_atomic(&pf_sys_real, dir_fd, "state", "old", 3, 0600),
		     0);
	while (r < 0 && n < 50) {
		struct stat st;
		const char *want;

		calls_left = ++n;
		snprintf(name, sizeof(name), "call %u fails", n);
		r = pf_file_write_atomic(&sys, dir_fd, "state", "newer", 5, 0600);
		PF_CHECK(name, r == 0 || r == -EIO);
		PF_CHECK_INT(name, fstatat(dir_fd, "state.tmp", &st, 0), -1);
		/* open, three short writes, fsync, close, rename: then the new one is in place */
		want = n <= 7 ? "old" : "newer";
		check_content(name, dir_fd, "state", want);
	}
	PF_CHECK_INT("calls in all, with the folder's open and fsync", n, 10);
	PF_CHECK_INT("unlink", unlinkat(dir_fd, "state", 0), 0);
	PF_CHECK_INT("rmdir", rmdir(top), 0);
}

static void test_read(void)
{
	char top[] = "/tmp/podfit-test-XXXXXX", small[5];
	PF_AUTO(pf_closep) int dir_fd = open_temp_dir(top);
	struct pf_sys sys = failing();
	struct pf_buf buf;

	PF_CHECK_INT("write",
		     pf_file_write_atomic(&pf_sys_real, dir_fd, "f", "0123456789", 10, 0600), 0);
	pf_buf_init(&buf, 12);
	(void)pf_buf_adds(&buf, "ab");
	calls_left = 0;
	PF_CHECK_INT("exactly full", pf_file_read(&sys, dir_fd, "f", &buf), 0);
	PF_CHECK_STR("appended", buf.data, "ab0123456789");
	PF_CHECK_INT("too large", pf_file_read(&sys, dir_fd, "f", &buf), -EFBIG);
	PF_CHECK_STR("untouched", buf.data, "ab0123456789");
	PF_CHECK_INT("absent", pf_file_read(&sys, dir_fd, "g", &buf), -ENOENT);
	for (unsigned n = 1; n <= 3; n++) {
		pf_buf_reset(&buf);
		calls_left = n;
		PF_CHECK_INT("read fails", pf_file_read(&sys, dir_fd, "f", &buf), -EIO);
		PF_CHECK_INT("nothing kept", buf.len, 0);
	}
	pf_buf_done(&buf);
	PF_AUTO(pf_closep) int fd = openat(dir_fd, "f", O_RDONLY | O_CLOEXEC);
	for (int i = 0; i < 2; i++) {
		PF_CHECK_INT("small", pf_file_read_small(&pf_sys_real, fd, small, sizeof(small)),
			     4);
		PF_CHECK_STR("small", small, "0123");
	}
	PF_CHECK_INT("unlink", unlinkat(dir_fd, "f", 0), 0);
	PF_CHECK_INT("rmdir", rmdir(top), 0);
}

static void test_make_dirs(void)
{
	char top[] = "/tmp/podfit-test-XXXXXX";
	PF_AUTO(pf_closep) int dir_fd = open_temp_dir(top);

	PF_CHECK_INT("new", pf_file_make_dirs(&pf_sys_real, dir_fd, "a/b//c", 0700), 0);
	PF_CHECK_INT("there", pf_file_make_dirs(&pf_sys_real, dir_fd, "a/b/c", 0700), 0);
	PF_CHECK_INT("file", pf_file_write_atomic(&pf_sys_real, dir_fd, "a/f", "", 0, 0600), 0);
	PF_CHECK_INT("through a file", pf_file_make_dirs(&pf_sys_real, dir_fd, "a/f/x", 0700),
		     -ENOTDIR);
	PF_CHECK_INT("a file", pf_file_make_dirs(&pf_sys_real, dir_fd, "a/f", 0700), -ENOTDIR);
	PF_CHECK_INT("unlink", unlinkat(dir_fd, "a/f", 0), 0);
	PF_CHECK_INT("rmdir c", unlinkat(dir_fd, "a/b/c", AT_REMOVEDIR), 0);
	PF_CHECK_INT("rmdir b", unlinkat(dir_fd, "a/b", AT_REMOVEDIR), 0);
	PF_CHECK_INT("rmdir a", unlinkat(dir_fd, "a", AT_REMOVEDIR), 0);
	PF_CHECK_INT("rmdir", rmdir(top), 0);
}

PF_TEST_SUITE(sys_file, { "each call of a write fails", test_write_each_call_fails },
	      { "read", test_read }, { "make dirs", test_make_dirs });
