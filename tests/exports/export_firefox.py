#!/usr/bin/env python3
"""The Firefox Profiler's own command line, from npm, loads profiles and counts the samples that kymo does. Skips where it cannot be had."""
import json
import os
import re
import subprocess
import time

import export_env as exports

CLI = os.path.join(exports.npm(), "@firefox-devtools", "profiler-cli", "dist", "profiler-cli.js")
TRIES = 20  # its daemon gives itself half a second to start


def profiler(scratch, *arguments):
    return subprocess.run(["node", CLI, *arguments], env=dict(os.environ, HOME=scratch), capture_output=True, text=True, timeout=600, check=False)


def load(scratch, path, session):
    for _ in range(TRIES):
        done = profiler(scratch, "load", path, "--session", session)
        for _ in range(20):  # it may be ready a little later than it thinks
            if profiler(scratch, "profile", "info", "--session", session).returncode == 0:
                return
            time.sleep(0.2)
        profiler(scratch, "stop", session)
    exports.skip(f"the daemon of profiler-cli does not start: {done.stderr[:300]}")


def samples_of(scratch, session, handle):
    """-> samples of a thread as the tool counts them, idle ones too"""
    text = profiler(scratch, "thread", "samples", "--thread", handle, "--include-idle", "--session", session).stdout
    found = re.search(r"Categories \((\d[\d,]*) (?:running )?samples\)", text)
    return int(found.group(1).replace(",", "")) if found else 0


with exports.scratch() as scratch:
    for number, capture in enumerate(exports.CAPTURES[:2]):
        name, session, path = os.path.basename(capture), f"kymo-{os.getpid()}-{number}", os.path.join(scratch, "profile.json")
        document = exports.export("firefox", capture)
        profile = json.loads(document)
        with open(path, "wb") as file:
            file.write(document)
        exports.check(profile["meta"]["preprocessedProfileVersion"], 66, f"{name}: the version that is promised")
        load(scratch, path, session)
        try:
            threads = json.loads(profiler(scratch, "thread", "list", "--json", "--session", session).stdout)["threads"]
            exports.check(len(threads), len(profile["threads"]), f"{name}: threads")
            rows, weight = exports.totals(capture)["cpu"]
            of_cpu = [thread["threadHandle"] for thread in threads if not thread["name"].endswith("(off-CPU)")]
            exports.check(sum(samples_of(scratch, session, handle) for handle in of_cpu), rows, f"{name}: samples that the tool counts")
            info = profiler(scratch, "profile", "meta", "--session", session).stdout
            exports.check("kymo export of " + name in info, True, f"{name}: its facts are shown: {info}")
        finally:
            profiler(scratch, "stop", session)
        waits = [thread["samples"] for thread in profile["threads"] if thread["name"].endswith("(off-CPU)")]
        rows, weight = exports.totals(capture)["offcpu"]
        exports.check(sum(samples["length"] for samples in waits), rows, f"{name}: waits")
        exports.check(sum(round(ms * 1e6) for samples in waits for ms in samples["weight"]), weight, f"{name}: time of waits")
        for thread in profile["threads"]:
            columns = {key: len(value) for key, value in thread["samples"].items() if isinstance(value, list)}
            exports.check(set(columns.values()), {thread["samples"]["length"]}, f"{name}: columns of one length")
exports.finish()
