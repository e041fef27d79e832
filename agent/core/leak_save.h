/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leak_save.h - a leak state as bytes, for checkpoints. The form has a version; it is the same on
 * every machine.
 */
#ifndef PF_CORE_LEAK_SAVE_H
#define PF_CORE_LEAK_SAVE_H

#include <stddef.h>

#include "base/buf.h"
#include "core/leak.h"

enum { PF_LEAK_SAVED_MAX = 16384 }; /* bytes; a full state takes about half */

/** pf_leak_save() - appends the state. Return: 0; -ENOMEM, -ENOSPC of the buffer. */
PF_MUST_CHECK int pf_leak_save(const struct pf_leak_state *state, struct pf_buf *buf);

/**
 * pf_leak_load() - a state from what pf_leak_save() gave; all of @size belongs to it.
 * Return: 0; -EBADMSG: cut short, too long, or a value out of its range; -EOPNOTSUPP: a newer form.
 */
PF_MUST_CHECK int pf_leak_load(const void *data, size_t size, struct pf_leak_state *ret_state);

#endif
