/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recommend.h - from evidence and rules to a recommendation: numbers of every policy, findings, limit curve, runtime
 * advice, savings, and the steps that led there in words.
 *
 * The agent calls it with a node's evidence, the collector with the fleet's. Pure: same input, same answer.
 */
#ifndef PF_CORE_RECOMMEND_H
#define PF_CORE_RECOMMEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "core/advice.h"
#include "core/evidence.h"
#include "core/rules.h"
#include "core/runtime.h"
#include "core/types.h"

struct pf_recommend_input {
	const struct pf_evidence *evidence; /* NULL: none yet */
	const struct pf_rules *rules;
	struct pf_resources present; /* as configured; PF_NO_LIMIT not set, PF_UNKNOWN */
	unsigned nr_replicas;	     /* savings are told for all of them; 0 counts as 1 */
	unsigned nr_vpa_containers;  /* of the pod: they share VPA's minimum; 0 counts as 1 */
	bool hpa_on_cpu, hpa_on_memory;
	const struct pf_leak_finding *leak; /* NULL: none */
	enum pf_runtime_kind runtime;
	const char *command_line;     /* NULL: not known */
	uint64_t node_cpu_millicores; /* largest size that makes sense; PF_UNKNOWN: no bound */
	uint64_t node_memory_bytes;
	double time_scale; /* how much faster than real time analysis runs; 1 */
};

/** pf_recommend_input_clear() - nothing known, one replica, real time. */
void pf_recommend_input_clear(struct pf_recommend_input *input);

/**
 * pf_recommend() - the recommendation; everything it points to is in @arena.
 *
 * Without evidence it is the class' starting size, marked so, or nothing but the finding SHORT_HISTORY.
 * Mode Off gives evidence and findings: no amounts, no runtime settings.
 * Return: 0; -ENOMEM, -ENOSPC from the arena.
 */
PF_MUST_CHECK int pf_recommend(const struct pf_recommend_input *input, struct pf_arena *arena,
			       struct pf_recommendation *ret_recommendation);

/** pf_policy_result_of() - the numbers of one policy ("podfit", "vpa", "baseline"), or NULL. */
const struct pf_policy_result *pf_policy_result_of(const struct pf_recommendation *recommendation,
						   const char *policy);

#endif
