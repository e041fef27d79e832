// SPDX-License-Identifier: Apache-2.0
#include "report/human.h"

#include "base/cleanup.h"
#include "core/units.h"
#include "unit/check.h"

#define NBSP  "\xc2\xa0"
#define MINUS "\xe2\x88\x92"

static const struct {
	enum pf_quantity quantity;
	double value;
	const char *want;
} rows[] = {
	{ PF_QUANTITY_MILLICORES, 0, "0m" },
	{ PF_QUANTITY_MILLICORES, 0.26, "0.26m" },
	{ PF_QUANTITY_MILLICORES, 250, "250m" },
	{ PF_QUANTITY_MILLICORES, 999.6, "1 core" },
	{ PF_QUANTITY_MILLICORES, 1000, "1 core" },
	{ PF_QUANTITY_MILLICORES, 1234, "1.234 cores" },
	{ PF_QUANTITY_MILLICORES, 128000, "128 cores" },
	{ PF_QUANTITY_MILLICORES, 128000000, "128" NBSP "000 cores" },
	{ PF_QUANTITY_MILLICORES, NAN, "unknown" },
	{ PF_QUANTITY_BYTES, 0, "0 B" },
	{ PF_QUANTITY_BYTES, 1023.9, "1 KiB" },
	{ PF_QUANTITY_BYTES, 268435456, "256 MiB" },
	{ PF_QUANTITY_BYTES, 1610612736, "1.5 GiB" },
	{ PF_QUANTITY_BYTES, -1610612736.0, "-1.5 GiB" },
	{ PF_QUANTITY_BYTES, INFINITY, "beyond measure" },
	{ PF_QUANTITY_NS, 850, "850 ns" },
	{ PF_QUANTITY_NS, 3214000, "3.21 ms" },
	{ PF_QUANTITY_NS, 999.7e6, "1 s" },
	{ PF_QUANTITY_NS, 59.99e9, "1 min" },
	{ PF_QUANTITY_NS, 260e9, "4 min 20 s" },
	{ PF_QUANTITY_NS, 3599.9e9, "1 h" },
	{ PF_QUANTITY_NS, 273600e9, "3 d 4 h" },
	{ PF_QUANTITY_NS, 40 * 86400e9 + 3600e9, "40 d" },
	{ PF_QUANTITY_NS, 5e18, "more than 10 years" },
	{ PF_QUANTITY_RATIO, 0, "0 %" },
	{ PF_QUANTITY_RATIO, 0.00001, "< 0.01 %" },
	{ PF_QUANTITY_RATIO, 0.123, "12.3 %" },
	{ PF_QUANTITY_RATIO, 1, "100 %" },
	{ PF_QUANTITY_NS_PER_S, 12.5e6, "12.5 ms/s" },
	{ PF_QUANTITY_BYTES_PER_HOUR, 1048576, "1 MiB/h" },
	{ PF_QUANTITY_COUNT, 1234567, "1" NBSP "234" NBSP "567" },
	{ PF_QUANTITY_COUNT, 999, "999" },
	{ PF_QUANTITY_COUNT, 2.5, "2.5" },
	{ PF_QUANTITY_COUNT, 9e18,
	  "9" NBSP "000" NBSP "000" NBSP "000" NBSP "000" NBSP "000" NBSP "000" },
};

static void test_numbers(void)
{
	for (size_t i = 0; i < PF_ARRAY_SIZE(rows); i++)
		PF_CHECK_STR(rows[i].want, pf_human(rows[i].quantity, rows[i].value).text,
			     rows[i].want);
	/* What is not known or not set never reads as a number. */
	PF_CHECK_STR("unknown", pf_human_bytes(PF_UNKNOWN).text, "unknown");
	PF_CHECK_STR("no limit", pf_human_cpu(PF_NO_LIMIT).text, "none");
	PF_CHECK_STR("count", pf_human_count(PF_UNKNOWN).text, "unknown");
}

static void test_times(void)
{
	uint64_t at = 1785420300 * PF_NS_PER_S;

	PF_CHECK_STR("moment", pf_human_time(at).text, "2026-07-30 14:05 UTC");
	PF_CHECK_STR("rfc", pf_human_rfc3339(at).text, "2026-07-30T14:05:00Z");
	PF_CHECK_STR("unknown", pf_human_time(PF_UNKNOWN).text, "unknown");
	PF_CHECK_STR("later", pf_human_until(at, at + 2 * PF_NS_PER_HOUR).text, "in 2 h");
	PF_CHECK_STR("before", pf_human_until(at, at - 5 * PF_NS_PER_S).text, "5 s ago");
	PF_CHECK_STR("now", pf_human_until(at, at + 3).text, "now");
	PF_CHECK_STR("never", pf_human_until(at, PF_UNKNOWN).text, "unknown");
}

static void test_changes(void)
{
	PF_CHECK_STR("less", pf_human_change(PF_QUANTITY_MILLICORES, -250).text, MINUS "250m");
	PF_CHECK_STR("more", pf_human_change(PF_QUANTITY_BYTES, 1610612736).text, "+1.5 GiB");
	PF_CHECK_STR("same", pf_human_change(PF_QUANTITY_BYTES, 0).text, "no change");
	PF_CHECK_STR("unknown", pf_human_change(PF_QUANTITY_BYTES, NAN).text, "unknown");
	PF_CHECK_STR("one unit", pf_human_range(PF_QUANTITY_BYTES, 1048576, 5242880).text,
		     "1 to 5 MiB");
	PF_CHECK_STR("two units", pf_human_range(PF_QUANTITY_NS, 5e5, 5e6).text, "500 µs to 5 ms");
	PF_CHECK_STR("millicores", pf_human_range(PF_QUANTITY_MILLICORES, 64, 112).text,
		     "64m to 112m");
	PF_CHECK_STR("money", pf_human_money(1234.4, "EUR").text, "1" NBSP "234 EUR");
	PF_CHECK_STR("cents", pf_human_money(-7.05, "EUR").text, MINUS "7.05 EUR");
	PF_CHECK_STR("carry", pf_human_money(99.999, NULL).text, "100");
	PF_CHECK_STR("nothing", pf_human_money(-0.001, "EUR").text, "0 EUR");
	PF_CHECK_STR("no price", pf_human_money(NAN, "EUR").text, "unknown");
}

PF_TEST_SUITE(human, { "numbers", test_numbers }, { "times", test_times },
	      { "changes", test_changes });
