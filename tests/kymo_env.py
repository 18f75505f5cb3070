"""What the test runners share: where things lie, what this machine allows, and how to skip."""
import ctypes
import os
import platform
import struct
import subprocess
import sys

TESTS = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(TESTS)
BUILD = os.environ.get("KYMO_BUILD", os.path.join(ROOT, "build"))
BIN = os.environ.get("KYMO_BIN", os.path.join(BUILD, "bin"))
SAMPLES = os.path.join(ROOT, "samples", "captures")
CONFIGS = os.path.join(ROOT, "samples", "configs")

SYS_BPF = {"x86_64": 321, "aarch64": 280}
BPF_PROG_LOAD = 5
BPF_PROG_TYPE_RAW_TRACEPOINT = 17


def source(name):
    """-> path of a source file by its name alone, which is unique in the product (tests/layering.sh), whichever room it is in"""
    found = [os.path.join(folder, name) for side in ("formats", "bpf", "recorder", "analyzer")
             for folder, _, files in os.walk(os.path.join(ROOT, side)) if name in files]
    if len(found) != 1:
        raise FileNotFoundError(f"{name}: {len(found)} files of this name")
    return found[0]


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(77)


def load_trivial_program():
    """0, or the errno with which this kernel refuses a two-instruction tracing program: the privilege that recording needs."""
    number = SYS_BPF.get(platform.machine())
    if number is None:
        return -1
    instructions = ctypes.create_string_buffer(struct.pack("<BBhiBBhi", 0xB7, 0, 0, 0, 0x95, 0, 0, 0))
    licence = ctypes.create_string_buffer(b"GPL")
    attributes = struct.pack("<IIQQIIQII16s", BPF_PROG_TYPE_RAW_TRACEPOINT, 2, ctypes.addressof(instructions),
                             ctypes.addressof(licence), 0, 0, 0, 0, 0, b"kymo_probe")
    attributes = ctypes.create_string_buffer(attributes.ljust(128, b"\0"))
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.syscall(number, BPF_PROG_LOAD, attributes, 128)
    if fd < 0:
        return ctypes.get_errno()
    os.close(fd)
    return 0


def require(needs):
    for need in needs:
        if need in ("root", "bpf", "tmpfs") and os.geteuid() != 0:
            skip("needs root")
        if need == "bpf":
            error = load_trivial_program()
            if error:
                skip(f"this kernel does not let us load BPF programs: {os.strerror(error) if error > 0 else 'unknown machine'}")
        if need == "tmpfs":
            probe = subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False)
            if probe.returncode:
                skip("mounting a tmpfs is not allowed here")
        if need == "plain" and os.environ.get("KYMO_SANITIZE"):
            skip("not for a sanitized build")
        if need == "unprivileged" and os.geteuid() == 0:
            probe = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "true"],
                                   capture_output=True, check=False)
            if probe.returncode:
                skip("cannot become another user here")
        if need == "unprivileged" and not os.access(BIN, os.X_OK):
            skip(f"{BIN} is not reachable")


def case_environment(directory):
    environment = {key: value for key, value in os.environ.items() if key.startswith(("ASAN_", "UBSAN_", "LSAN_"))}
    environment.update(PATH=f"{BIN}:{os.environ.get('PATH', '/usr/bin:/bin')}:/usr/sbin:/sbin", HOME=directory, TMP=directory,
                       LC_ALL="C", TZ="UTC", SAMPLES=SAMPLES, CONFIGS=CONFIGS, KYMO_BIN=BIN, TESTS=TESTS,
                       AS_NOBODY="setpriv --reuid=65534 --regid=65534 --clear-groups --")
    return environment


def make_malformed(case_path, environment):
    """The cases of malformed/ get fresh damaged files: they are made, not stored, so the maker documents each damage."""
    if os.path.basename(os.path.dirname(case_path)) != "malformed":
        return
    name = os.path.splitext(os.path.basename(case_path))[0]
    subprocess.run([os.path.join(BUILD, "malformed", "make_malformed"), environment["TMP"], name], check=True)
