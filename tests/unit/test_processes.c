// SPDX-License-Identifier: Apache-2.0
/*
 * test_processes.c - processes of a made-up cgroup tree that names this process and others.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/units.h"
#include "capture/processes.h"
#include "unit/check.h"

static void write_file(const char *folder, const char *path, const char *text)
{
	char name[512];
	FILE *file;

	snprintf(name, sizeof(name), "%s/%s", folder, path);
	file = fopen(name, "w");
	PF_CHECK(path, file);
	if (!file)
		return;
	fputs(text, file);
	fclose(file);
}

static void make_dir(const char *folder, const char *path)
{
	char name[512];

	snprintf(name, sizeof(name), "%s/%s", folder, path);
	PF_CHECK_INT(path, mkdir(name, 0700), 0);
}

/* A fake /proc with one nasty name, and a fake cgroup tree with a nested cgroup. */
static void test_tree(void)
{
	char folder[] = "/tmp/pf-processes-XXXXXX", command[64];
	struct pf_process_memory p[8];

	PF_CHECK("folder", mkdtemp(folder));
	make_dir(folder, "proc");
	make_dir(folder, "proc/12");
	make_dir(folder, "proc/13");
	make_dir(folder, "cg");
	make_dir(folder, "cg/pod");
	make_dir(folder, "cg/pod/nested");
	write_file(folder, "proc/12/stat",
		   "12 (a) b (c) S 1 1 1 0 -1 4 5 6 7 8 9 10 11 12 20 0 1 0 4711 999 1\n");
	write_file(
		folder, "proc/12/status",
		"Name:\ta) b (c\nVmSwap:\t     100 kB\nRssAnon:\t    2048 kB\nRssFile:\t 1 kB\n");
	write_file(folder, "proc/13/stat",
		   "13 (kernel) S 1 1 1 0 -1 4 5 6 7 8 9 10 11 12 20 0 1 0 5 999 1\n");
	write_file(folder, "proc/13/status", "Name:\tkernel\n");
	write_file(folder, "cg/pod/cgroup.procs", "13\n");
	write_file(folder, "cg/pod/nested/cgroup.procs", "99\n12\n");

	int dir = open(folder, O_RDONLY | O_DIRECTORY), proc = openat(dir, "proc", O_RDONLY);
	int cgroup = openat(dir, "cg", O_RDONLY);

	PF_CHECK_INT("two, the ended one left out", pf_processes_read(proc, cgroup, "/pod", p, 8),
		     2);
	PF_CHECK_INT("without memory", p[0].anon_bytes, 0);
	PF_CHECK_INT("nested", p[1].pid, 12);
	PF_CHECK_STR("name with parentheses", p[1].comm, "a) b (c");
	PF_CHECK_INT("start", p[1].start_ticks, 4711);
	PF_CHECK_INT("resident and swapped", p[1].anon_bytes, 2148 * PF_KIB);
	PF_CHECK_INT("bounded", pf_processes_read(proc, cgroup, "pod", p, 1), 1);
	PF_CHECK_INT("gone", pf_processes_read(proc, cgroup, "/other", p, 8), -ENOENT);
	close(proc);
	close(cgroup);
	close(dir);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	PF_CHECK_INT("cleaned", system(command), 0);
}

PF_TEST_SUITE(processes, { "tree", test_tree });
