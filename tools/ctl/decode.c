// SPDX-License-Identifier: Apache-2.0
/*
 * decode.c - podfit decode: any report file or stream as JSON lines or text. Of a damaged one all
 * that comes before the damage, and then the byte where it breaks.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "wire/stream.h"
#include "wire/wire.h"

static const char help[] =
	"usage: podfit decode [-o json|text] [FILE ...]\n\n"
	"Prints reports (podfit-agent --export.file, the body of POST /v1/reports, the answer of\n"
	"GET /v1/report). Without FILE, or for -, standard input.\n\n"
	"  -o, --output=json|text   json: one line a report (default); text: one line a field\n"
	"      --bare               the input is one message without its length before it\n"
	"      --help\n\n"
	"A damaged file: what comes before the damage is printed, the byte and the reason go to\n"
	"standard error, exit code 5.\n";

struct decode {
	bool text;
	bool bare;
	const char *path;
	struct pf_arena arena;
	struct pf_buf out;
};

static ssize_t read_fd(void *arg, void *data, size_t len)
{
	const int *fd = arg;
	ssize_t n;

	do {
		n = read(*fd, data, len);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static int damaged(const struct decode *decode, uint64_t offset, const char *reason)
{
	fprintf(stderr, "podfit decode: %s: byte %llu: %s\n", decode->path,
		(unsigned long long)offset, reason);
	return PF_EXIT_DAMAGED;
}

static int print_message(struct decode *decode, const struct pf_buf *message, uint64_t offset)
{
	struct pf_wire_error error = { 0 };
	int r;

	pf_buf_reset(&decode->out);
	pf_arena_reset(&decode->arena);
	if (decode->text)
		r = pf_wire_text(PF_WIRE_REPORT, message->data, message->len, &decode->arena,
				 &decode->out, &error);
	else
		r = pf_wire_json(PF_WIRE_REPORT, message->data, message->len, &decode->arena,
				 &decode->out, &error);
	if (r == 0) {
		/* The schema alone does not see a bucket beyond the last: decode it in full too. */
		struct pf_report report;

		pf_arena_reset(&decode->arena);
		r = pf_wire_decode_report(message->data, message->len, &decode->arena, &report,
					  &error);
	}
	if (r == -EBADMSG || r == -EPROTONOSUPPORT || r == -ENOSPC)
		return damaged(decode, offset + error.offset, error.reason);
	if (r < 0) {
		fprintf(stderr, "podfit decode: %s: %s\n", decode->path, strerror(-r));
		return PF_EXIT_FAILED;
	}
	if (decode->text && offset > 0 && decode->out.len)
		printf("# report at byte %llu\n", (unsigned long long)offset);
	if (decode->out.len)
		(void)fwrite(decode->out.data, 1, decode->out.len, stdout); /* main() flushes */
	return PF_EXIT_OK;
}

static int read_stream(struct decode *decode, int fd)
{
	struct pf_wire_error error = { 0 };
	struct pf_stream_reader reader;
	int r, code = PF_EXIT_OK;

	pf_stream_init(&reader, read_fd, &fd, PF_WIRE_MESSAGE_MAX);
	while (code == PF_EXIT_OK && (r = pf_stream_next(&reader, &error)) != 0) {
		if (r == 1) {
			code = print_message(decode, &reader.message, reader.message_offset);
		} else if (r == -EBADMSG) {
			code = damaged(decode, error.offset, error.reason);
		} else {
			fprintf(stderr, "podfit decode: %s: %s\n", decode->path, strerror(-r));
			code = PF_EXIT_FAILED;
		}
	}
	if (code == PF_EXIT_OK && !reader.nr_messages)
		code = damaged(decode, 0, "empty, there is no report in it");
	pf_stream_done(&reader);
	return code;
}

static int read_bare(struct decode *decode, int fd)
{
	enum { STEP = 64 << 10 };
	struct pf_buf message;
	int code;

	pf_buf_init(&message, PF_WIRE_MESSAGE_MAX);
	for (;;) {
		char *place;
		ssize_t n = pf_buf_reserve(&message, STEP, &place);

		if (n == 0)
			n = read_fd(&fd, place, STEP);
		if (n < 0) {
			fprintf(stderr, "podfit decode: %s: %s\n", decode->path, strerror((int)-n));
			pf_buf_done(&message);
			return PF_EXIT_FAILED;
		}
		if (n == 0)
			break;
		message.len += (size_t)n;
	}
	code = print_message(decode, &message, 0);
	pf_buf_done(&message);
	return code;
}

static int decode_path(struct decode *decode, const char *path)
{
	bool is_stdin = !strcmp(path, "-");
	PF_AUTO(pf_closep) int fd = is_stdin ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);

	decode->path = is_stdin ? "standard input" : path;
	if (fd < 0) {
		fprintf(stderr, "podfit decode: %s: %s\n", decode->path, strerror(errno));
		return PF_EXIT_FAILED;
	}
	return decode->bare ? read_bare(decode, fd) : read_stream(decode, fd);
}

static int parse(int argc, char **argv, struct decode *decode, bool *ret_help)
{
	static const struct option options[] = { { "output", required_argument, NULL, 'o' },
						 { "bare", no_argument, NULL, 'b' },
						 { "help", no_argument, NULL, 'h' },
						 { 0 } };
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "o:h", options, NULL)) != -1) {
		if (c == 'h')
			*ret_help = true;
		else if (c == 'b')
			decode->bare = true;
		else if (c == 'o' && !strcmp(optarg, "text"))
			decode->text = true;
		else if (c == 'o' && !strcmp(optarg, "json"))
			decode->text = false;
		else if (c == 'o')
			return pf_ctl_usage("decode", "-o %s: not json or text", optarg);
		else
			return pf_ctl_usage("decode", "%s: no such flag, or its value is missing",
					    argv[optind - 1]);
	}
	return PF_EXIT_OK;
}

int pf_ctl_decode(int argc, char **argv)
{
	struct decode decode = { 0 };
	bool want_help = false;
	int code = parse(argc, argv, &decode, &want_help);

	if (want_help && code == PF_EXIT_OK) {
		fputs(help, stdout);
		return PF_EXIT_OK;
	}
	pf_arena_init(&decode.arena, PF_WIRE_MEMORY_MAX);
	pf_buf_init(&decode.out, PF_WIRE_MEMORY_MAX);
	if (code == PF_EXIT_OK && optind == argc)
		code = decode_path(&decode, "-");
	for (int i = optind; i < argc && code == PF_EXIT_OK; i++)
		code = decode_path(&decode, argv[i]);
	pf_buf_done(&decode.out);
	pf_arena_done(&decode.arena);
	return code;
}
