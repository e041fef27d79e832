#!/usr/bin/env python3
"""The collector as others meet it: every endpoint and error, tokens and certificates, limits, restarts, sums.

Usage: collector_api.py BUILD_FOLDER [POSTGRES_CONNINFO]      ends with "N passed, N failed, N skipped"
"""
import gzip
import http.client
import json
import os
import random
import re
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import time

from collector_kit import (BUILD, Collector, Senders, certificate, check, field, openssl, packed, report, run, skip,
                           stored_sequences, wait_until)

POSTGRES = sys.argv[2] if len(sys.argv) > 2 else None


# ---- the tests ----

def test_endpoints(folder):
    c = Collector(folder).start()
    status, body, _ = c.post(packed())
    check("report taken", status == 200 and json.loads(body)["result"] == "stored", (status, body))
    status, body, _ = c.post(packed(end=1))
    check("report known", status == 200 and json.loads(body)["result"] == "known", (status, body))
    check("merged", c.wait_for("/v1/fleet", lambda d: d["nr_workloads"] == 1) is not None)
    page = "/workloads/c/shop/Deployment/web/app"
    for path in ["/", "/nodes", "/compare", page, "/livez", "/readyz", "/startupz", "/metrics", "/v1/fleet",
                 "/v1/nodes", "/v1/nodes/c/n1", "/v1/namespaces", "/v1/leaks", "/v1/workloads", "/v1" + page,
                 "/v1/recommendations", "/compare?stable=web&canary=x", "/v1/compare?stable=web&canary=x"]:
        status, body, headers = c.ask(path)
        check(f"GET {path}", status == 200 and body, (status, body[:200]))
        if path.startswith("/v1"):
            try:
                json.loads(body)
            except ValueError as error:
                check(f"JSON {path}", False, error)
    for path in ["/", "/nodes", "/compare", page, "/workloads/x"]:  # the last is a message
        headers = c.ask(path)[2]
        check(f"{path} is guarded", "default-src 'none'" in headers.get("Content-Security-Policy", "") and
              headers.get("Referrer-Policy") == "no-referrer" and headers.get("X-Frame-Options") == "DENY", headers)
    for form in ["json", "yaml", "csv", "table", "patch", "vpa", "kustomize", "helm-values", "protobuf"]:
        status, body, _ = c.ask("/v1/recommendations?format=" + form)
        check(f"format {form}", status == 200, (status, body[:100]))
    for path, method, want in [
            ("/nothing", "GET", 404), ("/v1/reports", "GET", 405), ("/v1/fleet", "POST", 405),
            ("/v1/recommendations?format=x", "GET", 400), ("/v1/recommendations?sort=x", "GET", 400),
            ("/v1/recommendations?limit=0", "GET", 400), ("/v1/recommendations?page=x", "GET", 400),
            ("/v1/recommendations?verdict=X", "GET", 400), ("/v1/recommendations?action=X", "GET", 400),
            ("/v1/recommendations?kind=X", "GET", 400), ("/v1/recommendations?filter=x%3D%3D", "GET", 400),
            ("/v1/workloads/c/shop/Deployment/other/app", "GET", 404), ("/v1/workloads/c", "GET", 400),
            ("/v1/workloads/c/shop/Nothing/web/app", "GET", 400), ("/v1/workloads/%zz/a/Pod/c/d", "GET", 400),
            ("/v1/nodes/c/other", "GET", 404), ("/v1/compare", "GET", 400),
            ("/v1/compare?stable=a&canary=b&window=x", "GET", 400), ("/v1/compare?stable=a&canary=b&mode=x", "GET", 400),
            ("/v1/compare?stable=a&canary=b&fail_on=x", "GET", 400), ("/workloads/x", "GET", 400),
            ("/workloads/c/shop/Deployment/other/app", "GET", 404), ("/?sort=x", "GET", 400)]:
        status, body, _ = c.ask(path, method)
        check(f"{method} {path} is {want}", status == want, (status, body[:200]))
    status, _, headers = c.ask("/v1/recommendations")
    status, body, _ = c.ask("/v1/recommendations", headers={"If-None-Match": headers["ETag"]})
    check("not modified", status == 304 and not body, (status, body))
    c.post(packed(node="n2", instance="i2"))
    c.wait_for("/v1/fleet", lambda d: d["nr_instances"] == 2)
    status, _, after = c.ask("/v1/recommendations", headers={"If-None-Match": headers["ETag"]})
    check("modified", status == 200 and after["ETag"] != headers["ETag"], (status, after))
    status, body, headers = c.ask("/v1/workloads?limit=1&page=2")
    check("paging", headers.get("X-Total-Count") == "1" and 'rel="prev"' in headers.get("Link", ""), headers)
    status, body, headers = c.ask("/metrics", headers={"Accept-Encoding": "gzip"})
    check("compressed", headers.get("Content-Encoding") == "gzip" and gzip.decompress(body).startswith(b"# HELP"))
    check("stops well", c.stop() == 0)


