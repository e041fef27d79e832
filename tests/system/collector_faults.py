#!/usr/bin/env python3
"""The collector when things go wrong around it: disk, clocks, versions, slow and hostile clients.

Usage: collector_faults.py BUILD_FOLDER      ends with "N passed, N failed, N skipped"
"""
import gzip
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import time

from collector_kit import (BUILD, Collector, check, field, fixed, packed, report, run, skip, stored_sequences, varint,
                           wait_until)

HOUR_S = 3600


def metric(c, name):
    """Sum over the labels of a metric whose line begins with @name."""
    lines = c.ask("/metrics")[1].decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if re.match(re.escape(name) + r"[ {]", line) or
               line.startswith(name + " "))


def error_of(body):
    return json.loads(body)["error"]


# ---- disk ----

def test_full_disk(folder):
    """Full: refused with a reason and a time to come again; space comes back: taken again."""
    if os.geteuid() != 0:
        skip("a full disk needs root, for a small tmpfs")
        return
    small = folder + "/small"
    os.mkdir(small)
    c = Collector(folder, store=f"sqlite:{small}/podfit.db")
    # In a mount namespace of its own, so that nothing of it is seen outside.
    c.start(["unshare", "-m", "sh", "-c", f"mount -t tmpfs -o size=8m none {small} && exec \"$@\"", "sh"])
    inside = f"/proc/{c.process.pid}/root{small}"
    with open(inside + "/filler", "wb") as f:
        f.write(bytes(2 << 20))
    taken_before, noise = 0, os.urandom(100000).hex()
    for i in range(200):
        status, answer, headers = c.post(gzip.compress(report(node=f"n{i}") + field(17, field(1, noise))))
        if status != 200:
            break
        taken_before += 1
    check("a full disk is 503", status == 503 and "disk is full" in error_of(answer), (status, answer))
    check("after some reports", taken_before > 5, taken_before)
    check("with Retry-After", headers.get("Retry-After") == "30", headers)
    check("not ready, and says why", c.ask("/readyz")[0] == 503 and b"full" in c.ask("/readyz")[1], c.ask("/readyz"))
    check("but alive, and answers", c.ask("/livez")[0] == 200 and c.ask("/v1/nodes")[0] == 200)
    check("counted", metric(c, 'podfit_collector_reports_total{result="not_stored"}') >= 1 and
          metric(c, "podfit_collector_store_up") == 0, c.ask("/metrics"))
    os.unlink(inside + "/filler")

    def taken():
        return c.post(packed(node="later", sequence=2))[0] == 200

    check("taken again when there is space", wait_until(taken, 40))
    check("ready again", c.ask("/readyz")[0] == 200 and metric(c, "podfit_collector_store_up") == 1)
    c.kill()


def test_full_disk_kept(folder):
    """As above, but the file system outlives the collector: after kill -9 in the middle all that was acknowledged is there."""
    if os.geteuid() != 0:
        skip("a full disk needs root, for a small tmpfs")
        return
    small = folder + "/small"
    os.mkdir(small)
    # Two collectors in one namespace, one after the other.
    c = Collector(folder, store=f"sqlite:{small}/podfit.db")
    script = (f"mount -t tmpfs -o size=6m none {small} && \"$@\"; echo $? >{folder}/first; exec \"$@\"")
    c.spawn(["unshare", "-m", "sh", "-c", script, "sh"])
    check("started", wait_until(lambda: answers(c)))
    acknowledged, noise = {}, os.urandom(100000).hex()
    for i in range(200):
        status = c.post(gzip.compress(report(node=f"n{i}") + field(17, field(1, noise))))[0]
        if status != 200:
            break
        acknowledged[f"n{i}"] = 1
    child = int(open(f"/proc/{c.process.pid}/task/{c.process.pid}/children").read().split()[0])
    os.kill(child, 9)
    check("the first one was killed", wait_until(lambda: os.path.exists(folder + "/first")))
    check("the next one starts on the full disk", wait_until(lambda: answers(c)), open(folder + "/log").read())
    c.wait_for("/v1/nodes", lambda d: d["total"] >= len(acknowledged), 20)
    stored = stored_sequences(c)
    lost = [node for node in acknowledged if node not in stored]
    check("nothing acknowledged is lost", len(acknowledged) > 5 and not lost, lost)
    c.kill()


def answers(c):
    try:
        return c.ask("/livez")[0] == 200
    except OSError:
        return False


