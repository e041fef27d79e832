// SPDX-License-Identifier: Apache-2.0
#include "meta/reader.h"

#include <errno.h>
#include <string.h>

struct pf_reader {
	struct pf_reader_opts opts;
	struct pf_http *http;
	struct pf_http_call *call;
	struct pf_pod_json *parser; /* made at the first byte; kept after the read for its info */
	enum pf_pod_json_mode mode;
	bool wanted; /* status 200: pods are handed on */
	char error[512];
};

int pf_reader_new(struct pf_loop *loop, const struct pf_meta_server *server,
		  const struct pf_reader_opts *opts, struct pf_reader **ret_reader)
{
	struct pf_http_opts http_opts = { .ca_file = server->ca_file,
					  .token_file = server->token_file,
					  .cert_file = server->cert_file,
					  .key_file = server->key_file,
					  .insecure = server->insecure };
	PF_AUTO(pf_reader_freep) struct pf_reader *reader = calloc(1, sizeof(*reader));
	int r;

	if (!reader)
		return -ENOMEM;
	reader->opts = *opts;
	r = pf_http_new(loop, &http_opts, &reader->http);
	if (r < 0)
		return r;
	*ret_reader = pf_take(reader);
	return 0;
}

void pf_reader_free(struct pf_reader *reader)
{
	if (!reader)
		return;
	pf_http_free(reader->http);
	pf_pod_json_free(reader->parser);
	free(reader);
}

static void on_pod(void *arg, enum pf_watch_event event, const struct pf_pod *pod)
{
	struct pf_reader *reader = arg;

	if (reader->wanted)
		reader->opts.pod(reader->opts.arg, event, pod, pf_pod_json_info(reader->parser));
}

static int on_body(void *arg, long status, const void *data, size_t len)
{
	struct pf_reader *reader = arg;
	int r;

	if (!reader->parser) {
		struct pf_pod_json_opts opts = { .mode = reader->mode,
						 .labels = reader->opts.with->labels,
						 .annotations = reader->opts.with->annotations,
						 .pod = on_pod,
						 .arg = reader };

		/* Errors are told by one Status, whatever was asked for: it is read as a list
		 * without items. */
		reader->wanted = status == 200;
		if (!reader->wanted)
			opts.mode = reader->mode = PF_POD_JSON_LIST;
		r = pf_pod_json_new(&opts, &reader->parser);
		if (r < 0)
			return r;
	}
	r = pf_pod_json_feed(reader->parser, data, len);
	/* An error's page need not be JSON; its status says enough. */
	return reader->wanted ? r : 0;
}

static void describe(struct pf_reader *reader, struct pf_read_result *result, const char *error)
{
	const struct pf_pod_json_info *info = result->info;

	if (result->err == -EBADMSG && reader->parser)
		snprintf(reader->error, sizeof(reader->error), "not JSON: %s",
			 pf_pod_json_error(reader->parser));
	else if (result->err)
		snprintf(reader->error, sizeof(reader->error), "%s", error);
	else
		snprintf(reader->error, sizeof(reader->error), "HTTP %ld%s%s", result->status,
			 *info->status_message ? ": " : "", info->status_message);
	result->error = reader->error;
}

static void on_done(void *arg, const struct pf_http_result *http)
{
	static const struct pf_pod_json_info none = { .nr_pods = 0 };
	struct pf_reader *reader = arg;
	struct pf_read_result result = { .err = http->err,
					 .status = http->status,
					 .retry_after_ns = http->retry_after_ns,
					 .nr_bytes = http->nr_bytes,
					 .info = &none,
					 .error = "" };

	reader->call = NULL;
	if (reader->parser)
		result.info = pf_pod_json_info(reader->parser);
	if (!result.err && result.status == 200 && reader->mode != PF_POD_JSON_WATCH)
		result.err = reader->parser ? pf_pod_json_finish(reader->parser) : -EBADMSG;
	if (result.err || result.status != 200)
		describe(reader, &result, http->err ? http->error : "the answer is empty");
	reader->opts.done(reader->opts.arg, &result);
}

int pf_reader_start(struct pf_reader *reader, const struct pf_read *read)
{
	char accept[128];
	const char *headers[] = { accept, NULL };
	struct pf_http_call_opts request = { .method = "GET",
					     .url = read->url,
					     .headers = headers,
					     .total_ns = read->total_ns,
					     .silence_ns = read->silence_ns,
					     .max_body = read->max_body,
					     .on_body = on_body,
					     .on_done = on_done,
					     .arg = reader };

	if (reader->call)
		return -EBUSY;
	snprintf(accept, sizeof(accept), "Accept: %s",
		 read->accept ? read->accept : "application/json");
	pf_pod_json_free(reader->parser);
	reader->parser = NULL;
	reader->mode = read->mode;
	return pf_http_start(reader->http, &request, &reader->call);
}

bool pf_reader_busy(const struct pf_reader *reader)
{
	return reader->call;
}
