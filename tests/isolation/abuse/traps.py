"""The host's surroundings during an attempt: what is kept from a cell, and what tells of a breach."""

import ctypes
import os
import resource
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

VAULT = {"key": ""}
"""A secret of a module of the host's."""

_DEVICE = Path("/dev/full")
_SETTING = Path("/proc/sys/kernel/printk_ratelimit_burst")


class Cursor:
    """Something big that cannot leave the host."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.rows = bytearray(1 << 20)


class Service:
    """An object of the host's that cannot leave it, and has a key."""

    def __init__(self, key: str) -> None:
        self.lock = threading.Lock()
        self.name = "service"
        self._key = key

    def add(self, number: int) -> int:
        """A method that does no harm."""
        return number + 1

    def rows(self) -> Iterator[int]:
        """A generator, whose frame knows the object and its module."""
        key = self._key
        yield len(key)
        yield 2

    async def stream(self) -> AsyncIterator[int]:
        """The same, asynchronous."""
        key = self._key
        yield len(key)

    def cursor(self) -> Cursor:
        """Something new each time."""
        return Cursor()


@dataclass(slots=True)
class Traps:
    """What is around a cell, and what became of it."""

    folder: Path
    secret: str
    service: Service
    victim: subprocess.Popen[bytes]
    sockets: dict[str, socket.socket]
    board: Any
    port: int
    token: str = field(default_factory=lambda: f"done-{secrets.token_hex(8)}")
    noted: list[object] = field(default_factory=list[object])
    before: dict[str, Any] = field(default_factory=dict[str, Any])
    process_before: tuple[Any, ...] = ()

    def variables(self) -> dict[str, Any]:
        """What the cell is told, so that it need not search."""
        return {
            "folder": str(self.folder),
            "secret_file": str(self.folder / "secret.txt"),
            "canary": str(self.folder / "canary.txt"),
            "database": str(self.folder / "canary.sqlite"),
            "shared_file": str(self.folder / "shared" / "data.txt"),
            "home": str(self.folder / "home"),
            "tcp": self.sockets["tcp"].getsockname()[1],
            "udp": self.sockets["udp"].getsockname()[1],
            "unix": str(self.folder / "socket"),
            "abstract": self.sockets["abstract"].getsockname(),
            "free_port": self.port,
            "host_pid": os.getpid(),
            "victim": self.victim.pid,
            "key_address": id(self.secret),
            "board": ctypes.addressof(self.board),
            "service": self.service,
            "done": self.token,
        }

    def have_changed(self) -> bool:
        """Whether something outside is not as it was."""
        return self.state() != self.before

    def state(self) -> dict[str, Any]:
        """All that must not change."""
        found: dict[str, Any] = {"board": self.board.raw, "mounts": _mounts()}
        found["device"] = _DEVICE.stat().st_mode
        found["setting"] = _SETTING.read_bytes() if _SETTING.exists() else b""
        for path in sorted(self.folder.rglob("*")):
            what = path.lstat()
            data = path.read_bytes() if path.is_file() and path.name != "terminal" else b""
            marks = os.listxattr(path, follow_symlinks=False)
            times = what.st_mtime_ns if data else 0
            found[str(path)] = (data, what.st_mode, what.st_uid, what.st_nlink, times, marks)
        return found

    def were_heard(self) -> bool:
        """Whether something came to the sockets, or listens where it could come to."""
        return any(map(_has_come, self.sockets.values())) or _answers(self.port)

    def process(self) -> tuple[Any, ...]:
        """The state of the other process."""
        pid = self.victim.pid
        if self.victim.poll() is not None:
            return (self.victim.returncode,)
        with suppress(ProcessLookupError):
            stopped = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0]
            return (
                stopped in "tT",
                os.getpriority(os.PRIO_PROCESS, pid),
                os.sched_getaffinity(pid),
                os.sched_getscheduler(pid),
                resource.prlimit(pid, resource.RLIMIT_NOFILE),
            )
        return ()


