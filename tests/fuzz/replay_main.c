// SPDX-License-Identifier: Apache-2.0
/*
 * replay_main.c - runs a fuzz target over the files of folders, for builds without a fuzzer: what
 * was once found stays tested. Ends with the closing line; no file at all is a failure.
 *
 * Usage: NAME-replay FOLDER|FILE...
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned nr_replayed, nr_failed;

static void replay_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	struct stat st;
	uint8_t *data;
	size_t size;

	if (!file || fstat(fileno(file), &st) < 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		nr_failed++;
		if (file)
			(void)fclose(file);
		return;
	}
	/* Exactly as large as the input, so that sanitizers see a read beyond it. */
	data = malloc(st.st_size ? (size_t)st.st_size : 1);
	size = data ? fread(data, 1, (size_t)st.st_size, file) : 0;
	(void)fclose(file);
	if (!data || size != (size_t)st.st_size) {
		fprintf(stderr, "%s: cannot be read whole\n", path);
		nr_failed++;
	} else {
		(void)LLVMFuzzerTestOneInput(data, size); /* a failure aborts */
		nr_replayed++;
	}
	free(data);
}

static void replay(const char *path)
{
	DIR *dir = opendir(path);
	char child[PATH_MAX];
	struct dirent *entry;

	if (!dir) {
		replay_file(path);
		return;
	}
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(child, sizeof(child), "%s/%s", path, entry->d_name);
		replay_file(child);
	}
	(void)closedir(dir);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	printf("%u passed, %u failed, 0 skipped\n", nr_replayed, nr_failed);
	return nr_failed || !nr_replayed;
}
