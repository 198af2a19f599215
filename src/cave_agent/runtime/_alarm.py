"""Stops cells on the main thread through `SIGALRM`, borrowed only while their code is on the stack."""

import signal
import threading
from types import FrameType
from typing import Any

from cave_agent.runtime._deadline import CellStopped, Deadline
from cave_agent.runtime._insistence import insist_on_stack


class Alarm:
    """The process's one interval timer, which also wakes a cell from a blocking call."""

    def __init__(self) -> None:
        self._armed: list[Deadline] = []  # a cell that runs another within itself comes first
        self._found: Any = signal.SIG_DFL
        self._rings = 0

    def is_free(self) -> bool:
        """Whether the host has no use of its own for the signal. Ask on the main thread only."""
        if self._armed:
            return True
        unused = hasattr(signal, "SIGALRM") and signal.getsignal(signal.SIGALRM) is signal.SIG_DFL
        return unused and signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)

    def arm(self, deadline: Deadline) -> None:
        """From now on raise `CellStopped` when `deadline` is up."""
        if not self._armed:
            self._found, self._rings = signal.signal(signal.SIGALRM, self._ring), 0
        self._armed.append(deadline)
        self._wind()

    def disarm(self, deadline: Deadline) -> None:
        """Let go of `deadline`, and with the last one of the signal. Harmless if done before."""
        if deadline not in self._armed:
            return
        self._armed.remove(deadline)
        if self._armed:
            self._wind()
            return
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._found)

    def _wind(self) -> None:
        soonest = min(deadline.next_stop() for deadline in self._armed)
        signal.setitimer(signal.ITIMER_REAL, min(soonest, threading.TIMEOUT_MAX))

    def _ring(self, _signal: int, frame: FrameType | None) -> None:
        if not self._armed:
            return  # it rang while the last deadline was let go of
        self._wind()
        if not any(deadline.is_up for deadline in self._armed):
            return
        self._rings += 1
        if self._rings > 1:
            insist_on_stack(frame)
        raise CellStopped


alarm = Alarm()
"""There is one `SIGALRM` in a process."""
