/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.h - where the collector keeps what it was told, behind one ops struct: SQLite or
 * PostgreSQL.
 *
 * Two kinds of rows:
 *
 * - reports, as they came (compressed), keyed by (cluster, node, run, sequence). A report is a
 *   complete state, so storing it twice changes nothing, and one whose every slice is in a newer
 *   one can go. Nothing is ever updated in place: any number of collectors may write.
 * - summaries: the evidence of one workload in one hour or day, merged over the fleet. They follow
 *   from the reports and are made again whenever the reports of their hour changed.
 *
 * All keys are natural ones and all writes are upserts or deletes by primary key, so that databases
 * that only speak PostgreSQL's protocol serve as well.
 *
 * A struct pf_store is one connection, to be used by one thread at a time; every thread that needs
 * the database opens one.
 */
#ifndef PF_COLLECTOR_STORE_H
#define PF_COLLECTOR_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "core/types.h"

struct pf_store; /* an implementation's own */

enum pf_store_encoding {
	PF_STORE_RAW = 0,
	PF_STORE_GZIP = 1,
};

struct pf_store_key {
	const char *cluster, *node;
	uint64_t run_id, sequence;
};

struct pf_store_report {
	struct pf_store_key key;
	uint32_t hour_min, hour_max; /* of its slices, hours since 1970 */
	int64_t received_unix_ms;
	enum pf_store_encoding encoding;
	const void *body;
	size_t body_len;
};

/* A workload; node_class is "" but for DaemonSets, which are also merged by class of node. */
struct pf_workload_key {
	const char *cluster, *namespace_name;
	enum pf_workload_kind kind;
	const char *workload, *container, *node_class;
};

enum pf_summary_level {
	PF_SUMMARY_HOUR = 0,
	PF_SUMMARY_DAY = 1,
};

struct pf_store_summary {
	enum pf_summary_level level;
	uint32_t start_hour; /* since 1970; of a day its first */
	struct pf_workload_key key;
	const void *body;
	size_t body_len;
};

/* An hour or day whose summaries are written, and from which reports they were made. */
struct pf_store_sealed {
	enum pf_summary_level level;
	uint32_t start_hour;
	uint64_t fingerprint; /* of the set of reports (or of hours) they were made from */
};

/* Numbers that are kept beside the rows; they only rise. */
enum pf_store_mark {
	PF_MARK_WHOLE_FROM = 0, /* of hours before this one, reports may have been deleted */
};

struct pf_store_size {
	uint64_t bytes; /* on disk, free pages left out */
	uint64_t nr_reports;
	uint64_t nr_summaries;
};

/* Called for each row; what it is given lives until it returns. A negative result ends the walk. */
typedef int (*pf_store_report_fn)(void *arg, const struct pf_store_report *report);
typedef int (*pf_store_summary_fn)(void *arg, const struct pf_store_summary *summary);
typedef int (*pf_store_sealed_fn)(void *arg, const struct pf_store_sealed *sealed);

/*
 * Everything returns 0 or: -ENOSPC disk full; -EUCLEAN the database is damaged; -EAGAIN not
 * reachable or busy now, worth another try; -EIO anything else. error() then says more.
 */
struct pf_store_ops {
	const char *name; /* as in --store=NAME:WHERE */
	/* One connection writes at a time and the others wait, so that a long transaction holds up
	 * the reports. Such a store is one collector's alone. */
	bool writers_wait;

	/*
	 * Connects, checks, brings the schema up to date. With @create a database that is not there
	 * is made, and a damaged one set aside and made anew (@ret_note then says so).
	 */
	int (*open)(const char *where, bool create, struct pf_store **ret_store, char *ret_note,
		    size_t note_size, char *error, size_t error_size);
	void (*close)(struct pf_store *store); /* accepts NULL; an open transaction is undone */
	const char *(*error)(const struct pf_store *store);

	/* What is between begin and commit is durable as a whole after commit, or not at all. */
	int (*begin)(struct pf_store *store);
	int (*commit)(struct pf_store *store);
	void (*rollback)(struct pf_store *store);

	/*
	 * What is read between the two is the store as it was at one moment, whatever is written
	 * meanwhile. Not within begin and commit.
	 */
	int (*begin_reading)(struct pf_store *store);
	void (*end_reading)(struct pf_store *store);

	/* Within a transaction. One that is there already is left as it is. */
	int (*put_report)(struct pf_store *store, const struct pf_store_report *report);
	int (*delete_report)(struct pf_store *store, const struct pf_store_key *key);
	int (*put_summary)(struct pf_store *store, const struct pf_store_summary *summary);
	int (*put_sealed)(struct pf_store *store, const struct pf_store_sealed *sealed);
	/* The higher of @value and what it was holds; below 2^63. */
	int (*raise_mark)(struct pf_store *store, enum pf_store_mark mark, uint64_t value);
	/* All reports whose newest slice is of an hour before @hour. */
	int (*delete_reports_before)(struct pf_store *store, uint32_t hour);
	/* All summaries and seals of @level that begin in [@from, @to). */
	int (*delete_summaries)(struct pf_store *store, enum pf_summary_level level, uint32_t from,
				uint32_t to);

	/* Reports that have slices in [@from, @to], without their bodies, by key. */
	int (*list_reports)(struct pf_store *store, uint32_t from, uint32_t to,
			    pf_store_report_fn fn, void *arg);
	/* One report with its body; -ENOENT if it is gone. */
	int (*get_report)(struct pf_store *store, const struct pf_store_key *key,
			  pf_store_report_fn fn, void *arg);
	int (*list_sealed)(struct pf_store *store, pf_store_sealed_fn fn, void *arg);
	/* 0: it was never raised. Not within begin and commit. */
	int (*get_mark)(struct pf_store *store, enum pf_store_mark mark, uint64_t *ret_value);
	/* Summaries that begin in [@from, @to), by start and key. */
	int (*list_summaries)(struct pf_store *store, enum pf_summary_level level, uint32_t from,
			      uint32_t to, pf_store_summary_fn fn, void *arg);
	/* Those of one workload, by level and start. */
	int (*get_summaries)(struct pf_store *store, const struct pf_workload_key *key,
			     uint32_t from, uint32_t to, pf_store_summary_fn fn, void *arg);

	int (*size)(struct pf_store *store, struct pf_store_size *ret_size);
	/* Outside a transaction: gives free space back to the file system, a little at a time. */
	int (*tidy)(struct pf_store *store);
};

extern const struct pf_store_ops pf_store_sqlite, pf_store_postgres;

/**
 * pf_store_find() - the driver of "sqlite:/path/file.db" or "postgres:CONNINFO".
 * @ret_where: what follows the colon.
 * Return: 0; -EINVAL.
 */
PF_MUST_CHECK int pf_store_find(const char *spec, const struct pf_store_ops **ret_ops,
				const char **ret_where);

#endif
