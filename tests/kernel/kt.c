// SPDX-License-Identifier: Apache-2.0
/*
 * kt.c - runner of the kernel tests.
 *
 * Usage: kernel-test [--source=bpf|cgroupfs] [--emulated] [--skips=FILE] [--verbose] [--list]
 * [NAME...]
 *
 * Prints a PASS, FAIL or SKIP line a test and ends with "N passed, N failed, N skipped". A test is
 * a process: it is killed when it takes too long, what it started goes with it (PR_SET_PDEATHSIG),
 * and the runner then empties and removes its cgroups.
 */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kernel/cg.h"
#include "kernel/kt.h"
#include "kernel/src.h"

enum { TEST_SECONDS = 120, TEST_SECONDS_EMULATED = 300, NOTES_MAX = 64 };

/* What a test's process tells the runner: shared memory, so that it survives a crash. */
struct report {
	unsigned nr_checks, nr_failed;
	bool skipped, gave_up;
	char reason[256];
	unsigned nr_notes;
	char notes[NOTES_MAX][256];
};

struct kt_settings kt_settings = { .source = "bpf" };

static struct kt_test *tests;
static struct report *report;
static volatile sig_atomic_t stop_signal;
static volatile pid_t running;

void kt_register(struct kt_test *test)
{
	struct kt_test **place = &tests;

	while (*place && strcmp((*place)->name, test->name) < 0)
		place = &(*place)->next;
	test->next = *place;
	*place = test;
}

double kt_share(double tolerance)
{
	return kt_settings.emulated ? 3 * tolerance : tolerance;
}

static void add_note(const char *format, va_list args)
{
	if (report->nr_notes < NOTES_MAX)
		vsnprintf(report->notes[report->nr_notes++], sizeof(report->notes[0]), format,
			  args);
}

void kt_note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add_note(format, args);
	va_end(args);
}

static bool checked(const char *file, int line, bool ok, const char *format, ...)
{
	char text[300];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	report->nr_checks++;
	report->nr_failed += !ok;
	if (!ok || kt_settings.verbose)
		kt_note("%s %s:%d: %s", ok ? "ok " : "BAD", file, line, text);
	return ok;
}

bool kt_check_true(const char *file, int line, const char *what, bool ok)
{
	return checked(file, line, ok, "%s: %s", what, ok ? "true" : "not true");
}

bool kt_check_int(const char *file, int line, const char *what, int64_t got, int64_t want)
{
	return checked(file, line, got == want, "%s: got %lld, want %lld", what, (long long)got,
		       (long long)want);
}

bool kt_check_near(const char *file, int line, const char *what, double got, double want,
		   double relative, double absolute)
{
	double slack = fmax(relative * fabs(want), absolute);

	return checked(file, line, fabs(got - want) <= slack,
		       "%s: got %.0f, want %.0f +- %.0f (off by %.3f %%)", what, got, want, slack,
		       want != 0 ? 100 * (got - want) / want : 0.0);
}

bool kt_check_range(const char *file, int line, const char *what, double got, double low,
		    double high)
{
	return checked(file, line, got >= low && got <= high, "%s: got %.6g, want %.6g to %.6g",
		       what, got, low, high);
}

void kt_fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add_note(format, args);
	va_end(args);
	report->gave_up = true;
	_exit(1);
}

void kt_skip(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(report->reason, sizeof(report->reason), format, args);
	va_end(args);
	report->skipped = true;
	_exit(0);
}

/* ---- running
 * -------------------------------------------------------------------------------------------- */

static void on_stop(int sig)
{
	stop_signal = sig;
	if (running > 0)
		kill(running, SIGKILL);
}

static void on_alarm(int sig)
{
	(void)sig;
	if (running > 0)
		kill(running, SIGKILL);
}

static void catch (int sig, void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler };

	sigaction(sig, &action, NULL);
}

/* The reason from the skip file ("KERNEL-PATTERN TEST-PATTERN REASON..."), or NULL. */
static const char *listed_skip(const char *path, const char *name)
{
	static char line[512];
	struct utsname uts;
	PF_AUTO(pf_fclosep) FILE *f = path ? fopen(path, "re") : NULL;

	if (!f || uname(&uts) < 0)
		return NULL;
	while (fgets(line, sizeof(line), f)) {
		char *rest = line, *kernel = strsep(&rest, " \t"),
		     *test = rest ? strsep(&rest, " \t") : NULL;

		if (!rest || kernel[0] == '#')
			continue;
		rest[strcspn(rest, "\n")] = '\0';
		if (!fnmatch(kernel, uts.release, 0) && !fnmatch(test, name, 0))
			return rest;
	}
	return NULL;
}

static void child_main(const struct kt_test *test, pid_t runner)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != runner)
		_exit(1);
	catch (SIGINT, SIG_DFL);
	catch (SIGTERM, SIG_DFL);
	test->run();
	_exit(0);
}

/* What is needed to understand a failure that does not come again. */
static void print_machine_state(void)
{
	char load[128] = "?", pressure[256] = "";

	(void)kt_read_file("/proc/loadavg", load, sizeof(load));
	(void)kt_read_file("/proc/pressure/cpu", pressure, sizeof(pressure));
	load[strcspn(load, "\n")] = '\0';
	pressure[strcspn(pressure, "\n")] = '\0';
	printf("     load average %s; cpu pressure %s\n", load, pressure);
}