def test_first_picture(folder):
    """With the interval as it is by default, too, nobody waits long for the first picture."""
    c = Collector(folder, "--merge.interval=15s").start()
    check("an empty picture", wait_until(lambda: c.ask("/startupz")[0] == 200))
    for i in range(3):  # whatever the moment
        time.sleep(0.4 * i)
        check("empty", json.loads(c.ask("/v1/fleet")[1])["nr_workloads"] == 0)
    start = time.monotonic()
    c.post(packed())
    seen = c.wait_for("/v1/fleet", lambda d: d["nr_workloads"] == 1, 20)
    # Generous: a second and the merge itself on a busy machine, far from a quarter of a minute.
    check("seen soon after the first report", seen and time.monotonic() - start < 8, time.monotonic() - start)
    c.stop()


def test_oom_classes(folder):
    """A DaemonSet's page by class of node lists the kills on nodes of that class only, now and of hours that are over."""
    c = Collector(folder).start()
    hour = time.time_ns() // (3600 * 10**9)
    label = "node.kubernetes.io/instance-type"

    def kill(kill_id, at_hour, name):
        return field(19, field(1, at_hour * 3600 * 10**9 + 1) + field(3, "shop") + field(4, "agent-1") + field(5, "app") +
                     field(6, "agent") + field(7, 3) + field(9, name) + field(19, kill_id))

    for node, node_class in [("n1", "small"), ("n2", "large")]:
        for at in (hour - 5, hour):
            labels = field(22, field(1, label) + field(2, node_class))
            c.post(gzip.compress(report(node=node, instance=node, workload="agent", kind=3, hour=at, sequence=at,
                                        end=at * 3600 * 10**9 + 2, more_slice=field(61, 1),
                                        more=kill(at, at, f"{node_class}-{hour - at}") + labels)))
    path = "/v1/workloads/c/shop/DaemonSet/agent/app"

    def of(suffix):
        c.post(packed(node="other", instance="other", sequence=time.time_ns() >> 20))  # so that there is something to merge
        status, body, _ = c.ask(path + suffix)
        return sorted(kill["comm"] for kill in json.loads(body).get("oom_kills", [])) if status == 200 else None

    everything = ["large-0", "large-5", "small-0", "small-5"]
    check("the whole DaemonSet has all", wait_until(lambda: of("") == everything, 40), of(""))
    for node_class in ("small", "large"):
        want = [name for name in everything if name.startswith(node_class)]
        check(f"class {node_class}", wait_until(lambda: of(f"?node_class={node_class}") == want), of(f"?node_class={node_class}"))
    c.stop()


def test_refusals(folder):
    c = Collector(folder, "--limits.max-nodes=2", "--limits.body-size=64Ki", "--limits.inflated-size=256Ki",
                  "--limits.decoded-size=512Ki", "--limits.pending-size=1Mi").start()
    hour = time.time_ns() // (3600 * 10**9)
    bomb = gzip.compress(b"\0" * (64 << 20))
    # Millions of empty submessages: small on the wire, large in memory.
    blow_up = gzip.compress(report() + field(18, b"") * 100000)
    for name, body, headers, want in [
            ("not gzip", b"nothing", {}, 400), ("cut off", packed()[:50], {}, 400), ("empty", gzip.compress(b""), {}, 400),
            ("not protobuf", gzip.compress(b"\xff" * 50), {}, 400), ("wrong type", packed(), {"Content-Type": "text/plain"}, 415),
            ("wrong encoding", packed(), {"Content-Encoding": "br"}, 415), ("newer schema", packed(major=2), {}, 422),
            ("clock", packed(hour=hour + 100), {}, 422), ("no node", packed(node=""), {}, 400),
            ("no run", packed(run=0), {}, 400), ("long name", packed(node="n" * 300), {}, 400),
            ("node that is no text", packed(node=b"n\xff"), {}, 400),
            ("too large", os.urandom(70000), {}, 413), ("bomb", bomb[:60000] if len(bomb) > 65536 else bomb, {}, 413),
            ("blow-up", blow_up, {}, 413), ("too old", packed(hour=hour - 100), {}, 200),
            ("a slice that begins after its hour", packed(start=(hour + 1) * 3600 * 10**9), {}, 400),
            ("a slice that begins in another age", packed(start=2**64 - 1), {}, 400),
            ("a slice of more than a day", gzip.compress(report(more_slice=field(5, 2**63 - 1))), {}, 400),
            ("a slice begun early, by a clock set back", packed(start=(hour - 30) * 3600 * 10**9), {}, 200)]:
        try:
            status, answer, _ = c.post(body, headers)
        except OSError as error:  # the server may close before it has read all of a body it refuses
            status, answer = 413 if name == "too large" else 0, str(error)
        check(f"{name} is {want}", status == want, (status, answer))
    check("identity encoding", c.post(report(), {"Content-Encoding": "identity"})[0] == 200)
    check("second node", c.post(packed(node="n2"))[0] == 200)
    status, body, headers = c.post(packed(node="n3"))
    check("third node is 429", status == 429 and "Retry-After" in headers, (status, body))
    check("known node still may", c.post(packed(node="n2", sequence=2))[0] == 200)
    metrics = c.ask("/metrics")[1].decode()
    for result in ["damaged", "media_type", "newer_schema", "clock", "too_large", "too_old", "too_many_nodes"]:
        line = next(l for l in metrics.splitlines() if l.startswith(f'podfit_collector_reports_total{{result="{result}"}}'))
        check(f"{result} is counted", not line.endswith(" 0"), line)
    random.seed(1)
    good = report()
    for i in range(3000):  # damaged in one place each
        raw = bytearray(good)
        raw[random.randrange(len(raw))] = random.randrange(256)
        c.post(gzip.compress(bytes(raw), 1))
    check("survives damage", c.ask("/livez")[0] == 200 and c.process.poll() is None)
    for path in ["/" + "a" * 9000, "/v1/workloads/" + "%41" * 900, "/?q=" + "%ff" * 500, "/v1/recommendations?" + "a=b&" * 900]:
        try:
            c.ask(path)
        except (OSError, http.client.HTTPException):
            pass
    check("survives long lines", c.ask("/livez")[0] == 200)
    c.stop()


