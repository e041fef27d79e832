/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api.h - the agent's HTTP: the local API on a unix socket, and metrics and health on TCP. Runs in
 * the agent's loop.
 *
 * GET /v1/report           NodeReport of now; application/x-protobuf, or JSON by Accept.
 *                          ?slices=false leaves the hour slices out
 * GET /v1/recommendations  the same with identity and recommendation only
 * GET /v1/leaks            the same with identity and leak finding only, of suspects and alarms
 * GET /v1/status           AgentStatus
 * GET /metrics             Prometheus text
 * GET /livez /readyz /startupz
 */
#ifndef PF_EXPORT_API_H
#define PF_EXPORT_API_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "sys/loop.h"

struct pf_api;

enum pf_api_view {
	PF_API_REPORT,
	PF_API_REPORT_NO_SLICES,
	PF_API_RECOMMENDATIONS,
	PF_API_LEAKS,
	PF_API_STATUS,
	PF_API_METRICS, /* text, not protobuf */
};

/* Who answers; called from the loop. */
struct pf_api_provider {
	void *arg;
	/* Appends the encoded message, or the metrics text. Return: 0; -errno. */
	int (*view)(void *arg, enum pf_api_view view, struct pf_buf *out);
	/* @reason: set when not ready. */
	bool (*ready)(void *arg, char *reason, size_t reason_size);
	bool (*started)(void *arg);
};

/**
 * pf_api_new() - listens on @listen ("unix:/path" or "HOST:PORT").
 * @with_data: serves the pages below /v1: on TCP only metrics and health are served.
 * @error: on failure says what is wrong and what would help.
 * Return: 0; -errno.
 */
PF_MUST_CHECK int pf_api_new(struct pf_loop *loop, const char *listen, bool with_data,
			     const struct pf_api_provider *provider, struct pf_api **ret_api,
			     char *error, size_t error_size);
void pf_api_free(struct pf_api *api); /* accepts NULL */
PF_DEFINE_AUTO(struct pf_api *, pf_api_free);

const char *pf_api_address(const struct pf_api *api);

#endif
