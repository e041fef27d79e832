/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cleanup.h - scoped cleanup and the few macros every file uses.
 *
 *	PF_AUTO(pf_hist_freep) struct pf_hist *hist = NULL;
 *
 * frees hist on every way out of the scope; pf_take(hist) gives ownership away.
 */
#ifndef PF_BASE_CLEANUP_H
#define PF_BASE_CLEANUP_H

#include <dirent.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h> /* has a PF_MAX of its own (protocol families); read it before that is ours */
#include <unistd.h>

#undef PF_MAX

#define PF_AUTO(fn)	__attribute__((cleanup(fn)))
#define PF_MUST_CHECK	__attribute__((warn_unused_result))
#define PF_PRINTF(f, a) __attribute__((format(printf, f, a)))

#define PF_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define PF_MIN(a, b)	 ((a) < (b) ? (a) : (b))
#define PF_MAX(a, b)	 ((a) > (b) ? (a) : (b))

/* The pointer, which is NULL afterwards: a scoped cleanup no longer frees it. */
#define pf_take(p)                                                                                 \
	({                                                                                         \
		__typeof__(p) pf_taken__ = (p);                                                    \
		(p) = NULL;                                                                        \
		pf_taken__;                                                                        \
	})

/* Makes <free_fn>p, for PF_AUTO, from a free function that accepts NULL. */
#define PF_DEFINE_AUTO(type, free_fn)                                                              \
	static inline void free_fn##p(type *p)                                                     \
	{                                                                                          \
		free_fn(*p);                                                                       \
	}                                                                                          \
	struct pf_auto_needs_a_semicolon

static inline void pf_freep(void *p)
{
	free(*(void **)p);
}

static inline void pf_closep(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd); /* on the way out: nothing is left to be done about it */
}

static inline void pf_closedirp(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

static inline void pf_fclosep(FILE **f)
{
	if (*f)
		(void)fclose(*f);
}

#endif
