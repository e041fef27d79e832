// SPDX-License-Identifier: Apache-2.0
#include "export/spool.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sys/file.h"

#define SUFFIX ".report.gz"

enum { NAME_LEN = 64 };

struct entry {
	uint64_t number;
	uint64_t len;
	char *data; /* in memory; NULL: in a file */
};

struct pf_spool {
	const struct pf_sys *sys;
	char *directory; /* NULL: in memory */
	int dir_fd;
	uint64_t max_bytes, next_number;
	struct entry *entries; /* ring of PF_SPOOL_ENTRIES_MAX */
	uint32_t head, nr;
	struct pf_spool_stats stats;
};

static struct entry *entry_at(const struct pf_spool *spool, uint32_t index)
{
	return &spool->entries[(spool->head + index) % PF_SPOOL_ENTRIES_MAX];
}

static void name_of(uint64_t number, char name[NAME_LEN])
{
	(void)snprintf(name, NAME_LEN, "%020" PRIu64 SUFFIX, number); /* 30 bytes */
}

static void drop_head(struct pf_spool *spool)
{
	struct entry *entry = entry_at(spool, 0);

	if (entry->data) {
		free(entry->data);
	} else {
		char name[NAME_LEN];

		name_of(entry->number, name);
		/* If it cannot be removed it is sent once more after a restart, which does no harm. */
		(void)spool->sys->unlinkat(spool->dir_fd, name, 0);
	}
	spool->stats.bytes -= entry->len;
	spool->stats.nr_entries--;
	*entry = (struct entry){ 0 };
	spool->head = (spool->head + 1) % PF_SPOOL_ENTRIES_MAX;
	spool->nr--;
}

static void append(struct pf_spool *spool, struct entry entry)
{
	*entry_at(spool, spool->nr++) = entry;
	spool->stats.nr_entries++;
	spool->stats.bytes += entry.len;
}

