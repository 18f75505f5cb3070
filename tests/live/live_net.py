#!/usr/bin/env python3
"""Class net: each end of each connection has one row with the right owner, ports, bytes, and how it ended, whichever of five ways that was; open
connections are told when recording begins and stops; more connections than the table holds lose their begin, which is said, and nothing else."""
import collections
import json
import os
import resource
import socket
import subprocess
import sys

import live_env as live

PEERS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "net_peers.py")
SENT, REPLIED = 12345, 777
CLOSED, PEER_CLOSED, RESET, PEER_RESET = "closed here", "peer closed", "reset here", "peer reset"
# kind: (bytes that the client sent and received, how it may have ended for the client, for the server)
EXPECTED = {
    "client_closes": ((SENT, REPLIED), {(CLOSED, PEER_CLOSED)}),
    "server_closes": ((SENT, REPLIED), {(PEER_CLOSED, CLOSED)}),
    "both_close": ((SENT, REPLIED), {(CLOSED, PEER_CLOSED), (PEER_CLOSED, CLOSED), (CLOSED, CLOSED)}),
    "client_aborts": ((SENT, REPLIED), {(RESET, PEER_RESET)}),
    "server_ignores": ((SENT, 0), {(PEER_RESET, RESET)}),
}


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
        return True
    except OSError:
        return False


def rows_by_end(database):
    """{(local port, remote port): rows}"""
    rows = collections.defaultdict(list)
    for row in database.execute("SELECT * FROM tcp_connections"):
        rows[row["local_port"], row["remote_port"]].append(row)
    return rows


def check_end(row, expected, what):
    for name, value in expected.items():
        live.check_equal(row[name], value, f"{what}: {name}")


def check_pair(rows, case, families):
    """Both rows of one connection"""
    name = f"{case['family']} {case['kind']} {case['local']}"
    (sent, received), endings = EXPECTED[case["kind"]]
    ends = [rows.get((case["local"], case["port"]), []), rows.get((case["port"], case["local"]), [])]
    if not live.check_equal([len(found) for found in ends], [1, 1], f"{name}: rows of client and server"):
        return
    client, server = ends[0][0], ends[1][0]
    address = families[case["family"]]
    both = {"local_address": address, "remote_address": address, "port": case["port"], "retrans_count": 0, "begin_unseen": 0, "since_before": 0}
    check_end(client, dict(both, tgid=case["client"], role="connect", sent_bytes=sent, received_bytes=received), f"{name}, client")
    check_end(server, dict(both, tgid=case["server"], role="accept", sent_bytes=received, received_bytes=sent, by_listener=0), f"{name}, server")
    live.check((client["ended"], server["ended"]) in endings, f"{name}: ended {client['ended']}, {server['ended']}")
    live.check(client["connect_ns"] and client["connect_ns"] <= client["duration_ns"], f"{name}: connect took {client['connect_ns']} ns")
    live.check(server["connect_ns"] is None, f"{name}: the server connected")
    live.check(client["start_ns"] <= server["start_ns"], f"{name}: the server began first")


def closed():
    families = {"ipv4": "127.0.0.1"} | ({"ipv6": "::1"} if has_ipv6() else {})
    count = 10
    capture, out, _, _ = live.record("closed.kymo", "-e", "net", "-a",
                                     command=[sys.executable, PEERS, "closed", str(count), *families])
    truth = [json.loads(line) for line in out.splitlines()]
    live.check_equal(len(truth), len(families) * (len(EXPECTED) + 1) * count, "connections that the workload made")
    database = live.database(capture)
    live.check_equal(live.lost(database, "net"), 0, "lost")
    rows = rows_by_end(database)
    for case in truth:
        if case["kind"] != "refused":
            check_pair(rows, case, families)
    client = truth[0]["client"]
    for family, address in families.items():
        refused = database.execute("SELECT * FROM tcp_connections WHERE tgid = ? AND remote_address = ? AND ended = 'refused'",
                                   (client, address)).fetchall()
        live.check_equal(len(refused), count, f"{family}: refused")
        live.check(all(row["failed"] and row["sent_bytes"] == row["received_bytes"] == 0 for row in refused), f"{family}: refused ones sent something")
        resets = dict(database.execute("SELECT what, count(*) FROM tcp_events WHERE remote_address = ? AND local_address = ? GROUP BY what",
                                       (address, address)).fetchall())
        # sent by client, server, and where nobody listens; each received by the other end
        live.check(resets.get("reset sent", 0) >= 3 * count and resets.get("reset received", 0) >= 3 * count, f"{family}: resets {resets}")
    own = live.one(database, "SELECT count(*) FROM tcp_connections WHERE tgid IN (?, ?)", client, truth[0]["server"])
    live.check_equal(own, len(families) * (2 * len(EXPECTED) + 1) * count, "rows of the workload")
    attempted, stored, lost, counted = database.execute(
        "SELECT attempted_count, stored_count, lost_count, counted_count FROM class_totals WHERE class = 'net'").fetchone()
    live.check_equal(attempted, stored + lost + (counted or 0), "attempted = stored + lost + counted")
    live.check_equal(counted or 0, live.one(database, "SELECT total(packets) FROM net_drops"), "counted packets")
    live.check_equal(stored, live.one(database, "SELECT (SELECT count(*) FROM tcp_conn) + (SELECT count(*) FROM tcp_event)"), "stored rows")


