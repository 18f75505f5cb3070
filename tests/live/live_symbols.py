#!/usr/bin/env python3
"""Functions of user programs get the right name, or none, however their files were built and wherever they are now. Each program spends its time in
functions whose names are known; what counts is how many samples carry them, and that none carries another."""
import os
import shutil
import subprocess

import live_env as live

BURN = """
#include <time.h>
static volatile unsigned long sink;
__attribute__((noinline, used)) static void NAME(double seconds)
{
	struct timespec now, begin;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
	do {
		for (int i = 0; i < 3000000; i++)
			sink += i;
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	} while (now.tv_sec - begin.tv_sec + (now.tv_nsec - begin.tv_nsec) / 1e9 < seconds);
}
__attribute__((noinline, used)) void OTHER(void) { sink++; }
int main(void) { NAME(SECONDS); return 0; }
"""
LEAST = 40  # samples of 199 Hz in 0.6 s of CPU time: 119; how many does not depend on the load, but for those that are lost


def have(*tools):
    missing = [tool for tool in tools if not shutil.which(tool)]
    if missing:
        print(f"not run: {', '.join(missing)}")
    return not missing


def build(name, *flags, function="hot_function", other="cold_function", seconds=0.6, text=BURN):
    source, program = live.path("burn.c"), live.path(name)
    os.makedirs(os.path.dirname(program), exist_ok=True)
    with open(source, "w", encoding="ascii") as file:
        file.write(text.replace("NAME", function).replace("OTHER", other).replace("SECONDS", str(seconds)))
    subprocess.run(["gcc", "-O1", *flags, "-o", program, source], check=True)
    return program


def record(name, command, *options):
    capture, _, _, _ = live.record(name, "-f", "--no-symbols", "-e", "cpu", "-F", "199", *options, command=command)
    return capture


def folded(capture, *options):
    """-> {stack: samples} of user functions"""
    done = subprocess.run([live.KYMO, "folded", "-q", *options, capture], capture_output=True, text=True, timeout=live.HANGS_S, check=False)
    live.check(done.returncode in (0, 3), f"kymo folded ended with {done.returncode}: {done.stderr}")
    return {line.rpartition(" ")[0]: int(line.rpartition(" ")[2]) for line in done.stdout.splitlines()}


def samples(stacks, name):
    return sum(count for stack, count in stacks.items() if name in stack.split(";"))


def modules(capture, *options):
    """-> {module: its row} of kymo info"""
    done = subprocess.run([live.KYMO, "info", "--json", *options, capture], capture_output=True, text=True, timeout=live.HANGS_S, check=False)
    return {row["module"]: row for row in live.json.loads(done.stdout).get("modules", [])}


def expect(stacks, name, what, wrong=("cold_function",)):
    named = samples(stacks, name)
    print(f"{what}: {named} samples in {name}")
    live.check(named >= LEAST, f"{what}: {named} samples are named {name}: {list(stacks.items())[:3]}")
    for other in wrong:
        live.check_equal(samples(stacks, other), 0, f"{what}: samples named {other}, which never ran")


def without_build_id():
    for number, flags in enumerate((["-Wl,--build-id=none"], ["-fuse-ld=lld", "-Wl,--build-id=none"], ["-Wl,--build-id=none", "-static"])):
        if "lld" in flags[0] and not have("ld.lld"):
            continue
        program = build(f"none{number}", *flags)
        capture = record("none.kymo", [program])
        expect(folded(capture), "hot_function", f"no build-id, {flags}")
        row = modules(capture)[f"none{number}"]
        live.check_equal((row["state"], row["verified"]), ("found", "no"), "a file without build-id")
        live.check("not verified" in row["help"], f"it is said: {row['help']}")
        query = f"SELECT verified FROM module_symbols s JOIN module m ON m.id = s.module_id WHERE name = 'none{number}'"
        live.check_equal(live.one(live.database(capture), query), 0, "column verified")

    # another file in its place: no name, and it is said; the kept one is used where the user names it
    keep = live.path("keep")
    os.makedirs(os.path.dirname(keep + program))
    shutil.copy(program, keep + program)
    os.remove(program)
    build("none2", "-Wl,--build-id=none", "-static", function="cold_function", other="hot_function")
    stacks = folded(capture)
    live.check_equal(samples(stacks, "hot_function") + samples(stacks, "cold_function"), 0, "names from another file")
    row = modules(capture)["none2"]
    live.check_equal(row["state"], "other_build", "a replaced file")
    live.check("-dbgsym" not in row["help"], f"a package cannot help: {row['help']}")
    expect(folded(capture, "--symfs", keep), "hot_function", "no build-id, kept below --symfs")
    os.remove(program)
    live.check(modules(capture)["none2"]["state"] in ("not_found", "deleted"), "a file that is gone")


