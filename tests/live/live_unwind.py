"""Recorded copies of stacks, unwound: known chains of functions on stacks of each kind, and why those end that do not reach the root."""
import os
import re
import subprocess

import live_env as live

CHAIN = ["middle", "inner", "spin"]
START = ["_start", "__libc_start_main", "__libc_start_call_main", "main", "run"]


def record(name, command, *options):
    """-> the folded stacks of a recording of that command, and its samples by (end, module)"""
    capture = live.path(f"{name}.kymo")
    live.record(f"{name}.kymo", "-e", "cpu,sched", "-F", "999", *(options or ("--stacks", "copy")), command=command)
    folded = subprocess.run([live.KYMO, "folded", capture], capture_output=True, text=True, check=True).stdout
    database = live.database(capture)
    ends = {(end, module): samples for end, module, samples in
            database.execute("SELECT stack_end, module, sum(samples) FROM stack_ends GROUP BY 1, 2")}
    return [line.rpartition(" ")[0].split(";")[1:] for line in folded.splitlines()], ends, database


def spinning(stacks):
    """-> the user frames of those in which spin() ran, without versions of symbols, and each once"""
    found = set()
    for stack in stacks:
        names = [re.sub(r"@.*", "", name) for name in stack if not name.endswith("_[k]")]
        if "spin" in names:
            found.add(tuple(names[:names.index("spin") + 1]))
    return found


def check_kind(kind, end, root, binary="kinds_of_stack", *options):
    """All samples of spin() end so, and their stacks begin with these functions"""
    program = os.path.join(live.kymo_env.BUILD, "live", binary)
    stacks, ends, _ = record("-".join([binary, kind, *options[1:]]), [program, kind, "0.5"], *options)
    found = spinning(stacks)
    what = f"{binary} {kind}"
    live.check(found, f"{what}: no sample of spin()")
    for stack in found:
        live.check(list(stack[:len(root)]) == root, f"{what}: begins with {stack[:8]}, not {root}")
        live.check(list(stack[-3:]) == CHAIN, f"{what}: ends with {stack[-4:]}")
    most = max(ends, key=ends.get)
    live.check(most[0] in end, f"{what}: {ends}, expected {end}")
    return found


def kinds():
    check_kind("main", ["root"], START)
    check_kind("alloca", ["root"], START + ["alloca_frame"])
    check_kind("main", ["root"], START, "kinds_for_debuggers")
    for stack in check_kind("shallow", ["root"], START):
        live.check_equal(stack.count("recurse"), 11, "shallow: calls")
    for stack in check_kind("deep", ["cut"], ["[cut]", "recurse"]):
        live.check(stack.count("recurse") > 20, f"deep: {len(stack)} frames of 32 KiB")
    for stack in check_kind("deep", ["cut"], ["[cut]", "recurse"], "kinds_of_stack", "--stacks", "copy,64K"):
        live.check(stack.count("recurse") > 50, f"deep: {len(stack)} frames of 64 KiB")
    for stack in check_kind("signal", ["root"], START):
        live.check("raise_it" in stack and "on_signal" in stack, f"signal: {stack}")
    for stack in check_kind("sigaltstack", ["other_stack"], []):
        live.check("on_signal" in stack, f"sigaltstack: {stack}")
    for stack in check_kind("thread", ["root"], []):
        live.check("in_thread" in stack and "start_thread" in stack, f"thread: {stack}")
    # glibc does not say that __start_context has no caller
    for stack in check_kind("makecontext", ["root", "no_mapping"], []):
        live.check("in_context" in stack, f"makecontext: {stack}")


def without_rules():
    """Nothing tells: what was sampled itself stands, and the report says why there is no more"""
    program = os.path.join(live.kymo_env.BUILD, "live", "kinds_without_rules")
    stacks, ends, database = record("without", [program, "main", "0.5"])
    live.check(("no_rule", "kinds_without_rules") in ends, f"without rules: {ends}")
    live.check(spinning(stacks) == {("spin",)}, f"without rules: {spinning(stacks)}")
    advice = [row[0] for row in database.execute("SELECT advice FROM stack_ends WHERE module = 'kinds_without_rules'")]
    live.check(any("-fasynchronous-unwind-tables" in (text or "") for text in advice), f"advice: {advice}")


def waits():
    """A wait's stack is that of the task that waited, to its root"""
    _, _, database = record("waits", ["/usr/bin/python3", "-c", "import time\nfor i in range(30): time.sleep(0.02)"])
    ends = dict(database.execute("SELECT s.stack_end, count(*) FROM offcpu o JOIN stack s ON s.id = o.stack_id JOIN task t ON t.id = o.task_id"
                                 " WHERE t.comm = 'python3' AND s.stack_how IS NOT NULL GROUP BY 1"))
    live.check(ends.get("root", 0) >= 30, f"waits of python3: {ends}")


def programs():
    for name, command in (("python3", ["/usr/bin/python3", "-c", "import json\nfor i in range(20000): json.loads(json.dumps([[i] * 9] * 99))"]),
                          ("perl", ["perl", "-e", "for my $i (1..3000) { my %h = map { $_ => sprintf('%d', $_) } 1..999; my @s = sort keys %h; }"])):
        _, ends, _ = record(name, command)
        total, complete = sum(ends.values()), sum(count for (end, _), count in ends.items() if end == "root")
        print(name, ends)
        live.check(total > 200 and complete >= 0.97 * total, f"{name}: {complete} of {total} stacks reach the root: {ends}")


live.run_parts({"kinds": kinds, "without_rules": without_rules, "waits": waits, "programs": programs}, {})
