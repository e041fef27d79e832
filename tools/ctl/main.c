// SPDX-License-Identifier: Apache-2.0
/*
 * podfit - shows what podfit-agent and podfit-collector know.
 */
#include <stdarg.h>
#include <string.h>

#include "ctl/ctl.h"

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
} commands[] = {
	{ "top", pf_ctl_top, "what the containers of this node do, live" },
	{ "report", pf_ctl_report, "what each container should ask for" },
	{ "explain", pf_ctl_explain, "how a recommendation came about" },
	{ "leaks", pf_ctl_leaks, "which containers leak memory, and where" },
	{ "compare", pf_ctl_compare, "two sets of pods, such as stable and canary: go on?" },
	{ "decode", pf_ctl_decode, "print report files and streams" },
	{ "backtest", pf_ctl_backtest,
	  "replay recorded usage: would these sizes have been right?" },
	{ "policy", pf_ctl_policy, "check policy files" },
	{ "doctor", pf_ctl_doctor, "what this kernel and these rights allow, signal by signal" },
};

static void print_help(FILE *out)
{
	fprintf(out, "usage: podfit COMMAND [--FLAG=VALUE ...] [ARGUMENT ...]\n\n");
	for (size_t i = 0; i < PF_ARRAY_SIZE(commands); i++)
		fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
	fprintf(out,
		"\npodfit COMMAND --help tells more.\n\n"
		"Exit codes: 0 done, 1 failed while running, 2 wrong use, 3 --fail-on found its\n"
		"verdict, 4 this kernel or these rights do not allow what was asked, 5 input damaged.\n");
}

int pf_ctl_usage(const char *command, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "podfit %s: ", command);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, " (podfit %s --help)\n", command);
	return PF_EXIT_USAGE;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		print_help(stderr);
		return PF_EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		print_help(stdout);
		return 0;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "version")) {
		printf("podfit %s\n", PF_VERSION);
		return 0;
	}
	for (size_t i = 0; i < PF_ARRAY_SIZE(commands); i++)
		if (!strcmp(argv[1], commands[i].name)) {
			int code = commands[i].run(argc - 1, argv + 1);

			/* Data that did not arrive is a failure, as on a full disk. */
			if (fflush(stdout) == EOF && !code) {
				perror("podfit: standard output");
				code = PF_EXIT_FAILED;
			}
			return code;
		}
	fprintf(stderr, "podfit: no such command: %s (podfit --help)\n", argv[1]);
	return PF_EXIT_USAGE;
}
