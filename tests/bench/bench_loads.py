"""Loads that do real work, and count it: redis-server under redis-benchmark, nginx under wrk, and a compiler that never stops.
done() is how much was done so far, in `unit` without its "/s"; is_fine: thousands per second, so that moments can be compared."""
import glob
import os
import re
import socket
import time
import urllib.request

import bench_env as bench

SOURCES = sorted(glob.glob(os.path.join(bench.kymo_env.ROOT, "formats", "*", "*.c")))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Redis:
    unit, is_fine = "requests/s", True

    def __init__(self):
        self.port = str(free_port())
        bench.start(["redis-server", "--port", self.port, "--save", "", "--bind", "127.0.0.1"])
        time.sleep(0.5)
        bench.start(["redis-benchmark", "-p", self.port, "-c", "20", "-t", "get,set", "-n", "10000000", "-l", "-q"])
        time.sleep(0.5)

    def done(self):
        with socket.create_connection(("127.0.0.1", int(self.port))) as connection:
            connection.sendall(b"INFO stats\r\n")
            text = b""
            while b"total_commands_processed" not in text or b"\n" not in text.split(b"total_commands_processed")[1]:
                text += connection.recv(65536)
        return int(re.search(rb"total_commands_processed:(\d+)", text)[1])


class Nginx:
    unit, is_fine = "requests/s", True

    def __init__(self):
        self.port = free_port()
        home = bench.path("nginx")
        os.makedirs(home)
        os.chmod(bench.DIRECTORY, 0o755)
        with open(os.path.join(home, "index.html"), "w", encoding="ascii") as file:
            file.write("x" * 1024)
        config = os.path.join(home, "nginx.conf")
        with open(config, "w", encoding="ascii") as file:
            file.write(f"""daemon off; worker_processes 1; pid {home}/pid; error_log {home}/error.log;
events {{ worker_connections 256; }}
http {{ access_log {home}/access.log; client_body_temp_path {home}/body; proxy_temp_path {home}/proxy; fastcgi_temp_path {home}/fastcgi;
uwsgi_temp_path {home}/uwsgi; scgi_temp_path {home}/scgi; keepalive_requests 1000000;
server {{ listen 127.0.0.1:{self.port}; root {home}; location = /status {{ stub_status; access_log off; }} }} }}
""")
        bench.start(["nginx", "-c", config, "-p", home])
        time.sleep(0.7)
        bench.start(["wrk", "-t", "1", "-c", "16", "-d", "7200", f"http://127.0.0.1:{self.port}/index.html"])
        time.sleep(0.5)

    def done(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/status", timeout=10) as answer:
            return int(answer.read().split()[9])


class Gcc:
    unit, is_fine = "compilations/s", False

    def __init__(self):
        log = bench.path("compiled")
        compile_all = f'while :; do for f in "$@"; do gcc -O1 -D_GNU_SOURCE -I{bench.kymo_env.ROOT} -c "$f" -o {bench.path("$0.o")} && echo >> {log}; done; done'
        self.log = log
        open(log, "w", encoding="ascii").close()
        for job in ("a", "b"):
            bench.start(["sh", "-c", compile_all, job, *SOURCES])

    def done(self):
        return os.path.getsize(self.log)


LOADS = {"redis": Redis, "nginx": Nginx, "gcc": Gcc}


def end_loads():
    """Ends what the loads started, for the next one."""
    for child in bench._children:
        if child.poll() is None:
            os.killpg(child.pid, 15)
            child.wait()
