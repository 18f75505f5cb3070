#!/usr/bin/env python3
"""Results on a terminal: tables fit its width and show their first 20 rows, and long output goes through a pager, as git's does."""
import fcntl
import os
import pty
import select
import sqlite3
import struct
import subprocess
import sys
import tempfile
import termios

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import kymo_env  # noqa: E402

KYMO = os.path.join(kymo_env.BIN, "kymo")
RECORD = os.path.join(kymo_env.BIN, "kymo-record")
GOLDEN = os.path.join(kymo_env.TESTS, "golden")
CAPTURES = [os.path.join(kymo_env.SAMPLES, name) for name in ("all.kymo", "live.kymo", "loss.kymo", "net.kymo", "waits.kymo")]
CAPTURES += [os.path.join(GOLDEN, name) for name in ("1.1/recorder-counted.kymo", "1.1/type-governor.kymo", "1.2/type-offcpu.kymo", "1.2/not-closed.kymo")]
REPORTS = [
    "", "summary", "info", "syscalls", "syscalls --by-process --errors --in-flight --blocked", "syscalls --histogram --estimate", "syscalls -n 0 --by-process",
    "offcpu", "offcpu --all", "offcpu --slow", "offcpu --runqueue", "overhead", "overhead --timeline", "overhead --decisions", "verify", "verify --decode",
]
failures = []


def check(condition, text):
    if not condition:
        failures.append(text)


def on_terminal(words, columns=80, paged=False, status=None, **environment):
    """-> (lines, exit status) of kymo on a terminal of so many columns; its messages go there, too"""
    variables = {name: value for name, value in os.environ.items() if name not in ("PAGER", "KYMO_PAGER", "LESS", "COLUMNS")}
    variables |= {"TERM": "xterm", "LC_ALL": "C.UTF-8"} | ({} if paged else {"KYMO_PAGER": ""}) | environment
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen([KYMO, *words], stdin=theirs, stdout=theirs, stderr=theirs, env=variables, start_new_session=True)
    os.close(theirs)
    output = b""
    while select.select([ours], [], [], 120)[0]:
        try:
            data = os.read(ours, 65536)
        except OSError:  # the terminal is closed
            break
        if not data:
            break
        output += data
    os.close(ours)
    found = process.wait(timeout=120)
    what = f"kymo {' '.join(words)}"
    check(found in ((0, 3) if status is None else (status,)), f"{what}: status {found}: {output[-200:]!r}")
    return output.decode("utf-8", "replace").replace("\r\n", "\n").splitlines(), found


def width(line):
    return len(line.replace("\x1b", "").encode().decode())


def piped(words):
    done = subprocess.run([KYMO, *words], capture_output=True, text=True, timeout=120, check=False)
    return done.stdout.splitlines(), done.stderr


def check_widths(captures):
    """Fields of one value may be long; what stands in columns is not."""
    for capture in captures:
        for report in REPORTS:
            words = [*report.split(), os.path.basename(capture)]
            for columns in (40, 80, 132):
                drawn = "histogram" in report or "runqueue" in report
                if (columns == 40 and (drawn or report in ("", "summary"))) or (drawn and "1.2" in capture):
                    continue  # made for 80 columns, and for durations that can be
                lines, _ = on_terminal(words, columns)
                for line in lines:
                    is_field = line.lstrip().split(" ")[0].endswith(":") or line.startswith("kymo: ")
                    check(is_field or width(line) <= columns, f"kymo {' '.join(words)} at {columns} columns: {width(line)}: {line}")


def check_cutting():
    """A wide terminal and a pipe get the same; a narrow one gets the same rows, with fewer columns."""
    words = ["syscalls", "live.kymo"]
    wide, narrow, text = on_terminal(words, 200)[0], on_terminal(words, 80)[0], piped(words)[0]
    check(wide == text, f"200 columns and a pipe differ: {wide[:2]} {text[:2]}")
    check([line.split()[0] for line in narrow] == [line.split()[0] for line in wide], "a narrow terminal has the same rows")
    head = narrow[0].split()
    check(head[:2] == ["syscall", "calls"] and head[-1] == "max" and "min" not in head, f"columns at 80: {head}")
    check(on_terminal(words, 200, COLUMNS="80")[0] == narrow, "COLUMNS stands above what the terminal says")
    check(piped(words)[0] == text, "a pipe is never cut")
    done = subprocess.run([KYMO, *words], capture_output=True, text=True, env=dict(os.environ, COLUMNS="40"), check=False)
    check(done.stdout.splitlines() == text, "nor by COLUMNS")
    lines = on_terminal(["info", "live.kymo"], 60)[0]
    check(any(".." in line for line in lines), f"long names end in '..': {lines[-30:]}")


