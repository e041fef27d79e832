#!/usr/bin/env python3
"""podfit report, explain, leaks and compare with a collector as their source, and progress on a terminal.

Usage: collector_cli.py BUILD_FOLDER      ends with "N passed, N failed, N skipped"
"""
import gzip
import json
import os
import pty
import select
import subprocess
import sys
import tempfile
import time

from collector_kit import BUILD, Collector, check, field, fixed, free_port, report, run

HOUR_NS = 3600 * 10**9


def podfit(*args):
    return subprocess.run([BUILD + "/podfit", *args], capture_output=True, text=True, timeout=90)


def on_terminal(*args):
    """With standard error a terminal. Return: exit code, standard output, what the terminal got."""
    ours, theirs = pty.openpty()
    data = tempfile.TemporaryFile("w+")  # not a pipe: it would have to be read at the same time
    process = subprocess.Popen([BUILD + "/podfit", *args], stdout=data, stderr=theirs)
    os.close(theirs)
    seen = b""
    while True:
        ready, _, _ = select.select([ours], [], [], 60)
        try:
            piece = os.read(ours, 4096) if ready else b""
        except OSError:  # closed by its end
            break
        if not piece:
            break
        seen += piece
    os.close(ours)
    code = process.wait(60)
    data.seek(0)
    return code, data.read(), seen.decode()


def ends(name, done, code, out=None, err=None):
    """Exit code, and what is in what it printed; @err None: nothing is said."""
    ok = done.returncode == code and (out is None or out in done.stdout)
    ok = ok and (err in done.stderr if err else not done.stderr)
    check(name, ok, (done.returncode, done.stdout[-600:], done.stderr))


def instance(node, track, hours, kills=0):
    """A report of one instance. @hours: (hour, CPU in cores) of hours it ran all through."""
    label = field(1, "track") + field(2, track)
    identity = (field(1, "shop") + field(2, f"cart-{node}") + field(4, "app") + field(7, 1) + field(8, "cart") +
                field(12, 1) + field(16, label))
    slices = b"".join(field(10, field(1, hour) + fixed(2, 7) + field(3, 1) + field(4, hour * HOUR_NS) + field(5, HOUR_NS) +
                            field(10, int(cores * HOUR_NS)) + field(50, 100 << 20) + field(61, kills) + field(63, 0))
                      for hour, cores in hours)
    return (field(1, 1) + field(3, "c") + field(4, node) + fixed(6, 7) + field(7, 1) + field(11, time.time_ns()) +
            field(18, field(1, identity) + field(2, node) + slices))


