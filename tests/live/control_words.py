"""Reads and writes the control words of a recording that runs, as the recorder itself does: through the mapped .bss of its BPF object."""
import ctypes
import json
import mmap
import os
import platform
import re
import struct
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import kymo_env  # noqa: E402

OBJECT = os.path.join(kymo_env.BUILD, "recorder", "bpf", "kymo_bpf.o")
BPF_MAP_GET_FD_BY_ID = 14
SINGLE, COUNTS = 0, 1
SYSCALLS = 1  # place in the words by class


def _map_id(pid):
    held = set()
    for number in os.listdir(f"/proc/{pid}/fdinfo"):
        try:
            with open(f"/proc/{pid}/fdinfo/{number}", encoding="ascii", errors="replace") as about:
                held.update(re.findall(r"^map_id:\s*(\d+)", about.read(), re.M))
        except FileNotFoundError:
            continue  # closed meanwhile
    maps = json.loads(subprocess.run(["bpftool", "-j", "map", "list"], capture_output=True, text=True, timeout=600, check=True).stdout)
    mine = [each["id"] for each in maps if each.get("name") == "kymo_bpf.bss" and str(each["id"]) in held]
    if len(mine) != 1:
        raise RuntimeError(f"process {pid} has {len(mine)} maps kymo_bpf.bss")
    return mine[0]


def _offsets():
    """{word: byte in the map}"""
    symbols = subprocess.run(["nm", OBJECT], capture_output=True, text=True, timeout=600, check=True).stdout
    base = int(re.search(r"^([0-9a-f]+) B control$", symbols, re.M).group(1), 16)
    types = subprocess.run(["bpftool", "btf", "dump", "file", OBJECT], capture_output=True, text=True, timeout=600, check=True).stdout
    members = re.search(r"STRUCT 'live_control'[^\n]*\n((?:\t'[^\n]*\n)+)", types).group(1)
    return {name: base + int(bits) // 8 for name, bits in re.findall(r"'(\w+)' type_id=\d+ bits_offset=(\d+)", members)}


class ControlWords:
    def __init__(self, pid):
        libc = ctypes.CDLL(None, use_errno=True)
        attributes = ctypes.create_string_buffer(struct.pack("<III", _map_id(pid), 0, 0).ljust(128, b"\0"))
        fd = libc.syscall(kymo_env.SYS_BPF[platform.machine()], BPF_MAP_GET_FD_BY_ID, attributes, 128)
        if fd < 0:
            raise OSError(ctypes.get_errno(), "open the map of the control words")
        self.offsets = _offsets()
        self.words = mmap.mmap(fd, mmap.PAGESIZE * (max(self.offsets.values()) // mmap.PAGESIZE + 1))
        os.close(fd)

    def get(self, name):
        return struct.unpack_from("<I", self.words, self.offsets[name])[0]

    def set(self, name, value, index=0):
        struct.pack_into("<I", self.words, self.offsets[name] + 4 * index, value)
