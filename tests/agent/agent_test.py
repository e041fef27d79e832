#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The agent from start to stop on a fake cgroup tree, as any user: what it reports, what survives a restart, what
Prometheus' own checker says of its metrics, and what an OTLP receiver gets of it.

Usage: agent_test.py BUILD-DIRECTORY
"""
import gzip
import http.server
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

BUILD = os.path.abspath(sys.argv[1])
POD = "pod0f0e0d0c-0000-4000-8000-00000000000%d"
ID = "%064x"
counts = {"passed": 0, "failed": 0, "skipped": 0}


def check(name, true, detail=""):
    counts["passed" if true else "failed"] += 1
    if not true:
        print("FAIL %s %s" % (name, detail))


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def container(root, number, usage_us):
    """One container of a v2 node as the kubelet's cgroup driver makes it."""
    path = "%s/kubepods/%s/%s" % (root, POD % number, ID % number)
    write(path + "/cgroup.procs", "")
    write(path + "/cpu.stat", "usage_usec %d\nnr_periods 10\nnr_throttled 4\nthrottled_usec 1500\n" % usage_us)
    write(path + "/cpu.max", "20000 100000\n")
    write(path + "/cpu.weight", "39\n")
    write(path + "/memory.current", "60000000\n")
    write(path + "/memory.max", "104857600\n")
    write(path + "/memory.stat", "anon 30000000\nfile 20000000\ninactive_file 8000000\nactive_file 12000000\nshmem 0\n")
    write(path + "/memory.events", "low 0\nhigh 3\nmax 2\noom 1\noom_kill 1\n")
    write(path + "/pids.current", "7\n")


class Receiver(http.server.BaseHTTPRequestHandler):
    """Takes OTLP; the first request is told to come again."""

    requests = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        Receiver.requests.append((self.path, dict(self.headers), body))
        self.send_response(503 if self.path == "/broken/v1/metrics" else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Agent:
    def __init__(self, work, *flags):
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [BUILD + "/podfit-agent", "--capture.source=cgroupfs", "--cgroup.root=" + work + "/cg", "--pods.source=none",
             "--node.name=node-a", "--cluster.name=test", "--api.socket=" + work + "/sock", "--capture.interval=200ms",
             "--export.interval=1s", "--web.metrics.min-age=0s", "--state.directory=" + work + "/state",
             "--run.duration=60s"] + list(flags), stderr=self.log)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(30)
        self.log.seek(0)
        return code, self.log.read()


