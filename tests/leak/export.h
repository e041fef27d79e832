/* SPDX-License-Identifier: Apache-2.0 */
/*
 * export.h - generated series as a folder of CSV files.
 */
#ifndef PF_TESTS_LEAK_EXPORT_H
#define PF_TESTS_LEAK_EXPORT_H

#include <stdint.h>

#include "base/cleanup.h"

/**
 * leak_export() - writes series.csv.gz, anon.csv.gz, labels.csv (limits only) and events.csv into an existing
 * @folder: the same bytes for the same seed. Return: 0; -EIO; -ENOMEM.
 */
PF_MUST_CHECK int leak_export(const char *folder, uint64_t seed);

#endif
