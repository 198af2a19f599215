"""A clean process that each worker is forked from: it has no secrets, and what is imported already."""

import gc
import importlib
import os
import pickle
import select
import shutil
import signal
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

from cave_agent.runtime._hosts._isolated._frames import Frame, Receiver, send
from cave_agent.runtime._hosts._isolated._parcels import packed
from cave_agent.runtime._hosts._isolated._worker import main as work
from cave_agent.runtime._hosts._isolated._writer import Writer
from cave_agent.sandbox import Cage, Gate, Watch, adopt_orphans, confine, enter, open_gates

_LINE = 3
_LIBRARIES = (
    *("/usr/lib", "/usr/lib64", "/usr/local/lib", "/lib", "/lib64", "/usr/share/zoneinfo"),
    *("/etc/ld.so.cache", "/etc/localtime", "/dev/urandom"),
)

_PROGRAMS = ("/bin", "/usr/bin", "/usr/local/bin")
_CERTIFICATES = (  # of authorities; what else is beside them may be secret
    *("/etc/ssl/certs", "/etc/ssl/cert.pem", "/etc/ssl/openssl.cnf", "/etc/ca-certificates"),
    *("/usr/share/ca-certificates", "/etc/pki/tls/certs", "/etc/pki/ca-trust/extracted"),
)


@dataclass(frozen=True, slots=True)
class Order:
    """A worker that is asked for.

    Attributes:
        cage: What it is confined to, besides Python itself, which it may read.
        is_strong: Whether it must not be without walls.
    """

    cage: Cage
    is_strong: bool


def main(control: int, preload: list[str]) -> None:
    """Fork workers as the host orders them, until it hangs up."""
    line = socket.socket(fileno=control)
    line.setblocking(False)  # noqa: FBT003  # the library's own
    for name in preload:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    adopt_orphans()  # keepers, so that none stays as a zombie whose parent is no init
    orders = Receiver(line, 1 << 20)
    while True:
        select.select([line], [], [])
        orders.read()
        while orders.ready:
            _fork(orders.ready.popleft(), line)
        if orders.is_closed:
            os._exit(0)


def _fork(frame: Frame, control: socket.socket) -> None:
    if os.fork() == 0:
        try:
            control.close()
            order: Order = pickle.loads(frame.body)
            _become_keeper(order, *map(os.dup, frame.descriptors))  # the host's own
        finally:
            os._exit(1)
    frame.close()


def _become_keeper(order: Order, *descriptors: int) -> None:
    """Stand between the host and the worker: with one of them, all that belongs to it ends."""
    line, life, output = descriptors
    os.setsid()
    in_namespaces = False
    if order.cage.layers.namespaces:
        with suppress(OSError):
            enter()
            in_namespaces = True
    gates = _opened(order.cage.gates) if in_namespaces else []
    if keeper := os.fork():
        told = socket.socket(fileno=life)
        it = os.pidfd_open(keeper)  # whatever it is named elsewhere
        socket.send_fds(told, [b"k"], [it, *(each.fileno() for each in gates)])
        os._exit(0)
    if not in_namespaces:
        adopt_orphans()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    worker = os.fork()
    if worker == 0:
        os.close(life)
        _stand_alone(line, output)
        _become_worker(order, in_namespaces=in_namespaces)
        os._exit(0)
    os.closerange(3, life)
    os.closerange(life + 1, 1 << 20)
    _keep(worker, socket.socket(fileno=life), Watch(order.cage.limits))
    _end(order, worker, in_namespaces=in_namespaces)


def _end(order: Order, worker: int, *, in_namespaces: bool) -> NoReturn:
    """End with all that belongs to the worker."""
    with suppress(OSError):  # it may have ended
        os.kill(worker, signal.SIGKILL)
        os.waitpid(worker, 0)
    shutil.rmtree(order.cage.spare, ignore_errors=True)
    if not in_namespaces:
        os.killpg(0, signal.SIGKILL)
    os._exit(0)


def _opened(gates: tuple[Gate, ...]) -> list[socket.socket]:
    try:
        return open_gates(gates) if gates else []
    except OSError:  # which the host notices by what it is not given
        return []


def _keep(worker: int, life: socket.socket, watch: Watch) -> None:
    """Return when the worker has ended, or must: the host is gone, or it has taken too much."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)  # the library's own
    signal.set_wakeup_fd(writing)
    signal.signal(signal.SIGCHLD, _wake)
    while True:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == worker:
            _tell_end(life, os.waitstatus_to_exitcode(status))
            return
        sources = [life.fileno(), reading]
        ready = select.select(sources, [], [], watch.due)[0] if pid == 0 else sources[1:]
        if watch.due <= 0 and (excess := watch.excess()) is not None:
            _tell_end(life, excess)
            return
        if life.fileno() in ready:
            match life.recv(1):
                case b"":
                    return  # the host is gone
                case b"!":
                    os.kill(worker, signal.SIGINT)
                case _:
                    watch.wake()
        with suppress(BlockingIOError):
            os.set_blocking(reading, False)  # the library's own
            os.read(reading, 512)


def _tell_end(life: socket.socket, code: int) -> None:
    with suppress(OSError):
        life.send(code.to_bytes(2, "little", signed=True))


def _wake(_signal: int, _frame: object) -> None:
    """A child has ended: what waits is woken through the descriptor."""


def _stand_alone(line: int, output: int) -> None:
    """Have no descriptors but those of a worker."""
    null = os.open(os.devnull, os.O_RDWR)
    for source, target in ((null, 0), (output, 1), (output, 2), (line, _LINE)):
        os.dup2(source, target)
    os.closerange(_LINE + 1, 1 << 20)


def _become_worker(order: Order, *, in_namespaces: bool) -> None:
    to_host = socket.socket(fileno=_LINE)
    try:
        layers = confine(_with_python(order.cage), in_namespaces=in_namespaces)
    except Exception as error:  # noqa: BLE001  # the host tells it
        _tell(to_host, ("refused", f"{type(error).__name__}: {error}"))
        return
    if order.is_strong and not layers.is_strong:
        why = "neither Landlock nor a root of one's own" if layers.seccomp else "no seccomp"
        _tell(to_host, ("refused", f"there is {why}"))
        return
    _tell(to_host, ("ready", (layers.namespaces, layers.jail, layers.landlock, layers.seccomp)))
    work(to_host, order.cage)


def _with_python(cage: Cage) -> Cage:
    """What a worker is confined to, with what Python needs to run."""
    own = {sys.prefix, sys.base_prefix, *(each for each in sys.path if Path(each).is_dir())}
    more = (*(_PROGRAMS if cage.limits.processes else ()), *(_CERTIFICATES if cage.gates else ()))
    read = {*map(Path, own), *map(Path, (*_LIBRARIES, *more)), *cage.read}
    return replace(cage, read=tuple(sorted(read)))


def _tell(line: socket.socket, message: tuple[str, Any]) -> None:
    what, told = message
    writer = Writer(lambda _: None)
    writer.write((what, 0))
    writer.write((told,))
    send(line, packed(bytes(writer.body), []).body)
