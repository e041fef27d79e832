/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.h - levelled lines on stderr, as logfmt or JSON, one write a line. For levels 3 and 4 only:
 * below, errors are returned.
 */
#ifndef PF_SYS_LOG_H
#define PF_SYS_LOG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"

enum pf_log_level {
	PF_LOG_DEBUG,
	PF_LOG_INFO,	/* start, stop, reload */
	PF_LOG_WARNING, /* degraded: goes on with less */
	PF_LOG_ERROR,	/* a function is lost */
};

enum pf_log_format {
	PF_LOG_LOGFMT, /* ts=... level=info area=meta msg="..." */
	PF_LOG_JSON,   /* {"ts":"...","level":"info","area":"meta","msg":"..."} */
};

/** pf_log_level_parse() - "debug", "info", "warning" ("warn"), "error". Return: 0; -EINVAL. */
PF_MUST_CHECK int pf_log_level_parse(const char *text, enum pf_log_level *ret_level);
/** pf_log_format_parse() - "logfmt", "json". Return: 0; -EINVAL. */
PF_MUST_CHECK int pf_log_format_parse(const char *text, enum pf_log_format *ret_format);

/** pf_log_setup() - lines below @level are dropped from now on. At first: info, logfmt. */
void pf_log_setup(enum pf_log_level level, enum pf_log_format format);

/**
 * pf_log() - one line. @area: the module, such as "meta". Keeps errno. Text beyond 2 KiB is cut;
 * bytes that are not UTF-8 or not printable are escaped, so a line is always one line.
 */
void pf_log(enum pf_log_level level, const char *area, const char *format, ...) PF_PRINTF(3, 4);

/*
 * For what can happen per event: at most @burst lines in @per_ns, then silence; the next line let
 * through says how many were left out.
 *
 *	static struct pf_log_limit limit = PF_LOG_LIMIT(3, 60 * PF_NS_PER_S);
 *	pf_log_limited(&limit, PF_LOG_WARNING, "meta", "kubelet: %s", error);
 */
struct pf_log_limit {
	uint32_t burst;
	uint64_t per_ns;
	uint64_t window_start_ns;
	uint32_t nr_in_window;
	uint64_t nr_suppressed;
};
#define PF_LOG_LIMIT(burst_, per_ns_)                                                              \
	{                                                                                          \
		.burst = (burst_), .per_ns = (per_ns_)                                             \
	}
void pf_log_limited(struct pf_log_limit *limit, enum pf_log_level level, const char *area,
		    const char *format, ...) PF_PRINTF(4, 5);

#endif