static int compare_numbers(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Numbers of the files that are there, sorted; half-written ones of a crash are removed. */
static int list_files(struct pf_spool *spool, uint64_t **ret_numbers, size_t *ret_nr)
{
	PF_AUTO(pf_closedirp) DIR *dir = opendir(spool->directory);
	PF_AUTO(pf_freep) uint64_t *numbers = calloc(PF_SPOOL_ENTRIES_MAX, sizeof(*numbers));
	const struct dirent *file;
	size_t nr = 0;

	if (!dir)
		return -errno;
	if (!numbers)
		return -ENOMEM;
	while ((file = readdir(dir)) != NULL && nr < PF_SPOOL_ENTRIES_MAX) {
		uint64_t number;
		int end = 0;

		if (sscanf(file->d_name, "%20" SCNu64 SUFFIX "%n", &number, &end) != 1 || !end)
			continue;
		if (!file->d_name[end])
			numbers[nr++] = number;
		else if (!strcmp(file->d_name + end, ".tmp"))
			(void)spool->sys->unlinkat(spool->dir_fd, file->d_name, 0);
	}
	qsort(numbers, nr, sizeof(*numbers), compare_numbers);
	*ret_numbers = pf_take(numbers);
	*ret_nr = nr;
	return 0;
}

static int64_t size_of(const struct pf_spool *spool, uint64_t number)
{
	char name[NAME_LEN];
	struct stat st;
	int fd;

	name_of(number, name);
	fd = spool->sys->openat(spool->dir_fd, name, O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (spool->sys->fstat(fd, &st) < 0)
		st.st_size = 0;
	(void)spool->sys->close(fd);
	return st.st_size;
}

static int adopt_files(struct pf_spool *spool)
{
	PF_AUTO(pf_freep) uint64_t *numbers = NULL;
	size_t nr = 0;
	int r = list_files(spool, &numbers, &nr);

	if (r < 0)
		return r;
	for (size_t i = 0; i < nr; i++) {
		int64_t len = size_of(spool, numbers[i]);

		if (len >= 0)
			append(spool, (struct entry){ .number = numbers[i], .len = (uint64_t)len });
		spool->next_number = numbers[i] + 1;
	}
	while (spool->nr && spool->stats.bytes > spool->max_bytes) {
		drop_head(spool);
		spool->stats.nr_dropped++;
	}
	return 0;
}

static int open_directory(struct pf_spool *spool, const char *directory)
{
	int r = pf_file_make_dirs(spool->sys, AT_FDCWD, directory, 0750);

	if (r < 0)
		return r;
	spool->directory = strdup(directory);
	if (!spool->directory)
		return -ENOMEM;
	spool->dir_fd =
		spool->sys->openat(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	if (spool->dir_fd < 0)
		return -errno;
	return adopt_files(spool);
}

int pf_spool_open(const struct pf_sys *sys, const char *directory, uint64_t max_bytes,
		  struct pf_spool **ret_spool, char *error, size_t error_size)
{
	PF_AUTO(pf_spool_freep) struct pf_spool *spool = calloc(1, sizeof(*spool));
	int r = -ENOMEM;

	if (spool) {
		spool->sys = sys;
		spool->dir_fd = -1;
		spool->max_bytes = max_bytes;
		spool->next_number = 1;
		spool->entries = calloc(PF_SPOOL_ENTRIES_MAX, sizeof(*spool->entries));
		r = spool->entries ? 0 : -ENOMEM;
	}
	if (r == 0 && directory)
		r = open_directory(spool, directory);
	if (r < 0) {
		(void)snprintf(error, error_size, "spool %s: %s", directory ? directory : "",
			       strerror(-r));
		return r;
	}
	*ret_spool = pf_take(spool);
	return 0;
}

void pf_spool_free(struct pf_spool *spool)
{
	if (!spool)
		return;
	for (uint32_t i = 0; i < spool->nr; i++)
		free(entry_at(spool, i)->data);
	if (spool->dir_fd >= 0)
		(void)spool->sys->close(spool->dir_fd); /* read only */
	free(spool->entries);
	free(spool->directory);
	free(spool);
}

static int store(struct pf_spool *spool, const void *data, size_t len, struct entry *entry)
{
	char name[NAME_LEN];

	if (spool->directory) {
		name_of(entry->number, name);
		return pf_file_write_atomic(spool->sys, spool->dir_fd, name, data, len, 0640);
	}
	entry->data = malloc(len ? len : 1);
	if (!entry->data)
		return -ENOMEM;
	memcpy(entry->data, data, len);
	return 0;
}

int pf_spool_put(struct pf_spool *spool, const void *data, size_t len)
{
	struct entry entry = { .number = spool->next_number, .len = len };
	int r;

	if (len > spool->max_bytes)
		return -EFBIG;
	while (spool->nr &&
	       (spool->stats.bytes + len > spool->max_bytes || spool->nr == PF_SPOOL_ENTRIES_MAX)) {
		drop_head(spool);
		spool->stats.nr_dropped++;
	}
	r = store(spool, data, len, &entry);
	if (r < 0)
		return r;
	spool->next_number++;
	append(spool, entry);
	return 0;
}

int pf_spool_peek(struct pf_spool *spool, struct pf_buf *out, uint64_t *ret_number)
{
	while (spool->nr) {
		const struct entry *entry = entry_at(spool, 0);
		char name[NAME_LEN];
		int r;

		if (entry->data) {
			r = pf_buf_add(out, entry->data, entry->len);
		} else {
			name_of(entry->number, name);
			r = pf_file_read(spool->sys, spool->dir_fd, name, out);
		}
		if (r == -ENOMEM || r == -EMFILE || r == -ENFILE)
			return r; /* not the entry's fault */
		if (r == 0) {
			*ret_number = entry->number;
			return 0;
		}
		spool->stats.nr_unreadable++;
		drop_head(spool);
	}
	return -ENODATA;
}

void pf_spool_pop(struct pf_spool *spool, uint64_t number)
{
	if (spool->nr && entry_at(spool, 0)->number == number)
		drop_head(spool);
}

struct pf_spool_stats pf_spool_get_stats(const struct pf_spool *spool)
{
	return spool->stats;
}
