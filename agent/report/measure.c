// SPDX-License-Identifier: Apache-2.0
#include "report/measure.h"

static const struct pf_measure_shown shown[PF_NR_MEASURES] = {
	[PF_MEASURE_LATENCY_P95] = { "Wait for a CPU, p95", PF_QUANTITY_NS },
	[PF_MEASURE_WAIT] = { "Time waited", PF_QUANTITY_NS_PER_S },
	[PF_MEASURE_THROTTLED] = { "Periods throttled", PF_QUANTITY_RATIO },
	[PF_MEASURE_CPU] = { "CPU use", PF_QUANTITY_MILLICORES },
	[PF_MEASURE_MEMORY] = { "Hot memory", PF_QUANTITY_BYTES },
	[PF_MEASURE_MEMORY_TREND] = { "Growth", PF_QUANTITY_BYTES_PER_HOUR },
	[PF_MEASURE_ERRORS] = { "OOM kills and restarts an hour", PF_QUANTITY_COUNT },
};

const struct pf_measure_shown *pf_measure_shown(enum pf_measure measure)
{
	return &shown[measure];
}
