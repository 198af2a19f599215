"""The library `litellm`, imported late and made as quiet as the rest of the host wants it."""

import importlib
import logging
import os
import sys
import threading
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from cave_agent.models._litellm._clients import ClientOfTheLoop
from cave_agent.models._litellm._records import SECRET_FILTER
from cave_agent.models._prices import load_prices

_IMPORTING = threading.Lock()  # two threads would restore each other's environment
_NOT_AT_IMPORT = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # else it downloads its prices
    "LITELLM_MODE": "PRODUCTION",  # else it reads a file .env into the host's environment
    "LITELLM_LOG": "CRITICAL",  # else it writes to stdout what the host's level lets through
    "JSON_LOGS": "",  # else it takes the place of the host's excepthook
    "TIKTOKEN_CACHE_DIR": "",  # which its tokenizer sets for the whole host, whenever it is needed
}
_TOKENIZER = "litellm.litellm_core_utils.default_encoding"
_LOGGERS = ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy")


def load_litellm() -> Any:
    """The module, imported at the first call, which takes seconds: call it in a thread."""
    with _IMPORTING:
        if "litellm" not in sys.modules:
            with _environment(_NOT_AT_IMPORT):
                importlib.import_module("litellm")
                importlib.import_module(_TOKENIZER)
            _send_logs_to_the_host()
            _finish_import(sys.modules["litellm"])
        litellm: Any = sys.modules["litellm"]
        SECRET_FILTER.install()
        # The one setting there is against advertisements that it prints at each failure.
        litellm.suppress_debug_info = True
        litellm.module_level_aclient = ClientOfTheLoop()  # it holds nothing, so any will do
        return litellm


@contextmanager
def _environment(variables: dict[str, str]) -> Generator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _finish_import(litellm: Any) -> None:
    """Do at once what `litellm` puts off to the first request, where it blocks the event loop."""
    _ = litellm.acompletion, litellm.in_memory_llm_clients_cache
    importlib.import_module("openai.resources")
    load_prices()
    with warnings.catch_warnings():  # its import has silenced these for everybody, if it was let
        warnings.filterwarnings("ignore", message=".*`ReadOnly` qualifier")
        litellm.ModelResponse()
        litellm.types.utils.ModelResponseStream()


def _send_logs_to_the_host() -> None:
    """Take away the handlers that write to stderr; whoever wants the records handles them."""
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        for handler in list(logger.handlers):
            logger.removeHandler(handler)
        logger.addHandler(logging.NullHandler())  # else logging's last resort writes to stderr
