#!/usr/bin/python3
"""F8: an import is a function of its capture: the same tables each time, and the answers of the capture itself. F9: its final name
never holds a part of it, whenever it is killed, and what is left does not stop the next.

    import_check.py [--kills N] [--seed S]
"""
import argparse
import hashlib
import os
import random
import re
import signal
import sqlite3
import subprocess
import time

from compat_env import FULL, KYMO, RECORD, TESTS, Folder, Result, all_captures, exit_with, first_difference, kymo, kymo_env, read

QUICK_KILLS, FULL_KILLS = 20, 500
KILLED_EVENTS = 60000  # an import of some tenths of a second
# calls of a small import, each of which is the last one in one case of the full form
SYSCALLS = ("openat", "pwrite64", "ftruncate", "fsync", "renameat2", "rename", "unlink", "close", "fcntl")
SAME_ANSWER = re.compile(r"^(?:text|json|svg|hash)\+db\s+(.*)$")


def table_hashes(path):
    """-> {table: hash of its rows in their order}"""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    connection.text_factory = bytes
    try:
        names = [row[0].decode() for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")]
        return {name: hashlib.sha256(repr(connection.execute(f'SELECT * FROM "{name}"').fetchall()).encode()).hexdigest() for name in names}
    finally:
        connection.close()


def do_import(capture, database, *options, cwd=None):
    status, _, err = kymo("import", "-q", "--no-symbols", *options, capture, "-o", database, cwd=cwd)
    return status, err.decode(errors="replace")


# -------- F8 --------

def commands_with_databases():
    """Arguments of every report that golden/reports.txt asks of captures and databases alike."""
    with open(os.path.join(TESTS, "golden", "reports.txt"), encoding="utf-8") as file:
        found = [SAME_ANSWER.match(line.split(None, 1)[1]) for line in file if line[0].isalpha()]
    return [match[1].split() for match in found if match] + [["info", "--json", "--no-symbols", "CAPTURE"], ["info", "--no-symbols", "CAPTURE"],
                                                             ["sql", "CAPTURE", "SELECT * FROM capture_info"]]


def check_same(result, folder, path, commands):
    name = os.path.relpath(path, os.path.dirname(TESTS))
    first, second = folder.path("first.db"), folder.path("second.db")
    statuses = [do_import(path, database, "-f")[0] for database in (first, second)]
    result.check(statuses[0] == statuses[1] and statuses[0] in (0, 3), f"{name}: import: statuses {statuses}")
    result.same(table_hashes(second), table_hashes(first), f"{name}: hashes of the tables of two imports")
    result.check(read(first) == read(second), f"{name}: two imports are not the same bytes")
    for words in commands:
        answers = [kymo(*(source if word == "CAPTURE" else word for word in words))[:2] for source in (path, first, second)]
        for answer, source in ((answers[1], "its database"), (answers[2], "its second database")):
            result.check(answer == answers[0], lambda words=words, answer=answer, source=source, answers=answers: f"{name} and {source}: kymo "
                         f"{' '.join(words)}: status {answer[0]}: {first_difference(answer[1].splitlines(), answers[0][1].splitlines())}")


# -------- F9 --------

class Killing:
    """One capture, what its import looks like when it is done, and a folder in which it is done again and again."""

    def __init__(self, result, folder, events):
        self.result, self.directory = result, folder.path(f"killing{events}")
        os.mkdir(self.directory)
        self.run("kymo-record", RECORD, "--source", f"synthetic:events={events},mix=all,seed=5", "-q", "-o", "run.kymo")
        began = time.monotonic()
        self.run("kymo import", *self.command("reference.db"))
        self.seconds = time.monotonic() - began
        self.reference = read(self.path("reference.db"))
        self.whole = self.parts = 0

    def path(self, name):
        return os.path.join(self.directory, name)

    def command(self, database):
        return [KYMO, "import", "-q", "--no-symbols", "run.kymo", "-o", database]

    def run(self, what, *words):
        done = subprocess.run(words, cwd=self.directory, capture_output=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{what}: status {done.returncode}: {done.stderr.decode(errors='replace')}")

    def there(self):
        return sorted(name for name in os.listdir(self.directory) if name.startswith("out."))

    def judge(self, what, next_import):
        """After a kill: nothing, or all of it, has the final name; the next import is not stopped by the rest."""
        names = self.there()
        self.parts += "out.db.part" in names
        self.result.check(set(names) <= {"out.db", "out.db.part"}, f"{what}: it left {names}")
        if "out.db" in names:
            self.whole += 1
            self.result.check(read(self.path("out.db")) == self.reference, f"{what}: out.db is not the whole import")
            os.unlink(self.path("out.db"))
        if next_import:
            done = subprocess.run(self.command("out.db"), cwd=self.directory, capture_output=True, check=False)
            good = done.returncode == 0 and self.there() == ["out.db"] and read(self.path("out.db")) == self.reference
            self.result.check(good, f"{what}: the next import: status {done.returncode}: {done.stderr.decode(errors='replace')}; {self.there()}")
            for name in self.there():
                os.unlink(self.path(name))

    def kill_at(self, delay_s, what, next_import):
        process = subprocess.Popen(self.command("out.db"), cwd=self.directory, stderr=subprocess.DEVNULL)
        time.sleep(delay_s)
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.judge(what, next_import)


def check_random_kills(result, folder, count, seed):
    killing, chance, said = Killing(result, folder, KILLED_EVENTS), random.Random(seed), time.monotonic()
    for number in range(count):
        delay_s = chance.uniform(0, killing.seconds * 1.1)
        killing.kill_at(delay_s, f"seed {seed}, kill {number}, {1000 * delay_s:.1f} ms", number % 10 == 9)
        if time.monotonic() - said > 20:
            said = time.monotonic()
            print(f"{number} kills", flush=True)
    return killing


def strace(words, cwd, *options):
    return subprocess.run(["strace", "-f", "-qq", *options, *words], cwd=cwd, capture_output=True, text=True, errors="replace", check=False)


def can_trace():
    try:
        return subprocess.run(["strace", "-qq", "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def check_kill_at_every_call(result, folder):
    """kill -9 as the k-th call of a kind is made, for every k. -> how many"""
    killing, kills = Killing(result, folder, 3000), 0
    for name in SYSCALLS:
        trace = strace(killing.command("out.db"), killing.directory, "-e", f"trace={name}")
        os.unlink(killing.path("out.db"))
        for k in range(1, trace.stderr.count(f"{name}(") + 1):
            done = strace(killing.command("out.db"), killing.directory, "-e", f"trace={name}", "-e", f"inject={name}:signal=KILL:when={k}")
            if done.returncode == 0:
                result.check(False, f"kill at {name} {k}: it was not killed")
            killing.judge(f"kill at {name} {k}", k % 10 == 0)
            kills += 1
    return kills


def check_power_cut_order(result, folder):
    """What has the final name is on the disk: fsync of the part after its last write, rename, fsync of the folder, in that order."""
    killing = Killing(result, folder, 1000)
    for option in ((), ("-f",)):
        done = strace([*killing.command("out.db"), *option], killing.directory, "-y", "-e",
                      "trace=pwrite64,write,fsync,fdatasync,rename,renameat2,link,ftruncate")
        calls = [line for line in done.stderr.splitlines() if "out.db" in line or f"<{killing.directory}>" in line]
        kinds = [re.sub(r"^(?:\[pid +\d+\] )?(\w+)\(.*", r"\1", line) for line in calls]
        tail = kinds[next((i for i, kind in enumerate(kinds) if kind in ("fsync", "fdatasync")), 0):]
        result.check(done.returncode == 0 and tail in (["fsync", "renameat2", "fsync"], ["fsync", "rename", "fsync"]),
                     f"import {' '.join(option)}: from its first fsync on: {tail}; {calls[-4:]}")
        result.check("out.db.part>" in calls[-3] and f"<{killing.directory}>" in calls[-1], f"import {' '.join(option)}: fsync of {calls[-3:]}")


def bytes_in(path):
    """The size of a file, 0 where it is not there (yet, or no longer)."""
    try:
        return os.path.getsize(path)
    except FileNotFoundError:
        return 0


def check_two_at_once(result, folder):
    """The second import of one name is refused while the first one runs, -f or not, and does no harm to it."""
    killing = Killing(result, folder, KILLED_EVENTS * 4)
    part = killing.path("out.db.part")
    while True:  # stopped while it works; again, where it was done before we looked
        process = subprocess.Popen(killing.command("out.db"), cwd=killing.directory)
        # bytes in it: an import writes only what it has locked, and creating the file comes before that
        while process.poll() is None and not bytes_in(part):
            time.sleep(0.001)
        if process.returncode is None:
            process.send_signal(signal.SIGSTOP)
            stopped = os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT).si_code == os.CLD_STOPPED
            if stopped and os.path.exists(part):
                break
            process.send_signal(signal.SIGCONT)
            process.wait()
        for name in killing.there():
            os.unlink(killing.path(name))
    for option in ((), ("-f",)):
        done = subprocess.run([*killing.command("out.db"), *option], cwd=killing.directory, capture_output=True, text=True, check=False)
        result.check(done.returncode == 1 and "another import" in done.stderr, f"two imports {' '.join(option)}: {done.returncode}: {done.stderr}")
    process.send_signal(signal.SIGCONT)
    result.check(process.wait() == 0 and read(killing.path("out.db")) == killing.reference, "two imports: the first one is not whole")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=FULL_KILLS if FULL else QUICK_KILLS)
    parser.add_argument("--seed", type=int, default=int(os.environ.get("TEST_SEED", time.time_ns() % 1000000)))
    parser.add_argument("--order", action="store_true", help="only the order of fsync and rename, under strace")
    options = parser.parse_args()
    if options.order or FULL:
        if not can_trace():
            kymo_env.skip("strace is not to be had: the order of fsync and rename cannot be looked at")
    if options.order:
        order = Result("F9")
        with Folder() as folder:
            check_power_cut_order(order, folder)
        exit_with(order.finish("fsync, rename, fsync of the folder"))
    same, killed = Result("F8"), Result("F9")
    with Folder() as folder:
        commands = commands_with_databases()
        quick = ("all.kymo", "block-chunk.kymo", "block-stats.kymo", "not-closed.kymo", "recorder-synthetic.kymo")
        for path in all_captures():
            if FULL or os.path.basename(path) in quick:
                check_same(same, folder, path, commands)
        killing = check_random_kills(killed, folder, options.kills, options.seed)
        note = f"{options.kills} random kills, seed {options.seed}: {killing.parts} left a .part, {killing.whole} came after the rename"
        check_two_at_once(killed, folder)
        if FULL:
            check_power_cut_order(killed, folder)
            note += f"; fsync, rename, fsync of the folder; {check_kill_at_every_call(killed, folder)} kills, one at each call"
    exit_with(same.finish(f"import has one thread; {len(commands)} commands"), killed.finish(note))


if __name__ == "__main__":
    main()
