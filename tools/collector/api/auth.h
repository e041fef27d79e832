/* SPDX-License-Identifier: Apache-2.0 */
/*
 * auth.h - who may ask and who may report: bearer tokens from a file, client certificates.
 */
#ifndef PF_COLLECTOR_API_AUTH_H
#define PF_COLLECTOR_API_AUTH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "sys/http_server.h"

struct pf_auth;

struct pf_auth_opts {
	const char *token_file; /* "": no tokens */
	bool client_certificates;
	bool node_from_certificate;
	const char *reader_names; /* names of certificates that may read, with commas between */
};

/* What a request may do. */
struct pf_auth_rights {
	bool read, write;
	bool own_node_only; /* reports are for the node that the certificate names */
	char cluster[254];  /* reports are for this cluster only; "": any */
};

/**
 * pf_auth_new() - reads the token file.
 * @error: says what is wrong with it, with the line.
 * Return: 0; -EINVAL; -errno of reading it; -ENOMEM.
 */
PF_MUST_CHECK int pf_auth_new(const struct pf_auth_opts *opts, struct pf_auth **ret_auth,
			      char *error, size_t error_size);
void pf_auth_free(struct pf_auth *auth); /* accepts NULL */
PF_DEFINE_AUTO(struct pf_auth *, pf_auth_free);

/** pf_auth_is_on() - false: there is nothing to check against, everybody may do everything. */
bool pf_auth_is_on(const struct pf_auth *auth);

/** pf_auth_rights() - what the sender of @req may do. Thread-safe. */
void pf_auth_rights(struct pf_auth *auth, struct pf_http_request *req,
		    struct pf_auth_rights *ret_rights);

/** pf_auth_is_node() - the client's certificate names @node. */
bool pf_auth_is_node(struct pf_http_request *req, const char *node);

/**
 * pf_auth_reload() - reads the token file again if it changed; a bad one is refused and the old
 * tokens stay. Return: 1 read anew; 0 unchanged; negative as pf_auth_new().
 */
int pf_auth_reload(struct pf_auth *auth, char *error, size_t error_size);

#endif
