// SPDX-License-Identifier: Apache-2.0
/*
 * file.c - reports into a file, one after another. The file never ends with half a report: not when
 * the disk is full, and not after a crash, because the next start cuts such a tail off.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "export/sink.h"
#include "sys/file.h"
#include "sys/log.h"
#include "wire/stream.h"
#include "wire/wire.h"

struct file_sink {
	const struct pf_sys *sys;
	char *path;
	int fd;
	off_t whole; /* bytes up to the end of the last whole report */
	bool made;   /* by this sink */
};

struct file_reader {
	const struct pf_sys *sys;
	int fd;
};

static ssize_t read_fd(void *arg, void *data, size_t len)
{
	const struct file_reader *reader = arg;
	ssize_t n = reader->sys->read(reader->fd, data, len);

	return n < 0 ? -errno : n;
}

static int cut_back(const struct file_sink *sink)
{
	return sink->sys->ftruncate(sink->fd, sink->whole) < 0 ? -errno : 0;
}

/* Finds the end of the last whole report. Only the first message is looked into: the rest of a long
 * file is a matter of lengths. */
static int find_end(struct file_sink *sink, char *error, size_t error_size)
{
	struct file_reader source = { sink->sys, sink->fd };
	struct pf_stream_reader reader;
	struct pf_wire_error damage = { 0 };
	int r;

	pf_stream_init(&reader, read_fd, &source, PF_WIRE_MESSAGE_MAX);
	while ((r = pf_stream_next(&reader, &damage)) == 1) {
		if (reader.nr_messages == 1 && pf_wire_scan(PF_WIRE_REPORT, reader.message.data,
							    reader.message.len, &damage) < 0) {
			r = -EBADMSG;
			break;
		}
		sink->whole = (off_t)reader.offset;
	}
	/* A first message that is cut off may as well be anything else: not ours to delete. */
	if (r == -EBADMSG && sink->whole > 0) {
		pf_log(PF_LOG_WARNING, "export",
		       "%s: from byte %lld on there is no whole report (%s); it is cut off there",
		       sink->path, (long long)sink->whole, damage.reason);
		r = cut_back(sink);
	}
	if (r < 0)
		(void)snprintf(error, error_size, "%s: %s", sink->path,
			       r == -EBADMSG ? "is there and does not hold reports; remove it or "
					       "choose another name"
					     : strerror(-r));
	pf_stream_done(&reader);
	return r;
}

static void file_close(void *arg)
{
	struct file_sink *sink = arg;

	if (!sink)
		return;
	if (sink->fd >= 0)
		(void)sink->sys->close(sink->fd); /* every report was synced */
	if (sink->made && sink->whole == 0)
		(void)sink->sys->unlinkat(AT_FDCWD, sink->path, 0); /* nothing was written */
	free(sink->path);
	free(sink);
}

static int open_fd(struct file_sink *sink, char *error, size_t error_size)
{
	const int flags = O_RDWR | O_APPEND | O_CLOEXEC;
	int fd = sink->sys->openat(AT_FDCWD, sink->path, flags | O_CREAT | O_EXCL, 0640);

	sink->made = fd >= 0;
	if (fd < 0 && errno == EEXIST)
		fd = sink->sys->openat(AT_FDCWD, sink->path, flags, 0);
	if (fd < 0) {
		int r = -errno;

		(void)snprintf(error, error_size, "%s: %s", sink->path, strerror(-r));
		return r;
	}
	sink->fd = fd;
	return 0;
}

/* A pipe has no end to be found, and reading it would wait for ever. */
static bool is_plain_file(const struct file_sink *sink)
{
	struct stat st;

	return sink->sys->fstat(sink->fd, &st) == 0 && S_ISREG(st.st_mode);
}

/* Two that append would cut each other's tails off. A file system without locks is no reason to stop. */
static int lock(struct file_sink *sink, char *error, size_t error_size)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(sink->fd, F_OFD_SETLK, &whole) == 0 || (errno != EAGAIN && errno != EACCES))
		return 0;
	(void)snprintf(error, error_size,
		       "%s: another process writes it; stop that one or name another file",
		       sink->path);
	sink->made = false; /* it is the other's */
	return -EBUSY;
}

int pf_sink_file_open(const struct pf_sys *sys, const char *path, void **ret_sink, char *error,
		      size_t error_size)
{
	struct file_sink *sink = calloc(1, sizeof(*sink));
	int r = -ENOMEM;

	if (sink) {
		*sink = (struct file_sink){ .sys = sys, .fd = -1, .path = strdup(path) };
		r = sink->path ? open_fd(sink, error, error_size) : -ENOMEM;
	}
	if (r == 0 && is_plain_file(sink))
		r = lock(sink, error, error_size);
	if (r == 0 && !sink->made && is_plain_file(sink))
		r = find_end(sink, error, error_size);
	if (r < 0) {
		if (r == -ENOMEM)
			(void)snprintf(error, error_size, "out of memory");
		file_close(sink);
		return r;
	}
	*ret_sink = sink;
	return 0;
}

static int file_write(void *arg, const struct pf_report *report, const struct pf_buf *encoded,
		      char *error, size_t error_size)
{
	struct file_sink *sink = arg;
	struct pf_buf prefix;
	int r, undo = 0;

	(void)report;
	pf_buf_init(&prefix, 16);
	r = pf_stream_prefix(&prefix, encoded->len);
	if (r == 0)
		r = pf_file_write_all(sink->sys, sink->fd, prefix.data, prefix.len);
	if (r == 0)
		r = pf_file_write_all(sink->sys, sink->fd, encoded->data, encoded->len);
	/* A pipe or a device cannot be synced, and need not be. */
	if (r == 0 && sink->sys->fsync(sink->fd) < 0 && errno != EINVAL && errno != EROFS)
		r = -errno;
	if (r == 0) {
		sink->whole += (off_t)(prefix.len + encoded->len);
	} else {
		undo = cut_back(sink);
		(void)snprintf(error, error_size, "%s: %s%s", sink->path, strerror(-r),
			       undo < 0 ? "; the half-written report could not be cut off" : "");
	}
	pf_buf_done(&prefix);
	return r;
}

const struct pf_sink_ops pf_sink_file = {
	.name = "file",
	.write = file_write,
	.close = file_close,
};
