"""Starts and stops the process that serves a local model; `_server` is what runs in it.

Everything here blocks and belongs in a worker thread.
"""

import json
import os
import secrets
import subprocess
import sys
import weakref
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from cave_agent.errors import WeightsError

_SCRIPT = Path(__file__).with_name("_server.py")
_CPUS = Path("/sys/devices/system/cpu")
_GRACE = 2.0


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """How llama.cpp shall run.

    Attributes:
        path: The GGUF file.
        context_size: Tokens that prompt and reply may have together.
        prompt_threads: Threads that read a prompt.
        generation_threads: Threads that write a reply.
        key: What a request must carry, so that nobody else on the machine uses the server.
    """

    path: str
    context_size: int
    prompt_threads: int
    generation_threads: int
    key: str = field(default_factory=secrets.token_urlsafe, repr=False)


class ServerProcess:
    """A started server; `stop` ends it, and so does the end of this object or of this process.

    Raises:
        WeightsError: llama.cpp does not load the file.
    """

    def __init__(self, settings: ServerSettings) -> None:
        self._process = subprocess.Popen(  # noqa: S603  # a fixed command
            [sys.executable, "-P", str(_SCRIPT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
        )
        self.stop = weakref.finalize(self, _stop, self._process, os.getpid())
        self.address = self._start(settings)

    @property
    def is_running(self) -> bool:
        """Whether it has neither been stopped nor died."""
        return self._process.poll() is None

    def _start(self, settings: ServerSettings) -> str:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        with suppress(BrokenPipeError):  # it has ended already, as its silence will say
            stdin.write(json.dumps(asdict(settings)) + "\n")
            stdin.flush()
        answer: dict[str, str] = json.loads(stdout.readline() or "{}")
        if address := answer.get("address"):
            return address
        self.stop()
        why = answer.get("error") or f"its process ended with code {self._process.returncode}"
        raise WeightsError(
            f"llama.cpp cannot load {settings.path!r}: {why} The file may be damaged or of a kind "
            f"that it does not know, or memory too small for a context_size of "
            f"{settings.context_size}. Try another GGUF file or a smaller context."
        )


def count_cores() -> int:
    """The physical cores that this process may use."""
    if not hasattr(os, "sched_getaffinity"):
        return os.cpu_count() or 1
    cpus = os.sched_getaffinity(0)
    topologies = [_CPUS / f"cpu{cpu}" / "topology" / "thread_siblings_list" for cpu in cpus]
    cores = {path.read_text(encoding="ascii") for path in topologies if path.is_file()}
    return len(cores) or len(cpus)


def _stop(process: "subprocess.Popen[str]", owner: int) -> None:
    """Let the server end, or end it; a process forked from the owner leaves it alone."""
    if os.getpid() != owner:
        return
    with process:
        assert process.stdin is not None
        try:
            process.stdin.close()
            process.wait(_GRACE)
        except (OSError, subprocess.TimeoutExpired):
            process.kill()
