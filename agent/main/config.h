/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.h - the agent's settings: flag > environment > file > default, see policy/options.h.
 */
#ifndef PF_MAIN_CONFIG_H
#define PF_MAIN_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/cleanup.h"

enum { PF_CONFIG_ERROR_MAX = 512 };

/* Plain values; strings are never NULL and live as long as the config. */
struct pf_config {
	char *config_file;
	bool config_check;
	bool doctor;
	char *doctor_output;
	bool version, help;

	uint64_t run_duration_ns; /* 0: until told to stop */

	char *capture_source;
	uint64_t capture_interval_ns;
	uint64_t capture_max_containers;
	double capture_cpu_budget;
	bool capture_growth_stacks;
	bool capture_units;
	char *capture_replay_file;
	char *cgroup_root;
	char *path_procfs;
	char *caps_keep;

	char *cluster_name;
	char *node_name;

	char *pods_source, *pods_labels, *pods_annotations, *pods_logs;
	bool pods_resolve_owners, pods_hpa;
	char *apiserver_url, *apiserver_ca_file, *apiserver_token_file;
	char *kubelet_url, *kubelet_ca_file, *kubelet_token_file;
	char *kubelet_cert_file, *kubelet_key_file;
	bool kubelet_insecure;
	uint64_t kubelet_interval_ns;

	char *export_file;
	uint64_t export_interval_ns;
	char *collector_url, *collector_ca_file, *collector_token_file;
	char *collector_cert_file, *collector_key_file;
	bool collector_insecure;
	uint64_t collector_timeout_ns, spool_max_bytes;
	char *otlp_url, *otlp_ca_file, *otlp_token_file;

	char *api_socket;
	char *web_listen_address;
	uint64_t metrics_max_containers, metrics_min_age_ns;
	char *state_directory;
	char *policy_file;

	char *log_level;
	char *log_format;
	double time_scale;
};

/**
 * pf_config_load() - reads the command line, the environment and the configuration file.
 * @error: on failure says which setting, where it was written, and what would be right.
 * Return: 0; -EINVAL: a setting is wrong; -errno of reading the file; -ENOMEM.
 */
PF_MUST_CHECK int pf_config_load(int argc, char **argv, char **envp, struct pf_config *ret_config,
				 char error[PF_CONFIG_ERROR_MAX]);
void pf_config_done(struct pf_config *config);

/** pf_config_help() - every setting with its default, from the table. */
void pf_config_help(FILE *out);

#endif
