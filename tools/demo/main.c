// SPDX-License-Identifier: Apache-2.0
/*
 * main.c - `make run`, and `make fleet`: the same with simulated nodes beside this one and the collector's
 * page instead of the table. Everything it makes is removed by a watchdog of its own, a process that waits
 * for this one's end: so nothing stays behind even when this one is killed.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "core/units.h"
#include "demo/demo.h"

enum {
	SECONDS_DEFAULT = 60,
	SECONDS_MAX = 86400,
	NODES_MAX = 1000,
	COLLECTOR_PORT = 9788,
	POLL_MS = 100,
	STOP_MAX_MS = 10000,
};

struct demo {
	char bin[512]; /* directory of the programs */
	char directory[64];
	struct demo_cgroups cgroups;
	struct demo_pods *pods;
	pid_t workloads[DEMO_NR_WORKLOADS];
	pid_t agent, collector, fleet, watchdog;
	char collector_url[64];	    /* "": none runs */
	int lifeline;		    /* closed when this process ends */
	uint64_t seconds, nr_nodes; /* nr_nodes: simulated ones; 0: none, and the table is shown */
};

static volatile sig_atomic_t stopped;

/* As it was called. */
static const char *own_name(const struct demo *demo)
{
	return demo->nr_nodes ? "make fleet" : "make run";
}

static void on_signal(int signo)
{
	(void)signo;
	stopped = 1;
}

