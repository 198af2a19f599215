"""Confines a process, layer by layer; what holds in the end is told, and tried."""

import ctypes
import os
import resource
import signal
import socket
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cave_agent.sandbox import _landlock
from cave_agent.sandbox._filter import program
from cave_agent.sandbox._gates import Gate, hosts_file
from cave_agent.sandbox._libc import prctl, syscall
from cave_agent.sandbox._namespaces import drop_capabilities, jail
from cave_agent.sandbox._policy import Limits
from cave_agent.sandbox._rules import rules
from cave_agent.sandbox._syscalls import this_machine

_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG
_NO_NEW_PRIVILEGES = 38  # PR_SET_NO_NEW_PRIVS
_SET_FILTER, _ALL_THREADS = 1, 1  # SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC
_SECCOMP = {"x86_64": 317, "aarch64": 277}
_STEP = 8  # bytes
_KNOWS_TRUNCATION = 3  # the version of Landlock that does
_OF_JAIL = (Path("/tmp"), Path("/dev/shm"), Path("/proc"))  # noqa: S108  # its own
_DEVICES = (Path("/dev/null"), Path("/dev/zero"), Path("/dev/full"))
_HOSTS, _LOOK_UP = Path("/etc/hosts"), Path("/etc/nsswitch.conf")
_NOWHERE = ("192.0.2.1", 9)  # an address of nobody's, by RFC 5737
_ROOM_FOR_RESERVATIONS = 8 << 30  # bytes of address space beyond the memory that is used


def jail_folder() -> Path:
    """Where a worker starts, in a jail."""
    return Path("/", "tmp", "work")


@dataclass(frozen=True, slots=True)
class Layers:
    """What of the kernel's means is to be used, or is in force.

    Attributes:
        namespaces: A view of the system of its own.
        jail: A root of its own.
        landlock: The version of Landlock; 0 for none.
        seccomp: The rules on system calls.
    """

    namespaces: bool = True
    jail: bool = True
    landlock: int = 99
    seccomp: bool = True

    @property
    def is_strong(self) -> bool:
        """Whether they keep the code from all that is not its own."""
        return self.seccomp and (self.jail or self.landlock > 0)


@dataclass(frozen=True, slots=True)
class Cage:
    """What a process is confined to.

    Attributes:
        read: What it may read and run.
        write: What it may change, too.
        folder: Its own, where it starts, in a jail.
        limits: What it may use.
        layers: What of the kernel's means is to be used if there is it.
        canary: A file that it must not be able to read.
        gates: What it can connect to.
        spare: Its own folder without a jail; it is made then, and for others to remove.
    """

    read: tuple[Path, ...]
    write: tuple[Path, ...]
    folder: Path
    limits: Limits
    layers: Layers
    canary: Path
    gates: tuple[Gate, ...] = ()
    spare: Path = Path()

    @property
    def needs_namespaces(self) -> bool:
        """Whether nothing else confines what it may do."""
        return bool(self.gates) or self.limits.processes > 0


def confine(cage: Cage, *, in_namespaces: bool) -> Layers:
    """Confine this process for good; gives the layers that are in force.

    Args:
        cage: To what.
        in_namespaces: Whether it has entered namespaces of its own.

    Raises:
        OSError: The kernel refused what always works.
        RuntimeError: A layer is there that does not hold.
    """
    wanted = cage.layers
    prctl("PR_SET_PDEATHSIG", _DIE_WITH_PARENT, signal.SIGKILL)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", "ascii")
    read = (*cage.read, *_texts(cage))
    is_jailed = _enter_jail(cage, read, in_namespaces=in_namespaces)
    folder = cage.folder if is_jailed else cage.spare
    folder.mkdir(mode=0o700, parents=is_jailed, exist_ok=is_jailed)
    os.chdir(folder)
    os.environ["HOME"] = str(folder)
    if in_namespaces:
        drop_capabilities()
    prctl("PR_SET_NO_NEW_PRIVS", _NO_NEW_PRIVILEGES, 1)
    _limit(cage.limits)
    landlock = min(_landlock.version(), wanted.landlock)
    if landlock:
        write = (*cage.write, *(_OF_JAIL if is_jailed else (folder,)), *_DEVICES)
        _landlock.restrict(read=read, write=write, abi=landlock, connects=bool(cage.gates))
    layers = Layers(in_namespaces, is_jailed, landlock, wanted.seccomp)
    if wanted.seccomp:
        _refuse_calls(cage, layers)
    _try_to_escape(layers, cage)
    return layers


