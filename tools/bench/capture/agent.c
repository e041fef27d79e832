// SPDX-License-Identifier: Apache-2.0
/*
 * agent.c - what the agent costs on a node with 500 containers, at the 10 s interval: CPU time of its process,
 * run time of its BPF programs, resident memory, and how long it takes from start to ready.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/bench.h"
#include "kernel/cg.h"
#include "kernel/kt.h"

enum { CONTAINERS = 500, WARM_SECONDS = 12, SECONDS = 40 };

/* Time on a CPU of all threads, as the scheduler counts it: clock ticks are too coarse for this agent. */
static double cpu_seconds(pid_t pid)
{
	char path[64];
	double sum = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	DIR *dir = opendir(path);

	if (!dir)
		kt_fail("the agent has ended");
	for (struct dirent *e; (e = readdir(dir));) {
		char file[400], text[128];

		snprintf(file, sizeof(file), "%s/%s/schedstat", path, e->d_name);
		if (e->d_name[0] != '.' && kt_read_file(file, text, sizeof(text)) > 0)
			sum += strtod(text, NULL) / 1e9;
	}
	closedir(dir);
	return sum;
}

static double resident_mib(pid_t pid, const char *key)
{
	char path[64], text[4096];
	const char *line;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if (kt_read_file(path, text, sizeof(text)) <= 0 || !(line = strstr(text, key)))
		kt_fail("no %s of the agent", key);
	return strtod(line + strlen(key), NULL) / 1024;
}

static pid_t start_agent(const char *agent, const char *dir)
{
	char export[300], socket[300], state[300], duration[64];
	pid_t pid = fork();

	if (pid)
		return pid;
	snprintf(export, sizeof(export), "--export.file=%s/report.pb", dir);
	snprintf(socket, sizeof(socket), "--api.socket=%s/agent.sock", dir);
	snprintf(state, sizeof(state), "--state.directory=%s/state", dir);
	snprintf(duration, sizeof(duration), "--run.duration=%ds", 3 * (WARM_SECONDS + SECONDS));
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execl(agent, agent, export, socket, state, duration, "--capture.interval=10s",
	      "--pods.source=none", "--log.level=warning", (char *)NULL);
	_exit(127);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

/* Cgroups as the kubelet makes them: that is what the agent takes for containers. */
static void make_containers(char ids[CONTAINERS][65])
{
	struct kt_cg cg;
	char name[160];

	kt_cg_new(&cg, "kubepods");
	kt_cg_delegate(&cg);
	for (int i = 0; i < CONTAINERS; i++) {
		const char *pod = "kubepods/pod00000000-0000-4000-8000-";

		snprintf(ids[i], sizeof(ids[i]), "be7c0000%056x", i);
		snprintf(name, sizeof(name), "%s%012x", pod, i);
		kt_cg_new(&cg, name);
		kt_cg_delegate(&cg);
		snprintf(name, sizeof(name), "%s%012x/be7c0000%056x", pod, i, i);
		kt_cg_new(&cg, name);
	}
}

/* How many of the containers are named in the report. */
static int nr_reported(const char *dir, char ids[CONTAINERS][65])
{
	const size_t max = 64 << 20;
	PF_AUTO(pf_freep) char *text = malloc(max);
	char path[300];
	int nr = 0;

	snprintf(path, sizeof(path), "%s/report.pb", dir);
	int length = text ? kt_read_file(path, text, max) : -ENOMEM;

	for (int i = 0; i < CONTAINERS && length > 0; i++)
		nr += memmem(text, (size_t)length, ids[i], 64) != NULL;
	return nr;
}

int bench_agent(const char *agent)
{
	static char ids[CONTAINERS][65];
	PF_AUTO(pf_closep) int stats = bench_stats_on();
	char dir[] = "/tmp/podfit-bench-XXXXXX";
	struct bench_runs before, after;
	int status = 0;

	if (access(agent, X_OK) < 0)
		kt_skip("no %s", agent);
	if (!mkdtemp(dir))
		kt_fail("mkdtemp: %s", strerror(errno));
	make_containers(ids);
	pid_t pid = start_agent(agent, dir);

	kt_sleep_ms(WARM_SECONDS * 1000);
	double cpu = cpu_seconds(pid);
	uint64_t start_ns = kt_now_ns();

	(void)bench_runs_of(pid, "pf_switch", &before);
	kt_sleep_ms(SECONDS * 1000);
	double seconds = (double)(kt_now_ns() - start_ns) / 1e9;
	double cpu_share = (cpu_seconds(pid) - cpu) / seconds;

	(void)bench_runs_of(pid, "pf_switch", &after);
	double resident = resident_mib(pid, "VmRSS:"), anon = resident_mib(pid, "RssAnon:");

	kill(pid, SIGTERM);
	waitpid(pid, &status, 0);
	int nr = nr_reported(dir, ids);

	(void)nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS); /* its own temporary directory */
	if (nr != CONTAINERS)
		kt_fail("the report names %d of %d containers", nr, CONTAINERS);
	printf("== agent, %d containers, 10 s interval, %.0f s\n", CONTAINERS, seconds);
	printf("  BPF programs: %.3f %% of one CPU at %.0f switches a second\n",
	       (double)(after.all_ns - before.all_ns) / seconds / 1e7,
	       (double)(after.switch_runs - before.switch_runs) / seconds);
	printf("  resident %.1f MiB, of it its own %.1f MiB\n", resident, anon);
	bench_goal("  CPU time of the process, of one core", cpu_share * 100, " %", 0.3, 0);
	bench_goal("  resident memory", resident, " MiB", 20, 0);
	return !(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
