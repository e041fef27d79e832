/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_parse.h - the texts of cgroup files. Whole and right, or -EBADMSG; a key that is not there is -ENOENT.
 */
#ifndef PF_CAPTURE_CGROUP_PARSE_H
#define PF_CAPTURE_CGROUP_PARSE_H

#include <stdint.h>

#include "base/cleanup.h"

/** pf_cgroup_parse_key() - the number after @name in "name number" lines (memory.stat, cpu.stat, memory.events). */
PF_MUST_CHECK int pf_cgroup_parse_key(const char *text, const char *name, uint64_t *ret_value);

/** pf_cgroup_parse_number() - a file that is one number, with or without a newline. */
PF_MUST_CHECK int pf_cgroup_parse_number(const char *text, uint64_t *ret_value);

/**
 * pf_cgroup_parse_limit() - one number or "max". v1 has no word for "none": it shows the largest multiple of the page
 * size, so everything from 2^62 on means none. @ret_value: PF_NO_LIMIT for none.
 */
PF_MUST_CHECK int pf_cgroup_parse_limit(const char *text, uint64_t *ret_value);

/** pf_cgroup_parse_cpu_max() - "max 100000" or "20000 100000", in us. @ret_quota_us: PF_NO_LIMIT for max. */
PF_MUST_CHECK int pf_cgroup_parse_cpu_max(const char *text, uint64_t *ret_quota_us,
					  uint64_t *ret_period_us);

/** pf_cgroup_parse_quota() - v1's cpu.cfs_quota_us: -1 is none. */
PF_MUST_CHECK int pf_cgroup_parse_quota(const char *text, uint64_t *ret_quota_us);

/** pf_cgroup_parse_pressure() - totals of a pressure file, us; no "full" line: @ret_full_us is PF_UNKNOWN. */
PF_MUST_CHECK int pf_cgroup_parse_pressure(const char *text, uint64_t *ret_some_us,
					   uint64_t *ret_full_us);

#endif
