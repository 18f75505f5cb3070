#!/usr/bin/env python3
"""Copies of stacks hold what the program says it has in its stack, to the word: of the main thread, of a thread, over a hole, on a signal stack, on
one whose outer end nobody knows, in the red zone, deeper than the limit, and while it waits. Data is not in them."""
import json
import os
import subprocess

import live_env as live

STACK_WORDS = os.path.join(os.environ["KYMO_BUILD"], "live", "stack_words")
MAIN, THREAD, GO, CUT, HOLE, NO_MAPPINGS = 1, 2, 4, 8, 16, 32
LIMIT, PAGE, RED_ZONE = 32 << 10, 4096, 128
BOUNDS = MAIN | THREAD | GO


def rows(capture, kind):
    done = subprocess.run([live.KYMO, "dump", capture, "--type", kind], capture_output=True, text=True, timeout=600, check=False)
    return [json.loads(line) for line in done.stdout.splitlines()]


def number(copy, name):
    return int(copy[name], 16)


def words_of(copy):
    return {int(address, 16): int(value, 16) for address, value in copy["words"]}


def low_of(copy):
    return (number(copy, "sp") - RED_ZONE) & ~7


def holes_of(copy):
    first = low_of(copy) // PAGE
    return {(first + bit) * PAGE for bit in range(64) if copy["holes"] >> bit & 1}


def check_words(copy, plan, what):
    """-> how many of the planted words are in the copy's range, all of which it must have"""
    found, low, top = words_of(copy), low_of(copy), number(copy, "top")
    planted = {address: value for address, value in plan["words"] if low <= address < top}
    wrong = {hex(a): (hex(v), hex(found.get(a, 0))) for a, v in planted.items() if found.get(a) != v}
    live.check(not wrong, f"{what}: planted words that are not as they were: {wrong}")
    kept = [hex(address) for address in plan["secrets"] if address in found]
    live.check(not kept, f"{what}: data was kept: {kept}")
    live.check(all(low <= address < top and address % 8 == top % 8 for address in found), f"{what}: words outside of [{low:#x}, {top:#x})")
    return len(planted)


def check_bound(copy, plan, what):
    """What is known of the outer end, and what follows from that"""
    mode, flags, depth = plan["mode"], copy["flags"], number(copy, "top") - number(copy, "sp")
    expected = {"main": MAIN, "waits": MAIN, "redzone": MAIN, "deep": MAIN | CUT, "thread": THREAD, "hole": THREAD | HOLE, "unknown": 0}
    if mode in expected:
        live.check_equal(flags, expected[mode], f"{what}: flags")
    if mode == "deep":
        live.check(LIMIT - 2 * PAGE < depth <= LIMIT, f"{what}: {depth} bytes where {LIMIT} are the limit")
        live.check(number(copy, "top") % PAGE == 0, f"{what}: cut in the middle of a page")
    elif flags & BOUNDS:
        live.check(all(address < number(copy, "top") for address, _ in plan["words"]), f"{what}: ends below what was planted")
    else:
        live.check_equal(depth, PAGE, f"{what}: bytes where the end is not known")


def check_mode(plan, samples):
    mode, tid = plan["mode"], plan["tid"]
    inside = [row for row in samples if row["task"]["tid"] == tid and plan["from_ns"] <= row["time_ns"] <= plan["to_ns"]]
    if mode != "waits":
        inside = [row for row in inside if row["copy"] and plan["begin"] <= number(row["copy"], "ip") < plan["end"]]
    print(f"{mode}: {len(inside)} looked at, {len(plan['words'])} words planted, {len(plan['holes'])} pages are not there")
    live.check(len(inside) >= 3, f"{mode}: only {len(inside)} samples")
    for row in inside:
        copy = row["copy"]
        what = f"{mode} at {row['time_ns']}"
        if not live.check(copy, f"{what}: no copy"):
            continue
        found = check_words(copy, plan, what)
        live.check(found >= min(3, len(plan["words"])), f"{what}: {found} of the planted words are in its range")
        check_bound(copy, plan, what)
        if mode == "hole":
            live.check_equal(holes_of(copy), {page for page in plan["holes"] if page + PAGE > low_of(copy)}, f"{what}: holes")
        else:
            live.check_equal(copy["holes"], 0, f"{what}: holes")
        if copy["flags"] & BOUNDS and not copy["flags"] & CUT:
            live.check(all(frame["space"] != 1 for frame in row["stack"]), f"{what}: a walk besides the copy")
    return inside


def check_walks(plan, samples):
    """Where the end is missing, frame pointers are followed, too."""
    for row in check_mode(plan, samples):
        live.check(any(frame["space"] == 1 for frame in row["stack"]), f"{plan['mode']}: no walk of frame pointers")


def copies():
    capture, out, _, _ = live.record("copies.kymo", "-e", "cpu,sched", "-F", "499", "--stacks", "copy", command=[STACK_WORDS])
    plans = {plan["mode"]: plan for plan in map(json.loads, out.splitlines())}
    samples = rows(capture, "cpu_sample")
    for mode in ("main", "thread", "hole", "altstack", "redzone"):
        check_mode(plans[mode], samples)
    for mode in ("deep", "unknown"):
        check_walks(plans[mode], samples)
    live.check(plans["hole"]["holes"], "the program has no hole in its stack")
    unknown = [row for row in samples if row["copy"] and row["copy"]["flags"] & NO_MAPPINGS]
    live.check_equal(len(unknown), 0, "samples of processes whose mappings are not known")
    if any(probe["name"] == "sched_exit_tp" and probe["attached"] for probe in rows(capture, "probe")):
        check_mode(plans["waits"], rows(capture, "offcpu"))


def limits():
    """A larger limit reaches further, and without copies there are none."""
    capture, out, _, _ = live.record("large.kymo", "-e", "cpu", "-F", "499", "--stacks", "copy,64K", command=[STACK_WORDS])
    plan = next(plan for plan in map(json.loads, out.splitlines()) if plan["mode"] == "deep")
    deep = [row["copy"] for row in rows(capture, "cpu_sample")
            if row["copy"] and row["task"]["tid"] == plan["tid"] and plan["from_ns"] <= row["time_ns"] <= plan["to_ns"]]
    live.check(deep and all(number(copy, "top") - number(copy, "sp") > LIMIT for copy in deep), f"64K: {len(deep)} samples")
    for how in ("fp", "none"):
        capture, out, _, _ = live.record(f"{how}.kymo", "-e", "cpu,sched", "-F", "199", "--stacks", how, command=[STACK_WORDS])
        tids = {json.loads(line)["tid"] for line in out.splitlines()}
        samples = [row for row in rows(capture, "cpu_sample") + rows(capture, "offcpu") if row["task"]["tid"] in tids]
        live.check_equal([row["copy"] for row in samples if row.get("copy")], [], f"{how}: copies")
        walked = sum(any(frame["space"] == 1 for frame in row["stack"]) for row in samples)
        live.check((walked > 0) == (how == "fp"), f"{how}: {walked} of {len(samples)} stacks have user frames")


live.run_parts({"copies": copies, "limits": limits}, {})
