/* SPDX-License-Identifier: Apache-2.0 */
/*
 * human.h - quantities as people read them: three significant digits and a unit.
 *
 * Every function gives a small struct by value, so that a call can stand in an argument list:
 *
 *	printf("%s\n", pf_human_bytes(n).text);
 *
 * PF_UNKNOWN and NaN read "unknown", PF_NO_LIMIT reads "none"; neither ever reads 0. Amounts are
 * rounded for reading only: patches and files print exact quantities.
 */
#ifndef PF_REPORT_HUMAN_H
#define PF_REPORT_HUMAN_H

#include <stdbool.h>
#include <stdint.h>

struct pf_human {
	char text[48];
};

/* What a number measures: names the unit of an axis or a column. */
enum pf_quantity {
	PF_QUANTITY_COUNT,
	PF_QUANTITY_MILLICORES,
	PF_QUANTITY_BYTES,
	PF_QUANTITY_NS,
	PF_QUANTITY_RATIO,	    /* 0 to 1, read as percent */
	PF_QUANTITY_NS_PER_S,	    /* time lost a second of wall time */
	PF_QUANTITY_BYTES_PER_HOUR, /* signed */
};

/** pf_human() - @value in its unit, signed quantities with their sign. */
struct pf_human pf_human(enum pf_quantity quantity, double value);

/** pf_human_cpu() - "250m", "1.5 cores" (exact to the millicore below 100 cores). */
struct pf_human pf_human_cpu(uint64_t millicores);

/** pf_human_bytes() - "512 B", "1.5 GiB". */
struct pf_human pf_human_bytes(uint64_t bytes);

/** pf_human_ns() - a length of time: "850 ns", "3.2 ms", "4 min 20 s", "3 d 4 h". */
struct pf_human pf_human_ns(uint64_t ns);

/** pf_human_count() - "12 345", grouped by no-break spaces (UTF-8). */
struct pf_human pf_human_count(uint64_t count);

/** pf_human_time() - "2026-07-30 14:05 UTC"; PF_UNKNOWN: "unknown". pf_human_rfc3339() - the same
 * moment to the second, for machines. */
struct pf_human pf_human_time(uint64_t unix_ns);
struct pf_human pf_human_rfc3339(uint64_t unix_ns);

/** pf_human_until() - @then seen from @now: "in 3 h 20 min", "12 s ago", "now" within a second. */
struct pf_human pf_human_until(uint64_t now_unix_ns, uint64_t then_unix_ns);

/** pf_human_change() - what is saved or spent: "-250m", "+1.5 GiB", "no change". @amount: the
 * advised less the present one, in @quantity's unit. */
struct pf_human pf_human_change(enum pf_quantity quantity, double amount);

/** pf_human_range() - "16 to 20 MiB/h": an interval, its unit said once where it is the same. */
struct pf_human pf_human_range(enum pf_quantity quantity, double low, double high);

/** pf_human_money() - "1 234.50 EUR"; NaN: "unknown". @currency: NULL or "": the number alone. */
struct pf_human pf_human_money(double amount, const char *currency);

#endif
