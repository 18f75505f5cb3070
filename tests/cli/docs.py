#!/usr/bin/env python3
"""Every option that --help shows stands in the manual page and in the completions of bash, zsh and fish; the values that completions
offer are taken; the pages satisfy `mandoc -T lint`. What is not installed is left out and said."""
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import kymo_env  # noqa: E402

FLAG = re.compile(r"^  (?:-(\w), |    )--([a-z-]+)(?:(?: |(?=\[))(\S+))?", re.M)
failures = []


def check(condition, text):
    if not condition:
        failures.append(text)


def output(*words):
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)


def help_of(program, command):
    """-> [(letter or "", long name, argument or "")] as --help shows them"""
    done = output(os.path.join(kymo_env.BIN, program), *([command] if command else []), "--help")
    check(done.returncode == 0, f"{program} {command} --help: status {done.returncode}")
    return FLAG.findall(done.stdout)


def complete_bash(script, words):
    """What bash offers for the last word"""
    quoted = " ".join(f"'{word}'" for word in words)
    function = "_" + os.path.basename(script).replace("-", "_")
    done = output("bash", "-c", f'. {script}; COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; {function}; printf "%s\\n" "${{COMPREPLY[@]}}"')
    check(not done.stderr, f"bash, {quoted}: {done.stderr}")
    return set(done.stdout.split())


def complete_fish(script, words):
    done = output("fish", "--no-config", "-c", f"source {script}; complete -C '{' '.join(words)}'")
    return {line.split("\t")[0] for line in done.stdout.splitlines()}


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def rows_of(folder, program):
    """The table as the generators read it -> {command: [fields]}, for options"""
    found = {}
    for line in read(os.path.join(folder, "man", program + ".rows")).splitlines():
        fields = line.split("\t")
        found.setdefault(fields[1], []) if fields[0] == "command" else None
        if fields[0] == "option":
            found.setdefault(fields[1], []).append(fields[2:])
    return found


def check_pages(folder, program, command, flags):
    name = f"{program}-{command}.1" if program == "kymo" and command else f"{program}.1"
    path = os.path.join(folder, "man", name)
    if not os.path.exists(path):
        check(not shutil.which("scdoc"), f"there is no page {name}")
        return
    text = read(path).replace("\\fB", "").replace("\\fR", "").replace("\\fI", "").replace("\\&", "")
    for letter, long_name, argument in flags:
        line = (f"-{letter}, " if letter else "") + f"--{long_name}" + ("" if not argument else argument if argument.startswith("[") else f" {argument}")
        check(line in text.splitlines() or (program == "kymo" and not command), f"{name} does not have {line}")


def check_completions(folder, program, command, flags):
    words = [program] + ([command] if command else []) + ["--"]
    long_names = {f"--{long_name}" for _, long_name, _ in flags}
    if program == "kymo" and not command:
        return
    found = complete_bash(os.path.join(folder, "completions", program), words)
    check(found >= long_names, f"bash does not complete {long_names - found} of {words}")
    if shutil.which("fish"):
        found = complete_fish(os.path.join(folder, "completions", program + ".fish"), words)
        check(found >= long_names, f"fish does not complete {long_names - found} of {words}")
    zsh = read(os.path.join(folder, "completions", "_" + program))
    part = zsh if not command else zsh[zsh.index(f"\n\t{command})\n"):].partition("\t\t;;")[0]
    for name in long_names:
        check(name in part, f"zsh does not know {name} of {words}")


GOES_WITH = {("export", "--format=ndjson"): ["--table=capture"], ("export", "--format=csv"): ["--table=capture"]}


def check_values(program, command, rows):
    """The values that are offered are taken: the complaint is about the option behind them, or about the file that is not there"""
    for _, long_name, _, values, *_ in rows:
        for value in values.split():
            wrong = [f"--{long_name}={value}"] + (["no-such.kymo"] if program == "kymo" else ["--freq=0"])
            done = output(os.path.join(kymo_env.BIN, program), *([command] if command else []), *wrong, *GOES_WITH.get((command, wrong[0]), []))
            check("--freq" in done.stderr if program == "kymo-record" else done.returncode == 1 or "no output" in done.stderr, f"{program} {command} does not take {wrong[0]}: {done.stderr}")


def check_program(program, side):
    folder = os.path.join(kymo_env.BUILD, side)
    rows = rows_of(folder, program)
    commands = [command for command in rows if command]
    check(len(commands) >= 3, f"{program} has commands {commands}")
    for command in [""] + commands:
        flags = help_of(program, command)
        check(bool(flags) or program == "kymo", f"{program} {command} --help shows no options")
        table = {row[1] for row in rows.get(command, [])}
        check(table == {long_name for _, long_name, _ in flags}, f"{program} {command}: the table has {table}, --help {flags}")
        check_pages(folder, program, command, flags)
        check_completions(folder, program, command, flags)
        check_values(program, command, rows.get(command, []))
    for script, shell in ((program, "bash"), ("_" + program, "zsh"), (program + ".fish", "fish")):
        if shutil.which(shell):
            done = output(shell, "-n", os.path.join(folder, "completions", script))
            check(done.returncode == 0, f"{shell} cannot read {script}: {done.stderr}")
        else:
            print(f"{shell} is not installed: its completions were only compared")
    return folder


def main():
    pages = []
    for program, side in (("kymo-record", "recorder"), ("kymo", "analyzer")):
        folder = os.path.join(check_program(program, side), "man")
        pages += sorted(os.path.join(folder, name) for name in os.listdir(folder) if re.search(r"\.\d$", name))
    classes = re.findall(r"^(\w+) +-e ", output(os.path.join(kymo_env.BIN, "kymo-record"), "list").stdout, re.M)
    found = complete_bash(os.path.join(kymo_env.BUILD, "recorder", "completions", "kymo-record"), ["kymo-record", "-e", ""])
    check(found == set(classes), f"-e completes {found}, there are {classes}")
    if not shutil.which("mandoc"):
        print("mandoc is not installed: pages were not checked")
    for page in pages if shutil.which("mandoc") else []:
        done = output("mandoc", "-T", "lint", page)
        check(done.returncode == 0 and not done.stdout, f"{done.stdout}{done.stderr}")
        long_lines = [line for line in output("mandoc", "-T", "ascii", "-O", "width=78", page).stdout.splitlines() if len(re.sub(".\b", "", line)) > 80]
        check(not long_lines, f"{page}: {long_lines}")
    if not pages:
        print("scdoc is not installed: there are no pages")
    for failure in failures:
        print(f"FAILED: {failure}")
    print(f"{len(pages)} pages, {len(failures)} failures")
    sys.exit(1 if failures else 0)


main()
