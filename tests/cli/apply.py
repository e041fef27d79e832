#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `podfit report -o patch|kustomize|vpa` prints, really applied with kubectl (no server): are exactly the advised
fields changed, and nothing else? The advice comes from apply_sample.c. Skips, naming it, without kubectl; one before 1.21
(Debian 12 has 1.20) knows neither batch/v1 CronJobs nor patches inside a kustomization."""

import copy
import json
import os
import shutil
import subprocess
import sys
import tempfile

BUILD = os.path.join(os.getcwd(), os.environ.get("B", "build/release"))
PATH = BUILD + os.pathsep + os.environ["PATH"]
PODFIT = ["podfit", "report", "--from=apply.pb", "-o"]
OLD = {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"cpu": "500m", "memory": "128Mi"}}

# What apply_sample.c advises. A request above a limit that stays takes the limit with it.
FULL = {"requests": {"cpu": "250m", "memory": "300Mi"}, "limits": {"cpu": "700m", "memory": "350Mi"}}
NO_CPU_LIMIT = {"requests": {"cpu": "2", "memory": "1Gi"}, "limits": {"memory": "1Gi"}}
CPU_ONLY = {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"cpu": "500m", "memory": "128Mi"}}

WORKLOADS = {  # kind, name: container -> (list, advised; None: no advice)
    ("Deployment", "web"): {"app": ("containers", FULL), "side": ("containers", NO_CPU_LIMIT),
                            "setup": ("initContainers", CPU_ONLY), "proxy": ("initContainers", FULL),
                            "other": ("containers", None)},
    ("StatefulSet", "db"): {"other": ("containers", None), "app": ("containers", NO_CPU_LIMIT)},
    ("DaemonSet", "logs"): {"setup": ("initContainers", FULL), "app": ("containers", CPU_ONLY)},
    ("CronJob", "backup"): {"app": ("containers", FULL), "other": ("containers", None)},
}


def manifest(kind, name, containers):
    """A workload as someone would have written it, with fields a patch could lose."""
    pod = {"restartPolicy": "OnFailure" if kind == "CronJob" else "Always"}
    for container, (where, _) in containers.items():
        one = {"name": container, "image": "example.invalid/" + container + ":1", "resources": copy.deepcopy(OLD),
               "env": [{"name": "A", "value": "1"}]}
        if container == "proxy":
            one["restartPolicy"] = "Always"
        pod.setdefault(where, []).append(one)
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": pod}
    spec = {"selector": {"matchLabels": labels}, "template": template}
    if kind == "StatefulSet":
        spec["serviceName"] = name
    if kind == "CronJob":
        spec = {"schedule": "5 4 * * *", "jobTemplate": {"spec": {"template": template}}}
    return {"apiVersion": "batch/v1" if kind == "CronJob" else "apps/v1", "kind": kind,
            "metadata": {"name": name, "namespace": "shop", "annotations": {"keep": "me"}}, "spec": spec}


def pod_spec(workload):
    spec = workload["spec"]
    spec = spec["jobTemplate"]["spec"] if "jobTemplate" in spec else spec
    return spec["template"]["spec"]


def advised(workload, containers):
    """The workload with the advice written in by hand."""
    want = copy.deepcopy(workload)
    for name, (where, resources) in containers.items():
        for one in pod_spec(want)[where]:
            if one["name"] == name and resources:
                one["resources"] = resources
    return want


def run(command, stdin=None):
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=120, check=False,
                          env={**os.environ, "PATH": PATH, "KUBECONFIG": "/dev/null"})
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)[:200]}: {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def normal(obj):
    """As kubectl prints it when nothing is changed: it fills in empty fields of its own."""
    return json.loads(run(["kubectl", "patch", "--local", "-f", "-", "--type", "merge", "-p", "{}", "-o", "json"],
                          json.dumps(obj)))


def in_order(workload):
    """Kustomize brings the containers it changes to the front."""
    pod_spec(workload)["containers"].sort(key=lambda one: one["name"])
    return workload


def check_patch(originals):
    """The printed commands run as they are; kubectl's own arguments only gain a file in place of a server."""
    commands = run(PODFIT + ["patch"])
    shell = """kubectl() {
        [ "$1" = patch ] || exit 9; file=$2-$3.json; shift 3
        [ -e "$file" ] || return 0
        command kubectl patch --local -f "$file" "$@" -o json >new.json
        mv new.json "$file"
    }
    set -e
    """
    for (kind, name), workload in originals.items():
        with open(f"{kind.lower()}-{name}.json", "w", encoding="utf-8") as file:
            json.dump(workload, file)
    run(["sh", "-c", shell + commands])
    for (kind, name), workload in originals.items():
        with open(f"{kind.lower()}-{name}.json", encoding="utf-8") as file:
            yield f"patch {kind}", json.load(file), normal(advised(workload, WORKLOADS[kind, name]))
    yield "patch: a bare pod is named, not patched", "# Pod shop/alone: has no pod template to change" in commands, True


