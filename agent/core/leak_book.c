// SPDX-License-Identifier: Apache-2.0
/*
 * leak_book.c - whose leak state is whose.
 *
 * Ended and restored entries are found by walking: that happens when a container appears or is
 * named, not per sample.
 */
#include "core/leak_book.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"

struct pf_leak_book {
	struct pf_leak_options options;
	struct pf_map *by_handle;	/* the living */
	struct pf_leak_entry **entries; /* all */
	size_t nr_entries, max_entries;
	uint64_t nr_refused;
};

int pf_leak_book_new(size_t max_entries, const struct pf_leak_options *options,
		     struct pf_leak_book **ret_book)
{
	PF_AUTO(pf_leak_book_freep) struct pf_leak_book *book = calloc(1, sizeof(*book));
	int err;

	if (!book)
		return -ENOMEM;
	book->options = *options;
	book->max_entries = max_entries;
	book->entries = calloc(max_entries, sizeof(struct pf_leak_entry *));
	if (!book->entries)
		return -ENOMEM;
	err = pf_map_new_u64(max_entries, &book->by_handle);
	if (err < 0)
		return err;
	*ret_book = pf_take(book);
	return 0;
}

void pf_leak_book_free(struct pf_leak_book *book)
{
	if (!book)
		return;
	for (size_t i = 0; i < book->nr_entries; i++)
		free(book->entries[i]);
	free(book->entries);
	pf_map_free(book->by_handle);
	free(book);
}

static void drop(struct pf_leak_book *book, struct pf_leak_entry *entry)
{
	for (size_t i = 0; i < book->nr_entries; i++) {
		if (book->entries[i] != entry)
			continue;
		book->entries[i] = book->entries[--book->nr_entries];
		break;
	}
	if (entry->handle)
		(void)pf_map_remove_u64(book->by_handle, entry->handle);
	free(entry);
}

/* The ended entry that was sampled longest ago. */
static struct pf_leak_entry *oldest_ended(struct pf_leak_book *book)
{
	struct pf_leak_entry *oldest = NULL;

	for (size_t i = 0; i < book->nr_entries; i++) {
		struct pf_leak_entry *e = book->entries[i];

		if (!e->handle && (!oldest || e->state.last_ns < oldest->state.last_ns))
			oldest = e;
	}
	return oldest;
}

static int add(struct pf_leak_book *book, const char *instance, struct pf_leak_entry **ret_entry)
{
	bool full = book->nr_entries == book->max_entries;
	struct pf_leak_entry *oldest = full ? oldest_ended(book) : NULL;
	struct pf_leak_entry *entry;

	if (full && !oldest) {
		book->nr_refused++;
		return -ENOSPC;
	}
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return -ENOMEM;
	if (oldest)
		drop(book, oldest);
	snprintf(entry->instance, sizeof(entry->instance), "%s", instance);
	book->entries[book->nr_entries++] = entry;
	*ret_entry = entry;
	return 0;
}

static struct pf_leak_entry *find_restored(struct pf_leak_book *book, const char *instance)
{
	for (size_t i = 0; i < book->nr_entries; i++)
		if (!book->entries[i]->handle && !strcmp(book->entries[i]->instance, instance))
			return book->entries[i];
	return NULL;
}

static int appear(struct pf_leak_book *book, uint64_t handle, const char *instance,
		  struct pf_leak_entry **ret_entry)
{
	struct pf_leak_entry *restored = find_restored(book, instance), *entry = restored;
	int err = 0;

	if (!restored)
		err = add(book, instance, &entry);
	if (err < 0)
		return err;
	err = pf_map_put_u64(book->by_handle, handle, entry);
	if (err < 0) {
		if (!restored)
			drop(book, entry);
		return err;
	}
	entry->handle = handle;
	*ret_entry = entry;
	return 0;
}

int pf_leak_book_sample(struct pf_leak_book *book, uint64_t handle, const char *instance,
			const struct pf_leak_sample *sample, enum pf_leak_event *ret_event)
{
	struct pf_leak_entry *entry = pf_map_get_u64(book->by_handle, handle);

	if (!entry) {
		int err = appear(book, handle, instance, &entry);

		if (err < 0)
			return err;
	}
	/* It lives on, without what was killed: memory that is not given back. The leak goes on in a new life. */
	if (entry->oom_in_alarm) {
		pf_leak_restart(&entry->state, true);
		entry->oom = entry->oom_in_alarm = false; /* counted */
	}
	*ret_event = pf_leak_push(&entry->state, &book->options, sample);
	return 0;
}

void pf_leak_book_name(struct pf_leak_book *book, uint64_t handle, const char *key)
{
	struct pf_leak_entry *entry = pf_map_get_u64(book->by_handle, handle), *before = NULL;

	if (!entry || entry->key[0] || !key[0])
		return;
	snprintf(entry->key, sizeof(entry->key), "%s", key);
	for (size_t i = 0; i < book->nr_entries; i++) {
		struct pf_leak_entry *e = book->entries[i];

		if (!e->handle && !strcmp(e->key, entry->key) &&
		    (!before || e->state.last_ns > before->state.last_ns))
			before = e;
	}
	if (!before)
		return;
	pf_leak_succeed(&entry->state, &before->state, before->oom);
	drop(book, before);
}

void pf_leak_book_oom(struct pf_leak_book *book, uint64_t handle)
{
	struct pf_leak_entry *entry = pf_map_get_u64(book->by_handle, handle);

	if (!entry)
		return;
	entry->oom = true;
	entry->oom_in_alarm = entry->state.phase == PF_LEAK_ALARM;
}

void pf_leak_book_end(struct pf_leak_book *book, uint64_t handle)
{
	struct pf_leak_entry *entry = pf_map_remove_u64(book->by_handle, handle);

	if (!entry)
		return;
	entry->handle = 0;
	if (!entry->key[0])
		drop(book, entry); /* nobody could ever take it over */
}

const struct pf_leak_entry *pf_leak_book_find(const struct pf_leak_book *book, uint64_t handle)
{
	return pf_map_get_u64(book->by_handle, handle);
}

int pf_leak_book_restore(struct pf_leak_book *book, const char *instance, const char *key,
			 const struct pf_leak_state *state, uint64_t now_ns)
{
	struct pf_leak_entry *entry;
	int err = add(book, instance, &entry);

	if (err < 0)
		return err;
	snprintf(entry->key, sizeof(entry->key), "%s", key);
	entry->state = *state;
	pf_leak_rebase(&entry->state, now_ns);
	return 0;
}

const struct pf_leak_entry *pf_leak_book_next(const struct pf_leak_book *book, size_t *cursor)
{
	return *cursor < book->nr_entries ? book->entries[(*cursor)++] : NULL;
}

const struct pf_leak_options *pf_leak_book_options(const struct pf_leak_book *book)
{
	return &book->options;
}

uint64_t pf_leak_book_refused(const struct pf_leak_book *book)
{
	return book->nr_refused;
}
