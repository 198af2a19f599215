"""Networks: none of them may be reached, nor this machine's own sockets."""

from tests.isolation.abuse.attempt import Attempt, claimed, heard

_SOCKET = "import socket\n"


def _made(family: str, kind: str, number: int = 0) -> str:
    return f"{_SOCKET}socket.socket({family}, {kind}, {number})\nprint(done)"


NET = (
    Attempt("tcp", f"{_SOCKET}socket.create_connection(('127.0.0.1', tcp), 1).send(b'x')", heard),
    Attempt(
        "tcp from the start", f"{_SOCKET}s = socket.socket()\ns.connect(('127.0.0.1', tcp))", heard
    ),
    Attempt(
        "tcp that sends at once",
        f"{_SOCKET}s = socket.socket()\ns.sendto(b'x', 0x20000000, ('127.0.0.1', tcp))",
        heard,
    ),
    Attempt(
        "tcp over ipv6",
        f"{_SOCKET}s = socket.socket(socket.AF_INET6)\ns.connect(('::ffff:127.0.0.1', tcp))",
        heard,
    ),
    Attempt(
        "multipath tcp",
        f"{_SOCKET}s = socket.socket(proto=262)\ns.connect(('127.0.0.1', tcp))",
        heard,
    ),
    Attempt(
        "udp",
        f"{_SOCKET}socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', udp))",
        heard,
    ),
    Attempt(
        "a question of names",
        f"{_SOCKET}s = socket.socket(type=socket.SOCK_DGRAM)\n"
        "s.sendto(bytes.fromhex('000101000001000000000000') + b'\\x06secret\\x01x\\0\\0\\1\\0\\1', ('127.0.0.1', udp))",
        heard,
    ),
    Attempt("a unix socket", f"{_SOCKET}socket.socket(socket.AF_UNIX).connect(unix)", heard),
    Attempt(
        "an abstract socket", f"{_SOCKET}socket.socket(socket.AF_UNIX).connect(abstract)", heard
    ),
    Attempt(
        "an abstract socket from a pair",
        f"{_SOCKET}import ctypes\na, _ = socket.socketpair()\n"
        "try:\n    a.connect(abstract)\nexcept OSError:\n    socket.socket(socket.AF_UNIX).connect(abstract)",
        heard,
    ),
    Attempt(
        "a datagram from a pair",
        f"{_SOCKET}a, _ = socket.socketpair(type=socket.SOCK_DGRAM)\n"
        "try:\n    a.sendto(b'x', unix)\nexcept OSError:\n    socket.socket(socket.AF_UNIX).connect(unix)",
        heard,
    ),
    Attempt(
        "a socket in C",
        "import ctypes\nlibc = ctypes.CDLL(None)\nfd = libc.socket(2, 1, 0)\n"
        "address = b'\\x02\\0' + tcp.to_bytes(2, 'big') + bytes([127, 0, 0, 1]) + bytes(8)\nlibc.connect(fd, address, 16)",
        heard,
    ),
    Attempt(
        "a socket by its number",
        "import ctypes\nlibc = ctypes.CDLL(None)\nfd = libc.syscall(41, 2, 2, 0)\n"
        "address = b'\\x02\\0' + udp.to_bytes(2, 'big') + bytes([127, 0, 0, 1]) + bytes(8)\nlibc.syscall(44, fd, b'x', 1, 0, address, 16)",
        heard,
    ),
    Attempt(
        "urllib",
        "import urllib.request\nurllib.request.urlopen(f'http://127.0.0.1:{tcp}', timeout=0.1)",
        heard,
    ),
    Attempt(
        "http.client",
        "import http.client\nhttp.client.HTTPConnection('127.0.0.1', tcp, timeout=0.1).request('GET', '/')",
        heard,
    ),
    Attempt("smtplib", "import smtplib\nsmtplib.SMTP('127.0.0.1', tcp, timeout=0.1)", heard),
    Attempt("asyncio", "import asyncio\nawait asyncio.open_connection('127.0.0.1', tcp)", heard),
    Attempt(
        "asyncio on a unix socket",
        "import asyncio\nawait asyncio.open_unix_connection(unix)",
        heard,
    ),
    Attempt(
        "multiprocessing's client",
        "from multiprocessing.connection import Client\nClient(unix, 'AF_UNIX')",
        heard,
    ),
    Attempt(
        "logging to a socket",
        "import logging.handlers\nlogging.handlers.SysLogHandler(('127.0.0.1', udp)).emit(logging.makeLogRecord({'msg': 'x'}))",
        heard,
    ),
    Attempt("a server", f"{_SOCKET}server = socket.create_server(('127.0.0.1', free_port))", heard),
    Attempt(
        "a server in C",
        "import ctypes\nlibc = ctypes.CDLL(None)\nfd = libc.socket(2, 1, 0)\n"
        "address = b'\\x02\\0' + free_port.to_bytes(2, 'big') + bytes(12)\nlibc.bind(fd, address, 16)\nlibc.listen(fd, 5)",
        heard,
    ),
    Attempt("raw packets", _made("socket.AF_INET", "socket.SOCK_RAW", 1), claimed),
    Attempt("frames of ethernet", _made("socket.AF_PACKET", "socket.SOCK_RAW"), claimed),
    Attempt("netlink", _made("socket.AF_NETLINK", "socket.SOCK_RAW"), claimed),
    Attempt(
        "netlink by a pair",
        f"{_SOCKET}try:\n    socket.socketpair(socket.AF_NETLINK, socket.SOCK_RAW)\nexcept OSError:\n"
        "    socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)\nprint(done)",
        claimed,
    ),
    Attempt("the machine's own host", _made("socket.AF_VSOCK", "socket.SOCK_STREAM"), claimed),
)
