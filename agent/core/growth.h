/* SPDX-License-Identifier: Apache-2.0 */
/*
 * growth.h - who makes a suspect grow: stacks that fault fresh memory in, and processes.
 *
 * A page fault on anonymous memory is where fresh memory is first touched. Memory that is recycled
 * inside the process does not fault, but memory given back and taken again does. So faults are
 * counted apart for intervals in which the container grew and for those in which it did not: a stack
 * counts with what it faults more while there is growth. Where there was growth all the time, that
 * is all its faults.
 *
 * Pure and bounded; plain values.
 */
#ifndef PF_CORE_GROWTH_H
#define PF_CORE_GROWTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/advice.h"
#include "core/units.h"

enum {
	PF_GROWTH_FRAMES_MAX = 32,
	PF_GROWTH_STACKS_MAX = 64,    /* distinct stacks of one container */
	PF_GROWTH_PROCESSES_MAX = 64, /* of one container */
};

/* A page-fault stack sampled while a container is under suspicion: raw user addresses. */
struct pf_growth_stack {
	uint32_t tgid;
	char comm[PF_COMM_MAX];
	uint64_t nr_faults; /* estimated: samples x period */
	uint32_t nr_addresses;
	uint64_t addresses[PF_GROWTH_FRAMES_MAX]; /* innermost first */
};

/* One distinct stack of a container. */
struct pf_growth_place {
	struct pf_growth_stack stack; /* nr_faults: of all intervals */
	double growing, resting;      /* faults in intervals with and without growth */
};

/* Zeroed is empty. */
struct pf_growth_table {
	struct pf_growth_place place[PF_GROWTH_STACKS_MAX];
	uint32_t nr_places;
	double growing_s, resting_s; /* length of those intervals */
	uint64_t nr_dropped;	     /* faults of places that gave way to others */
};

/**
 * pf_growth_add() - one interval's stacks.
 * @grown_bytes: by how much the container's hot memory changed in it; @expected_bytes: by how much
 * its trend says. Growth of a quarter of that, and more than nothing, is growth.
 *
 * A full table drops the place with the fewest faults. After an hour of intervals all counts are
 * halved, so that what is over fades.
 */
void pf_growth_add(struct pf_growth_table *table, const struct pf_growth_stack *stacks, size_t nr,
		   double interval_s, double grown_bytes, double expected_bytes);

/**
 * pf_growth_rank() - the places with the most growth, largest first.
 * @ret_places: indices into table->place; @ret_shares: of the growth of all places, above 0.
 * Return: how many, at most @max.
 */
size_t pf_growth_rank(const struct pf_growth_table *table, size_t max, uint32_t *ret_places,
		      double *ret_shares);

/* What a process holds open: memory that is not its own, but may be its doing. */
struct pf_held {
	uint64_t nr_sockets;
	uint64_t nr_memory_files; /* on tmpfs, memfd */
	uint64_t memory_file_bytes;
};

/* One process as it is now; a pid is used again, so its start tells it from an earlier one. */
struct pf_process_memory {
	uint32_t pid;
	uint64_t start_ticks; /* since boot */
	char comm[PF_COMM_MAX];
	uint64_t anon_bytes; /* RssAnon, swap included */
	struct pf_held held; /* PF_UNKNOWN: not looked at, or not ours to see */
};

struct pf_process_growth {
	struct pf_process_memory now;
	uint64_t first_ns, last_ns;
	uint64_t first_bytes;
};

/* Zeroed is empty. */
struct pf_process_table {
	struct pf_process_growth process[PF_GROWTH_PROCESSES_MAX];
	uint32_t nr_processes;
};

/**
 * pf_process_add() - the processes of the container at @now_ns; those that are not among them any
 * more go. A full table keeps the largest.
 */
void pf_process_add(struct pf_process_table *table, const struct pf_process_memory *processes,
		    size_t nr, uint64_t now_ns);

/**
 * pf_process_rank() - by growth since each was first seen, largest first; those that did not grow
 * are left out.
 * @ret_slopes: bytes an hour. Return: how many, at most @max.
 */
size_t pf_process_rank(const struct pf_process_table *table, size_t max, uint32_t *ret_processes,
		       double *ret_slopes);

/**
 * pf_process_rank_held() - by what each holds of @kind: sockets of PF_KIND_SOCK, bytes of files in memory of
 * PF_KIND_SHMEM. Those that hold nothing, or where it is not known, are left out; of other kinds all are.
 * Return: how many, at most @max.
 */
size_t pf_process_rank_held(const struct pf_process_table *table, enum pf_memory_kind kind,
			    size_t max, uint32_t *ret_processes);

#endif
