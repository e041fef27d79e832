/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source.h - a place that knows the pods of this node: API server, kubelet, or log folder.
 *
 * A source works on the loop, puts pods into the map, and never blocks. One is open at a time.
 */
#ifndef PF_META_SOURCE_H
#define PF_META_SOURCE_H

#include "meta/podmap.h"
#include "sys/loop.h"

/* How to reach a server. NULL: not given. Files are read again for each request. */
struct pf_meta_server {
	const char *url;	/* "https://host:port" */
	const char *ca_file;	/* PEM; NULL: the system's */
	const char *token_file; /* bearer token */
	const char *cert_file, *key_file;
	bool insecure; /* do not verify the server's certificate */
};

struct pf_meta_source_opts {
	const char *node_name; /* spec.nodeName of the pods wanted */
	struct pf_meta_server apiserver, kubelet;
	uint64_t kubelet_interval_ns; /* between two looks; unknown cgroups make it look sooner */
	bool resolve_owners;	      /* apiserver: ask for ReplicaSets and Jobs */
	bool hpa;		      /* ask it for HorizontalPodAutoscalers (meta/hpa.h) */
	const char *pod_logs;	      /* none: "/var/log", which has pods/ and containers/ */
	const char *const *labels;    /* to carry along, see pod_json.h */
	const char *const *annotations;
	uint32_t max_pods;
};

enum pf_meta_health {
	PF_META_STARTING, /* nothing heard yet */
	PF_META_SYNCED,
	PF_META_STALE,	/* was heard, is not any more: names are those from then */
	PF_META_DENIED, /* the server refuses: 401 or 403 */
};

struct pf_meta_status {
	const char *source; /* in use: "apiserver", "kubelet", "none" */
	enum pf_meta_health health;
	bool ready;	   /* names are known, or none will ever be */
	const char *state; /* one sentence, such as "watching, 41 pods" */
	uint64_t heard_ns; /* CLOCK_MONOTONIC of the last good answer; 0: never */
	uint64_t nr_requests, nr_lists, nr_watches, nr_events;
	uint64_t nr_errors, nr_denied, nr_expired,
		nr_malformed; /* denied: 401, 403; expired: 410 */
	uint64_t nr_bad_values, nr_lost_pods, nr_lost_containers; /* see struct pf_pod_json_info */
	uint64_t nr_bytes;
	struct pf_podmap_stats map;
};

enum pf_meta_verdict { PF_META_OK, PF_META_WARNING, PF_META_FAILED };

/* A line of `podfit doctor`. */
struct pf_meta_check {
	char name[64]; /* "apiserver: list pods" */
	enum pf_meta_verdict verdict;
	char text[320]; /* what was found; for a failure what is missing and what grants it */
};

/* Called from the loop only. */
struct pf_meta_source_ops {
	const char *name; /* as in --pods.source */

	/* Whether @opts say enough to try it; @error: what is missing, in words. Return: 0;
	 * -EINVAL. */
	int (*usable)(const struct pf_meta_source_opts *opts, char *error, size_t error_size);

	/* Starts. @changed is called when the map or the status has changed. Return: 0; -ENOMEM,
	 * -errno. */
	int (*open)(const struct pf_meta_source_opts *opts, struct pf_loop *loop,
		    struct pf_podmap *map, void (*changed)(void *arg), void *arg,
		    void **ret_source);

	/* There are containers no list has named: look soon. Optional. */
	void (*poke)(void *source);

	/* Fills all but source and map. */
	void (*status)(void *source, struct pf_meta_status *ret_status);

	void (*close)(void *source); /* accepts NULL */
};

extern const struct pf_meta_source_ops pf_meta_apiserver, pf_meta_kubelet, pf_meta_none;

#endif
