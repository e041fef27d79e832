/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop.h - the agent's one thread: descriptors, timers and signals on one epoll descriptor.
 *
 * Callbacks may add, change and free anything, themselves included. Nothing here is thread-safe.
 */
#ifndef PF_SYS_LOOP_H
#define PF_SYS_LOOP_H

#include <stdint.h>
#include <sys/epoll.h>

#include "base/cleanup.h"

struct pf_loop;
struct pf_watch; /* a descriptor that is waited for */
struct pf_timer;

/* @events: EPOLLIN, EPOLLOUT, EPOLLHUP, EPOLLERR of this wake-up. */
typedef void (*pf_watch_fn)(void *arg, int fd, uint32_t events);
/* @now_ns: CLOCK_MONOTONIC, read when this round of timers began. */
typedef void (*pf_timer_fn)(void *arg, uint64_t now_ns);
typedef void (*pf_signal_fn)(void *arg, int signo);

/** pf_loop_new() - Return: 0; -errno of epoll_create1() or -ENOMEM. */
PF_MUST_CHECK int pf_loop_new(struct pf_loop **ret_loop);

/** pf_loop_free() - frees the watches and timers that are left too, and gives signals back. */
void pf_loop_free(struct pf_loop *loop);
PF_DEFINE_AUTO(struct pf_loop *, pf_loop_free);

/**
 * pf_loop_add_fd() - waits for @events (EPOLLIN | EPOLLOUT) of @fd, level-triggered. @fd stays the
 * caller's and must outlive the watch.
 * @ret_watch: may be NULL if the watch is never changed; then it lives as long as the loop.
 * Return: 0; -errno of epoll_ctl() (-EPERM: a plain file cannot be waited for); -ENOMEM.
 */
PF_MUST_CHECK int pf_loop_add_fd(struct pf_loop *loop, int fd, uint32_t events, pf_watch_fn fn,
				 void *arg, struct pf_watch **ret_watch);

/** pf_watch_set() - waits for other @events from now on. Return: 0; -errno of epoll_ctl(). */
PF_MUST_CHECK int pf_watch_set(struct pf_watch *watch, uint32_t events);
void pf_watch_free(struct pf_watch *watch); /* accepts NULL; call before the descriptor is closed */
PF_DEFINE_AUTO(struct pf_watch *, pf_watch_free);

/**
 * pf_loop_add_timer() - calls @fn in @first_ns from now (0: in the next round), then each
 * @period_ns (0: once). Beats that were missed are left out, the rhythm stays. Late by up to 1 ms.
 * @ret_timer: may be NULL, then the timer lives as long as the loop. A timer that ran once can be
 * set again.
 * Return: 0; -ENOMEM.
 */
PF_MUST_CHECK int pf_loop_add_timer(struct pf_loop *loop, uint64_t first_ns, uint64_t period_ns,
				    pf_timer_fn fn, void *arg, struct pf_timer **ret_timer);

#define PF_TIMER_OFF UINT64_MAX /* as @first_ns: not until it is set again */

/** pf_timer_set() - sets the timer anew, as pf_loop_add_timer() does. */
void pf_timer_set(struct pf_timer *timer, uint64_t first_ns, uint64_t period_ns);
void pf_timer_free(struct pf_timer *timer); /* accepts NULL */
PF_DEFINE_AUTO(struct pf_timer *, pf_timer_free);

/**
 * pf_loop_add_signal() - blocks @signo and calls @fn in the loop when it arrives; one callback a
 * signal. Children must unblock signals before exec.
 * Return: 0; -EEXIST; -EINVAL; -errno of signalfd().
 */
PF_MUST_CHECK int pf_loop_add_signal(struct pf_loop *loop, int signo, pf_signal_fn fn, void *arg);

/** pf_loop_run() - until pf_loop_stop(). Return: its exit code; -errno of epoll_wait(). */
int pf_loop_run(struct pf_loop *loop);

/** pf_loop_run_once() - one round, waiting at most @timeout_ns for something to do. Return: 0;
 * -errno of epoll_wait(). */
int pf_loop_run_once(struct pf_loop *loop, uint64_t timeout_ns);

/** pf_loop_stop() - pf_loop_run() returns @exit_code (>= 0) after the callback that runs now. */
void pf_loop_stop(struct pf_loop *loop, int exit_code);

#endif
