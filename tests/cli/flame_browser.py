#!/usr/bin/env python3
"""Opens a flame graph in a browser and uses it: search, case, zoom, details, and the view kept in the address.

Skips (77) where no chromium is installed. The picture is opened from a file, without network; a script added to a copy of it does
what a user would, and leaves what it saw as the text of the details line, which --dump-dom prints.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

import json

STEPS = """
(function () {
    "use strict";
    var seen = {};
    var frames = Array.from(document.querySelectorAll(".frames > g"));
    function key(name, control) {
        window.dispatchEvent(new KeyboardEvent("keydown", {key: name, ctrlKey: control, cancelable: true}));
    }
    function text(selector) { return document.querySelector(selector).textContent; }
    function count(selector) { return document.querySelectorAll(selector).length; }
    function click(element) { element.dispatchEvent(new MouseEvent("click", {bubbles: true})); }
    function answer(value) { window.prompt = function () { return value; }; }

    seen.frames = frames.length;
    seen.scripts = count("script");
    seen.buttons = count(".button") - count(".button.gone");
    answer("DO_SYSCALL"); key("f", true);
    seen.upper = text(".matched");
    key("i", true);
    seen.any_case = text(".matched");
    seen.hits = count(".frames .hit");
    answer("(("); key("F3", false);
    seen.bad = text(".matched");
    key("Escape", false);
    seen.hits_after_escape = count(".frames .hit");
    click(frames[frames.length - 1]);
    seen.zoomed_width = frames[frames.length - 1].querySelector("rect").getAttribute("width");
    seen.gone = count(".frames .gone");
    seen.address = window.location.hash;
    frames[1].querySelector("rect").dispatchEvent(new MouseEvent("mouseover", {bubbles: true}));
    seen.details = text(".details");
    seen.title = frames[1].querySelector("title").textContent;
    click(document.querySelector(".unzoom"));
    seen.gone_after_reset = count(".frames .gone");
    document.querySelector(".details").textContent = "SEEN" + JSON.stringify(seen) + "NEES";
})();
"""


def check(condition, what, seen):
    if not condition:
        sys.exit(f"{what}\n{json.dumps(seen, indent=1)}")


def main():
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if not browser:
        print("skipped: chromium is not installed")
        sys.exit(77)
    kymo = os.path.join(os.environ["KYMO_BIN"], "kymo")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "flame.svg")
        done = subprocess.run([kymo, "flame", "--no-symbols", "-o", path, sys.argv[1]], stderr=subprocess.PIPE)
        if done.returncode not in (0, 3):
            sys.exit(done.stderr.decode())
        with open(path, encoding="utf-8") as file:
            picture = file.read()
        assert picture.endswith("</svg>\n")
        with open(path, "w", encoding="utf-8") as file:
            file.write(picture[: -len("</svg>\n")] + f"<script><![CDATA[{STEPS}]]></script></svg>\n")
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                 "--disable-background-networking", "--disable-component-update", "--disable-sync",
                 f"--user-data-dir={folder}/profile", "--virtual-time-budget=2000", "--dump-dom"]
        try:
            dom = subprocess.run([browser, *flags, "file://" + path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                 timeout=600, check=True).stdout.decode()
        except (subprocess.TimeoutExpired, subprocess.CalledProcessError) as error:
            print(f"skipped: chromium does not run here: {error}")
            sys.exit(77)
    found = re.search(r"SEEN(\{.*\})NEES</text>", dom)
    if not found:
        sys.exit("the script of the picture did not run to its end:\n" + dom[-2000:])
    seen = json.loads(found.group(1).replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">"))
    check(seen["frames"] > 10 and seen["scripts"] == 2, "the picture has its frames and no foreign script", seen)
    check(seen["buttons"] == 3, "three buttons show", seen)
    check(seen["upper"].startswith("Matched: 0.00 % in 0"), "search minds case at first", seen)
    check(seen["hits"] > 0 and not seen["any_case"].startswith("Matched: 0.00"), "Ctrl-I ignores case", seen)
    check(seen["bad"] == "Not a valid search pattern", "a bad pattern is named", seen)
    check(seen["hits_after_escape"] == 0, "Escape ends the search", seen)
    check(float(seen["zoomed_width"]) == 1180, "a click gives the frame the whole width", seen)
    check(seen["gone"] > 0 and seen["address"].startswith("#z="), "what is beside it goes; the address keeps the view", seen)
    check(seen["details"] == seen["title"], "details under the pointer", seen)
    check(seen["gone_after_reset"] == 0, "the button resets the zoom", seen)


main()
