/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reader.h - one GET whose answer is read as pods while it comes; what the sources share.
 */
#ifndef PF_META_READER_H
#define PF_META_READER_H

#include "meta/pod_json.h"
#include "meta/source.h"
#include "sys/http_client.h"

struct pf_reader;

struct pf_read_result {
	int err;     /* of pf_http_result, or -EBADMSG: the answer is not what it should be */
	long status; /* HTTP; 0: none came */
	uint64_t retry_after_ns;
	uint64_t nr_bytes;
	/* Beside the pods; of an error status, the Status object's own. */
	const struct pf_pod_json_info *info;
	const char *error; /* in words; "" if err is 0 and status 200 */
};

struct pf_reader_opts {
	const struct pf_meta_source_opts *with; /* labels and annotations; borrowed */
	/* For each pod or event, with the info as it is then. Not called for answers other than
	 * 200. */
	void (*pod)(void *arg, enum pf_watch_event event, const struct pf_pod *pod,
		    const struct pf_pod_json_info *info);
	/* The answer has ended; the next read may be started from within. @result is borrowed
	 * until then. */
	void (*done)(void *arg, const struct pf_read_result *result);
	void *arg;
};

struct pf_read {
	const char *url;
	const char *accept; /* NULL: application/json */
	enum pf_pod_json_mode mode;
	uint64_t total_ns, silence_ns,
		max_body; /* see struct pf_http_call_opts; all needed but silence */
};

/** pf_reader_new() - @server: its strings are copied. Return: 0; -ENOMEM; -errno. */
PF_MUST_CHECK int pf_reader_new(struct pf_loop *loop, const struct pf_meta_server *server,
				const struct pf_reader_opts *opts, struct pf_reader **ret_reader);
void pf_reader_free(struct pf_reader *reader); /* accepts NULL; ends a read without done */
PF_DEFINE_AUTO(struct pf_reader *, pf_reader_free);

/** pf_reader_start() - one at a time. Return: 0; -EBUSY; -ENOMEM; -EINVAL; -errno of the token
 * file. */
PF_MUST_CHECK int pf_reader_start(struct pf_reader *reader, const struct pf_read *read);

/** pf_reader_busy() - whether a read is under way. */
bool pf_reader_busy(const struct pf_reader *reader);

#endif
