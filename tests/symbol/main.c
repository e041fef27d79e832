// SPDX-License-Identifier: Apache-2.0
/*
 * main.c - runs the programs that symbol.sh made and compares the names of their functions with the source.
 * Usage: symbol-test DIRECTORY
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/symbol.h"

enum { NR_FUNCTIONS = 4, ADDRESSES_MAX = 5 };

static unsigned passed, failed, skipped;

/* What the source calls them. */
static const char *const names[NR_FUNCTIONS] = {
	"shop::Cart<long>::add",
	"shop::(anonymous namespace)::total",
	"shop::Price::less",
	"shop_plain",
};

/* A program of the directory that runs. */
struct run {
	pid_t child; /* of this process */
	pid_t pid;   /* of the program, as this process sees it */
	int to_child;
	size_t nr;
	uint64_t address[ADDRESSES_MAX];
	struct pf_symbol symbol[ADDRESSES_MAX];
};

static void check(const char *run, const char *what, const char *got, const char *want)
{
	bool ok = !strcmp(got, want);

	passed += ok;
	failed += !ok;
	if (!ok)
		printf("FAILED  %s: %s: got \"%s\", want \"%s\"\n", run, what, got, want);
}

static void check_number(const char *run, const char *what, uint64_t got, uint64_t want)
{
	char g[32], w[32];

	snprintf(g, sizeof(g), "%#lx", (unsigned long)got);
	snprintf(w, sizeof(w), "%#lx", (unsigned long)want);
	check(run, what, g, w);
}

/* Into @root, to be in a pid namespace of its own: what a container is to the names of files and processes. */
static int enter(const char *root)
{
	if (geteuid() != 0 && unshare(CLONE_NEWUSER) < 0)
		return -errno;
	if (unshare(CLONE_NEWPID) < 0 || chroot(root) < 0 || chdir("/") < 0)
		return -errno;
	return 0;
}

/* The program itself is a child of this one there, which tells its pid as we see it. */
static void become_contained(const char *program, const char *root)
{
	pid_t pid;
	int status;

	if (enter(root) < 0)
		_exit(2);
	pid = fork();
	if (pid == 0) {
		(void)execl(program, program, "jit", (char *)NULL);
		_exit(1);
	}
	(void)dprintf(STDOUT_FILENO, "pid %d\n", (int)pid);
	(void)close(STDOUT_FILENO);
	(void)waitpid(pid, &status, 0);
	_exit(0);
}

static void become(const char *program, const char *root, int in, int out)
{
	if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0)
		_exit(1);
	(void)close(in);
	(void)close(out);
	if (root)
		become_contained(program, root);
	(void)execl(program, program, (char *)NULL);
	_exit(1);
}

/* @root: NULL, or the directory that is to be its root. Return: whether it runs and told its addresses. */
static bool start(const char *program, const char *root, struct run *run)
{
	int in[2], out[2];
	PF_AUTO(pf_fclosep) FILE *from = NULL;
	char line[64];
	size_t want = NR_FUNCTIONS + (root ? 2 : 0); /* lines: pid and compiled code, too */

	memset(run, 0, sizeof(*run));
	if (pipe(in) < 0 || pipe(out) < 0)
		return false;
	(void)fflush(stdout); /* not the child's to write again */
	run->child = run->pid = fork();
	if (run->child == 0) {
		(void)close(in[1]); /* its end ends the child */
		(void)close(out[0]);
		become(program, root, in[0], out[1]);
	}
	(void)close(in[0]);
	(void)close(out[1]);
	run->to_child = in[1];
	from = fdopen(out[0], "r");
	for (size_t i = 0; from && i < want && fgets(line, sizeof(line), from); i++) {
		if (!strncmp(line, "pid ", 4))
			run->pid = (pid_t)strtol(line + 4, NULL, 10);
		else if (run->nr < ADDRESSES_MAX)
			run->address[run->nr++] = strtoull(line, NULL, 16);
	}
	return run->nr >= NR_FUNCTIONS;
}

static void stop(struct run *run)
{
	int status;

	(void)close(run->to_child);
	(void)waitpid(run->child, &status, 0);
}

static void symbolize(const char *what, struct run *run)
{
	int r = pf_symbolize("/proc", (uint32_t)run->pid, run->address, NULL, run->nr, run->symbol);

	check(what, "symbolized", strerror(-r), strerror(0));
}

/* @named: whether the names can be known; else it is the build id and the address in the file. */
static void check_program(const char *directory, const char *name, bool named, bool has_build_id)
{
	char program[512];
	struct run run;

	snprintf(program, sizeof(program), "%s/%s", directory, name);
	if (!start(program, NULL, &run)) {
		check(name, "starts", "no", "yes");
		stop(&run);
		return;
	}
	symbolize(name, &run);
	for (size_t i = 0; i < NR_FUNCTIONS; i++) {
		const struct pf_symbol *s = &run.symbol[i];

		check(name, "name", s->name, named ? names[i] : "");
		check_number(name, "offset", s->offset, named ? 0 : run.address[i]);
		check_number(name, "length of the build id", strlen(s->build_id),
			     has_build_id ? 40 : 0);
	}
	stop(&run);
}

/* Symbols by build id and a perf map, both as a container sees them. */
static void check_container(const char *directory)
{
	char root[512];
	struct run run;

	snprintf(root, sizeof(root), "%s/root", directory);
	if (!start("/shop", root, &run) || run.nr < ADDRESSES_MAX) {
		printf("SKIPPED container: no namespaces here\n");
		skipped++;
		stop(&run);
		return;
	}
	symbolize("container", &run);
	for (size_t i = 0; i < NR_FUNCTIONS; i++)
		check("container", "name by build id", run.symbol[i].name, names[i]);
	check("container", "name of compiled code", run.symbol[NR_FUNCTIONS].name, "Checkout.pay");
	check("container", "its module", run.symbol[NR_FUNCTIONS].module, "[jit]");
	stop(&run);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	check_program(argv[1], "whole", true, true);
	check_program(argv[1], "static", true, true);
	check_program(argv[1], "stripped", false, true);
	check_program(argv[1], "linked", true, false);
	check_program(argv[1], "changed", false, false);
	check_program(argv[1], "large", false, false);
	check_container(argv[1]);
	printf("%u passed, %u failed, %u skipped\n", passed, failed, skipped);
	return failed > 0;
}
