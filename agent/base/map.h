/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map.h - a bounded hash map from 64-bit keys or strings to pointers. Insertion order is not kept.
 */
#ifndef PF_BASE_MAP_H
#define PF_BASE_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

struct pf_map; /* keys are copied; values are the caller's */

/** pf_map_new_u64() / pf_map_new_str() - an empty map of at most @max_entries. Return: 0; -ENOMEM.
 */
PF_MUST_CHECK int pf_map_new_u64(size_t max_entries, struct pf_map **ret_map);
PF_MUST_CHECK int pf_map_new_str(size_t max_entries, struct pf_map **ret_map);
void pf_map_free(struct pf_map *map); /* accepts NULL; values are not freed */
PF_DEFINE_AUTO(struct pf_map *, pf_map_free);

/** pf_map_put_*() - inserts or replaces. Return: 0; -ENOSPC when full; -ENOMEM. @value is not NULL.
 */
PF_MUST_CHECK int pf_map_put_u64(struct pf_map *map, uint64_t key, void *value);
PF_MUST_CHECK int pf_map_put_str(struct pf_map *map, const char *key, void *value);

/** pf_map_get_*() - the value, or NULL. */
void *pf_map_get_u64(const struct pf_map *map, uint64_t key);
void *pf_map_get_str(const struct pf_map *map, const char *key);

/** pf_map_remove_*() - takes the entry out and gives its value, or NULL. */
void *pf_map_remove_u64(struct pf_map *map, uint64_t key);
void *pf_map_remove_str(struct pf_map *map, const char *key);

size_t pf_map_count(const struct pf_map *map);

/** pf_map_next() - walks: start with *cursor = 0; NULL at the end. Removing the entry just returned
 * is allowed, adding is not. */
void *pf_map_next(const struct pf_map *map, size_t *cursor);

#define pf_map_for_each(map, cursor, value)                                                        \
	for (size_t cursor = 0; ((value) = pf_map_next((map), &cursor)) != NULL;)

#endif
