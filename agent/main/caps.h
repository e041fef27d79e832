/* SPDX-License-Identifier: Apache-2.0 */
/*
 * caps.h - giving up the rights that only the start needed.
 */
#ifndef PF_MAIN_CAPS_H
#define PF_MAIN_CAPS_H

#include <stddef.h>

#include "base/cleanup.h"

/**
 * pf_caps_drop() - keeps only the capabilities named in @keep (comma-separated, "" for none), as
 * far as this process has them; nothing it starts can get others back.
 * @ret_kept: text of what is left, such as "cap_sys_ptrace", or "none".
 * @error: on failure which name or call.
 * Return: 0; -EINVAL: no such capability; -errno.
 */
PF_MUST_CHECK int pf_caps_drop(const char *keep, char *ret_kept, size_t kept_size, char *error,
			       size_t error_size);

#endif
