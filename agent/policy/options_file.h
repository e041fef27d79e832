/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options_file.h - the YAML configuration file as settings with dotted names.
 */
#ifndef PF_POLICY_OPTIONS_FILE_H
#define PF_POLICY_OPTIONS_FILE_H

#include <stddef.h>

#include "base/cleanup.h"

/* @where: file and line, for messages. Return: 0, or negative to stop with that. */
typedef int (*pf_options_file_fn)(void *arg, const char *where, const char *name,
				  const char *value);

/**
 * pf_options_file_read() - calls @fn for every setting: { capture: { interval: 10s } } and
 * { capture.interval: 10s } are the same.
 * @error: filled unless @fn failed.
 * Return: 0; -EINVAL: not such a file; -errno of reading it; what @fn gave.
 */
PF_MUST_CHECK int pf_options_file_read(const char *path, pf_options_file_fn fn, void *arg,
				       char *error, size_t error_size);

#endif