def replaced_while_running():
    """A program is replaced while it runs; the kept file serves, the new one does not."""
    program = build("app/server", function="version_one", other="shared_work", seconds=2)
    new = build("new", function="version_two", other="shared_work")
    keep = live.path("kept")
    os.makedirs(os.path.dirname(keep + program))
    shutil.copy(program, keep + program)
    server = live.start([program])
    os.remove(program)
    shutil.copy(new, program)
    capture, _, _, _ = live.record("replaced.kymo", "-f", "--no-symbols", "-e", "cpu", "-F", "199", "-d", "1s", "-p", str(server.pid))
    server.wait()
    stacks = folded(capture)
    live.check_equal(samples(stacks, "version_two") + samples(stacks, "shared_work"), 0, "names of the new version")
    row = modules(capture).get("server")
    if live.check(row and row["build_id"], "the program's build-id was recorded"):
        live.check_equal(row["state"], "other_build", "replaced while it ran")
        stacks = folded(capture, "--symfs", keep)
        live.check(samples(stacks, "version_one") > 0, f"the kept file names it: {list(stacks.items())[:3]}")


def mini_debuginfo():
    if not have("xz", "objcopy"):
        return
    build("mini/whole")
    subprocess.run("objcopy --only-keep-debug whole dbg && objcopy -S -R .comment -K hot_function -K main dbg small && xz -kf small && "
                   "strip -o stripped whole && objcopy --add-section .gnu_debugdata=small.xz stripped program", shell=True, check=True,
                   cwd=live.path("mini"))
    capture = record("mini.kymo", [live.path("mini/program")])
    expect(folded(capture), "hot_function", ".gnu_debugdata")
    live.check_equal(modules(capture)["program"]["state"], "found", ".gnu_debugdata")
    capture = record("stripped.kymo", [live.path("mini/stripped")])
    row = modules(capture)["stripped"]
    live.check_equal(row["state"], "no_symbols", "a stripped program")
    live.check("-dbgsym" in row["help"], f"it has a build-id: {row['help']}")
    # its debug file in a folder by build-id, and by the layout of /usr/lib/debug
    folder = live.path("debug")
    os.makedirs(f"{folder}/.build-id/{row['build_id'][:2]}")
    shutil.copy(live.path("mini/dbg"), f"{folder}/.build-id/{row['build_id'][:2]}/{row['build_id'][2:]}.debug")
    expect(folded(capture, "--debug-dir", folder), "hot_function", "a debug file by build-id")
    expect(folded(capture, "--debug-dir", f"{folder}/.build-id"), "hot_function", "the folder itself")


PLT = """
static int impl(int x) { return x + 1; }
static void *pick(void) { return (void *)impl; }
__attribute__((visibility("hidden"))) int chosen_at_load(int) __attribute__((ifunc("pick")));
int rarely_called(int x) { return x * 3; }
int hot_loop(int n) { int s = 0; for (int i = 0; i < n; i++) s = chosen_at_load(s); return n < 0 ? rarely_called(s) : s; }
"""


