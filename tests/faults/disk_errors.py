#!/usr/bin/env python3
"""W9: EIO once, from each write, fdatasync, close there is, then success: never forgotten, and what stood in the file still does."""
import errno

import faults_env as env

RUN = "events=100000,mix=all,seed=1"
HEAD_CALLS = {"write": 2, "fdatasync": 1, "fsync": 1}  # before events flow: the file is removed again


def check_error(run, call, number):
    problems = [env.expect(f"exit status {run.status}", run.status == 1),
                env.expect(f"said {run.said!r}", run.path in run.said and "its disk is failing" in run.said)]
    if number <= HEAD_CALLS.get(call, 0):
        return problems + [env.expect("left a file that holds nothing", not run.exists)]
    if not run.exists:
        return problems + ["no file"]
    found = run.facts
    problems += env.whole(found)
    if not found["readable"]:
        return problems
    problems.append(env.expect("no END", found["ended"]))
    if call != "close":  # after which nothing can be written
        problems += [env.expect(f"reason {found['reason']}", found["reason"] == env.IO_ERROR),
                     env.expect("no block carries flag 7", found["after_error"] > 0)]
    return problems


def check_forever(run):
    """A disk that stays broken: what was written reads; the end may be missing."""
    problems = [env.expect(f"exit status {run.status}", run.status == 1), env.expect(f"said {run.said!r}", run.path in run.said)]
    if run.exists:
        problems += env.whole(run.facts)
        problems.append(env.expect("ended well", not run.facts.get("ended") or run.facts["reason"] == env.IO_ERROR))
    return problems


def main():
    check = env.Check("W9")
    env.require_shim()
    for sync in ("interval", "chunk"):
        options = ["--sync", sync]
        trace = env.Run("", RUN, *options).trace()
        for call in ("write", "fdatasync", "fsync", "close"):
            for number in range(1, 1 + sum(row[0] == call for row in trace)):
                errors = [errno.EIO] + ([errno.EROFS] if call == "fdatasync" and env.FULL else [])
                for error in errors:
                    for more in [""] + ([",partly"] if call == "write" else []):
                        words = f"fail={call}:{number}:{error}{more}"
                        check.case(f"KYMO_DISK={words} --sync {sync}", check_error(env.Run(words, RUN, *options), call, number))
                if call in ("write", "fdatasync") and (env.FULL or number % 4 == 0):
                    words = f"fail={call}:{number}:{errno.EIO},forever"
                    check.case(f"KYMO_DISK={words} --sync {sync}", check_forever(env.Run(words, RUN, *options)))
        # Neither is needed for a good file.
        for call in ("fallocate", "ftruncate"):
            for number in range(1, 1 + sum(row[0] == call for row in trace)):
                words = f"fail={call}:{number}:{errno.EIO}"
                run = env.Run(words, RUN, *options)
                check.case(f"KYMO_DISK={words}", [env.expect(f"exit status {run.status} {run.said}", run.status == 0), *env.whole(run.facts)])
    env.finish([check])


main()