def test_tokens(folder):
    with open(folder + "/tokens", "w") as f:
        f.write("# tokens\nwrite-token-0123456789 write c\nread-token-0123456789 read\nother-token-0123456789 write d\n")
    c = Collector(folder, f"--auth.token-file={folder}/tokens").start()
    bearer = lambda t: {"Authorization": f"Bearer {t}"}
    check("no token", c.post(packed())[0] == 401)
    check("wrong token", c.post(packed(), bearer("write-token-0123456780"))[0] == 401)
    check("reader may not write", c.post(packed(), bearer("read-token-0123456789"))[0] == 403)
    check("writer may", c.post(packed(), bearer("write-token-0123456789"))[0] == 200)
    check("of its cluster only", c.post(packed(), bearer("other-token-0123456789"))[0] == 403)
    check("writer may not read", c.ask("/v1/fleet", headers=bearer("write-token-0123456789"))[0] == 403)
    check("reader may", c.ask("/v1/nodes", headers=bearer("read-token-0123456789"))[0] == 200)
    import base64
    basic = base64.b64encode(b"me:read-token-0123456789").decode()
    check("a browser's way", c.ask("/v1/nodes", headers={"Authorization": "Basic " + basic})[0] == 200)
    check("asks a browser", "Basic" in c.ask("/")[2].get("WWW-Authenticate", ""))
    check("health is open", c.ask("/livez")[0] == 200)
    with open(folder + "/tokens", "w") as f:
        f.write("new-token-0123456789ab all\n")
    for _ in range(40):
        if c.ask("/v1/nodes", headers=bearer("new-token-0123456789ab"))[0] == 200:
            break
        time.sleep(0.1)
    check("new tokens are read", c.ask("/v1/nodes", headers=bearer("new-token-0123456789ab"))[0] == 200)
    check("old ones are gone", c.ask("/v1/nodes", headers=bearer("read-token-0123456789"))[0] == 401)
    c.stop()
    for text, why in [("short all\n", "16"), ("a-token-of-good-length what\n", "read, write or all"), ("", "empty"),
                      ("one-token-0123456789 write c\none-token-0123456789 read\n", "line 2: a line before")]:
        with open(folder + "/tokens", "w") as f:
            f.write(text)
        done = subprocess.run([BUILD + "/podfit-collector", *c.args], capture_output=True, text=True, timeout=20)
        check(f"token file: {why}", done.returncode in (1, 2) and why in done.stderr, (done.returncode, done.stderr))


