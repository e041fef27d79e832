// SPDX-License-Identifier: Apache-2.0
/*
 * podfit-collector - takes the reports of all nodes, keeps them, merges them, answers.
 */
#include <stdio.h>

#include "collector/collector.h"
#include "policy/policy.h"
#include "sys/log.h"

static int setup_log(const struct pf_collector_config *config)
{
	enum pf_log_level level;
	enum pf_log_format format;
	int r = pf_log_level_parse(config->log_level, &level);

	if (r == 0)
		r = pf_log_format_parse(config->log_format, &format);
	if (r == 0)
		pf_log_setup(level, format);
	return r;
}

/* The policy is part of the configuration: one check for both. */
static int check_policy(const struct pf_collector_config *config)
{
	struct pf_policy *policy = NULL;
	char why[400];

	if (*config->policy_file &&
	    pf_policy_load(config->policy_file, &policy, why, sizeof(why)) < 0) {
		fprintf(stderr, "podfit-collector: --policy.file: %s\n", why);
		return 2;
	}
	pf_policy_free(policy);
	return 0;
}

static int run(const struct pf_collector_config *config)
{
	char error[PF_COLLECTOR_ERROR_MAX] = "";
	int code;

	if (config->help) {
		pf_collector_config_help(stdout);
		return 0;
	}
	if (config->version) {
		printf("podfit-collector %s\n", PF_VERSION);
		return 0;
	}
	if (config->config_check)
		return check_policy(config);
	if (setup_log(config) < 0)
		return 2; /* not reached: the table allows only what it parses */
	code = pf_collector_run(config, error);
	if (code)
		fprintf(stderr, "podfit-collector: %s\n", error);
	return code;
}

int main(int argc, char **argv, char **envp)
{
	struct pf_collector_config config;
	char error[PF_COLLECTOR_ERROR_MAX];
	int code;

	if (pf_collector_config_load(argc, argv, envp, &config, error) < 0) {
		fprintf(stderr, "podfit-collector: %s\n", error);
		return 2;
	}
	code = run(&config);
	pf_collector_config_done(&config);
	return code;
}
