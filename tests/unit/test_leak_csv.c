// SPDX-License-Identifier: Apache-2.0
/*
 * test_leak_csv.c - `podfit leaks --from-csv`: damaged input is refused with file, place and reason; what is
 * unknown is absent.
 */
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "ctl/ctl.h"
#include "unit/check.h"

#define HEAD "series_id,unix_seconds,cpu_cores,memory_bytes\n"

static const struct csv_case {
	const char *name, *text;
	int want_exit;
	const char *want_error; /* in what is printed on stderr */
} csv_cases[] = {
	{ .name = "empty", .text = "", .want_exit = PF_EXIT_DAMAGED, .want_error = "first line" },
	{ .name = "no header",
	  .text = "a,1,2,3\n",
	  .want_exit = PF_EXIT_DAMAGED,
	  .want_error = "first line" },
	{ .name = "no memory column",
	  .text = "series_id,unix_seconds,cpu_cores\na,1,2\n",
	  .want_exit = PF_EXIT_DAMAGED,
	  .want_error = "no series with values in a column memory_bytes" },
	{ .name = "only a header",
	  .text = HEAD,
	  .want_exit = PF_EXIT_DAMAGED,
	  .want_error = "no series" },
	{ .name = "cut line",
	  .text = HEAD "a,1,1,4096\na,2",
	  .want_exit = PF_EXIT_DAMAGED,
	  .want_error = "line 3: has too few fields" },
	{ .name = "no number",
	  .text = HEAD "a,1,1,x\n",
	  .want_exit = PF_EXIT_DAMAGED,
	  .want_error = "line 2: a field that should be a number" },
	{ .name = "not sorted",
	  .text = HEAD "a,5,1,4096\na,4,1,4096\n",
	  .want_exit = PF_EXIT_DAMAGED,
	  .want_error = "line 3: is older than the line before" },
	{ .name = "unknown values",
	  .text = HEAD "a,1,,\na,2,,4096\n",
	  .want_exit = PF_EXIT_OK,
	  .want_error = "" },
};

struct run {
	char *out, *errors;
	int code;
};

static void run_file(const char *path, const char *mode, const char *format, struct run *run)
{
	size_t out_size, errors_size;
	FILE *out = open_memstream(&run->out, &out_size);
	FILE *errors = open_memstream(&run->errors, &errors_size);

	run->code = pf_ctl_leaks_csv(path, mode, format, out, errors);
	fclose(out);
	fclose(errors);
}

static void run_done(struct run *run)
{
	free(run->out);
	free(run->errors);
}

/* A file with @size bytes of @data; the caller unlinks @path. */
static void write_file(char path[], const void *data, size_t size)
{
	int fd = mkstemp(path);

	PF_CHECK_INT("written", write(fd, data, size), size);
	close(fd);
}

static void test_damaged(void)
{
	for (size_t i = 0; i < PF_ARRAY_SIZE(csv_cases); i++) {
		const struct csv_case *c = &csv_cases[i];
		char path[] = "/tmp/podfit-leaks-XXXXXX";
		struct run run;

		write_file(path, c->text, strlen(c->text));
		run_file(path, "podfit", "csv", &run);
		PF_CHECK_INT(c->name, run.code, c->want_exit);
		PF_CHECK(c->name, strstr(run.errors, c->want_error));
		PF_CHECK(c->name, run.code == PF_EXIT_OK || strstr(run.errors, path));
		run_done(&run);
		unlink(path);
	}
}

/* 40 hours of ten seconds each, leaking from the 20th on; compressed. Returns its size. */
static size_t make_gz(char *data, size_t max)
{
	char path[] = "/tmp/podfit-leaks-XXXXXX";
	gzFile file;
	FILE *f;
	size_t size;

	write_file(path, "", 0);
	file = gzopen(path, "wb");
	gzputs(file, HEAD);
	for (int i = 0; i < 14400; i++)
		gzprintf(file, "a,%d,0.5,%d\n", 1700000000 + 10 * i,
			 200000000 + (i > 7200 ? (i - 7200) * 65536 : 0));
	gzclose(file);
	f = fopen(path, "rb");
	size = fread(data, 1, max, f);
	fclose(f);
	unlink(path);
	return size;
}

/* Cut anywhere, or a byte wrong: never taken for a whole file, unless it is one. */
static void test_damaged_gz(void)
{
	static char data[1 << 20];
	size_t size = make_gz(data, sizeof(data));

	PF_CHECK("small enough", size < sizeof(data));
	for (size_t i = 1; i < 40; i++) {
		char path[] = "/tmp/podfit-leaks-XXXXXX";
		size_t len = size * i / 40;
		struct run run;

		write_file(path, data, len);
		run_file(path, "podfit", "csv", &run);
		PF_CHECK_INT("cut", run.code, PF_EXIT_DAMAGED);
		PF_CHECK("says so", strstr(run.errors, "damaged") && strstr(run.errors, ": byte "));
		run_done(&run);
		unlink(path);
	}
	for (size_t i = 1; i < 40; i++) {
		char path[] = "/tmp/podfit-leaks-XXXXXX";
		size_t at = size * i / 40;
		struct run run;

		data[at] ^= 0x55;
		write_file(path, data, size);
		run_file(path, "podfit", "csv", &run);
		PF_CHECK_INT("byte wrong", run.code, PF_EXIT_DAMAGED);
		run_done(&run);
		unlink(path);
		data[at] ^= 0x55;
	}
}

/* A rise without a limit: no moment of exhaustion in JSON, the far one in CSV; the same alarm in each form. */
static void test_unknown_is_absent(void)
{
	static char data[1 << 20];
	size_t size = make_gz(data, sizeof(data));
	char path[] = "/tmp/podfit-leaks-XXXXXX";
	struct run csv, json, table;

	write_file(path, data, size);
	run_file(path, "podfit", "csv", &csv);
	run_file(path, "podfit", "json", &json);
	run_file(path, "podfit", "table", &table);
	PF_CHECK("csv", strstr(csv.out, ",4000000000,"));
	PF_CHECK("json", strstr(json.out, "\"slope_low\": ") && !strstr(json.out, "eta_"));
	PF_CHECK("table",
		 strstr(table.out, " -  ") && strstr(table.out, "1 of 1 series, 1 alarms"));
	run_done(&csv);
	run_done(&json);
	run_done(&table);
	run_file(path, "owner", "csv", &csv);
	PF_CHECK_INT("no such mode", csv.code, PF_EXIT_USAGE);
	run_done(&csv);
	unlink(path);
}

PF_TEST_SUITE(leak_csv, { "damaged", test_damaged }, { "damaged gz", test_damaged_gz },
	      { "unknown is absent", test_unknown_is_absent });