def until(true, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = true()
        if value:
            return value
        time.sleep(0.05)
    return None


def decode_report(path):
    text = subprocess.run([BUILD + "/podfit", "decode", "-o", "json", path], check=True, capture_output=True).stdout
    return [json.loads(line) for line in text.splitlines()]


def test_report_and_state(work):
    out = work + "/out.pb"
    agent = Agent(work, "--export.file=" + out)
    until(lambda: os.path.exists(out) and os.path.getsize(out) > 0)
    code, log = agent.stop()
    reports = decode_report(out)
    check("ends well", code == 0, log)
    check("reports", len(reports) >= 2)
    check("the last says so", reports[-1].get("last") is True)
    check("layout", reports[-1].get("cgroup_layout") == "v2", reports[-1].get("cgroup_layout"))
    check("no events are counted, so no share of them", "thinning" not in reports[-1]["cost"])
    check("both containers", len(reports[-1]["containers"]) == 2)
    check("threads", reports[-1]["containers"][0]["now"].get("nr_threads") == 7)
    check("begins without history", "histories from before" not in log, log)

    agent = Agent(work)
    until(lambda: os.path.exists(work + "/sock"))
    code, log = agent.stop()
    check("again", code == 0, log)
    check("histories survive", re.search(r"\b[12] histories from before", log) is not None, log)

    with open(work + "/state/checkpoint.pb", "r+b") as file:
        file.seek(100)
        file.write(b"damage")
    agent = Agent(work)
    until(lambda: os.path.exists(work + "/state/checkpoint.damaged.pb"))
    code, log = agent.stop()
    check("goes on without", code == 0, log)
    check("says what was damaged", "is damaged: set aside as checkpoint.damaged.pb" in log, log)
    check("keeps it", os.path.exists(work + "/state/checkpoint.damaged.pb"))


def test_killed(work):
    """kill -9 at any moment of its life: the next one starts, with a whole checkpoint or none."""
    for pause in (0.0, 0.02, 0.1, 0.3, 0.6):
        agent = Agent(work)
        time.sleep(pause)
        agent.process.kill()
        agent.process.wait()
    agent = Agent(work, "--export.file=" + work + "/after.pb")
    until(lambda: os.path.exists(work + "/after.pb") and os.path.getsize(work + "/after.pb") > 0)
    code, log = agent.stop()
    check("starts after kill -9", code == 0, log)
    check("with its history", "damaged" not in log and "histories from before" in log, log)


def test_metrics(work):
    agent = Agent(work, "--web.listen-address=127.0.0.1:0", "--log.level=info")

    def address():
        agent.log.flush()
        with open("/proc/self/fd/%d" % agent.log.fileno(), encoding="utf-8") as log:
            return re.search(r"metrics and health on (127\.0\.0\.1:\d+)", log.read())

    found = until(address)
    url = "http://%s/metrics" % found.group(1) if found else ""

    def text():
        page = urllib.request.urlopen(url, timeout=10).read().decode()
        return page if "podfit_container_cpu_limit_cores" in page else None

    page = until(text) if url else None
    agent.stop()
    check("metrics", page is not None)
    check("threads", page is not None and re.search(r"^podfit_container_threads\{.*\} 7$", page, re.M) is not None)
    if not shutil.which("promtool"):
        counts["skipped"] += 1
        print("skipped: no promtool here")
        return
    result = subprocess.run(["promtool", "check", "metrics"], input=(page or "").encode(), capture_output=True)
    check("promtool is content", result.returncode == 0, result.stdout.decode() + result.stderr.decode())


def otlp_text(body):
    return subprocess.run(["protoc", "-Iproto", "--decode=podfit.otlp.MetricsRequest", "proto/otlp.proto"], input=body,
                          check=True, capture_output=True).stdout.decode()


def test_otlp(work):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = "http://127.0.0.1:%d" % server.server_address[1]
    write(work + "/token", "secret-token\n")
    agent = Agent(work, "--export.otlp.url=" + url, "--export.otlp.token-file=" + work + "/token")
    until(lambda: len(Receiver.requests) >= 3)
    code, log = agent.stop()
    check("ends well", code == 0, log)
    check("pushes at its interval", len(Receiver.requests) >= 3)
    path, headers, body = Receiver.requests[-1]
    check("path", path == "/v1/metrics", path)
    check("type", headers.get("Content-Type") == "application/x-protobuf")
    check("token", headers.get("Authorization") == "Bearer secret-token")
    check("the token is not logged", "secret-token" not in log)
    text = otlp_text(gzip.decompress(body))
    check("no field that the schema does not have", not re.search(r"^\s*\d+[ :]", text, re.M), text[:2000])
    for name in ("podfit.container.cpu_usage", "podfit.container.memory_hot", "podfit.agent.containers"):
        check(name, 'name: "%s"' % name in text)
    check("attributes", 'string_value: "podfit-agent"' in text and 'key: "k8s.node.name"' in text)
    check("one point a container", text.count("as_double: 104857600") == 2)

    # A receiver that is down costs nothing but metrics; the last ones are not waited for beyond the circuit breaker.
    Receiver.requests.clear()
    agent = Agent(work, "--export.otlp.url=" + url + "/broken", "--export.file=" + work + "/broken.pb")
    until(lambda: len(Receiver.requests) >= 1 and os.path.exists(work + "/broken.pb"))
    status = until(lambda: json.loads(subprocess.run(
        ["curl", "-s", "--unix-socket", work + "/sock", "-H", "Accept: application/json", "http://agent/v1/status"],
        capture_output=True).stdout or b"{}") if shutil.which("curl") else {"export_state": None})
    code, log = agent.stop()
    check("reports go on", code == 0 and len(decode_report(work + "/broken.pb")) >= 1, log)
    check("the breaker holds it back", len(Receiver.requests) == 1, str(len(Receiver.requests)))
    if status and status.get("export_state") is not None:
        check("status tells", re.search(r"otlp: 0 sent, \d+ wait, next try in \d+ s, circuit open; last error: status 503",
                                        status["export_state"]) is not None, status["export_state"])
    server.shutdown()

    agent = Agent(work, "--export.otlp.url=otel:4318")
    agent.process.wait(20)
    code, log = agent.stop()
    check("a wrong address is refused", code == 2 and "--export.otlp.url=otel:4318: not http://" in log, log)


def main():
    work = tempfile.mkdtemp(prefix="podfit-test-")
    try:
        write(work + "/cg/cgroup.controllers", "cpu memory pids\n")
        for number in (1, 2):
            container(work + "/cg", number, number * 1000000)
        test_report_and_state(work)
        test_killed(work)
        test_metrics(work)
        test_otlp(work)
    finally:
        shutil.rmtree(work)
    print("%(passed)d passed, %(failed)d failed, %(skipped)d skipped" % counts)
    return counts["failed"] > 0


sys.exit(main())
