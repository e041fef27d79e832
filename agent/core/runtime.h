/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime.h - language runtimes that size themselves: what they are set to, and what fits the limits.
 *
 * Known from the executable's name and the command line; environment variables are not read (that takes more rights
 * than podfit wants), so what they set is told as not seen.
 */
#ifndef PF_CORE_RUNTIME_H
#define PF_CORE_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "core/advice.h"

enum pf_runtime_kind {
	PF_RUNTIME_NONE,
	PF_RUNTIME_JVM,
	PF_RUNTIME_NODE,
	PF_RUNTIME_GO,
	PF_RUNTIME_PYTHON,
	PF_RUNTIME_REDIS,
	PF_NR_RUNTIMES,
};

/** pf_runtime_name() - "jvm", ..., "" for none. pf_runtime_parse(): PF_RUNTIME_NONE if it is none. */
const char *pf_runtime_name(enum pf_runtime_kind kind);
enum pf_runtime_kind pf_runtime_parse(const char *name);

/**
 * pf_runtime_detect() - which runtime a process is.
 * @executable: path or name of what it runs.
 * @is_go: the executable has Go's build-information section; nothing in a name tells it.
 */
enum pf_runtime_kind pf_runtime_detect(const char *executable, bool is_go);

struct pf_runtime_input {
	enum pf_runtime_kind kind;
	const char *command_line;      /* arguments separated by blanks; NULL: not known */
	uint64_t memory_limit_bytes;   /* advised, else present; PF_NO_LIMIT, PF_UNKNOWN */
	uint64_t cpu_limit_millicores; /* the same */
	uint64_t max_threads;	       /* highest count seen; 0: not known */
	double heap_share;	       /* of the limit */
};

/**
 * pf_runtime_advise() - settings that fit the limits.
 * @ret_advice: room for PF_RUNTIME_ADVICE_MAX; texts are in @arena.
 * Return: their number; -ENOMEM, -ENOSPC from the arena.
 */
enum { PF_RUNTIME_ADVICE_MAX = 4 };
PF_MUST_CHECK int pf_runtime_advise(const struct pf_runtime_input *input, struct pf_arena *arena,
				    struct pf_runtime_advice ret_advice[PF_RUNTIME_ADVICE_MAX]);

/** pf_runtime_heap_bytes() - the heap that the command line asks for; PF_UNKNOWN if it does not say. */
uint64_t pf_runtime_heap_bytes(enum pf_runtime_kind kind, const char *command_line);

#endif
