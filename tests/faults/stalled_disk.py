#!/usr/bin/env python3
"""W11: the disk takes nothing for a while: memory stays bounded, the source is not held up, and what was dropped is counted to the event.
That the source went on is seen by what it made: the queue fills to its bound, and the rest is lost for want of room; a source that waits for
the disk fills nothing. How long the drain waited at most is told."""
import os
import subprocess
import sys
import time

import faults_env as env

QUEUE_BYTES = 6 << 20
CHUNK_BYTES = 1 << 20
PROMISED_RSS = 96 << 20
AIM_RSS = 50 << 20  # of the whole recorder, rings included; kept where no sanitizer adds its own
STALLS_S = (3, 6, 12, 24, 48)  # a busy machine makes fewer events in the same time: until the queue is full


def check_stall(found, rss_limit):
    """-> problems of a recording whose disk stalled"""
    if not found["readable"]:
        return ["not readable"]
    return [*env.whole(found), env.expect("no END", found["ended"]),
            env.expect(f"only {found.get('lost_backpressure', 0)} of {found['lost']} lost for backpressure",
                       found["lost"] > 0 and found.get("lost_backpressure") == found["lost"]),
            env.expect(f"STATS show a queue of {found['queue_max']} bytes", found["queue_max"] >= QUEUE_BYTES - CHUNK_BYTES - (64 << 10)),
            env.expect(f"queue of {found['queue_max']} bytes is beyond its bound", found["queue_max"] <= QUEUE_BYTES + (5 << 20)),
            env.expect(f"{found['rss_max']} bytes of memory", found["rss_max"] <= rss_limit)]


def stalled_file(check, rate, stalls_s, rss_limit):
    for stall_s in stalls_s:
        run = env.Run(f"stall=500:{stall_s * 1000}", f"rate={rate},seed=5", "-d", f"{stall_s + 2}s", timeout=stall_s + 120)
        if run.facts and run.facts["readable"] and run.facts["lost"]:
            break
    check.case(f"KYMO_DISK=stall=500:{stall_s * 1000} rate={rate}",
               [env.expect(f"exit status {run.status}: {run.said}", run.status == 3), *check_stall(run.facts, rss_limit)])
    return run.facts


def stopped_in_stall(check, rate, rss_limit):
    """Told to stop while the disk hangs: it waits for the disk then, and the last STATS has the queue's depth."""
    run = env.Run("stall=500:60000", f"rate={rate},seed=6", "-d", "30s", timeout=600)
    problems = check_stall(run.facts, rss_limit)
    problems.append(env.expect(f"the last STATS shows a queue of {run.facts.get('last_queue')}",
                               run.facts.get("last_queue", 0) >= QUEUE_BYTES - CHUNK_BYTES - (64 << 10)))
    check.case("stopped while the disk hangs", problems)


def stopped_reader(check, rate, stall_s, rss_limit):
    """A real pipe whose reader stops reading."""
    path = os.path.join(env.scratch, "piped.kymo")
    recorder = subprocess.Popen(env.command(f"rate={rate},seed=7", "-", "-d", f"{stall_s + 2}s"), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with open(path, "wb") as out:
        out.write(recorder.stdout.read(4096))
        time.sleep(stall_s)
        while chunk := recorder.stdout.read(1 << 16):
            out.write(chunk)
    said = recorder.stderr.read().decode()
    status = recorder.wait(timeout=600)
    check.case(f"a pipe whose reader stops for {stall_s} s",
               [env.expect(f"exit status {status}: {said}", status == 3), *check_stall(env.facts(path), rss_limit)])


def stalled_for_ever(check, rss_limit):
    """STATS come each second while events are lost: they must not pile up either. The recorder is ended by a second signal, as an
    operator would."""
    path = os.path.join(env.scratch, "hung.kymo")
    recorder = subprocess.Popen(env.command("rate=400000,seed=8", path), env=env.environment("stall=500:600000"), stderr=subprocess.DEVNULL)
    try:
        time.sleep(60 if env.FULL else 4)
        with open(f"/proc/{recorder.pid}/status", encoding="utf-8") as file:
            peak = next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))
        recorder.terminate()
        time.sleep(1)
        hanging = recorder.poll() is None
        recorder.terminate()
        try:
            recorder.wait(timeout=600)
        except subprocess.TimeoutExpired:
            pass
        ended_with = recorder.returncode
    finally:
        recorder.kill()
        recorder.wait()
    check.case("a disk that never answers again", [env.expect(f"{peak} bytes of memory", peak <= rss_limit),
                                                   env.expect("it ended though its disk hangs", hanging),
                                                   env.expect(f"second signal: {ended_with}", ended_with == -15),
                                                   *env.whole(env.facts(path))])


def main():
    env.require_shim()
    check = env.Check("W11")
    rss_limit = 8 * PROMISED_RSS if os.environ.get("KYMO_SANITIZE") else AIM_RSS
    found = []
    if env.FULL:
        found.append(stalled_file(check, 100000, (10, 20, 40), rss_limit))
    found.append(stalled_file(check, 400000, STALLS_S, rss_limit))
    if env.FULL:
        stopped_reader(check, 400000, 30, rss_limit)
        stopped_in_stall(check, 400000, rss_limit)
    stalled_for_ever(check, rss_limit)
    env.finish([check], f"peak memory {max(one['rss_max'] for one in found) / 1e6:.1f} MB, longest pause of the drain "
               f"{max(one['delay_max_ns'] for one in found) / 1e9:.2f} s, "
               f"lost {', '.join(str(one['lost']) for one in found)} of {', '.join(str(one['attempted']) for one in found)}")


if __name__ == "__main__":
    sys.exit(main())
