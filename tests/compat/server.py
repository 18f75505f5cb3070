"""kymo in one process for many captures: tests/compat/kymo_server.c."""
import os
import struct
import subprocess

import kymo_env

SERVER = os.path.join(kymo_env.BUILD, "compat", "kymo_server")


class Died(Exception):
    """It crashed, or ran into its time limit."""


class Server:
    def __init__(self):
        self.process = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        if self.process:
            self.process.stdin.close()
            self.process.stdout.close()
            self.process.wait()
            self.process = None

    def _read(self, length):
        data = self.process.stdout.read(length)
        if len(data) < length:
            status = self.process.wait()
            self.process = None
            raise Died(f"status {status}")
        return data

    def ask(self, capture, *arguments):
        """-> (exit status, stdout, messages) of kymo ARGUMENTS, where "@" stands for the capture"""
        if not self.process:
            self.process = subprocess.Popen([SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        packed = b"".join(argument.encode() + b"\0" for argument in arguments)
        try:
            self.process.stdin.write(struct.pack("<I", len(packed)) + packed + struct.pack("<I", len(capture)) + capture)
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # _read tells
        status, out_len = struct.unpack("<iI", self._read(8))
        out = self._read(out_len)
        (note_len,) = struct.unpack("<I", self._read(4))
        return status, out, self._read(note_len).decode(errors="replace")
