#!/usr/bin/env python3
"""While it records, the recorder holds no capability and its output is for its owner only (requirements S15, S17)."""
import os
import stat

import live_env as live

os.umask(0)
recorder, capture = live.start_recorder("privileges.kymo")
for task in os.listdir(f"/proc/{recorder.pid}/task"):
    with open(f"/proc/{recorder.pid}/task/{task}/status", encoding="ascii", errors="replace") as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    for name in ("CapEff", "CapPrm", "CapAmb"):
        live.check(int(status[name], 16) == 0, f"thread {status['Name']}: {name} is {status[name]}")
    live.check_equal(status["NoNewPrivs"], "1", f"thread {status['Name']}: no_new_privs")
live.check_equal(oct(stat.S_IMODE(os.stat(capture).st_mode)), "0o600", "mode of the capture")
live.stop(recorder)
live.check_equal(recorder.returncode, 0, "exit status")
live.check(bool(live.info(capture)["complete"]), "the capture is complete")
live.finish()
