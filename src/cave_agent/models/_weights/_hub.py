"""Fetches a GGUF file from the model hub, through `huggingface_hub`, which keeps it in its own cache."""

import importlib
import os
import re
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Self

from cave_agent.errors import MissingExtraError, WeightsError
from cave_agent.models._weights._files import Progress, Report, hash_file

_SPEC = re.compile(r"hf:(?P<repository>[^/]+/[^/]+)/(?P<file>.+)")
_SHA256 = re.compile("[0-9a-f]{64}")


def download_from_hub(spec: str, report: Report) -> Path:
    """The file that `hf:owner/repository/file` names, downloaded unless the hub's cache has it.

    Raises:
        WeightsError: The name is malformed, the hub does not give the file, or it is damaged.
        MissingExtraError: The extra `local` is not installed.
    """
    found = _SPEC.fullmatch(spec)
    if found is None:
        raise WeightsError(f"{spec!r} names no file. Write it as 'hf:owner/repository/file.gguf'.")
    try:
        hub: Any = importlib.import_module("huggingface_hub")
    except ImportError as error:
        raise MissingExtraError(f"The model {spec!r}", extra="local") from error
    download = partial(
        hub.hf_hub_download,
        found["repository"],
        found["file"],
        endpoint=os.environ.get("HF_ENDPOINT"),
        cache_dir=os.environ.get("HF_HUB_CACHE"),
        tqdm_class=_bar_class(found["file"], report),
    )
    try:
        with suppress(hub.errors.LocalEntryNotFoundError):
            return _verified(Path(download(local_files_only=True)), spec, report)
        path = download()
    except (OSError, ValueError, hub.errors.HTTPError) as error:
        raise WeightsError(
            f"The model hub did not give {spec!r} ({type(error).__name__}). Check the name, the "
            "network and HF_TOKEN, or give the path of a GGUF file."
        ) from error
    return _verified(Path(path), spec, report)


def _verified(path: Path, spec: str, report: Report) -> Path:
    """`path`, if its content is what the hub's cache names it by, which for big files is SHA-256."""
    blob = path.resolve()
    if _SHA256.fullmatch(blob.name) and hash_file(blob, path.name, report) != blob.name:
        blob.unlink()
        raise WeightsError(f"The download of {spec!r} was damaged and is removed. Fetch it again.")
    return path


def _bar_class(name: str, report: Report) -> type:
    """What `huggingface_hub` takes for a `tqdm` bar; it reports instead of drawing."""

    class Bar:
        def __init__(self, *, initial: int = 0, **options: Any) -> None:
            self.n = initial
            self.total: int = options.get("total") or 0

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def update(self, count: int = 1) -> None:
            self.n += count
            report(Progress(f"Downloading {name}", self.n, self.total))

        def update_transfer(self, count: int) -> None:
            """Its having this says that bytes in transfer need no second bar."""

        def set_postfix_str(self, *_: object, **__: object) -> None:
            pass

        set_transfer_postfix_str = set_postfix_str

    return Bar
