#!/usr/bin/env python3
"""D13: each of the eight kinds of errors, forced once: the message begins with its name, says what failed and why, and ends in what mends
it; exit status and --json are those of recorder/error_names.def, and no file is left but where events flowed. Then the fallbacks: each is
tried, named in PROBES, and the recording is not empty.

Refusals are made by refused_calls.c; the verifier that refuses a program is the kernel's own.
"""
import json
import os
import re
import shutil
import subprocess

import crash_kit as kit
import live_env as live

ROOT = live.kymo_env.ROOT
with open(live.kymo_env.source("error_names.def"), encoding="utf-8") as table:
    NAMES = {name: int(status) for name, status in re.findall(r"^ERROR\((\w+), (\d),", table.read(), re.M)}
HIDE = ["unshare", "-m", "sh", "-c", 'mount --bind "$1" "$2" && shift 2 && exec "$@"', "sh"]
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
RECORDER = live.path("kymo-record")  # where everybody may execute it
shutil.copy(live.RECORDER, RECORDER)
seen = set()


def run(words, *options, **settings):
    capture = live.path("case.kymo")
    if os.path.exists(capture):
        os.unlink(capture)
    environment = kit.shim("refused_calls", **settings) if settings else None
    done = subprocess.run([*words, RECORDER, "--json", "-d", "300ms", "-o", capture, *options], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=600, check=False, env=environment)
    return done, capture


def error(name, words, what, why, remedy, *options, flowed=False, **settings):
    """what, why, remedy: regular expressions that the message must hold, in this order"""
    done, capture = run(words, *options, **settings)
    seen.add(name)
    said = [line for line in done.stderr.split("kymo-record: ") if line and not line.startswith("warning: ")]
    message = said[0].rstrip("\n") if said else ""
    live.check_equal(done.returncode, NAMES[name], f"{name}: exit status ({done.stderr})")
    live.check_equal(len(said), 1, f"{name}: one message: {done.stderr}")
    live.check(message.startswith(name + ": "), f"{name}: begins with the name: {message!r}")
    live.check(re.search(f"{what}.*{why}.*{remedy}", message, re.S), f"{name}: '{what}', '{why}', '{remedy}': {message!r}")
    live.check_equal(os.path.exists(capture), flowed, f"{name}: a file is left")
    if done.returncode != 2:  # a wrong configuration is met before --json is
        answer = json.loads(done.stdout)
        live.check_equal((answer.get("error_name"), answer["error"], answer["exit_status"]), (name, message, NAMES[name]), f"{name}: --json")
    return message


def errors():
    error("UnsupportedPlatform", [], "kernel", r"no\s+bpf\(2\)", "CONFIG_BPF_SYSCALL", KYMO_REFUSE="bpf=38")
    os.chmod(live.DIRECTORY, 0o1777)
    error("InsufficientPermissions", NOBODY, "loading BPF programs", "both are missing", "sudo setcap cap_bpf,cap_perfmon")
    error("InsufficientPermissions", [], "refused to load", "EPERM.*seccomp filter, a security module", "/sys/kernel/security/lockdown", KYMO_REFUSE="bpf=1")
    os.mkdir(live.path("empty"))
    error("IncompatibleKernel", HIDE + [live.path("empty"), "/sys/kernel/btf"], "type information", "No such file", "CONFIG_DEBUG_INFO_BTF")
    message = error("LoadFailed", [], "program sys_enter_raw", "the last fallback", "record other classes.*doctor --report", "-e", "syscalls",
                    KYMO_SPOIL="26 17")
    lines = message.splitlines()
    live.check(len(lines) >= 4 and lines[1].endswith("verifier's log:") and all(line.startswith("  | ") for line in lines[2:]),
               f"LoadFailed: the log in lines: {message!r}")
    live.check("r0 = *(u64 *)(r0 +0)" in message and lines[-1].endswith("R0 !read_ok"), f"LoadFailed: what the verifier disliked: {message!r}")
    error("AttachFailed", [], "sys_exit", "attach: Invalid argument", r"leave its class out \(-e\)", KYMO_REFUSE="bpf:28=22 bpf:17=22 perf=22")
    error("MapOperationFailed", [], "Cannot allocate memory", "map .[a-z]*_ring", "--buffer.*memory limit", KYMO_REFUSE="map:27=12")
    error("ForeignClocks", ["unshare", "--time", "--monotonic", "1000", "--fork"], "time namespace", "other clocks than the kernel", "nsenter --time")
    error("ForeignClocks", ["unshare", "--time", "--boottime", "1000", "--fork"], "time namespace", "other clocks than the kernel", "nsenter --time")
    error("EventProcessingFailed", [], "", "out of memory", "recorded until then is in the capture", "-d", "5s", flowed=True, KYMO_STARVE="1")
    config = live.path("wrong.yaml")
    with open(config, "w", encoding="ascii") as file:
        file.write("freq: 49\nfrequency: 3\n")
    error("ConfigError", [], "wrong.yaml:2:1", "frequency", "kymo-record config check", "-c", config)
    os.chmod(config, 0o666)
    error("ConfigError", [], "wrong.yaml", "writable by others", "chmod go-w.*config check", "-c", config)
    live.check_equal(set(NAMES) - seen, set(), "kinds that were not forced")


