// SPDX-License-Identifier: Apache-2.0
/*
 * Layouts: the first rows of each driver are paths of a recorded one-node Kubernetes 1.36.2
 * (containerd 2.1.9); the others are what CRI-O, Docker, Podman, kind, k3s and systemd make,
 * written by hand.
 */
#include "meta/cgroup_path.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "sys/file.h"
#include "unit/check.h"

#define ID   "a2022985e5ba7b467ff32dfbf8e63b7b93e4066379657c08d9319f9297c738d7"
#define UID  "10b0fe83-0721-491f-9f29-6b236933b055"
#define UID_ "10b0fe83_0721_491f_9f29_6b236933b055"
#define HASH "8fb84d49e3fd9b2ed48e65824b03fd6b"

static const struct path_case {
	const char *path;
	enum pf_cgroup_kind kind;
	enum pf_qos qos;
	const char *uid, *id, *name, *runtime;
} path_cases[] = {
	{ "/", PF_CGROUP_DESCEND },
	{ "", PF_CGROUP_DESCEND },
	/* cgroupfs driver, recorded */
	{ "/k8snode/kubepods", PF_CGROUP_DESCEND },
	{ "/k8snode/kubepods/besteffort", PF_CGROUP_DESCEND, PF_QOS_BEST_EFFORT },
	{ "/k8snode/kubepods/burstable/pod" UID, PF_CGROUP_DESCEND, PF_QOS_BURSTABLE, UID },
	{ "/k8snode/kubepods/burstable/pod" UID "/" ID, PF_CGROUP_CONTAINER, PF_QOS_BURSTABLE, UID,
	  ID },
	{ "/k8snode/kubepods/burstable/pod" HASH "/" ID, PF_CGROUP_CONTAINER, PF_QOS_BURSTABLE,
	  HASH, ID },
	{ "/kubepods/besteffort/pod" HASH "/" ID, PF_CGROUP_CONTAINER, PF_QOS_BEST_EFFORT, HASH,
	  ID },
	{ "/kubepods/pod" UID "/" ID, PF_CGROUP_CONTAINER, PF_QOS_GUARANTEED, UID, ID },
	/* systemd driver, recorded */
	{ "/kubepods.slice", PF_CGROUP_DESCEND },
	{ "/kubepods.slice/kubepods-burstable.slice", PF_CGROUP_DESCEND, PF_QOS_BURSTABLE },
	{ "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_ ".slice",
	  PF_CGROUP_DESCEND, PF_QOS_BURSTABLE, UID },
	{ "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_
	  ".slice/cri-containerd-" ID ".scope",
	  PF_CGROUP_CONTAINER, PF_QOS_BURSTABLE, UID, ID, "", "containerd" },
	{ "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" HASH
	  ".slice/cri-containerd-" ID ".scope",
	  PF_CGROUP_CONTAINER, PF_QOS_BURSTABLE, HASH, ID, "", "containerd" },
	{ "/kubepods.slice/kubepods-pod" UID_ ".slice/cri-containerd-" ID ".scope",
	  PF_CGROUP_CONTAINER, PF_QOS_GUARANTEED, UID, ID, "", "containerd" },
	/* nested cgroups count for the container */
	{ "/kubepods/pod" UID "/" ID "/app", PF_CGROUP_SKIP, PF_QOS_GUARANTEED, UID },
	{ "/kubepods.slice/kubepods-pod" UID_ ".slice/crio-" ID ".scope/container", PF_CGROUP_SKIP,
	  PF_QOS_GUARANTEED, UID },
	{ "/kubepods/pod" UID "/" ID "/kubelet/kubepods/burstable/pod" HASH "/" ID, PF_CGROUP_SKIP,
	  PF_QOS_GUARANTEED, UID },
	/* CRI-O, Docker under a kubelet, and ids that are no digest */
	{ "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" UID_ ".slice/crio-" ID
	  ".scope",
	  PF_CGROUP_CONTAINER, PF_QOS_BEST_EFFORT, UID, ID, "", "cri-o" },
	{ "/kubepods.slice/kubepods-pod" UID_ ".slice/crio-conmon-" ID ".scope", PF_CGROUP_SKIP,
	  PF_QOS_GUARANTEED, UID },
	{ "/kubepods/burstable/pod" UID "/crio-" ID, PF_CGROUP_CONTAINER, PF_QOS_BURSTABLE, UID, ID,
	  "", "cri-o" },
	{ "/kubepods/burstable/pod" UID "/crio-conmon-" ID, PF_CGROUP_SKIP, PF_QOS_BURSTABLE, UID },
	{ "/kubepods.slice/kubepods-pod" UID_ ".slice/docker-" ID ".scope", PF_CGROUP_CONTAINER,
	  PF_QOS_GUARANTEED, UID, ID, "", "docker" },
	{ "/kubepods/pod" UID "/shop-web_1", PF_CGROUP_CONTAINER, PF_QOS_GUARANTEED, UID,
	  "shop-web_1" },
	/* another cgroup root (kind, minikube) and a containerd that does not use systemd */
	{ "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/"
	  "kubelet-kubepods-burstable-pod" UID_ ".slice/cri-containerd-" ID ".scope",
	  PF_CGROUP_CONTAINER, PF_QOS_BURSTABLE, UID, ID, "", "containerd" },
	{ "/docker/" ID "/kubelet/kubepods/besteffort/pod" UID "/" ID, PF_CGROUP_CONTAINER,
	  PF_QOS_BEST_EFFORT, UID, ID },
	{ "/system.slice/containerd.service/kubepods-burstable-pod" UID_
	  ".slice:cri-containerd:" ID,
	  PF_CGROUP_CONTAINER, PF_QOS_BURSTABLE, UID, ID, "", "containerd" },
	{ "/system.slice/containerd.service/kubepods-pod" UID_ ".slice:cri-containerd:" ID "/sub",
	  PF_CGROUP_SKIP, PF_QOS_GUARANTEED, UID },
	/* no pods */
	{ "/docker", PF_CGROUP_DESCEND },
	{ "/docker/" ID, PF_CGROUP_CONTAINER, 0, "", ID, "", "docker" },
	{ "/docker/" ID "/init", PF_CGROUP_SKIP },
	{ "/system.slice/docker-" ID ".scope", PF_CGROUP_CONTAINER, 0, "", ID, "", "docker" },
	{ "/machine.slice/libpod-" ID ".scope", PF_CGROUP_CONTAINER, 0, "", ID, "", "podman" },
	{ "/machine.slice/libpod-" ID ".scope/container", PF_CGROUP_SKIP },
	{ "/machine.slice/libpod-conmon-" ID ".scope", PF_CGROUP_SKIP },
	{ "/machine.slice/machine-libpod_pod_" ID ".slice/libpod-" ID ".scope", PF_CGROUP_CONTAINER,
	  0, "", ID, "", "podman" },
	{ "/libpod_parent/libpod-" ID, PF_CGROUP_CONTAINER, 0, "", ID, "", "podman" },
	{ "/user.slice/user-1000.slice/user@1000.service", PF_CGROUP_DESCEND },
	{ "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID ".scope",
	  PF_CGROUP_CONTAINER, 0, "", ID, "", "podman" },
	{ "/user.slice/user-1000.slice/user@1000.service/app.slice/editor.service", PF_CGROUP_UNIT,
	  0, "", "", "editor.service" },
	{ "/system.slice", PF_CGROUP_DESCEND },
	{ "/system.slice/nginx.service", PF_CGROUP_UNIT, 0, "", "", "nginx.service" },
	{ "/system.slice/docker-proxy.scope", PF_CGROUP_UNIT, 0, "", "", "docker-proxy.scope" },
	{ "/system.slice/systemd-udevd.service/udev", PF_CGROUP_SKIP },
	{ "/system.slice/system-getty.slice/getty@tty1.service", PF_CGROUP_UNIT, 0, "", "",
	  "getty@tty1.service" },
	{ "/system.slice/run-lock.mount", PF_CGROUP_SKIP },
	{ "/init.scope", PF_CGROUP_UNIT, 0, "", "", "init.scope" },
	{ "/batch", PF_CGROUP_PLAIN, 0, "", "", "batch" },
	{ "/batch/job-1", PF_CGROUP_SKIP },
	{ "/demo.slice/leaky", PF_CGROUP_PLAIN, 0, "", "", "leaky" },
};

