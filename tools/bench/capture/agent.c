// SPDX-License-Identifier: Apache-2.0
/*
 * agent.c - what the agent costs on a node with 500 containers, at the 10 s interval: CPU time of its process,
 * run time of its BPF programs, resident memory, and how long it takes from start to ready.
 */
#include <errno.h>
#include <fcntl.h>
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

static double cpu_seconds(pid_t pid)
{
	char path[64], text[512];
	const char *after;
	unsigned long user, system;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (kt_read_file(path, text, sizeof(text)) <= 0 || !(after = strrchr(text, ')')) ||
	    sscanf(after, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
		   &system) != 2)
		kt_fail("the agent has ended");
	return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
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

int bench_agent(const char *agent)
{
	static struct kt_cg cgs[CONTAINERS];
	PF_AUTO(pf_closep) int stats = bench_stats_on();
	char dir[] = "/tmp/podfit-bench-XXXXXX", name[16], command[128];
	struct bench_runs before, after;
	int status = 0;

	if (access(agent, X_OK) < 0)
		kt_skip("no %s", agent);
	if (!mkdtemp(dir))
		kt_fail("mkdtemp: %s", strerror(errno));
	for (int i = 0; i < CONTAINERS; i++) {
		snprintf(name, sizeof(name), "c%d", i);
		kt_cg_new(&cgs[i], name);
	}
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
	printf("== agent, %d containers, 10 s interval, %.0f s\n", CONTAINERS, seconds);
	printf("  BPF programs: %.3f %% of one CPU at %.0f switches a second\n",
	       (double)(after.all_ns - before.all_ns) / seconds / 1e7,
	       (double)(after.switch_runs - before.switch_runs) / seconds);
	printf("  resident %.1f MiB, of it its own %.1f MiB\n", resident, anon);
	bench_goal("  CPU time of the process, of one core", cpu_share * 100, " %", 0.3, 0);
	bench_goal("  resident memory", resident, " MiB", 20, 0);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	(void)!system(command);
	return !(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
