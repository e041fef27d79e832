/* SPDX-License-Identifier: Apache-2.0 */
/*
 * breaker.h - a circuit breaker: after too many failures nothing is tried for a while, then one call
 * is let through to see. Pure: times are handed in.
 *
 * Rule: open when half of the calls of the last 10 s failed; half-open after 30 s.
 */
#ifndef PF_EXPORT_BREAKER_H
#define PF_EXPORT_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/units.h"

#define PF_BREAKER_WINDOW_NS (10 * PF_NS_PER_S)
#define PF_BREAKER_OPEN_NS   (30 * PF_NS_PER_S)
#define PF_BREAKER_RATIO     0.5

enum { PF_BREAKER_CALLS_MAX = 64 }; /* of the window; more are counted as the newest so many */

enum pf_breaker_state {
	PF_BREAKER_CLOSED,
	PF_BREAKER_OPEN,
	PF_BREAKER_HALF_OPEN, /* one call is under way */
};

/* A plain value; zeroed is closed. */
struct pf_breaker {
	enum pf_breaker_state state;
	uint64_t opened_ns;
	uint64_t nr_opened; /* how often */
	struct {
		uint64_t at_ns;
		bool failed;
	} calls[PF_BREAKER_CALLS_MAX];
	uint32_t head, nr_calls;
};

/** pf_breaker_allows() - may a call be made now? In half-open state: one. */
bool pf_breaker_allows(struct pf_breaker *breaker, uint64_t now_ns);

/** pf_breaker_done() - how it ended. */
void pf_breaker_done(struct pf_breaker *breaker, uint64_t now_ns, bool failed);

/** pf_breaker_wait_ns() - until a call may be made; 0: now. */
uint64_t pf_breaker_wait_ns(const struct pf_breaker *breaker, uint64_t now_ns);

#endif
