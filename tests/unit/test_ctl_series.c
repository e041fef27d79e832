// SPDX-License-Identifier: Apache-2.0
/*
 * test_ctl_series.c - recorded series out of CSV files: what is read, and what is refused with its line.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "ctl/series.h"
#include "unit/check.h"

struct seen {
	size_t nr_series, nr_rows, nr_restarts;
	double last_hot, limit, interval;
};

static int note(void *arg, const struct pf_series *series)
{
	struct seen *seen = arg;

	seen->nr_series++;
	seen->nr_rows += series->nr_rows;
	seen->nr_restarts += series->nr_restarts;
	seen->last_hot = series->rows[series->nr_rows - 1].hot_bytes;
	seen->limit = series->rows[0].limit_bytes;
	seen->interval = series->interval_s;
	return 0;
}

static void write_file(const char *folder, const char *name, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	PF_CHECK(name, file);
	if (!file)
		return;
	fputs(text, file);
	fclose(file);
}

static void test_folder(void)
{
	char folder[] = "/tmp/pf-series-XXXXXX", error[256] = "", command[64];
	struct seen seen = { 0 };

	PF_CHECK("folder", mkdtemp(folder));
	write_file(
		folder, "labels.csv",
		"series_id,label,memory_limit_bytes,note\na,leak,1000,\"one, two\"\nb,normal,,\n");
	write_file(folder, "events.csv", "series_id,unix_seconds,event\na,20,oom\na,20,restart\n");
	write_file(folder, "anon.csv.gz", "series_id,unix_seconds,anon_bytes\na,30,77\n");
	write_file(folder, "usage.csv",
		   "series_id,unix_seconds,cpu_cores,memory_bytes\r\na,0,0.5,100\r\na,15,,100\r\n"
		   "a,30,0.5,100\r\n");
	PF_CHECK_INT("read", pf_series_read(folder, note, &seen, error, sizeof(error)), 0);
	PF_CHECK_INT("series", seen.nr_series, 1);
	PF_CHECK_INT("rows", seen.nr_rows, 3);
	PF_CHECK_INT("a restart is one, a kill is none", seen.nr_restarts, 1);
	PF_CHECK_NEAR("limit", seen.limit, 1000, 0);
	PF_CHECK_NEAR("what is no cache", seen.last_hot, 77, 0);
	PF_CHECK_NEAR("interval", seen.interval, 15, 0);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	PF_CHECK_INT("cleaned", system(command), 0);
}

static void test_refused(void)
{
	static const struct {
		const char *name, *text, *want;
	} rows[] = {
		{ "no header", "1,2,3\n", "first line" },
		{ "not a number", "series_id,unix_seconds,memory_bytes\na,1,x\n", "line 2" },
		{ "negative", "series_id,unix_seconds,memory_bytes\na,1,-5\n", "line 2" },
		{ "not by time", "series_id,unix_seconds,memory_bytes\na,2,1\na,1,1\n", "line 3" },
		{ "no time", "series_id,unix_seconds,memory_bytes\na,,1\n", "line 2" },
	};

	for (size_t i = 0; i < PF_ARRAY_SIZE(rows); i++) {
		char path[] = "/tmp/pf-series-XXXXXX", error[256] = "";
		struct seen seen = { 0 };
		int fd = mkstemp(path);
		ssize_t len = (ssize_t)strlen(rows[i].text);

		PF_CHECK("written", fd >= 0 && write(fd, rows[i].text, (size_t)len) == len);
		close(fd);
		PF_CHECK_INT(rows[i].name, pf_series_read(path, note, &seen, error, sizeof(error)),
			     -EBADMSG);
		PF_CHECK(rows[i].name, strstr(error, rows[i].want));
		(void)unlink(path);
	}

	char error[256] = "";
	struct seen seen = { 0 };

	PF_CHECK_INT("absent", pf_series_read("/nonexistent", note, &seen, error, sizeof(error)),
		     -ENOENT);
	PF_CHECK("named", strstr(error, "/nonexistent"));
}

PF_TEST_SUITE(ctl_series, { "folder", test_folder }, { "refused", test_refused });
