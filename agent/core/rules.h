/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules.h - what steers a recommendation, resolved for one container. The policy file (policy/)
 * fills it; the defaults stand where it says nothing.
 *
 * A plain value; strings are borrowed from whoever made it.
 */
#ifndef PF_CORE_RULES_H
#define PF_CORE_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "core/vpa_model.h"

enum pf_policy_kind {
	PF_POLICY_PODFIT,
	PF_POLICY_VPA,
	PF_POLICY_BASELINE, /* the present sizes, changed by the owner's baseline rules */
};

enum pf_limit_mode {
	PF_LIMIT_CURVE, /* the smallest limit within the throttling budget */
	PF_LIMIT_NONE,	/* advise to have no CPU limit */
	PF_LIMIT_KEEP,	/* leave the limit as it is */
};

/* How cautious: the knobs of a workload class. */
struct pf_class {
	const char *name; /* NULL: none was chosen */
	/*
	 * CPU request: the value where slack + risk_price * (share of minutes above it) is
	 * smallest, over the minutes seen so far, times 1 + margin.
	 */
	double cpu_risk_price;
	double cpu_margin_ratio;
	/* CPU limit: share of CFS periods that may be throttled. */
	enum pf_limit_mode cpu_limit_mode;
	double throttling_budget_ratio;
	/*
	 * Memory request: the need where hours unused + kill_price * (peaks above) is smallest,
	 * times 1 + margin + growth_margin *
	 * (pf_memory_growth()). Memory limit: that times 1 +
	 * limit margin.
	 */
	double memory_kill_price; /* hours of a whole size unused that one kill is worth */
	double memory_margin_ratio;
	double memory_growth_margin;
	double memory_young_margin; /* added while there is no history yet, less the more there is */
	double memory_limit_margin_ratio;
	/* Starting sizes while there is no history; 0: none. */
	uint64_t start_cpu_request_millicores, start_cpu_limit_millicores;
	uint64_t start_memory_request_bytes, start_memory_limit_bytes;
};

/* The owner's baseline rules. Ratios of use to request, unless said otherwise. */
struct pf_baseline {
	double cpu_high_ratio, cpu_critical_ratio; /* above: INCREASE_REQUESTS */
	double cpu_low_ratio; /* below, with a request above cpu_low_min: DECREASE_REQUESTS */
	uint64_t cpu_low_min_millicores;
	double throttled_ratio; /* of CFS periods; above: INCREASE_LIMITS */
	double limit_factor;	/* by this much, where no limit curve is known */
	double cpu_band_low, cpu_band_high, cpu_band_critical;
	double memory_band_low, memory_band_high, memory_band_critical;
};

struct pf_prices {
	const char *currency; /* NULL: no prices known */
	double cpu_core_hour;
	double memory_gib_hour;
};

struct pf_rules {
	enum pf_policy_kind policy; /* the one that holds; all are computed */
	struct pf_class class;
	bool off; /* mode Off: evidence, but no advice */
	bool controlled[PF_VPA_NR_RESOURCES];
	bool requests_only;			   /* controlledValues RequestsOnly */
	uint64_t min_allowed[PF_VPA_NR_RESOURCES]; /* 0: no bound */
	uint64_t max_allowed[PF_VPA_NR_RESOURCES]; /* 0: no bound */
	uint64_t minimum[PF_VPA_NR_RESOURCES]; /* smallest advice: a container needs something */
	double history_hours;		       /* below: SHORT_HISTORY */
	double noisy_wait_ratio; /* contention wait per second of CPU use; above: NOISY_NEIGHBOUR */
	double heap_share;	 /* of a memory limit that a runtime's heap may take */
	struct pf_baseline baseline;
	struct pf_vpa_settings vpa;
	struct pf_prices prices;
};

/** pf_rules_default() - podfit's own defaults, no prices. */
void pf_rules_default(struct pf_rules *ret_rules);

/**
 * pf_class_builtin() - the classes that podfit brings: general, api-gateway, user-service, compute,
 * notification, database, background, video. Sizes are the owner's sizing table. Return: NULL if
 * there is none of that name.
 */
const struct pf_class *pf_class_builtin(const char *name);

/** pf_class_builtin_at() - walks them; NULL beyond the last. */
const struct pf_class *pf_class_builtin_at(size_t index);

#endif
