#!/usr/bin/env python3
"""A capture carries the names of the user functions that were hit, and how they are unwound: read in a root directory that holds none of the
recorded programs, each frame has the name that it has on the recorded host. Programs that end before the recording does, are deleted while they
run, see other mounts, or are stripped; code made at run time; and files that are made to do harm, which cost at most their own names."""
import json
import os
import random
import shutil
import signal
import stat
import subprocess
import sys

import live_env as live

PROGRAM = os.path.join(os.path.dirname(live.kymo_env.BIN), "live", "named_code")
CPU = ["-a", "-e", "cpu", "-F", "499"]
PROCESS, UNVERIFIED, NONE = 1, 2, 4


def rows(capture, kind):
    done = subprocess.run([live.KYMO, "dump", capture], capture_output=True, text=True, timeout=600, check=False)
    return [json.loads(line) for line in done.stdout.splitlines() if f'"type":"{kind}"' in line]


FRAMES = ("SELECT f.id, f.name, f.symbol, f.offset_bytes, m.name AS module, m.path, m.build_id FROM frame f LEFT JOIN module m ON m.id = f.module_id WHERE f.space = 'user' "
          "ORDER BY f.id")


def frames(text):
    return {row["id"]: row for row in json.loads(text)["rows"]} if text.startswith("{") else {row["id"]: row for row in json.loads(text)}


def here(capture, query=FRAMES):
    done = subprocess.run([live.KYMO, "sql", "--json", capture, query], capture_output=True, text=True, timeout=600, check=False)
    live.check(done.returncode in (0, 3), f"kymo sql: status {done.returncode}: {done.stderr[:300]}")
    return frames(done.stdout)


def there(capture, query=FRAMES):
    """The same in a root directory with nothing in it but kymo, and what the loader needs at names that no recorded program has."""
    root = live.path("root")
    shutil.rmtree(root, ignore_errors=True)
    os.makedirs(os.path.join(root, "k"))
    shutil.copy(live.KYMO, os.path.join(root, "k", "kymo"))
    shutil.copy(capture, os.path.join(root, "k", "c.kymo"))
    listed = subprocess.run(["ldd", live.KYMO], capture_output=True, text=True, check=True).stdout
    loader = ""
    for word in listed.split():
        if word.startswith("/"):
            shutil.copy(word, os.path.join(root, "k", os.path.basename(word)))
            loader = os.path.basename(word) if os.path.basename(word).startswith("ld-") else loader
    done = subprocess.run(["chroot", root, f"/k/{loader}", "--library-path", "/k", "/k/kymo", "sql", "--json", "/k/c.kymo", query],
                          capture_output=True, text=True, timeout=600, check=False)
    live.check(done.returncode in (0, 3), f"kymo sql in an empty root: status {done.returncode}: {done.stderr[:300]}")
    return frames(done.stdout)


def place(row):
    """What a frame is, whatever its number: code without a file is told apart by its name."""
    return (row["path"], row["build_id"], row["offset_bytes"], None if row["path"] else row["symbol"])


def compare(capture, what):
    """-> the frames as they are there"""
    host, empty = here(capture), there(capture)
    named = [row for row in host.values() if row["symbol"]]
    known = {place(row): row["symbol"] for row in empty.values()}
    absent = [(row["module"], row["name"]) for row in named if place(row) not in known]
    lacking = [(row["module"], row["name"]) for row in named if place(row) in known and not known[place(row)]]
    other = [(row["name"], known[place(row)]) for row in named if known.get(place(row)) and row["symbol"] != known[place(row)]]
    print(f"{what}: {len(host)} user frames, {len(named)} named here; there {len(absent)} of these are on no stack and {len(lacking)} have no name; "
          f"other names: {len(other)} {other[:3]}")
    live.check(len(named) > 0, f"{what}: no user frame has a name")
    live.check_equal(absent[:5] + lacking[:5], [], f"{what}: named on the host, and not where none of the programs are")
    return empty


def names_in(empty, module):
    return {row["symbol"] for row in empty.values() if row["module"] == module}


