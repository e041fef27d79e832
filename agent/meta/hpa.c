// SPDX-License-Identifier: Apache-2.0
#include "meta/hpa.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "sys/backoff.h"
#include "sys/http_client.h"
#include "sys/log.h"

#define AREA	      "meta"
#define EVERY_NS      (10 * PF_NS_PER_MIN)
#define LIST_TOTAL_NS (2 * PF_NS_PER_MIN)
#define SILENCE_NS    (15 * PF_NS_PER_S)
#define MAX_BODY      (64 * PF_MIB) /* some 5 KB an autoscaler */
#define PAGE	      500

enum {
	URL_SIZE = 16384, /* with a continue token, percent-encoded */
	PAGES_MAX = 64,	  /* a list that does not end is none */
	ON_CPU = 1,
	ON_MEMORY = 2,
};

struct pf_hpa {
	struct pf_meta_server server;
	struct pf_http *http;
	struct pf_timer *timer;
	struct pf_backoff backoff;
	void (*changed)(void *arg);
	void *changed_arg;

	struct pf_map *known, *coming; /* hash of the target -> ON_* as a pointer */
	struct pf_hpa_json *parser;
	unsigned nr_pages;
	bool wanted, denied;
	char token[4096];
	uint64_t nr_refused, nr_refused_coming;
};

/* FNV-1a over the parts, each with its NUL. */
static uint64_t hash(const char *const *parts, size_t nr)
{
	uint64_t hash = 14695981039346656037u;

	for (size_t i = 0; i < nr; i++) {
		const char *p = parts[i];

		do
			hash = (hash ^ (unsigned char)*p) * 1099511628211u;
		while (*p++);
	}
	return hash ? hash : 1;
}

static uint64_t key_of(const char *namespace_name, enum pf_workload_kind kind, const char *name,
		       const char *container)
{
	const char *const parts[] = { namespace_name, pf_workload_kind_name(kind), name,
				      container };

	return hash(parts, PF_ARRAY_SIZE(parts));
}

static uintptr_t flags_of(const struct pf_map *map, uint64_t key)
{
	return (uintptr_t)pf_map_get_u64(map, key);
}

static void on_target(void *arg, const struct pf_hpa_target *target)
{
	struct pf_hpa *hpa = arg;
	enum pf_workload_kind kind = pf_workload_kind_parse(target->kind);
	uint64_t key = key_of(target->namespace_name,
			      kind == PF_WORKLOAD_UNKNOWN ? PF_WORKLOAD_OTHER : kind, target->name,
			      target->container);
	uintptr_t flags = flags_of(hpa->coming, key);

	flags |= (target->on_cpu ? ON_CPU : 0) | (target->on_memory ? ON_MEMORY : 0);
	if (pf_map_put_u64(hpa->coming, key, (void *)flags) < 0)
		hpa->nr_refused_coming++;
}

static void forget_coming(struct pf_hpa *hpa)
{
	pf_map_free(hpa->coming);
	hpa->coming = NULL;
	hpa->token[0] = '\0';
	hpa->nr_pages = 0;
	hpa->nr_refused_coming = 0;
}

static void wait_for(struct pf_hpa *hpa, uint64_t wait_ns)
{
	pf_timer_set(hpa->timer, wait_ns, 0);
}

/* The next list: each agent's at another moment. */
static void wait_long(struct pf_hpa *hpa)
{
	pf_backoff_reset(&hpa->backoff);
	wait_for(hpa, EVERY_NS / 10 * 9 + pf_backoff_random(&hpa->backoff, EVERY_NS / 5));
}

static void failed(struct pf_hpa *hpa, const char *why, uint64_t least_ns)
{
	static struct pf_log_limit limit = PF_LOG_LIMIT(2, 30 * PF_NS_PER_MIN);

	pf_log_limited(&limit, PF_LOG_WARNING, AREA,
		       "apiserver: list of autoscalers: %s; keeping what is known, trying again",
		       why);
	forget_coming(hpa);
	wait_for(hpa, PF_MAX(pf_backoff_next(&hpa->backoff), least_ns));
}

static void refused(struct pf_hpa *hpa, long status)
{
	if (!hpa->denied)
		pf_log(PF_LOG_WARNING, AREA,
		       "apiserver: may not list autoscalers (HTTP %ld); grant the verb list on "
		       "horizontalpodautoscalers in autoscaling, or leave --pods.hpa off",
		       status);
	hpa->denied = true;
	forget_coming(hpa);
	wait_long(hpa);
}

static void take(struct pf_hpa *hpa)
{
	pf_map_free(hpa->known);
	hpa->known = pf_take(hpa->coming);
	hpa->nr_refused = hpa->nr_refused_coming;
	hpa->denied = false;
	forget_coming(hpa);
	wait_long(hpa);
	hpa->changed(hpa->changed_arg);
}

static int on_body(void *arg, long status, const void *data, size_t len)
{
	struct pf_hpa *hpa = arg;

	return status == 200 ? pf_hpa_json_feed(hpa->parser, data, len) : 0;
}