def test_damaged_file(folder):
    """A file that is no sound database is set aside and reported; a new one begins. One that never was a database
    is refused and left alone."""
    foreign = folder + "/notes.txt"
    with open(foreign, "w") as f:
        f.write("not a database\n" * 100)
    done = subprocess.run([BUILD + "/podfit-collector", "--store=sqlite:" + foreign, "--web.listen-address=127.0.0.1:0"],
                          capture_output=True, text=True, timeout=60)
    check("foreign file refused", done.returncode == 1 and "name another file" in done.stderr, done)
    check("foreign file left alone", open(foreign).read() == "not a database\n" * 100 and
          sorted(os.listdir(folder)) == ["notes.txt"], os.listdir(folder))
    with open(folder + "/podfit.db", "wb") as f:
        f.write(b"SQLite format 3\0" + os.urandom(65536))
    c = Collector(folder).start()
    log = open(folder + "/log").read()
    check("said in the log", "podfit.db" in log and "level=error" in log, log)
    aside = [name for name in os.listdir(folder) if name.startswith("podfit.db") and
             name not in ("podfit.db", "podfit.db-wal", "podfit.db-shm")]
    check("set aside", aside, os.listdir(folder))
    check("goes on", c.post(packed())[0] == 200)
    c.stop()


# ---- numbers that no machine has ----

HUGE = [2**64 - 1, 2**64 - 2, 2**63, 2**63 - 1, 2**62, 0]
DOUBLES = [0x7FF8000000000000, 0x7FF0000000000000, 0xFFF0000000000000, 0x7FEFFFFFFFFFFFFF, 0xFFEFFFFFFFFFFFFF,
           0xBFF0000000000000]  # NaN, infinities, the largest, -1
SLICE_COUNTS = [10, 11, 12, 13, 16, 17, 18, 19, 20, 21, 23, 25, 30, 31, 32, 37, 39, 50, 51, 52, 56, 58, 59, 60, 61, 62, 63, 64]


def hostile(node, value, double, instance):
    """A report that is well-formed, with @value as every number and @double as every fraction."""
    hour = time.time_ns() // (HOUR_S * 10**9)
    resources = b"".join(field(n, value) for n in (2, 3, 4, 5))
    now = b"".join(field(n, value) for n in (*range(1, 15), 17, 19, 20)) + fixed(18, double)
    piece = (field(1, hour) + fixed(2, 7) + field(3, 1) + field(4, hour * HOUR_S * 10**9) + field(5, 1800 * 10**9) +
             b"".join(field(n, value) for n in SLICE_COUNTS) + b"".join(fixed(n, double) for n in (53, 54, 55)) +
             field(70, field(2, value) + field(3, value) + field(4, value) +
                   field(5, field(1, value) + field(2, value))))
    leak = (field(1, 2) + field(2, 3) + b"".join(field(n, value) for n in (3, 4, 8, 9, 10, 11, 15, 16)) +
            b"".join(fixed(n, double) for n in (5, 6, 7, 14)))
    identity = (field(1, "shop") + field(2, "web-1") + field(4, "app") + field(7, 1) + field(8, "web") +
                field(11, 2**32 - 1) + field(12, 1))
    container = (field(1, identity) + field(2, instance) + b"".join(field(n, field(1, 1) + resources) for n in (3, 4, 5)) +
                 field(7, value) + field(9, now) + field(10, piece) + field(12, leak))
    cost = b"".join(field(n, value) for n in (1, 2, 3, 5, 6, 7)) + fixed(8, double)
    kill = field(1, value) + field(3, "shop") + field(5, "app") + field(6, "web") + field(7, 1) + fixed(17, double) + \
        b"".join(field(n, value) for n in (10, 11, 14, 15, 16, 18, 19))
    return (field(1, 1) + field(3, "c") + field(4, node) + fixed(6, 7) + field(7, 1) + field(10, value) +
            field(11, time.time_ns()) + field(12, 2**32 - 1) + field(13, value) + field(18, container) +
            field(19, kill) + field(20, field(1, "x") + field(2, value)) * 2 + field(21, cost) + fixed(23, double) +
            field(24, value) + field(25, value))


