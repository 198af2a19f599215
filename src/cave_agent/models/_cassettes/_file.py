"""Cassettes on disk: lines of JSON in UTF-8, added one by one, read all at once."""

import json
import os
from pathlib import Path

from cave_agent.errors import CassetteError
from cave_agent.models._cassettes._exchange import (
    VERSION,
    Exchange,
    exchange_as_json,
    exchange_from_json,
    header_as_json,
    version_from_json,
)

_UNREADABLE = (
    TypeError,
    ValueError,
    ArithmeticError,
    RecursionError,
)  # not JSON, not of the format


def create_cassette(path: Path, *, model: str) -> None:
    """Make the file, with its header.

    Raises:
        CassetteError: There is one already, or it cannot be made.
    """
    try:
        with path.open("xb", buffering=0) as file:
            file.write(_line(header_as_json(model)))
    except FileExistsError as error:
        raise CassetteError(
            f"{str(path)!r} exists already, and no recording is overwritten. Delete it, or choose "
            "another path."
        ) from error
    except FileNotFoundError as error:
        raise CassetteError(
            f"{str(path)!r} cannot be written, since there is no folder {str(path.parent)!r}. "
            "Make the folder, or choose another path."
        ) from error
    except OSError as error:
        raise _unwritable(path, error) from error


def add_exchange(path: Path, exchange: Exchange) -> None:
    """Add one line to the file.

    Raises:
        CassetteError: It cannot be written.
    """
    line = _line(exchange_as_json(exchange))
    try:
        with open(path, "ab", opener=_open_existing) as file:  # Path.open has no opener
            file.write(line)
    except OSError as error:
        raise _unwritable(path, error) from error


def _open_existing(path: str, flags: int) -> int:
    """Never makes a file anew, which would lack its header."""
    return os.open(path, flags & ~os.O_CREAT)


def read_cassette(path: Path) -> list[Exchange]:
    """All exchanges, in the order in which they began.

    Raises:
        CassetteError: There is no such file, or it is no whole cassette of this version.
    """
    header, *lines = _lines(path)
    _check_header(path, header)
    exchanges = sorted(
        (_exchange(path, number, line) for number, line in enumerate(lines, start=2)),
        key=lambda exchange: exchange.number,
    )
    for number, exchange in enumerate(exchanges, start=1):
        if exchange.number != number:
            raise CassetteError(
                f"{str(path)!r} lacks exchange {number}, or has another one twice: the recording "
                "broke off, or lines were moved by hand. Delete the file and record again."
            )
    return exchanges


def _line(value: dict[str, object]) -> bytes:
    text = json.dumps(value, ensure_ascii=False) + "\n"
    return text.encode("utf-8", "backslashreplace")  # half a pair becomes an escape


def _lines(path: Path) -> list[str]:
    try:
        with path.open("rb", buffering=0) as file:
            return file.read().decode().removesuffix("\n").split("\n")
    except FileNotFoundError as error:
        raise CassetteError(
            f"There is no recording at {str(path)!r}. Check the path, or make one with "
            "RecordingModel(model, path)."
        ) from error
    except OSError as error:
        raise CassetteError(
            f"{str(path)!r} cannot be read: {error.strerror or error}. Check the path."
        ) from error
    except UnicodeDecodeError as error:
        raise CassetteError(
            f"{str(path)!r} is no recording: it is not in UTF-8. Check the path."
        ) from error


def _check_header(path: Path, line: str) -> None:
    try:
        version = version_from_json(json.loads(line))
    except _UNREADABLE as error:
        raise _no_cassette(path) from error
    if version is None:
        raise _no_cassette(path)
    if version != VERSION:
        raise CassetteError(
            f"{str(path)!r} is a recording of format {version!r:.20}, and this cave-agent reads "
            f"format {VERSION}. Delete the file and record again, or use the version that made it."
        )


def _exchange(path: Path, number: int, line: str) -> Exchange:
    try:
        return exchange_from_json(json.loads(line))
    except json.JSONDecodeError as error:
        raise _bad_line(path, number, f"it is no JSON ({error})") from error
    except _UNREADABLE as error:
        raise _bad_line(path, number, str(error)) from error


def _bad_line(path: Path, number: int, why: str) -> CassetteError:
    return CassetteError(
        f"Line {number} of {str(path)!r} is no exchange: {why}. Delete the file and record again."
    )


def _no_cassette(path: Path) -> CassetteError:
    return CassetteError(
        f"{str(path)!r} is no recording: its first line is no header "
        f'{{"cassette": {VERSION}, "model": …}}. Check the path, or record again.'
    )


def _unwritable(path: Path, error: OSError) -> CassetteError:
    return CassetteError(
        f"{str(path)!r} cannot be written: {error.strerror or error}. Choose another path."
    )
