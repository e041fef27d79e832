/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault_sys.h - the real system calls, of which the n-th fails.
 */
#ifndef PF_TESTS_FAULT_SYS_H
#define PF_TESTS_FAULT_SYS_H

#include "sys/sys.h"

/** fault_sys() - the table; its calls count from now on, and call number @nth fails with @err
 * (0: none). Removing, closing and stat are counted but never fail: cleaning up must be possible. */
const struct pf_sys *fault_sys(unsigned nth, int err);

/** fault_sys_calls() - calls since fault_sys(). */
unsigned fault_sys_calls(void);

/** fault_sys_short_writes() - from now on a write takes at most @len bytes; 0: all. */
void fault_sys_short_writes(size_t len);

#endif