def test_certificates(folder):
    for ca in ["ca", "stranger"]:
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", f"{folder}/{ca}.key", "-out",
                f"{folder}/{ca}.crt", "-subj", f"/CN={ca}")
    for name, ca in [("server", "ca"), ("n1", "ca"), ("system:node:n2", "ca"), ("grafana", "ca"), ("fake", "stranger")]:
        certificate(folder, name, ca)
    c = Collector(folder, f"--tls.cert-file={folder}/server.crt", f"--tls.key-file={folder}/server.key",
                  f"--tls.client-ca-file={folder}/ca.crt", "--auth.reader-names=grafana").start()

    def context(name=None):
        made = ssl.create_default_context(cafile=f"{folder}/ca.crt")
        if name:
            made.load_cert_chain(f"{folder}/{name}.crt", f"{folder}/{name}.key")
        return made

    check("no certificate", c.post(packed(), context=context())[0] == 401)
    check("its own node", c.post(packed(node="n1"), context=context("n1"))[0] == 200)
    check("another's node", c.post(packed(node="n2"), context=context("n1"))[0] == 403)
    check("as Kubernetes names it", c.post(packed(node="n2"), context=context("system:node:n2"))[0] == 200)
    check("a node may not read", c.ask("/v1/nodes", context=context("n1"))[0] == 403)
    check("a reader may", c.ask("/v1/nodes", context=context("grafana"))[0] == 200)
    try:
        status = c.post(packed(node="fake"), context=context("fake"))[0]
    except (OSError, http.client.HTTPException):
        status = 401
    check("a stranger's certificate", status == 401, status)
    c.stop()


def served_name(port, ca):
    """Connects with only @ca trusted. Return: the common name of the server's certificate; None: not trusted."""
    context = ssl.create_default_context(cafile=ca)
    context.check_hostname = False
    try:
        with context.wrap_socket(socket.create_connection(("127.0.0.1", port), 5)) as s:
            return dict(part[0] for part in s.getpeercert()["subject"])["commonName"]
    except ssl.SSLError:
        return None


def test_renewal(folder):
    """Certificates are renewed under the collector: on SIGHUP, and without it; bad ones change nothing."""
    for ca in ["ca", "newca"]:
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", f"{folder}/{ca}.key", "-out",
                f"{folder}/{ca}.crt", "-subj", f"/CN={ca}")
    for name, ca in [("first", "ca"), ("second", "newca"), ("third", "newca"), ("n1", "ca"), ("n2", "newca")]:
        certificate(folder, name, ca)

    def install(name, client_ca=None):
        for end in ["crt", "key"]:  # as a mounted secret does: by renaming
            shutil.copy(f"{folder}/{name}.{end}", f"{folder}/new")
            os.rename(f"{folder}/new", f"{folder}/tls.{end}")
        if client_ca:
            shutil.copy(f"{folder}/{client_ca}.crt", f"{folder}/clients")

    install("first", "ca")
    c = Collector(folder, f"--tls.cert-file={folder}/tls.crt", f"--tls.key-file={folder}/tls.key",
                  f"--tls.client-ca-file={folder}/clients", "--log.level=info").start()

    def post_as(name, ca):
        context = ssl.create_default_context(cafile=f"{folder}/{ca}.crt")
        context.load_cert_chain(f"{folder}/{name}.crt", f"{folder}/{name}.key")
        try:
            return c.post(packed(node=name), context=context)[0]
        except OSError:
            return 0

    check("first certificate", served_name(c.port, f"{folder}/ca.crt") == "first")
    check("client of the first CA", post_as("n1", "ca") == 200)
    kept = http.client.HTTPSConnection("127.0.0.1", c.port, timeout=20,
                                       context=ssl.create_default_context(cafile=f"{folder}/ca.crt"))
    kept.request("GET", "/livez")
    kept.getresponse().read()
    install("second", "newca")
    c.process.send_signal(signal.SIGHUP)
    check("second certificate after SIGHUP", wait_until(lambda: served_name(c.port, f"{folder}/newca.crt") == "second"))
    check("which is told", wait_until(lambda: "read the certificates again" in open(folder + "/log").read()))
    kept.request("GET", "/livez")
    answer = kept.getresponse()
    check("a connection from before is answered, and told to come again",
          (answer.status, answer.read(), answer.getheader("Connection")) == (200, b"ok\n", "close"), answer.getheaders())
    check("client of the new CA", post_as("n2", "newca") == 200)
    check("client of the old CA not any more", post_as("n1", "newca") in (0, 401))
    install("third")
    check("third without a signal", wait_until(lambda: served_name(c.port, f"{folder}/newca.crt") == "third"))
    shutil.copy(f"{folder}/second.key", f"{folder}/tls.key")  # not the certificate's
    c.process.send_signal(signal.SIGHUP)
    check("a wrong key is complained about",
          wait_until(lambda: "stay in use" in open(folder + "/log").read()), open(folder + "/log").read())
    check("and changes nothing", served_name(c.port, f"{folder}/newca.crt") == "third")
    open(f"{folder}/tls.crt", "w").close()
    c.process.send_signal(signal.SIGHUP)
    check("an empty file is named", wait_until(lambda: "tls.crt: it is empty" in open(folder + "/log").read()))
    check("and never means plain HTTP", served_name(c.port, f"{folder}/newca.crt") == "third")
    check("stops well", c.stop() == 0)
    done = subprocess.run([BUILD + "/podfit-collector", *c.args], capture_output=True, text=True, timeout=20)
    check("does not start with an empty certificate", done.returncode == 1 and "empty" in done.stderr, done.stderr)


