/* SPDX-License-Identifier: Apache-2.0 */
/*
 * demangle.h - compilers' names of functions as people write them: C++ (Itanium ABI), Rust (both schemes).
 *
 * Names come out of files that a container can write, so everything is bounded: the length of a name, of what it becomes,
 * the depth of nesting and the number of steps. What is not understood (expressions in template arguments, say) is left
 * as it is; nothing is half translated.
 */
#ifndef PF_BASE_DEMANGLE_H
#define PF_BASE_DEMANGLE_H

#include <stdbool.h>
#include <stddef.h>

enum { PF_DEMANGLE_INPUT_MAX = 4096 };

/**
 * pf_demangle() - the qualified name of a function, without its parameters.
 * @name: as in a symbol table. What follows a '.', as compilers add to parts of functions (.cold), is kept.
 * @size: of @ret_text, at least 8. Where the whole name does not fit, template arguments become "<...>"; if that does not
 *        fit either, the text ends in "...".
 *
 * Return: true; false if @name is not such a name, or not understood: then @ret_text is untouched.
 */
bool pf_demangle(const char *name, char *ret_text, size_t size);

#endif
