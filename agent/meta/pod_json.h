/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod_json.h - reads a PodList, a stream of watch events, or one object, piece by piece, into pods.
 *
 * Nothing but the pod that is being read is kept, so memory does not grow with the list. Everything
 * podfit does not use is skipped unseen. Source: the Kubernetes API's Pod, PodList, WatchEvent and
 * Status (v1) as recorded from 1.36.2.
 */
#ifndef PF_META_POD_JSON_H
#define PF_META_POD_JSON_H

#include "meta/pod.h"

enum pf_pod_json_mode {
	PF_POD_JSON_LIST,   /* PodList, or a Status */
	PF_POD_JSON_WATCH,  /* {"type": ..., "object": ...} one after another */
	PF_POD_JSON_OBJECT, /* any one object, of which metadata is wanted; or a Status */
};

enum pf_watch_event {
	PF_WATCH_UNKNOWN,
	PF_WATCH_ADDED,
	PF_WATCH_MODIFIED,
	PF_WATCH_DELETED,
	PF_WATCH_BOOKMARK, /* only the resource version counts */
	PF_WATCH_ERROR,	   /* see info.status_* */
};

/* What stood beside the pods. */
struct pf_pod_json_info {
	char resource_version[64]; /* of the list, or of the newest object or bookmark of a watch */
	char continue_token[4096]; /* "": this was the last page */
	char status_message[256], status_reason[64];
	uint32_t status_code; /* 0: none */
	uint64_t nr_pods;
	uint64_t nr_bad_values;	     /* quantities, times that were not understood */
	uint64_t nr_lost_containers; /* beyond PF_POD_CONTAINERS_MAX */
	uint64_t nr_lost_pods; /* larger than a pod can be, or without uid, name or namespace */
	uint64_t nr_cut_strings;
};

struct pf_pod_json_opts {
	enum pf_pod_json_mode mode;
	/* Keys of labels and annotations to keep, NULL-terminated; "prefix/" followed by '*' takes
	 * all that begin so. Borrowed. */
	const char *const *labels;
	const char *const *annotations;
	/* Called for each item of a list and each event of a watch; @pod is borrowed until it
	 * returns and NULL in events without a pod. */
	void (*pod)(void *arg, enum pf_watch_event event, const struct pf_pod *pod);
	void *arg;
};

struct pf_pod_json;

PF_MUST_CHECK int pf_pod_json_new(const struct pf_pod_json_opts *opts,
				  struct pf_pod_json **ret_parser);
void pf_pod_json_free(struct pf_pod_json *parser); /* accepts NULL */
PF_DEFINE_AUTO(struct pf_pod_json *, pf_pod_json_free);

/** pf_pod_json_feed() - the next piece. Return: 0; -EBADMSG: not JSON, see pf_pod_json_error();
 * stays so. */
PF_MUST_CHECK int pf_pod_json_feed(struct pf_pod_json *parser, const void *data, size_t len);

/** pf_pod_json_finish() - the text has ended. Return: 0; -EBADMSG: it was cut off, or not JSON. */
PF_MUST_CHECK int pf_pod_json_finish(struct pf_pod_json *parser);

/** pf_pod_json_error() - what was wrong and at which byte; "" while nothing was. */
const char *pf_pod_json_error(const struct pf_pod_json *parser);

const struct pf_pod_json_info *pf_pod_json_info(const struct pf_pod_json *parser);

#endif
