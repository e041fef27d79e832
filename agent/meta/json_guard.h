/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_guard.h - stands before the JSON parser and bounds what it has to hold at once.
 *
 * yajl keeps a token whole until its end and a byte for each level of nesting; the text comes from
 * the network. So strings are cut after PF_JSON_STRING_MAX bytes (what podfit keeps of them is far
 * shorter), and nesting and numbers have a limit. The text is otherwise passed on as it is; it is
 * the parser that checks it.
 */
#ifndef PF_META_JSON_GUARD_H
#define PF_META_JSON_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

enum {
	PF_JSON_STRING_MAX = 8192,
	PF_JSON_DEPTH_MAX = 64, /* a pod's spec has about 12 */
	PF_JSON_ATOM_MAX = 64,	/* numbers, true, false, null */
};

struct pf_json_guard {
	bool in_string, dropping;
	uint32_t escape_left; /* bytes of an escape still to come */
	uint32_t token_len;
	uint32_t depth;
	uint64_t nr_cut; /* strings cut so far */
};

/* Takes text; a result < 0 stops the feeding and is returned by it. */
typedef int (*pf_json_text_fn)(void *arg, const unsigned char *text, size_t len);

/**
 * pf_json_guard_feed() - passes the next piece on to @fn. A zeroed guard begins a text.
 * Return: 0; -EBADMSG nested too deep or a number too long; what @fn returned.
 */
PF_MUST_CHECK int pf_json_guard_feed(struct pf_json_guard *guard, const void *data, size_t len,
				     pf_json_text_fn fn, void *arg);

#endif