def check_rows(many):
    """The first 20 rows of each table, and how many more there are"""
    for words, all_rows in ((["syscalls", "--by-process", many], None), (["syscalls", many], None), (["offcpu", "--slow", "--all", "waits.kymo"], None)):
        shown, everything = piped(words)[0], piped([*words, "-n", "0"])[0]
        all_rows = len(everything) - 1
        check(all_rows > 20, f"{words}: {all_rows} rows: the test is too weak")
        check([line.split() for line in shown[:21]] == [line.split() for line in everything[:21]], f"{words}: other rows")
        check(shown[21:] == [f"{all_rows - 20} more (-n 0 shows all)"], f"{words}: {shown[21:]}")
        three = piped([*words, "-n", "3"])[0]
        check([line.split() for line in three[:4]] == [line.split() for line in everything[:4]], f"{words}: -n 3: {three}")
        check(three[4:] == [f"{all_rows - 3} more (-n 0 shows all)"], f"{words}: -n 3: {three}")
        check(piped([*words, "-n", str(all_rows)])[0] == everything, f"{words}: no line where all are shown")
        check(len(piped([*words, "--csv"])[0]) == all_rows + 1, f"{words}: CSV has all rows")
    lines = piped(["overhead", "decisions.db"])[0]
    check(any(line.endswith(" more (-n 0 shows all)") for line in lines), f"overhead has many decisions: {lines[-40:]}")
    check(not any("more (-n" in line for line in piped(["overhead", "--decisions", "decisions.db"])[0]), "--decisions shows all")
    check(any("more (-n" in line for line in piped(["overhead", "--decisions", "-n", "5", "decisions.db"])[0]), "--decisions -n 5")


def make_decisions(capture, path):
    """Each decision of the budget a few times"""
    subprocess.run([KYMO, "import", "-q", capture, "-o", path], capture_output=True, check=True)
    with sqlite3.connect(path) as database:
        columns = ", ".join(row[1] for row in database.execute("PRAGMA table_info(governor)"))
        for number in range(4):
            database.execute(f"INSERT INTO governor SELECT {columns.replace('time_ns', f'time_ns + {number}', 1)} FROM governor WHERE rowid < 20")


