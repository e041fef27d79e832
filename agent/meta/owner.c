// SPDX-License-Identifier: Apache-2.0
#include "meta/owner.h"

#include <ctype.h>
#include <string.h>

#include "base/parse.h"

enum {
	MINUTES_DIGITS = 8,		/* from 1989 to 2160 */
	MINUTES_LATE_MAX = 7 * 24 * 60, /* a Job started late still has its scheduled minute */
};

static void set_owner(struct pf_owner *owner, enum pf_workload_kind kind, const char *name,
		      size_t len)
{
	len = PF_MIN(len, sizeof(owner->name) - 1);
	memcpy(owner->name, name, len);
	owner->name[len] = '\0';
	owner->kind = kind;
}

/* Length of @name without "-@suffix"; 0 if it does not end so, or nothing would be left. */
static size_t len_without(const char *name, const char *suffix)
{
	size_t len = strlen(name), suffix_len = strlen(suffix);

	if (!suffix_len || len < suffix_len + 2 || name[len - suffix_len - 1] != '-' ||
	    strcmp(name + len - suffix_len, suffix))
		return 0;
	return len - suffix_len - 1;
}

/* Length of the CronJob's name in that of a Job it made; 0 if it made none. */
static size_t cron_job_len(const struct pf_pod *pod)
{
	const char *dash = strrchr(pod->owner_name, '-');
	int64_t born_min = pod->created_unix_s / 60, late;
	uint64_t minutes;

	if (!dash || dash == pod->owner_name || strlen(dash + 1) != MINUTES_DIGITS ||
	    pf_parse_u64(dash + 1, &minutes) < 0 || !pod->created_unix_s)
		return 0;
	late = born_min - (int64_t)minutes;
	return late >= -1 && late <= MINUTES_LATE_MAX ? (size_t)(dash - pod->owner_name) : 0;
}

void pf_owner_of_kind(const char *kind, const char *name, struct pf_owner *ret_owner)
{
	enum pf_workload_kind parsed = pf_workload_kind_parse(kind);

	set_owner(ret_owner, parsed == PF_WORKLOAD_UNKNOWN ? PF_WORKLOAD_OTHER : parsed, name,
		  strlen(name));
}

bool pf_owner_of_pod(const struct pf_pod *pod, struct pf_owner *ret_owner)
{
	size_t len;

	if (pod->static_pod) {
		len = len_without(pod->name, pod->node);
		set_owner(ret_owner, PF_WORKLOAD_STATIC_POD, pod->name,
			  len ? len : strlen(pod->name));
		return false;
	}
	if (!*pod->owner_kind) {
		set_owner(ret_owner, PF_WORKLOAD_POD, pod->name, strlen(pod->name));
		return false;
	}
	if (!strcmp(pod->owner_kind, "ReplicaSet")) {
		len = len_without(pod->owner_name, pod->template_hash);
		set_owner(ret_owner, len ? PF_WORKLOAD_DEPLOYMENT : PF_WORKLOAD_REPLICA_SET,
			  pod->owner_name, len ? len : strlen(pod->owner_name));
		return !len;
	}
	if (!strcmp(pod->owner_kind, "Job")) {
		len = cron_job_len(pod);
		set_owner(ret_owner, len ? PF_WORKLOAD_CRON_JOB : PF_WORKLOAD_JOB, pod->owner_name,
			  len ? len : strlen(pod->owner_name));
		return !len;
	}
	pf_owner_of_kind(pod->owner_kind, pod->owner_name, ret_owner);
	return false;
}