def _enter_jail(cage: Cage, read: tuple[Path, ...], *, in_namespaces: bool) -> bool:
    """Go into a jail if that is wanted, and possible; gives whether it is in one.

    Raises:
        RuntimeError: It is not, and must be.
    """
    texts, size = _texts(cage), cage.limits.disk
    is_wanted = in_namespaces and cage.layers.jail
    if is_wanted and _is_possible(lambda: jail(read, cage.write, size=size, texts=texts)):
        return True
    if cage.needs_namespaces:
        raise RuntimeError("network and processes need namespaces, which are forbidden here")
    return False


def _texts(cage: Cage) -> dict[Path, str]:
    """Files that say how names of hosts are looked up."""
    return {_HOSTS: hosts_file(cage.gates), _LOOK_UP: "hosts: files\n"} if cage.gates else {}


def _refuse_calls(cage: Cage, layers: Layers) -> None:
    """Have the kernel refuse what the layers so far leave open."""
    machine = this_machine()
    refused = rules(
        jailed=layers.jail,
        guards_truncation=layers.landlock >= _KNOWS_TRUNCATION,
        connects=bool(cage.gates),
        forks=cage.limits.processes > 0,
    )
    _set_filter(program(refused, machine), _SECCOMP[machine.name])


def _is_possible(act: Callable[[], object]) -> bool:
    try:
        act()
    except OSError:
        return False
    return True


def _limit(limits: Limits) -> None:
    memory = limits.memory
    bounds: Sequence[tuple[int, int | None]] = (
        (resource.RLIMIT_DATA, memory),
        (resource.RLIMIT_AS, memory + _ROOM_FOR_RESERVATIONS),
        (resource.RLIMIT_CPU, limits.cpu),
        (resource.RLIMIT_FSIZE, limits.file_size),
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_CORE, 0),
    )
    for which, bound in bounds:
        if bound is not None:
            more = which == resource.RLIMIT_CPU  # so that the signal tells which limit it was
            resource.setrlimit(which, (bound, bound + more))


def _set_filter(steps: bytes, number: int) -> None:
    memory = ctypes.create_string_buffer(steps, len(steps))
    given = struct.pack("@HP", len(steps) // _STEP, ctypes.addressof(memory))  # struct sock_fprog
    syscall("seccomp", number, _SET_FILTER, _ALL_THREADS, given)


def _try_to_escape(layers: Layers, cage: Cage) -> None:
    """Try what must fail now: a wall that is not looked at may not be there.

    Raises:
        RuntimeError: It did not fail.
    """
    if layers.is_strong and _is_possible(cage.canary.read_bytes):
        raise RuntimeError(f"The sandbox does not hold: {cage.canary} can be read.")
    if layers.seccomp and _is_possible(lambda: socket.socket(type=socket.SOCK_DGRAM).close()):
        raise RuntimeError("The sandbox does not hold: there are sockets.")
    if layers.seccomp and _is_possible(_connect if cage.gates else socket.socket):
        raise RuntimeError("The sandbox does not hold: there are sockets.")
    if layers.seccomp and not cage.limits.processes and _is_possible(_fork):
        raise RuntimeError("The sandbox does not hold: there can be new processes.")


def _connect() -> None:
    socket.create_connection(_NOWHERE, timeout=1).close()


def _fork() -> None:
    if os.fork() == 0:
        os._exit(0)