def test_hostile_numbers(folder):
    """Well-formed reports of impossible numbers, alone and together: every answer stays well-formed, and nothing dies."""
    c = Collector(folder).start()
    check("none yet", metric(c, "podfit_collector_impossible_numbers_total") == 0)
    nr = 0
    for value in HUGE:
        for double in DOUBLES:
            for copy in range(2):
                nr += 1
                c.post(gzip.compress(hostile(f"n{nr}", value, double, f"i{nr}"), 1))
    c.post(packed(node="healthy", instance="healthy"))
    check("merged", c.wait_for("/v1/fleet", lambda d: d["nr_workloads"] == 1 and not d["merge_pending"], 30) is not None,
          c.ask("/v1/fleet"))

    def refuse(word):
        raise ValueError(word)

    page = "/workloads/c/shop/Deployment/web/app"
    for path in ["/v1/fleet", "/v1/nodes", "/v1/namespaces", "/v1/leaks", "/v1/workloads", "/v1/recommendations",
                 "/v1" + page, "/v1/nodes/c/n1", "/v1/compare?stable=node%3Dn1&canary=node%3Dn2&mode=baseline",
                 "/v1/compare?stable=n1&canary=n2"]:
        status, body, _ = c.ask(path)
        try:
            json.loads(body, parse_constant=refuse)
            good = status == 200
        except ValueError as error:
            good = False
            body = str(error).encode() + body
        check(f"{path} is JSON without NaN", good, (status, body[:300]))
    for path in ["/", "/nodes", page, "/metrics", "/v1/recommendations?format=csv", "/v1/recommendations?format=vpa",
                 "/v1/recommendations?format=protobuf", "/v1/recommendations?sort=-savings", "/compare?stable=n1&canary=n2"]:
        status, body, _ = c.ask(path)
        check(f"{path} answers", status == 200 and body, (status, body[:200]))
    fleet = json.loads(c.ask("/v1/fleet")[1])
    check("what was not used is counted", metric(c, "podfit_collector_impossible_numbers_total") >= 1)
    check("sums do not turn over", all(-2**62 < value < 2**62 for key, value in fleet.items() if isinstance(value, int)),
          fleet)
    check("alive", c.process.poll() is None and c.stop() == 0, open(folder + "/log").read()[-3000:])


# ---- clocks ----

