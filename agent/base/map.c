// SPDX-License-Identifier: Apache-2.0
/*
 * Open addressing with linear probing and tombstones; the table grows by doubling and is rebuilt
 * when tombstones take a quarter of it, so that a long-lived map with churn does not slow down.
 */
#include "base/map.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

struct entry {
	uint64_t hash; /* of a string, or the mixed integer */
	uint64_t number;
	char *text;
	void *value; /* NULL: free, or a tombstone if dead */
	bool dead;
};

struct pf_map {
	struct entry *entries;
	size_t nr_slots; /* a power of two, or 0 */
	size_t nr_used, nr_dead, max_entries;
	bool strings;
};

static int map_new(size_t max_entries, bool strings, struct pf_map **ret_map)
{
	struct pf_map *map = calloc(1, sizeof(*map));

	if (!map)
		return -ENOMEM;
	map->max_entries = max_entries;
	map->strings = strings;
	*ret_map = map;
	return 0;
}

int pf_map_new_u64(size_t max_entries, struct pf_map **ret_map)
{
	return map_new(max_entries, false, ret_map);
}

int pf_map_new_str(size_t max_entries, struct pf_map **ret_map)
{
	return map_new(max_entries, true, ret_map);
}

void pf_map_free(struct pf_map *map)
{
	if (!map)
		return;
	for (size_t i = 0; i < map->nr_slots; i++)
		free(map->entries[i].text);
	free(map->entries);
	free(map);
}

/* Finalizer of SplitMix64 (Steele, Lea, Flood 2014): every input bit reaches every output bit. */
static uint64_t mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

static uint64_t hash_text(const char *text)
{
	uint64_t hash =
		0xcbf29ce484222325u; /* FNV-1a, then mixed, because its high bits are weak */

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
	return mix(hash);
}

static bool same(const struct entry *e, uint64_t hash, uint64_t number, const char *text)
{
	return e->hash == hash && (text ? !strcmp(e->text, text) : e->number == number);
}

static struct entry *find(const struct pf_map *map, uint64_t hash, uint64_t number,
			  const char *text)
{
	if (!map->nr_slots)
		return NULL;
	for (size_t i = hash & (map->nr_slots - 1);; i = (i + 1) & (map->nr_slots - 1)) {
		struct entry *e = &map->entries[i];

		if (!e->value && !e->dead)
			return NULL;
		if (e->value && same(e, hash, number, text))
			return e;
	}
}

static int rebuild(struct pf_map *map, size_t nr_slots)
{
	struct entry *entries = calloc(nr_slots, sizeof(*entries));

	if (!entries)
		return -ENOMEM;
	for (size_t i = 0; i < map->nr_slots; i++) {
		struct entry *e = &map->entries[i];
		size_t k = e->hash & (nr_slots - 1);

		if (!e->value)
			continue;
		while (entries[k].value)
			k = (k + 1) & (nr_slots - 1);
		entries[k] = *e;
	}
	free(map->entries);
	map->entries = entries;
	map->nr_slots = nr_slots;
	map->nr_dead = 0;
	return 0;
}

static int put(struct pf_map *map, uint64_t hash, uint64_t number, const char *text, void *value)
{
	struct entry *e = find(map, hash, number, text);

	if (e) {
		e->value = value;
		return 0;
	}
	if (map->nr_used >= map->max_entries)
		return -ENOSPC;
	/* At most three quarters of the slots are taken or dead; growing only when live entries ask
	 * for it. */
	if (!map->nr_slots || (map->nr_used + map->nr_dead + 1) * 4 > map->nr_slots * 3) {
		size_t nr_slots = map->nr_slots ? map->nr_slots : 16;

		while ((map->nr_used + 1) * 2 > nr_slots)
			nr_slots *= 2;
		int r = rebuild(map, nr_slots);

		if (r < 0)
			return r;
	}

	char *copy = text ? strdup(text) : NULL;

	if (text && !copy)
		return -ENOMEM;
	for (size_t i = hash & (map->nr_slots - 1);; i = (i + 1) & (map->nr_slots - 1)) {
		e = &map->entries[i];
		if (e->value)
			continue;
		if (e->dead)
			map->nr_dead--;
		*e = (struct entry){ .hash = hash, .number = number, .text = copy, .value = value };
		map->nr_used++;
		return 0;
	}
}

static void *take(struct pf_map *map, struct entry *e)
{
	if (!e)
		return NULL;
	void *value = e->value;

	free(e->text);
	*e = (struct entry){ .dead = true };
	map->nr_used--;
	map->nr_dead++;
	return value;
}

int pf_map_put_u64(struct pf_map *map, uint64_t key, void *value)
{
	return put(map, mix(key), key, NULL, value);
}

int pf_map_put_str(struct pf_map *map, const char *key, void *value)
{
	return put(map, hash_text(key), 0, key, value);
}

void *pf_map_get_u64(const struct pf_map *map, uint64_t key)
{
	struct entry *e = find(map, mix(key), key, NULL);

	return e ? e->value : NULL;
}

void *pf_map_get_str(const struct pf_map *map, const char *key)
{
	struct entry *e = find(map, hash_text(key), 0, key);

	return e ? e->value : NULL;
}

void *pf_map_remove_u64(struct pf_map *map, uint64_t key)
{
	return take(map, find(map, mix(key), key, NULL));
}

void *pf_map_remove_str(struct pf_map *map, const char *key)
{
	return take(map, find(map, hash_text(key), 0, key));
}

size_t pf_map_count(const struct pf_map *map)
{
	return map->nr_used;
}

void *pf_map_next(const struct pf_map *map, size_t *cursor)
{
	while (*cursor < map->nr_slots) {
		struct entry *e = &map->entries[(*cursor)++];

		if (e->value)
			return e->value;
	}
	return NULL;
}
