// SPDX-License-Identifier: Apache-2.0
#include "ctl/source.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/progress.h"
#include "wire/stream.h"
#include "wire/wire.h"

enum { NODES_MAX = 10000, FILES_MAX = 10000 };

/* The newest report of one node, as it came: what it was read from may be a pipe. */
struct found {
	char *message;
	size_t len;
	uint64_t end_unix_ns, sequence;
	char *cluster, *node;
};

struct search {
	struct found *found;
	size_t nr;
	char *error;
	size_t error_size;
	bool damaged;
};

enum pf_ctl_source_kind pf_ctl_source_kind(const char *from)
{
	struct stat st;

	if (strstr(from, "://"))
		return PF_CTL_URL;
	if (!strcmp(from, "-") ||
	    (stat(from, &st) == 0 &&
	     (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) || S_ISFIFO(st.st_mode))))
		return PF_CTL_FILE;
	return PF_CTL_SOCKET;
}

static ssize_t read_fd(void *arg, void *data, size_t len)
{
	const int *fd = arg;
	ssize_t n;

	do {
		n = read(*fd, data, len);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static struct found *entry_of(struct search *search, const struct pf_report *report)
{
	struct found *more;

	for (size_t i = 0; i < search->nr; i++)
		if (!strcmp(search->found[i].node, report->node) &&
		    !strcmp(search->found[i].cluster, report->cluster))
			return &search->found[i];
	if (search->nr == NODES_MAX)
		return NULL;
	more = realloc(search->found, (search->nr + 1) * sizeof(*more));
	if (!more)
		return NULL;
	search->found = more;
	more += search->nr;
	*more = (struct found){ .cluster = strdup(report->cluster), .node = strdup(report->node) };
	search->nr++;
	return more->cluster && more->node ? more : NULL;
}

static int note(struct search *search, const struct pf_buf *message, const struct pf_report *report)
{
	struct found *found = entry_of(search, report);
	char *copy;

	if (!found)
		return -ENOMEM;
	if (found->message &&
	    (found->end_unix_ns > report->end_unix_ns ||
	     (found->end_unix_ns == report->end_unix_ns && found->sequence > report->sequence)))
		return 0;
	copy = malloc(message->len + 1); /* never of no bytes, which may give NULL */
	if (!copy)
		return -ENOMEM;
	memcpy(copy, message->data, message->len);
	free(found->message);
	found->message = copy;
	found->len = message->len;
	found->end_unix_ns = report->end_unix_ns;
	found->sequence = report->sequence;
	return 0;
}

static int fail(struct search *search, const char *path, int r)
{
	(void)snprintf(search->error, search->error_size, "%s: %s", path, strerror(-r));
	return PF_EXIT_FAILED;
}

static int search_stream(struct search *search, const char *path, int fd)
{
	struct pf_stream_reader reader;
	struct pf_wire_error error = { 0 };
	struct pf_arena arena;
	int r;

	pf_arena_init(&arena, PF_WIRE_MEMORY_MAX);
	pf_stream_init(&reader, read_fd, &fd, PF_WIRE_MESSAGE_MAX);
	while ((r = pf_stream_next(&reader, &error)) == 1) {
		struct pf_report report;

		pf_arena_reset(&arena);
		r = pf_wire_decode_report(reader.message.data, reader.message.len, &arena, &report,
					  &error);
		if (r < 0) {
			error.offset += reader.message_offset;
			break;
		}
		r = note(search, &reader.message, &report);
		if (r < 0)
			break;
	}
	if (r == -EBADMSG || r == -EPROTONOSUPPORT || (r == -ENOSPC && error.reason[0])) {
		(void)snprintf(search->error, search->error_size, "%s: byte %zu: %s", path,
			       error.offset, error.reason);
		search->damaged = true;
		r = 0;
	}
	pf_stream_done(&reader);
	pf_arena_done(&arena);
	return r < 0 ? fail(search, path, r) : PF_EXIT_OK;
}

static int search_file(struct search *search, const char *path)
{
	PF_AUTO(pf_closep) int fd = -1;

	if (!strcmp(path, "-"))
		return search_stream(search, "standard input", STDIN_FILENO);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail(search, path, -errno);
	return search_stream(search, path, fd);
}

static int search_directory(struct search *search, const char *path)
{
	PF_AUTO(pf_closedirp) DIR *dir = opendir(path);
	const struct dirent *entry;
	size_t nr = 0;

	if (!dir)
		return fail(search, path, -errno);
	while ((entry = readdir(dir)) != NULL && nr < FILES_MAX) {
		const char *dot = strrchr(entry->d_name, '.');
		char file[4096];
		int code;

		if (!dot || strcmp(dot, ".pb") ||
		    snprintf(file, sizeof(file), "%s/%s", path, entry->d_name) >= (int)sizeof(file))
			continue;
		nr++;
		pf_progress_say("%s: file %zu, reports of %zu nodes so far", path, nr, search->nr);
		code = search_file(search, file);
		if (code != PF_EXIT_OK)
			return code;
	}
	if (nr)
		return PF_EXIT_OK;
	(void)snprintf(search->error, search->error_size, "%s: no *.pb file in it", path);
	return PF_EXIT_FAILED;
}

static void search_done(struct search *search)
{
	for (size_t i = 0; i < search->nr; i++) {
		free(search->found[i].message);
		free(search->found[i].cluster);
		free(search->found[i].node);
	}
	free(search->found);
}

static int load_all(struct search *search, const char *path, struct pf_ctl_reports *reports)
{
	for (size_t i = 0; i < search->nr; i++) {
		struct pf_wire_error error = { 0 };
		int r = pf_wire_decode_report(search->found[i].message, search->found[i].len,
					      &reports->arena, &reports->reports[i], &error);

		if (r < 0)
			return fail(search, path, r);
		reports->nr_reports++;
	}
	return PF_EXIT_OK;
}

int pf_ctl_read_files(const char *path, struct pf_ctl_reports *ret_reports, char *error,
		      size_t error_size)
{
	struct search search = { .error = error, .error_size = error_size };
	struct pf_ctl_reports reports = { 0 };
	struct stat st;
	int code;

	error[0] = '\0';
	pf_arena_init(&reports.arena, PF_WIRE_MEMORY_MAX);
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		code = search_directory(&search, path);
		pf_progress_end();
	} else {
		code = search_file(&search, path);
	}
	if (code == PF_EXIT_OK && !search.nr && !search.damaged) {
		(void)snprintf(error, error_size, "%s: there is no report in it", path);
		code = PF_EXIT_DAMAGED;
	}
	if (code == PF_EXIT_OK) {
		reports.reports =
			pf_arena_array(&reports.arena, search.nr, sizeof(*reports.reports));
		code = reports.reports ? load_all(&search, path, &reports)
				       : fail(&search, path, reports.arena.err);
	}
	if (code == PF_EXIT_OK && search.damaged)
		code = PF_EXIT_DAMAGED;
	search_done(&search);
	*ret_reports = reports;
	return code;
}

int pf_ctl_read_agent(struct pf_client *client, const char *page,
		      struct pf_ctl_reports *ret_reports, char *error, size_t error_size)
{
	struct pf_ctl_reports reports = { 0 };
	struct pf_wire_error damage = { 0 };
	struct pf_buf body;
	int r;

	pf_arena_init(&reports.arena, PF_WIRE_MEMORY_MAX);
	pf_buf_init(&body, PF_WIRE_MESSAGE_MAX);
	r = pf_client_get(client, page, "application/x-protobuf", &body, error, error_size);
	if (r == 0) {
		reports.reports = pf_arena_alloc(&reports.arena, sizeof(*reports.reports));
		r = reports.reports
			    ? pf_wire_decode_report(body.data ? body.data : "", body.len,
						    &reports.arena, reports.reports, &damage)
			    : -ENOMEM;
		if (r < 0)
			(void)snprintf(error, error_size, "the answer: %s",
				       damage.reason[0] ? damage.reason : strerror(-r));
		reports.nr_reports = r == 0;
	}
	pf_buf_done(&body);
	if (r < 0) {
		pf_ctl_reports_done(&reports);
		return damage.reason[0] ? PF_EXIT_DAMAGED : PF_EXIT_FAILED;
	}
	*ret_reports = reports;
	return PF_EXIT_OK;
}

void pf_ctl_reports_done(struct pf_ctl_reports *reports)
{
	pf_arena_done(&reports->arena);
	reports->reports = NULL;
	reports->nr_reports = 0;
}
