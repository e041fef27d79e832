/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leak_book.h - the leak states of a node's containers, across restarts of containers, replaced pods
 * and restarts of the agent.
 *
 * A life of a container is known by its handle while it is captured, and by its instance name in
 * checkpoints. Lives of the same workload's container follow one another: a new one takes over what
 * an ended one of the same key knew (pf_leak_restart()). Full: the oldest ended state goes; if none
 * has ended, the new container gets no state and is counted.
 */
#ifndef PF_CORE_LEAK_BOOK_H
#define PF_CORE_LEAK_BOOK_H

#include "base/cleanup.h"
#include "core/leak.h"

enum {
	PF_LEAK_KEY_MAX = 640,	    /* namespace/kind/workload/container, or a cgroup's path */
	PF_LEAK_INSTANCE_MAX = 192, /* as in core/track.h */
};

struct pf_leak_book;

/* Read-only for users of the book. */
struct pf_leak_entry {
	uint64_t handle;   /* 0: ended, or restored and not seen again yet */
	bool oom;	   /* a process of this life was killed for memory */
	bool oom_in_alarm; /* and there was an alarm by then */
	char instance[PF_LEAK_INSTANCE_MAX];
	char key[PF_LEAK_KEY_MAX]; /* "": not named yet */
	struct pf_leak_state state;
};

/** pf_leak_book_new() - for at most @max_entries, living and ended together. Return: 0; -ENOMEM. */
PF_MUST_CHECK int pf_leak_book_new(size_t max_entries, const struct pf_leak_options *options,
				   struct pf_leak_book **ret_book);
void pf_leak_book_free(struct pf_leak_book *book); /* accepts NULL */
PF_DEFINE_AUTO(struct pf_leak_book *, pf_leak_book_free);

/**
 * pf_leak_book_sample() - one sample of a container; the first one makes its entry, or finds the one
 * restored for its @instance.
 * @ret_event: what the sample brought about.
 *
 * Return: 0; -ENOSPC (counted); -ENOMEM.
 */
PF_MUST_CHECK int pf_leak_book_sample(struct pf_leak_book *book, uint64_t handle,
				      const char *instance, const struct pf_leak_sample *sample,
				      enum pf_leak_event *ret_event);

/**
 * pf_leak_book_name() - tells the workload's container of a life; the second and later calls change
 * nothing. If an ended state of the key is there, the life goes on where that one stopped.
 */
void pf_leak_book_name(struct pf_leak_book *book, uint64_t handle, const char *key);

/** pf_leak_book_oom() - a process of the container was killed for memory. If there is an alarm and the
 * container lives on, the next sample begins a new life of it that inherits the alarm. */
void pf_leak_book_oom(struct pf_leak_book *book, uint64_t handle);

/** pf_leak_book_end() - the container is gone; its state waits for a successor, if it has a key. */
void pf_leak_book_end(struct pf_leak_book *book, uint64_t handle);

/** pf_leak_book_find() - NULL: not in the book. */
const struct pf_leak_entry *pf_leak_book_find(const struct pf_leak_book *book, uint64_t handle);

/**
 * pf_leak_book_restore() - an entry out of a checkpoint; @now_ns: the clock of the samples to come.
 * Return: 0; -ENOSPC; -ENOMEM.
 */
PF_MUST_CHECK int pf_leak_book_restore(struct pf_leak_book *book, const char *instance,
				       const char *key, const struct pf_leak_state *state,
				       uint64_t now_ns);

/** pf_leak_book_next() - walks all entries, ended ones too: start with *cursor = 0; NULL at the end. */
const struct pf_leak_entry *pf_leak_book_next(const struct pf_leak_book *book, size_t *cursor);

/** pf_leak_book_options() - those it was made with. */
const struct pf_leak_options *pf_leak_book_options(const struct pf_leak_book *book);

/** pf_leak_book_refused() - containers that found no place. */
uint64_t pf_leak_book_refused(const struct pf_leak_book *book);

#endif
