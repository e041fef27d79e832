/* SPDX-License-Identifier: Apache-2.0 */
/*
 * progress.h - one line on standard error that says what takes so long; only where that is a terminal,
 * so that nothing of it ends in a log or a file.
 */
#ifndef PF_CTL_PROGRESS_H
#define PF_CTL_PROGRESS_H

#include "base/cleanup.h"

/** pf_progress_say() - replaces the line, but not ten times a second: call it as often as convenient. */
void pf_progress_say(const char *format, ...) PF_PRINTF(1, 2);

/** pf_progress_end() - takes the line away, if there is one. */
void pf_progress_end(void);

#endif
