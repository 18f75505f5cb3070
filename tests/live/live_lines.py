#!/usr/bin/env python3
"""Source lines and inlined functions, compared with the source: of a program with debugging information, of its separate debug file, of one that
dwz made smaller, from a debuginfod server; and the same from a copy of the capture that `kymo symbolize` made, when no file is left. addr2line
must name the same functions and lines for every place on a stack."""
import os
import re
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request

import live_env as live

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "inlined_code.c")
LINES = {match[1]: number for number, text in enumerate(open(SOURCE, encoding="ascii"), 1) for match in [re.search(r"/\* LINE (\w+) \*/", text)] if match}
LEAST = 40  # samples of 199 Hz in 0.6 s of CPU time: 119


def need(tool, *arguments):
    if not shutil.which(tool):
        print(f"not run: {tool} is not installed")
        sys.exit(77)
    return [tool, *arguments]


def build(name, compiler="gcc"):
    program = live.path(name)
    subprocess.run([*need(compiler), "-O2", "-g", "-o", program, SOURCE], check=True)
    return program


def record(name, program):
    capture, _, _, _ = live.record(name, "-f", "-e", "cpu", "-F", "199", command=[program, "0.6"])
    return capture


def folded(capture, *options):
    done = subprocess.run([live.KYMO, "folded", "-q", *options, capture], capture_output=True, text=True, timeout=live.HANGS_S, check=False)
    live.check(done.returncode in (0, 3), f"kymo folded ended with {done.returncode}: {done.stderr}")
    return {line.rpartition(" ")[0]: int(line.rpartition(" ")[2]) for line in done.stdout.splitlines()}


def expect_all(capture, what, *options):
    """Most samples are in the loop: below main, outer, and what was inlined into that, each with its line."""
    place = {function: f"{function} ({os.path.basename(SOURCE)}:{line})" for function, line in LINES.items()}
    chain = f";{place['main']};{place['outer']};{place['middle']}_[i];{place['inner']}_[i]"
    names = ";main;outer;middle_[i];inner_[i]"
    with_lines, without = folded(capture, "--inline", "--lines", *options), folded(capture, "--inline", *options)
    # The head of the loop has a line of its own.
    found = sum(count for stack, count in with_lines.items() if chain in stack or re.search(re.escape(chain[:chain.rindex(":")]) + r":\d+\)_\[i\]", stack))
    live.check(found >= LEAST, f"{what}: {found} samples in {chain}: {list(with_lines)[:3]}")
    live.check(any(chain in stack for stack in with_lines), f"{what}: no sample in line {LINES['inner']}: {list(with_lines)[:3]}")
    live.check(sum(count for stack, count in without.items() if names in stack) == found, f"{what}: other samples without --lines: {list(without)[:3]}")
    live.check_equal(sum(with_lines.values()), sum(folded(capture, *options).values()), f"{what}: samples in all")
    live.check(not any("_[i]" in stack for stack in folded(capture, "--lines", *options)), f"{what}: inlined functions without --inline")


def expect_none(capture, what):
    found = [stack for stack in folded(capture, "--inline", "--lines") if "inlined_code.c" in stack or ";inner" in stack or ";middle" in stack]
    live.check(not found, f"{what}: lines from nowhere: {found[:2]}")  # those of libraries may be there


def symbolize(capture, output, *options, environment=None):
    done = subprocess.run([live.KYMO, "symbolize", capture, "-f", "-o", live.path(output), *options], capture_output=True, text=True,
                          timeout=live.HANGS_S, check=False, env={**os.environ, **(environment or {})})
    live.check_equal(done.returncode, 0, f"kymo symbolize: {done.stderr}")
    verify = subprocess.run([live.KYMO, "verify", "--decode", live.path(output)], capture_output=True, text=True, timeout=live.HANGS_S, check=False)
    live.check_equal(verify.returncode, 0, f"kymo verify of what symbolize wrote: {verify.stdout}")
    return live.path(output)


def whole_file():
    for compiler in ("gcc", "clang"):
        program = build(f"whole-{compiler}", compiler)
        capture = record(f"whole-{compiler}.kymo", program)
        expect_all(capture, compiler)
        copy = symbolize(capture, f"whole-{compiler}-2.kymo")
        os.rename(program, program + ".away")
        expect_all(copy, f"{compiler}, the copy alone")
        expect_none(capture, f"{compiler}, without the file")
        live.check_equal(folded(copy), folded(capture), "the copy shows other samples")


def separate_file():
    program, debug = build("separate"), live.path("debug")
    os.makedirs(debug, exist_ok=True)
    subprocess.run([*need("objcopy"), "--only-keep-debug", program, f"{debug}/separate.debug"], check=True)
    subprocess.run([*need("strip"), program], check=True)
    capture = record("separate.kymo", program)
    expect_none(capture, "stripped")
    expect_all(capture, "--debug-dir", "--debug-dir", debug)
    database = live.path("separate.db")
    subprocess.run([live.KYMO, "import", "-q", "-f", capture, "--debug-dir", debug, "-o", database], check=True)
    expect_all(database, "a database", "--debug-dir", debug)
    expect_all(symbolize(capture, "separate-2.kymo", "--debug-dir", debug), "symbolize --debug-dir")
    os.remove(f"{debug}/separate.debug")
    expect_none(capture, "the debug file is gone")


