/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.h - the collector's settings: flag > environment > file > default, see policy/options.h.
 */
#ifndef PF_COLLECTOR_CONFIG_H
#define PF_COLLECTOR_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/cleanup.h"

enum { PF_COLLECTOR_ERROR_MAX = 512 };

/* Plain values; strings are never NULL and live as long as the settings. */
struct pf_collector_config {
	char *config_file;
	bool config_check, version, help;

	char *web_listen_address;
	uint64_t web_threads;
	char *store;
	uint64_t retention_ns;	       /* of summaries: what recommendations can look back on */
	uint64_t retention_reports_ns; /* of reports as they came */
	uint64_t retention_bytes;      /* 0: no limit by size */

	char *auth_token_file;
	bool auth_node_from_certificate;
	char *auth_reader_names; /* certificate names that may read, with commas between */
	char *tls_cert_file, *tls_key_file, *tls_client_ca_file;

	uint64_t limits_body_bytes, limits_inflated_bytes, limits_decoded_bytes;
	uint64_t limits_pending_bytes; /* of bodies that wait for their commit */
	uint64_t limits_nodes, limits_workloads, limits_connections;

	char *policy_file;
	char *merge_node_class_label;
	uint64_t merge_interval_ns; /* shortest time between two merges of the fleet */

	char *log_level, *log_format;
};

/**
 * pf_collector_config_load() - command line, environment and file, and what they must not say
 * together.
 * Return: 0; -EINVAL; -errno of reading the file; -ENOMEM. @error says what is wrong.
 */
PF_MUST_CHECK int pf_collector_config_load(int argc, char **argv, char **envp,
					   struct pf_collector_config *ret_config,
					   char error[PF_COLLECTOR_ERROR_MAX]);
void pf_collector_config_done(struct pf_collector_config *config);
void pf_collector_config_help(FILE *out);

#endif
