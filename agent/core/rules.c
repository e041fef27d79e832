// SPDX-License-Identifier: Apache-2.0
#include "core/rules.h"

#include <string.h>

#include "core/units.h"

/*
 * The default point on the frontier of slack and risk (make bench-backtest, README), chosen on one half of the series:
 * - CPU: 3 is the smallest whole price of risk at which no more minutes are above the request than with VPA.
 * - Memory: a kill costs more hours of the whole size (400) than the two weeks have that are looked at, so no peak of
 *   theirs is ever given up; a growth margin of 1 expects the largest rise seen to come once more.
 * Latency-bound classes pay more to be safe, those that can wait pay less.
 */
#define CLASS(class_name, price, budget, growth, cpu_request, cpu_limit, memory_request_mib,       \
	      memory_limit_mib)                                                                    \
	{                                                                                          \
		.name = class_name, .cpu_risk_price = price, .cpu_margin_ratio = 0.05,             \
		.throttling_budget_ratio = budget, .memory_kill_price = 400,                       \
		.memory_margin_ratio = 0.02, .memory_growth_margin = growth,                       \
		.memory_young_margin = 0.10, .memory_limit_margin_ratio = 0.15,                    \
		.start_cpu_request_millicores = cpu_request,                                       \
		.start_cpu_limit_millicores = cpu_limit,                                           \
		.start_memory_request_bytes = memory_request_mib * PF_MIB,                         \
		.start_memory_limit_bytes = memory_limit_mib * PF_MIB,                             \
	}

/* Sizes: the owner's sizing table. */
static const struct pf_class classes[] = {
	CLASS("general", 3, 0.01, 1, 0, 0, 0, 0),
	CLASS("api-gateway", 12, 0.005, 1, 200, 1000, 512, 1024),
	CLASS("user-service", 6, 0.01, 1, 100, 500, 256, 512),
	CLASS("compute", 3, 0.02, 1, 300, 1500, 512, 2048),
	CLASS("notification", 2, 0.02, 1, 50, 200, 128, 256),
	CLASS("database", 12, 0.005, 1.5, 500, 2000, 1024, 4096),
	CLASS("background", 1.5, 0.10, 0.5, 0, 0, 0, 0),
	CLASS("video", 8, 0.005, 1, 0, 0, 0, 0),
};

const struct pf_class *pf_class_builtin_at(size_t index)
{
	return index < PF_ARRAY_SIZE(classes) ? &classes[index] : NULL;
}

const struct pf_class *pf_class_builtin(const char *name)
{
	for (size_t i = 0; i < PF_ARRAY_SIZE(classes); i++)
		if (!strcmp(classes[i].name, name))
			return &classes[i];
	return NULL;
}

void pf_rules_default(struct pf_rules *ret_rules)
{
	*ret_rules = (struct pf_rules){
		.class = classes[0],
		.controlled = { true, true },
		.minimum = { 10 /* millicores: the kernel's smallest sensible share */,
			     16 * PF_MIB },
		.history_hours = 24, /* one day: most loads have a night */
		.noisy_wait_ratio = 0.10,
		.heap_share = 0.80,
		.baseline = { .cpu_high_ratio = 0.8,
			      .cpu_critical_ratio = 0.9,
			      .cpu_low_ratio = 0.2,
			      .cpu_low_min_millicores = 100,
			      .throttled_ratio = 0.1,
			      .limit_factor = 1.5,
			      .cpu_band_low = 0.50,
			      .cpu_band_high = 0.70,
			      .cpu_band_critical = 0.85,
			      .memory_band_low = 0.60,
			      .memory_band_high = 0.80,
			      .memory_band_critical = 0.90 },
	};
	ret_rules->class.name = NULL;
	pf_vpa_settings_default(&ret_rules->vpa);
}
