// SPDX-License-Identifier: Apache-2.0
#include "main/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sys/elf_file.h"

enum {
	PATH_LEN = 2048,
	COMMAND_LINE_MAX = 4096, /* what follows is not about the runtime */
};

/* v2, and the hierarchies of v1 that every container is in. */
static const char *const hierarchies[] = { "", "/memory", "/cpu", "/unified" };

static int lowest_pid(const char *cgroup_root, const char *path)
{
	int lowest = 0;

	for (size_t i = 0; i < PF_ARRAY_SIZE(hierarchies) && !lowest; i++) {
		char file[PATH_LEN];
		PF_AUTO(pf_fclosep) FILE *procs = NULL;
		int pid;

		if (snprintf(file, sizeof(file), "%s%s%s/cgroup.procs", cgroup_root, hierarchies[i],
			     path) >= (int)sizeof(file))
			continue;
		procs = fopen(file, "re");
		while (procs && fscanf(procs, "%d", &pid) == 1)
			if (pid > 0 && (!lowest || pid < lowest))
				lowest = pid; /* 0: of another pid namespace */
	}
	return lowest;
}

/* Go's linker puts its build information into a section of this name. */
static bool is_go(const char *proc_root, int pid)
{
	char path[256];
	PF_AUTO(pf_closep) int fd = -1;
	struct pf_elf_section section;
	struct pf_elf elf;

	(void)snprintf(path, sizeof(path), "%s/%d/exe", proc_root, pid);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	return fd >= 0 && pf_elf_open(fd, &elf) == 0 &&
	       pf_elf_find_section(&elf, 0, ".go.buildinfo", &section);
}

static void read_executable(const char *proc_root, int pid, char *ret_path, size_t size)
{
	char path[256];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "%s/%d/exe", proc_root, pid);
	n = readlink(path, ret_path, size - 1);
	ret_path[n > 0 ? n : 0] = '\0';
	if (n <= 0) {
		/* Without the right to see what it runs, its name has to do. */
		PF_AUTO(pf_fclosep) FILE *comm = NULL;

		(void)snprintf(path, sizeof(path), "%s/%d/comm", proc_root, pid);
		comm = fopen(path, "re");
		if (!comm || !fgets(ret_path, (int)size, comm))
			ret_path[0] = '\0';
		ret_path[strcspn(ret_path, "\n")] = '\0';
	}
}

static char *read_command_line(const char *proc_root, int pid)
{
	char path[256], text[COMMAND_LINE_MAX];
	PF_AUTO(pf_fclosep) FILE *file = NULL;
	size_t len;

	(void)snprintf(path, sizeof(path), "%s/%d/cmdline", proc_root, pid);
	file = fopen(path, "re");
	len = file ? fread(text, 1, sizeof(text) - 1, file) : 0;
	while (len && !text[len - 1])
		len--;
	if (!len)
		return NULL;
	for (size_t i = 0; i < len; i++)
		if (!text[i])
			text[i] = ' ';
	text[len] = '\0';
	return strdup(text);
}

int pf_process_examine(const char *cgroup_root, const char *proc_root, const char *path,
		       struct pf_process *ret_process)
{
	struct pf_process process = { .pid = lowest_pid(cgroup_root, path) };
	char executable[1024];
	const char *name;

	if (!process.pid)
		return -ENOENT;
	read_executable(proc_root, process.pid, executable, sizeof(executable));
	process.runtime = pf_runtime_detect(executable, is_go(proc_root, process.pid));
	name = strrchr(executable, '/');
	(void)snprintf(process.executable, sizeof(process.executable), "%s",
		       name ? name + 1 : executable); /* cut if longer */
	/* Arguments may hold secrets: kept only where a runtime's settings are looked for, and never
	 * reported as a whole. */
	if (process.runtime != PF_RUNTIME_NONE)
		process.command_line = read_command_line(proc_root, process.pid);
	*ret_process = process;
	return 0;
}
