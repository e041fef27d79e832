// SPDX-License-Identifier: Apache-2.0
/*
 * top_agent.c - an agent of top's own, where none runs. It dies with this process and leaves
 * nothing behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ctl/agent_program.h"
#include "ctl/client.h"
#include "ctl/top.h"

enum { WAIT_STEP_MS = 50, WAIT_MAX_MS = 15000, STOP_MAX_MS = 5000 };

static void sleep_ms(long ms)
{
	const struct timespec pause = { ms / 1000, ms % 1000 * 1000000 };

	(void)nanosleep(&pause, NULL); /* a signal only makes it shorter */
}

static void run_child(const struct pf_top_agent *agent, double interval_s, pid_t parent)
{
	char program[4096], socket[128], interval[64];
	int log = open(agent->log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent || log < 0 ||
	    dup2(log, STDERR_FILENO) < 0 || dup2(log, STDOUT_FILENO) < 0)
		_exit(1);
	pf_ctl_agent_program(program, sizeof(program));
	(void)snprintf(socket, sizeof(socket), "--api.socket=%s", agent->socket);
	(void)snprintf(interval, sizeof(interval), "--capture.interval=%.0fms", interval_s * 1000);
	execlp(program, "podfit-agent", socket, interval, "--log.level=warning", (char *)NULL);
	dprintf(STDERR_FILENO, "podfit-agent: %s: %s\n", program, strerror(errno));
	_exit(127);
}

/* The last line the agent wrote says why it ended. */
static void last_line(const char *path, char *ret_text, size_t size)
{
	PF_AUTO(pf_fclosep) FILE *file = fopen(path, "re");
	char line[512];

	(void)snprintf(ret_text, size, "the agent ended at once");
	while (file && fgets(line, sizeof(line), file))
		if (line[0] != '\n')
			(void)snprintf(ret_text, size, "%.*s", (int)strcspn(line, "\n"), line);
}

static int answers(const char *socket)
{
	const struct pf_client_opts opts = { .where = socket, .timeout_s = 5 };
	PF_AUTO(pf_client_freep) struct pf_client *client = NULL;
	struct pf_buf body;
	char error[512];
	int r = pf_client_new(&opts, &client, error, sizeof(error));

	pf_buf_init(&body, 4096);
	if (r == 0)
		r = pf_client_get(client, "/readyz", "text/plain", &body, error, sizeof(error));
	pf_buf_done(&body);
	return r;
}

static int wait_ready(struct pf_top_agent *agent, char *error, size_t error_size)
{
	for (int ms = 0; ms < WAIT_MAX_MS; ms += WAIT_STEP_MS) {
		if (waitpid(agent->pid, NULL, WNOHANG) == agent->pid) {
			agent->pid = 0;
			last_line(agent->log, error, error_size);
			return -ECHILD;
		}
		if (answers(agent->socket) == 0)
			return 0;
		sleep_ms(WAIT_STEP_MS);
	}
	(void)snprintf(error, error_size, "the agent did not get ready within %d s",
		       WAIT_MAX_MS / 1000);
	return -ETIMEDOUT;
}

int pf_top_agent_start(double interval_s, struct pf_top_agent *ret_agent, char *error,
		       size_t error_size)
{
	struct pf_top_agent agent = { .directory = "/tmp/podfit-top-XXXXXX" };
	pid_t parent = getpid();
	int r;

	if (!mkdtemp(agent.directory)) {
		r = -errno;
		(void)snprintf(error, error_size, "%s: %s", agent.directory, strerror(-r));
		return r;
	}
	(void)snprintf(agent.socket, sizeof(agent.socket), "%s/agent.sock", agent.directory);
	(void)snprintf(agent.log, sizeof(agent.log), "%s/agent.log", agent.directory);
	agent.pid = fork();
	if (agent.pid == 0)
		run_child(&agent, interval_s, parent);
	r = agent.pid < 0 ? -errno : wait_ready(&agent, error, error_size);
	if (r < 0) {
		pf_top_agent_stop(&agent);
		return r;
	}
	*ret_agent = agent;
	return 0;
}

void pf_top_agent_stop(struct pf_top_agent *agent)
{
	if (!agent->directory[0])
		return;
	if (agent->pid > 0) {
		(void)kill(agent->pid, SIGTERM);
		for (int ms = 0; ms < STOP_MAX_MS; ms += WAIT_STEP_MS) {
			if (waitpid(agent->pid, NULL, WNOHANG) != 0) {
				agent->pid = 0;
				break;
			}
			sleep_ms(WAIT_STEP_MS);
		}
		if (agent->pid > 0) {
			(void)kill(agent->pid, SIGKILL);
			(void)waitpid(agent->pid, NULL, 0);
		}
	}
	(void)unlink(agent->socket); /* the agent removes its own; left if it was killed */
	(void)unlink(agent->log);
	(void)rmdir(agent->directory);
	*agent = (struct pf_top_agent){ 0 };
}
