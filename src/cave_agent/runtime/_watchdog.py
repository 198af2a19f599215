"""Stops cells where `SIGALRM` cannot: off the main thread, or when the host uses the signal itself."""

import ctypes
import threading
import time
from contextlib import suppress
from inspect import currentframe

from cave_agent.runtime._capture import uncaptured
from cave_agent.runtime._deadline import CellStopped, Deadline
from cave_agent.runtime._insistence import insist_on_stack

_Thread = threading.Thread  # whatever cells put in its place
_LINGER = 0.5  # seconds that the thread stays when there is nothing left to watch


class Watchdog:
    """One thread for all running cells, there only while it is needed.

    It raises `CellStopped` through `PyThreadState_SetAsyncExc`
    (https://docs.python.org/3/c-api/init.html), which takes effect at the next bytecode: a call
    that blocks in C returns first.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # entered in C: a stop cannot come between lock and `with`
        self._changed = threading.Condition(self._lock)
        self._armed: dict[int, list[Deadline]] = {}
        self._due: dict[int, float] = {}  # when each armed thread is to be stopped
        self._stopped: set[int] = set()
        self._wakes_at = 0.0
        self._is_on_duty = False

    def arm(self, deadline: Deadline) -> None:
        """From now on raise `CellStopped` in this thread when `deadline` is up."""
        thread = threading.get_ident()
        with self._lock:
            self._await_stop(thread)
            self._armed.setdefault(thread, []).append(deadline)
            self._schedule(thread)
            if not self._is_on_duty:
                with uncaptured():
                    _Thread(target=self._watch, name="cave-agent watchdog", daemon=True).start()
                self._is_on_duty = True
            elif self._due[thread] < self._wakes_at:
                self._changed.notify()

    def disarm(self, deadline: Deadline) -> None:
        """Let go of `deadline`. Harmless if done before."""
        thread = threading.get_ident()
        with self._lock:
            self._await_stop(thread)
            if deadline not in self._armed.get(thread, ()):
                return
            self._armed[thread].remove(deadline)
            if self._armed[thread]:
                self._schedule(thread)
            else:
                del self._armed[thread], self._due[thread]

    def _await_stop(self, thread: int) -> None:
        """Let a stop that is on its way arrive here, before anything is changed that it could cut off.

        Taking it back instead would leave the interpreter of Python 3.11 in an endless loop
        whenever the thread is traced.
        """
        if thread in self._stopped:
            self._stopped.discard(thread)
            with suppress(CellStopped):
                for _ in range(2):
                    pass  # the jump back is where Python looks for it

    def _schedule(self, thread: int) -> None:
        soonest = min(deadline.next_stop() for deadline in self._armed[thread])
        self._due[thread] = time.monotonic() + soonest

    def _watch(self) -> None:
        with self._changed:
            while self._due or self._is_wanted_again():
                self._stop_late_ones()
                self._wakes_at = min(self._due.values())
                seconds = max(self._wakes_at - time.monotonic(), 0)
                self._changed.wait(min(seconds, threading.TIMEOUT_MAX))
            self._is_on_duty = False

    def _is_wanted_again(self) -> bool:
        self._wakes_at = float("inf")
        self._changed.wait(_LINGER)
        return bool(self._due)

    def _stop_late_ones(self) -> None:
        now = time.monotonic()
        for thread in [thread for thread, due in self._due.items() if due <= now]:
            stop = _CellStoppedAgain if thread in self._stopped else CellStopped
            self._stopped.add(thread)
            self._schedule(thread)
            for deadline in self._armed[thread]:
                deadline.was_enforced = deadline.was_enforced or deadline.is_up
            _raise_in(thread, stop)


class _CellStoppedAgain(CellStopped):
    """Made in the cell's own thread, where it sees to the handler that swallowed the first."""

    def __init__(self) -> None:
        super().__init__()
        insist_on_stack(currentframe())


def _raise_in(thread: int, error: type[BaseException]) -> None:
    """Send an exception to another thread.

    Until it is taken, every traced thread stands still at the start of its next function (in
    Python 3.11), for ever if the receiver waits for that thread. The interpreter's one flag for
    this falls when any thread takes an exception, so this one takes one of its own. The receiver
    raises the flag again when it next gets the interpreter's lock, and finds its exception then.
    """
    send = ctypes.pythonapi.PyThreadState_SetAsyncExc
    receiver, stop = ctypes.c_ulong(thread), ctypes.py_object(error)
    own, taken = ctypes.c_ulong(threading.get_ident()), ctypes.py_object(_Taken)
    try:
        send(receiver, stop)
        send(own, taken)  # no function of Python's may start between these two
        for _ in range(2):
            pass  # the jump back is where Python looks for it
    except _Taken:
        pass


class _Taken(BaseException):
    """What the watchdog sends itself."""


watchdog = Watchdog()
"""One thread serves the whole process."""
