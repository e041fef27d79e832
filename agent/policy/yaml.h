/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yaml.h - a small YAML document as a tree that knows where everything was written.
 *
 * For files people write by hand: one document of mappings, lists and scalars. Anchors, aliases and tags are refused
 * (an alias can blow up a small file), as are a key twice in one mapping, more than 16 levels and more than
 * PF_YAML_NODES_MAX nodes.
 */
#ifndef PF_POLICY_YAML_H
#define PF_POLICY_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

enum {
	PF_YAML_TEXT_MAX = 1 << 20, /* bytes of a file */
	PF_YAML_NODES_MAX = 20000,
};

enum pf_yaml_kind {
	PF_YAML_SCALAR,
	PF_YAML_LIST,
	PF_YAML_MAPPING,
};

struct pf_yaml {
	enum pf_yaml_kind kind;
	unsigned line, column; /* from 1 */
	const char *text;      /* of a scalar; "" of others */
	bool is_null;	       /* nothing was written, or null or ~ without quotes */
	const char *key;       /* of a mapping's member; NULL elsewhere */
	unsigned key_line, key_column;
	const struct pf_yaml *first,
		*next; /* members in the order written; next: among its siblings */
	size_t nr;     /* members */
};

struct pf_yaml_error {
	unsigned line, column; /* 0: of the file as a whole */
	char reason[256];
};

/**
 * pf_yaml_parse() - the document as a tree in @arena.
 * @ret_root: NULL for an empty document.
 * @error: set when -EINVAL is returned.
 * Return: 0; -EINVAL; -E2BIG beyond PF_YAML_TEXT_MAX; -ENOMEM, -ENOSPC from the arena.
 */
PF_MUST_CHECK int pf_yaml_parse(const char *text, size_t len, struct pf_arena *arena,
				const struct pf_yaml **ret_root, struct pf_yaml_error *error);

/** pf_yaml_get() - a mapping's member, or NULL. */
const struct pf_yaml *pf_yaml_get(const struct pf_yaml *mapping, const char *key);

/** pf_yaml_fail() - fills @error with the place of @node and the text. Return: -EINVAL. */
int pf_yaml_fail(struct pf_yaml_error *error, const struct pf_yaml *node, const char *format, ...)
	PF_PRINTF(3, 4);

#define pf_yaml_for_each(mapping_or_list, member)                                                  \
	for (const struct pf_yaml *member = (mapping_or_list)->first; member; member = member->next)

#endif
