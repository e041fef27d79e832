// SPDX-License-Identifier: Apache-2.0
/*
 * podfit-agent - measures every container of this host and reports what each needs.
 */
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "main/agent.h"
#include "main/config.h"
#include "main/doctor.h"
#include "sys/log.h"

static int setup_log(const struct pf_config *config)
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
static int check_policy(const struct pf_config *config)
{
	struct pf_policy *policy = NULL;
	char why[400];

	if (config->policy_file[0] &&
	    pf_policy_load(config->policy_file, &policy, why, sizeof(why)) < 0) {
		fprintf(stderr, "podfit-agent: --policy.file: %s\n", why);
		return 2;
	}
	pf_policy_free(policy);
	return 0;
}

static int run(const struct pf_config *config)
{
	char error[PF_AGENT_ERROR_MAX] = "";
	int code;

	if (config->help) {
		pf_config_help(stdout);
		return 0;
	}
	if (config->version) {
		printf("podfit-agent %s\n", PF_VERSION);
		return 0;
	}
	if (config->config_check)
		return check_policy(config);
	if (setup_log(config) < 0)
		return 2; /* not reached: the table allows only what it parses */
	if (config->doctor) {
		/* What goes wrong is in the findings; libraries' complaints would be in between. */
		pf_log_setup(PF_LOG_ERROR, PF_LOG_LOGFMT);
		return pf_doctor_run(config);
	}
	code = pf_agent_run(config, error);
	if (code)
		fprintf(stderr, "podfit-agent: %s\n", error);
	return code;
}

/*
 * A report or a checkpoint takes megabytes for a moment. glibc would learn from it to keep as much:
 * its thresholds rise with every large block that is freed. Set by hand they stay.
 */
static void give_memory_back(void)
{
	enum { LARGE = 128 << 10 };

	(void)mallopt(M_MMAP_THRESHOLD, LARGE); /* 0 would say no: then it is as it was */
	(void)mallopt(M_TRIM_THRESHOLD, LARGE);
}

int main(int argc, char **argv, char **envp)
{
	struct pf_config config;
	char error[PF_CONFIG_ERROR_MAX];
	int code;

	give_memory_back();
	if (pf_config_load(argc, argv, envp, &config, error) < 0) {
		fprintf(stderr, "podfit-agent: %s\n", error);
		return 2;
	}
	code = run(&config);
	pf_config_done(&config);
	return code;
}
