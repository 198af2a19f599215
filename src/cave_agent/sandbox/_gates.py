"""Ways out of a network namespace that has none: listening sockets, whose callers the host connects.

A process in there finds each allowed host under an address of the namespace's own, by `/etc/hosts`,
and the port open that it asks for: so all libraries work as they are, TLS included.
"""

import fcntl
import ipaddress
import re
import socket
import struct
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

_MOST = 100
_HIGHEST_PORT = 65_535
_ENTRY = re.compile(r"(?:\[(?P<six>[0-9a-fA-F:.]+)\]|(?P<host>[^\s\[\]:/]+)):(?P<port>\d{1,5})")
# netdevice(7), of which the numbers are those of `linux/sockios.h`.
_GET_FLAGS, _SET_FLAGS, _SET_ADDRESS, _GET_INDEX = 0x8913, 0x8914, 0x8916, 0x8933
_UP = 1
_OF_NAMES = "199.93"  # the middle of the addresses that stand for names
_BIND_ANYHOW = 78  # IPV6_FREEBIND of `linux/in6.h`
_LOOPBACK = "lo"


@dataclass(frozen=True, slots=True)
class Gate:
    """A host and port that can be reached.

    Attributes:
        host: Its name or address.
        port: Its port.
        address: The address under which it is found.
    """

    host: str
    port: int
    address: str


def gates_of(network: Sequence[str]) -> tuple[Gate, ...]:
    """The gates that entries ask for, each `host:port`.

    Raises:
        ValueError: An entry is no such thing, or there are too many.
    """
    if len(network) > _MOST:
        raise ValueError(f"A sandbox has {_MOST} network entries at most, not {len(network)}.")
    found: dict[str, str] = {}
    if any(f"127.{_OF_NAMES}." in str(entry) for entry in network):
        raise ValueError(f"The addresses 127.{_OF_NAMES}.* stand for names here.")
    gates = [_gate(entry, found) for entry in network]
    return tuple({(each.address, each.port): each for each in gates}.values())


def _gate(entry: str, found: dict[str, str]) -> Gate:
    match = _ENTRY.fullmatch(str(entry))
    port = 0 if match is None else int(match["port"])
    if match is None or not 0 < port <= _HIGHEST_PORT:
        raise ValueError(
            f"A sandbox's network entry is 'host:port' or '[address]:port', not {entry!r:.80}."
        )
    host = match["six"] or match["host"]
    return Gate(host, port, found.setdefault(host, _address_of(host, len(found))))


def _address_of(host: str, number: int) -> str:
    """Its own, or one that nobody lists."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return "127.0.0.1" if host == "localhost" else f"127.{_OF_NAMES}.{number + 1}"


def hosts_file(gates: Iterable[Gate]) -> str:
    """What `/etc/hosts` says there."""
    lines = {"127.0.0.1 localhost"} | {f"{each.address} {each.host}" for each in gates}
    return "".join(f"{line}\n" for line in sorted(lines))


def open_gates(gates: Sequence[Gate]) -> list[socket.socket]:
    """Listening sockets of the gates, in the network namespace that this process is in.

    Raises:
        OSError: The kernel refused that.
    """
    with ExitStack() as stack:
        _have_loopback()
        for at, address in enumerate(dict.fromkeys(each.address for each in gates)):
            _have_address(address, at)
        made = [stack.enter_context(_listening(each)) for each in gates]
        stack.pop_all()
    return made


def _listening(gate: Gate) -> socket.socket:
    is_new = ":" in gate.address
    made = socket.socket(socket.AF_INET6 if is_new else socket.AF_INET)
    try:
        if is_new:
            made.setsockopt(
                socket.IPPROTO_IPV6, _BIND_ANYHOW, 1
            )  # the address may be tentative yet
        made.bind((gate.address, gate.port))
        made.listen()
    except BaseException:
        made.close()
        raise
    return made


def _have_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        asked = struct.pack("16sh14x", _LOOPBACK.encode(), 0)
        (flags,) = struct.unpack_from("h", fcntl.ioctl(control, _GET_FLAGS, asked), 16)
        fcntl.ioctl(control, _SET_FLAGS, struct.pack("16sh14x", _LOOPBACK.encode(), flags | _UP))


def _have_address(address: str, number: int) -> None:
    """Have an address be this machine's, which those of 127.0.0.0/8 are anyhow."""
    it = ipaddress.ip_address(address)
    if it.is_loopback:
        return
    if it.version == 4:  # noqa: PLR2004  # that of the protocol
        name = f"{_LOOPBACK}:{number}".encode()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            told = struct.pack("16sHH4s8x", name, socket.AF_INET, 0, it.packed)
            fcntl.ioctl(control, _SET_ADDRESS, told)
        return
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as control:
        asked = struct.pack("16si12x", _LOOPBACK.encode(), 0)
        (index,) = struct.unpack_from("i", fcntl.ioctl(control, _GET_INDEX, asked), 16)
        fcntl.ioctl(control, _SET_ADDRESS, struct.pack("16sIi", it.packed, 128, index))
