#!/usr/bin/env python3
"""go tool pprof opens profiles, and its totals are kymo's, to the sample. Skips where there is no go."""
import os
import re
import shutil
import subprocess

import export_env as exports

GO = shutil.which("go") or next((path for path in ("/usr/lib/go-1.19/bin/go", "/usr/lib/go/bin/go") if os.path.exists(path)), None)
TYPES = {"cpu": ("samples", "cpu"), "offcpu": ("waits", "off-cpu")}
if not GO:
    exports.skip("go is not installed (golang-1.19-go)")


def pprof(folder, *arguments):
    environment = dict(os.environ, HOME=folder, GOCACHE=os.path.join(folder, "cache"), PPROF_TMPDIR=folder, GOTOOLCHAIN="local", GOFLAGS="")
    return subprocess.run([GO, "tool", "pprof", *arguments], env=environment, capture_output=True, text=True, check=True).stdout


def raw_totals(text):
    """-> ([sample types], [their sums]) of -raw, which prints each value as it is"""
    samples = text[text.index("Samples:\n"):text.index("Locations\n")].splitlines()[1:]
    types = [word.split("/")[0] for word in samples[0].split()]
    sums = [0] * len(types)
    for line in samples[1:]:
        numbers = re.match(r"((?:\s+\d+)+): [\d ]+$", line)
        if numbers:
            sums = [a + int(b) for a, b in zip(sums, numbers.group(1).split())]
    return types, sums


with exports.scratch() as scratch:
    for capture in exports.CAPTURES:
        name = os.path.basename(capture)
        for options, where in exports.filters(capture):
            path = os.path.join(scratch, "profile.pb.gz")
            with open(path, "wb") as file:
                file.write(exports.export("pprof", capture, *options))
            types, sums = raw_totals(pprof(scratch, "-raw", path))
            found = dict(zip(types, sums))
            for kind, (rows, weight) in exports.totals(capture, where).items():
                count_name, weight_name = TYPES[kind]
                if exports.totals(capture)[kind][0] == 0:
                    exports.check(count_name in found, False, f"{name}: sample type of what was not recorded")
                    continue
                exports.check((found[count_name], found[weight_name]), (rows, weight), f"{name} {options}: {count_name}, {weight_name}")
                top = pprof(scratch, "-top", f"-sample_index={count_name}", "-nodefraction=0", "-nodecount=0", path)
                if rows:
                    exports.check(int(re.search(r"Total samples = (\d+)", top).group(1)), rows, f"{name} {options}: -top")
            comments = pprof(scratch, "-comments", path)
            exports.check("kymo export of " + name in comments, True, f"{name}: comments name the capture")
            exports.check("lost" in comments, True, f"{name}: comments tell what was lost")
        tags = pprof(scratch, "-tags", path)
        exports.check(all(f" {tag}: Total" in tags for tag in ("pid", "tid", "process", "thread")), True, f"{name}: labels")
exports.finish()
