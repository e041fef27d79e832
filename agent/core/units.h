/* SPDX-License-Identifier: Apache-2.0 */
/*
 * units.h - units of time and size, and the bounds of all that an outsider can make grow.
 */
#ifndef PF_CORE_UNITS_H
#define PF_CORE_UNITS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/units.h"

/* "Not known": never shown as 0, left out of messages. */
#define PF_UNKNOWN UINT64_MAX
/* A limit that is not set; as large as a number can be, but known. */
#define PF_NO_LIMIT (UINT64_MAX - 1)

/** pf_is_set() - whether an amount is known and set: neither PF_UNKNOWN nor PF_NO_LIMIT. */
static inline bool pf_is_set(uint64_t amount)
{
	return amount < PF_NO_LIMIT;
}

/** pf_whole() - @amount without its fraction, as a number that is neither of them: 0 for NaN and below, at most 2^63. */
static inline uint64_t pf_whole(double amount)
{
	const double most = 9223372036854775808.0;

	if (!(amount > 0))
		return 0;
	return amount < most ? (uint64_t)amount : (uint64_t)1 << 63;
}

/* Lengths of names, the NUL included. Source: Kubernetes' object name rules (RFC 1123 label 63,
 * subdomain 253). */
enum {
	PF_LABEL_NAME_MAX = 64,
	PF_OBJECT_NAME_MAX = 254,
	PF_POD_UID_MAX = 37,
	PF_CONTAINER_ID_MAX =
		80, /* 64 hexadecimal digits; other runtimes' ids may be longer, those are cut */
	PF_CGROUP_PATH_MAX = 1024,
	PF_COMM_MAX = 16,
};

/* Capacities. Beyond them the thing is not taken and counted as a loss; nothing is thrown out for
 * it. */
enum {
	PF_CONTAINERS_DEFAULT = 1024, /* --capture.max-containers */
	PF_CONTAINERS_MAX = 16384,
	PF_OOM_EVENTS_MAX = 256, /* kept until reported */
	PF_LABELS_MAX = 32,	 /* pod labels and annotations carried along */
};

#endif
