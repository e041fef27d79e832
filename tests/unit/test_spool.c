// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <unistd.h>

#include "export/spool.h"
#include "unit/check.h"
#include "unit/fault_sys.h"

static char directory[64];

static const char *fresh_directory(void)
{
	snprintf(directory, sizeof(directory), "/tmp/podfit-test-XXXXXX");
	PF_CHECK("mkdtemp", mkdtemp(directory) != NULL);
	return directory;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void remove_directory(void)
{
	(void)nftw(directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static struct pf_spool *open_spool(const char *path, uint64_t max_bytes)
{
	struct pf_spool *spool = NULL;
	char error[256] = "";

	PF_CHECK_INT("open",
		     pf_spool_open(&pf_sys_real, path, max_bytes, &spool, error, sizeof(error)), 0);
	PF_CHECK_STR("no error", error, "");
	return spool;
}

static void expect(struct pf_spool *spool, const char *want)
{
	struct pf_buf buf;
	uint64_t number = 0;

	pf_buf_init(&buf, 1000);
	PF_CHECK_INT("peek", pf_spool_peek(spool, &buf, &number), want ? 0 : -ENODATA);
	PF_CHECK_STR("oldest", buf.data, want);
	pf_spool_pop(spool, number + 1000); /* not the oldest: nothing happens */
	pf_spool_pop(spool, number);
	pf_buf_done(&buf);
}

static void check_order_and_bound(const char *path)
{
	struct pf_spool *spool = open_spool(path, 10);

	PF_CHECK_INT("put", pf_spool_put(spool, "aaaa", 4), 0);
	PF_CHECK_INT("put", pf_spool_put(spool, "bbbb", 4), 0);
	PF_CHECK_INT("too large for the whole", pf_spool_put(spool, "12345678901", 11), -EFBIG);
	PF_CHECK_INT("nothing dropped for it", pf_spool_get_stats(spool).nr_dropped, 0);
	PF_CHECK_INT("the oldest makes room", pf_spool_put(spool, "cccc", 4), 0);
	PF_CHECK_INT("counted", pf_spool_get_stats(spool).nr_dropped, 1);
	PF_CHECK_INT("bytes", pf_spool_get_stats(spool).bytes, 8);
	expect(spool, "bbbb");
	expect(spool, "cccc");
	expect(spool, NULL);
	PF_CHECK_INT("empty", pf_spool_get_stats(spool).bytes, 0);
	pf_spool_free(spool);
}

static void test_order_and_bound(void)
{
	check_order_and_bound(NULL);
	check_order_and_bound(fresh_directory());
	remove_directory();
}

static void test_restart(void)
{
	struct pf_spool *spool = open_spool(fresh_directory(), 1000);
	char path[128];

	PF_CHECK_INT("put", pf_spool_put(spool, "one", 3), 0);
	PF_CHECK_INT("put", pf_spool_put(spool, "two", 3), 0);
	PF_CHECK_INT("put", pf_spool_put(spool, "three", 5), 0);
	pf_spool_free(spool);
	/* A crash's half-written file goes; a stranger's file stays. */
	snprintf(path, sizeof(path), "%s/00000000000000000009.report.gz.tmp", directory);
	PF_CHECK("tmp", close(open(path, O_CREAT | O_WRONLY, 0600)) == 0);
	spool = open_spool(directory, 1000);
	PF_CHECK("half-written is gone", access(path, F_OK) < 0);
	expect(spool, "one");
	PF_CHECK_INT("goes on counting", pf_spool_put(spool, "four", 4), 0);
	pf_spool_free(spool);
	/* One that vanished is counted, not fatal. */
	snprintf(path, sizeof(path), "%s/00000000000000000002.report.gz", directory);
	spool = open_spool(directory, 1000);
	PF_CHECK("unlink", unlink(path) == 0);
	expect(spool, "three");
	PF_CHECK_INT("unreadable", pf_spool_get_stats(spool).nr_unreadable, 1);
	expect(spool, "four");
	pf_spool_free(spool);
	remove_directory();
}

static void test_smaller_after_restart(void)
{
	struct pf_spool *spool = open_spool(fresh_directory(), 1000);

	PF_CHECK_INT("put", pf_spool_put(spool, "one", 3), 0);
	PF_CHECK_INT("put", pf_spool_put(spool, "two", 3), 0);
	pf_spool_free(spool);
	spool = open_spool(directory, 4);
	PF_CHECK_INT("dropped", pf_spool_get_stats(spool).nr_dropped, 1);
	expect(spool, "two");
	pf_spool_free(spool);
	remove_directory();
}

/* Every system call of a put fails once: nothing half-written is ever seen, and the next put works. */
static void test_faults(void)
{
	for (unsigned nth = 1;; nth++) {
		const struct pf_sys *sys;
		struct pf_spool *spool = NULL;
		char error[256];
		unsigned calls;
		int r;

		fresh_directory();
		sys = fault_sys(0, 0);
		PF_CHECK_INT("open",
			     pf_spool_open(sys, directory, 1000, &spool, error, sizeof(error)), 0);
		(void)fault_sys(nth, ENOSPC);
		fault_sys_short_writes(2);
		r = pf_spool_put(spool, "some data", 9);
		calls = fault_sys_calls();
		(void)fault_sys(0, 0);
		if (nth > calls) {
			PF_CHECK_INT("no call failed", r, 0);
			PF_CHECK("several were tried", nth > 3);
			pf_spool_free(spool);
			remove_directory();
			break;
		}
		PF_CHECK_INT("says it", r, -ENOSPC);
		PF_CHECK_INT("put again", pf_spool_put(spool, "again", 5), 0);
		pf_spool_free(spool);
		spool = open_spool(directory, 1000);
		/* If only the directory's fsync failed, the first entry is whole and may be there. */
		if (pf_spool_get_stats(spool).nr_entries == 2)
			expect(spool, "some data");
		expect(spool, "again");
		pf_spool_free(spool);
		remove_directory();
	}
}

/* Where the process has no descriptor left, the entry is not at fault: it stays, and so do those behind it. */
static void test_no_descriptor(void)
{
	struct pf_spool *spool = NULL;
	char error[256] = "";
	uint64_t number = 0;
	struct pf_buf buf;

	PF_CHECK_INT("open",
		     pf_spool_open(fault_sys(0, 0), fresh_directory(), 1000, &spool, error,
				   sizeof(error)),
		     0);
	PF_CHECK_INT("put", pf_spool_put(spool, "one", 3), 0);
	pf_buf_init(&buf, 1000);
	(void)fault_sys(1, EMFILE);
	PF_CHECK_INT("says it", pf_spool_peek(spool, &buf, &number), -EMFILE);
	(void)fault_sys(0, 0);
	PF_CHECK_INT("not counted as lost", pf_spool_get_stats(spool).nr_unreadable, 0);
	expect(spool, "one");
	pf_buf_done(&buf);
	pf_spool_free(spool);
	remove_directory();
}

PF_TEST_SUITE(spool, { "order and bound", test_order_and_bound }, { "restart", test_restart },
	      { "smaller after restart", test_smaller_after_restart }, { "faults", test_faults },
	      { "no descriptor", test_no_descriptor });