def test_start(folder):
    for args, want, why in [
            (["--web.listen-address=:0"], 2, "anybody"), (["--store=mysql:x"], 2, "sqlite:PATH"),
            (["--store=sqlite:/nonexistent-dir/x.db"], 1, "/nonexistent-dir"), (["--nonsense"], 2, "no such flag"),
            (["--tls.cert-file=/x"], 2, "go together"), (["--policy.file=/nonexistent"], 2, "/nonexistent"),
            (["--config.check", "--retention=x"], 2, "duration"), (["--config.check"], 0, ""), (["--version"], 0, "")]:
        store = [] if any(a.startswith("--store") for a in args) else [f"--store=sqlite:{folder}/s.db"]
        done = subprocess.run([BUILD + "/podfit-collector", "--web.listen-address=127.0.0.1:0", *store, *args],
                              capture_output=True, text=True, timeout=20)
        check(f"{args} ends with {want}", done.returncode == want and why in done.stderr, (done.returncode, done.stderr))


def test_kill(folder, store=None):
    c = Collector(folder, store=store).start()
    senders = Senders(lambda: c.port)
    for _ in range(12):
        time.sleep(random.uniform(0.05, 0.4))
        c.kill()
        c.start()
    time.sleep(0.3)
    c.kill()
    senders.join()
    c.start()
    c.wait_for("/v1/fleet", lambda d: d["nr_nodes"] == len(senders.acknowledged))
    stored = stored_sequences(c)
    check("something was acknowledged", sum(senders.acknowledged.values()) > 50, senders.acknowledged)
    for node, sequence in senders.acknowledged.items():
        check(f"{node}: nothing acknowledged is lost", stored.get(node, 0) >= sequence, (sequence, stored))
    c.stop()


def test_bytes(folder, store=None):
    """Names that are no text, of an hour that is over: a database that takes UTF-8 only goes on with the others."""
    c = Collector(folder, store=store).start()
    hour = time.time_ns() // (3600 * 10**9) - 5
    check("refused as a node", c.post(packed(node=b"bytes\xff"))[0] == 400)
    check("taken as a workload", c.post(packed(node="bytes", workload=b"w\xff", hour=hour))[0] == 200)
    check("another one", c.post(packed(node="other", workload="fine", hour=hour))[0] == 200)
    names = set()

    def sealed():
        """Late reports are looked for now and then, when there is something to merge."""
        nonlocal names
        c.post(packed(node="now", workload="now", sequence=time.time_ns() >> 20))
        time.sleep(0.5)
        status, body, _ = c.ask("/v1/workloads")
        names = {w["workload"] for w in json.loads(body)["workloads"]} if status == 200 else set()
        return {"w?", "fine"} <= names

    check("both are there", wait_until(sealed, 4), names)
    metrics = c.ask("/metrics")[1].decode()
    check("no merge failed", "podfit_collector_failed_merges_total 0\n" in metrics, metrics)
    check("the hour is sealed", re.search(r"^podfit_collector_sealed_total [1-9]", metrics, re.M), metrics)
    c.stop()


def test_two_collectors(folder, store):
    """Reports of one node go to both in turn; a third one then sees the same fleet."""
    one, two = Collector(folder, store=store).start(), Collector(folder, store=store).start()
    for sequence in range(1, 41):
        c = one if sequence % 3 else two
        check("taken by either", c.post(packed(node="both", sequence=sequence, instance="both", usage=sequence * 10**9,
                                               workload="two"))[0] == 200)
    one.post(packed(node="both", sequence=5, instance="both", usage=5 * 10**9, workload="two"))  # late and repeated
    path = "/v1/workloads/c/shop/Deployment/two/app"
    want = 40 / 3600 * 1000
    for c in (one, two):
        seen = c.wait_for(path, lambda d: abs(d["instances"][0]["usage_mean_millicores"] - want) < 0.01, 20)
        check("both see the newest state once", seen is not None, c.ask(path)[1][-700:])
    one.stop()
    two.stop()


def fits(name, schema, value):
    """The part of JSON schema that openapi.yaml uses."""
    for key in schema.get("required", []):
        check(f"{name} has {key}", isinstance(value, dict) and key in value, value)
    if "enum" in schema:
        check(f"{name} is one of {schema['enum']}", value in schema["enum"], value)
    if schema.get("type") == "array":
        check(f"{name} is a list", isinstance(value, list), value)
        for each in value[:3]:
            fits(name + "[]", schema.get("items", {}), each)
    for key, inner in schema.get("properties", {}).items():
        if isinstance(value, dict) and key in value:
            fits(f"{name}.{key}", inner, value[key])


