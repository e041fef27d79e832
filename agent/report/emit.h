/* SPDX-License-Identifier: Apache-2.0 */
/*
 * emit.h - one description of a document, written as JSON or as YAML.
 *
 * Keys are our own words; texts from outside are escaped. Unknown numbers (PF_UNKNOWN, NaN) are left out, as the
 * protobuf form does. The buffer keeps its first error; callers check it once at the end.
 */
#ifndef PF_REPORT_EMIT_H
#define PF_REPORT_EMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum { PF_EMIT_DEPTH_MAX = 24 };

struct pf_emit {
	struct pf_buf *buf;
	bool yaml, started;
	unsigned depth;
	struct {
		bool list;
		bool filled; /* has members */
	} levels[PF_EMIT_DEPTH_MAX];
};

void pf_emit_init(struct pf_emit *emit, struct pf_buf *buf, bool yaml);

/** pf_emit_open(), pf_emit_close() - a mapping or list. @key: NULL at the top and inside lists. */
void pf_emit_open(struct pf_emit *emit, const char *key, bool list);
void pf_emit_close(struct pf_emit *emit);

void pf_emit_text(struct pf_emit *emit, const char *key, const char *text); /* NULL: left out */
void pf_emit_textf(struct pf_emit *emit, const char *key, const char *format, ...) PF_PRINTF(3, 4);
void pf_emit_uint(struct pf_emit *emit, const char *key,
		  uint64_t value); /* PF_UNKNOWN, PF_NO_LIMIT: left out */
void pf_emit_int(struct pf_emit *emit, const char *key, int64_t value);
void pf_emit_double(struct pf_emit *emit, const char *key, double value); /* not finite: left out */
void pf_emit_bool(struct pf_emit *emit, const char *key, bool value);
void pf_emit_null(struct pf_emit *emit, const char *key);

#endif
