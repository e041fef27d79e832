/* SPDX-License-Identifier: Apache-2.0 */
/*
 * print_report.h - a report on standard output, as podfit-agent's --export.file has it.
 */
#ifndef PF_TESTS_PRINT_REPORT_H
#define PF_TESTS_PRINT_REPORT_H

#include <stdio.h>

#include "wire/stream.h"

/* Return: an exit code. */
static inline int print_report(const struct pf_report *report)
{
	PF_AUTO(pf_buf_done) struct pf_buf message;
	PF_AUTO(pf_buf_done) struct pf_buf prefix;

	pf_buf_init(&message, PF_WIRE_MESSAGE_MAX);
	pf_buf_init(&prefix, 16);
	if (pf_wire_encode_report(report, &message) < 0 ||
	    pf_stream_prefix(&prefix, message.len) < 0)
		return 1;
	if (fwrite(prefix.data, 1, prefix.len, stdout) != prefix.len ||
	    fwrite(message.data, 1, message.len, stdout) != message.len || fflush(stdout) == EOF)
		return 1;
	return 0;
}

#endif