def test_compare(folder):
    c = Collector(folder).start()
    hour = time.time_ns() // HOUR_NS
    stable, canary = "--stable=label:track=stable", "--canary=label:track=canary"
    for i in range(4):
        # Before the canary came the load was another one: that hour must not count.
        c.post(gzip.compress(instance(f"s{i}", "stable", [(hour - 2, 0.9), (hour - 1, 0.2 + i / 1000)])))
        c.post(gzip.compress(instance(f"same{i}", "same", [(hour - 1, 0.2 + i / 990)])))
        c.post(gzip.compress(instance(f"c{i}", "canary", [(hour - 1, 0.6 + i / 1000)], kills=2)))
    c.post(gzip.compress(instance("late", "late", [(hour, 0.2)])))
    same = ["--stable=label:track=stable", "--canary=label:track=same"]
    url = f"--from={c.url}"
    ends("the same: CONTINUE", podfit("compare", url, *same), 0, "CONTINUE, confidence HIGH")
    ends("the same does not fail", podfit("compare", url, *same, "--fail-on=PAUSE"), 0, "CONTINUE")
    ends("worse: ROLLBACK", podfit("compare", url, stable, canary), 0, "ROLLBACK, confidence HIGH")
    ends("worse fails", podfit("compare", url, stable, canary, "--fail-on=ROLLBACK"), 3, "ROLLBACK")
    ends("worse fails on less too", podfit("compare", url, stable, canary, "--fail-on=PAUSE"), 3, "ROLLBACK")
    ends("baseline rules", podfit("compare", url, stable, canary, "--mode=baseline"), 0, "(mode baseline)")
    ends("a filter of both", podfit("compare", url, *same, "--filter=namespace=shop,workload=cart"), 0, "CONTINUE")
    table = podfit("compare", url, stable, canary).stdout
    check("figures have units", "CPU use: 602m, stable has 202m (+400m, 95 % interval +" in table and "cores" not in
          table.split("CPU use:")[1].split("\n")[0], table)
    check("kills by the hour", "OOM kills and restarts an hour: 2, stable has 0" in table, table)
    check("instances and hours", "4 stable and 4 canary instances" in table and "1 hour in which both ran" in table and
          "1 hour is left out" in table, table)
    done = podfit("compare", url, stable, canary, "-o", "json", "--window=4h")
    answer = json.loads(done.stdout)
    check("JSON and nothing else", done.returncode == 0 and not done.stderr and answer["verdict"] == "ROLLBACK", done)
    check("the hours compared", answer["nr_hours"] == 1 and answer["nr_hours_left_out"] == 1 and
          answer["from_unix_ns"] == (hour - 1) * HOUR_NS and answer["to_unix_ns"] == hour * HOUR_NS and
          answer["window_seconds"] == 4 * 3600, answer)
    cpu = [m for m in answer["measures"] if m["measure"] == "cpu_millicores"][0]
    check("of those hours only", abs(cpu["stable"] - 201.5) < 0.01 and abs(cpu["canary"] - 601.5) < 0.01, cpu)
    wait = [m for m in answer["measures"] if m["measure"] == "wait_ns_per_s"][0]
    check("what nobody knows is not measured", wait["outcome"] == "NOT_MEASURED" and "stable" not in wait, wait)
    status, body, _ = c.ask("/v1/compare?stable=label:track%3Dstable&canary=label:track%3Dcanary&fail_on=ROLLBACK")
    check("a web check sees 422", status == 422 and json.loads(body)["verdict"] == "ROLLBACK", (status, body))
    status, body, _ = c.ask("/v1/compare?stable=label:track%3Dstable&canary=label:track%3Dsame&fail_on=PAUSE")
    check("or 200", status == 200 and json.loads(body)["verdict"] == "CONTINUE", (status, body))
    page = c.ask("/compare?stable=label:track%3Dstable&canary=label:track%3Dcanary")[1].decode()
    check("the page says the same", "ROLLBACK" in page and "602m" in page and "left out" in page, page[-900:])
    ends("never in the same hour", podfit("compare", url, stable, "--canary=label:track=late"), 0,
         "did not run in the same hour")
    ends("nobody there", podfit("compare", url, stable, "--canary=label:track=none"), 1, "PAUSE",
         "no container that --canary=label:track=none names was seen")
    ends("a window beyond what is kept", podfit("compare", url, *same, "--window=30d"), 1, err="--retention.reports")
    c.stop()


FORMATS = {"table": "WORKLOAD", "json": "{", "yaml": "version", "csv": "cluster,", "html": "<!DOCTYPE html>",
           "patch": "kubectl patch", "vpa": "VerticalPodAutoscaler", "kustomize": "resources", "helm-values": "resources"}


def test_report(folder):
    c = Collector(folder, "--merge.interval=300ms").start()
    filled = subprocess.run([BUILD + "/fleet", f"--url={c.url}", "--nodes=3", "--containers=24", "--hours=3", "--seed=5"],
                            capture_output=True, text=True, timeout=120)
    check("filled", filled.returncode == 0, filled)
    found = c.wait_for("/v1/workloads?limit=500", lambda d: d["total"] > 10, 20)
    url = f"--from={c.url}"
    for form in FORMATS:
        done = podfit("report", url, "-o", form)
        check(f"report -o {form}", done.returncode == 0 and not done.stderr and done.stdout, (done.returncode, done.stderr))
        if form == "json":
            json.loads(done.stdout)
        if form == "csv":
            lines = done.stdout.splitlines()
            check("a line for each", len(lines) == found["total"] + 1 and len({l.count(",") for l in lines}) == 1, lines[:3])
        if form == "html":
            check("a whole page", done.stdout.startswith("<!DOCTYPE html>") and "</html>" in done.stdout)
    verdicts = {v for w in found["workloads"] for v in w["verdicts"]}
    have, lack = next(iter(verdicts)), next(v for v in ["SWAPPING", "IO_BOUND", "RESTARTING", "MEMORY_LEAK", "IDLE",
                                                        "OOM_KILLED", "BURST_ADVISED", "CPU_THROTTLED"]
                                            if v not in verdicts and podfit("report", f"--fail-on={v}", "--help").returncode == 0)
    ends(f"--fail-on={have} finds it", podfit("report", url, f"--fail-on={have}"), 3)
    ends(f"--fail-on={lack} does not", podfit("report", url, f"--fail-on={lack}"), 0)
    one = found["workloads"][0]
    done = podfit("report", url, "-o", "csv", f"--filter=workload={one['workload']}")
    check("a filter", 2 <= len(done.stdout.splitlines()) < found["total"], done.stdout)
    ends("explain", podfit("explain", url, f"{one['namespace']}/{one['workload']}/{one['container']}"), 0, one["workload"])
    ends("explain what is not there", podfit("explain", url, "nobody/nothing"), 1, err="no container is called")
    leaking = json.loads(c.ask("/v1/leaks")[1])["total"]
    done = podfit("leaks", url, "-o", "json")
    check("leaks as JSON", done.returncode == 0 and not done.stderr and json.loads(done.stdout)["total"] == leaking, done)
    done = podfit("leaks", url)
    check("leaks as a table", done.returncode == 0 and not done.stderr and
          (done.stdout.count("grows by") == leaking or "No leak" in done.stdout), done)
    ends("a wrong filter", podfit("report", url, "--filter=x=="), 2, err="filter")
    c.stop()
    for command in (["report"], ["leaks"], ["explain", "x"], ["compare", "--stable=a", "--canary=b"]):
        ends(f"{command[0]}: nobody there", podfit(command[0], f"--from=http://127.0.0.1:{free_port()}", *command[1:]), 1,
             err="127.0.0.1")


