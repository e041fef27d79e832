// SPDX-License-Identifier: Apache-2.0
/* Writes the report that uses every field to standard output: what tests/cli/run.sh reads, cuts and damages. */
#include "cli/print_report.h"
#include "unit/report_sample.h"

int main(void)
{
	return print_report(report_sample());
}