def load_openapi():
    """Return: the document; None and a skip where it cannot be read here."""
    try:
        import yaml
    except ImportError:
        skip("no python3-yaml here, openapi.yaml is not checked")
        return None
    here = os.path.dirname(os.path.abspath(__file__))
    return yaml.safe_load(open(here + "/../../tools/collector/openapi.yaml"))


KNOWN = {"cluster": "c", "namespace": "shop", "kind": "Deployment", "workload": "web", "container": "app", "node": "n1"}


def example_of(path, operation, names=KNOWN):
    query = "&".join(f"{p['name']}={p['example']}" for p in operation.get("parameters", []) if p.get("required"))
    return path.format(**names) + ("?" + query if query else "")


def test_openapi(folder):
    document = load_openapi()
    if not document:
        return
    c = Collector(folder).start()
    c.post(packed())
    c.wait_for("/v1/fleet", lambda d: d["nr_workloads"] == 1)
    for path, methods in document["paths"].items():
        if "get" not in methods:
            status, _, headers = c.ask(path)
            check(f"{path} is not for GET", status == 405 and headers.get("Allow") == "POST", (status, headers))
            continue
        status, body, headers = c.ask(example_of(path, methods["get"]))
        good = methods["get"]["responses"]["200"]
        check(f"{path} is 200", status == 200, (status, body[:200]))
        schema = good.get("content", {}).get("application/json", {}).get("schema")
        if schema:
            check(f"{path} is JSON", headers["Content-Type"] == "application/json", headers)
            fits(path, schema, json.loads(body))
        for method in ["POST", "PUT", "DELETE"]:
            status, body, headers = c.ask(path.format(**KNOWN), method, body=b"")
            check(f"{method} {path} is 405", status == 405 and headers.get("Allow") == "GET, HEAD" and json.loads(body)["error"],
                  (status, headers))
    c.stop()


class Errors:
    """Errors that were made to happen, each looked up in openapi.yaml."""

    def __init__(self, document):
        self.document, self.seen = document, set()

    def expect(self, c, want, path, target=None, method="get", **how):
        operation = self.document["paths"][path][method]
        status, body, headers = c.ask(target or example_of(path, operation), method.upper(), **how)
        name = f"{method} {target or path}: {want}"
        response = operation["responses"].get(str(want))
        check(name, status == want, (status, body[:200]))
        check(f"{name} is in openapi.yaml", response is not None)
        if response and "$ref" in response:
            response = self.document["components"]["responses"][response["$ref"].split("/")[-1]]
        check(f"{name} says what is wrong", headers.get("Content-Type") == "application/json" and
              isinstance(json.loads(body).get("error"), str) and len(json.loads(body)["error"]) > 10, (headers, body))
        check(f"{name} has a schema there", response and "application/json" in response.get("content", {}))
        for header in ["Retry-After", "WWW-Authenticate"]:
            check(f"{name}: {header} as documented", (header in headers) == (header in response["description"]), headers)
        self.seen.add((path, method, str(want)))

    def missing(self):
        """Documented errors that did not happen."""
        return {(path, method, status) for path, methods in self.document["paths"].items() for method, operation in
                methods.items() for status in operation["responses"] if status >= "400"} - self.seen


