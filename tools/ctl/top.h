/* SPDX-License-Identifier: Apache-2.0 */
/*
 * top.h - podfit top, in parts: rows from a report (top_rows.c), the terminal (top_screen.c), an
 * agent of its own (top_agent.c), and the command (top.c).
 */
#ifndef PF_CTL_TOP_H
#define PF_CTL_TOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/filter.h"
#include "core/report.h"

enum pf_top_key {
	PF_TOP_CPU,
	PF_TOP_THROTTLED,
	PF_TOP_RUNQ,
	PF_TOP_MEMORY,
	PF_TOP_TREND,
	PF_TOP_PRESSURE,
	PF_TOP_NAME,
	PF_NR_TOP_KEYS,
};

/** pf_top_key_parse() - "cpu", "throttled", ...: as in --sort. Return: 0; -EINVAL. */
PF_MUST_CHECK int pf_top_key_parse(const char *name, enum pf_top_key *ret_key);

enum { PF_TOP_COLUMNS = 11, PF_TOP_CELL_MAX = 48, PF_TOP_NAME_MAX = 600 };

/* One container; NaN where not known. */
struct pf_top_row {
	char name[PF_TOP_NAME_MAX]; /* namespace/pod/container, or the unit's or cgroup's */
	double cores, limit_cores;
	double throttled_ratio; /* of CFS periods */
	double runq_p99_ns;
	double memory_bytes; /* working set */
	double memory_ratio; /* hot memory of the limit */
	double trend_bytes_per_hour;
	double pressure_cpu, pressure_memory, pressure_io; /* share of time, PSI some */
	uint64_t oom_kills;
	const char *verdict; /* worst finding, or a leak's state; "" */
};

/**
 * pf_top_rows() - the containers that run and pass the filter, sorted; malloc'd.
 * Return: 0; -ENOMEM.
 */
int pf_top_rows(const struct pf_report *report, const struct pf_filter *filter, enum pf_top_key key,
		bool ascending, struct pf_top_row **ret_rows, size_t *ret_nr_rows);

/* Headings and cells of the columns right of the name, each at most PF_TOP_CELL_MAX wide. */
struct pf_top_column {
	const char *title;
	int width;
	int key; /* enum pf_top_key it sorts by, or -1 */
};
extern const struct pf_top_column pf_top_columns[PF_TOP_COLUMNS];
void pf_top_cell(const struct pf_top_row *row, size_t column, char ret_text[PF_TOP_CELL_MAX]);

/** pf_top_heading() - one line on the node: name, kernel, source, containers, use, agent's cost. */
void pf_top_heading(const struct pf_report *report, size_t nr_rows, char *ret_text, size_t size);

/* What the screen needs from the command. */
struct pf_top_view {
	enum pf_top_key key;
	bool ascending;
	double interval_s;
	void *arg;
	/* Gets a new report; valid until the next call. Return: NULL with @error. */
	const struct pf_report *(*fetch)(void *arg, char *error, size_t error_size);
	const struct pf_filter *filter;
	uint64_t count;	   /* refreshes, 0: no end */
	uint64_t until_ns; /* CLOCK_MONOTONIC; 0: no end */
};

/** pf_top_screen() - full-screen table until q, a signal, or the view's end. Return: exit code. */
int pf_top_screen(struct pf_top_view *view);

/* An agent of top's own. */
struct pf_top_agent {
	pid_t pid; /* 0: none */
	char directory[64], socket[96], log[96];
};

/**
 * pf_top_agent_start() - starts podfit-agent (from the same directory as this program, else PATH)
 * with a socket of its own and waits until it answers. It ends when this process ends.
 * Return: 0; -errno with @error.
 */
int pf_top_agent_start(double interval_s, struct pf_top_agent *ret_agent, char *error,
		       size_t error_size);
void pf_top_agent_stop(struct pf_top_agent *agent);

#endif