static void print_notes(void)
{
	for (unsigned i = 0; i < report->nr_notes; i++)
		printf("     %s\n", report->notes[i]);
}

enum outcome { PASSED, FAILED, SKIPPED, NR_OUTCOMES };

static enum outcome print_failed(const struct kt_test *test, const char *why)
{
	printf("FAIL %s: %s: %s\n", test->name, test->title, why);
	print_notes();
	print_machine_state();
	return FAILED;
}

static enum outcome judge(const struct kt_test *test, int status, bool timed_out, double seconds)
{
	char why[128];

	if (timed_out) {
		snprintf(why, sizeof(why), "not done after %.0f s", seconds);
		return print_failed(test, why);
	}
	if (WIFSIGNALED(status)) {
		snprintf(why, sizeof(why), "killed by signal %d", WTERMSIG(status));
		return print_failed(test, why);
	}
	if (report->gave_up || WEXITSTATUS(status))
		return print_failed(test, "gave up");
	if (report->nr_failed) {
		snprintf(why, sizeof(why), "%u of %u checks failed", report->nr_failed,
			 report->nr_checks);
		return print_failed(test, why);
	}
	if (report->skipped) {
		printf("SKIP %s: %s\n", test->name, report->reason);
		return SKIPPED;
	}
	if (!report->nr_checks)
		return print_failed(test, "checked nothing");
	printf("PASS %s: %s (%u checks, %.1f s)\n", test->name, test->title, report->nr_checks,
	       seconds);
	if (kt_settings.verbose)
		print_notes();
	return PASSED;
}

static enum outcome run_one(const struct kt_test *test, const char *skips)
{
	const char *listed = listed_skip(skips, test->name);
	unsigned limit_s = kt_settings.emulated ? TEST_SECONDS_EMULATED : TEST_SECONDS;
	uint64_t start_ns = kt_now_ns();
	pid_t runner = getpid(), pid;
	int status = 0;

	if (listed) {
		printf("SKIP %s: listed: %s\n", test->name, listed);
		return SKIPPED;
	}
	memset(report, 0, sizeof(*report));
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		return print_failed(test, "fork failed");
	if (!pid)
		child_main(test, runner);
	running = pid;
	alarm(limit_s);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	alarm(0);
	running = 0;
	kt_cg_remove_all();

	double seconds = (double)(kt_now_ns() - start_ns) / 1e9;
	bool timed_out = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && seconds >= limit_s;

	return judge(test, status, timed_out, seconds);
}

static bool wanted(const char *name, char *const *patterns)
{
	if (!*patterns)
		return true;
	for (; *patterns; patterns++)
		if (!fnmatch(*patterns, name, 0))
			return true;
	return false;
}

static int run_all(const char *skips, char *const *patterns)
{
	unsigned count[NR_OUTCOMES] = { 0 };
	struct kt_cg held;

	if (kt_settings.emulated)
		kt_src_hold(&held);
	for (const struct kt_test *test = tests; test && !stop_signal; test = test->next)
		if (wanted(test->name, patterns))
			count[run_one(test, skips)]++;
	if (kt_settings.emulated)
		kt_cg_remove(&held);
	if (stop_signal)
		printf("stopped by signal %d\n", stop_signal);
	printf("%u passed, %u failed, %u skipped\n", count[PASSED], count[FAILED] + !!stop_signal,
	       count[SKIPPED]);
	return count[FAILED] || stop_signal || !(count[PASSED] + count[SKIPPED]);
}

static int usage(void)
{
	fputs("usage: kernel-test [--source=bpf|cgroupfs] [--emulated] [--skips=FILE] [--verbose] "
	      "[--list] [NAME-PATTERN...]\n",
	      stderr);
	return 2;
}

int main(int argc, char **argv)
{
	const char *skips = NULL;
	int i;

	for (i = 1; i < argc && !strncmp(argv[i], "--", 2); i++) {
		if (!strncmp(argv[i], "--source=", 9))
			kt_settings.source = argv[i] + 9;
		else if (!strncmp(argv[i], "--skips=", 8))
			skips = argv[i] + 8;
		else if (!strcmp(argv[i], "--emulated"))
			kt_settings.emulated = true;
		else if (!strcmp(argv[i], "--verbose"))
			kt_settings.verbose = true;
		else if (!strcmp(argv[i], "--list")) {
			for (const struct kt_test *test = tests; test; test = test->next)
				printf("%-24s %s\n", test->name, test->title);
			return 0;
		} else {
			return usage();
		}
	}
	if (geteuid() != 0) {
		puts("SKIP kernel tests: they need root (cgroups, BPF)");
		puts("0 passed, 0 failed, 1 skipped");
		return 0;
	}
	report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (report == MAP_FAILED) {
		perror("mmap");
		return 1;
	}
	catch (SIGINT, on_stop);
	catch (SIGTERM, on_stop);
	catch (SIGHUP, on_stop);
	catch (SIGALRM, on_alarm);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (kt_cg_init() < 0) {
		puts("FAIL kernel tests: no cgroup file system is mounted");
		puts("0 passed, 1 failed, 0 skipped");
		return 1;
	}
	return run_all(skips, argv + i);
}