def check_kustomize(originals):
    """The printed kustomization, with the resources it is about. Init containers are left as they are."""
    os.mkdir("kustomize")
    with open("kustomize/all.json", "w", encoding="utf-8") as file:
        json.dump({"apiVersion": "v1", "kind": "List", "items": list(originals.values())}, file)
    with open("kustomize/kustomization.yaml", "w", encoding="utf-8") as file:
        file.write(run(PODFIT + ["kustomize"]) + "resources:\n  - all.json\n")
    documents = run(["kubectl", "kustomize", "kustomize"]).split("\n---\n")
    yield "kustomize: all that went in", len(documents), len(originals)
    for document in documents:
        got = json.loads(run(["kubectl", "patch", "--local", "-f", "-", "--type", "merge", "-p", "{}", "-o", "json"],
                             document))
        key = got["kind"], got["metadata"]["name"]
        main_only = {name: one for name, one in WORKLOADS[key].items() if one[0] == "containers"}
        yield f"kustomize {key[0]}", in_order(got), in_order(normal(advised(originals[key], main_only)))


def check_vpa(_):
    """VPA objects: kubectl reads them; the fields are those of autoscaling.k8s.io/v1."""
    documents = [d for d in run(PODFIT + ["vpa"]).split("---\n") if "kind:" in d]
    yield "vpa: one a workload", len(documents), len(WORKLOADS)
    for document in documents:
        vpa = json.loads(run(["kubectl", "patch", "--local", "-f", "-", "--type", "merge", "-p", "{}", "-o", "json"],
                             document))
        ref = vpa["spec"]["targetRef"]
        kind = ref["kind"]
        yield f"vpa {kind}: fields", (vpa["apiVersion"], sorted(vpa), sorted(ref), vpa["spec"]["updatePolicy"]), (
            "autoscaling.k8s.io/v1", ["apiVersion", "kind", "metadata", "spec", "status"],
            ["apiVersion", "kind", "name"], {"updateMode": "Off"})
        got = {c["containerName"]: c["target"]
               for c in vpa["status"]["recommendation"]["containerRecommendations"]}
        want = {name: copy.deepcopy(resources["requests"])
                for name, (_, resources) in WORKLOADS[kind, ref["name"]].items() if resources}
        for name, (_, resources) in WORKLOADS[kind, ref["name"]].items():
            if resources is CPU_ONLY:
                del want[name]["memory"]
        yield f"vpa {kind}: targets", got, want


def minor_version():
    """Of kubectl 1.x."""
    version = json.loads(run(["kubectl", "version", "--client", "-o", "json"]))["clientVersion"]
    return int(version["minor"].rstrip("+"))


def main():
    """All three forms; the closing line of tests/run.sh."""
    if not shutil.which("kubectl"):
        print("apply: skipped: no kubectl here (Debian: kubernetes-client)\n0 passed, 0 failed, 1 skipped")
        return 0
    passed = failed = 0
    with tempfile.TemporaryDirectory() as work:
        os.chdir(work)
        with open("apply.pb", "wb") as file:
            subprocess.run([BUILD + "/cli-apply-sample"], stdout=file, check=True)
        is_old = minor_version() < 21
        originals = {key: manifest(*key, containers) for key, containers in WORKLOADS.items()}
        checks = [check_patch, check_vpa] if is_old else [check_patch, check_kustomize, check_vpa]
        if is_old:
            del originals["CronJob", "backup"]
            print("apply: skipped: patch CronJob, kustomize: kubectl is older than 1.21")
        for check in checks:
            try:
                for name, got, want in check(originals):
                    passed += got == want
                    failed += got != want
                    if got != want:
                        print(f"FAIL {name}:\n got {json.dumps(got)}\nwant {json.dumps(want)}")
            except (RuntimeError, ValueError) as error:
                failed += 1
                print(f"FAIL {check.__name__}: {error}")
        os.chdir("/")
    print(f"{passed} passed, {failed} failed, {2 * is_old} skipped")
    return failed != 0 or not passed


sys.exit(main())