static void pause_ms(long ms)
{
	const struct timespec pause = { ms / 1000, ms % 1000 * 1000000 };

	(void)nanosleep(&pause, NULL); /* a signal only makes it shorter */
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* Waits for the lifeline to be cut, then takes everything away. */
static void watchdog_main(const struct demo *demo, int lifeline)
{
	char byte;

	(void)setsid(); /* Ctrl-C and a closing terminal are not for it */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	while (read(lifeline, &byte, 1) < 0 && errno == EINTR)
		;
	demo_cgroups_remove(&demo->cgroups);
	(void)nftw(demo->directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	_exit(0);
}

static int start_watchdog(struct demo *demo)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	demo->watchdog = fork();
	if (demo->watchdog == 0) {
		(void)close(ends[1]);
		watchdog_main(demo, ends[0]);
	}
	(void)close(ends[0]);
	demo->lifeline = ends[1];
	return demo->watchdog < 0 ? -errno : 0;
}

static void become_child(pid_t parent, int death_signal, bool own_group)
{
	if (own_group)
		(void)setpgid(0, 0); /* Ctrl-C is for the screen, not for what is shown on it */
	if (prctl(PR_SET_PDEATHSIG, death_signal) < 0 || getppid() != parent)
		_exit(1);
	(void)signal(SIGINT, SIG_DFL);
	(void)signal(SIGTERM, SIG_DFL);
}

static pid_t start_workload(const struct demo *demo, const struct demo_workload *workload)
{
	pid_t parent = getpid(), pid = fork();

	if (pid != 0)
		return pid;
	become_child(parent, SIGKILL, true);
	if (demo_cgroups_join(&demo->cgroups, workload) < 0)
		_exit(1);
	/* Through exec, so that it is a process like any other, without this one's memory. */
	(void)execl("/proc/self/exe", workload->name, "--workload", workload->name, (char *)NULL);
	_exit(1);
}

/* Killed for want of memory: back again, as the kubelet would. */
static void restart_ended(struct demo *demo)
{
	for (size_t i = 0; i < DEMO_NR_WORKLOADS; i++)
		if (waitpid(demo->workloads[i], NULL, WNOHANG) == demo->workloads[i])
			demo->workloads[i] = start_workload(demo, &demo_workloads[i]);
}

static pid_t start_program(const struct demo *demo, const char *name, char *const arguments[],
			   const char *log, bool own_group)
{
	char program[600];
	pid_t parent = getpid(), pid = fork();

	if (pid != 0)
		return pid;
	become_child(parent, SIGTERM, own_group);
	(void)snprintf(program, sizeof(program), "%s/%s", demo->bin, name);
	if (log) {
		int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

		if (fd < 0 || dup2(fd, STDERR_FILENO) < 0)
			_exit(1);
	}
	(void)execv(program, arguments);
	fprintf(stderr, "%s: %s\n", program, strerror(errno));
	_exit(127);
}

static void show_log(const char *path)
{
	PF_AUTO(pf_fclosep) FILE *file = fopen(path, "re");
	char line[512];

	while (file && fgets(line, sizeof(line), file))
		fputs(line, stderr);
}

/* The agent is there when its socket is; until then it may also end. */
static int wait_for_agent(struct demo *demo, const char *socket, const char *log)
{
	for (int ms = 0; ms < STOP_MAX_MS; ms += POLL_MS) {
		if (waitpid(demo->agent, NULL, WNOHANG) == demo->agent) {
			demo->agent = 0;
			show_log(log);
			return -ECHILD;
		}
		if (access(socket, F_OK) == 0 && ms >= 1000)
			return 0; /* a second: the first samples are in */
		pause_ms(POLL_MS);
	}
	return -ETIMEDOUT;
}

static bool port_is_free(uint16_t port)
{
	const struct sockaddr_in address = { .sin_family = AF_INET,
					     .sin_port = htons(port),
					     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	PF_AUTO(pf_closep) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int one = 1;

	return fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0 &&
	       bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
}

/* At its usual port, where the README's commands look for it, else at a free one; its log tells which. */
static int start_collector(struct demo *demo)
{
	char store[128], log[128], address[64];
	char *const arguments[] = { (char *)"podfit-collector", store, address,
				    (char *)"--merge.interval=1s", NULL };

	(void)snprintf(store, sizeof(store), "--store=sqlite:%s/podfit.db", demo->directory);
	(void)snprintf(address, sizeof(address), "--web.listen-address=127.0.0.1:%d",
		       port_is_free(COLLECTOR_PORT) ? COLLECTOR_PORT : 0);
	(void)snprintf(log, sizeof(log), "%s/collector.log", demo->directory);
	demo->collector = start_program(demo, "podfit-collector", arguments, log, true);
	if (demo->collector < 0)
		return -errno;
	for (int ms = 0; ms < STOP_MAX_MS; ms += POLL_MS) {
		PF_AUTO(pf_fclosep) FILE *file = fopen(log, "re");
		char line[512];

		while (file && fgets(line, sizeof(line), file)) {
			const char *url = strstr(line, "http://127.0.0.1:");

			if (url) {
				(void)snprintf(demo->collector_url, sizeof(demo->collector_url),
					       "%.*s", (int)strcspn(url, ", \"\n"), url);
				return 0;
			}
		}
		if (waitpid(demo->collector, NULL, WNOHANG) == demo->collector) {
			demo->collector = 0;
			show_log(log);
			return -ECHILD;
		}
		pause_ms(POLL_MS);
	}
	return -ETIMEDOUT;
}

static int start_agent(struct demo *demo)
{
	char socket[128], url[128], file[128], log[128], state[128], collector[128];
	char *const arguments[] = { (char *)"podfit-agent",
				    socket,
				    (char *)"--pods.source=kubelet",
				    url,
				    file,
				    state,
				    collector,
				    (char *)"--time.scale=60",
				    (char *)"--node.name=demo",
				    NULL };

	(void)snprintf(socket, sizeof(socket), "--api.socket=%s/agent.sock", demo->directory);
	(void)snprintf(url, sizeof(url), "--pods.kubelet.url=http://%s",
		       demo_pods_address(demo->pods));
	(void)snprintf(file, sizeof(file), "--export.file=%s/reports.pb", demo->directory);
	(void)snprintf(state, sizeof(state), "--state.directory=%s", demo->directory);
	(void)snprintf(collector, sizeof(collector), "--export.collector.url=%s",
		       demo->collector_url);
	(void)snprintf(log, sizeof(log), "%s/agent.log", demo->directory);
	demo->agent = start_program(demo, "podfit-agent", arguments, log, true);
	if (demo->agent < 0)
		return -errno;
	return wait_for_agent(demo, strchr(socket, '=') + 1, log);
}

/* A day of history first; then each node reports once a minute, as long as this lasts. */
static int start_fleet(struct demo *demo)
{
	char url[128], nodes[32], live[32], log[128];
	char *const arguments[] = { (char *)"fleet",
				    url,
				    nodes,
				    live,
				    (char *)"--containers=30",
				    (char *)"--hours=26", /* the newest hour is not whole */
				    NULL };

	(void)snprintf(url, sizeof(url), "--url=%s", demo->collector_url);
	(void)snprintf(nodes, sizeof(nodes), "--nodes=%llu", (unsigned long long)demo->nr_nodes);
	(void)snprintf(live, sizeof(live), "--live=%llu", (unsigned long long)demo->seconds);
	(void)snprintf(log, sizeof(log), "%s/fleet.log", demo->directory);
	demo->fleet = start_program(demo, "fleet", arguments, log, true);
	return demo->fleet < 0 ? -errno : 0;
}

static int stop_child(pid_t pid)
{
	int status = 0;

	(void)kill(pid, SIGTERM);
	for (int ms = 0; ms < STOP_MAX_MS; ms += POLL_MS) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return status;
		pause_ms(POLL_MS);
	}
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, &status, 0);
	return status;
}

