"""Arms a cell's deadline while its code is on the stack, with the stopper that reaches it there."""

import threading
from types import TracebackType

from cave_agent.runtime._alarm import Alarm, alarm
from cave_agent.runtime._deadline import Deadline
from cave_agent.runtime._insistence import relent
from cave_agent.runtime._watchdog import Watchdog, watchdog


class TimeLimit:
    """A context manager, to be entered anew for each step of a cell."""

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        self._stopper: Alarm | Watchdog | None = None

    def __enter__(self) -> None:
        self._deadline.begin_step()
        if self._deadline.seconds is None:
            return
        on_main = threading.get_ident() == threading.main_thread().ident
        if on_main and alarm.try_arm(self._deadline):
            self._stopper = alarm
        else:
            self._stopper = watchdog
            watchdog.arm(self._deadline)

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _tb: TracebackType | None,
    ) -> None:
        self.let_go()
        self._deadline.end_step()

    def let_go(self) -> None:
        """Disarm the deadline; harmless if it is not armed."""
        if self._stopper is not None:
            self._stopper.disarm(self._deadline)
            relent()
