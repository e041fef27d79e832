#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The metadata sources against servers that behave, and servers that do not.

Each scenario has a stub and a probe of its own, and all run side by side; nothing is judged by
how long it took, only by whether it came to be within a generous time.
Usage: meta_test.py META_PROBE [SCENARIO...]
"""
import copy
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import traceback

import stub as stubs

WAIT_SECONDS = 60
HERE = os.path.dirname(os.path.abspath(__file__))
FIXTURES = os.path.join(HERE, "..", "fixtures", "k8s")
TOKEN = "secret-token-of-the-test"

scenarios = []


def scenario(function):
    scenarios.append(function)
    return function


class Failure(Exception):
    pass


def check(what, good, got=None):
    if not good:
        raise Failure("%s; got %r" % (what, got))


class Probe:
    """meta_probe as a child."""

    def __init__(self, program, folder, **options):
        self.log = open(os.path.join(folder, "log-%d" % id(self)), "w+", encoding="utf-8")
        words = ["%s=%s" % (k, v) for k, v in options.items()]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("KUBERNETES_")}
        self.child = subprocess.Popen([program] + words, stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, stderr=self.log, text=True,
                                      env=environment)

    def ask(self, *words):
        self.child.stdin.write(" ".join(str(w) for w in words) + "\n")
        self.child.stdin.flush()
        line = self.child.stdout.readline()
        if not line:
            raise Failure("the probe ended: " + self.logged()[-2000:])
        return line.rstrip("\n")

    def fields(self, *words):
        text = self.ask(*words)
        text, _, state = text.partition(" state=")
        fields = dict(w.partition("=")[::2] for w in text.split(" "))
        fields["state"] = state
        return fields

    def until(self, what, good, *words):
        end = time.monotonic() + WAIT_SECONDS
        while True:
            fields = self.fields(*words)
            if good(fields):
                return fields
            if time.monotonic() > end:
                raise Failure("%s never came; last: %s; log: %s" % (what, fields,
                                                                   self.logged()[-1500:]))
            time.sleep(0.05)

    def synced(self):
        return self.until("the first list", lambda s: s["health"] == "SYNCED", "status")

    def logged(self):
        self.log.flush()
        with open(self.log.name, encoding="utf-8") as f:
            return f.read()

    def end(self):
        if self.child.poll() is None:
            try:
                self.ask("quit")
            except (Failure, OSError):
                pass
        try:
            code = self.child.wait(20)
        except subprocess.TimeoutExpired:
            self.child.kill()
            raise Failure("the probe did not end") from None
        check("the probe ends well: " + self.logged()[-2000:], code == 0, code)


class Bench:
    """A folder, certificates, a stub and the pods of a recorded node with other ids."""

    number = 0

    def __init__(self, program, certs):
        self.program = program
        self.certs = certs
        self.folder = tempfile.mkdtemp(prefix="podfit-meta-")
        self.probes = []
        self.stubs = []
        Bench.number += 1
        self.salt = "%04x" % Bench.number
        self.token_file = os.path.join(self.folder, "token")
        self.write_token(TOKEN)

    def write_token(self, token):
        with open(self.token_file + ".new", "w", encoding="ascii") as f:
            f.write(token + "\n")
        os.rename(self.token_file + ".new", self.token_file)

    def stub(self, **kw):
        stub = stubs.Stub(self.certs, **kw)
        self.stubs.append(stub)
        return stub

    def probe(self, **options):
        probe = Probe(self.program, self.folder, **options)
        self.probes.append(probe)
        return probe

    def api_probe(self, stub, **more):
        options = {"source": "apiserver", "node": "node-a", "api": stub.url,
                   "api_ca": os.path.join(self.certs, "ca.pem"), "api_token": self.token_file,
                   "owners": 0}
        options.update(more)
        return self.probe(**options)

    def kubelet_probe(self, stub, **more):
        options = {"source": "kubelet", "kubelet": stub.url, "interval_ms": 200,
                   "kubelet_ca": os.path.join(self.certs, "ca.pem"),
                   "kubelet_token": self.token_file}
        options.update(more)
        return self.probe(**options)

    def recorded(self, name="v1-cgroupfs/api-pods.json"):
        """The pods of a recorded node; uids and container ids are exchanged for fresh ones."""
        with open(os.path.join(FIXTURES, name), encoding="utf-8") as f:
            text = f.read()
        for old in set(re.findall(r"[0-9a-f]{64}", text)):
            text = text.replace(old, self.salt + old[4:])
        return json.loads(text)["items"]

    def end(self):
        failure = None
        for probe in self.probes:
            try:
                probe.end()
                check("no token in the log", TOKEN not in probe.logged())
            except Failure as f:
                failure = failure or f
        for stub in self.stubs:
            stub.stop()
        subprocess.run(["rm", "-rf", self.folder], check=False)
        if failure:
            raise failure


def make_pod(uid, name="web-1", containers=(("app", "c1"),), **more):
    pod = {"metadata": {"name": name, "namespace": "shop", "uid": uid, "labels": {"app": "web"}},
           "spec": {"nodeName": "node-a",
                    "containers": [{"name": n, "image": "i", "resources": {
                        "limits": {"cpu": "200m", "memory": "64Mi"}}} for n, _ in containers]},
           "status": {"phase": "Running", "qosClass": "Burstable",
                      "containerStatuses": [{"name": n, "restartCount": 0,
                                             "containerID": "containerd://" + i,
                                             "state": {"running": {
                                                 "startedAt": "2026-11-21T23:41:19Z"}}}
                                            for n, i in containers]}}
    pod["metadata"].update(more)
    return pod


def ids_of(pod):
    status = pod["status"]
    for key in ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"):
        for c in status.get(key, []):
            if "containerID" in c:
                yield c["name"], c["containerID"].partition("://")[2]


def is_named(fields):
    return fields["answer"] == "NAMED"


# ---- API server ----


@scenario
def recorded_pods_through_the_api(bench):
    stub, pods = bench.stub(), bench.recorded()
    for pod in pods:
        stub.cluster.put(pod)
    probe = bench.api_probe(stub)
    probe.synced()
    wanted = []
    for pod in pods:
        uid = pod["metadata"].get("annotations", {}).get("kubernetes.io/config.mirror",
                                                         pod["metadata"]["uid"])
        for name, container_id in ids_of(pod):
            wanted.append((pod["metadata"]["name"], name))
            probe.ask("appear", len(wanted), uid, container_id, 40)
    check("the recorded node has containers", len(wanted) > 12, len(wanted))
    for number, (pod, container) in enumerate(wanted, 1):
        fields = probe.fields("lookup", number)
        check("named", is_named(fields), fields)
        check("pod and container", (fields["pod"], fields["container"]) == (pod, container), fields)
    first = stub.requests[0]
    check("only this node's", first.query["fieldSelector"] == "spec.nodeName=node-a", first.query)
    check("from the server's cache", first.query["resourceVersion"] == "0", first.query)
    check("the token is sent", first.headers["authorization"] == "Bearer " + TOKEN)


@scenario
def life_through_the_watch(bench):
    stub = bench.stub()
    stub.cluster.put(make_pod("U1"))
    probe = bench.api_probe(stub)
    probe.synced()
    probe.ask("appear", 1, "U1", "c1", 40)
    fields = probe.fields("lookup", 1)
    check("listed", is_named(fields) and fields["spec.memory_limit"] == str(64 << 20), fields)
    probe.ask("appear", 2, "U2", "d1", 40)
    check("not yet listed", probe.fields("lookup", 2)["answer"] == "PENDING")
    stub.cluster.put(make_pod("U2", "web-2", (("app", "d1"),)))
    check("named later", probe.until("ADDED", is_named, "lookup", 2)["pod"] == "web-2")

    pod = make_pod("U1")  # resized in place: the spec first, what is in force later
    pod["spec"]["containers"][0]["resources"]["limits"]["memory"] = "128Mi"
    pod["status"]["containerStatuses"][0]["resources"] = {"limits": {"memory": "64Mi"}}
    stub.cluster.put(pod)
    fields = probe.until("resize", lambda f: f["spec.memory_limit"] == str(128 << 20), "lookup", 1)
    check("in force is the old one", fields["actual.memory_limit"] == str(64 << 20), fields)

    pod = make_pod("U1", containers=(("app", "c2"),))  # restarted
    status = pod["status"]["containerStatuses"][0]
    status["restartCount"] = 1
    status["lastState"] = {"terminated": {"containerID": "containerd://c1", "exitCode": 137}}
    stub.cluster.put(pod)
    probe.ask("appear", 3, "U1", "c2", 40)
    fields = probe.until("restart", is_named, "lookup", 3)
    check("a new instance of the same", (fields["container"], fields["restarts"]) == ("app", "1"),
          fields)
    fields = probe.fields("lookup", 1)
    check("the one before", is_named(fields) and fields["restarts"] == "0", fields)

    stub.cluster.delete("U1")
    stub.cluster.put(make_pod("U3", "web-3", (("app", "e1"),)))
    probe.ask("appear", 4, "U3", "e1", 40)
    probe.until("the event after the deletion", is_named, "lookup", 4)
    check("still named until its last report", is_named(probe.fields("lookup", 3)))
    check("one list was enough", probe.fields("status")["lists"] == "1")


@scenario
def pages(bench):
    stub = bench.stub()
    for n in range(600):
        stub.cluster.put(make_pod("P%d" % n, "p-%d" % n, (("app", "x%d" % n),)))
    probe = bench.api_probe(stub)
    status = probe.synced()
    check("all pods", status["pods"] == "600", status)
    lists = [r for r in stub.requests if not r.watch]
    check("three pages", len(lists) == 3, len(lists))
    check("a continued list names no version",
          all("resourceVersion" not in r.query for r in lists[1:]))
    watch = probe.until("the watch", lambda s: s["watches"] != "0", "status")
    check("watches from the list on", watch["watches"] == "1", watch)


@scenario
def page_token_expires(bench):
    stub = bench.stub()
    for n in range(300):
        stub.cluster.put(make_pod("P%d" % n, "p-%d" % n, (("app", "x%d" % n),)))
    state = {"done": False}

    def hook(request, answer):
        if "continue" not in request.query or state["done"]:
            return False
        state["done"] = True
        answer.error(410, "Expired", "The provided continue parameter is too old")
        return True

    stub.hook = hook
    probe = bench.api_probe(stub)
    status = probe.synced()
    check("from the beginning", status["pods"] == "300" and status["expired"] == "1", status)


@scenario
def version_expires(bench):
    stub = bench.stub()
    stub.cluster.put(make_pod("U1"))
    probe = bench.api_probe(stub)
    probe.synced()
    probe.until("a bookmark", lambda s: s["events"] != "0", "status")
    stub.cluster.forget_silently("U1")
    stub.cluster.put(make_pod("U2", "web-2", (("app", "d1"),)))
    stub.cluster.expire()  # the watch ends with an ERROR of 410
    status = probe.until("a second list", lambda s: s["lists"] == "2", "status")
    check("410 was understood", int(status["expired"]) >= 1, status)
    check("the newest was asked for",
          [r for r in stub.requests if not r.watch][-1].query.get("resourceVersion") is None)
    probe.ask("appear", 1, "U2", "d1", 40)
    probe.until("the new pod", is_named, "lookup", 1)


@scenario
def watch_from_an_old_version(bench):
    stub = bench.stub()
    stub.cluster.put(make_pod("U1"))
    state = {"left": 1}

    def hook(request, answer):
        if not request.watch or not state["left"]:
            return False
        state["left"] -= 1
        answer.error(410, "Expired", "too old resource version")
        return True

    stub.hook = hook
    probe = bench.api_probe(stub)
    probe.until("a second list", lambda s: s["lists"] == "2", "status")
    probe.until("a watch that lives", lambda s: s["events"] != "0", "status")


@scenario
def token_rotates(bench):
    stub = bench.stub()
    stub.tokens = {TOKEN}
    stub.cluster.put(make_pod("U1"))
    bench.write_token("stale")
    probe = bench.api_probe(stub)
    probe.until("401", lambda s: s["health"] == "DENIED", "status")
    bench.write_token(TOKEN)
    status = probe.synced()
    check("401 was counted", int(status["denied"]) >= 1, status)


@scenario
def refused(bench):
    stub = bench.stub()
    stub.cluster.put(make_pod("U1"))
    message = 'pods is forbidden: User "system:serviceaccount:podfit:agent" cannot list resource'

    def hook(_, answer):
        answer.error(403, "Forbidden", message)
        return True

    stub.hook = hook
    probe = bench.api_probe(stub)
    status = probe.until("403", lambda s: s["health"] == "DENIED", "status")
    check("not ready", status["ready"] == "0", status)
    check("the server's words", "cannot list resource" in status["state"], status)
    doctor = probe.ask("doctor")
    check("list is named", "FAILED|apiserver: list pods|refused (403): grant the verb list on pods"
          in doctor, doctor)
    check("watch is named", "grant the verb watch on pods" in doctor, doctor)
    stub.hook = None
    probe.synced()
    doctor = probe.ask("doctor")
    check("and then allowed", "OK|apiserver: list pods|allowed" in doctor and
          "OK|apiserver: watch pods|allowed" in doctor, doctor)


@scenario
def doctor_of_a_wrong_node(bench):
    stub = bench.stub()
    probe = bench.api_probe(stub, node="node-x", owners=1)
    doctor = probe.ask("doctor")
    check("no pods there", "WARNING|apiserver: list pods|allowed, but node node-x has no pods"
          in doctor, doctor)
    check("404 means allowed", "OK|apiserver: get replicasets|allowed" in doctor, doctor)


@scenario
def too_many_requests(bench):
    stub = bench.stub()
    stub.cluster.put(make_pod("U1"))
    state = {"left": 2}

    def hook(_, answer):
        if not state["left"]:
            return False
        state["left"] -= 1
        answer.error(429, "TooManyRequests", "please try again", (("Retry-After", "3"),))
        return True

    stub.hook = hook
    probe = bench.api_probe(stub)
    probe.synced()
    times = [r.at for r in stub.requests if not r.watch]
    check("as long as the server asked", times[1] - times[0] >= 2.9 and times[2] - times[1] >= 2.9,
          times)


@scenario
def server_errors(bench):
    stub = bench.stub()
    stub.cluster.put(make_pod("U1"))
    bad = [lambda a: a.error(500, "InternalError", "etcdserver: request timed out"),
           lambda a: a.whole(502, "<html>bad gateway</html>", kind="text/html"),
           lambda a: a.whole(200, b""),
           lambda a: a.whole(200, b"\x00\xff\x17garbage" * 1000),
           lambda a: a.whole(200, "<html>a login page</html>", kind="text/html"),
           lambda a: a.whole(200, b"[" * 100000),
           lambda a: a.whole(200, b'{"items":[{"metadata":{"uid":"half'),
           lambda a: a.raw(b"not even HTTP\r\n\r\n"),
           lambda a: a.raw(b""),
           lambda a: a.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"items\":[")]
    state = {"next": 0}

    def hook(request, answer):
        if request.watch or state["next"] == len(bad) * 2:
            return False
        state["next"] += 1
        bad[(state["next"] - 1) % len(bad)](answer)
        return True

    stub.hook = hook
    # Its own back-off would take minutes: a fresh probe each two failures.
    while state["next"] < len(bad):
        probe = bench.api_probe(stub)
        before = state["next"]
        probe.until("two failures", lambda s: int(s["errors"]) >= 2, "status")
        check("not ready", probe.fields("status")["ready"] == "0")
        check("asked again", state["next"] >= before + 2)
        probe.end()
    state["next"] = len(bad) * 2
    bench.api_probe(stub).synced()


@scenario
def bad_watch_keeps_what_is_known(bench):
    stub = bench.stub()
    stub.cluster.put(make_pod("U1"))
    half = json.dumps({"type": "ADDED", "object": make_pod("U9")})[:150].encode()
    bad = [lambda a: (a.begin(), a.piece(b"{]")),
           lambda a: (a.begin(), a.piece(half)),  # cut in the middle of an event
           lambda a: a.error(500, "InternalError", "no watch today"),
           lambda a: (a.begin(), a.end())]  # ends at once
    state = {"next": 0}

    def hook(request, answer):
        if not request.watch or state["next"] == len(bad):
            return False
        bad[state["next"]](answer)
        state["next"] += 1
        return True

    stub.hook = hook
    probe = bench.api_probe(stub)
    probe.ask("appear", 1, "U1", "c1", 40)
    probe.until("named", is_named, "lookup", 1)
    end = time.monotonic() + WAIT_SECONDS
    while state["next"] < len(bad):
        check("named all the time", is_named(probe.fields("lookup", 1)))
        check("the bad watches come to an end", time.monotonic() < end, state)
        time.sleep(0.05)
    stub.cluster.put(make_pod("U2", "web-2", (("app", "d1"),)))
    probe.ask("appear", 2, "U2", "d1", 40)
    probe.until("recovered", is_named, "lookup", 2)
    status = probe.fields("status")
    check("a list after three bad watches", int(status["lists"]) >= 2, status)
    check("half an event is none", status["pods"] == "2", status)


@scenario
def connection_is_cut(bench):
    stub = bench.stub()
    stub.cluster.put(make_pod("U1"))
    probe = bench.api_probe(stub)
    probe.synced()
    stub.hook = lambda request, answer: True  # closes without a word
    probe.ask("appear", 1, "U1", "c1", 40)
    stub.cut()
    status = probe.until("failures", lambda s: int(s["errors"]) >= 2, "status")
    check("still known", is_named(probe.fields("lookup", 1)) and status["pods"] == "1", status)
    stub.hook = None
    stub.cluster.put(make_pod("U2", "web-2", (("app", "d1"),)))
    probe.ask("appear", 2, "U2", "d1", 40)
    probe.until("recovered", is_named, "lookup", 2)


@scenario
def slow_drip(bench):
    stub = bench.stub()
    stub.cluster.put(make_pod("U1"))
    text = json.dumps({"kind": "PodList", "metadata": {"resourceVersion": "100"},
                       "items": [make_pod("U1")]})
    state = {"dripping": False}

    def hook(request, answer):
        if request.watch or state["dripping"]:
            return False
        state["dripping"] = True
        answer.begin()
        for c in text:
            answer.piece(c)
            time.sleep(0.01)
        answer.end()
        return True

    stub.hook = hook
    probe = bench.api_probe(stub)
    for _ in range(20):
        check("answers meanwhile", probe.fields("status")["source"] == "apiserver")
    probe.synced()
    check("a byte at a time is a list too", probe.fields("status")["pods"] == "1")


@scenario
def large_list(bench):
    """60 MB of pods with large specs: memory must not grow with them."""
    stub = bench.stub()
    nr_pods, filler = 240, "x" * 1000
    pod = make_pod("U", "big")
    pod["spec"]["containers"][0]["env"] = [{"name": "V%d" % i, "value": filler} for i in range(230)]
    pod["metadata"]["annotations"] = {"blob": "y" * 20000}
    text = json.dumps(pod)

    def big(answer):
        answer.begin()
        answer.piece('{"kind":"PodList","metadata":{"resourceVersion":"100"},"items":[')
        for n in range(nr_pods):
            answer.piece((", " if n else "") + text.replace('"U"', '"U%d"' % n, 1))
        answer.piece("]}")
        answer.end()

    def hook(request, answer):
        if request.watch or not state["big"]:
            return False
        big(answer)
        return True

    state = {"big": False}
    stub.hook = hook
    for n in range(nr_pods):
        stub.cluster.put(make_pod("U%d" % n, "big"))
    small = bench.api_probe(stub)
    small.synced()
    small_peak = int(small.fields("memory")["peak_kib"])
    state["big"] = True
    probe = bench.api_probe(stub)
    status = probe.synced()
    memory = probe.fields("memory")
    check("the list was large", int(status["bytes"]) > 60e6, status)
    check("all pods", status["pods"] == str(nr_pods), status)
    growth = int(memory["peak_kib"]) - small_peak
    print("meta: a list of %.0f MB: %d KiB above the peak with a small list of the same pods (%d KiB)" %
          (int(status["bytes"]) / 1e6, growth, small_peak))
    if not sanitized(bench.program):
        check("memory stays within 2 MiB of a small list's", growth < 2048, memory)


def sanitized(program):
    return "/san/" in os.path.abspath(program)


@scenario
def list_without_end(bench):
    stub = bench.stub()

    def hook(request, answer):
        if request.watch:
            return False
        answer.whole(200, {"kind": "PodList", "items": [make_pod("U1")],
                           "metadata": {"resourceVersion": "1", "continue": "again"}})
        return True

    stub.hook = hook
    probe = bench.api_probe(stub)
    status = probe.until("giving up", lambda s: "does not end" in s["state"], "status")
    check("bounded", int(status["requests"]) == 64, status)


@scenario
def shrinking_list(bench):
    stub = bench.stub()
    for n in range(8):
        stub.cluster.put(make_pod("P%d" % n, "p-%d" % n, (("app", "x%d" % n),)))
    state = {"empty": 0}

    def hook(request, answer):
        if request.watch or not state["empty"]:
            return False
        state["empty"] -= 1
        answer.whole(200, {"kind": "PodList", "metadata": {"resourceVersion": "1"}, "items": []})
        return True

    stub.hook = hook
    probe = bench.api_probe(stub)
    probe.synced()
    probe.ask("appear", 1, "P1", "x1", 40)
    probe.until("a bookmark", lambda s: s["events"] != "0", "status")
    state["empty"] = 1
    stub.cluster.expire()
    probe.until("the doubt", lambda s: s["doubts"] == "1", "status")
    check("nothing is lost", is_named(probe.fields("lookup", 1)))
    status = probe.until("the second list", lambda s: s["lists"] == "3", "status")
    check("all pods are there", status["pods"] == "8", status)


@scenario
def wrong_authority(bench):
    stub = bench.stub()
    stub.cluster.put(make_pod("U1"))
    probe = bench.api_probe(stub, api_ca=os.path.join(bench.certs, "other-ca.pem"))
    status = probe.until("a failure", lambda s: int(s["errors"]) >= 1, "status")
    check("says why", "certificate" in status["state"], status)
    check("nothing was asked, so no token was sent", not stub.requests, stub.requests)


@scenario
def owners_are_asked_for(bench):
    stub = bench.stub()
    reference = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "shop-5d9", "uid": "RS1",
                 "controller": True}
    stub.objects["/apis/apps/v1/namespaces/shop/replicasets/shop-5d9"] = {
        "kind": "PartialObjectMetadata", "metadata": {
            "name": "shop-5d9", "namespace": "shop", "uid": "RS1", "ownerReferences": [
                {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "shop",
                 "uid": "RO1", "controller": True}]}}
    stub.cluster.put(make_pod("U1", ownerReferences=[reference]))
    told = dict(reference, name="web-666b86c774", uid="RS2")
    stub.cluster.put(make_pod("U2", "web-2", (("app", "d1"),), ownerReferences=[told],
                              labels={"pod-template-hash": "666b86c774"}))
    gone = dict(reference, name="gone-1", uid="RS3")
    stub.cluster.put(make_pod("U3", "web-3", (("app", "e1"),), ownerReferences=[gone]))
    probe = bench.api_probe(stub, owners=1)
    for number, (uid, cid) in enumerate((("U1", "c1"), ("U2", "d1"), ("U3", "e1")), 1):
        probe.ask("appear", number, uid, cid, 40)
    fields = probe.until("the owner", is_named, "lookup", 1)
    check("the API's answer", (fields["kind"], fields["workload"]) == ("Other", "shop"), fields)
    fields = probe.until("the owner", is_named, "lookup", 2)
    check("the name tells", (fields["kind"], fields["workload"]) == ("Deployment", "web"), fields)
    fields = probe.until("the owner", is_named, "lookup", 3)
    check("404: the pod's word", (fields["kind"], fields["workload"]) == ("ReplicaSet", "gone-1"),
          fields)
    paths = [r.path for r in stub.requests if r.path.startswith("/apis")]
    check("nothing was asked for that is known", not any("666b86c774" in p for p in paths), paths)


@scenario
def owners_may_not_be_asked_for(bench):
    stub = bench.stub()
    reference = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "uid": "RS", "controller": True}
    for n in range(3):
        stub.cluster.put(make_pod("U%d" % n, "p-%d" % n, (("app", "c%d" % n),), ownerReferences=[
            dict(reference, name="rs-%d" % n, uid="RS%d" % n)]))

    def hook(request, answer):
        if not request.path.startswith("/apis"):
            return False
        answer.error(403, "Forbidden", "replicasets.apps is forbidden")
        return True

    stub.hook = hook
    probe = bench.api_probe(stub, owners=1)
    probe.ask("appear", 1, "U0", "c0", 40)
    fields = probe.until("named", is_named, "lookup", 1)
    check("the pod's word", fields["workload"] == "rs-0", fields)
    probe.synced()
    asked = [r for r in stub.requests if r.path.startswith("/apis")]
    check("asked once", len(asked) == 1, len(asked))
    check("says what to grant", "grant the verb get on replicasets" in probe.logged())


@scenario
def autoscalers(bench):
    stub = bench.stub()
    path = "/apis/autoscaling/v2/horizontalpodautoscalers"
    stub.objects[path] = {
        "kind": "HorizontalPodAutoscalerList", "apiVersion": "autoscaling/v2", "metadata": {"resourceVersion": "9"},
        "items": [{"metadata": {"name": "web", "namespace": "shop"},
                   "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "rs-1"},
                            "minReplicas": 1, "maxReplicas": 4,
                            "metrics": [{"type": "Resource", "resource": {
                                "name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}}]},
                   "status": {"currentReplicas": 1}}]}
    for n in (1, 2):
        reference = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "rs-%d" % n, "uid": "RS%d" % n,
                     "controller": True}
        stub.cluster.put(make_pod("U%d" % n, "p-%d" % n, (("app", "c%d" % n),), ownerReferences=[reference]))
    probe = bench.api_probe(stub, owners=0, hpa=1)
    for n in (1, 2):
        probe.ask("appear", n, "U%d" % n, "c%d" % n, 40)
    fields = probe.until("the autoscaler", lambda f: is_named(f) and f["hpa"] == "cpu", "lookup", 1)
    check("by its owner", (fields["kind"], fields["workload"]) == ("ReplicaSet", "rs-1"), fields)
    check("another one has none", probe.fields("lookup", 2)["hpa"] == "", probe.fields("lookup", 2))
    check("with the token", all(r.headers.get("authorization", "").startswith("Bearer ") for r in stub.requests))
    text = probe.ask("doctor")
    check("doctor", "ok|apiserver: list horizontalpodautoscalers|allowed" in str(text).lower(), text)

    def hook(request, answer):
        if request.path != path:
            return False
        answer.error(403, "Forbidden", "horizontalpodautoscalers is forbidden")
        return True

    stub.hook = hook
    probe = bench.api_probe(stub, owners=0, hpa=1)
    probe.ask("appear", 1, "U1", "c1", 40)
    fields = probe.until("named all the same", is_named, "lookup", 1)
    check("not known", fields["hpa"] == "unknown", fields)
    check("says what to grant", "grant the verb list on horizontalpodautoscalers" in probe.logged())


# ---- kubelet ----


@scenario
def kubelet_with_a_certificate(bench):
    stub = bench.stub(client_certificates=True)
    stub.tokens = set()  # no token will do
    for pod in bench.recorded("v2-systemd/kubelet-pods.json"):
        stub.cluster.put(pod)
    probe = bench.kubelet_probe(stub, kubelet_cert=os.path.join(bench.certs, "client.pem"),
                                kubelet_key=os.path.join(bench.certs, "client.key"))
    status = probe.synced()
    check("the pods", status["pods"] == "10", status)
    check("the kubelet's path", stub.requests[0].path == "/pods")
    check("with the certificate", stub.requests[0].peer_certificate)


@scenario
def kubelet_is_asked_for_an_unknown_cgroup(bench):
    stub = bench.stub()
    stub.cluster.put(make_pod("U1"))
    probe = bench.kubelet_probe(stub, interval_ms=3600 * 1000)
    probe.synced()
    stub.cluster.put(make_pod("U2", "web-2", (("app", "d1"),)))
    check("not known yet", probe.fields("status")["pods"] == "1")
    probe.ask("appear", 1, "U2", "d1", 40)
    probe.until("named long before the hour", is_named, "lookup", 1)
    time.sleep(2.5)  # a look that was already under way, and the one it was owed
    before = probe.fields("status")["requests"]
    time.sleep(2.5)
    check("and then left alone", probe.fields("status")["requests"] == before)


@scenario
def kubelet_refuses(bench):
    stub = bench.stub()

    def hook(_, answer):
        answer.error(403, "Forbidden", "Forbidden (user=x, verb=get, resource=nodes)")
        return True

    stub.hook = hook
    probe = bench.kubelet_probe(stub)
    probe.until("403", lambda s: s["health"] == "DENIED", "status")
    doctor = probe.ask("doctor")
    check("the verb is named", "grant the verb get on nodes/pods" in doctor, doctor)


@scenario
def deleted_from_the_kubelets_list(bench):
    stub = bench.stub()
    stub.cluster.put(make_pod("U1"))
    stub.cluster.put(make_pod("U2", "web-2", (("app", "d1"),)))
    probe = bench.kubelet_probe(stub)
    probe.synced()
    probe.ask("appear", 1, "U1", "c1", 40)
    stub.cluster.delete("U1")
    lists = int(probe.fields("status")["lists"])
    probe.until("more lists", lambda s: int(s["lists"]) > lists + 2, "status")
    check("named until its last report", is_named(probe.fields("lookup", 1)))


# ---- auto, none ----


@scenario
def auto_goes_on_to_the_kubelet(bench):
    api, kubelet = bench.stub(), bench.stub()

    def hook(_, answer):
        answer.error(403, "Forbidden", "pods is forbidden")
        return True

    api.hook = hook
    kubelet.cluster.put(make_pod("U1"))
    ca = os.path.join(bench.certs, "ca.pem")
    probe = bench.probe(source="auto", node="node-a", api=api.url, api_ca=ca, kubelet=kubelet.url,
                        kubelet_ca=ca, interval_ms=500)
    check("first the API", probe.fields("status")["source"] == "apiserver")
    status = probe.until("the kubelet", lambda s: s["source"] == "kubelet" and
                         s["health"] == "SYNCED", "status")
    check("its pods", status["pods"] == "1", status)


@scenario
def none_with_the_log_folder(bench):
    logs = os.path.join(bench.folder, "log")
    os.makedirs(os.path.join(logs, "containers"))
    with open(os.path.join(FIXTURES, "v2-systemd", "var-log.txt"), encoding="ascii") as f:
        links = [line.split() for line in f if " -> " in line]
    for name, _, target in links:
        os.symlink(target, os.path.join(logs, "containers", name))
    probe = bench.probe(source="none", node="node-b", logs=logs)
    status = probe.until("the folder", lambda s: s["pods"] != "0", "status")
    nr_pods = len({target.split("/")[-3] for _, _, target in links})
    check("pods", status["pods"] == str(nr_pods) and nr_pods > 8, status)
    number = 0
    for name, _, target in links:
        namespace_pod_uid, container, log = target.split("/")[-3:]
        namespace, pod, uid = namespace_pod_uid.split("_")
        number += 1
        probe.ask("appear", number, uid, name[-68:-4], 40)
        fields = probe.fields("lookup", number)
        check("named", is_named(fields), fields)
        check("as the folder says", (fields["namespace"], fields["pod"], fields["container"],
                                     fields["restarts"]) ==
              (namespace, pod, container, log.partition(".")[0]), fields)
        check("nothing is known of limits", fields["spec.cpu_limit"] == "unknown", fields)
    probe.ask("appear", number + 1, "3b60df27-b26d-4165-9745-d2befe263065", "f" * 64, 40)
    probe.ask("appear", number + 2, "a3f7167fcb821ef8e2f55581da499ce4", "8" * 64, 40)
    fields = probe.fields("lookup", number + 2)
    check("a static pod's name", (fields["kind"], fields["workload"]) ==
          ("StaticPod", "edge-proxy"), fields)


@scenario
def none_without_anything(bench):
    probe = bench.probe(source="none", logs=os.path.join(bench.folder, "not-there"))
    status = probe.fields("status")
    check("ready all the same", status["ready"] == "1", status)
    probe.ask("appear", 1, "U1", "a" * 64, 2)
    probe.ask("appear", 2, "U1", "b" * 64, 40)
    probe.until("by ids", lambda f: f["answer"] == "BY_PATH", "lookup", 2)
    check("the sandbox", probe.fields("lookup", 1)["answer"] == "SANDBOX")


def run_one(function, program, certs, results):
    bench = Bench(program, certs)
    try:
        try:
            function(bench)
        finally:
            bench.end()
        results[function.__name__] = None
    except Failure as f:
        results[function.__name__] = str(f)
    except Exception:  # a scenario's own bug is a failure too
        results[function.__name__] = traceback.format_exc()


def main():
    program, wanted = sys.argv[1], sys.argv[2:]
    results, threads = {}, []
    chosen = [s for s in scenarios if not wanted or s.__name__ in wanted]
    with tempfile.TemporaryDirectory(prefix="podfit-certs-") as certs:
        stubs.make_certificates(certs)
        for function in chosen:
            thread = threading.Thread(target=run_one, args=(function, program, certs, results))
            thread.start()
            threads.append(thread)
        for thread in threads:
            thread.join()
    failed = {name: text for name, text in results.items() if text}
    for name, text in sorted(failed.items()):
        print("FAILED %s: %s" % (name, text))
    print("meta: %d scenarios" % len(results))
    print("%d passed, %d failed, 0 skipped" % (len(results) - len(failed), len(failed)))
    return 1 if failed or not results else 0


if __name__ == "__main__":
    sys.exit(main())