/* The table, until its time is over or somebody has seen enough. */
static int show_top(struct demo *demo)
{
	char from[128], duration[64];
	char *const arguments[] = { (char *)"podfit",
				    (char *)"top",
				    from,
				    duration,
				    (char *)(isatty(STDOUT_FILENO) ? "--interval=1s"
								   : "--interval=10s"),
				    NULL };
	pid_t top;

	(void)snprintf(from, sizeof(from), "--from=%s/agent.sock", demo->directory);
	(void)snprintf(duration, sizeof(duration), "--duration=%llus",
		       (unsigned long long)demo->seconds);
	top = start_program(demo, "podfit", arguments, NULL, false);
	if (top < 0)
		return -errno;
	for (;;) {
		int status;

		if (waitpid(top, &status, WNOHANG) == top)
			return WIFEXITED(status) && WEXITSTATUS(status) ? -EIO : 0;
		if (stopped) {
			(void)stop_child(top);
			return 0;
		}
		restart_ended(demo);
		pause_ms(POLL_MS);
	}
}

/* The page is elsewhere: in a browser. */
static int show_page(struct demo *demo)
{
	printf("Look at %s/ with a browser: this node and %llu simulated ones; their day of history is\n"
	       "merged within two minutes. It ends in %llu s or on Ctrl-C.\n",
	       demo->collector_url, (unsigned long long)demo->nr_nodes,
	       (unsigned long long)demo->seconds);
	(void)fflush(stdout);
	for (uint64_t ms = 0; ms < demo->seconds * 1000 && !stopped; ms += POLL_MS) {
		restart_ended(demo);
		if (demo->fleet > 0 && waitpid(demo->fleet, NULL, WNOHANG) == demo->fleet) {
			char log[128];

			(void)snprintf(log, sizeof(log), "%s/fleet.log", demo->directory);
			show_log(log);
			fprintf(stderr, "%s: the simulated nodes have ended: they report no more\n",
				own_name(demo));
			demo->fleet = 0;
		}
		pause_ms(POLL_MS);
	}
	return 0;
}

