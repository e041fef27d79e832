// SPDX-License-Identifier: Apache-2.0
#include "main/node.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "core/units.h"

static void read_boot_id(const char *proc_root, char *ret_id, size_t size)
{
	PF_AUTO(pf_fclosep) FILE *file = NULL;
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/sys/kernel/random/boot_id", proc_root);
	file = fopen(path, "re");
	if (!file || !fgets(ret_id, (int)size, file))
		ret_id[0] = '\0';
	ret_id[strcspn(ret_id, "\n")] = '\0';
}

int pf_node_read(const char *name, const char *proc_root, struct pf_node *ret_node)
{
	struct pf_node node = { .memory_total_bytes = PF_UNKNOWN };
	long nr_cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct utsname uts;
	struct sysinfo info;

	if (getrandom(&node.run_id, sizeof(node.run_id), 0) != sizeof(node.run_id))
		return -errno;
	if (uname(&uts) == 0)
		(void)snprintf(node.kernel_release, sizeof(node.kernel_release), "%s", uts.release);
	if (name[0])
		(void)snprintf(node.name, sizeof(node.name), "%s", name); /* cut if longer */
	else if (gethostname(node.name, sizeof(node.name) - 1) < 0)
		node.name[0] = '\0';
	read_boot_id(proc_root, node.boot_id, sizeof(node.boot_id));
	node.nr_cpus = nr_cpus > 0 ? (uint32_t)nr_cpus : 0;
	if (sysinfo(&info) == 0)
		node.memory_total_bytes = (uint64_t)info.totalram * info.mem_unit;
	*ret_node = node;
	return 0;
}

uint64_t pf_node_resident_bytes(void)
{
	PF_AUTO(pf_fclosep) FILE *file = fopen("/proc/self/statm", "re");
	unsigned long long size, resident;

	if (!file || fscanf(file, "%llu %llu", &size, &resident) != 2)
		return PF_UNKNOWN;
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}
