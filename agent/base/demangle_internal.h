/* SPDX-License-Identifier: Apache-2.0 */
/*
 * demangle_internal.h - what the schemes share: a cursor over the name, and text that cannot overflow.
 */
#ifndef PF_BASE_DEMANGLE_INTERNAL_H
#define PF_BASE_DEMANGLE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	DEMANGLE_TEXT_MAX = 8192, /* of one translation; a name that needs more is not translated */
	DEMANGLE_STEPS = 20000,	  /* tokens looked at: back references multiply them */
	DEMANGLE_DEPTH = 64,
};

struct demangle {
	const char *start, *at, *end; /* the name; nothing is read beyond end */
	bool short_args;	      /* template arguments are read, but written as "..." */
	bool failed;		      /* sticky: from then on nothing is written */
	unsigned steps, depth;
	unsigned muted; /* while above 0 nothing is written */
	size_t len;
	char text[DEMANGLE_TEXT_MAX];
};

/** demangle_fail() - for use as a value: false. */
bool demangle_fail(struct demangle *d);
/** demangle_enter() - one level deeper, one more step; false if that is too much. */
bool demangle_enter(struct demangle *d);
void demangle_leave(struct demangle *d);
char demangle_peek(const struct demangle *d); /* '\0' at the end */
bool demangle_take(struct demangle *d, const char *token);
void demangle_put(struct demangle *d, const char *text, size_t len);
void demangle_puts(struct demangle *d, const char *text);
/** demangle_insert() - @text at @at <= len. */
void demangle_insert(struct demangle *d, size_t at, const char *text);
/** demangle_number() - decimal digits, at least one. */
bool demangle_number(struct demangle *d, size_t *ret_value);

/** The schemes. @d: set up with all of the name; what is left at the end is the caller's. Return: understood. */
bool demangle_cxx(struct demangle *d);
bool demangle_rust_legacy(struct demangle *d);
bool demangle_rust_v0(struct demangle *d);

#endif