static void check_class(const char *name, const struct pf_cgroup_class *got,
			const struct path_case *want)
{
	PF_CHECK_INT(name, got->kind, want->kind);
	PF_CHECK_INT(name, got->qos, want->qos);
	PF_CHECK_STR(name, got->pod_uid, want->uid ? want->uid : "");
	PF_CHECK_STR(name, got->container_id, want->id ? want->id : "");
	PF_CHECK_STR(name, got->name, want->name ? want->name : "");
	PF_CHECK_STR(name, got->runtime, want->runtime ? want->runtime : "");
}

static void test_classify(void)
{
	for (size_t i = 0; i < PF_ARRAY_SIZE(path_cases); i++) {
		struct pf_cgroup_rules rules = { 0 };
		struct pf_cgroup_class class;

		pf_cgroup_classify(&rules, path_cases[i].path, &class);
		check_class(path_cases[i].path, &class, &path_cases[i]);
	}
}

static void test_units_beside_pods(void)
{
	struct pf_cgroup_rules rules = { 0 };
	struct pf_cgroup_class class;

	pf_cgroup_classify(&rules, "/system.slice/kubelet.service", &class);
	PF_CHECK_INT("before pods", class.kind, PF_CGROUP_UNIT);
	pf_cgroup_classify(&rules, "/kubepods.slice", &class);
	PF_CHECK("pods seen", rules.has_pods);
	pf_cgroup_classify(&rules, "/system.slice/kubelet.service", &class);
	PF_CHECK_INT("with pods", class.kind, PF_CGROUP_SKIP);
	pf_cgroup_classify(&rules, "/batch", &class);
	PF_CHECK_INT("plain with pods", class.kind, PF_CGROUP_SKIP);
	pf_cgroup_classify(&rules, "/docker/" ID, &class);
	PF_CHECK_INT("a container beside pods", class.kind, PF_CGROUP_CONTAINER);
	rules.units_with_pods = true;
	pf_cgroup_classify(&rules, "/system.slice/kubelet.service", &class);
	PF_CHECK_INT("asked for", class.kind, PF_CGROUP_UNIT);
}

