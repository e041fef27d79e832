/* SPDX-License-Identifier: Apache-2.0 */
/*
 * writer.h - the one thread that writes reports, many in a transaction.
 *
 * While a commit is being synced the next reports gather; they all go into the next commit. A report
 * is answered only after its commit, so what was acknowledged is on disk.
 *
 * A report whose every slice is in a newer one of the same run is deleted in the transaction that
 * stores the newer one. Which reports are stored is remembered for those this collector took itself;
 * what it does not know of stays until retention takes it, and costs space only.
 */
#ifndef PF_COLLECTOR_INGEST_WRITER_H
#define PF_COLLECTOR_INGEST_WRITER_H

#include "collector/ingest/keyset.h"
#include "collector/store/store.h"

struct pf_writer;

enum pf_written {
	PF_WRITTEN_NEW,
	PF_WRITTEN_KNOWN, /* it, or all that it says, was there already */
};

/* One report on its way. Made by the caller, given back to it in done(). */
struct pf_write {
	struct pf_write *next; /* the writer's */
	struct pf_store_report row;
	struct pf_keyset keys;
	void *arg;
	/*
	 * Called once, from the writer's thread. @r: 0 durable; negative: not stored, as
	 * pf_store_ops say. @write is the caller's again; its keys are done.
	 */
	void (*done)(struct pf_write *write, int r, enum pf_written how);
};

struct pf_writer_stats {
	uint64_t nr_queued;			  /* now */
	uint64_t nr_commits, nr_failed_commits;	  /* since the start */
	uint64_t nr_new, nr_known, nr_superseded; /* reports */
	uint64_t body_bytes;			  /* of new reports */
	uint64_t commit_ns, max_commit_ns;	  /* sum and highest */
	uint64_t last_commit_unix_ms;		  /* 0: none yet */
	bool failing;				  /* the newest transaction failed */
	char error[256];			  /* why */
};

/**
 * pf_writer_new() - connects and starts the thread.
 * @note: what open() has to say, such as that a damaged file was set aside.
 * Return: 0; as pf_store_ops.open.
 */
PF_MUST_CHECK int pf_writer_new(const struct pf_store_ops *ops, const char *where,
				struct pf_writer **ret_writer, char *note, size_t note_size,
				char *error, size_t error_size);

/** pf_writer_put() - hands over a report; does not block. */
void pf_writer_put(struct pf_writer *writer, struct pf_write *write);

/** pf_writer_free() - writes what is queued, ends the thread; accepts NULL. */
void pf_writer_free(struct pf_writer *writer);
PF_DEFINE_AUTO(struct pf_writer *, pf_writer_free);

void pf_writer_get_stats(struct pf_writer *writer, struct pf_writer_stats *ret_stats);

#endif
