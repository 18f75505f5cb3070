#!/usr/bin/env python3
"""W7: the name of a capture outlives a loss of power: its directory is synced after the file was made, before much is written. Under strace."""
import os
import re
import shutil
import subprocess

import faults_env as env


def main():
    if not shutil.which("strace") or subprocess.run(["strace", "-qq", "true"], capture_output=True, check=False).returncode:
        env.kymo_env.skip("strace cannot be had here")
    check = env.Check("W7")
    path = os.path.join(env.scratch, "named.kymo")
    for options in ((), ("--sync", "chunk"), ("-f",)):
        done = subprocess.run(["strace", "-f", "-qq", "-y", "-e", "trace=openat,linkat,renameat2,rename,write,fsync", *env.command("events=10", path), *options],
                              capture_output=True, text=True, errors="replace", timeout=600, check=False)
        lines = done.stderr.splitlines()
        named = [number for number, line in enumerate(lines) if re.search(r'(openat|linkat|rename\w*)\(.*"(?:[^"]*/)?named.kymo"', line) and not re.search(r"O_RDONLY|= -1", line)]
        synced = [number for number, line in enumerate(lines) if re.search(rf"fsync\(\d+<{re.escape(env.scratch)}>\) += 0", line)]
        check.case(f"directory sync, {' '.join(options)}", [env.expect(f"exit status {done.returncode}", done.returncode == 0),
                                                            env.expect("it was never named", named),
                                                            env.expect(f"no sync of the directory after it was named: {lines[-8:]}", named and synced and synced[-1] > named[-1])])
    env.finish([check])


main()
