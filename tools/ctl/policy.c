// SPDX-License-Identifier: Apache-2.0
/*
 * `podfit policy check FILE...`: is this a policy podfit would take? The agent and the collector use the same check.
 */
#include <string.h>

#include "ctl/ctl.h"
#include "policy/policy.h"

static const char help[] =
	"usage: podfit policy check FILE...\n\n"
	"Checks policy files: keys, types, ranges, classes. Prints one line a file; an error has\n"
	"line, column and what would be right. Exit code 2 if a file is wrong.\n"
	"agent/policy/example.yaml shows every key.\n";

static int check(const char *path)
{
	PF_AUTO(pf_policy_freep) struct pf_policy *policy = NULL;
	char message[512];

	if (pf_policy_load(path, &policy, message, sizeof(message)) < 0) {
		fprintf(stderr, "%s\n", message);
		return PF_EXIT_USAGE;
	}
	printf("%s: ok, %zu rules, %zu classes of its own\n", path, pf_policy_nr_rules(policy),
	       pf_policy_nr_classes(policy));
	return PF_EXIT_OK;
}

int pf_ctl_policy(int argc, char **argv)
{
	int code = PF_EXIT_OK;

	if (argc >= 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		fputs(help, stdout);
		return PF_EXIT_OK;
	}
	if (argc < 3 || strcmp(argv[1], "check") != 0)
		return pf_ctl_usage("policy", "want: policy check FILE...");
	for (int i = 2; i < argc; i++)
		if (check(argv[i]) != PF_EXIT_OK)
			code = PF_EXIT_USAGE;
	return code;
}