def test_errors(folder):
    """Every error that openapi.yaml has, made to happen; and no other."""
    document = load_openapi()
    if not document:
        return
    errors = Errors(document)
    with open(folder + "/tokens", "w") as f:
        f.write("read-token-0123456789 read\nwrite-token-0123456789 write\nother-token-0123456789 write d\n")
    read, write, other = ({"Authorization": f"Bearer {t}-token-0123456789"} for t in ("read", "write", "other"))
    gets = [path for path, methods in document["paths"].items() if "get" in methods and
            "401" in methods["get"]["responses"]]
    check("most need a token", len(gets) >= 9, gets)
    c = Collector(folder, f"--auth.token-file={folder}/tokens", "--limits.max-nodes=1",
                  "--limits.body-size=64Ki", "--limits.inflated-size=256Ki").start()
    wait_until(lambda: c.ask("/startupz")[0] == 200)
    c.stop()

    def rename(one, other):
        with sqlite3.connect(folder + "/podfit.db", timeout=10) as db:
            db.execute(f"ALTER TABLE {one} RENAME TO {other}")
        db.close()

    rename("sealed", "sealed_away")  # reports are taken, and nothing can be merged
    c.start()
    for path in gets:
        errors.expect(c, 401, path)
        errors.expect(c, 403, path, headers=write)

    def post(want, body, headers=write, **more):
        errors.expect(c, want, "/v1/reports", method="post", body=body, headers={
            "Content-Type": "application/x-protobuf", "Content-Encoding": "gzip", **headers, **more})

    post(400, b"no gzip")
    post(401, packed(), headers={})
    post(403, packed(), headers=read)
    post(403, packed(), headers=other)
    post(413, gzip.compress(bytes(1 << 20)))
    post(415, packed(), **{"Content-Type": "text/plain"})
    post(422, packed(major=2))
    check("one node is taken", c.post(packed(), write)[0] == 200)
    # Now there is a report that is not merged.
    status, body, _ = c.ask("/startupz")
    check("not started before a first picture", status == 503 and b"merging" in body, (status, body))
    late = ("/v1/compare", "/v1/nodes/{cluster}/{node}")  # these two read reports, not the picture
    for path in gets:
        if "503" in document["paths"][path]["get"]["responses"] and path not in late:
            errors.expect(c, 503, path, headers=read)
    for path in late:
        check(f"{path} needs no picture", c.ask(example_of(path, document["paths"][path]["get"]), headers=read)[0] == 200)
    rename("reports", "reports_away")
    for path in late:
        errors.expect(c, 503, path, headers=read)
    post(503, packed(sequence=2))
    rename("reports_away", "reports")
    rename("sealed_away", "sealed")
    check("taken when it is sent again", c.post(packed(sequence=2), write)[0] == 200)
    for path in late:
        check(f"{path} is there again", c.ask(example_of(path, document["paths"][path]["get"]), headers=read)[0] == 200)
    post(429, packed(node="n2"))
    for path in ("/v1/recommendations", "/v1/workloads", "/v1/leaks"):
        for query in ("sort=x", "limit=0", "page=x", "verdict=X", "action=X", "kind=X", "filter=x%3D%3D", "node_classes=2"):
            errors.expect(c, 400, path, f"{path}?{query}", headers=read)
    for query in ("", "stable=a", "canary=b", "stable=x%3D%3D&canary=b", "stable=a&canary=b&window=x",
                  "stable=a&canary=b&window=90d", "stable=a&canary=b&mode=x", "stable=a&canary=b&fail_on=CONTINUE",
                  "stable=a&canary=b&filter=x%3D%3D"):
        errors.expect(c, 400, "/v1/compare", f"/v1/compare?{query}", headers=read)
    workload = "/v1/workloads/{cluster}/{namespace}/{kind}/{workload}/{container}"
    for target in ("/v1/workloads/c", "/v1/workloads/c/shop/Nothing/web/app", "/v1/workloads/%zz/a/Pod/c/d"):
        errors.expect(c, 400, workload, target, headers=read)
    for target in ("/v1/nodes/c/other", "/v1/nodes/c", "/v1/nodes/c/n1/x"):
        errors.expect(c, 404, "/v1/nodes/{cluster}/{node}", target, headers=read)
    wait_until(lambda: c.ask("/v1/fleet", headers=read)[0] == 200)
    errors.expect(c, 404, workload, example_of(workload, document["paths"][workload]["get"], {**KNOWN, "workload": "x"}),
                  headers=read)
    c.stop()
    # Those of probes are no JSON: see above, and collector_faults.py; 422 of fail_on is an answer, in collector_cli.py.
    elsewhere = {("/v1/compare", "get", "422"), ("/readyz", "get", "503"), ("/startupz", "get", "503")}
    check("all documented errors were made to happen", errors.missing() == elsewhere, errors.missing() ^ elsewhere)


POLICY = """apiVersion: podfit.io/v1
kind: Policy
prices: { currency: EUR, cpuCoreHour: 0.03, memoryGiBHour: 0.004 }
rules:
  - match: { workload: "checkout-api-*" }
    class: api-gateway
  - match: { workload: "postgres-*" }
    class: database
"""


