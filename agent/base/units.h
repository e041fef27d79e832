/* SPDX-License-Identifier: Apache-2.0 */
/*
 * units.h - units of time and size, for every level.
 */
#ifndef PF_BASE_UNITS_H
#define PF_BASE_UNITS_H

#define PF_NS_PER_US   1000ull
#define PF_NS_PER_MS   1000000ull
#define PF_NS_PER_S    1000000000ull
#define PF_NS_PER_MIN  60000000000ull
#define PF_NS_PER_HOUR 3600000000000ull
#define PF_NS_PER_DAY  86400000000000ull

#define PF_KIB 1024ull
#define PF_MIB 1048576ull
#define PF_GIB 1073741824ull

#endif