def _mounts() -> list[str]:
    return Path("/proc/self/mounts").read_text("utf-8").splitlines()


def _has_come(listening: socket.socket) -> bool:
    with suppress(BlockingIOError):
        if listening.type == socket.SOCK_DGRAM:
            return bool(listening.recv(100))
        listening.accept()[0].close()
        return True
    return False


def _answers(port: int) -> bool:
    with socket.socket() as mine, suppress(OSError):
        mine.settimeout(1)
        mine.connect(("127.0.0.1", port))
        return True
    return False


def _listening(stack: ExitStack, kind: int, family: int, *, address: Any) -> socket.socket:
    made = stack.enter_context(socket.socket(family, kind))
    made.bind(address)
    made.setblocking(False)
    if kind == socket.SOCK_STREAM:
        made.listen()
    return made


def _sockets(folder: Path, stack: ExitStack) -> dict[str, socket.socket]:
    here, stream = ("127.0.0.1", 0), socket.SOCK_STREAM
    name = f"\0abuse-{secrets.token_hex(6)}"
    return {
        "tcp": _listening(stack, stream, socket.AF_INET, address=here),
        "udp": _listening(stack, socket.SOCK_DGRAM, socket.AF_INET, address=here),
        "unix": _listening(stack, stream, socket.AF_UNIX, address=str(folder / "socket")),
        "abstract": _listening(stack, stream, socket.AF_UNIX, address=name),
    }


def _victim(secret: str) -> subprocess.Popen[bytes]:
    wait = [sys.executable, "-IS", "-c", "print(flush=True); input()"]
    started = subprocess.Popen(
        wait,
        env={"ABUSE_API_KEY": secret},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert started.stdout is not None
    started.stdout.readline()
    return started


@contextmanager
def set_traps() -> Iterator[Traps]:
    """Set them, and put all in order again."""
    with ExitStack() as stack:
        folder = Path(
            tempfile.mkdtemp(dir=os.environ.get("ABUSE_FOLDER", "/var/tmp"), prefix="abuse-")
        )  # no cell has that one
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        secret = f"canary-{secrets.token_hex(12)}"
        _fill(folder, secret)
        sockets = _sockets(folder, stack)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        victim = _victim(secret)
        stack.callback(_ended, victim)
        board = ctypes.create_string_buffer(b"untouched", 16)
        traps = Traps(folder, secret, Service(secret), victim, sockets, board, port)
        kept = os.environ.get("HOME", ""), VAULT["key"]
        os.environ["ABUSE_API_KEY"] = VAULT["key"] = secret
        os.environ["HOME"] = str(folder / "home")
        traps.before, traps.process_before = traps.state(), traps.process()
        try:
            yield traps
        finally:
            del os.environ["ABUSE_API_KEY"]
            os.environ["HOME"], VAULT["key"] = kept
            _restore(traps)


def _fill(folder: Path, secret: str) -> None:
    for each in ("home/.ssh", "shared", "mnt"):
        (folder / each).mkdir(parents=True)
    (folder / "secret.txt").write_text(f"{secret}\n", "ascii")
    (folder / "home/.ssh/id_ed25519").write_text(secret, "ascii")
    (folder / "home/.netrc").write_text(f"machine h login l password {secret}", "ascii")
    (folder / "home/.netrc").chmod(0o600)
    (folder / "canary.txt").write_text("untouched", "ascii")
    (folder / "shared/data.txt").write_text("untouched", "ascii")
    (folder / "canary.sqlite").touch()


def _restore(traps: Traps) -> None:
    before = traps.before
    if _DEVICE.stat().st_mode != before["device"]:
        _DEVICE.chmod(before["device"] & 0o7777)
    if before["setting"] and _SETTING.read_bytes() != before["setting"]:
        _SETTING.write_bytes(before["setting"])
    if _mounts() != before["mounts"]:
        subprocess.run(["umount", "-l", str(traps.folder / "mnt")], check=False)


def _ended(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()