def stubs():
    with open(live.path("own.c"), "w", encoding="ascii") as file:
        file.write(PLT)
    with open(live.path("user.c"), "w", encoding="ascii") as file:
        file.write("int hot_loop(int); int main(void) { int s = 0; for (int i = 0; i < 400; i++) s += hot_loop(1000000); return s == 1; }")
    subprocess.run("gcc -O1 -fPIC -shared -o libown.so own.c && gcc -O1 -o user user.c -L. -lown -Wl,-rpath,$PWD", shell=True, check=True,
                   cwd=live.DIRECTORY)
    stacks = folded(record("stubs.kymo", [live.path("user")]))
    found = {name: samples(stacks, name) for name in ("impl", "hot_loop", "chosen_at_load@plt", "rarely_called@plt", "rarely_called")}
    print(f"stubs: {found}")
    live.check(found["impl"] + found["hot_loop"] > 0, f"its functions are named: {found}")
    live.check_equal(found["rarely_called@plt"] + found["rarely_called"], 0, "samples of what never ran")


DEEP = """
#include <time.h>
static volatile unsigned long sink;
__attribute__((noinline)) static void leaf_work(void) { for (int i = 0; i < 200000; i++) sink += i; }
__attribute__((noinline)) static void recurse(int n) { if (n == 0) leaf_work(); else recurse(n - 1); sink++; }
__attribute__((noinline)) static void first_caller(int n) { recurse(n); sink++; }
int main(void) { clock_t end = clock() + CLOCKS_PER_SEC * 6 / 10; while (clock() < end) first_caller(DEPTH); return 0; }
"""


