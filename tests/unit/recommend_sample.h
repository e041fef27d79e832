/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recommend_sample.h - a container of evidence_sample.h with its rules, and what is asked of the advice it gets.
 */
#ifndef PF_TESTS_RECOMMEND_SAMPLE_H
#define PF_TESTS_RECOMMEND_SAMPLE_H

#include <string.h>

#include "core/recommend.h"
#include "unit/evidence_sample.h"

struct fixture {
	struct pf_evidence *e;
	struct pf_rules rules;
	struct pf_recommend_input in;
	struct pf_arena arena;
	struct pf_recommendation rec;
};

static inline void set_up(struct fixture *f)
{
	f->e = evidence_new();
	pf_rules_default(&f->rules);
	pf_recommend_input_clear(&f->in);
	pf_arena_init(&f->arena, 1 << 20);
	f->in.rules = &f->rules;
	f->in.evidence = f->e;
}

static inline void tear_down(struct fixture *f)
{
	pf_arena_done(&f->arena);
	pf_evidence_free(f->e);
}

static inline void recommend(struct fixture *f)
{
	PF_CHECK_INT("recommend", pf_recommend(&f->in, &f->arena, &f->rec), 0);
}

static inline const struct pf_policy_result *podfit(const struct fixture *f)
{
	return pf_policy_result_of(&f->rec, "podfit");
}

static inline const struct pf_finding *finding(const struct fixture *f, enum pf_verdict verdict,
					       bool baseline)
{
	for (size_t i = 0; i < f->rec.nr_findings; i++)
		if (f->rec.findings[i].verdict == verdict &&
		    f->rec.findings[i].baseline == baseline)
			return &f->rec.findings[i];
	return NULL;
}

static inline void check_finding(const struct fixture *f, const char *name, enum pf_verdict verdict,
				 enum pf_action action)
{
	const struct pf_finding *found = finding(f, verdict, false);

	PF_CHECK(name, found != NULL);
	if (found)
		PF_CHECK_STR(name, pf_action_name(found->action), pf_action_name(action));
}

static inline const struct pf_policy_result *vpa(const struct fixture *f)
{
	return pf_policy_result_of(&f->rec, "vpa");
}

/* The step that says @words, or NULL. */
static inline const char *step(const struct fixture *f, const char *words)
{
	for (size_t i = 0; i < f->rec.nr_steps; i++)
		if (strstr(f->rec.steps[i], words))
			return f->rec.steps[i];
	return NULL;
}

static inline void check_step(const struct fixture *f, const char *words)
{
	PF_CHECK(words, step(f, words) != NULL);
}

/* The sentence of a finding says @words. */
static inline void check_sentence(const struct fixture *f, enum pf_verdict verdict,
				  const char *words)
{
	const struct pf_finding *found = finding(f, verdict, false);

	PF_CHECK(words, found && strstr(found->sentence, words));
	if (found && !strstr(found->sentence, words))
		fprintf(stderr, "  it says: %s\n", found->sentence);
}

static inline struct pf_resources sizes(uint64_t cpu_request, uint64_t cpu_limit,
					uint64_t memory_request_mib, uint64_t memory_limit_mib)
{
	return (struct pf_resources){ cpu_request, cpu_limit, memory_request_mib * PF_MIB,
				      memory_limit_mib * PF_MIB };
}

#endif