def whole(capture, recorder, messages, what):
    live.check(recorder.returncode in (0, 3), f"{what}: status {recorder.returncode}: {messages[:500]}")
    done = subprocess.run([live.KYMO, "verify", "--decode", capture], capture_output=True, text=True, timeout=600, check=False)
    live.check_equal(done.returncode, 0, f"{what}: kymo verify: {done.stdout[-300:]}{done.stderr[-300:]}")


def run(*command, **options):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=live.HANGS_S, check=False, **options)
    live.check_equal(done.returncode, 0, f"{command[0]}: {done.stderr[:200]}")


def build_id(path):
    notes = subprocess.run(["readelf", "-n", path], capture_output=True, text=True, check=True).stdout
    return bytes.fromhex(notes.partition("Build ID: ")[2].split()[0])


def copy(name, *, strip=False, without_id=False):
    """Stripped ones get a build-id of their own: with that of the others, they would have the names of these, and rightly."""
    target = live.path(name)
    shutil.copy(PROGRAM, target)
    if strip:
        run("strip", "--strip-all", target)
        with open(target, "r+b") as file:
            data, old = file.read(), build_id(target)
            file.seek(0)
            file.write(data.replace(old, bytes(byte ^ 0x5a for byte in old)))
    if without_id:
        run("objcopy", "--remove-section", ".note.gnu.build-id", target)
    return target