static void test_lengths(void)
{
	char path[PF_CGROUP_PATH_MAX] = "/kubepods/pod" UID "/";
	struct pf_cgroup_rules rules = { 0 };
	struct pf_cgroup_class class;

	memset(path + strlen(path), 'x', sizeof(path) - strlen(path) - 1);
	path[sizeof(path) - 1] = '\0';
	pf_cgroup_classify(&rules, path, &class);
	PF_CHECK_INT("long id", class.kind, PF_CGROUP_CONTAINER);
	PF_CHECK_INT("cut", strlen(class.container_id), PF_CONTAINER_ID_MAX - 1);
	pf_cgroup_classify(&rules, "/kubepods/pod" UID "x/" ID, &class);
	PF_CHECK_INT("a uid that is none", class.kind, PF_CGROUP_DESCEND);
	pf_cgroup_classify(&rules, "/kubepods/pod/" ID, &class);
	PF_CHECK_INT("no uid", class.kind, PF_CGROUP_DESCEND);
}

static void make_tree(const char *top, const char *path)
{
	char full[512];

	snprintf(full, sizeof(full), "%s/%s", top, path);
	PF_CHECK_INT(full, pf_file_make_dirs(&pf_sys_real, AT_FDCWD, full, 0755), 0);
}

static void remove_tree(const char *top)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", top);
	PF_CHECK_INT(command, system(command), 0);
}

static void test_detect(void)
{
	char top[] = "/tmp/podfit-test-XXXXXX";
	struct pf_cgroup_rules rules = { 0 };
	struct pf_cgroup_class class;

	PF_CHECK("mkdtemp", mkdtemp(top) != NULL);
	make_tree(top, "system.slice/nginx.service");
	PF_CHECK_INT("no pods", pf_cgroup_rules_detect(&rules, top), 0);
	PF_CHECK("no pods", !rules.has_pods);
	make_tree(top, "docker/" ID "/kubelet/kubepods/burstable/pod" UID "/" ID);
	make_tree(top,
		  "system.slice/containerd.service/kubepods-pod" UID_ ".slice:cri-containerd:" ID);
	PF_CHECK_INT("two roots", pf_cgroup_rules_detect(&rules, top), 2);
	PF_CHECK_INT("again", pf_cgroup_rules_detect(&rules, top), 0);
	pf_cgroup_classify(&rules, "/docker/" ID, &class);
	PF_CHECK_INT("kind's node", class.kind, PF_CGROUP_DESCEND);
	pf_cgroup_classify(&rules, "/docker/" ID "/kubelet", &class);
	PF_CHECK_INT("below kind's node", class.kind, PF_CGROUP_DESCEND);
	pf_cgroup_classify(&rules, "/system.slice/containerd.service", &class);
	PF_CHECK_INT("containerd", class.kind, PF_CGROUP_DESCEND);
	pf_cgroup_classify(&rules, "/docker/" ID "2", &class);
	PF_CHECK_INT("a name that only begins so", class.kind, PF_CGROUP_SKIP);
	remove_tree(top);
	PF_CHECK_INT("gone", pf_cgroup_rules_detect(&rules, top), -ENOENT);
}

static void test_detect_v1(void)
{
	char top[] = "/tmp/podfit-test-XXXXXX";
	struct pf_cgroup_rules rules = { 0 };

	PF_CHECK("mkdtemp", mkdtemp(top) != NULL);
	make_tree(top, "memory/k8snode/kubepods/burstable");
	make_tree(top, "cpu/k8snode/kubepods/burstable");
	PF_CHECK_INT("one root", pf_cgroup_rules_detect(&rules, top), 1);
	PF_CHECK_STR("below the mount", rules.pods_roots[0], "/k8snode/kubepods");
	remove_tree(top);
}

PF_TEST_SUITE(cgroup_path, { "classify", test_classify },
	      { "units beside pods", test_units_beside_pods }, { "lengths", test_lengths },
	      { "detect", test_detect }, { "detect v1", test_detect_v1 });
