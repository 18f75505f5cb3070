#!/usr/bin/env python3
"""speedscope, from npm, opens its files in chromium from file://, and shows the totals of kymo. Skips where one of them is not there."""
import base64
import json
import os
import re
import shutil
import subprocess

import export_env as exports

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
if not BROWSER:
    exports.skip("chromium is not installed")
RELEASE = os.path.join(exports.npm(), "speedscope", "dist", "release")
UNITS = [(1e9, "s"), (1e6, "ms"), (1e3, "\u00b5s"), (1, "ns")]


def shown(ns):
    """A time as speedscope writes it"""
    for scale, unit in UNITS:
        if ns >= scale:
            return f"{ns / scale:.2f}{unit}"
    return "0.00ns"


def open_in_browser(scratch, document):
    """-> the text of the page, with | between elements"""
    script = os.path.join(scratch, "profile.js")
    with open(script, "w", encoding="utf-8") as file:
        file.write(f"speedscope.loadFileFromBase64('x.json', {json.dumps(base64.b64encode(document).decode())})")
    flags = ["--headless", "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
             "--disable-sync", f"--user-data-dir={scratch}/browser", "--virtual-time-budget=20000", "--dump-dom"]
    try:
        dom = subprocess.run([BROWSER, *flags, f"file://{RELEASE}/index.html#localProfilePath={script}&view=sandwich"],
                             capture_output=True, timeout=600, check=True).stdout.decode()
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError) as error:
        exports.skip(f"chromium does not run here: {error}")
    text = re.sub(r"<(script|style).*?</\1>", "", dom[dom.index("<body"):], flags=re.S)
    return re.sub(r"(<[^>]+>\s*)+", "|", text).replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")


with exports.scratch() as scratch:
    for capture in exports.CAPTURES[:3]:
        name = os.path.basename(capture)
        document = exports.export("speedscope", capture)
        profile = json.loads(document)
        is_time = {"cpu": exports.ask(capture, "SELECT COALESCE(max(event), '') = 'cpu-clock' FROM sampling")[0], "offcpu": True}
        page = open_in_browser(scratch, document)
        for kind, heading in (("cpu", "CPU"), ("offcpu", "off-CPU")):
            rows, weight = exports.totals(capture)[kind]
            parts = [part for part in profile["profiles"] if part["name"].startswith(heading)]
            exports.check(bool(parts), rows > 0, f"{name}: profiles of {kind}")
            if not parts:
                continue
            exports.check(sum(parts[0]["weights"]), weight, f"{name}: weights of {heading}, all threads")
            exports.check(sum(sum(part["weights"]) for part in parts[1:]), weight, f"{name}: weights of threads, {kind}")
            exports.check(sum(len(part["samples"]) for part in parts[1:]), rows, f"{name}: samples of threads, {kind}")
            for part in parts:
                exports.check(part["endValue"], sum(part["weights"]), f"{name}: end of {part['name']}")
            if is_time[kind] and len(profile["profiles"]) > 1:  # then the page lists them with their totals
                exports.check(f"|{heading}, all threads|{shown(weight)}|" in page, True, f"{name}: the page shows {shown(weight)}: {page[:600]}")
        exports.check("(1/" in page or len(profile["profiles"]) == 1, True, f"{name}: the page has the profiles: {page[:600]}")
        leaf = profile["shared"]["frames"][profile["profiles"][0]["samples"][0][-1]]["name"]
        exports.check(leaf in page, True, f"{name}: the page names {leaf}")
exports.finish()