def say(peers):
    peers.stdin.write("\n")
    peers.stdin.flush()
    live.check(json.loads(peers.stdout.readline()).get("done"), "the workload did its exchange")


def left_open():
    """Connections from before the recording, and open at its end: what was sent meanwhile, and by whom. Filtered by process, only its own."""
    peers = live.start([sys.executable, PEERS, "open", "ipv4"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    ports = json.loads(peers.stdout.readline())["ports"]
    say(peers)  # before: not part of it
    recorder, capture = live.start_recorder("open.kymo", "-e", "net")
    filtered, only = live.start_recorder("only.kymo", "-e", "net", "-p", str(peers.pid))
    say(peers)
    say(peers)
    with socket.socket() as listener:  # of another process
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        socket.create_connection(listener.getsockname()).close()
    live.stop(filtered)
    live.stop(recorder)
    for name, path in (("all", capture), ("by pid", only)):
        database = live.database(path)
        for port in ports:
            client, server = (database.execute(f"SELECT * FROM tcp_connections WHERE {end} = ? AND tgid = ?", (port, peers.pid)).fetchall()
                              for end in ("local_port", "remote_port"))
            if live.check_equal([len(client), len(server)], [1, 1], f"{name}: rows of port {port}"):
                both = {"ended": "open", "since_before": 1, "established": 1}
                check_end(client[0], dict(both, role="connect", sent_bytes=2000, received_bytes=600), f"{name}: client {port}")
                check_end(server[0], dict(both, role="accept", sent_bytes=600, received_bytes=2000), f"{name}: server {port}")
        others = live.one(database, "SELECT count(*) FROM tcp_connections WHERE tgid = ?", os.getpid())
        live.check(others == 0 if name == "by pid" else others >= 2, f"{name}: {others} rows of another process")


def too_many():
    """Rings of 16 KiB come with a table of 4096 connections. 5000 have 10,000 ends."""
    count = 5000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2 * count + 100:
        resource.setrlimit(resource.RLIMIT_NOFILE, (2 * count + 100, 2 * count + 100))
    else:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    capture, out, status, _ = live.record("many.kymo", "-e", "net", "--buffer", "16K", "--drain", "1ms", command=[sys.executable, PEERS, "many", str(count)])
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, hard), max(hard, 2 * count + 100)))
    pid = live.truth(out)["pid"]
    database = live.database(capture)
    rows, unseen, sent = database.execute("SELECT count(*), total(begin_unseen), total(sent_bytes) FROM tcp_connections WHERE tgid = ?",
                                          (pid,)).fetchone()
    lost = live.lost(database, "net")
    live.check(rows + lost >= 2 * count, f"{rows} rows and {lost} lost of {2 * count} ends")
    live.check(rows <= 2 * count, f"{rows} rows of {2 * count} ends")
    live.check(unseen >= 2 * count - 4096 - lost, f"{unseen} whose begin was not seen, {lost} lost")
    live.check(sent <= 10 * count and (lost or sent == 10 * count), f"{sent} bytes of {10 * count}, {lost} lost")
    live.check_equal(status, 3 if lost else 0, "status")


live.run_parts({"closed": closed, "left_open": left_open, "too_many": too_many}, {})
