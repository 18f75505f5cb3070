"""Stacks of real programs, unwound by our rules and by libdw from the same bytes: frame for frame the same on at least 99 % of samples,
and complete on nearly all; with the bytes as they are, and as a recorder masks them. Needs no recorder."""
import json
import os
import shutil
import subprocess

import live_env as live

SAMPLES = 200 if live.QUICK else 600
ORACLE = os.path.join(live.kymo_env.BUILD, "live", "unwind_oracle")
PYTHON = "import json\nwhile 1: json.loads(json.dumps([{'a': [i] * 3} for i in range(200)]))"
PERL = "my %h; while (1) { $h{$_} = sprintf('%d', $_) for 1..1000; my @s = sort { $a cmp $b } keys %h; }"
SQL = ("with recursive c(x) as (select 1 union all select x + 1 from c limit 1000000000) "
       "select count(*), sum(length(hex(x))) from c group by x % 1000 order by 2")
NODE = "while (1) JSON.parse(JSON.stringify([...Array(1000).keys()].map(x => ({a: x, b: 'z' + x}))))"


def compiler(name):
    """-> path of a part of gcc; None: not installed"""
    found = subprocess.run(["gcc", f"-print-prog-name={name}"], capture_output=True, text=True, check=False).stdout.strip()
    return found if os.path.isabs(found) else None


def big_source():
    """Enough to compile for a while, with deep recursion in the parser"""
    with open(live.path("big.c"), "w", encoding="ascii") as out:
        for i in range(20000):
            terms = " + ".join(f"(x * {k} - (y / {k + 1}))" for k in range(1, 20))
            out.write(f"int f{i}(int x, int y) {{ for (int i = 0; i < x; i++) y += {terms}; return y; }}\n")
    return live.path("big.c")


def load():
    """Bytes that do not compress"""
    with open(live.path("noise"), "wb") as out:
        out.write(os.urandom(32 << 20))
    return live.path("noise")


def programs():
    yield "python3", ["/usr/bin/python3", "-c", PYTHON]
    yield "perl", ["perl", "-e", PERL]
    yield "sqlite3", ["sqlite3", ":memory:", SQL]
    yield "zstd", ["zstd", "--single-thread", "-19", "-c", load()]
    yield "openssl", ["openssl", "speed", "-seconds", "100", "sha256"]
    yield "node", ["node", "-e", NODE]
    if compiler("cc1"):
        yield "cc1", [compiler("cc1"), "-quiet", "-O2", big_source(), "-o", "/dev/null"]


def compare(name, command, options):
    result = subprocess.run([ORACLE, "-n", str(SAMPLES), *options, *command], capture_output=True, text=True, check=False,
                            timeout=live.HANGS_S)
    if result.returncode == 77:
        live.kymo_env.skip(result.stderr.strip())
    if not live.check(result.returncode == 0, f"{name} {options}: {result.stderr[-500:]}"):
        return
    found = json.loads(result.stdout)
    print(name, *options, found)
    live.check_equal(found["samples"], SAMPLES, f"{name}: samples")
    live.check(found["same"] >= 0.99 * SAMPLES, f"{name} {options}: {found['same']} of {SAMPLES} like libdw's")
    live.check(found["root"] + found["cut"] >= 0.96 * SAMPLES, f"{name} {options}: {found['root']} of {SAMPLES} end at a root")


if not os.path.exists(ORACLE):
    live.kymo_env.skip("needs libdw-dev and x86_64")
compared = 0
for program, command_line in programs():
    if not shutil.which(command_line[0]):
        continue
    for masks in ([], ["-m"]):
        compare(program, command_line, masks)
    compared += 1
live.check(compared > 0, "no program to sample")
live.finish()
