// SPDX-License-Identifier: Apache-2.0
/*
 * workloads.c - four processes that behave like services one meets: one whose bursts run into its
 * CPU limit, one that forgets to free, one that asked for far too much, one that is well.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "core/units.h"
#include "demo/demo.h"

static uint64_t now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * PF_NS_PER_S + (uint64_t)now.tv_nsec;
}

/* CPU time, not wall time: under a quota the work takes longer, it does not become less. */
static __attribute__((noinline)) void burn_ms(unsigned ms)
{
	uint64_t end_ns = now_ns(CLOCK_THREAD_CPUTIME_ID) + ms * PF_NS_PER_MS;
	volatile uint64_t sum = 0;

	while (now_ns(CLOCK_THREAD_CPUTIME_ID) < end_ns)
		for (unsigned i = 0; i < 1000; i++)
			sum += i;
}

static void wait_until(uint64_t at_ns)
{
	const struct timespec at = { (time_t)(at_ns / PF_NS_PER_S), (long)(at_ns % PF_NS_PER_S) };

	(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

static char *touched(size_t bytes)
{
	char *memory =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		_exit(1);
	memset(memory, 1, bytes);
	return memory;
}

/* A request every 200 ms that takes 70 ms of CPU: 350m on average, in bursts a quota of 150m cuts. */
static void run_throttled(void)
{
	uint64_t next_ns = now_ns(CLOCK_MONOTONIC);

	(void)touched(24 * PF_MIB);
	for (;;) {
		burn_ms(70);
		next_ns += 200 * PF_NS_PER_MS;
		if (next_ns < now_ns(CLOCK_MONOTONIC))
			next_ns = now_ns(CLOCK_MONOTONIC); /* behind: work off what waits */
		wait_until(next_ns);
	}
}

struct session {
	struct session *next;
	char data[64 * 1024 - 32];
};

static struct session *sessions;

/* Every session is kept, and none is ever looked at again. */
static __attribute__((noinline)) void session_remember(void)
{
	struct session *session = malloc(sizeof(*session));

	if (!session)
		return;
	for (size_t i = 0; i < sizeof(session->data); i++)
		((volatile char *)session->data)[i] = (char)i;
	session->next = sessions;
	sessions = session;
}

static __attribute__((noinline)) void handle_login(void)
{
	session_remember();
	burn_ms(1);
}

/* A login of 64 KiB every 60 ms: 1 MiB a second, which fills 128 MiB in about 65 s. */
static void run_leaking(void)
{
	(void)touched(60 * PF_MIB);
	for (uint64_t next_ns = now_ns(CLOCK_MONOTONIC);; next_ns += 60 * PF_NS_PER_MS) {
		handle_login();
		wait_until(next_ns);
	}
}

/* A health check now and then. */
static void run_overprovisioned(void)
{
	(void)touched(48 * PF_MIB);
	for (uint64_t next_ns = now_ns(CLOCK_MONOTONIC);; next_ns += 500 * PF_NS_PER_MS) {
		burn_ms(4);
		wait_until(next_ns);
	}
}

/* Steady work of 200m within a limit of one core; memory that comes and goes below its limit. */
static void run_healthy(void)
{
	char *scratch = touched(64 * PF_MIB);
	unsigned beat = 0;

	for (uint64_t next_ns = now_ns(CLOCK_MONOTONIC);; next_ns += 50 * PF_NS_PER_MS) {
		burn_ms(10);
		if (beat++ % 20 == 0) {
			(void)munmap(scratch, 64 * PF_MIB);
			scratch = touched(64 * PF_MIB);
		}
		wait_until(next_ns);
	}
}

struct demo_workload demo_workloads[DEMO_NR_WORKLOADS] = {
	{ .name = "throttled",
	  .what = "70 ms of work five times a second, behind a CPU limit of 150m",
	  .cpu_request_millicores = 100,
	  .cpu_limit_millicores = 150,
	  .memory_request_mib = 48,
	  .memory_limit_mib = 96,
	  .run = run_throttled },
	{ .name = "leaking",
	  .what = "never frees a session: grows by 1 MiB a second",
	  .cpu_request_millicores = 100,
	  .cpu_limit_millicores = 500,
	  .memory_request_mib = 64,
	  .memory_limit_mib = 128,
	  .run = run_leaking },
	{ .name = "overprovisioned",
	  .what = "nearly idle, but asks for 1.5 cores and 1 GiB",
	  .cpu_request_millicores = 1500,
	  .cpu_limit_millicores = 2000,
	  .memory_request_mib = 1024,
	  .memory_limit_mib = 1024,
	  .run = run_overprovisioned },
	{ .name = "healthy",
	  .what = "steady work of 200m with a request of 300m",
	  .cpu_request_millicores = 300,
	  .cpu_limit_millicores = 1000,
	  .memory_request_mib = 96,
	  .memory_limit_mib = 160,
	  .run = run_healthy },
};

void demo_workload_main(const struct demo_workload *workload)
{
	(void)prctl(PR_SET_NAME, workload->name); /* only a name */
	workload->run();
	_exit(1); /* not reached */
}
