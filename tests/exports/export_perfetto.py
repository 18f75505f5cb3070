#!/usr/bin/env python3
"""protoc decodes what Perfetto is given, with a schema of Perfetto's field numbers; slices pair, names and frames are interned before
their use, and totals are kymo's. Skips without protobuf-compiler."""
import collections
import os
import re
import subprocess

import export_env as exports

exports.need("protoc")
HERE = os.path.dirname(os.path.abspath(__file__))
BEGIN, END, INSTANT = "1", "2", "3"


def packets(document):
    """-> the text of each packet"""
    text = subprocess.run(["protoc", "--proto_path", HERE, "--decode=Trace", "perfetto.proto"], input=document, capture_output=True,
                          cwd=HERE, check=True).stdout.decode()
    exports.check(re.search(r"^\s*\d+[:{ ]", text, re.M), None, "a field that the schema does not have")
    return re.findall(r"^packet \{\n(.*?)^\}", text, re.M | re.S)


def number(name, packet):
    found = re.search(rf"^\s*{name}: (\d+)", packet, re.M)
    return found and found.group(1)


def walk(document):
    """-> counts of what is in the trace"""
    seen = collections.Counter()
    tracks, names, frames, kinds = set(), set(), collections.defaultdict(set), {}
    opened = collections.Counter()
    for packet in packets(document):
        sequence = number("trusted_packet_sequence_id", packet)
        if "track_descriptor {" in packet:
            tracks.add(number("uuid", packet))
        for block in re.findall(r"event_names \{\n(.*?)\}", packet, re.S):
            names.add(number("iid", block))
        for block in re.findall(r"frames \{\n(.*?)\}", packet, re.S):
            frames[sequence].add(number("iid", block))
        if "stack_sample_defaults {" in packet:
            kinds[sequence] = re.search(r'source: "kymo\.(\w+)"', packet).group(1)
        if "track_event {" in packet:
            kind, track = number("type", packet), number("track_uuid", packet)
            exports.check(track in tracks, True, f"a track that was described before: {track}")
            if kind == BEGIN:
                seen["begun"] += 1
                opened[track] += 1
                name_iid = re.search(r"^    name_iid: (\d+)", packet, re.M).group(1)  # not that of an annotation, which is further in
                exports.check(name_iid in names, True, "a name that was interned before")
            elif kind == END:
                seen["ended"] += 1
                opened[track] -= 1
                exports.check(opened[track] >= 0, True, "an end without a begin")
            else:
                seen["notes"] += 1
        if "stack_sample {" in packet:
            seen[kinds[sequence]] += 1
            seen[kinds[sequence], "weight"] += int(number("primary_weight", packet) or 0)
            for frame in re.findall(r"frame_ids: (\d+)", packet):
                exports.check(frame in frames[sequence], True, "a frame that was interned before")
    return seen


for capture in exports.CAPTURES[:3]:
    name = os.path.basename(capture)
    for options, where in exports.filters(capture):
        seen = walk(exports.export("perfetto", capture, *options))
        for kind, (rows, weight) in exports.totals(capture, where).items():
            exports.check((seen[kind], seen[kind, "weight"]), (rows, weight), f"{name} {options}: {kind}")
        wanted = exports.ask(capture, "SELECT count(*), COALESCE(sum(NOT flags & 1), 0) FROM (SELECT e.flags FROM syscall e JOIN task t ON"
                                      f" t.id = e.task_id WHERE {where} UNION ALL SELECT e.flags FROM offcpu e JOIN task t ON t.id = e.task_id"
                                      f" WHERE {where})")
        exports.check([seen["begun"], seen["ended"]], wanted, f"{name} {options}: slices")
        exports.check(seen["notes"] > 0, True, f"{name}: notes")
exports.finish()