def fallback(what, row, reason, refused, *options):
    """The recording goes on without, and PROBES says so in the row of that name."""
    for seconds in live.attempts():
        done, capture = run([], *options, "-d", f"{seconds * 0.3:.1f}s", KYMO_REFUSE=refused)
        if not live.check(done.returncode in (0, 3), f"{what}: {done.returncode}: {done.stderr}"):
            return
        facts = live.info(capture)
        if all(entry["stored_count"] for entry in facts["classes"] if entry["class"] in ("cpu", "syscalls")):
            break
    rows = {probe["name"]: probe for probe in facts["probes"]}
    live.check(rows[row]["attached"] and re.search(reason, rows[row]["reason"] or rows[row]["how"]), f"{what}: PROBES: {rows[row]}")
    stored = {entry["class"]: entry["stored_count"] for entry in facts["classes"]}
    for name in ("cpu", "syscalls"):
        live.check(stored.get(name, 0) > 0, f"{what}: {name} events were stored: {stored}")


def fallbacks():
    storm = live.start([live.STORM, "--seconds", "100000", "--rate", "20000"], stdout=subprocess.DEVNULL)
    busy = live.busy_in_kernel()
    fallback("hash map for task storage", "sys_enter", "hash map", "map:29=22")
    fallback("raw_tp for tp_btf", "sys_enter", "fallback, because tp_btf was refused", "prog:26=22")
    fallback("cpu-clock for cycles", "cpu_sample", "perf_event: cpu-clock", "perf:0=2")
    for limit, part in ((4 << 20, 2), (300000, 32)):
        fallback(f"rings of at most {limit} bytes", "sys_enter", f"fallback: rings of 1/{part} of their size", f"ring:{limit}=12")
    fallback("a ring of --buffer that is refused", "cpu_sample", "fallback: rings of 1/4", "ring:4194304=12", "--buffer", "16M")
    storm.kill()
    busy.kill()
    for refused in ("prog:26=22 prog:17=22 prog:7=22", "bpf:28=22 bpf:17=22 perf=22", "perf=13 prog:26=1 prog:17=1"):
        done, capture = run([], KYMO_REFUSE=refused)
        live.check(done.returncode == 4 and not os.path.exists(capture), f"{refused}: nothing is left to record: {done.returncode}: {done.stderr}")


def documented():
    """The table of recorder/README.md is made of the names and status here."""
    with open(os.path.join(ROOT, "recorder", "README.md"), encoding="utf-8") as file:
        rows = dict(re.findall(r"^\| (\w+) \| (\d) \|", file.read(), re.M))
    live.check_equal({name: int(status) for name, status in rows.items()}, NAMES, "table in recorder/README.md")


errors()
fallbacks()
documented()
live.finish()