def check_pager(directory):
    got = os.path.join(directory, "got.txt")
    save = f"sh -c 'echo $LESS >less.txt; cat >{got}'"

    def read():
        with open(got, encoding="utf-8") as file:
            return file.read().splitlines()

    def ran(words, **environment):
        if os.path.exists(got):
            os.remove(got)
        lines, status = on_terminal(words, paged=True, **environment)
        return lines, status, os.path.exists(got)

    expected = on_terminal(["syscalls", "live.kymo"])[0]
    lines, status, paged = ran(["syscalls", "live.kymo"], KYMO_PAGER=save)
    check(paged and not lines and status == 0 and read() == expected, f"$KYMO_PAGER gets it, as wide as the terminal: {lines}")
    with open("less.txt", encoding="utf-8") as file:
        check(file.read() == "FRX\n", "LESS is FRX")
    ran(["syscalls", "live.kymo"], KYMO_PAGER=save, LESS="S")
    with open("less.txt", encoding="utf-8") as file:
        check(file.read() == "S\n", "or as the user has it")
    check(ran(["syscalls", "live.kymo"], PAGER=save)[2], "else $PAGER")
    check(not ran(["syscalls", "live.kymo"], PAGER=save, KYMO_PAGER="cat")[2], "$KYMO_PAGER stands above $PAGER")
    for report in REPORTS[:-2]:
        check(ran([*report.split(), "live.kymo"], KYMO_PAGER=save)[2], f"{report} goes through the pager")
    check(ran(["sql", "live.kymo", "SELECT 1"], KYMO_PAGER=save)[2] and ran(["folded", "live.kymo"], KYMO_PAGER=save)[2], "sql and folded, too")

    for what, words, environment in (
            ("--no-pager", ["syscalls", "--no-pager", "live.kymo"], {}), ("--no-pager in front", ["--no-pager", "syscalls", "live.kymo"], {}),
            ("TERM=dumb", ["syscalls", "live.kymo"], {"TERM": "dumb"}), ("an empty pager", ["syscalls", "live.kymo"], {"KYMO_PAGER": ""})):
        lines, _, paged = ran(words, **({"KYMO_PAGER": save} | environment))
        check(not paged and lines == expected, f"no pager with {what}: {lines[:3]}")
    for words in (["syscalls", "--json", "live.kymo"], ["syscalls", "--csv", "live.kymo"], ["dump", "live.kymo"], ["verify", "live.kymo"]):
        check(not ran(words, KYMO_PAGER=save)[2], f"no pager for {words[:2]}")
    if os.path.exists(got):
        os.remove(got)
    subprocess.run([KYMO, "syscalls", "live.kymo"], stdout=subprocess.DEVNULL, env=dict(os.environ, TERM="xterm", KYMO_PAGER=save), check=True)
    check(not os.path.exists(got), "no pager where standard output is no terminal")

    lines, status, _ = ran(["syscalls", "live.kymo"], KYMO_PAGER="no-such-pager")
    check(status == 0 and "no-such-pager" in lines[0] and lines[1:] == expected, f"a pager that is missing is told: {lines[:2]}")
    lines, status, _ = ran(["syscalls", "live.kymo"], PATH=directory)
    check(status == 0 and lines == expected, f"without less all goes to the terminal: {lines[:2]}")


def check_status(directory):
    """What kymo ends with is its own status; leaving the pager early is no failure."""
    got = os.path.join(directory, "got.txt")
    on_terminal(["syscalls", "loss.kymo"], paged=True, status=3, KYMO_PAGER=f"sh -c 'cat >{got}; exit 7'")
    on_terminal(["syscalls", "live.kymo"], paged=True, status=0, KYMO_PAGER=f"sh -c 'cat >{got}; exit 7'")
    with open(got, encoding="utf-8") as file:
        check(len(file.read().splitlines()) > 10, "the pager has all of it")
    for quits in ("true", "sh -c 'head -1 >/dev/null'", "sh -c 'exec <&-; sleep 0.1'"):
        on_terminal(["sql", "many.kymo", "SELECT * FROM syscall"], paged=True, status=0, KYMO_PAGER=quits)
    on_terminal(["syscalls", "nothing.kymo"], paged=True, status=1, KYMO_PAGER="true")
    # messages stand where the results are
    on_terminal(["syscalls", "--name", "swapon", "live.kymo"], paged=True, status=0, KYMO_PAGER=f"sh -c 'cat >{got}'")
    with open(got, encoding="utf-8") as file:
        check("no system calls match" in file.read(), "messages go through the pager")
    # Ctrl-C does not leave the pager alone with the terminal
    lines, _ = on_terminal(["sql", "many.kymo", "SELECT * FROM syscall"], paged=True, status=-2,
                           KYMO_PAGER="trap '' INT; read line; kill -INT $PPID; sleep 0.3; echo left >&2; exec cat >/dev/null")
    check(lines and lines[-1] == "left", f"kymo waits for the pager: {lines}")


def main():
    with tempfile.TemporaryDirectory(prefix="kymo-terminal-") as directory:
        os.chdir(directory)
        for capture in CAPTURES:
            os.symlink(capture, os.path.basename(capture))
        subprocess.run([RECORD, "--source", "synthetic:events=50000,mix=all,seed=3", "-q", "-o", "many.kymo"], check=True)
        subprocess.run([os.path.join(kymo_env.BUILD, "marks", "make_marked"), "decisions.kymo", "thinned"], check=True)
        make_decisions("decisions.kymo", "decisions.db")
        check_widths([*CAPTURES, "many.kymo", "decisions.kymo"])
        check_cutting()
        check_rows("many.kymo")
        check_pager(directory)
        check_status(directory)
    for text in failures[:60]:
        print("FAILED: " + text)
    print(f"{len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