def test_access(folder):
    for name in ("reader", "writer"):
        with open(f"{folder}/{name}", "w") as f:
            f.write(f"{name}-token-0123456789\n")
    with open(folder + "/tokens", "w") as f:
        f.write("reader-token-0123456789 read\nwriter-token-0123456789 write\n")
    c = Collector(folder, f"--auth.token-file={folder}/tokens").start()
    url = f"--from={c.url}"
    for command in (["report"], ["leaks"], ["explain", "x"], ["compare", "--stable=a", "--canary=b"]):
        ends(f"{command[0]}: no token", podfit(command[0], url, *command[1:]), 1, err="401")
        ends(f"{command[0]}: a writer's token", podfit(command[0], url, f"--token-file={folder}/writer", *command[1:]), 1,
             err="403")
    ends("a reader's token", podfit("report", url, f"--token-file={folder}/reader"), 0)
    ends("no such token file", podfit("report", url, f"--token-file={folder}/none"), 1, err="none")
    c.stop()


def test_progress(folder):
    """On a terminal a wait is told and the line taken away again; elsewhere nothing is said; data stays data."""
    c = Collector(folder, "--merge.interval=4s").start()
    c.wait_for("/v1/workloads", lambda d: True)  # its first merge, of nothing
    c.post(gzip.compress(instance("n1", "stable", [(time.time_ns() // HOUR_NS, 0.2)])))
    code, out, seen = on_terminal("report", f"--from={c.url}", "-o", "json")
    check("waits for the first merge", code == 0 and "cart" in out and json.loads(out), (code, out[:300], seen))
    check("and says so", "waiting: " in seen and "not merged yet" in seen and seen.endswith("\r\x1b[K"), repr(seen))
    c.stop()
    c = Collector(folder, "--merge.interval=4s", store=f"sqlite:{folder}/two.db").start()
    c.wait_for("/v1/workloads", lambda d: True)
    c.post(gzip.compress(instance("n1", "stable", [(time.time_ns() // HOUR_NS, 0.2)])))
    done = podfit("explain", f"--from={c.url}", "cart")
    check("without a terminal: in silence", done.returncode == 0 and "cart" in done.stdout and not done.stderr, done)
    c.stop()
    os.mkdir(folder + "/reports")
    for i in range(300):
        raw = instance(f"n{i}", "stable", [(time.time_ns() // HOUR_NS, 0.2)])
        with open(f"{folder}/reports/{i}.pb", "wb") as f:
            f.write(bytes([len(raw) & 127 | 128, len(raw) >> 7]) + raw)
    code, out, seen = on_terminal("report", f"--from={folder}/reports", "-o", "csv")
    check("a folder of reports", code == 0 and out.count("cart") == 300, (code, out[:200], seen))
    check("is told while it is read", "file " in seen and seen.endswith("\r\x1b[K"), repr(seen[-200:]))
    with open(folder + "/series.csv", "w") as f:
        f.write("series_id,unix_seconds,cpu_cores,memory_bytes\n")
        for series in range(20):
            f.writelines(f"s{series},{i * 300},{0.1 + i % 7 / 100},{(100 + i % 11) << 20}\n" for i in range(600))
    code, out, seen = on_terminal("backtest", folder + "/series.csv", "-o", "csv")
    check("a backtest", code == 0 and out.startswith("series_id,") and "rows" not in out, (code, out[:200], seen[-300:]))
    check("is told series by series", "series 1, 600 rows" in seen and "\r\x1b[K" in seen, repr(seen[-300:]))


sys.exit(run([("compare", test_compare), ("report", test_report), ("access", test_access), ("progress", test_progress)]))
