// SPDX-License-Identifier: Apache-2.0
#include "main/caps.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>

enum { CAPS_MAX = 64 };

static void cap_freep(void *p)
{
	void *object = *(void **)p;

	if (object)
		(void)cap_free(object); /* only fails for what is no capability object */
}

static int parse_keep(const char *keep, bool wanted[CAPS_MAX], char *error, size_t error_size)
{
	while (*keep) {
		char name[64];
		size_t len = strcspn(keep, ", ");
		cap_value_t value;

		(void)snprintf(name, sizeof(name), "%.*s", (int)PF_MIN(len, sizeof(name) - 1),
			       keep);
		if (len && (cap_from_name(name, &value) < 0 || value >= CAPS_MAX)) {
			(void)snprintf(error, error_size, "no such capability: %s", name);
			return -EINVAL;
		}
		if (len)
			wanted[value] = true;
		keep += len + (keep[len] != '\0');
	}
	return 0;
}

static int build_set(const bool wanted[CAPS_MAX], cap_t old, cap_t new, char *ret_kept, size_t size)
{
	size_t len = 0;

	(void)snprintf(ret_kept, size, "none");
	for (cap_value_t cap = 0; cap < CAPS_MAX && cap <= cap_max_bits(); cap++) {
		PF_AUTO(cap_freep) char *name = NULL;
		cap_flag_value_t has = CAP_CLEAR;

		if (!wanted[cap] || cap_get_flag(old, cap, CAP_PERMITTED, &has) < 0 ||
		    has != CAP_SET)
			continue;
		if (cap_set_flag(new, CAP_PERMITTED, 1, &cap, CAP_SET) < 0 ||
		    cap_set_flag(new, CAP_EFFECTIVE, 1, &cap, CAP_SET) < 0)
			return -errno;
		name = cap_to_name(cap);
		if (name && len < size)
			len += (size_t)snprintf(ret_kept + len, size - len, "%s%s", len ? "," : "",
						name);
	}
	return 0;
}

/* The bounding set can only be lowered with CAP_SETPCAP; without it there is nothing to lower
 * that exec could give back to an unprivileged process. */
static void lower_bounding_set(const bool wanted[CAPS_MAX])
{
	for (cap_value_t cap = 0; cap < CAPS_MAX && cap <= cap_max_bits(); cap++)
		if (!wanted[cap])
			(void)cap_drop_bound(cap); /* -EPERM without CAP_SETPCAP, see above */
}

int pf_caps_drop(const char *keep, char *ret_kept, size_t kept_size, char *error, size_t error_size)
{
	PF_AUTO(cap_freep) cap_t old = cap_get_proc();
	PF_AUTO(cap_freep) cap_t new = cap_init();
	bool wanted[CAPS_MAX] = { false };
	int r;

	if (!old || !new) {
		(void)snprintf(error, error_size, "out of memory");
		return -ENOMEM;
	}
	r = parse_keep(keep, wanted, error, error_size);
	if (r == 0)
		r = build_set(wanted, old, new, ret_kept, kept_size);
	if (r < 0)
		return r;
	lower_bounding_set(wanted);
	if (cap_set_proc(new) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
		r = -errno;
		(void)snprintf(error, error_size, "dropping capabilities: %s", strerror(-r));
		return r;
	}
	return 0;
}
