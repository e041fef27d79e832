// SPDX-License-Identifier: Apache-2.0
/*
 * Writes the report that uses every field to standard output, as podfit-agent's --export.file has
 * it: what tests/cli/run.sh reads, cuts and damages.
 */
#include <stdio.h>

#include "unit/report_sample.h"
#include "wire/stream.h"

int main(void)
{
	PF_AUTO(pf_buf_done) struct pf_buf message;
	PF_AUTO(pf_buf_done) struct pf_buf prefix;

	pf_buf_init(&message, PF_WIRE_MESSAGE_MAX);
	pf_buf_init(&prefix, 16);
	if (pf_wire_encode_report(report_sample(), &message) < 0 ||
	    pf_stream_prefix(&prefix, message.len) < 0)
		return 1;
	if (fwrite(prefix.data, 1, prefix.len, stdout) != prefix.len ||
	    fwrite(message.data, 1, message.len, stdout) != message.len || fflush(stdout) == EOF)
		return 1;
	return 0;
}
