// SPDX-License-Identifier: Apache-2.0
#include "unit/fault_alloc.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
char *__wrap_strdup(const char *text);
void __wrap_free(void *block);

/* A thread's own, because servers under test allocate in threads of theirs. */
static _Thread_local bool counting;
static _Thread_local unsigned calls, fail_at;
static _Thread_local long live;

static bool fails(void)
{
	return counting && ++calls == fail_at;
}

void *__wrap_malloc(size_t size)
{
	void *block = fails() ? NULL : __real_malloc(size);

	live += block != NULL;
	return block;
}

void *__wrap_calloc(size_t count, size_t size)
{
	void *block = fails() ? NULL : __real_calloc(count, size);

	live += block != NULL;
	return block;
}

void *__wrap_realloc(void *old, size_t size)
{
	bool fresh = !old;
	void *block = fails() ? NULL : __real_realloc(old, size);

	live += fresh && block;
	return block;
}

char *__wrap_strdup(const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = __wrap_malloc(size);

	return copy ? memcpy(copy, text, size) : NULL;
}

void __wrap_free(void *block)
{
	live -= block != NULL;
	__real_free(block);
}

void fault_alloc(unsigned nth)
{
	calls = 0;
	fail_at = nth;
	counting = true;
}

void fault_alloc_end(void)
{
	counting = false;
}

unsigned fault_alloc_calls(void)
{
	return calls;
}

long fault_alloc_live(void)
{
	return live;
}