static void start(struct pf_hpa *hpa);

static void on_done(void *arg, const struct pf_http_result *result)
{
	struct pf_hpa *hpa = arg;
	char why[64];
	int r = result->err;

	if (!r && result->status == 200)
		r = pf_hpa_json_finish(hpa->parser);
	if (!r && result->status == 200)
		(void)snprintf(hpa->token, sizeof(hpa->token), "%s",
			       pf_hpa_json_continue(hpa->parser));
	hpa->nr_refused_coming += pf_hpa_json_beyond(hpa->parser);
	pf_hpa_json_free(hpa->parser);
	hpa->parser = NULL;
	if (!r && result->status == 200) {
		if (!hpa->token[0])
			take(hpa);
		else if (++hpa->nr_pages < PAGES_MAX)
			start(hpa);
		else
			failed(hpa, "it does not end", PF_NS_PER_MIN);
	} else if (!r && (result->status == 401 || result->status == 403)) {
		refused(hpa, result->status);
	} else {
		(void)snprintf(why, sizeof(why), "HTTP %ld", result->status);
		failed(hpa,
		       r == -EBADMSG ? "not JSON"
		       : r	     ? result->error
				     : why,
		       result->retry_after_ns);
	}
}

static int ask(struct pf_hpa *hpa)
{
	static const char *const headers[] = { "Accept: application/json", NULL };
	char url[URL_SIZE], token[3 * sizeof(hpa->token)];
	const struct pf_http_call_opts request = { .method = "GET",
						   .url = url,
						   .headers = headers,
						   .total_ns = LIST_TOTAL_NS,
						   .silence_ns = SILENCE_NS,
						   .max_body = MAX_BODY,
						   .on_body = on_body,
						   .on_done = on_done,
						   .arg = hpa };
	int r = pf_http_escape(hpa->token, token, sizeof(token));

	/* Version 0 is what the server has in its cache; a page goes on where its list began. */
	if (r == 0)
		(void)snprintf(url, sizeof(url),
			       "%s/apis/autoscaling/v2/horizontalpodautoscalers?limit=%d%s%s",
			       hpa->server.url, PAGE,
			       token[0] ? "&continue=" : "&resourceVersion=0", token);
	if (r == 0 && !hpa->coming)
		r = pf_map_new_u64(PF_HPA_TARGETS_MAX, &hpa->coming);
	if (r == 0)
		r = pf_hpa_json_new(on_target, hpa, &hpa->parser);
	if (r == 0)
		r = pf_http_start(hpa->http, &request, NULL);
	return r;
}

static void start(struct pf_hpa *hpa)
{
	int r = ask(hpa);

	if (r == 0)
		return;
	pf_hpa_json_free(hpa->parser);
	hpa->parser = NULL;
	failed(hpa, strerror(-r), 0);
}

static void on_timer(void *arg, uint64_t now_ns)
{
	(void)now_ns;
	start(arg);
}

int pf_hpa_new(struct pf_loop *loop, const struct pf_meta_server *server,
	       void (*changed)(void *arg), void *arg, struct pf_hpa **ret_hpa)
{
	const struct pf_http_opts opts = { .ca_file = server->ca_file,
					   .token_file = server->token_file,
					   .cert_file = server->cert_file,
					   .key_file = server->key_file,
					   .insecure = server->insecure };
	PF_AUTO(pf_hpa_freep) struct pf_hpa *hpa = calloc(1, sizeof(*hpa));
	int r;

	if (!hpa)
		return -ENOMEM;
	hpa->server = *server;
	hpa->changed = changed;
	hpa->changed_arg = arg;
	hpa->backoff = (struct pf_backoff){ .first_ns = PF_NS_PER_S, .max_ns = 5 * PF_NS_PER_MIN };
	r = pf_http_new(loop, &opts, &hpa->http);
	if (r == 0)
		r = pf_loop_add_timer(loop, 0, 0, on_timer, hpa, &hpa->timer);
	if (r < 0)
		return r;
	*ret_hpa = pf_take(hpa);
	return 0;
}

void pf_hpa_free(struct pf_hpa *hpa)
{
	if (!hpa)
		return;
	pf_http_free(hpa->http);
	pf_timer_free(hpa->timer);
	pf_hpa_json_free(hpa->parser);
	pf_map_free(hpa->known);
	pf_map_free(hpa->coming);
	free(hpa);
}

void pf_hpa_fill(const struct pf_hpa *hpa, struct pf_identity *id)
{
	uintptr_t flags;

	if (!hpa->known)
		return;
	flags = flags_of(hpa->known,
			 key_of(id->namespace_name, id->workload_kind, id->workload, "")) |
		flags_of(hpa->known, key_of(id->namespace_name, id->workload_kind, id->workload,
					    id->container));
	id->hpa_known = true;
	id->hpa_on_cpu = flags & ON_CPU;
	id->hpa_on_memory = flags & ON_MEMORY;
}

uint64_t pf_hpa_refused(const struct pf_hpa *hpa)
{
	return hpa->nr_refused;
}
