"""Where workers come from: a zygote for each set of modules that are to be imported beforehand."""

import atexit
import os
import pickle
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from tempfile import gettempdir
from uuid import uuid4

from cave_agent.runtime._hosts._isolated._frames import send
from cave_agent.runtime._hosts._isolated._zygote import Order
from cave_agent.sandbox import jail_folder

_ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "HOME": str(jail_folder()),
    "PYTHONUTF8": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    **dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
}
_BOOT = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from cave_agent.runtime._hosts._isolated._zygote import main; "
    "main(int(sys.argv[2]), sys.argv[3:])"
)
_TRIES, _PAUSE = 20, 0.01  # seconds
_lock = threading.Lock()
_zygotes: dict[tuple[str, ...], "Zygote"] = {}


class Zygote:
    """A process that forks workers.

    Args:
        preload: The modules that it imports first.
    """

    def __init__(self, preload: tuple[str, ...]) -> None:
        here, there = socket.socketpair()
        source = str(Path(__file__).parents[4])
        command = [sys.executable, "-I", "-c", _BOOT, source, str(there.fileno()), *preload]
        self._process = subprocess.Popen(  # noqa: S603  # our own
            command, pass_fds=[there.fileno()], env=_ENVIRONMENT, stdin=subprocess.DEVNULL, cwd="/"
        )
        there.close()
        self._control = here
        self._pid = os.getpid()
        self._lock = threading.Lock()  # a frame is several writes

    @property
    def is_usable(self) -> bool:
        """Whether it lives, and is this very process's own."""
        return self._pid == os.getpid() and self._process.poll() is None

    def fork(self, order: Order, output: int) -> tuple[socket.socket, socket.socket]:
        """A new worker, by the line to it and its life line: when that is closed, it dies.

        Args:
            order: What it is to be.
            output: The descriptor of what it prints to.

        Raises:
            OSError: The zygote is gone.
        """
        line, its_line = socket.socketpair()
        life, its_life = socket.socketpair()
        with its_line, its_life, self._lock:
            send(self._control, pickle.dumps(order), (its_line.fileno(), its_life.fileno(), output))
        return line, life

    def close(self) -> None:
        """Let it end."""
        self._control.close()
        self._process.wait()


def zygote_for(preload: tuple[str, ...]) -> Zygote:
    """The zygote of this process that has these modules."""
    with _lock:
        known = _zygotes.get(preload)
        if known is None or not known.is_usable:
            known = _zygotes[preload] = Zygote(preload)
        return known


def new_folder() -> Path:
    """Where a worker without a jail may make its folder."""
    return Path(gettempdir(), f"cave-agent-{uuid4().hex}")


def remove_folder(folder: Path) -> None:
    """Remove a worker's folder, if it has made one; it ends at about this time."""
    for _ in range(_TRIES):
        if not folder.exists():
            return
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(_PAUSE)


@atexit.register
def _close_all() -> None:
    for each in _zygotes.values():
        if each.is_usable:
            each.close()
