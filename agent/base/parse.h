/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parse.h - numbers, durations, sizes and Kubernetes quantities from text. Whole text or nothing.
 */
#ifndef PF_BASE_PARSE_H
#define PF_BASE_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"

/** pf_parse_u64() - decimal digits only. Return: 0; -EINVAL; -ERANGE. */
PF_MUST_CHECK int pf_parse_u64(const char *text, uint64_t *ret_value);

/** pf_parse_i64() - decimal with an optional sign. Return: 0; -EINVAL; -ERANGE. */
PF_MUST_CHECK int pf_parse_i64(const char *text, int64_t *ret_value);

/** pf_parse_double() - a finite decimal number in the C locale. Return: 0; -EINVAL; -ERANGE. */
PF_MUST_CHECK int pf_parse_double(const char *text, double *ret_value);

/**
 * pf_parse_duration() - "15s", "1m30s", "100ms", "8d", "0" in Prometheus' manner (ns us ms s m h d
 * w), to ns. Return: 0; -EINVAL; -ERANGE beyond 292 years.
 */
PF_MUST_CHECK int pf_parse_duration(const char *text, uint64_t *ret_ns);

/** pf_parse_bool() - true/false, yes/no, on/off, 1/0. Return: 0; -EINVAL. */
PF_MUST_CHECK int pf_parse_bool(const char *text, bool *ret_value);

/**
 * pf_parse_cpu_quantity() - a Kubernetes CPU quantity ("250m", "1.5", "2k", "1e3"; an exponent and
 * a suffix together are refused) to millicores, rounded up. Source: Kubernetes apimachinery's
 * documented quantity grammar. Return: 0; -EINVAL; -ERANGE.
 */
PF_MUST_CHECK int pf_parse_cpu_quantity(const char *text, uint64_t *ret_millicores);

/** pf_parse_memory_quantity() - a Kubernetes memory quantity ("64Mi", "1G", "1e6", "128974848") to
 * bytes, rounded up. */
PF_MUST_CHECK int pf_parse_memory_quantity(const char *text, uint64_t *ret_bytes);

#endif