/* @out: file for its standard output, or NULL. */
static int run_and_wait(struct demo *demo, char *const arguments[], const char *out)
{
	int status = 1, saved = -1;
	pid_t pid;

	(void)fflush(stdout); /* before the child writes */
	if (out) {
		PF_AUTO(pf_closep)
		int fd = open(out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

		saved = dup(STDOUT_FILENO);
		if (fd < 0 || saved < 0 || dup2(fd, STDOUT_FILENO) < 0)
			return 1;
	}
	pid = start_program(demo, "podfit", arguments, NULL, false);
	if (pid > 0)
		(void)waitpid(pid, &status, 0);
	if (out) {
		(void)dup2(saved, STDOUT_FILENO);
		(void)close(saved);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static int summarise(struct demo *demo)
{
	char file[128], fleet[128], page[600];
	/* The agent sees all of the machine; pods that are not the demo's are in no list. */
	char *const own = (char *)"--filter=namespace=demo";
	char *const fleet_report[] = { (char *)"podfit", (char *)"report", fleet, own, NULL };
	char *const leaks[] = { (char *)"podfit", (char *)"leaks", file, own, NULL };
	char *const html[] = {
		(char *)"podfit", (char *)"report", file, own, (char *)"--output=html", NULL
	};
	int code;

	(void)snprintf(file, sizeof(file), "--from=%s/reports.pb", demo->directory);
	(void)snprintf(fleet, sizeof(fleet), "--from=%s", demo->collector_url);
	(void)snprintf(page, sizeof(page), "%.*s/podfit-report.html",
		       (int)(strrchr(demo->bin, '/') - demo->bin), demo->bin);
	pause_ms(2000); /* the collector merges once a second */
	printf("\nWhat each should ask for, from the collector:\n\n");
	code = run_and_wait(demo, fleet_report, NULL);
	printf("\nLeaks:\n\n");
	if (code == 0)
		code = run_and_wait(demo, leaks, NULL);
	if (code == 0)
		code = run_and_wait(demo, html, page);
	if (code == 0)
		printf("\nThe same with charts: %s\n", page);
	return code;
}

static int prepare(struct demo *demo, char *error, size_t error_size)
{
	int r = demo_cgroups_find(&demo->cgroups, error, error_size);

	if (r < 0)
		return r;
	demo_cgroups_remove_stale(&demo->cgroups);
	(void)snprintf(demo->directory, sizeof(demo->directory), "/tmp/podfit-demo-XXXXXX");
	if (!mkdtemp(demo->directory)) {
		r = -errno;
		(void)snprintf(error, error_size, "%s: %s", demo->directory, strerror(-r));
		return r;
	}
	r = start_watchdog(demo);
	if (r < 0) {
		(void)snprintf(error, error_size, "watchdog: %s", strerror(-r));
		return r;
	}
	r = demo_pods_serve(&demo->pods, error, error_size);
	for (size_t i = 0; i < DEMO_NR_WORKLOADS && r == 0; i++)
		r = demo_cgroups_make(&demo->cgroups, &demo_workloads[i], error, error_size);
	return r;
}

static int run(struct demo *demo)
{
	char error[512] = "";
	int r = prepare(demo, error, sizeof(error));

	if (r < 0) {
		fprintf(stderr, "%s: %s\n", own_name(demo), error);
		return 1;
	}
	printf("Four workloads in cgroups of their own (Ctrl-C ends it):\n");
	for (size_t i = 0; i < DEMO_NR_WORKLOADS; i++) {
		printf("  %-16s %s\n", demo_workloads[i].name, demo_workloads[i].what);
		demo->workloads[i] = start_workload(demo, &demo_workloads[i]);
	}
	printf("Analysis runs 60 times faster than real time (--time.scale=60).\n\n");
	(void)fflush(stdout); /* before children write */
	r = start_collector(demo);
	if (r == 0)
		r = start_agent(demo);
	if (r == 0 && demo->nr_nodes)
		r = start_fleet(demo);
	if (r == 0)
		r = demo->nr_nodes ? show_page(demo) : show_top(demo);
	if (demo->fleet > 0)
		(void)stop_child(demo->fleet);
	if (demo->agent > 0) {
		int status = stop_child(demo->agent);

		if (r == 0 && (!WIFEXITED(status) || WEXITSTATUS(status)))
			r = -EIO;
	}
	if (r < 0) {
		fprintf(stderr, "%s: %s\n", own_name(demo), strerror(-r));
		return 1;
	}
	r = summarise(demo);
	(void)stop_child(demo->collector);
	return r;
}

static void clean_up(struct demo *demo)
{
	demo_pods_free(demo->pods);
	if (demo->watchdog > 0) {
		(void)close(demo->lifeline);
		(void)waitpid(demo->watchdog, NULL, 0);
	}
}

static int become_workload(const char *name)
{
	for (size_t i = 0; i < DEMO_NR_WORKLOADS; i++)
		if (!strcmp(demo_workloads[i].name, name))
			demo_workload_main(&demo_workloads[i]);
	return 2;
}

static int find_programs(struct demo *demo)
{
	ssize_t n = readlink("/proc/self/exe", demo->bin, sizeof(demo->bin) - 1);
	char *slash;

	if (n < 0)
		return -errno;
	demo->bin[n] = '\0';
	slash = strrchr(demo->bin, '/');
	if (slash)
		*slash = '\0';
	return 0;
}

/* @ret_value: as it was where the variable is not set. */
static bool read_setting(const char *name, uint64_t max, uint64_t *ret_value)
{
	const char *text = getenv(name);
	uint64_t value;

	if (!text || !*text)
		return true;
	if (pf_parse_u64(text, &value) < 0 || value < 1 || value > max) {
		fprintf(stderr, "%s=%s: not a number from 1 to %llu\n", name, text,
			(unsigned long long)max);
		return false;
	}
	*ret_value = value;
	return true;
}

int main(int argc, char **argv)
{
	const struct sigaction action = { .sa_handler = on_signal };
	struct demo demo = { .seconds = SECONDS_DEFAULT, .lifeline = -1 };
	int code;

	if (argc == 3 && !strcmp(argv[1], "--workload"))
		return become_workload(argv[2]);
	if (argc > 1) {
		fprintf(stderr,
			"usage: [RUN_SECONDS=N] [RUN_NODES=N] podfit-demo\n"
			"RUN_NODES: simulated nodes, and the collector's page instead of the table\n");
		return 2;
	}
	if (!read_setting("RUN_SECONDS", SECONDS_MAX, &demo.seconds) ||
	    !read_setting("RUN_NODES", NODES_MAX, &demo.nr_nodes))
		return 2;
	if (geteuid() != 0) {
		fprintf(stderr, "%s: needs root, to make cgroups and to load BPF programs\n",
			own_name(&demo));
		return 4;
	}
	if (find_programs(&demo) < 0)
		return 1;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	code = run(&demo);
	clean_up(&demo);
	return code;
}
