/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check.h - CUnit assertions that print the row's name, what was got and what was wanted.
 */
#ifndef PF_TESTS_CHECK_H
#define PF_TESTS_CHECK_H

#include <CUnit/CUnit.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define PF_CHECK(name, cond)                                                                       \
	do {                                                                                       \
		bool pf_true__ = (cond);                                                           \
		if (!pf_true__)                                                                    \
			fprintf(stderr, "%s:%d: %s: not true: %s\n", __FILE__, __LINE__, name,     \
				#cond);                                                            \
		CU_ASSERT(pf_true__);                                                              \
	} while (0)

#define PF_CHECK_INT(name, got, want)                                                              \
	do {                                                                                       \
		intmax_t pf_got__ = (intmax_t)(got), pf_want__ = (intmax_t)(want);                 \
		if (pf_got__ != pf_want__)                                                         \
			fprintf(stderr, "%s:%d: %s: %s is %jd, want %jd\n", __FILE__, __LINE__,    \
				name, #got, pf_got__, pf_want__);                                  \
		CU_ASSERT(pf_got__ == pf_want__);                                                  \
	} while (0)

#define PF_CHECK_NEAR(name, got, want, tolerance)                                                  \
	do {                                                                                       \
		double pf_got__ = (got), pf_want__ = (want);                                       \
		bool pf_near__ =                                                                   \
			fabs(pf_got__ - pf_want__) <= (tolerance) || pf_got__ == pf_want__;        \
		if (!pf_near__)                                                                    \
			fprintf(stderr, "%s:%d: %s: %s is %.17g, want %.17g +- %g\n", __FILE__,    \
				__LINE__, name, #got, pf_got__, pf_want__, (double)(tolerance));   \
		CU_ASSERT(pf_near__);                                                              \
	} while (0)

#define PF_CHECK_STR(name, got, want)                                                              \
	do {                                                                                       \
		const char *pf_got__ = (got), *pf_want__ = (want);                                 \
		bool pf_same__ = pf_got__ && pf_want__ ? !strcmp(pf_got__, pf_want__)              \
						       : pf_got__ == pf_want__;                    \
		if (!pf_same__)                                                                    \
			fprintf(stderr, "%s:%d: %s: %s is '%s', want '%s'\n", __FILE__, __LINE__,  \
				name, #got, pf_got__ ? pf_got__ : "(null)",                        \
				pf_want__ ? pf_want__ : "(null)");                                 \
		CU_ASSERT(pf_same__);                                                              \
	} while (0)

/*
 * A suite registers itself, so that a new test file needs no edit elsewhere:
 *
 *	PF_TEST_SUITE(hist, { "quantile", test_quantile }, { "merge", test_merge });
 */
struct pf_test_suite {
	const char *name;
	CU_TestInfo *tests;
	struct pf_test_suite *next;
};
void pf_test_register(struct pf_test_suite *suite);

#define PF_TEST_SUITE(suite_name, ...)                                                             \
	static CU_TestInfo suite_name##_tests[] = { __VA_ARGS__, CU_TEST_INFO_NULL };              \
	static struct pf_test_suite suite_name##_suite = { #suite_name, suite_name##_tests,        \
							   NULL };                                 \
	__attribute__((constructor)) static void suite_name##_register(void)                       \
	{                                                                                          \
		pf_test_register(&suite_name##_suite);                                             \
	}                                                                                          \
	struct pf_test_needs_a_semicolon

#endif
