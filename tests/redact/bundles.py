#!/usr/bin/env python3
"""What `kymo bundle` packs is what reports are made of, every command opens it, it keeps its size, and archives that are made to do harm are refused
with a reason: no temporary file is left, and nothing is unpacked."""
import gzip
import io
import json
import os
import subprocess
import sys
import tempfile
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import kymo_env  # noqa: E402

KYMO = os.path.join(kymo_env.BIN, "kymo")
LIVE = os.path.join(kymo_env.SAMPLES, "live.kymo")
wrong = 0


def run(*arguments):
    return subprocess.run([KYMO, *arguments], capture_output=True, timeout=800, check=False)


def check(condition, what):
    global wrong
    if not condition:
        print(f"wrong: {what}")
        wrong += 1


def text_of(done):
    return (done.stdout + done.stderr).decode("utf-8", "replace")


def same_answers(folder, bundle):
    plain = os.path.join(folder, "plain.kymo")
    with zipfile.ZipFile(bundle) as archive, open(plain, "wb") as file:
        check(archive.namelist() == ["MANIFEST.json", "report.md", "capture.kymo"], f"members: {archive.namelist()}")
        check(archive.testzip() is None, "a sound zip file")
        file.write(archive.read("capture.kymo"))
        manifest, report = json.loads(archive.read("MANIFEST.json")), archive.read("report.md").decode()
    for command in ("syscalls --json", "offcpu --json", "folded --no-symbols", "summary --no-symbols", "overhead --csv", "dump", "verify --json",
                    "syscalls --strict", "folded --stop --no-symbols"):
        name, *rest = command.split()
        pair = [run(name, *rest, path) for path in (plain, bundle)]
        check(pair[0].returncode == pair[1].returncode and pair[0].stdout.replace(b"plain.kymo", b"X") == pair[1].stdout.replace(os.path.basename(bundle).encode(), b"X"),
              f"{command}: another answer from the bundle: {text_of(pair[1])[:200]}")
    check(run(bundle).stdout == run(plain).stdout, "kymo BUNDLE is kymo CAPTURE")
    for command in ("recover", "redact", "cut --from 0.5", "import"):
        name, *rest = command.split()
        check(run(name, "-q", "-f", *rest, bundle, "-o", os.path.join(folder, "out")).returncode == 0, f"{command} of a bundle")
    check(len(report.splitlines()) < 110 and "## Top stacks" in report and "## System calls" in report, "a report of two screens")
    return manifest, report


def bundles(folder):
    bundle = os.path.join(folder, "it.zip")
    check(run("bundle", LIVE, "-o", bundle).returncode == 2 and not os.path.exists(bundle), "it asks to choose")
    check(run("bundle", "--redact", "--no-redact", LIVE, "-o", bundle).returncode == 2, "not both")
    check(run("bundle", "--redact", LIVE, "-o", bundle).returncode == 0, "bundle --redact")
    manifest, report = same_answers(folder, bundle)
    check(manifest["redacted"] and manifest["redaction"]["level"] == "share", "the manifest says the level")
    for text in ("sample-host", "/opt/kymo", "workload"):
        check(text not in report and text not in json.dumps(manifest), f"'{text}' is in the report or the manifest")
    again = run("bundle", "--redact", LIVE, "-o", bundle)
    check(again.returncode == 1 and b"exists" in again.stderr, f"OUT exists: {text_of(again)}")
    check(run("bundle", "-f", "--no-redact", LIVE, "-o", bundle).returncode == 0, "bundle --no-redact")
    manifest, _ = same_answers(folder, bundle)
    with zipfile.ZipFile(bundle) as archive, open(LIVE, "rb") as file:
        check(archive.read("capture.kymo") == file.read(), "without redaction it is the capture itself")
    check(not manifest["redacted"] and not manifest["left_out_for_size"], "the manifest says that nothing was done")
    # a limit that has to leave something out, and one that cannot be met
    small = run("bundle", "-f", "--redact", "--max-size", "110K", "--around", "1", LIVE, "-o", bundle)
    check(small.returncode == 0 and os.path.getsize(bundle) <= 110 * 1024 and b"left out" in small.stderr, f"--max-size: {text_of(small)}")
    manifest, report = same_answers(folder, bundle)
    check(manifest["left_out_for_size"] and manifest["from_s"] < 1 < manifest["to_s"] and "Left out" in report, f"what was left out is said: {manifest}")
    os.remove(bundle)
    small = run("bundle", "--redact", "--max-size", "70K", LIVE, "-o", bundle)
    check(small.returncode == 2 and b"allow more" in small.stderr and not os.path.exists(bundle), f"a limit that cannot be met: {text_of(small)}")
    with open(bundle, "wb") as file:
        file.write(run("bundle", "-q", "--redact", LIVE, "-o", "-").stdout)
    check(run("verify", bundle).returncode == 0, "a bundle through standard output")


