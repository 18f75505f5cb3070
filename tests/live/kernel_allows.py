"""What this kernel lets nobody do, asked without our code: some builds of Linux refuse kinds of BPF programs, whoever loads them."""
import ctypes
import functools
import json
import os
import platform
import struct
import subprocess

BPF_PROG_LOAD, TRACING, TRACE_ITER = 5, 26, 28  # linux/bpf.h
NUMBER = {"x86_64": 321, "aarch64": 280}
OVER_MAPS = "iter/bpf_map_elem: "  # how the names of such probes begin


@functools.lru_cache(maxsize=None)
def iterator(target):
    """Does it load a program that does nothing, for iterators over target?"""
    types = json.loads(subprocess.run(["bpftool", "-j", "btf", "dump", "file", "/sys/kernel/btf/vmlinux"], capture_output=True, check=True).stdout)["types"]
    function = next((entry["id"] for entry in types if entry["kind"] == "FUNC" and entry["name"] == f"bpf_iter_{target}"), None)
    if function is None:
        return False
    code = struct.pack("<BBhiBBhi", 0xb7, 0, 0, 0, 0x95, 0, 0, 0)  # r0 = 0; exit
    code_at, license_at = ctypes.create_string_buffer(code), ctypes.create_string_buffer(b"GPL")
    # prog_type, insn_cnt, insns, license, log_level, log_size, log_buf, kern_version, flags, name, ifindex, expected_attach_type, ... attach_btf_id
    attributes = struct.pack("<IIQQIIQII16sIIIIQIIQII", TRACING, 2, ctypes.addressof(code_at), ctypes.addressof(license_at), 0, 0, 0, 0, 0, b"nothing",
                             0, TRACE_ITER, 0, 0, 0, 0, 0, 0, 0, function) + bytes(16)
    buffer = ctypes.create_string_buffer(attributes)
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.syscall(NUMBER[platform.machine()], BPF_PROG_LOAD, buffer, len(attributes))
    if fd < 0:
        print(f"this kernel loads no iterator over {target}: {os.strerror(ctypes.get_errno())}")
        return False
    os.close(fd)
    return True


def without(probes, key=lambda probe: probe["name"]):
    """The probes but for iterators over maps, where the kernel refuses them to everybody."""
    return list(probes) if iterator("bpf_map_elem") else [probe for probe in probes if not key(probe).startswith(OVER_MAPS)]
