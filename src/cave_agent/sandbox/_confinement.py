"""Confines a process, layer by layer; what holds in the end is told, and tried."""

import ctypes
import os
import resource
import socket
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cave_agent.sandbox import _landlock
from cave_agent.sandbox._filter import program
from cave_agent.sandbox._libc import prctl, syscall
from cave_agent.sandbox._namespaces import drop_capabilities, jail
from cave_agent.sandbox._policy import Limits
from cave_agent.sandbox._rules import rules
from cave_agent.sandbox._syscalls import this_machine

_NO_NEW_PRIVILEGES = 38  # PR_SET_NO_NEW_PRIVS
_SET_FILTER, _ALL_THREADS = 1, 1  # SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC
_SECCOMP = {"x86_64": 317, "aarch64": 277}
_STEP = 8  # bytes
_KNOWS_TRUNCATION = 3  # the version of Landlock that does
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
        folder: Its own, where it starts; without a jail it is among what it may change.
        limits: What it may use.
        layers: What of the kernel's means is to be used if there is it.
        canary: A file that it must not be able to read.
    """

    read: tuple[Path, ...]
    write: tuple[Path, ...]
    folder: Path
    limits: Limits
    layers: Layers
    canary: Path


def confine(cage: Cage, *, in_namespaces: bool) -> Layers:
    """Confine this process for good; gives the layers that are in force.

    Args:
        cage: To what.
        in_namespaces: Whether it has entered namespaces of its own.

    Raises:
        OSError: The kernel refused what always works.
        RuntimeError: A layer is there that does not hold.
    """
    wanted, machine = cage.layers, this_machine()
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", "ascii")
    is_jailed = (
        in_namespaces
        and wanted.jail
        and _is_possible(lambda: jail(cage.read, cage.write, size=cage.limits.disk))
    )
    if is_jailed:
        cage.folder.mkdir(parents=True, exist_ok=True)
    os.chdir(cage.folder)
    if in_namespaces:
        drop_capabilities()
    prctl("PR_SET_NO_NEW_PRIVS", _NO_NEW_PRIVILEGES, 1)
    _limit(cage.limits)
    landlock = min(_landlock.version(), wanted.landlock)
    if landlock:
        own = (Path("/tmp"), Path("/dev/shm"), Path("/proc")) if is_jailed else (cage.folder,)  # noqa: S108  # the jail's
        devices = (Path("/dev/null"), Path("/dev/zero"), Path("/dev/full"))
        _landlock.restrict(read=cage.read, write=(*cage.write, *own, *devices), abi=landlock)
    if wanted.seccomp:
        refused = rules(jailed=is_jailed, guards_truncation=landlock >= _KNOWS_TRUNCATION)
        _set_filter(program(refused, machine), _SECCOMP[machine.name])
    layers = Layers(in_namespaces, is_jailed, landlock, wanted.seccomp)
    _try_to_escape(layers, cage.canary)
    return layers


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
            resource.setrlimit(which, (bound, bound))


def _set_filter(steps: bytes, number: int) -> None:
    memory = ctypes.create_string_buffer(steps, len(steps))
    given = struct.pack("@HP", len(steps) // _STEP, ctypes.addressof(memory))  # struct sock_fprog
    syscall("seccomp", number, _SET_FILTER, _ALL_THREADS, given)


def _try_to_escape(layers: Layers, canary: Path) -> None:
    """Try what must fail now: a wall that is not looked at may not be there.

    Raises:
        RuntimeError: It did not fail.
    """
    if layers.is_strong and _is_possible(canary.read_bytes):
        raise RuntimeError(f"The sandbox does not hold: {canary} can be read.")
    if layers.seccomp and _is_possible(lambda: socket.socket().close()):
        raise RuntimeError("The sandbox does not hold: there are sockets.")
    if layers.seccomp and _is_possible(_fork):
        raise RuntimeError("The sandbox does not hold: there can be new processes.")


def _fork() -> None:
    if os.fork() == 0:
        os._exit(0)
