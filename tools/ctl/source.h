/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source.h - where a command gets reports: --from FILE, DIRECTORY, - (standard input), agent socket, or
 * collector URL.
 *
 * Of a file or directory the newest report of each node counts.
 */
#ifndef PF_CTL_SOURCE_H
#define PF_CTL_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "core/report.h"
#include "ctl/client.h"

#define PF_CTL_DEFAULT_SOCKET "/run/podfit/agent.sock"

enum pf_ctl_source_kind {
	PF_CTL_SOCKET,
	PF_CTL_FILE, /* directory, pipe or "-" */
	PF_CTL_URL,
};

/** pf_ctl_source_kind() - what @from names. A path that is not there is taken for a socket. */
enum pf_ctl_source_kind pf_ctl_source_kind(const char *from);

struct pf_ctl_reports {
	struct pf_report *reports; /* one a node */
	size_t nr_reports;
	struct pf_arena arena; /* holds it all */
};

/**
 * pf_ctl_read_files() - the newest report of each node from a file or all files of a directory
 * (*.pb, and nothing below).
 * Return: PF_EXIT_OK, PF_EXIT_FAILED or PF_EXIT_DAMAGED, with @error saying file, byte and reason.
 * PF_EXIT_DAMAGED still gives what came before the damage.
 */
PF_MUST_CHECK int pf_ctl_read_files(const char *path, struct pf_ctl_reports *ret_reports,
				    char *error, size_t error_size);

/** pf_ctl_read_agent() - the answer of one of the agent's pages. Return: an exit code. */
PF_MUST_CHECK int pf_ctl_read_agent(struct pf_client *client, const char *page,
				    struct pf_ctl_reports *ret_reports, char *error,
				    size_t error_size);
void pf_ctl_reports_done(struct pf_ctl_reports *reports);

#endif
