// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "export/sink.h"
#include "unit/check.h"
#include "unit/fault_sys.h"
#include "unit/report_sample.h"
#include "wire/stream.h"
#include "wire/wire.h"

static char path[64];

static const char *fresh_path(void)
{
	int fd;

	snprintf(path, sizeof(path), "/tmp/podfit-test-XXXXXX");
	fd = mkstemp(path);
	PF_CHECK("mkstemp", fd >= 0);
	close(fd);
	unlink(path);
	return path;
}

static ssize_t read_fd(void *arg, void *data, size_t len)
{
	return read(*(int *)arg, data, len);
}

/* Whole reports in the file; -1 if it ends with a part of one. */
static int nr_reports(void)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), r;
	struct pf_stream_reader reader;
	struct pf_wire_error error;

	if (fd < 0)
		return 0;
	pf_stream_init(&reader, read_fd, &fd, PF_WIRE_MESSAGE_MAX);
	while ((r = pf_stream_next(&reader, &error)) == 1)
		;
	r = r < 0 ? -1 : (int)reader.nr_messages;
	pf_stream_done(&reader);
	close(fd);
	return r;
}

static void encoded_sample(struct pf_buf *buf)
{
	pf_buf_init(buf, PF_WIRE_MESSAGE_MAX);
	PF_CHECK_INT("encode", pf_wire_encode_report(report_sample(), buf), 0);
}

static void test_append(void)
{
	struct pf_buf buf;
	void *sink = NULL;
	char error[256] = "";

	encoded_sample(&buf);
	for (int i = 1; i <= 2; i++) {
		PF_CHECK_INT("open",
			     pf_sink_file_open(&pf_sys_real, i == 1 ? fresh_path() : path, &sink,
					       error, sizeof(error)),
			     0);
		PF_CHECK_INT("write",
			     pf_sink_file.write(sink, report_sample(), &buf, error, sizeof(error)),
			     0);
		pf_sink_file.close(sink);
		PF_CHECK_INT("reports", nr_reports(), i);
	}
	/* A tail of a crash is cut off, what is before it stays. */
	PF_CHECK("cut", truncate(path, (off_t)(buf.len + buf.len / 2)) == 0);
	PF_CHECK_INT("damaged", nr_reports(), -1);
	PF_CHECK_INT("open", pf_sink_file_open(&pf_sys_real, path, &sink, error, sizeof(error)), 0);
	PF_CHECK_INT("mended", nr_reports(), 1);
	pf_sink_file.close(sink);
	unlink(path);
	pf_buf_done(&buf);
}

static void test_two(void)
{
	void *first = NULL, *second = NULL;
	char error[256] = "";

	PF_CHECK_INT("open",
		     pf_sink_file_open(&pf_sys_real, fresh_path(), &first, error, sizeof(error)),
		     0);
	PF_CHECK_INT("another is refused",
		     pf_sink_file_open(&pf_sys_real, path, &second, error, sizeof(error)), -EBUSY);
	PF_CHECK("and told why", strstr(error, "another process writes it") != NULL);
	PF_CHECK("nothing was taken away", access(path, F_OK) == 0);
	pf_sink_file.close(first);
	PF_CHECK_INT("a device is anybody's",
		     pf_sink_file_open(&pf_sys_real, "/dev/null", &first, error, sizeof(error)), 0);
	PF_CHECK_INT("also at once",
		     pf_sink_file_open(&pf_sys_real, "/dev/null", &second, error, sizeof(error)),
		     0);
	pf_sink_file.close(first);
	pf_sink_file.close(second);
}

static void test_nothing_written(void)
{
	void *sink = NULL;
	char error[256];

	PF_CHECK_INT("open",
		     pf_sink_file_open(&pf_sys_real, fresh_path(), &sink, error, sizeof(error)), 0);
	pf_sink_file.close(sink);
	PF_CHECK("an empty file is no result", access(path, F_OK) < 0);
}

static void test_strangers(void)
{
	FILE *file;
	void *sink = NULL;
	char error[256] = "";

	file = fopen(fresh_path(), "w");
	fputs("\x05hello, I am somebody's letter", file);
	fclose(file);
	PF_CHECK_INT("refused", pf_sink_file_open(&pf_sys_real, path, &sink, error, sizeof(error)),
		     -EBADMSG);
	PF_CHECK("says why", strstr(error, "does not hold reports") != NULL);
	PF_CHECK("not touched", access(path, F_OK) == 0);
	unlink(path);
	PF_CHECK_INT(
		"no such folder",
		pf_sink_file_open(&pf_sys_real, "/nonexistent/x.pb", &sink, error, sizeof(error)),
		-ENOENT);
}

/* Every system call of a write fails once, as on a full disk: the file never ends with half a
 * report, the one before stays, and the next write works. */
static void test_faults(void)
{
	struct pf_buf buf;

	encoded_sample(&buf);
	for (unsigned nth = 1;; nth++) {
		const struct pf_sys *sys = fault_sys(0, 0);
		void *sink = NULL;
		char error[256] = "";
		unsigned calls;
		int r;

		PF_CHECK_INT("open",
			     pf_sink_file_open(sys, fresh_path(), &sink, error, sizeof(error)), 0);
		PF_CHECK_INT("first",
			     pf_sink_file.write(sink, report_sample(), &buf, error, sizeof(error)),
			     0);
		(void)fault_sys(nth, ENOSPC);
		fault_sys_short_writes(1000);
		r = pf_sink_file.write(sink, report_sample(), &buf, error, sizeof(error));
		calls = fault_sys_calls();
		(void)fault_sys(0, 0);
		PF_CHECK_INT("whole reports only", nr_reports(), r == 0 ? 2 : 1);
		PF_CHECK_INT("third",
			     pf_sink_file.write(sink, report_sample(), &buf, error, sizeof(error)),
			     0);
		PF_CHECK_INT("goes on", nr_reports(), r == 0 ? 3 : 2);
		pf_sink_file.close(sink);
		unlink(path);
		if (nth > calls) {
			PF_CHECK_INT("no call failed", r, 0);
			PF_CHECK("several were tried", nth > 3);
			break;
		}
		PF_CHECK_INT("says it", r, -ENOSPC);
		PF_CHECK("in words", strstr(error, "No space left") != NULL);
	}
	pf_buf_done(&buf);
}

/* A pipe has no end to look for: opening it must not wait for somebody to write. */
static void test_pipe(void)
{
	void *sink = NULL;
	char error[256] = "", got[2] = "";
	struct pf_buf buf;
	int fd;

	encoded_sample(&buf);
	PF_CHECK_INT("mkfifo", mkfifo(fresh_path(), 0600), 0);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	(void)alarm(10); /* else a mistake would hold up all tests */
	PF_CHECK_INT("open", pf_sink_file_open(&pf_sys_real, path, &sink, error, sizeof(error)), 0);
	PF_CHECK_INT("write", pf_sink_file.write(sink, report_sample(), &buf, error, sizeof(error)),
		     0);
	(void)alarm(0);
	PF_CHECK_INT("and it is there", read(fd, got, 1), 1);
	pf_sink_file.close(sink);
	close(fd);
	unlink(path);
	pf_buf_done(&buf);
}

PF_TEST_SUITE(sink_file, { "append", test_append }, { "two", test_two },
	      { "nothing written", test_nothing_written }, { "strangers", test_strangers },
	      { "faults", test_faults }, { "pipe", test_pipe });
