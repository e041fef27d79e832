// SPDX-License-Identifier: Apache-2.0
#include "sys/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <time.h>

#include "core/units.h"
#include "sys/clock.h"
#include "unit/check.h"

struct seen {
	struct pf_loop *loop;
	struct pf_watch *watch, *other;
	struct pf_timer *timer;
	unsigned nr, stop_at;
	uint64_t last_ns;
};

static void on_timer(void *arg, uint64_t now_ns)
{
	struct seen *seen = arg;

	seen->last_ns = now_ns;
	if (++seen->nr == seen->stop_at)
		pf_loop_stop(seen->loop, 7);
}

static void test_timers(void)
{
	PF_AUTO(pf_loop_freep) struct pf_loop *loop = NULL;
	struct seen beat = { .stop_at = 3 }, once = { 0 }, off = { 0 };
	uint64_t start_ns = pf_clock_monotonic_ns();

	PF_CHECK_INT("new", pf_loop_new(&loop), 0);
	beat.loop = loop;
	PF_CHECK_INT("period",
		     pf_loop_add_timer(loop, 5 * PF_NS_PER_MS, 10 * PF_NS_PER_MS, on_timer, &beat,
				       &beat.timer),
		     0);
	PF_CHECK_INT("once", pf_loop_add_timer(loop, 0, 0, on_timer, &once, &once.timer), 0);
	PF_CHECK_INT("off", pf_loop_add_timer(loop, PF_TIMER_OFF, 0, on_timer, &off, NULL), 0);
	PF_CHECK_INT("exit code", pf_loop_run(loop), 7);
	PF_CHECK_INT("beats", beat.nr, 3);
	PF_CHECK_INT("once", once.nr, 1);
	PF_CHECK_INT("off", off.nr, 0);
	PF_CHECK("never early", beat.last_ns - start_ns >= 25 * PF_NS_PER_MS);
	pf_timer_free(beat.timer);
	pf_timer_set(once.timer, PF_NS_PER_MS, 0);
	PF_CHECK_INT("round", pf_loop_run_once(loop, 50 * PF_NS_PER_MS), 0);
	PF_CHECK_INT("set again", once.nr, 2);
	PF_CHECK_INT("freed", beat.nr, 3);
}

static void test_missed_beats(void)
{
	PF_AUTO(pf_loop_freep) struct pf_loop *loop = NULL;
	struct seen beat = { 0 };
	struct timespec pause = { .tv_nsec = 20 * 1000000 };

	PF_CHECK_INT("new", pf_loop_new(&loop), 0);
	PF_CHECK_INT("add", pf_loop_add_timer(loop, 0, PF_NS_PER_MS, on_timer, &beat, NULL), 0);
	(void)nanosleep(&pause, NULL);
	PF_CHECK_INT("round", pf_loop_run_once(loop, 0), 0);
	PF_CHECK_INT("one call for all missed", beat.nr, 1);
}

static void on_readable(void *arg, int fd, uint32_t events)
{
	struct seen *seen = arg;
	char byte;

	PF_CHECK("readable", events & EPOLLIN);
	PF_CHECK_INT("read", read(fd, &byte, 1), 1);
	seen->nr++;
	/* Itself and the other, whose event waits in the same round. */
	pf_watch_free(seen->watch);
	pf_watch_free(seen->other);
}

static void test_free_in_callback(void)
{
	PF_AUTO(pf_loop_freep) struct pf_loop *loop = NULL;
	struct seen seen = { 0 }, other = { 0 };
	int a[2], b[2];

	PF_CHECK_INT("new", pf_loop_new(&loop), 0);
	PF_CHECK_INT("pipe", pipe2(a, O_CLOEXEC), 0);
	PF_CHECK_INT("pipe", pipe2(b, O_CLOEXEC), 0);
	PF_CHECK_INT("add", pf_loop_add_fd(loop, a[0], EPOLLIN, on_readable, &seen, &seen.watch),
		     0);
	PF_CHECK_INT("add", pf_loop_add_fd(loop, b[0], EPOLLIN, on_readable, &other, &other.watch),
		     0);
	seen.other = other.watch;
	other.other = seen.watch;
	PF_CHECK_INT("write", write(a[1], "x", 1) + write(b[1], "x", 1), 2);
	PF_CHECK_INT("round", pf_loop_run_once(loop, PF_NS_PER_S), 0);
	PF_CHECK_INT("one of the two", seen.nr + other.nr, 1);
	PF_CHECK_INT("round", pf_loop_run_once(loop, 0), 0);
	PF_CHECK_INT("none any more", seen.nr + other.nr, 1);
	for (int i = 0; i < 2; i++) {
		(void)close(a[i]);
		(void)close(b[i]);
	}
}

static void on_signal(void *arg, int signo)
{
	*(int *)arg = signo;
}

static void test_signal(void)
{
	PF_AUTO(pf_loop_freep) struct pf_loop *loop = NULL;
	int got = 0;

	PF_CHECK_INT("new", pf_loop_new(&loop), 0);
	PF_CHECK_INT("add", pf_loop_add_signal(loop, SIGUSR1, on_signal, &got), 0);
	PF_CHECK_INT("twice", pf_loop_add_signal(loop, SIGUSR1, on_signal, &got), -EEXIST);
	PF_CHECK_INT("bad", pf_loop_add_signal(loop, 0, on_signal, &got), -EINVAL);
	PF_CHECK_INT("second", pf_loop_add_signal(loop, SIGUSR2, on_signal, &got), 0);
	PF_CHECK_INT("raise", raise(SIGUSR2), 0);
	PF_CHECK_INT("round", pf_loop_run_once(loop, PF_NS_PER_S), 0);
	PF_CHECK_INT("got", got, SIGUSR2);
}

static void test_plain_file(void)
{
	PF_AUTO(pf_loop_freep) struct pf_loop *loop = NULL;
	PF_AUTO(pf_closep) int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct pf_watch *watch = NULL;

	PF_CHECK_INT("new", pf_loop_new(&loop), 0);
	PF_CHECK_INT("cannot be waited for",
		     pf_loop_add_fd(loop, fd, EPOLLIN, on_readable, NULL, &watch), -EPERM);
	PF_CHECK("untouched", !watch);
}

PF_TEST_SUITE(loop, { "timers", test_timers }, { "missed beats", test_missed_beats },
	      { "free in a callback", test_free_in_callback }, { "signal", test_signal },
	      { "plain file", test_plain_file });
