// SPDX-License-Identifier: Apache-2.0
/*
 * Runs all CUnit suites, or those named on the command line. Ends with "N passed, N failed, N
 * skipped"; a run of zero tests fails.
 */
#include <CUnit/Basic.h>
#include <stdbool.h>

#include "unit/check.h"

static struct pf_test_suite *suites;

void pf_test_register(struct pf_test_suite *suite)
{
	struct pf_test_suite **place = &suites;

	while (*place && strcmp((*place)->name, suite->name) < 0)
		place = &(*place)->next;
	suite->next = *place;
	*place = suite;
}

static bool wanted(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(name, argv[i]))
			return true;
	return argc == 1;
}

int main(int argc, char **argv)
{
	if (CU_initialize_registry() != CUE_SUCCESS)
		return 1;
	for (struct pf_test_suite *s = suites; s; s = s->next) {
		CU_SuiteInfo info[] = { { .pName = s->name, .pTests = s->tests },
					CU_SUITE_INFO_NULL };

		if (wanted(s->name, argc, argv) && CU_register_suites(info) != CUE_SUCCESS) {
			fprintf(stderr, "cannot register suite %s: %s\n", s->name,
				CU_get_error_msg());
			return 1;
		}
	}
	CU_basic_set_mode(CU_BRM_SILENT);
	CU_basic_run_tests();

	unsigned run = CU_get_number_of_tests_run(), failed = CU_get_number_of_tests_failed();

	for (CU_pFailureRecord f = CU_get_failure_list(); f; f = f->pNext)
		fprintf(stderr, "FAILED %s/%s at %s:%u: %s\n", f->pSuite->pName, f->pTest->pName,
			f->strFileName, f->uiLineNumber, f->strCondition);
	printf("unit: %u suites, %u assertions\n", CU_get_number_of_suites_run(),
	       CU_get_number_of_asserts());
	printf("%u passed, %u failed, 0 skipped\n", run - failed, failed);
	CU_cleanup_registry();
	return failed || !run;
}
