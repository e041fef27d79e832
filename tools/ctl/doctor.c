// SPDX-License-Identifier: Apache-2.0
/*
 * doctor.c - podfit doctor: runs podfit-agent --doctor with the same arguments, because only the
 * agent can try what it needs.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "ctl/agent_program.h"
#include "ctl/ctl.h"

static const char help[] =
	"usage: podfit doctor [-o json] [--FLAG=VALUE ...]\n\n"
	"Tells what this kernel and these rights allow, signal by signal, with the remedy where\n"
	"something is missing. Flags are those of podfit-agent, which it runs.\n\n"
	"Exit code: 0 if podfit can measure here, with all signals or some; 4 if it cannot.\n";

int pf_ctl_doctor(int argc, char **argv)
{
	char program[4096];
	char **arguments;

	if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		fputs(help, stdout);
		return PF_EXIT_OK;
	}
	arguments = calloc((size_t)argc + 2, sizeof(*arguments));
	if (!arguments) {
		fprintf(stderr, "podfit doctor: out of memory\n");
		return PF_EXIT_FAILED;
	}
	pf_ctl_agent_program(program, sizeof(program));
	arguments[0] = program;
	arguments[1] = (char *)"--doctor";
	for (int i = 1; i < argc; i++)
		arguments[i + 1] = argv[i];
	(void)execvp(program, arguments); /* comes back only if it failed */
	fprintf(stderr, "podfit doctor: %s: %s\n", program, strerror(errno));
	free(arguments);
	return PF_EXIT_FAILED;
}
