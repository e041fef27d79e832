#!/usr/bin/env python3
"""Compares what an agent said of the zoo's processes with what they are.

usage: check.py REPORTS.json GROUP-PREFIX RC DIR BEHAVIOUR...
RC: how agent and decoding ended; DIR: of the files ended-BEHAVIOUR, which hold when it was killed; -: not known. A leak that is not called on a machine that
left the agent without samples is skipped, with the figures; an innocent that is called never.
"""
import json
import os
import sys

# What each leak must be called; the function, where a stack must name it.
LEAKS = {
    "malloc": ("KIND_ANON", "zoo_forget_malloc"),
    "mmap": ("KIND_ANON", "zoo_forget_mmap"),
    "threads": ("KIND_ANON", None),
    "forks": ("KIND_ANON", None),
    "shmem": ("KIND_SHMEM", None),
    "sockets": ("KIND_SOCK", None),
    "semaphores": ("KIND_SLAB", None),
    "demo": ("KIND_ANON", "session_remember"),
}
# Killed when the limit is reached, and the only process.
FORETOLD = ("malloc", "mmap", "shmem", "demo")
# What the process holds open, where the memory is none of its own.
HELD = {"shmem": "memory_file_bytes", "sockets": "nr_sockets"}
path, group, rc, ends, behaviours = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], sys.argv[5:]
passed = failed = 0
skipped = int(os.environ.get("SKIPPED", 0))  # by who calls this
starved = ""  # why a leak that was not called says nothing


def check(name, ok, detail=""):
    global passed, failed, skipped
    if not ok and starved and name.split()[0].rstrip(":") in LEAKS:
        skipped += 1
        print("SKIPPED " + name + ": not so, but " + starved)
        return
    passed, failed = passed + bool(ok), failed + (not ok)
    print(("ok      " if ok else "FAILED  ") + name + ("" if ok else ": " + str(detail)))


def starvation(ends_s, nominal_s):
    """A machine that has no time for the agent takes no samples: how much of the run passed so, if it is too much."""
    gaps = [b - a for a, b in zip(ends_s, ends_s[1:])]
    lost = sum(gap for gap in gaps if gap > 3 * nominal_s)
    if lost < 0.3 * sum(gaps):
        return ""
    return "for %.0f of %.0f s reports came more than %.0f s apart, not %.0f" % (lost, sum(gaps), 3 * nominal_s, nominal_s)


def foretold(what):
    """The intervals of all reports between alarm and kill: most of them (they are for 90 %), the first and the last."""
    try:
        end = float(open(ends + "/ended-" + what).read())
    except OSError:
        check(what + " is killed", False, "it still runs")
        return
    told = [(at, (leak["eta_low_unix_ns"] / 1e9 - end, leak["eta_unix_ns"] / 1e9 - end, leak["eta_high_unix_ns"] / 1e9 - end))
            for at, leak in alarms[what] if at < end - 1]
    hits = [low <= 0 <= high for _, (low, _, high) in told]
    detail = ["%.1f s before: %+.2f %+.2f %+.2f" % ((end - at,) + errors) for at, errors in told]
    check(what + ": killed when it was foretold (%d of %d reports)" % (sum(hits), len(hits)),
          len(hits) >= 3 and sum(hits) >= 0.9 * len(hits), detail)
    if told:
        at, (low, middle, high) = told[0]
        print("        %s: %.1f s before: %+.2f s (%+.2f to %+.2f)" % (what, end - at, middle, low, high))


alarm, alarms, seen, suspect = {}, {}, {}, set()
ends_s, nominal_s = [], 1.0
for line in open(path):
    report = json.loads(line)
    ends_s.append(report["end_unix_ns"] / 1e9)
    nominal_s = 60 / report.get("time_scale", 1)
    for c in report.get("containers", []):
        text = json.dumps(c.get("identity", {})) + c.get("instance", "")
        if group not in text:
            continue
        what = text.split(group + "-")[1].split('"')[0].split("@")[0].split("/")[0]
        seen.setdefault(what, []).append(c)
        leak = c.get("leak") or {}
        if leak.get("state") == "LEAK_ALARM":
            alarm[what] = leak
            alarms.setdefault(what, []).append((report["end_unix_ns"] / 1e9, leak))
        if leak.get("state") == "LEAK_SUSPECT":
            suspect.add(what)


def last(what):
    """For a failure: what was seen of it last."""
    if what not in seen:
        return "never seen"
    now = seen[what][-1].get("now", {})
    return "seen %d times, suspect %s, last %s" % (len(seen[what]), what in suspect, json.dumps(now)[:700])


starved = starvation(ends_s, nominal_s)
check("agent and decode end well", rc == 0, rc)
for what in behaviours:
    if what not in LEAKS:
        check(what + " is seen and not called", what in seen and what not in alarm, alarm.get(what))
        continue
    kind, function = LEAKS[what]
    leak = alarm.get(what)
    check(what + " is called", leak, last(what))
    if not leak:
        continue
    check(what + ": kind", leak.get("kind") == kind, leak)
    check(
        what + ": exhaustion in its interval",
        leak["eta_low_unix_ns"] <= leak["eta_unix_ns"] <= leak["eta_high_unix_ns"],
        leak,
    )
    if ends != "-" and what in FORETOLD:
        foretold(what)
    processes = leak.get("processes") or [{}]
    if what in HELD:
        check(what + ": who holds it", processes[0].get("comm") == "zoo" and processes[0].get(HELD[what], 0) > 100, processes)
    if function:
        comm = "leaking" if what == "demo" else "zoo"
        check(what + ": process", processes[0].get("comm") == comm, processes)
        first = (leak.get("stacks") or [{}])[0]
        names = [f.get("symbol") for f in first.get("frames", [])]
        check(what + ": stack", function in names, names or leak.get("stacks_note"))
print("%d passed, %d failed, %d skipped" % (passed, failed, skipped))
sys.exit(failed > 0)
