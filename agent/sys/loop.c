// SPDX-License-Identifier: Apache-2.0
/*
 * Timers are a plain list: the agent has a few dozen at most, and one pass over them a wake-up
 * costs less than the wake-up. What a callback frees is only marked, because the events of this
 * round may still point at it, and is given back when the round is over.
 */
#include "sys/loop.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/signalfd.h>

#include "base/units.h"
#include "sys/clock.h"

enum { EVENTS_PER_ROUND = 64 };

struct pf_watch {
	struct pf_loop *loop;
	struct pf_watch *next;
	int fd;
	bool dead;
	pf_watch_fn fn;
	void *arg;
};

struct pf_timer {
	struct pf_loop *loop;
	struct pf_timer *next;
	uint64_t due_ns; /* PF_TIMER_OFF: not running */
	uint64_t period_ns;
	bool dead;
	pf_timer_fn fn;
	void *arg;
};

struct pf_loop {
	int epoll_fd, signal_fd;
	bool stopped, any_dead;
	int exit_code;
	sigset_t signals, signals_before;
	struct {
		pf_signal_fn fn;
		void *arg;
	} on_signal[NSIG];
	struct pf_watch *watches;
	struct pf_timer *timers;
};

int pf_loop_new(struct pf_loop **ret_loop)
{
	struct pf_loop *loop = calloc(1, sizeof(*loop));
	int r;

	if (!loop)
		return -ENOMEM;
	loop->signal_fd = -1;
	sigemptyset(&loop->signals);
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0) {
		r = -errno;
		free(loop);
		return r;
	}
	*ret_loop = loop;
	return 0;
}

static void reap(struct pf_loop *loop, bool all)
{
	for (struct pf_watch **place = &loop->watches; *place;) {
		struct pf_watch *watch = *place;

		if (!watch->dead && !all) {
			place = &watch->next;
			continue;
		}
		*place = watch->next;
		free(watch);
	}
	for (struct pf_timer **place = &loop->timers; *place;) {
		struct pf_timer *timer = *place;

		if (!timer->dead && !all) {
			place = &timer->next;
			continue;
		}
		*place = timer->next;
		free(timer);
	}
	loop->any_dead = false;
}

void pf_loop_free(struct pf_loop *loop)
{
	if (!loop)
		return;
	reap(loop, true);
	if (loop->signal_fd >= 0) {
		(void)close(loop->signal_fd);
		(void)sigprocmask(SIG_SETMASK, &loop->signals_before, NULL);
	}
	(void)close(loop->epoll_fd);
	free(loop);
}

int pf_loop_add_fd(struct pf_loop *loop, int fd, uint32_t events, pf_watch_fn fn, void *arg,
		   struct pf_watch **ret_watch)
{
	PF_AUTO(pf_freep) struct pf_watch *watch = calloc(1, sizeof(*watch));
	struct epoll_event ev = { .events = events, .data.ptr = watch };

	if (!watch)
		return -ENOMEM;
	*watch = (struct pf_watch){
		.loop = loop, .next = loop->watches, .fd = fd, .fn = fn, .arg = arg
	};
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0)
		return -errno;
	if (ret_watch)
		*ret_watch = watch;
	loop->watches = pf_take(watch);
	return 0;
}

int pf_watch_set(struct pf_watch *watch, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = watch };

	return epoll_ctl(watch->loop->epoll_fd, EPOLL_CTL_MOD, watch->fd, &ev) < 0 ? -errno : 0;
}

void pf_watch_free(struct pf_watch *watch)
{
	if (!watch)
		return;
	/* Fails only if the descriptor was closed first, which took it out as well. */
	(void)epoll_ctl(watch->loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
	watch->dead = true;
	watch->loop->any_dead = true;
}

int pf_loop_add_timer(struct pf_loop *loop, uint64_t first_ns, uint64_t period_ns, pf_timer_fn fn,
		      void *arg, struct pf_timer **ret_timer)
{
	struct pf_timer *timer = calloc(1, sizeof(*timer));

	if (!timer)
		return -ENOMEM;
	*timer = (struct pf_timer){ .loop = loop, .next = loop->timers, .fn = fn, .arg = arg };
	pf_timer_set(timer, first_ns, period_ns);
	loop->timers = timer;
	if (ret_timer)
		*ret_timer = timer;
	return 0;
}

void pf_timer_set(struct pf_timer *timer, uint64_t first_ns, uint64_t period_ns)
{
	timer->period_ns = period_ns;
	timer->due_ns =
		first_ns == PF_TIMER_OFF ? PF_TIMER_OFF : pf_clock_monotonic_ns() + first_ns;
}

void pf_timer_free(struct pf_timer *timer)
{
	if (!timer)
		return;
	timer->dead = true;
	timer->due_ns = PF_TIMER_OFF;
	timer->loop->any_dead = true;
}

static void on_signal_fd(void *arg, int fd, uint32_t events)
{
	struct pf_loop *loop = arg;
	struct signalfd_siginfo info;

	(void)events;
	while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		int signo = (int)info.ssi_signo;

		if (signo < NSIG && loop->on_signal[signo].fn)
			loop->on_signal[signo].fn(loop->on_signal[signo].arg, signo);
	}
}

