// SPDX-License-Identifier: Apache-2.0
/* Cgroup paths: any user with a delegated cgroup chooses names. */
#include "meta/cgroup_path.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pf_cgroup_rules rules = { 0 };
	PF_AUTO(pf_freep) char *path = malloc(size + 1);
	struct pf_cgroup_class class, again;

	if (!path)
		abort();
	memcpy(path, data, size);
	path[size] = '\0';
	pf_cgroup_classify(&rules, path, &class);
	assert(class.kind <= PF_CGROUP_PLAIN && class.qos <= PF_QOS_BEST_EFFORT);
	assert(memchr(class.pod_uid, 0, sizeof(class.pod_uid)));
	assert(memchr(class.container_id, 0, sizeof(class.container_id)));
	assert(memchr(class.name, 0, sizeof(class.name)));
	assert((class.kind == PF_CGROUP_CONTAINER) == (*class.container_id != '\0'));
	assert((class.kind == PF_CGROUP_UNIT || class.kind == PF_CGROUP_PLAIN) ==
	       (*class.name != '\0'));
	/* With the same rules the same answer; the first call may have found that there are pods. */
	pf_cgroup_classify(&rules, path, &class);
	pf_cgroup_classify(&rules, path, &again);
	assert(class.kind == again.kind && class.qos == again.qos &&
	       !strcmp(class.pod_uid, again.pod_uid) &&
	       !strcmp(class.container_id, again.container_id) && !strcmp(class.name, again.name));
	return 0;
}