def programs():
    recorder, capture = live.start_recorder("programs.kymo", *CPU)
    run(copy("whole"), "0.5")
    run(copy("stripped", strip=True), "0.5")
    run(copy("without-id", without_id=True), "0.5")
    gone = copy("gone")
    deleted = live.start([gone, "0.5"], stdout=subprocess.DEVNULL)
    live.until(lambda: live.cpu_seconds(deleted.pid) > 0.15, "the program that is to be deleted runs")
    os.unlink(gone)
    deleted.wait()
    mount = live.path("mount")
    os.mkdir(mount)
    # A tmpfs that only the program sees
    inside = subprocess.run(["unshare", "-m", "--propagation", "private", "sh", "-c",
                             f"mount -t tmpfs tmpfs {mount} && cp {PROGRAM} {mount}/mounted && exec {mount}/mounted 0.5"],
                            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    has_mount = inside.returncode == 0
    _, messages = live.stop(recorder)
    whole(capture, recorder, messages, "programs")
    empty = compare(capture, "programs")
    for module in ["whole", "gone", "without-id"] + (["mounted"] if has_mount else []):
        found = names_in(empty, module)
        live.check({"named_leaf", "main"} <= found, f"{module}: named_leaf and main are among {found}")
    if not has_mount:
        print(f"no mount namespace: {inside.stderr.strip()}")
    live.check("named_leaf" not in names_in(empty, "stripped"), "a stripped program has no names")
    without = [row for row in rows(capture, "symbol") if row.get("object", "").endswith("/stripped") and (row.get("flags") or 0) & NONE]
    live.check(without, "the capture says that the stripped program has none")
    unsure = {os.path.basename(row["object"]) for row in rows(capture, "symbol") if (row.get("flags") or 0) & UNVERIFIED and row["name"]}
    live.check("without-id" in unsure and not {"whole", "gone", "stripped"} & unsure, f"names that no build-id vouches for: {unsure}")
    unwinds = {os.path.basename(row["object"]) for row in rows(capture, "unwind") if row["fde"]}
    live.check({"whole", "stripped", "gone"} <= unwinds, f"unwind entries of each: {unwinds}")
    far = [row for row in rows(capture, "symbol") if (row["offset_bytes"] >> 47) != 0]
    live.check_equal(far, [], "no address of the kernel is stored")


def in_database():
    capture, _, _, _ = live.record("database.kymo", *CPU[1:], command=[PROGRAM, "0.5"])
    database = live.database(capture)
    found = {row["symbol"] for row in database.execute("SELECT symbol FROM frame WHERE symbol IS NOT NULL")}
    live.check({"named_leaf", "main"} <= found, f"names in a database: {found}")


def vdso():
    """As a program that reads the clock all the time has it"""
    script = "import time\nend = time.process_time() + 0.7\nwhile time.process_time() < end:\n    for _ in range(1000): time.monotonic()\n"
    capture, _, _, _ = live.record("vdso.kymo", *CPU[1:], command=["/usr/bin/python3", "-c", script])
    found = {row["symbol"] for row in there(capture).values() if row["module"] == "[vdso]"}
    print(f"vDSO: {found}")
    live.check(not found or all(name and name.startswith(("__vdso_", "__kernel_")) for name in found), f"functions of the vDSO: {found}")


def start_jit():
    child = live.start([PROGRAM, "0.6", "jit"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    words = child.stdout.readline().split()
    if not words:
        print("skipped: no code at run time on this machine")
        return None
    return child, int(words[1]), int(words[2], 16), int(words[3], 16)


def jit_map(write, what, expected):
    """Records a process with code made at run time, and the map that write(path, address, bytes) makes."""
    recorder, capture = live.start_recorder("jit.kymo", "-f", *CPU)
    started = start_jit()
    if not started:
        live.stop(recorder)
        return
    child, pid, address, size = started
    path = f"/tmp/perf-{pid}.map"
    try:
        write(path, address, size)
        child.communicate("go\n", timeout=live.HANGS_S)
        _, messages = live.stop(recorder)
    finally:
        if os.path.lexists(path):
            os.unlink(path)
    whole(capture, recorder, messages, what)
    own = [row for row in rows(capture, "symbol") if (row.get("flags") or 0) & PROCESS and row["task"]["tgid"] == pid]
    found = {row["symbol"] for row in there(capture).values() if row["module"] == "[anon]" and row["symbol"]} if own else set()
    print(f"{what}: {found}")
    live.check_equal(bool(own), expected, f"{what}: names of the process")
    live.check_equal(any("made_code" in name for name in found), expected, f"{what}: {found}")


def text_of(address, size):
    return f"{address - 4096:x} 40 before\n{address:x} {size:x} Made::made_code\n{address + 4096:x} 40 after\n"


def jit():
    def write(mode, text):
        def writing(path, address, size):
            with open(path, "w", encoding="utf-8") as file:
                file.write(text(address, size))
            os.chmod(path, mode)
        return writing

    def fifo(path, _address, _size):
        os.mkfifo(path)

    def device(path, _address, _size):
        os.symlink("/dev/zero", path)

    def stranger(path, address, size):
        write(0o644, text_of)(path, address, size)
        os.chown(path, 12345, 12345)

    def junk(address, size):
        noise = random.Random(11)
        lines = ["x" * 200000, "ffffffffffffffff ffffffffffffffff wraps", "-1 -1 minus", "0 0 nothing", f"{address:x} {size:x} ", "1" * 40 + " 1 long"]
        lines += ["".join(chr(noise.randrange(32, 127)) for _ in range(noise.randrange(100))) for _ in range(5000)]
        lines += [f"{address:x} {size:x} old_name", f"{address:x} {size:x} made_code" + "y" * 5000]
        return "\n".join(lines) + "\n"

    def everything(address, _size):
        return "0 ffffffffffffffff everything\n" * 200000 + f"{address:x} 40 made_code\n"

    jit_map(write(0o644, text_of), "a map", True)
    jit_map(write(0o644, junk), "a map with junk in it", True)
    jit_map(write(0o644, everything), "a map whose lines cover all", True)
    jit_map(write(0o666, text_of), "a map that everybody may write", False)
    jit_map(stranger, "a map of another user", False)
    jit_map(fifo, "a FIFO", False)
    jit_map(device, "a device", False)


def patched(name, noise):
    """A copy that the kernel runs, whose tables are nonsense"""
    path = copy(name)
    with open(path, "r+b") as file:
        data = bytearray(file.read())
        sections = int.from_bytes(data[40:48], "little")
        kind = noise.randrange(4)
        if kind == 0:  # no end of sections, at a place that does not exist
            data[40:48] = (2 ** 63 - 4096).to_bytes(8, "little")
            data[60:62] = b"\xff\xff"
        elif kind == 1:  # cut off after what is mapped
            del data[sections - noise.randrange(1, 2000):]
        else:  # headers of sections, or all tables behind the code, at random
            start, end = (sections, len(data)) if kind == 2 else (min(0x3000, sections), len(data))
            for _ in range(600):
                data[noise.randrange(start, end)] = noise.randrange(256)
        file.seek(0)
        file.truncate()
        file.write(data)
    return path


def hostile_files():
    noise = random.Random(7)
    recorder, capture = live.start_recorder("hostile.kymo", *CPU)
    for number in range(12):
        path = patched(f"hostile-{number}", noise)
        subprocess.run([path, "0.1"], stdin=subprocess.DEVNULL, capture_output=True, timeout=live.HANGS_S, check=False)  # it may well crash
    run(copy("sound"), "0.4")
    huge = copy("huge")
    os.truncate(huge, 3 << 30)  # a hole, larger than is read
    subprocess.run([huge, "0.2"], stdin=subprocess.DEVNULL, capture_output=True, timeout=live.HANGS_S, check=False)
    _, messages = live.stop(recorder)
    whole(capture, recorder, messages, "hostile files")
    live.check("named_leaf" in names_in(there(capture), "sound"), "a sound program among them has its names")


def reader_of(recorder):
    with open(f"/proc/{recorder.pid}/task/{recorder.pid}/children", encoding="ascii") as file:
        for pid in file.read().split():
            with open(f"/proc/{pid}/comm", encoding="ascii") as comm:
                if comm.read().strip() == "kymo-names":
                    return int(pid)
    return None


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def reader():
    """The child that reads has next to nothing, and whatever happens to it costs names only."""
    recorder, capture = live.start_recorder("reader.kymo", "--json", *CPU)
    pid = live.until(lambda: reader_of(recorder), "the child that names functions")
    facts = status_of(pid)
    held = int(facts["CapPrm"], 16) | int(facts["CapEff"], 16) | int(facts["CapInh"], 16) | int(facts["CapAmb"], 16)
    live.check_equal(held & ~(1 << 19 | 1 << 2), 0, "capabilities beyond CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH")
    live.check_equal((facts["Seccomp"], facts["NoNewPrivs"]), ("2", "1"), "its filter")
    opened = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
    live.check(not any("bpf" in name or "kymo" in name or "perf_event" in name for name in opened), f"what it has open: {opened}")
    run(copy("lost"), "0.3")
    os.kill(pid, signal.SIGKILL)
    out, messages = live.stop(recorder)
    whole(capture, recorder, messages, "its end")
    names = json.loads(out)["names"]
    live.check(names["cut"], f"the summary says so: {names}")
    recorder, capture = live.start_recorder("killed.kymo", *CPU)
    pid = live.until(lambda: reader_of(recorder), "the child that names functions")
    recorder.kill()
    recorder.wait()
    live.until(lambda: not os.path.exists(f"/proc/{pid}") or live.is_over(pid), "it ends with its recorder")


def not_wanted():
    capture, out, _, _ = live.record("without.kymo", "--no-symbols", "--json", *CPU[1:], command=[PROGRAM, "0.3"])
    live.check_equal(rows(capture, "unwind"), [], "--no-symbols: unwind entries")
    live.check_equal([row for row in rows(capture, "symbol") if row["object"].startswith(("/", "["))], [], "--no-symbols: names")
    live.check("names" not in live.truth(out), f"--no-symbols: the summary has none: {out}")


if not shutil.which("strip") or not shutil.which("readelf") or not os.path.exists(PROGRAM) or not stat.S_ISREG(os.stat(PROGRAM).st_mode):
    print("skipped: strip, readelf or named_code is missing (binutils)")
    sys.exit(77)
live.run_parts({part.__name__: part for part in (programs, in_database, vdso, jit, hostile_files, reader, not_wanted)}, {})
