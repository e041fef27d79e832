"""What the collector's system tests share: a collector as a process, reports by hand, senders, certificates.

The first argument of a test is the build folder. ONLY="name,name" runs only those of its tests.
"""
import gzip
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

BUILD = sys.argv[1]
passed = failed = skipped = 0


def check(name, ok, detail=""):
    global passed, failed
    if ok:
        passed += 1
    else:
        failed += 1
        print(f"FAILED {name}: {detail}")


def skip(why):
    global skipped
    skipped += 1
    print(f"skipped: {why}")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Collector:
    running = []

    def __init__(self, folder, *args, store=None, port=None):
        self.folder, self.port = folder, port or free_port()
        self.args = [f"--store={store or 'sqlite:' + folder + '/podfit.db'}",
                     f"--web.listen-address=127.0.0.1:{self.port}", "--merge.interval=200ms", "--log.level=warning",
                     *args]
        self.process = None

    def spawn(self, before):
        """@before: what the program is run by."""
        self.log = open(self.folder + "/log", "ab")
        self.process = subprocess.Popen([*before, BUILD + "/podfit-collector", *self.args], stderr=self.log)
        Collector.running.append(self)

    def start(self, before=()):
        self.spawn(before)
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.05)
        raise RuntimeError("collector does not start: " + open(self.folder + "/log").read())

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(30)
        Collector.running.remove(self)
        return code

    def kill(self):
        self.process.kill()
        self.process.wait()
        Collector.running.remove(self)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def ask(self, path, method="GET", body=None, headers={}, context=None):
        kind = http.client.HTTPSConnection if context else http.client.HTTPConnection
        more = {"context": context} if context else {}
        connection = kind("127.0.0.1", self.port, timeout=20, **more)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read(), dict(answer.getheaders())
        finally:
            connection.close()

    def post(self, body, headers={}, **more):
        return self.ask("/v1/reports", "POST", body,
                        {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip", **headers}, **more)

    def wait_for(self, path, test, seconds=15):
        for _ in range(seconds * 10):
            status, body, _ = self.ask(path)
            if status == 200 and test(json.loads(body)):
                return json.loads(body)
            time.sleep(0.1)
        return None


# ---- a report by hand: what an agent of another make would send ----

def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, str):
        value = value.encode()
    return varint(number << 3 | 2) + varint(len(value)) + value


def fixed(number, value):
    return varint(number << 3 | 1) + value.to_bytes(8, "little")


def report(node="n1", run=7, sequence=1, hour=None, instance="i1", slice_sequence=None, usage=3600 * 10**9,
           major=1, end=None, workload="web", kind=1, start=None, named=True, pod_uid="", container="app",
           namespace="shop", container_id="", more=b"", more_slice=b""):
    """@more: further fields of the report, @more_slice: of its hour slice."""
    now = time.time_ns()
    hour = now // (3600 * 10**9) if hour is None else hour
    piece = (field(1, hour) + fixed(2, run) + field(3, slice_sequence or sequence) + field(4, hour * 3600 * 10**9 if start is None else start) +
             field(5, 3600 * 10**9) + field(10, usage) + field(50, 100 << 20) + more_slice)
    pod = workload + (b"-1" if isinstance(workload, bytes) else "-1")
    identity = (field(1, namespace) + field(2, pod) + field(3, pod_uid) + field(4, container) + field(5, container_id) +
                field(7, kind) + field(8, workload) + field(12, int(named)))
    container = field(1, identity) + field(2, instance) + field(10, piece)
    return (field(1, major) + field(3, "c") + field(4, node) + fixed(6, run) + field(7, sequence) +
            field(11, end or now) + field(18, container) + more)


def packed(**what):
    return gzip.compress(report(**what))


def wait_until(test, seconds=10):
    for _ in range(seconds * 20):
        if test():
            return True
        time.sleep(0.05)
    return False


def openssl(*args):
    subprocess.run(["openssl", *args], check=True, capture_output=True)


def certificate(folder, name, ca):
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.csr",
            "-subj", f"/CN={name}")
    with open(f"{folder}/{name}.ext", "w") as f:
        f.write("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    openssl("x509", "-req", "-in", f"{folder}/{name}.csr", "-CA", f"{folder}/{ca}.crt", "-CAkey", f"{folder}/{ca}.key",
            "-CAcreateserial", "-days", "2", "-out", f"{folder}/{name}.crt", "-extfile", f"{folder}/{name}.ext")


class Senders:
    """Threads that send reports with rising sequences and note what was acknowledged."""

    def __init__(self, port_of, count=4):
        self.acknowledged, self.stop_now = {}, False
        self.threads = [threading.Thread(target=self.run, args=(port_of, f"node{i}")) for i in range(count)]
        for t in self.threads:
            t.start()

    def run(self, port_of, node):
        sequence, connection = 1, None
        while not self.stop_now:
            try:
                connection = connection or http.client.HTTPConnection("127.0.0.1", port_of(), timeout=10)
                connection.request("POST", "/v1/reports", packed(node=node, sequence=sequence, instance=node,
                                                                 usage=sequence * 10**6),
                                   {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"})
                answer = connection.getresponse()
                answer.read()
                if answer.status == 200:
                    self.acknowledged[node] = sequence
                    sequence += 1
                else:
                    time.sleep(0.02)
            except (OSError, http.client.HTTPException):
                connection = None
                time.sleep(0.02)

    def join(self):
        self.stop_now = True
        for t in self.threads:
            t.join()


def stored_sequences(c):
    found = c.wait_for("/v1/nodes", lambda d: d["total"] > 0, 20) or {"nodes": []}
    return {n["node"]: n["sequence"] for n in found["nodes"]}


def run(tests):
    """Runs (name, function of a folder) in turn. Return: the exit code."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # a timeout, too, leaves no process and no folder behind
    only = [name for name in os.environ.get("ONLY", "").split(",") if name]
    for name, test in tests:
        if only and name not in only:
            continue
        with tempfile.TemporaryDirectory(prefix="pf-collector-") as folder:
            try:
                test(folder)
            except Exception as error:  # the others still run
                check(name, False, repr(error) + " " + (open(folder + "/log").read()[-500:]
                                                        if os.path.exists(folder + "/log") else ""))
            finally:
                for collector in list(Collector.running):
                    collector.kill()
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed else 0