def test_clocks(folder):
    """Nodes whose clocks are off: bounded, counted, shown, and no harm to the others."""
    c = Collector(folder).start()
    now = time.time_ns()

    def post(node, ahead_s):
        at = now + ahead_s * 10**9
        return c.post(packed(node=node, instance=node, end=at, hour=at // (HOUR_S * 10**9)))

    check("right", post("right", 0)[0] == 200)
    check("5 h ahead is taken", post("ahead", 5 * HOUR_S)[0] == 200)
    check("3 h behind is taken", post("behind", -3 * HOUR_S)[0] == 200)
    status, body, _ = post("far", 30 * HOUR_S)
    check("30 h ahead is refused, with both names for it", status == 422 and
          "clock of node far" in error_of(body) and "ahead" in error_of(body), (status, body))
    status, body, _ = post("old", -90 * HOUR_S)
    check("90 h behind is acknowledged and dropped", status == 200 and json.loads(body)["result"] == "too_old", body)
    check("both are counted", metric(c, 'podfit_collector_reports_total{result="clock"}') == 1 and
          metric(c, 'podfit_collector_reports_total{result="too_old"}') == 1)
    nodes = c.wait_for("/v1/nodes", lambda d: d["total"] == 3)
    check("the refused are no nodes", nodes is not None, c.ask("/v1/nodes"))
    skew = {n["node"]: n["clock_skew_seconds"] for n in nodes["nodes"]} if nodes else {}
    for node, want in [("right", 0), ("ahead", 5 * HOUR_S), ("behind", -3 * HOUR_S)]:
        check(f"{node}: skew", abs(skew.get(node, 1e9) - want) < 60, skew)
    check("clocks off as a metric", metric(c, "podfit_collector_nodes_clock_off") == 2)
    page = c.ask("/nodes")[1].decode()
    check("shown on the page", re.search(r"clock (5 h|4 h 59 min[^<]*) ahead", page) and
          re.search(r"clock 3 h[^<]* behind", page), re.findall(r"clock [^<]*", page))
    fleet = c.wait_for("/v1/fleet", lambda d: d["nr_workloads"] == 1)
    check("one workload of all three", fleet is not None, c.ask("/v1/fleet"))
    # The one that is right still counts as it is: an hour's CPU in an hour.
    seen = c.wait_for("/v1/workloads/c/shop/Deployment/web/app", lambda d: any(
        i["node"] == "right" and abs(i["usage_mean_millicores"] - 1000) < 1 for i in d["instances"]))
    check("the others are not disturbed", seen is not None)
    # It is set right: the next report of that node says so, and the mark goes.
    check("set right", c.post(packed(node="ahead", instance="ahead", sequence=2))[0] == 200)
    check("the mark goes", metric(c, "podfit_collector_nodes_clock_off") == 1)
    c.stop()


# ---- versions ----

def test_versions(folder):
    """Agents of other versions at once: fields that are missing are unknown, fields that are new are passed over."""
    c = Collector(folder).start()
    new = (report(node="new", instance="new", usage=1800 * 10**9) + field(2, 99) + field(900, b"what this will be") +
           varint(901 << 3) + varint(2**63) + varint(902 << 3 | 5) + b"\1\2\3\4" + fixed(903, 7))
    # Neither usage nor memory; no end of the interval beyond the report's own.
    now = time.time_ns()
    piece = field(1, now // (HOUR_S * 10**9)) + fixed(2, 7) + field(3, 1) + field(4, now) + field(5, HOUR_S * 10**9)
    identity = field(1, "shop") + field(2, "web-2") + field(4, "app") + field(7, 1) + field(8, "web")
    old = (field(1, 1) + field(3, "c") + field(4, "old") + fixed(6, 7) + field(7, 1) + field(11, now) +
           field(18, field(1, identity) + field(2, "old") + field(10, piece)))
    check("of a newer agent", c.post(gzip.compress(new))[0] == 200)
    check("of an older agent", c.post(gzip.compress(old))[0] == 200)
    status, body, _ = c.post(packed(node="next", major=2))
    check("of the next schema: refused, and who has to move", status == 422 and "collector" in error_of(body), body)
    path = "/v1/workloads/c/shop/Deployment/web/app"
    seen = c.wait_for(path, lambda d: len(d["instances"]) == 2)
    check("both are instances of one workload", seen is not None, c.ask(path))
    if seen:
        point = seen["history"][-1]
        check("the mean is of those who know", abs(point["usage_mean_millicores"] - 500) < 1, point)
        check("nobody knows of kills", "oom_kills" not in point and "throttled_ratio" not in point, point)
        of_old = [i for i in seen["instances"] if i["node"] == "old"][0]
        check("unknown is absent, not 0", "usage_mean_millicores" not in of_old, of_old)
    body = c.ask("/v1/nodes/c/new", headers={"Accept": "application/x-protobuf"})[1]
    check("the report can be had again", body and b"new" in body)
    check("pages too", c.ask("/workloads/c/shop/Deployment/web/app")[0] == 200 and c.ask("/")[0] == 200)
    c.stop()


# ---- before the first merge ----

def test_not_merged(folder):
    """Between the first report and its merge nothing says that there is nothing."""
    c = Collector(folder, "--merge.interval=4s").start()
    check("an empty collector is empty", c.wait_for("/v1/workloads", lambda d: d["total"] == 0) is not None)
    check("and says so on its page", b"no agent has reported yet" in c.ask("/")[1])
    check("report", c.post(packed())[0] == 200)
    for path in ["/v1/workloads", "/v1/recommendations", "/v1/leaks", "/v1/fleet", "/v1/namespaces",
                 "/v1/workloads/c/shop/Deployment/web/app"]:
        status, body, headers = c.ask(path)
        check(f"{path} is not merged yet", status == 503 and "not merged" in error_of(body) and
              headers.get("Retry-After") == "1", (status, body))
    for path in ["/", "/workloads/c/shop/Deployment/web/app"]:
        status, body, headers = c.ask(path)
        check(f"{path}: a page that comes again", status == 503 and b'http-equiv="refresh"' in body and
              headers["Content-Type"].startswith("text/html") and "Retry-After" in headers, (status, body[-400:]))
    check("the node is known at once", b"n1" in c.ask("/v1/nodes")[1] and b"n1" in c.ask("/nodes")[1])
    check("merged soon", c.wait_for("/v1/workloads", lambda d: d["total"] == 1) is not None)
    c.post(packed(workload="other", instance="i2", sequence=2))
    status, body, _ = c.ask("/v1/workloads/c/shop/Deployment/other/app")
    check("a later one: 404 that says what is to come", status == 404 and "not merged yet" in error_of(body), body)
    check("lists say so too", json.loads(c.ask("/v1/workloads")[1])["merge_pending"] is True and
          c.ask("/v1/recommendations?format=csv")[2].get("X-Podfit-Merge-Pending") == "true")
    check("until it is merged", c.wait_for("/v1/workloads", lambda d: d["total"] == 2 and not d["merge_pending"]))
    c.stop()


# ---- clients ----

def test_slow_clients(folder):
    """Clients that hardly send: they hold nobody up, give way, are cut off, and are counted."""
    c = Collector(folder, "--limits.max-connections=8").start()
    body = packed(node="slow")
    slow = []
    for i in range(8):
        s = socket.create_connection(("127.0.0.1", c.port))
        s.sendall(b"POST /v1/reports HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\n" +
                  (b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) if i % 2 else b""))
        slow.append(s)
    time.sleep(2.2)  # idle for long enough to give way
    check("reports are taken meanwhile", all(c.post(packed(node=f"quick{i}"))[0] == 200 for i in range(4)))
    check("the slow gave way", metric(c, 'podfit_collector_http_refused_total{reason="evicted"}') >= 1)
    for s in slow:
        s.close()
    # One that sends a byte now and then is within every timeout between bytes, but not in all.
    s = socket.create_connection(("127.0.0.1", c.port))
    s.settimeout(0.2)
    s.sendall(b"POST /v1/reports HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\n"
              b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body))
    began, cut = time.monotonic(), None
    for i in range(len(body) - 1):
        try:
            s.sendall(body[i:i + 1])
            if s.recv(100) == b"":
                cut = time.monotonic() - began
        except TimeoutError:
            pass
        except OSError:
            cut = time.monotonic() - began
        if cut or time.monotonic() - began > 60:
            break
        time.sleep(0.8)
    check("a drip is cut off after half a minute", cut and 20 < cut < 45, cut)
    check("and counted", metric(c, 'podfit_collector_http_refused_total{reason="slow"}') == 1)
    check("nothing of it is stored", b"slow" not in c.ask("/v1/nodes")[1])
    c.stop()


def test_early_scrapes(folder):
    """Asked for metrics in the very moment in which it begins to serve: it answers and lives."""
    lived = 0
    for _ in range(10):
        c = Collector(folder, "--web.threads=16")
        c.spawn(())
        answer, end = b"", time.monotonic() + 10
        while not answer and time.monotonic() < end and c.process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", c.port), 1) as s:
                    s.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
                    answer = s.recv(12)
            except OSError:
                pass
        lived += c.stop() == 0 and answer == b"HTTP/1.1 200"
    check("metrics at once after the start", lived == 10, f"{lived} of 10")


def test_bombs(folder):
    """Bodies that grow a thousandfold: refused, and memory stays bounded while many come at once."""
    c = Collector(folder, "--limits.inflated-size=32Mi", "--limits.body-size=1Mi", "--limits.decoded-size=64Mi").start()
    plain = gzip.compress(bytes(256 << 20), 9)
    many = gzip.compress(bytes(4 << 20), 9) * 40  # members, each below the limit
    empties = gzip.compress(report() + field(18, b"") * 5000000)
    deep = report()
    for _ in range(3000):
        deep = field(18, deep)
    for name, body, want in [("one member", plain, (413,)), ("many members", many, (413,)),
                             ("empty messages", empties, (413,)), ("nested", gzip.compress(deep), (400, 413))]:
        status, answer, _ = c.post(body)
        check(f"{name}: {want}", status in want and error_of(answer), (status, answer[:200]))
    connections = [http.client.HTTPConnection("127.0.0.1", c.port, timeout=60) for _ in range(24)]
    for i, connection in enumerate(connections):
        connection.request("POST", "/v1/reports", (plain, many, empties)[i % 3],
                           {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"})
    statuses = {connection.getresponse().status for connection in connections}
    check("all of many at once are refused", statuses <= {413, 503}, statuses)
    peak_kib = int(re.search(r"VmHWM:\s+(\d+)", open(f"/proc/{c.process.pid}/status").read()).group(1))
    # Two threads, each with at most what a report may be inflated and decoded to, and the rest of the program.
    check("memory is bounded", peak_kib < (2 * (32 + 64) + 100) << 10, f"{peak_kib} KiB")
    check("and a report is taken after", c.post(packed())[0] == 200)
    c.stop()


sys.exit(run([("full disk", test_full_disk), ("full disk, kept", test_full_disk_kept), ("damaged file", test_damaged_file),
              ("clocks", test_clocks), ("versions", test_versions), ("not merged", test_not_merged),
              ("slow clients", test_slow_clients), ("early scrapes", test_early_scrapes),
              ("bombs", test_bombs), ("hostile numbers", test_hostile_numbers)]))
