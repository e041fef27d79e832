#!/usr/bin/env python3
"""Compares what an agent said of the zoo's processes with what they are.

usage: check.py REPORTS.json GROUP-PREFIX RC BEHAVIOUR...   (RC: how agent and decoding ended)
"""
import json
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
}
path, group, rc, behaviours = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4:]
passed = failed = 0


def check(name, ok, detail=""):
    global passed, failed
    passed, failed = passed + bool(ok), failed + (not ok)
    print(("ok      " if ok else "FAILED  ") + name + ("" if ok else ": " + str(detail)))


alarm, seen, suspect = {}, {}, set()
for line in open(path):
    report = json.loads(line)
    for c in report.get("containers", []):
        text = json.dumps(c.get("identity", {})) + c.get("instance", "")
        if group not in text:
            continue
        what = text.split(group + "-")[1].split('"')[0].split("@")[0].split("/")[0]
        seen.setdefault(what, []).append(c)
        leak = c.get("leak") or {}
        if leak.get("state") == "LEAK_ALARM":
            alarm[what] = leak
        if leak.get("state") == "LEAK_SUSPECT":
            suspect.add(what)


def last(what):
    """For a failure: what was seen of it last."""
    if what not in seen:
        return "never seen"
    now = seen[what][-1].get("now", {})
    return "seen %d times, suspect %s, last %s" % (len(seen[what]), what in suspect, json.dumps(now)[:700])


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
    if function:
        comms = [p["comm"] for p in leak.get("processes", [])]
        check(what + ": process", comms[:1] == ["zoo"], leak.get("processes"))
        first = (leak.get("stacks") or [{}])[0]
        names = [f.get("symbol") for f in first.get("frames", [])]
        check(what + ": stack", function in names, names or leak.get("stacks_note"))
print("%d passed, %d failed, 0 skipped" % (passed, failed))
sys.exit(failed > 0)
