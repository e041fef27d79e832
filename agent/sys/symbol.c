// SPDX-License-Identifier: Apache-2.0
/*
 * symbol.c - which mapping an address belongs to, and who knows its name.
 */
#include "sys/symbol.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/perf_map.h"
#include "sys/symbol_elf.h"

enum {
	LINE_BYTES = 4352, /* a line of maps: a path and some numbers */
	CRC_BYTES_MAX =
		32
		<< 20, /* read in one call to tell files of symbols by their checksum: some 30 ms */
};

/* The mapping of one address. */
struct place {
	uint64_t start, end, offset; /* of the mapping; end 0: in none */
	unsigned long inode;
	unsigned major, minor;
	char path[PF_SYMBOL_MODULE_MAX * 4];
	bool done;
};

/* One call of pf_symbolize(). */
struct job {
	const char *proc_root;
	uint32_t pid;
	const uint64_t *addresses;
	const bool *is_return;
	size_t nr;
	struct place *places;
	struct pf_symbol *symbols;
	uint64_t *crc_left;
};

static uint64_t lookup_address(const struct job *job, size_t i)
{
	return job->addresses[i] - (job->is_return && job->is_return[i]);
}

/* START-END PERM OFFSET MAJOR:MINOR INODE PATH */
static bool parse_mapping(const char *line, struct place *ret_place)
{
	struct place p = { 0 };
	int path_at = 0;

	if (sscanf(line, "%lx-%lx %*4s %lx %x:%x %lu %n", &p.start, &p.end, &p.offset, &p.major,
		   &p.minor, &p.inode, &path_at) < 6)
		return false;
	snprintf(p.path, sizeof(p.path), "%s", path_at ? line + path_at : "");
	p.path[strcspn(p.path, "\n")] = '\0';
	*ret_place = p;
	return true;
}

static int find_places(const struct job *job)
{
	PF_AUTO(pf_fclosep) FILE *maps = NULL;
	char line[LINE_BYTES];
	struct place place;

	snprintf(line, sizeof(line), "%s/%u/maps", job->proc_root, job->pid);
	maps = fopen(line, "re");
	if (!maps)
		return -errno;
	errno = 0;
	while (fgets(line, sizeof(line), maps)) {
		if (!parse_mapping(line, &place))
			continue; /* the rest of an overlong line */
		for (size_t i = 0; i < job->nr; i++) {
			uint64_t address = lookup_address(job, i);

			if (address >= place.start && address < place.end)
				job->places[i] = place;
		}
	}
	return ferror(maps) && errno ? -errno : 0;
}

/* Opens @path as the process sees it: symbolic links are followed inside its root only. */
static int open_in_root(const void *arg, const char *path)
{
	const struct job *job = arg;
	PF_AUTO(pf_closep) int root = -1;
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_IN_ROOT,
	};
	char name[64];
	struct stat st;
	int fd;

	snprintf(name, sizeof(name), "%s/%u/root", job->proc_root, job->pid);
	root = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return -errno;
	fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		(void)close(fd); /* nothing was written */
		return -EINVAL;
	}
	return fd;
}

