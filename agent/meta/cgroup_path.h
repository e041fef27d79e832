/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_path.h - what a cgroup is, from its path.
 *
 * Pods, cgroupfs driver (CRI-O's leaves: crio-ID):
 *    [/ROOT]/kubepods[/burstable|/besteffort]/podUID/ID
 * Pods, systemd driver (or crio-ID.scope, docker-ID.scope):
 *    [/ROOT.slice]/[ROOT-]kubepods.slice/[ROOT-]kubepods-burstable.slice/
 *       [ROOT-]kubepods-burstable-podU_I_D.slice/cri-containerd-ID.scope
 * A kubelet using systemd with a containerd that does not:
 *    /system.slice/containerd.service/kubepods-burstable-podU_I_D.slice:cri-containerd:ID
 * Without pods:
 *    /docker/ID; docker-ID.scope, libpod-ID.scope, nerdctl-ID.scope below any slice;
 *    systemd services and scopes; of other cgroups the first below slices.
 *
 * Source: recorded nodes (tests/fixtures/k8s) and the layouts those runtimes document.
 *
 * A pod's sandbox (pause) leaf looks like a container here: only lists tell it, see podmap.h.
 */
#ifndef PF_META_CGROUP_PATH_H
#define PF_META_CGROUP_PATH_H

#include "core/types.h"

enum { PF_PODS_ROOTS_MAX = 8 };

/* Plain value. Zeroed, it is the rules of a host where no pods are known yet. */
struct pf_cgroup_rules {
	bool units_with_pods; /* on a node with pods, units and other cgroups are workloads too */
	bool has_pods; /* kubepods is there, found by pf_cgroup_rules_detect() or met since */
	uint32_t nr_pods_roots;
	/* Paths of cgroups that hold pods; what leads to them is descended into, even if it is a
	 * container, as in kind. */
	char pods_roots[PF_PODS_ROOTS_MAX][PF_CGROUP_PATH_MAX];
};

/**
 * pf_cgroup_rules_detect() - looks for kubepods in the cgroup tree, at most six levels and 4096
 * cgroups deep.
 * @cgroup_root: a cgroup mount, or the folder of cgroup v1's mounts.
 * Call it again when something may have changed (kubelet started); units_with_pods is kept.
 * Return: how many more roots are known than before; -errno if @cgroup_root cannot be read.
 */
PF_MUST_CHECK int pf_cgroup_rules_detect(struct pf_cgroup_rules *rules, const char *cgroup_root);

/** pf_cgroup_classify() - a pf_classify_fn; @rules: struct pf_cgroup_rules. */
void pf_cgroup_classify(void *rules, const char *path, struct pf_cgroup_class *ret_class);

#endif
