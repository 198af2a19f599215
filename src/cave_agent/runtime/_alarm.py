"""Stops cells on the main thread through `SIGALRM`, borrowed only while their code is on the stack."""

import signal
import threading
import time
from collections.abc import Callable
from importlib import import_module
from types import FrameType
from typing import Any

from cave_agent.runtime._deadline import AGAIN, CellStopped, Deadline
from cave_agent.runtime._insistence import insist_on_stack

_IDLE = (0.0, 0.0)
_DEFAULT = int(signal.SIG_DFL)
# `signal.signal` wraps this to look each handler up in an enum, which takes as long as all else.
_set_handler: Callable[[int, Any], Any] = import_module("_signal").signal


class Alarm:
    """The process's one interval timer, which also wakes a cell from a blocking call."""

    def __init__(self) -> None:
        self._armed: list[Deadline] = []  # a cell that runs another within itself comes first
        self._rings = 0

    def try_arm(self, deadline: Deadline) -> bool:
        """From now on raise `CellStopped` when `deadline` is up; on the main thread only.

        Gives whether that can be done here: not if the host has a use of its own for the signal.
        """
        is_first = not self._armed
        if is_first and not self._borrow():
            return False
        self._armed.append(deadline)
        found = self._wind()
        if is_first and found != _IDLE:  # it is wound for the host
            self._armed.remove(deadline)
            signal.setitimer(signal.ITIMER_REAL, *found)
            _set_handler(signal.SIGALRM, _DEFAULT)
            return False
        return True

    def disarm(self, deadline: Deadline) -> None:
        """Let go of `deadline`, and with the last one of the signal. Harmless if done before."""
        if deadline not in self._armed:
            return
        self._armed.remove(deadline)
        if self._armed:
            self._wind()
            return
        signal.setitimer(signal.ITIMER_REAL, 0)
        _set_handler(signal.SIGALRM, _DEFAULT)

    def ring_now(self, frame: FrameType | None) -> None:
        """End the time of the cells whose code is on the stack, as from a signal handler."""
        for deadline in self._armed:
            deadline.at = min(deadline.at, time.monotonic())
        self._ring(0, frame)

    def _borrow(self) -> bool:
        if not hasattr(signal, "SIGALRM"):
            return False
        found = _set_handler(signal.SIGALRM, self._ring)
        if found != _DEFAULT:
            _set_handler(signal.SIGALRM, found)
            return False
        self._rings = 0
        return True

    def _wind(self) -> tuple[float, float]:
        soonest = min(map(Deadline.next_stop, self._armed))
        # Repeated, since a ring that finds the stack full is lost.
        return signal.setitimer(signal.ITIMER_REAL, min(soonest, threading.TIMEOUT_MAX), AGAIN)

    def _ring(self, _signal: int, frame: FrameType | None) -> None:
        if not self._armed:
            return  # it rang while the last deadline was let go of
        self._wind()
        late = [deadline for deadline in self._armed if deadline.is_up]
        if not late:
            return
        for deadline in late:
            deadline.was_enforced = True
        self._rings += 1
        if self._rings > 1:
            insist_on_stack(frame)
        raise CellStopped


alarm = Alarm()
"""There is one `SIGALRM` in a process."""
