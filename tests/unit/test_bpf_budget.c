// SPDX-License-Identifier: Apache-2.0
/* How much of the time the switch hook may work within the CPU budget. */
#include <linux/types.h>

#include "base/cleanup.h"
#include "podfit_abi.h"
#include "unit/check.h"

uint32_t pf_cost_thin_on(double budget_ns, double pass_ns, double hook_ns);

static const struct budget_case {
	const char *name;
	double budget_ns, pass_ns, hook_ns;
	uint32_t want;
} budget_cases[] = {
	{ "well below", 1e8, 1e6, 1e6, PF_THIN_TICKS },
	{ "exactly at it", 1e8, 5e7, 5e7, PF_THIN_TICKS },
	{ "twice too much", 1e8, 0, 2e8, PF_THIN_TICKS / 2 },
	{ "rounded down, so that it is kept", 1e8, 0, 1.9e8, 8 },
	{ "passes alone exceed it: never quite off", 1e8, 2e8, 1e6, 1 },
	{ "a hundred times too much", 1e8, 0, 1e10, 1 },
	{ "no switches", 1e8, 0, 0, PF_THIN_TICKS },
};

static void test_thin_on(void)
{
	for (size_t i = 0; i < PF_ARRAY_SIZE(budget_cases); i++) {
		const struct budget_case *c = &budget_cases[i];

		PF_CHECK_INT(c->name, pf_cost_thin_on(c->budget_ns, c->pass_ns, c->hook_ns),
			     c->want);
	}
}

PF_TEST_SUITE(bpf_budget, { "thin_on", test_thin_on });
