/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sink.h - a place reports go to.
 */
#ifndef PF_EXPORT_SINK_H
#define PF_EXPORT_SINK_H

#include "base/buf.h"
#include "core/report.h"
#include "sys/sys.h"

/*
 * Called from the loop; must not block for long. A report that write() accepted is the sink's to
 * care for: its closed slices are not told again.
 */
struct pf_sink_ops {
	const char *name;
	/* @encoded: the report as a NodeReport; both are borrowed. Return: 0: accepted; negative:
	 * the report is lost for this sink, @error says why. */
	int (*write)(void *sink, const struct pf_report *report, const struct pf_buf *encoded,
		     char *error, size_t error_size);
	/* Optional: has it something to do that is worth a moment when the agent stops? */
	bool (*busy)(void *sink);
	/* Optional: what was lost here since the start. Return: how many entries were filled. */
	size_t (*losses)(void *sink, struct pf_loss *ret_losses, size_t max_losses);
	void (*close)(void *sink); /* accepts NULL */
};

extern const struct pf_sink_ops pf_sink_file;

/**
 * pf_sink_file_open() - length-delimited reports, appended to @path.
 *
 * A file that is there must hold reports; a tail that a crash left half-written is cut off. When a
 * write fails the file is cut back to the last whole report, and removed if that makes it empty and
 * this sink had made it.
 * @error: on failure says what is wrong and what would help.
 * Return: 0; -errno; -EBADMSG: the file holds something else; -EBUSY: another process writes it.
 */
PF_MUST_CHECK int pf_sink_file_open(const struct pf_sys *sys, const char *path, void **ret_sink,
				    char *error, size_t error_size);

#endif
