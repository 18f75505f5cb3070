#!/usr/bin/env python3
"""S8: flame graphs full of hostile names, opened in a headless browser: the same DOM as with harmless names, no script of theirs, no
request, no error. Skips (77) where no chromium is installed."""
import html
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import corpus  # noqa: E402
import hostile_capture as maker  # noqa: E402
import kymo_env  # noqa: E402
import output_rules as rules  # noqa: E402

KYMO = os.path.join(kymo_env.BIN, "kymo")
FULL = os.environ.get("KYMO_FULL") == "1"
BROWSERS_OWN = re.compile(r"https?://[a-z0-9.-]+\.(google|googleapis|gvt1)\.com/")  # it calls home whatever it shows; names resolve to nothing here
# Stands before everything: what hostile names try to call.
CANARY = 'window.kymoCanary = function () { window.kymoCanaryRan = (window.kymoCanaryRan || 0) + 1; }; window.alert = window.kymoCanary;'
# Uses the picture as its reader would, then writes down what is there. Elements of captions may be more or fewer: long ones wrap.
WALK = """
(function () {
    "use strict";
    var geometry = /^(x|y|width|height|viewBox|data-.*|fill)$/;
    var frames = Array.from(document.querySelectorAll(".frames > g"));
    var seen = {frames: frames.length, elements: [], titles: []};
    frames.forEach(function (frame, i) {
        frame.querySelector("rect").dispatchEvent(new MouseEvent("mouseover", {bubbles: true}));
        if (i % 50 === 1)
            frame.dispatchEvent(new MouseEvent("click", {bubbles: true}));
        seen.titles.push(frame.querySelector("title").textContent);
    });
    document.querySelector(".unzoom").dispatchEvent(new MouseEvent("click", {bubbles: true}));
    window.prompt = function () { return seen.titles[3].slice(0, 5); };
    document.querySelector(".search").dispatchEvent(new MouseEvent("click", {bubbles: true}));
    document.querySelectorAll("*").forEach(function (element) {
        var parts = [element.parentNode.nodeName + ">" + element.nodeName, element.namespaceURI];
        Array.from(element.attributes).sort(function (a, b) { return a.name < b.name ? -1 : 1; }).forEach(function (attribute) {
            parts.push(attribute.name + (geometry.test(attribute.name) ? "" : "=" + attribute.value.replace(/ ?hit/, "")));
        });
        if (!/class=note/.test(parts.join()))
            seen.elements.push(parts.join(" "));
    });
    seen.canary = window.kymoCanaryRan || 0;
    seen.requests = performance.getEntriesByType("resource").map(function (entry) { return entry.name; });
    seen.handlers = seen.elements.filter(function (text) { return / on|href/i.test(text); });
    seen.others = Array.from(document.childNodes).filter(function (node) { return node.nodeType !== 1; }).length;
    document.querySelector(".details").textContent = "SEEN" + JSON.stringify(seen) + "NEES";
})();
"""


def harmless(strings):
    """As many names, alike where the first 16 bytes of the hostile ones (names of tasks) are shown alike"""
    first = {}
    return [b"n%015d-%05d" % (first.setdefault(rules.folded_name(text[:16].split(b"\0")[0], True), i), i) for i, text in enumerate(strings)]


def picture(strings, work, name):
    capture, path = os.path.join(work, name + ".kymo"), os.path.join(work, name + ".svg")
    maker.make(strings, capture, work)
    done = subprocess.run([KYMO, "flame", "--no-symbols", "--width", "20000", "--title", "names", "-o", path, capture], stderr=subprocess.PIPE, check=False)
    if done.returncode not in (0, 3):
        sys.exit(done.stderr.decode())
    with open(path, encoding="utf-8") as file:
        text = file.read()
    head, tail = text.index("<style>"), len("</svg>\n")
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"{text[:head]}<script>{CANARY}</script>{text[head:-tail]}<script><![CDATA[{WALK}]]></script></svg>\n")
    return path


def look(browser, path, work):
    """-> (what the script saw, messages of the console, addresses asked for)"""
    log = os.path.join(work, "net.json")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync", "--disable-default-apps", f"--user-data-dir={work}/profile",
             "--enable-logging=stderr", f"--log-net-log={log}", "--host-resolver-rules=MAP * ~NOTFOUND", "--virtual-time-budget=4000", "--dump-dom"]
    try:
        done = subprocess.run([browser, *flags, "file://" + path], capture_output=True, timeout=600, check=True)
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError) as error:
        print(f"skipped: chromium does not run here: {error}")
        sys.exit(77)
    found = re.search(r"SEEN(\{.*\})NEES</text>", done.stdout.decode(), re.S)
    if not found:
        return None, done.stdout[-1500:].decode(errors="replace"), []
    console = [line for line in done.stderr.decode(errors="replace").split("\n") if "CONSOLE" in line]
    with open(log, encoding="utf-8", errors="replace") as file:
        asked = {url for url in re.findall(r'"url":"([^"]*)"', file.read()) if re.match(r"https?:|data:|ftp:|wss?:", url)}
    asked = {url for url in asked if not BROWSERS_OWN.match(url)}
    return json.loads(html.unescape(found.group(1))), console, sorted(asked)


def main():
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if not browser:
        print("skipped: chromium is not installed")
        sys.exit(77)
    strings = corpus.load()
    sets = [strings] if not FULL else [strings] + [strings[i::20] for i in range(20)]
    cases = failed = 0
    for number, hostile in enumerate(sets):
        with tempfile.TemporaryDirectory(prefix="kymo-browser-") as work:
            seen, console, asked = look(browser, picture(hostile, work, "hostile"), work)
            plain, _, _ = look(browser, picture(harmless(hostile), work, "harmless"), work)
        if seen is None or plain is None:
            sys.exit(f"the script of the picture did not run to its end: {console}")
        differ = [pair for pair in zip(sorted(seen["elements"]), sorted(plain["elements"])) if pair[0] != pair[1]]
        checks = {
            "frames": seen["frames"] == plain["frames"] > 2 * len(hostile),
            "the DOM is that of harmless names": len(seen["elements"]) == len(plain["elements"]) and not differ,
            "no handlers or links": not seen["handlers"],
            "no nodes beside the picture": seen["others"] == plain["others"] == 0,
            "the canary lives": seen["canary"] == 0,
            "0 requests": not seen["requests"] and not asked,
            "a quiet console": not console,
            "titles hold what may be shown": not rules.check_text("\n".join(seen["titles"]).encode("utf-8", "surrogatepass")),
        }
        for what, holds in checks.items():
            cases += 1
            failed += not holds
            if not holds:
                print(f"FAILED: set {number}: {what}: {[seen['frames'], plain['frames'], len(seen['elements']), len(plain['elements'])]} "
                      f"{differ[:3]} {seen['handlers'][:3]} {asked[:3]} {console[:3]} {seen['requests'][:3]}")
    print(f"reliability S8: {cases} cases, {failed} failed; {len(strings)} names, {seen['frames']} frames in the last picture; no HTML is written, only SVG")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