int pf_loop_add_signal(struct pf_loop *loop, int signo, pf_signal_fn fn, void *arg)
{
	sigset_t signals = loop->signals, before;
	int fd, r;

	if (signo <= 0 || signo >= NSIG || sigaddset(&signals, signo) < 0)
		return -EINVAL;
	if (loop->on_signal[signo].fn)
		return -EEXIST;
	if (sigprocmask(SIG_BLOCK, &signals, &before) < 0)
		return -errno;
	fd = signalfd(loop->signal_fd, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0) {
		r = -errno;
		(void)sigprocmask(SIG_SETMASK, &before, NULL);
		return r;
	}
	if (loop->signal_fd < 0) {
		r = pf_loop_add_fd(loop, fd, EPOLLIN, on_signal_fd, loop, NULL);
		if (r < 0) {
			(void)close(fd);
			(void)sigprocmask(SIG_SETMASK, &before, NULL);
			return r;
		}
		loop->signal_fd = fd;
		loop->signals_before = before;
	}
	loop->signals = signals;
	loop->on_signal[signo].fn = fn;
	loop->on_signal[signo].arg = arg;
	return 0;
}

/* For epoll_wait(): to the next timer, at most @timeout_ns, rounded up so as not to wake early. */
static int wait_ms(const struct pf_loop *loop, uint64_t timeout_ns)
{
	uint64_t due_ns = PF_TIMER_OFF, ns = timeout_ns, ms;

	for (const struct pf_timer *timer = loop->timers; timer; timer = timer->next)
		due_ns = PF_MIN(due_ns, timer->due_ns);
	if (due_ns != PF_TIMER_OFF) {
		uint64_t now_ns = pf_clock_monotonic_ns();

		ns = PF_MIN(ns, due_ns > now_ns ? due_ns - now_ns : 0);
	}
	if (ns == UINT64_MAX)
		return -1;
	ms = ns / PF_NS_PER_MS + (ns % PF_NS_PER_MS != 0);
	return (int)PF_MIN(ms, (uint64_t)INT_MAX);
}

static void run_timers(struct pf_loop *loop)
{
	uint64_t now_ns = pf_clock_monotonic_ns();

	/* Timers that callbacks add go to the list's head and are first seen in the next round. */
	for (struct pf_timer *timer = loop->timers; timer && !loop->stopped; timer = timer->next) {
		if (timer->due_ns > now_ns)
			continue;
		if (timer->period_ns)
			timer->due_ns += timer->period_ns *
					 ((now_ns - timer->due_ns) / timer->period_ns + 1);
		else
			timer->due_ns = PF_TIMER_OFF;
		timer->fn(timer->arg, now_ns);
	}
}

int pf_loop_run_once(struct pf_loop *loop, uint64_t timeout_ns)
{
	struct epoll_event events[EVENTS_PER_ROUND];
	int n = epoll_wait(loop->epoll_fd, events, EVENTS_PER_ROUND, wait_ms(loop, timeout_ns));

	if (n < 0 && errno != EINTR)
		return -errno;
	for (int i = 0; i < n && !loop->stopped; i++) {
		struct pf_watch *watch = events[i].data.ptr;

		if (!watch->dead)
			watch->fn(watch->arg, watch->fd, events[i].events);
	}
	run_timers(loop);
	if (loop->any_dead)
		reap(loop, false);
	return 0;
}

int pf_loop_run(struct pf_loop *loop)
{
	while (!loop->stopped) {
		int r = pf_loop_run_once(loop, UINT64_MAX);

		if (r < 0)
			return r;
	}
	loop->stopped = false; /* a stopped loop can run again */
	return loop->exit_code;
}

void pf_loop_stop(struct pf_loop *loop, int exit_code)
{
	loop->stopped = true;
	loop->exit_code = exit_code;
}
