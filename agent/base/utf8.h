/* SPDX-License-Identifier: Apache-2.0 */
/*
 * utf8.h - text from outside that has to be UTF-8 further on (JSON, protobuf).
 */
#ifndef PF_BASE_UTF8_H
#define PF_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/** pf_utf8_len() - length of the well-formed character at @text, of which @left (> 0) bytes are
 * there; 0: none. Source: Unicode 15, table 3-7 (no overlong forms, no surrogates). */
size_t pf_utf8_len(const char *text, size_t left);

/** pf_utf8_is_valid() - @text is nothing but well-formed characters. */
bool pf_utf8_is_valid(const char *text);

/** pf_utf8_clean() - '?' for every byte of @text that belongs to none. */
void pf_utf8_clean(char *text);

#endif
