// SPDX-License-Identifier: Apache-2.0
#include "base/arena.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
	FIRST_CHUNK = 4096,
	LARGEST_CHUNK = 1 << 20, /* growth by doubling ends here; a larger request gets its own */
};

struct pf_arena_chunk {
	struct pf_arena_chunk *next;
	size_t size, used;
	max_align_t data[];
};

void pf_arena_init(struct pf_arena *arena, size_t max_bytes)
{
	*arena = (struct pf_arena){ .max_bytes = max_bytes };
}

void pf_arena_reset(struct pf_arena *arena)
{
	struct pf_arena_chunk *kept = arena->chunks, *next;

	for (struct pf_arena_chunk *c = arena->chunks; c; c = c->next)
		if (c->size > kept->size)
			kept = c;
	for (struct pf_arena_chunk *c = arena->chunks; c; c = next) {
		next = c->next;
		if (c != kept)
			free(c);
	}
	if (kept) {
		kept->next = NULL;
		kept->used = 0;
	}
	arena->chunks = kept;
	arena->used_bytes = 0;
	arena->err = 0;
}

void pf_arena_done(struct pf_arena *arena)
{
	pf_arena_reset(arena);
	free(arena->chunks);
	arena->chunks = NULL;
}

static struct pf_arena_chunk *chunk_new(struct pf_arena *arena, size_t size)
{
	size_t want = arena->chunks ? PF_MIN(arena->chunks->size * 2, (size_t)LARGEST_CHUNK)
				    : (size_t)FIRST_CHUNK;
	struct pf_arena_chunk *chunk;

	want = PF_MAX(want, size);
	chunk = malloc(sizeof(*chunk) + want);
	if (!chunk)
		return NULL;
	chunk->size = want;
	chunk->used = 0;
	chunk->next = arena->chunks;
	arena->chunks = chunk;
	return chunk;
}

void *pf_arena_alloc(struct pf_arena *arena, size_t size)
{
	struct pf_arena_chunk *chunk = arena->chunks;
	size_t align = _Alignof(max_align_t);

	if (size > arena->max_bytes || arena->max_bytes - size < arena->used_bytes + align) {
		arena->err = -ENOSPC;
		return NULL;
	}
	size = (size + align - 1) & ~(align - 1);
	if (!chunk || chunk->size - chunk->used < size)
		chunk = chunk_new(arena, size);
	if (!chunk) {
		arena->err = -ENOMEM;
		return NULL;
	}

	void *place = (char *)chunk->data + chunk->used;

	chunk->used += size;
	arena->used_bytes += size;
	memset(place, 0, size);
	return place;
}

void *pf_arena_array(struct pf_arena *arena, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes)) {
		arena->err = -ENOSPC;
		return NULL;
	}
	return pf_arena_alloc(arena, bytes);
}

char *pf_arena_strdup(struct pf_arena *arena, const char *text)
{
	size_t size = text ? strlen(text) + 1 : 0;
	char *copy = text ? pf_arena_alloc(arena, size) : NULL;

	return copy ? memcpy(copy, text, size) : NULL;
}

char *pf_arena_printf(struct pf_arena *arena, const char *format, ...)
{
	va_list args, again;

	va_start(args, format);
	va_copy(again, args);

	int len = vsnprintf(NULL, 0, format, args);
	char *text = len < 0 ? NULL : pf_arena_alloc(arena, (size_t)len + 1);

	if (text)
		(void)vsnprintf(text, (size_t)len + 1, format, again); /* measured just before */
	va_end(again);
	va_end(args);
	return text;
}
