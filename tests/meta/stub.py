#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A stand-in for the two servers that know pods: the API server's /api/v1/pods (list in pages,
watch, 410) and a kubelet's /pods, over TLS on loopback.

As a module it is the tests' stub: Stub.hook sees each request first and may answer it badly. As a
program it serves a folder of pods, one JSON file each, and turns changes of the folder into watch
events:

    stub.py --pods DIR --certs DIR --port-file FILE [--token-file FILE]
"""
import argparse
import copy
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.parse

BOOKMARK_SECONDS = 1.0


def make_certificates(folder):
    """A CA, a server certificate for 127.0.0.1 and a client certificate, valid for a day."""

    def run(*words):
        subprocess.run(("openssl",) + words, check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    def path(name):
        return os.path.join(folder, name)

    for ca in ("ca", "other-ca"):
        run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-days", "1", "-subj", "/CN=podfit test " + ca, "-keyout", path(ca + ".key"), "-out",
            path(ca + ".pem"))
    with open(path("san"), "w", encoding="ascii") as f:
        f.write("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    for name in ("server", "client"):
        run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
            "/CN=" + name, "-keyout", path(name + ".key"), "-out", path(name + ".csr"))
        run("x509", "-req", "-in", path(name + ".csr"), "-CA", path("ca.pem"), "-CAkey",
            path("ca.key"), "-CAcreateserial", "-days", "1", "-extfile", path("san"), "-out",
            path(name + ".pem"))


class Cluster:
    """Pods and the history of their changes, as a watch cache has them."""

    def __init__(self):
        self.changed = threading.Condition()
        self.version = 100
        self.oldest = 100  # a watch from before is answered with 410
        self.pods = {}
        self.events = []  # (version, type, pod)

    def _record(self, kind, pod):
        self.version += 1
        pod = copy.deepcopy(pod)
        pod["metadata"]["resourceVersion"] = str(self.version)
        self.events.append((self.version, kind, pod))
        if kind == "DELETED":
            self.pods.pop(pod["metadata"]["uid"], None)
        else:
            self.pods[pod["metadata"]["uid"]] = pod
        self.changed.notify_all()

    def put(self, pod):
        with self.changed:
            self._record("MODIFIED" if pod["metadata"]["uid"] in self.pods else "ADDED", pod)

    def delete(self, uid):
        with self.changed:
            if uid in self.pods:
                self._record("DELETED", self.pods[uid])

    def expire(self):
        """What was seen so far can no longer be watched from."""
        with self.changed:
            self.version += 1
            self.oldest = self.version
            self.events = []
            self.changed.notify_all()

    def forget_silently(self, uid):
        """As if it had been deleted while nobody watched."""
        with self.changed:
            self.pods.pop(uid, None)
            self.version += 1


class Request:
    def __init__(self, method, target, headers, peer_certificate):
        parts = urllib.parse.urlsplit(target)
        self.method = method
        self.path = parts.path
        self.query = {k: v[0] for k, v in urllib.parse.parse_qs(parts.query).items()}
        self.headers = headers
        self.peer_certificate = peer_certificate
        self.at = time.monotonic()

    @property
    def watch(self):
        return self.query.get("watch") == "1"


class Closed(Exception):
    pass


class Answer:
    """What a hook writes with."""

    def __init__(self, conn):
        self.conn = conn
        self.keep = False

    def raw(self, data):
        self.conn.sendall(data)

    def whole(self, status, body, headers=(), kind="application/json"):
        if not isinstance(body, bytes):
            body = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        head = "HTTP/1.1 %d X\r\nContent-Type: %s\r\nContent-Length: %d\r\n" % (status, kind,
                                                                            len(body))
        for name, value in headers:
            head += "%s: %s\r\n" % (name, value)
        self.raw(head.encode() + b"\r\n" + body)
        self.keep = True

    def error(self, status, reason, message, headers=()):
        self.whole(status, {"kind": "Status", "apiVersion": "v1", "metadata": {},
                            "status": "Failure", "message": message, "reason": reason,
                            "code": status}, headers)

    def begin(self, status=200, kind="application/json"):
        self.raw(("HTTP/1.1 %d X\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n" %
                  (status, kind)).encode())

    def piece(self, data):
        if not isinstance(data, bytes):
            data = data.encode() if isinstance(data, str) else (json.dumps(data) + "\n").encode()
        self.raw(b"%x\r\n" % len(data) + data + b"\r\n")

    def end(self):
        self.raw(b"0\r\n\r\n")
        self.keep = True


class Stub:
    def __init__(self, certs, client_certificates=False):
        self.cluster = Cluster()
        self.hook = None  # (request, answer) -> True if it was answered
        self.tokens = None  # those accepted; None: not looked at
        self.requests = []
        self.objects = {}  # other paths -> object
        self.connections = set()
        self.stopping = False
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(os.path.join(certs, "server.pem"),
                                     os.path.join(certs, "server.key"))
        if client_certificates:
            self.context.load_verify_locations(os.path.join(certs, "ca.pem"))
            self.context.verify_mode = ssl.CERT_OPTIONAL
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.url = "https://127.0.0.1:%d" % self.port
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self):
        self.stopping = True
        self.socket.close()
        with self.cluster.changed:
            self.cluster.changed.notify_all()

    def cut(self):
        """All connections end without a word."""
        for conn in list(self.connections):
            try:
                conn.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _accept(self):
        while True:
            try:
                conn, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(conn,), daemon=True).start()

    def _serve(self, conn):
        try:
            conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            conn = self.context.wrap_socket(conn, server_side=True)
            self.connections.add(conn)
            stream = conn.makefile("rb")
            while not self.stopping and self._one(conn, stream):
                pass
        except (OSError, Closed, ValueError):
            pass
        finally:
            self.connections.discard(conn)
            try:
                conn.close()
            except OSError:
                pass

    def _one(self, conn, stream):
        line = stream.readline().decode("latin-1").split()
        if len(line) != 3:
            return False
        headers = {}
        while True:
            header = stream.readline().decode("latin-1").rstrip("\r\n")
            if not header:
                break
            name, _, value = header.partition(":")
            headers[name.lower()] = value.strip()
        request = Request(line[0], line[1], headers, conn.getpeercert())
        self.requests.append(request)
        answer = Answer(conn)
        if not (self.hook and self.hook(request, answer)):
            self.answer(request, answer)
        return answer.keep

    def denied(self, request, answer):
        token = request.headers.get("authorization", "")
        if self.tokens is None or request.peer_certificate:
            return False
        if token.startswith("Bearer ") and token[7:] in self.tokens:
            return False
        answer.error(401, "Unauthorized", "Unauthorized")
        return True

    def answer(self, request, answer):
        if self.denied(request, answer):
            return
        if request.path == "/api/v1/pods" and request.watch:
            self.watch(request, answer)
        elif request.path == "/api/v1/pods":
            self.list(request, answer)
        elif request.path == "/pods":
            with self.cluster.changed:
                items = list(self.cluster.pods.values())
            answer.whole(200, {"kind": "PodList", "apiVersion": "v1", "metadata": {},
                               "items": items})
        elif request.path in self.objects:
            answer.whole(200, self.objects[request.path])
        else:
            answer.error(404, "NotFound", "the server could not find the requested resource")

    def list(self, request, answer):
        with self.cluster.changed:
            items = sorted(self.cluster.pods.values(), key=lambda p: p["metadata"]["uid"])
            version = self.cluster.version
        start = int(request.query.get("continue", "0"))
        limit = int(request.query.get("limit", "0")) or len(items)
        metadata = {"resourceVersion": str(version)}
        if start + limit < len(items):
            metadata["continue"] = str(start + limit)
        answer.whole(200, {"kind": "PodList", "apiVersion": "v1", "metadata": metadata,
                           "items": items[start:start + limit]})

    def watch(self, request, answer):
        cluster = self.cluster
        seen = int(request.query.get("resourceVersion", "0"))
        start = []
        with cluster.changed:
            if seen == 0:  # any version will do: what is there comes as ADDED
                start = [(cluster.version, "ADDED", p) for p in cluster.pods.values()]
                seen = cluster.version
            elif seen < cluster.oldest:
                answer.error(410, "Expired", "too old resource version: %d" % seen)
                return
        answer.begin()
        for _, kind, pod in start:
            answer.piece({"type": kind, "object": pod})
        end = time.monotonic() + float(request.query.get("timeoutSeconds", "60"))
        while not self.stopping and time.monotonic() < end:
            with cluster.changed:
                news = [e for e in cluster.events if e[0] > seen]
                if not news and seen >= cluster.oldest:
                    cluster.changed.wait(BOOKMARK_SECONDS)
                    news = [e for e in cluster.events if e[0] > seen]
                gone, version = seen < cluster.oldest, cluster.version
            if gone:
                answer.piece({"type": "ERROR", "object": {
                    "kind": "Status", "status": "Failure", "reason": "Expired",
                    "message": "too old resource version", "code": 410}})
                break
            for number, kind, pod in news:
                answer.piece({"type": kind, "object": pod})
                seen = number
            if not news:
                seen = max(seen, version)
                answer.piece({"type": "BOOKMARK", "object": {
                    "kind": "Pod", "apiVersion": "v1",
                    "metadata": {"resourceVersion": str(version)}}})
        answer.end()


def read_folder(folder):
    pods = {}
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".json"):
            continue
        with open(os.path.join(folder, name), encoding="utf-8") as f:
            pod = json.load(f)
        pods[pod["metadata"]["uid"]] = pod
    return pods


def same(a, b):
    a, b = copy.deepcopy(a), copy.deepcopy(b)
    a["metadata"].pop("resourceVersion", None)
    b["metadata"].pop("resourceVersion", None)
    return a == b


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pods", required=True)
    parser.add_argument("--certs", required=True)
    parser.add_argument("--port-file", required=True)
    parser.add_argument("--token-file")
    args = parser.parse_args()
    if not os.path.exists(os.path.join(args.certs, "server.pem")):
        make_certificates(args.certs)
    stub = Stub(args.certs, client_certificates=True)
    if args.token_file:
        with open(args.token_file, encoding="ascii") as f:
            stub.tokens = {f.read().strip()}
    with open(args.port_file + ".tmp", "w", encoding="ascii") as f:
        f.write("%d\n" % stub.port)
    os.rename(args.port_file + ".tmp", args.port_file)
    while True:
        try:
            pods = read_folder(args.pods)
        except (OSError, ValueError):
            pods = None  # half written: the next look
        if pods is not None:
            for uid, pod in pods.items():
                if uid not in stub.cluster.pods or not same(pod, stub.cluster.pods[uid]):
                    stub.cluster.put(pod)
            for uid in [u for u in stub.cluster.pods if u not in pods]:
                stub.cluster.delete(uid)
        time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main())
