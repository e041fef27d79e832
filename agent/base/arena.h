/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena.h - memory that is given back all at once, and never more than its maximum.
 *
 * For things that come and go together: one decoded message, one report being built.
 */
#ifndef PF_BASE_ARENA_H
#define PF_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

struct pf_arena_chunk;

struct pf_arena {
	struct pf_arena_chunk *chunks; /* newest first */
	size_t used_bytes;	       /* handed out since the last reset, alignment included */
	size_t max_bytes;	       /* beyond it allocations fail */
	int err;		       /* 0, or why one failed: -ENOSPC (maximum), -ENOMEM */
};

/** pf_arena_init() - an empty arena that hands out at most @max_bytes. */
void pf_arena_init(struct pf_arena *arena, size_t max_bytes);

/** pf_arena_reset() - takes everything back; keeps the largest chunk for the next use. */
void pf_arena_reset(struct pf_arena *arena);

void pf_arena_done(struct pf_arena *arena); /* frees the memory; may be used again */

/** pf_arena_alloc() - zeroed memory, aligned for any type; NULL on failure, see err. */
void *pf_arena_alloc(struct pf_arena *arena, size_t size);

/** pf_arena_array() - the same for @count elements; a product that overflows fails with -ENOSPC. */
void *pf_arena_array(struct pf_arena *arena, size_t count, size_t size);

/** pf_arena_strdup() - a copy of @text; NULL on failure, or if @text is NULL. */
char *pf_arena_strdup(struct pf_arena *arena, const char *text);

/** pf_arena_printf() - formatted text; NULL on failure. */
char *pf_arena_printf(struct pf_arena *arena, const char *format, ...) PF_PRINTF(2, 3);

#endif
