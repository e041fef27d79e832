/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault_alloc.h - allocations of which the n-th fails. The linker gives test-unit's own calls of
 * malloc, calloc, realloc, strdup and free to it (fault_alloc.mk); those of shared libraries are
 * not seen. Works with the address sanitizer too, which is called in turn.
 */
#ifndef PF_TESTS_FAULT_ALLOC_H
#define PF_TESTS_FAULT_ALLOC_H

/** fault_alloc() - from now on this thread's allocations count, and number @nth fails (0: none). */
void fault_alloc(unsigned nth);

/** fault_alloc_end() - the counting ends, and with it the failing. */
void fault_alloc_end(void);

/** fault_alloc_calls() - allocations between the last fault_alloc() and its end. */
unsigned fault_alloc_calls(void);

/** fault_alloc_live() - blocks allocated minus blocks freed by this thread; compare two moments. */
long fault_alloc_live(void);

#endif
