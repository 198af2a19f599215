"""Takes the secrets of models out of what is logged about their requests."""

import logging
import threading
from weakref import WeakKeyDictionary

from typing_extensions import override

from cave_agent.models._endpoint import Endpoint

_LOGGERS = ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy", "openai._base_client")


class SecretFilter(logging.Filter):
    """Knows the secrets of each model for as long as the model lives.

    `litellm` and the SDK that it uses mask only what looks like a key to them.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._endpoints: WeakKeyDictionary[object, Endpoint] = WeakKeyDictionary()

    def install(self) -> None:
        """Look at all records of requests, before any handler does; once is enough."""
        for name in _LOGGERS:
            logging.getLogger(name).addFilter(self)

    def watch(self, model: object, endpoint: Endpoint) -> None:
        """Take out what is secret of `endpoint`, until `model` is gone."""
        with self._lock:
            self._endpoints[model] = endpoint

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        try:
            text = record.getMessage()
        except Exception:  # noqa: BLE001  # foreign values word themselves
            return False  # what cannot be looked through is not told
        scrubbed = self._scrubbed(text)
        if scrubbed != text:
            record.msg, record.args = scrubbed, ()
        if record.exc_info:
            trace = record.exc_text or logging.Formatter().formatException(record.exc_info)
            record.exc_text = self._scrubbed(trace)
        return True

    def _scrubbed(self, text: str) -> str:
        with self._lock:
            endpoints = list(self._endpoints.values())
        for endpoint in endpoints:
            text = endpoint.scrub(text)
        return text


SECRET_FILTER = SecretFilter()