def test_sums(folder):
    """Totals by namespace with quota advice, by workload class, DaemonSets by node class: added up here once more."""
    with open(folder + "/policy.yaml", "w") as f:
        f.write(POLICY)
    c = Collector(folder, f"--policy.file={folder}/policy.yaml").start()
    filled = subprocess.run([BUILD + "/fleet", f"--url={c.url}", "--nodes=6", "--containers=40", "--replicas=6", "--rounds=1",
                             "--round-minutes=50"], capture_output=True, text=True, timeout=120)
    check("a fleet reports", filled.returncode == 0, filled)
    fleet = c.wait_for("/v1/fleet", lambda d: d["nr_nodes"] == 6 and not d["merge_pending"] and d["nr_instances"] == 240)
    check("merged", fleet is not None, c.ask("/v1/fleet"))
    rows = json.loads(c.ask("/v1/recommendations?node_classes=true&limit=10000")[1])["recommendations"]
    names = json.loads(c.ask("/v1/workloads?node_classes=true&limit=10000")[1])["workloads"]
    check("the same lists", len(rows) == len(names) > 20, (len(rows), len(names)))

    def result_of(row):
        advice = row["recommendation"]
        return next((r for r in advice["results"] if r["policy"] == advice["policy"]), {})

    kinds = [("cpu", "cpu_request_millicores", 100), ("memory", "memory_request_bytes", 64 << 20)]
    spaces = json.loads(c.ask("/v1/namespaces")[1])["namespaces"]
    whole = [(row, name) for row, name in zip(rows, names) if "node_class" not in name]
    check("every namespace", {(s["cluster"], s["namespace"]) for s in spaces} ==
          {(name["cluster"], name["namespace"]) for _, name in whole})
    for space in spaces:
        inside = [row for row, name in whole if name["namespace"] == space["namespace"]]
        for kind, key, step in kinds:
            requested = sum(row["spec"].get(key, 0) * row["nr_instances"] for row in inside)
            advised = sum(result_of(row).get(kind, {}).get("target", row["spec"].get(key, 0)) * row["nr_instances"]
                          for row in inside)
            check(f"{space['namespace']}: {key} requested", space["requested"][key] == requested, (space, requested))
            check(f"{space['namespace']}: {key} advised", space["advised"][key] == advised, (space, advised))
            quota = -(-(advised + advised // 4) // step) * step
            check(f"{space['namespace']}: {key} of the quota", space["quota_advice"][key] == quota, (space, quota))
        money = sum(row["recommendation"]["savings"]["money_per_month"] for row in inside if "savings" in row["recommendation"])
        check(f"{space['namespace']}: saves", abs(space["savings"]["money_per_month"] - money) < 0.01 and
              space["savings"]["currency"] == "EUR", (space, money))
        for kind, limit in [("cpu", "cpu_limit_millicores"), ("memory", "memory_limit_bytes")]:
            bound = all(row["spec"].get(limit) or result_of(row).get(kind, {}).get("limit") for row in inside)
            check(f"{space['namespace']}: {limit} of the quota only where all have one",
                  (limit in space["quota_advice"]) == bound, space)
    classes = {k["class"]: k for k in fleet["classes"]}
    check("the policy's classes", set(classes) == {"", "api-gateway", "database"}, classes)
    for name, like in [("api-gateway", "checkout-api-"), ("database", "postgres-")]:
        inside = [row for row, _ in whole if row["workload"].startswith(like)]
        check(f"class {name}", classes[name]["nr_workloads"] == len(inside) > 0 and
              classes[name]["nr_instances"] == sum(row["nr_instances"] for row in inside), classes[name])
    check("classes add up to the fleet", abs(sum(k["savings"]["money_per_month"] for k in classes.values()) -
                                             fleet["savings"]["money_per_month"]) < 0.01 and
          sum(k["nr_instances"] for k in classes.values()) == fleet["nr_instances"], fleet)
    daemons = [name for name in names if name["kind"] == "DaemonSet"]
    for name in daemons:
        if "node_class" in name:
            continue
        parts = [n for n in daemons if "node_class" in n and n["workload"] == name["workload"]]
        check(f"{name['workload']} by class of node", len(parts) >= 2 and
              sum(n["nr_instances"] for n in parts) == name["nr_instances"] == 6, parts)
        page = c.ask(name["href"][3:])[1].decode()
        check(f"{name['workload']}: its page has them", "By class of node" in page and
              all(n["href"][3:] in page for n in parts), page[:300])
        for n in parts:
            status, body, _ = c.ask(n["href"])
            check(f"{n['href']}: only those instances", status == 200 and
                  len(json.loads(body)["instances"]) == n["nr_instances"], (status, body[:200]))
            status, body, _ = c.ask(n["href"][3:])
            check(f"{n['href'][3:]}: a page", status == 200 and n["node_class"].encode() in body, status)
    check("no others have classes", not [n for n in names if "node_class" in n and n["kind"] != "DaemonSet"])
    uneven = [name for name in names if "UNEVEN_REPLICAS" in name["verdicts"] and "node_class" not in name]
    check("uneven replicas are pointed out", uneven and all(n["workload"].startswith("thumbnails") for n in uneven), uneven)
    page = c.ask("/")[1].decode()
    check("the fleet's page", all(words in page for words in ["Workload classes", "api-gateway", "requests.cpu",
                                                               "uneven replicas", "a month"]))
    c.stop()


def main():
    tests = [("endpoints", test_endpoints), ("openapi", test_openapi), ("errors", test_errors), ("first picture", test_first_picture),
             ("oom classes", test_oom_classes), ("refusals", test_refusals), ("tokens", test_tokens),
             ("certificates", test_certificates), ("renewal", test_renewal), ("sums", test_sums), ("start", test_start), ("bytes", test_bytes), ("kill", test_kill)]
    if POSTGRES:
        tests = [("two collectors", lambda f: test_two_collectors(f, "postgres:" + POSTGRES)),
                 ("bytes", lambda f: test_bytes(f, "postgres:" + POSTGRES)),
                 ("kill", lambda f: test_kill(f, "postgres:" + POSTGRES))]
    return run(tests)


sys.exit(main())
