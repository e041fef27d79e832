/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blast.h - posts bodies over a few kept-open connections as fast as they are answered, and notes how
 * long each answer took. Plain HTTP, one thread.
 */
#ifndef PF_BENCH_FLEET_BLAST_H
#define PF_BENCH_FLEET_BLAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

struct pf_blast;

struct pf_blast_opts {
	const char *host, *port, *path;
	const char *token; /* NULL: none */
	uint32_t nr_connections;
	double max_per_s; /* 0: no limit */
};

struct pf_blast_stats {
	uint64_t nr_ok;		       /* answered 200 */
	uint64_t nr_refused;	       /* answered anything else */
	uint64_t nr_broken;	       /* the connection ended without an answer */
	unsigned last_status;	       /* that was not 200; 0: none */
	double p50_ms, p99_ms, max_ms; /* of answers 200 */
};

/** pf_blast_new() - connects. Return: 0; -errno; -EADDRNOTAVAIL: no such host. */
PF_MUST_CHECK int pf_blast_new(const struct pf_blast_opts *opts, struct pf_blast **ret_blast);
void pf_blast_free(struct pf_blast *blast); /* accepts NULL */
PF_DEFINE_AUTO(struct pf_blast *, pf_blast_free);

/**
 * pf_blast_send() - posts @body, a gzip'd report, when a connection is free; returns as soon as it is
 * on its way. @body is borrowed until pf_blast_drain().
 * Return: 0; -errno when no connection can be made any more.
 */
PF_MUST_CHECK int pf_blast_send(struct pf_blast *blast, const void *body, size_t len);

/** pf_blast_drain() - waits for all answers. Return: as above. */
PF_MUST_CHECK int pf_blast_drain(struct pf_blast *blast);

void pf_blast_get_stats(struct pf_blast *blast, struct pf_blast_stats *ret_stats);

#endif