def zip_of(members, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return out.getvalue()


def hostile(folder):
    with open(LIVE, "rb") as file:
        live = file.read()
    good = zip_of([("capture.kymo", live)], zipfile.ZIP_STORED)
    at = good.index(live[:100]) + 30000
    cases = {
        "bomb.zip": (zip_of([("capture.kymo", bytes(300 << 20))]), "MiB"),
        "up.zip": (zip_of([("../capture.kymo", live)]), "leads out"),
        "inner-up.zip": (zip_of([("a/../../capture.kymo", live)]), "leads out"),
        "absolute.zip": (zip_of([("/tmp/capture.kymo", live)]), "leads out"),
        "windows.zip": (zip_of([("C:\\capture.kymo", live)]), "leads out"),
        "many.zip": (zip_of([(f"{i}.txt", b"") for i in range(100000)] + [("capture.kymo", live)]), "members"),
        "two.zip": (zip_of([("a.kymo", live), ("b.kymo", live)]), "2 captures"),
        "none.zip": (zip_of([("readme.txt", b"hello")]), "without a capture"),
        "empty.zip": (zip_of([]), "without a capture"),
        "lzma.zip": (zip_of([("capture.kymo", live)], zipfile.ZIP_LZMA), "unusual"),
        "cut.zip": (good[:len(good) // 2], "no intact zip"),
        "bit.zip": (good[:at] + bytes([good[at] ^ 1]) + good[at + 1:], "damaged"),
        "bomb.kymo.gz": (gzip.compress(bytes(300 << 20)), "MiB"),
        "noise.kymo.gz": (b"\x1f\x8b" + os.urandom(1000), "gzip"),
        "nothing.zip": (b"PK\3\4", "no intact zip"),
    }
    for name, (content, reason) in cases.items():
        path = os.path.join(folder, name)
        with open(path, "wb") as file:
            file.write(content)
        for command in ("info", "verify", "dump"):
            done = run(command, path)
            check(done.returncode in (1, 2) and reason in done.stderr.decode() and len(done.stderr.splitlines()) == 1,
                  f"{command} {name}: status {done.returncode}: {text_of(done)[:300]}")
    packed = os.path.join(folder, "live.kymo.gz")
    with open(packed, "wb") as file:
        file.write(gzip.compress(live))
    check(run("syscalls", "--json", packed).stdout == run("syscalls", "--json", LIVE).stdout, "a capture in gzip")
    with open(packed, "wb") as file:
        file.write(gzip.compress(live)[:50000])
    check(run("info", packed).returncode == 3, "what is left of a gzip file that was cut is used")
    locked = os.path.join(folder, "locked.zip")
    made = subprocess.run(["zip", "-q", "-j", "-P", "x", locked, LIVE], check=False)
    done = run("info", locked)
    check(made.returncode == 0 and done.returncode in (1, 2) and b"encrypted" in done.stderr, f"encrypted: {text_of(done)}")


def main():
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as temporary:
        os.environ["TMPDIR"] = temporary
        bundles(folder)
        hostile(folder)
        check(not os.listdir(temporary), f"left behind: {os.listdir(temporary)}")
    print(f"{wrong} wrong")
    sys.exit(wrong > 0)


main()
