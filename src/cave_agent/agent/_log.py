"""The agent's own records, which go through `logging` and never into a cell's output."""

import logging
from enum import IntEnum
from typing import Any

from typing_extensions import override

from cave_agent.runtime import uncaptured

logging.getLogger("cave_agent").addHandler(logging.NullHandler())  # else warnings go to stderr


class LogLevel(IntEnum):
    """How much an agent logs."""

    ERROR = 0
    INFO = 1
    DEBUG = 2


_LOWEST = {
    LogLevel.ERROR: logging.ERROR,
    LogLevel.INFO: logging.INFO,
    LogLevel.DEBUG: logging.DEBUG,
}


class AgentLog(logging.LoggerAdapter[logging.Logger]):
    """Filters one agent's records by its `LogLevel`; loggers and handlers are the user's."""

    def __init__(self, level: LogLevel) -> None:
        super().__init__(logging.getLogger("cave_agent.agent"), {})
        self.level = level

    @override
    def isEnabledFor(self, level: int) -> bool:
        return level >= _LOWEST[self.level] and self.logger.isEnabledFor(level)

    @override
    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        if self.isEnabledFor(level):
            kwargs["stacklevel"] = kwargs.get("stacklevel", 1) + 1  # the caller, not this line
            with uncaptured():
                self.logger.log(level, msg, *args, **kwargs)
