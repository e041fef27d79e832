// SPDX-License-Identifier: Apache-2.0
#include "ctl/agent_program.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

void pf_ctl_agent_program(char *ret_path, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", ret_path, size - sizeof("podfit-agent"));
	char *slash;

	ret_path[n > 0 ? n : 0] = '\0';
	slash = strrchr(ret_path, '/');
	if (slash)
		memcpy(slash + 1, "podfit-agent", sizeof("podfit-agent"));
	if (!slash || access(ret_path, X_OK) < 0)
		(void)snprintf(ret_path, size, "podfit-agent");
}