/* A mapped file that was deleted or replaced can still be opened through its mapping. */
static int open_mapped(const struct job *job, const struct place *place)
{
	char name[128];
	int fd = -ENOENT;

	if (!strstr(place->path, " (deleted)"))
		fd = open_in_root(job, place->path);
	if (fd >= 0)
		return fd;
	snprintf(name, sizeof(name), "%s/%u/map_files/%lx-%lx", job->proc_root, job->pid,
		 place->start, place->end);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* The end of a path that is too long says more than its beginning. */
static void set_module(struct pf_symbol *symbol, const char *path)
{
	size_t len = strlen(path), max = sizeof(symbol->module) - 1;

	snprintf(symbol->module, sizeof(symbol->module), "%s", path + (len > max ? len - max : 0));
}

static bool same_file(const struct place *a, const struct place *b)
{
	return a->inode == b->inode && a->major == b->major && a->minor == b->minor &&
	       !strcmp(a->path, b->path);
}

/* All addresses in the file that address @first is in. */
static void name_in_file(const struct job *job, size_t first)
{
	PF_AUTO(pf_closep) int fd = open_mapped(job, &job->places[first]);
	struct pf_symbol_query queries[PF_SYMBOLS_MAX];
	size_t nr = 0;

	for (size_t i = first; i < job->nr; i++) {
		struct place *p = &job->places[i];

		if (!p->end || p->done || !same_file(p, &job->places[first]))
			continue;
		p->done = i != first; /* the first one is what others are compared with */
		job->symbols[i].offset = job->addresses[i] - p->start + p->offset;
		set_module(&job->symbols[i], p->path);
		queries[nr++] = (struct pf_symbol_query){
			.file_offset = job->symbols[i].offset,
			.back = job->addresses[i] - lookup_address(job, i),
			.symbol = &job->symbols[i],
		};
	}
	job->places[first].done = true;
	if (fd >= 0)
		pf_symbol_elf(fd, job->places[first].path, open_in_root, job, queries, nr,
			      job->crc_left);
}

/* The pid as the process itself sees it: perf maps are named by it. */
static uint32_t own_pid(const struct job *job)
{
	PF_AUTO(pf_fclosep) FILE *status = NULL;
	char line[256];
	uint32_t pid = job->pid;

	snprintf(line, sizeof(line), "%s/%u/status", job->proc_root, job->pid);
	status = fopen(line, "re");
	while (status && fgets(line, sizeof(line), status)) {
		if (strncmp(line, "NSpid:", 6) != 0)
			continue;
		/* one number for each nested namespace: the last is the innermost */
		for (char *c = line + 6, *end; *c; c = end) {
			unsigned long value = strtoul(c, &end, 10);

			if (end == c)
				break;
			pid = (uint32_t)value;
		}
	}
	return pid;
}

/* What just-in-time compilers write for perf. */
static void name_from_perf_map(const struct job *job)
{
	PF_AUTO(pf_fclosep) FILE *map = NULL;
	struct pf_perf_query queries[PF_SYMBOLS_MAX];
	size_t nr = 0;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/tmp/perf-%u.map", own_pid(job));
	fd = open_in_root(job, path);
	if (fd < 0)
		return;
	map = fdopen(fd, "r");
	if (!map) {
		(void)close(fd); /* nothing was written */
		return;
	}
	for (size_t i = 0; i < job->nr; i++)
		if (!job->places[i].inode && job->places[i].end)
			queries[nr++] = (struct pf_perf_query){
				.address = job->addresses[i],
				.back = job->addresses[i] - lookup_address(job, i),
				.symbol = &job->symbols[i],
			};
	pf_perf_map(map, queries, nr);
}

static void name_all(const struct job *job)
{
	bool jit = false;

	for (size_t i = 0; i < job->nr; i++) {
		struct place *p = &job->places[i];

		if (!p->end) {
			job->symbols[i].offset = job->addresses[i];
		} else if (p->inode) {
			if (!p->done)
				name_in_file(job, i);
		} else {
			/* "[vdso]", "[stack]"; memory without a name is where compilers put code. */
			set_module(&job->symbols[i], p->path[0] == '[' ? p->path : "[jit]");
			job->symbols[i].offset = job->addresses[i] - p->start;
			jit = true;
		}
	}
	if (jit)
		name_from_perf_map(job);
}

int pf_symbolize(const char *proc_root, uint32_t pid, const uint64_t *addresses,
		 const bool *is_return, size_t nr, struct pf_symbol *ret_symbols)
{
	PF_AUTO(pf_freep) struct place *places = NULL;
	uint64_t crc_left = CRC_BYTES_MAX;
	struct job job = {
		.proc_root = proc_root,
		.pid = pid,
		.addresses = addresses,
		.is_return = is_return,
		.nr = PF_MIN(nr, (size_t)PF_SYMBOLS_MAX),
		.symbols = ret_symbols,
		.crc_left = &crc_left,
	};
	int err;

	places = calloc(PF_MAX(1, job.nr), sizeof(*places));
	if (!places)
		return -ENOMEM;
	job.places = places;
	err = find_places(&job);
	if (err < 0)
		return err;
	memset(ret_symbols, 0, nr * sizeof(*ret_symbols));
	name_all(&job);
	return 0;
}
