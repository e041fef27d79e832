// SPDX-License-Identifier: Apache-2.0
#include "bench/fleet/watch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_MAX = 4096 };

static int read_file(int pid, const char *name, char *text)
{
	char path[64];
	size_t nr;
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	nr = fread(text, 1, TEXT_MAX - 1, file);
	(void)fclose(file);
	text[nr] = '\0';
	return 0;
}

static int read_kb(const char *text, const char *name, uint64_t *ret_bytes)
{
	const char *at = strstr(text, name);
	unsigned long long kb;

	if (!at || sscanf(at + strlen(name), " %llu", &kb) != 1)
		return -EBADMSG;
	*ret_bytes = kb * 1024;
	return 0;
}

int pf_watch_read(int pid, struct pf_watch *ret_watch)
{
	unsigned long long user, system;
	struct pf_watch watch;
	char text[TEXT_MAX];
	const char *at;
	int r = read_file(pid, "stat", text);

	if (r < 0)
		return r;
	at = strrchr(text, ')'); /* the name may have anything in it */
	if (!at || sscanf(at, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user,
			  &system) != 2)
		return -EBADMSG;
	watch.cpu_ns = (user + system) * (1000000000ull / (uint64_t)sysconf(_SC_CLK_TCK));
	r = read_file(pid, "status", text);
	if (r == 0)
		r = read_kb(text, "VmHWM:", &watch.peak_bytes);
	if (r == 0)
		r = read_kb(text, "VmRSS:", &watch.resident_bytes);
	if (r == 0)
		*ret_watch = watch;
	return r;
}
