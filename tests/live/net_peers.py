"""Two processes that speak TCP on the loopback device, and say what they did: a line of JSON per connection.
  net_peers.py closed COUNT FAMILY...  COUNT connections of each kind and family (ipv4, ipv6), all closed
  net_peers.py many COUNT              COUNT connections that are open at once; 10 bytes are sent on each, and it is closed
  net_peers.py open FAMILY...          says a line, and for each line on standard input sends 1000 bytes there and 300 back on the connections it holds
"""
import array
import fcntl
import json
import os
import socket
import struct
import sys
import termios

SENT, REPLIED = 12345, 777
FAMILIES = {"ipv4": (socket.AF_INET, "127.0.0.1"), "ipv6": (socket.AF_INET6, "::1")}
ADDRESSES = {family: FAMILIES[family] for family in sys.argv[2:] if family in FAMILIES}
ABORT = struct.pack("ii", 1, 0)


def read_all(sock, size):
    while size > 0:
        got = sock.recv(size)
        if not got:
            raise EOFError
        size -= len(got)


def read_end(sock):
    """How the other end closed: False, by a reset"""
    try:
        return sock.recv(1) == b""
    except ConnectionResetError:
        return False


def unread_bytes(sock):
    number = array.array("i", [0])
    fcntl.ioctl(sock, termios.FIONREAD, number)
    return number[0]


# Of each kind: what the client does after its request, and the server
def client_closes(sock, server):
    if server:
        read_all(sock, SENT)
        sock.sendall(b"r" * REPLIED)
        read_end(sock)
    else:
        sock.sendall(b"s" * SENT)
        read_all(sock, REPLIED)
    sock.close()


def server_closes(sock, server):
    if server:
        read_all(sock, SENT)
        sock.sendall(b"r" * REPLIED)
    else:
        sock.sendall(b"s" * SENT)
        read_all(sock, REPLIED)
        read_end(sock)
    sock.close()


def both_close(sock, server):
    """As near to at once as it gets: either can be first."""
    if server:
        read_all(sock, SENT)
        sock.sendall(b"r" * REPLIED)
    else:
        sock.sendall(b"s" * SENT)
        read_all(sock, REPLIED)
    sock.shutdown(socket.SHUT_WR)
    read_end(sock)
    sock.close()


def client_aborts(sock, server):
    if server:
        read_all(sock, SENT)
        sock.sendall(b"r" * REPLIED)
        read_end(sock)
    else:
        sock.sendall(b"s" * SENT)
        read_all(sock, REPLIED)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
    sock.close()


def server_ignores(sock, server):
    """Closes with bytes unread, which resets the connection."""
    if server:
        while unread_bytes(sock) < SENT:
            pass
    else:
        sock.sendall(b"s" * SENT)
        read_end(sock)
    sock.close()


KINDS = [client_closes, server_closes, both_close, client_aborts, server_ignores]


def serve(listeners, count):
    for family in ADDRESSES:
        for kind in KINDS:
            for _ in range(count):
                sock, _ = listeners[family].accept()
                kind(sock, True)
    os._exit(0)


def say(**fields):
    print(json.dumps(fields), flush=True)


def closed(count):
    listeners, truth = {}, []
    for family, (number, address) in ADDRESSES.items():
        listeners[family] = socket.socket(number)
        listeners[family].bind((address, 0))
        listeners[family].listen(8)
    server = os.fork()
    if server == 0:
        serve(listeners, count)
    for family, (number, address) in ADDRESSES.items():
        port = listeners[family].getsockname()[1]
        for kind in KINDS:
            for _ in range(count):
                sock = socket.create_connection((address, port))
                local = sock.getsockname()[1]
                kind(sock, False)
                truth.append((family, kind.__name__, local, port))
    os.waitpid(server, 0)
    for family, (number, address) in ADDRESSES.items():  # nobody listens there any more
        port = listeners[family].getsockname()[1]
        listeners[family].close()
        for _ in range(count):
            sock = socket.socket(number)
            assert sock.connect_ex((address, port)) == 111
            truth.append((family, "refused", 0, port))
    for family, kind, local, port in truth:
        say(family=family, kind=kind, local=local, port=port, client=os.getpid(), server=server)


def many(count):
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(64)
    pairs = []
    for _ in range(count):
        client = socket.create_connection(listener.getsockname())
        pairs.append((client, listener.accept()[0]))
    for client, server in pairs:
        client.sendall(b"0123456789")
        read_all(server, 10)
        client.close()
        server.close()
    say(pid=os.getpid())


def held_open():
    pairs = []
    for number, address in ADDRESSES.values():
        listener = socket.socket(number)
        listener.bind((address, 0))
        listener.listen(8)
        client = socket.create_connection(listener.getsockname()[:2])
        pairs.append((client, listener.accept()[0]))
    say(ports=[client.getsockname()[1] for client, _ in pairs])
    while sys.stdin.readline():
        for client, server in pairs:
            client.sendall(b"s" * 1000)
            read_all(server, 1000)
            server.sendall(b"r" * 300)
            read_all(client, 300)
        say(done=True)


if sys.argv[1] == "closed":
    closed(int(sys.argv[2]))
elif sys.argv[1] == "many":
    many(int(sys.argv[2]))
else:
    held_open()