def cut_stacks():
    with open("/proc/sys/kernel/perf_event_max_stack", encoding="ascii") as file:
        most = min(int(file.read()), 127)
    for depth, is_cut in ((most + 60, True), (most // 2, False)):
        program = build(f"deep{depth}", "-fno-omit-frame-pointer", "-fno-optimize-sibling-calls", f"-DDEPTH={depth}", text=DEEP)
        capture = record("deep.kymo", [program], "--stacks", "fp")
        stacks = {tuple(stack.split(";")[1:]): count for stack, count in folded(capture).items() if "recurse" in stack.split(";")}
        cut = {stack: count for stack, count in stacks.items() if stack[0] == "[cut]"}
        whole = {stack: count for stack, count in stacks.items() if stack[0] != "[cut]"}
        print(f"{depth} calls: {sum(cut.values())} samples of stacks that were cut, {sum(whole.values())} of whole ones")
        live.check(sum((cut if is_cut else whole).values()) >= LEAST, f"{depth} calls deep: {len(cut)} stacks are cut, {len(whole)} are not")
        frames = {stack: sum(not name.endswith("_[k]") for name in stack) for stack in stacks}
        live.check_equal({frames[stack] for stack in cut}, {most + 1} if is_cut else set(), "frames of stacks that were cut, with [cut]")
        live.check_equal([stack for stack in whole if frames[stack] >= most], [], "cut, and not said to be")
        if not is_cut:
            continue
        database = live.database(capture)
        live.check(live.one(database, "SELECT count(*) FROM frame WHERE space = 'cut' AND name = '[cut]'") == 1, "one frame stands for what was cut")
        live.check_equal(live.one(database, "SELECT count(*) FROM stack s JOIN frame f ON f.id = s.frame_id WHERE f.space = 'cut' AND s.parent_id <> 0"), 0,
                         "it is at the root")
        flame = subprocess.run([live.KYMO, "flame", capture], capture_output=True, text=True, timeout=live.HANGS_S, check=False).stdout
        live.check("[cut]" in flame and "a stack cut at the depth limit" in flame, "the flame graph says so")


MEMFD = """
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
static void spin(void) { for (volatile long i = 0; i < 400000000; i++) ; }
static void after(void) { }
int main(int argc, char **argv)
{
	int fd = argc > 1 ? -1 : memfd_create("jit", 0);
	void *code;

	(void)argv;
	if (fd >= 0 && ftruncate(fd, 4096) < 0) return 1;
	code = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, fd >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS, fd, 0);
	memcpy(code, (void *)spin, (char *)after - (char *)spin);
	((void (*)(void))code)();
	return 0;
}
"""


def memory_without_files():
    program = build("memory", "-fno-toplevel-reorder", "-fcf-protection=none", text=MEMFD)
    for arguments, name, state in (([], "memfd:jit", "memory"), (["anon"], "[anon]", "no_file")):
        rows = modules(record("memory.kymo", [program, *arguments]))
        row = next((row for module, row in rows.items() if name in module), None)
        if live.check(row, f"{name} is among {list(rows)}"):
            live.check_equal(row["state"], state, name)
            live.check("-dbgsym" not in row["help"] and "not on this machine" not in row["help"], f"advice that fits: {row['help']}")


def fuse():
    if not have("bindfs", "fusermount"):
        live.kymo_env.skip("bindfs or fusermount is missing")
    program = build("fused")
    capture = record("fuse.kymo", [program])
    real, mount = live.path("real"), live.path("mount")
    os.makedirs(os.path.dirname(real + program))
    os.makedirs(mount)
    shutil.move(program, real + program)
    if subprocess.run(["bindfs", real, mount], capture_output=True, check=False).returncode != 0:
        live.kymo_env.skip("no FUSE here")
    try:
        expect(folded(capture, "--symfs", mount), "hot_function", "--symfs on FUSE")
        capture = record("fuse2.kymo", [mount + program])
        row = modules(capture)["fused"]
        live.check_equal(row["state"], "refused", "a program on FUSE")
        live.check("--symfs" in row["help"], f"it is said how: {row['help']}")
    finally:
        subprocess.run(["fusermount", "-u", mount], check=False)


def vdso():
    """Time in the vDSO, on the boot that was recorded."""
    text = ("#include <time.h>\nint main(void) { struct timespec t; clock_t end = clock() + CLOCKS_PER_SEC;\n"
            "while (clock() < end) for (int i = 0; i < 100000; i++) clock_gettime(CLOCK_MONOTONIC, &t); return 0; }\n")
    stacks = folded(record("vdso.kymo", [build("vdso", text=text)]))
    named = sum(count for stack, count in stacks.items() if "clock_gettime" in stack.rpartition(";")[2])
    unnamed = sum(count for stack, count in stacks.items() if "[vdso]" in stack)
    print(f"vDSO: {named} samples named, {unnamed} not")
    live.check_equal(unnamed, 0, "samples in the vDSO without a name")


def long_names():
    types = [f"long_parameter_type_name_{number:03d}" for number in range(140)]
    lines = [f"struct {name} {{}};" for name in types]
    lines += ["struct first_one {}; struct second_one {}; volatile unsigned long sink;",
              "template <class... T> __attribute__((noinline)) void work() { for (int i = 0; i < 300000000; i++) sink += sizeof...(T); }",
              f"int main() {{ work<{', '.join(types)}, first_one>(); work<{', '.join(types)}, second_one, second_one>(); }}"]
    with open(live.path("long.cc"), "w", encoding="ascii") as file:
        file.write("\n".join(lines))
    if not have("g++"):
        return
    subprocess.run(["g++", "-O1", "-o", live.path("long"), live.path("long.cc")], check=True)
    stacks = folded(record("long.kymo", [live.path("long")]))
    names = {stack.rpartition(";")[2] for stack in stacks if "work<" in stack.rpartition(";")[2]}
    live.check_equal(len(names), 2, f"functions whose names differ at their end: {[name[:30] + '...' + name[-30:] for name in names]}")
    live.check(all(len(name) > 3000 for name in names), "whole names")


live.run_parts({"without_build_id": without_build_id, "replaced": replaced_while_running, "mini": mini_debuginfo, "stubs": stubs, "cut": cut_stacks,
                "memory": memory_without_files, "long_names": long_names, "vdso": vdso}, {"fuse": fuse})
