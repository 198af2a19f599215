"""What is tried, what was seen of it, and the ways to judge that it succeeded."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

MUCH = 256 << 20
"""Bytes by which a host must not grow."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a host observes of a cell.

    Attributes:
        text: What the cell printed, and the text of its error.
        secret: What the host keeps from it.
        token: What it says if it saw an effect.
        value: What `retrieve("out")` gave; `None` if it gave nothing.
        has_run: Whether the use of that value ran code of the cell, or could not end.
        error: What the cell raised, as the host has it.
        raised: What came out of the runtime that it does not promise to raise.
        has_changed: Whether files, rights, mounts or settings outside have.
        was_heard: Whether something came to the host's sockets.
        was_touched: Whether another process was ended or set otherwise.
        noted: What the host's function was called with.
        growth: Bytes of memory that the host took meanwhile, at most at once.
        terminal: What came to the host's own standard output and error.
        is_stuck: Whether the host waited in vain.
        works: Whether the next cell ran.
    """

    text: str = ""
    secret: str = "-"
    token: str = "-"
    value: object = None
    has_run: bool = False
    error: BaseException | None = None
    raised: BaseException | None = None
    has_changed: bool = False
    was_heard: bool = False
    was_touched: bool = False
    noted: tuple[object, ...] = ()
    growth: int = 0
    terminal: bytes = b""
    is_stuck: bool = False
    works: bool = True


Judge: TypeAlias = Callable[[Outcome], bool]


@dataclass(frozen=True, slots=True)
class Attempt:
    """Something that a cell tries to do to its host or behind its back.

    Attributes:
        name: What, in a few words.
        code: The cell.
        succeeded: Whether it did, by what was seen.
        then: Another cell that is run afterwards, if it takes two.
        seconds: How long it may run.
    """

    name: str
    code: str
    succeeded: Judge
    then: str = ""
    seconds: float = 0.5


def leaked(seen: Outcome) -> bool:
    """The cell got the secret."""
    return seen.secret in seen.text


def changed(seen: Outcome) -> bool:
    """Something outside is not as it was."""
    return seen.has_changed


def heard(seen: Outcome) -> bool:
    """Something came over a network."""
    return seen.was_heard


def touched(seen: Outcome) -> bool:
    """Another process is not as it was."""
    return seen.was_touched


def claimed(seen: Outcome) -> bool:
    """The cell saw the effect, which nobody else can."""
    return seen.token in seen.text


def grew(seen: Outcome) -> bool:
    """The host itself pays for what the cell takes."""
    return seen.growth > MUCH


def hung(seen: Outcome) -> bool:
    """The host could not go on."""
    return seen.is_stuck


def broke(seen: Outcome) -> bool:
    """The host raised what it does not promise, could not go on, or cannot run cells any more."""
    return seen.raised is not None or seen.is_stuck or not seen.works


def ran(seen: Outcome) -> bool:
    """The host got a value whose use runs the cell's code, or never ends."""
    return seen.has_run or seen.has_changed or seen.is_stuck


def shown(seen: Outcome) -> bool:
    """The host's own terminal got what the cell wrote."""
    return b"FORGED" in seen.terminal


def noted_hostile(seen: Outcome) -> bool:
    """The host's function was called with what is no plain data."""
    plain = {str, int, float, list, dict, tuple, bytes, type(None)}
    return any(type(each) not in plain for each in seen.noted)
