#!/usr/bin/env python3
"""Folded stacks and the text of perf script follow the grammars that their readers have, and sum to what kymo counts."""
import os
import re

import export_env as exports

FOLDED = re.compile(r"([^;\n]+(?:;[^;\n]+)*) (\d+)")
# as the collapsers of perf script's text read it: name, process/thread, CPU, time, weight, event; then frames, innermost first
HEAD = re.compile(r"(\S.*?) +(\d+)/(\d+) \[(\d{3,})\] (\d+)\.(\d{9}): +(\d+) ([\w-]+):")
FRAME = re.compile(r"\t *([0-9a-f]+) (.+) \(([^\s()]+)\)")


def folded(text, what):
    total = 0
    for line in text.splitlines():
        found = FOLDED.fullmatch(line)
        exports.check(bool(found), True, f"{what}: {line!r} is a folded stack")
        total += int(found.group(2)) if found else 0
    return total


def script(text, what):
    """-> ([(event, weight)], times in order)"""
    samples, before = [], 0
    for block in re.sub(r"^#.*\n", "", text, flags=re.M).split("\n\n"):
        if not block.strip():
            continue
        head, *frames = block.strip("\n").split("\n")
        found = HEAD.fullmatch(head)
        exports.check(bool(found), True, f"{what}: {head!r} is the head of a sample")
        for frame in frames:
            exports.check(bool(FRAME.fullmatch(frame)), True, f"{what}: {frame!r} is a frame")
        time_ns = int(found.group(5)) * 10 ** 9 + int(found.group(6))
        if samples and samples[-1][0] == found.group(8):
            exports.check(time_ns >= before, True, f"{what}: in the order of time")
        before = time_ns
        samples.append((found.group(8), int(found.group(7))))
    return samples


for capture in exports.CAPTURES:
    name = os.path.basename(capture)
    for options, where in exports.filters(capture):
        totals = exports.totals(capture, where)
        text = exports.export("folded", capture, *options)
        exports.check(text, exports.kymo("folded", "--no-symbols", *options, capture), f"{name} {options}: as kymo folded")
        exports.check(folded(text.decode(), name), totals["cpu"][0], f"{name} {options}: folded samples")
        waits = exports.export("folded", capture, "--stacks", "offcpu", *options)
        exports.check(waits, exports.kymo("offcpu", "--folded", "--no-symbols", *options, capture), f"{name} {options}: as kymo offcpu --folded")
        folded(waits.decode(), name)
        samples = script(exports.export("perf-script", capture, "--stacks", "cpu,offcpu", *options).decode(), name)
        for kind, is_kind in (("cpu", lambda event: event != "off-cpu"), ("offcpu", lambda event: event == "off-cpu")):
            weights = [weight for event, weight in samples if is_kind(event)]
            exports.check((len(weights), sum(weights)), totals[kind], f"{name} {options}: perf script, {kind}")
exports.finish()
