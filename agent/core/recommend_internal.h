/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of recommend hand one another. */
#ifndef PF_CORE_RECOMMEND_INTERNAL_H
#define PF_CORE_RECOMMEND_INTERNAL_H

#include "core/limit_curve.h"
#include "core/recommend.h"
#include "core/size_cpu.h"
#include "core/size_memory.h"

enum {
	PF_FINDINGS_MAX = 24,
	PF_STEPS_MAX = 24,
	PF_CURVE_MAX = 40,
	PF_RESULTS = 3, /* podfit, vpa, baseline */
};

/* A recommendation in the making. */
struct pf_work {
	const struct pf_recommend_input *in;
	const struct pf_evidence *e; /* NULL: none */
	const struct pf_rules *rules;
	struct pf_arena *arena;

	bool has_cpu, has_memory;
	struct pf_cpu_request cpu;
	struct pf_memory_size memory;
	bool has_curve;
	struct pf_limit_model curve;
	struct pf_curve_point
		present_point; /* what it says of the present limit, if there is one */
	bool has_advised_point;
	struct pf_curve_point advised_point; /* of the advised limit */
	bool leaking;			     /* there is an alarm */
	bool suspected;			     /* not yet an alarm, and perhaps never one */
	double history_hours; /* from the first to the last sample, in analysis time */

	struct pf_policy_result results[PF_RESULTS];
	struct pf_finding findings[PF_FINDINGS_MAX];
	size_t nr_findings;
	const char *steps[PF_STEPS_MAX];
	size_t nr_steps;
	struct pf_evidence_summary summary;
};

/** pf_step() - adds a sentence to the steps. */
void pf_step(struct pf_work *w, const char *format, ...) PF_PRINTF(2, 3);

/** pf_find() - adds a finding. */
void pf_find(struct pf_work *w, enum pf_verdict verdict, enum pf_action action, const char *format,
	     ...) PF_PRINTF(4, 5);

/** pf_text_bytes() - an amount for people: "512 MiB". In the arena. */
const char *pf_text_bytes(struct pf_arena *arena, double bytes);

/** pf_bounded() - an amount of resource @r within the minimum, the node's size, then the policy's minAllowed and
 * maxAllowed: the last word is theirs. */
uint64_t pf_bounded(const struct pf_work *w, uint64_t amount, int r);

/** pf_missing_history() - share of the wanted history that is not there yet, 0 to 1. */
double pf_missing_history(const struct pf_work *w);

/** pf_podfit_cpu(), pf_podfit_memory() - policy podfit's amounts, left as they are where nothing is known or controlled. */
void pf_podfit_cpu(struct pf_work *w, struct pf_amounts *cpu);
void pf_podfit_memory(struct pf_work *w, struct pf_amounts *memory);

void pf_summarise(struct pf_work *w);
void pf_find_all(struct pf_work *w); /* podfit's own verdicts */
void pf_baseline_find(
	struct pf_work *w); /* the owner's baseline rules: verdicts and the result "baseline" */

#endif
