/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spool.h - what waits to be sent: oldest first, bounded, on disk if there is a directory for it.
 *
 * On disk each entry is a file of its own, written whole or not at all; a new process goes on with
 * what it finds. When an entry does not fit, the oldest go, and are counted: newer reports tell the
 * same hours more completely.
 */
#ifndef PF_EXPORT_SPOOL_H
#define PF_EXPORT_SPOOL_H

#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "sys/sys.h"

struct pf_spool;

enum { PF_SPOOL_ENTRIES_MAX = 4096 };

/**
 * pf_spool_open() - @directory: made if it is not there; NULL: in memory only.
 * @max_bytes: of all entries together.
 * Return: 0; -errno with @error; -ENOMEM.
 */
PF_MUST_CHECK int pf_spool_open(const struct pf_sys *sys, const char *directory, uint64_t max_bytes,
				struct pf_spool **ret_spool, char *error, size_t error_size);
void pf_spool_free(struct pf_spool *spool); /* accepts NULL; files stay */
PF_DEFINE_AUTO(struct pf_spool *, pf_spool_free);

/** pf_spool_put() - takes an entry in, durably if on disk. Return: 0; -EFBIG: larger than the
 * maximum; -errno of writing, e.g. -ENOSPC: then nothing changed; -ENOMEM. */
PF_MUST_CHECK int pf_spool_put(struct pf_spool *spool, const void *data, size_t len);

/** pf_spool_peek() - the oldest entry, appended to @out. An entry that cannot be read is thrown
 * away and counted. Return: 0; -ENODATA: nothing waits; -ENOMEM, -EMFILE, -ENFILE: it stays. */
PF_MUST_CHECK int pf_spool_peek(struct pf_spool *spool, struct pf_buf *out, uint64_t *ret_number);

/** pf_spool_pop() - the entry of that number is done with; one that has gone is ignored. */
void pf_spool_pop(struct pf_spool *spool, uint64_t number);

struct pf_spool_stats {
	uint64_t nr_entries, bytes;
	uint64_t nr_dropped;	/* to make room */
	uint64_t nr_unreadable; /* found damaged or gone */
};
struct pf_spool_stats pf_spool_get_stats(const struct pf_spool *spool);

#endif
