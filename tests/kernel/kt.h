/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kt.h - the runner of the kernel tests: every test in a process of its own, checks that print what
 * was got and what was wanted, and a closing line that counts.
 *
 * A test registers itself:
 *
 *	KT_TEST(cpu_burn, "CPU burned is CPU reported")
 *	{
 *		...
 *		KT_NEAR("usage", got_ns, want_ns, kt_share(0.01), 0);
 *	}
 *
 * Whatever a test starts dies with it, and its cgroups are removed by the runner on every path.
 */
#ifndef PF_TESTS_KERNEL_KT_H
#define PF_TESTS_KERNEL_KT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "core/units.h"

struct kt_test {
	const char *name;
	const char *title;
	void (*run)(void);
	struct kt_test *next;
};
void kt_register(struct kt_test *test);

#define KT_TEST(id, text)                                                                          \
	static void id##_run(void);                                                                \
	static struct kt_test id##_test = { #id, text, id##_run, NULL };                           \
	__attribute__((constructor)) static void id##_register(void)                               \
	{                                                                                          \
		kt_register(&id##_test);                                                           \
	}                                                                                          \
	static void id##_run(void)

/* Settings of the run, the same for all tests. */
struct kt_settings {
	const char *source; /* capture source under test: "bpf", "cgroupfs" */
	bool emulated;	    /* software-emulated CPU: clocks are coarse, tolerances wider */
	bool verbose;	    /* print every check, not only the failed ones */
};
extern struct kt_settings kt_settings;

/** kt_share() - a relative tolerance: as given on hardware, three times that under emulation. */
double kt_share(double tolerance);

/* Checks. Each counts; a failed one is printed with @what, got and want. They do not end the test.
 */
bool kt_check_true(const char *file, int line, const char *what, bool ok);
bool kt_check_int(const char *file, int line, const char *what, int64_t got, int64_t want);
/* |got - want| <= max(relative * |want|, absolute) */
bool kt_check_near(const char *file, int line, const char *what, double got, double want,
		   double relative, double absolute);
bool kt_check_range(const char *file, int line, const char *what, double got, double low,
		    double high);

#define KT_TRUE(what, ok)	kt_check_true(__FILE__, __LINE__, what, ok)
#define KT_INT(what, got, want) kt_check_int(__FILE__, __LINE__, what, got, want)
#define KT_NEAR(what, got, want, rel, abs)                                                         \
	kt_check_near(__FILE__, __LINE__, what, got, want, rel, abs)
#define KT_RANGE(what, got, low, high) kt_check_range(__FILE__, __LINE__, what, got, low, high)

/** kt_fail() - the test cannot go on: prints why and ends it as failed. */
__attribute__((noreturn)) void kt_fail(const char *format, ...) PF_PRINTF(1, 2);
/** kt_skip() - this machine lacks what the test is about: ends it as skipped, with the reason. */
__attribute__((noreturn)) void kt_skip(const char *format, ...) PF_PRINTF(1, 2);
/** kt_note() - a line that is shown if the test fails (always with --verbose). */
void kt_note(const char *format, ...) PF_PRINTF(1, 2);

uint64_t kt_now_ns(void); /* CLOCK_MONOTONIC */
void kt_sleep_ms(unsigned ms);

/**
 * kt_read_file() - a small file as a string, cut at @size - 1.
 * Return: length; negative errno.
 */
int kt_read_file(const char *path, char *buf, size_t size);
/** kt_write_file() - writes @text in one write. Return: 0; negative errno. */
int kt_write_file(const char *path, const char *text);

#endif
