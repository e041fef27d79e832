/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl.h - the parts of the podfit command, and its exit codes.
 */
#ifndef PF_CTL_CTL_H
#define PF_CTL_CTL_H

#include <stdio.h>

#include "base/cleanup.h"

/* Exit codes of every podfit program. */
enum pf_exit {
	PF_EXIT_OK = 0,
	PF_EXIT_FAILED = 1,	 /* while running */
	PF_EXIT_USAGE = 2,	 /* wrong use or configuration */
	PF_EXIT_VERDICT = 3,	 /* --fail-on found its verdict */
	PF_EXIT_UNSUPPORTED = 4, /* this kernel or these rights do not allow what was asked */
	PF_EXIT_DAMAGED = 5,	 /* input damaged */
};

/**
 * pf_ctl_leaks_csv() - `podfit leaks --from-csv`: replays recorded memory through the leak
 * detector.
 * @path: a CSV file or a folder of them (ctl/series.h).
 * @mode: "podfit" or "baseline".
 * @format: "csv", "table" or "json"; CSV has a row for each alarm, and one with empty fields for a
 * series without.
 * @errors: where messages go.
 *
 * Return: an exit code.
 */
int pf_ctl_leaks_csv(const char *path, const char *mode, const char *format, FILE *out,
		     FILE *errors);

/* ---- the subcommands: argv[0] is the command's name; Return: an exit code ---- */

int pf_ctl_decode(int argc, char **argv);
int pf_ctl_top(int argc, char **argv);
int pf_ctl_doctor(int argc, char **argv);
int pf_ctl_report(int argc, char **argv);
int pf_ctl_explain(int argc, char **argv);
int pf_ctl_leaks(int argc, char **argv);
int pf_ctl_policy(int argc, char **argv);
int pf_ctl_backtest(int argc, char **argv);
int pf_ctl_compare(int argc, char **argv);

/** pf_ctl_usage() - prints "podfit COMMAND: message" and how to get help. Return: PF_EXIT_USAGE. */
int pf_ctl_usage(const char *command, const char *format, ...) PF_PRINTF(2, 3);

#endif
