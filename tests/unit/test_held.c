// SPDX-License-Identifier: Apache-2.0
/*
 * test_held.c - sockets and files in memory that this very process opens.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "capture/held.h"
#include "unit/check.h"

static int held(struct pf_held *ret_held)
{
	PF_AUTO(pf_closep) int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	unsigned budget = 1000;

	return pf_held_read(proc, (uint32_t)getpid(), &budget, ret_held);
}

static void test_counts(void)
{
	struct pf_held before, now;
	int sockets[2], r;
	PF_AUTO(pf_closep) int memory = memfd_create("held", MFD_CLOEXEC);
	PF_AUTO(pf_closep) int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	PF_CHECK("opened", memory >= 0 && file >= 0);
	PF_CHECK_INT("before", held(&before), 0);
	r = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets);
	PF_CHECK_INT("sockets", r, 0);
	PF_CHECK_INT("grown", ftruncate(memory, 1 << 20), 0);
	PF_CHECK_INT("written", pwrite(memory, "x", 1, 0), 1);
	PF_CHECK_INT("now", held(&now), 0);
	PF_CHECK_INT("two sockets more", now.nr_sockets, before.nr_sockets + 2);
	PF_CHECK_INT("no file more", now.nr_memory_files, before.nr_memory_files);
	PF_CHECK("what is filled counts, not the size",
		 now.memory_file_bytes > before.memory_file_bytes &&
			 now.memory_file_bytes < before.memory_file_bytes + (1 << 20));
	(void)close(sockets[0]);
	(void)close(sockets[1]);
}

/* The test machine has a tmpfs at /dev/shm, or this is about nothing. */
static void test_deleted_file(void)
{
	char path[] = "/dev/shm/podfit-held-XXXXXX";
	struct pf_held before, now;
	PF_AUTO(pf_closep) int fd = -1;

	if (access("/dev/shm", W_OK) < 0)
		return;
	PF_CHECK_INT("before", held(&before), 0);
	fd = mkostemp(path, O_CLOEXEC);
	(void)unlink(path);
	PF_CHECK_INT("written", pwrite(fd, "x", 1, 0), 1);
	PF_CHECK_INT("now", held(&now), 0);
	PF_CHECK_INT("one file more", now.nr_memory_files, before.nr_memory_files + 1);
}

static void test_bounds(void)
{
	struct pf_held h = { .nr_sockets = 77 };
	PF_AUTO(pf_closep) int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	unsigned budget = 1;

	PF_CHECK_INT("too many", pf_held_read(proc, (uint32_t)getpid(), &budget, &h), -ENOSPC);
	PF_CHECK_INT("budget used", budget, 0);
	PF_CHECK_INT("no such process", pf_held_read(proc, 0, &budget, &h), -ENOENT);
	PF_CHECK_INT("untouched", h.nr_sockets, 77);
}

PF_TEST_SUITE(held, { "counts", test_counts }, { "deleted file", test_deleted_file },
	      { "bounds", test_bounds });
