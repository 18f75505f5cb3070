#!/usr/bin/env python3
"""samples/systemd/ and samples/setcap.sh: every key of the unit is known to systemd, its exposure is low, a recorder run with the rights the
unit gives (user, capabilities, limits, umask) records all there is, and makes no system call that the unit's filter refuses."""
import os
import re
import shutil
import stat
import subprocess

import kernel_allows
import live_env as live

ROOT = live.kymo_env.ROOT
UNIT = os.path.join(ROOT, "samples", "systemd", "kymo-record@.service")
NOBODY = 65534
MAX_EXPOSURE = 2.0
# For hosts without systemd: the keys it documents that we may use
KNOWN = """Description Documentation ConditionPathExists Type ExecStartPre ExecStart SuccessExitStatus KillSignal TimeoutStopSec Restart DynamicUser
AmbientCapabilities CapabilityBoundingSet NoNewPrivileges SecureBits UMask StateDirectory StateDirectoryMode ReadWritePaths WorkingDirectory ProtectSystem
ProtectHome PrivateTmp PrivateDevices PrivateNetwork PrivateIPC ProtectHostname ProtectKernelModules ProtectKernelTunables ProtectControlGroups ProtectClock
RestrictAddressFamilies IPAddressDeny RestrictNamespaces RestrictRealtime RestrictSUIDSGID LockPersonality MemoryDenyWriteExecute RemoveIPC KeyringMode
SystemCallArchitectures SystemCallFilter SystemCallErrorNumber CPUQuota MemoryMax TasksMax LimitCORE LimitNOFILE Nice IOSchedulingClass""".split()


def read_unit():
    with open(UNIT, encoding="utf-8") as file:
        pairs = [line.rstrip("\n").split("=", 1) for line in file if re.match(r"[A-Za-z]+=", line)]
    return dict(pairs), [key for key, _ in pairs]


def analyze(*arguments):
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, timeout=live.HANGS_S, check=False)


def unit_is_sound(keys):
    live.check_equal([key for key in keys if key not in KNOWN], [], "keys that are not known")


def systemd_finds_it_sound():
    if not shutil.which("systemd-analyze"):
        live.kymo_env.skip("systemd-analyze is not there")
    place = live.path("units")
    os.mkdir(place)
    shutil.copy(UNIT, place)
    done = analyze("verify", "--man=no", os.path.join(place, "kymo-record@prod.service"))
    wrong = [line for line in (done.stdout + done.stderr).splitlines() if "is not executable" not in line]  # it is not installed here
    live.check_equal([line for line in wrong if "kymo-record" in line], [], "systemd-analyze verify")
    done = analyze("security", "--offline=yes", os.path.join(place, "kymo-record@.service"))
    level = re.search(r"Overall exposure level.*?: ([\d.]+)", done.stdout)
    live.check(level and float(level.group(1)) <= MAX_EXPOSURE, f"exposure: {level.group(0) if level else done.stderr}")
    print(level.group(0) if level else "no level")


def allowed_calls(text):
    """The names that a SystemCallFilter lets through."""
    names, queue = set(), text.split()
    while queue:
        word = queue.pop()
        if not word.startswith("@"):
            names.add(word)
            continue
        shown = analyze("syscall-filter", word).stdout.splitlines()
        queue += [line.strip() for line in shown[1:] if line.strip() and not line.strip().startswith("#")]
    return names


def run_as_unit(unit):
    home = live.path("state")
    os.mkdir(home, 0o700)
    os.chown(home, NOBODY, NOBODY)
    recorder, capture = os.path.join(home, "kymo-record"), os.path.join(home, "x.kymo")
    shutil.copy(live.RECORDER, recorder)
    sets = [name.lower().removeprefix("cap_") for name in unit["AmbientCapabilities"].split()]
    live.check_equal(unit["CapabilityBoundingSet"], unit["AmbientCapabilities"], "both lines name the same capabilities")
    plus = ",".join("+" + name for name in sets)
    line = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", f"--bounding-set=-all,{plus}", f"--inh-caps=-all,{plus}",
            f"--ambient-caps=-all,{plus}", "--no-new-privs", "prlimit", f"--nofile={unit['LimitNOFILE']}", "--core=0"]
    umask = int(unit["UMask"], 8)
    done = subprocess.run([*line, recorder, "-q", "-d", "2500ms", "-o", capture], capture_output=True, text=True, timeout=live.HANGS_S, check=False,
                          preexec_fn=lambda: os.umask(umask))
    live.check(done.returncode in (0, 3) and not done.stderr.replace("warning: events were lost", ""), f"as the unit: {done.returncode}: {done.stderr}")
    live.check_equal(oct(stat.S_IMODE(os.stat(capture).st_mode)), "0o600", "mode of its capture")
    lacks = kernel_allows.without(probe for probe in live.info(capture)["probes"] if not probe["attached"] or probe["reason"])
    live.check_equal(lacks, [], "PROBES: what is missing")


def filter_lets_it_work(unit):
    if not shutil.which("strace") or not shutil.which("systemd-analyze"):
        live.kymo_env.skip("strace or systemd-analyze is not there")
    log = live.path("calls")
    done = subprocess.run(["strace", "-f", "-c", "-o", log, live.RECORDER, "-q", "-f", "-d", "2500ms", "-o", live.path("traced.kymo")], capture_output=True, text=True, timeout=live.HANGS_S,
                          check=False)
    with open(log, encoding="ascii") as file:
        made = {line.split()[-1] for line in file if re.match(r"\s*[\d.]+\s", line)} - {"total"}
    live.check(len(made) > 30 and "bpf" in made, f"system calls of a recorder: {sorted(made)}")
    live.check_equal(sorted(made - allowed_calls(unit["SystemCallFilter"])), [], "calls that the unit's filter refuses")


def setcap_script():
    recorder = live.path("setcap-record")
    shutil.copy(live.RECORDER, recorder)
    done = subprocess.run(["bash", os.path.join(ROOT, "samples", "setcap.sh"), recorder, "nogroup"], capture_output=True, text=True, check=False)
    if done.returncode and "Operation not" in done.stderr:
        live.kymo_env.skip(f"file capabilities cannot be set here: {done.stderr}")
    live.check_equal(done.returncode, 0, f"setcap.sh: {done.stderr}")
    live.check_equal(oct(stat.S_IMODE(os.stat(recorder).st_mode)), "0o750", "mode of the recorder")
    home = live.path("own")
    os.mkdir(home, 0o700)
    os.chown(home, NOBODY, NOBODY)
    done = subprocess.run(["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", recorder, "-q", "-d", "300ms", "-o",
                           os.path.join(home, "x.kymo")], capture_output=True, text=True, timeout=live.HANGS_S, check=False)
    live.check(done.returncode in (0, 3) and "not recorded" not in done.stderr, f"after setcap.sh: {done.returncode}: {done.stderr}")


def main():
    os.chmod(live.DIRECTORY, 0o711)
    unit, keys = read_unit()
    live.run_parts({"keys": lambda: unit_is_sound(keys), "run": lambda: run_as_unit(unit)},
                   {"systemd": systemd_finds_it_sound, "calls": lambda: filter_lets_it_work(unit), "setcap": setcap_script})


main()