def shared_by_dwz():
    """Two debug files whose common part dwz moved to a third."""
    programs, debug = [build("dwz-1"), build("dwz-2")], live.path("dwz-debug")
    os.makedirs(f"{debug}/.dwz", exist_ok=True)
    for program in programs:
        subprocess.run([*need("objcopy"), "--only-keep-debug", program, f"{debug}/{os.path.basename(program)}.debug"], check=True)
    done = subprocess.run([*need("dwz"), "-m", f"{debug}/.dwz/common.debug", "-M", "/usr/lib/debug/.dwz/common.debug",
                           *(f"{debug}/{os.path.basename(program)}.debug" for program in programs)], capture_output=True, text=True, check=False)
    if not os.path.exists(f"{debug}/.dwz/common.debug"):
        print(f"not run: dwz makes no common file here: {done.stderr.strip()}")
        sys.exit(77)
    subprocess.run([*need("strip"), programs[0]], check=True)
    capture = record("dwz.kymo", programs[0])
    expect_all(capture, "dwz", "--debug-dir", debug)
    os.remove(f"{debug}/.dwz/common.debug")
    live.check(not any("inner_[i]" in stack for stack in folded(capture, "--inline", "--debug-dir", debug)), "dwz left the names where they were")


def is_served(url):
    try:
        with urllib.request.urlopen(url, timeout=live.HANGS_S) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def from_debuginfod():
    program, served, cache = build("served"), live.path("served-debug"), live.path("cache")
    os.makedirs(served, exist_ok=True)
    subprocess.run([*need("objcopy"), "--only-keep-debug", program, f"{served}/served.debug"], check=True)
    subprocess.run([*need("strip"), program], check=True)
    capture = record("served.kymo", program)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    server = subprocess.Popen([*need("debuginfod"), "-d", ":memory:", "-p", str(port), "-F", served], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    environment = {"DEBUGINFOD_URLS": f"http://127.0.0.1:{port}", "DEBUGINFOD_CACHE_PATH": cache}
    try:
        build_id = re.search(r"Build ID: (\w+)", subprocess.run(["readelf", "-n", f"{served}/served.debug"], capture_output=True, text=True, check=True).stdout)[1]
        live.until(lambda: is_served(f"http://127.0.0.1:{port}/buildid/{build_id}/debuginfo"), "debuginfod serves the file")
        expect_all(symbolize(capture, "served-2.kymo", "--debuginfod", environment=environment), "debuginfod")
        expect_none(capture, "the network is used without being asked")
    finally:
        server.terminate()
        server.wait()
    # Without a server it fails, and leaves nothing.
    done = subprocess.run([live.KYMO, "symbolize", capture, "-o", live.path("served-3.kymo"), "--debuginfod"], capture_output=True, text=True,
                          timeout=live.HANGS_S, check=False, env={**os.environ, **environment, "DEBUGINFOD_CACHE_PATH": cache + "-2"})
    live.check(done.returncode == 1 and "DEBUGINFOD_URLS" in done.stderr and not os.path.exists(live.path("served-3.kymo")), f"without a server: {done}")


def as_addr2line_says():
    """Each place of the program on a stack, in what symbolize stored, against binutils."""
    program = build("peer")
    capture = symbolize(record("peer.kymo", program), "peer-2.kymo")
    rows = live.database(capture).execute("SELECT offset_bytes, depth, function, file, line FROM source_line WHERE object LIKE '%/peer' ORDER BY offset_bytes, depth")
    places = {}
    for offset, _, function, file, line in rows:
        places.setdefault(offset, []).append((function, os.path.basename(file), line))
    live.check(len(places) >= 3, f"{len(places)} places")
    load = re.search(r"LOAD\s+0x(\w+) 0x(\w+) \S+ \S+ \S+ R E", subprocess.run(["readelf", "-lW", program], capture_output=True, text=True, check=True).stdout)
    bias = int(load[2], 16) - int(load[1], 16)
    for offset, place in places.items():
        said = subprocess.run([*need("addr2line"), "-i", "-f", "-e", program, hex(offset + bias)], capture_output=True, text=True, check=True).stdout.splitlines()
        theirs = [(said[i], os.path.basename(said[i + 1].partition(" ")[0]).rpartition(":")[0], said[i + 1].partition(" ")[0].rpartition(":")[2])
                  for i in range(0, len(said), 2)]
        live.check_equal([(f, b, str(line)) for f, b, line in place], theirs, f"offset {offset:#x}")


live.run_parts({"whole": whole_file, "separate": separate_file, "addr2line": as_addr2line_says}, {"dwz": shared_by_dwz, "debuginfod": from_debuginfod})
