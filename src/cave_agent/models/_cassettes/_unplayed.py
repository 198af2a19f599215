"""The exchanges of a recording that are still to be played, found by what is asked."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

from cave_agent.models._cassettes._difference import comparable, count_equal, is_equal
from cave_agent.models._cassettes._exchange import Exchange
from cave_agent.models._cassettes._secrets import SECRET
from cave_agent.models._protocol import WireMessages

Texts: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Entry:
    """An exchange as it is looked for.

    Attributes:
        rank: Of several that fit, the least is played: what says the most, then what began first.
        hiding: Which of its messages have secrets.
        texts: Its messages, to be compared.
    """

    rank: tuple[int, int]
    hiding: tuple[int, ...]
    texts: Texts
    exchange: Exchange

    def fits(self, asked: Texts) -> bool:
        """Whether this is asked, if all but the messages with secrets are known to be equal."""
        return len(asked) == len(self.texts) and all(
            is_equal(self.texts[number], asked[number]) for number in self.hiding
        )


class Unplayed:
    """What is still to be played, by request.

    If no two exchanges were under way at once, only the next one is found. Otherwise each is, as
    fast among many as among few unless all that differs are messages with secrets.

    Args:
        exchanges: All of them, in the order in which they began.

    Attributes:
        next_number: Which request comes next, counted from one.
    """

    def __init__(self, exchanges: Sequence[Exchange]) -> None:
        self._comparable = cache(comparable)  # since most messages are in many requests
        entries = [_entry(self.texts(exchange.messages), exchange) for exchange in exchanges]
        self.next_number = 1
        self._is_concurrent = any(exchange.is_concurrent for exchange in exchanges)
        self._waiting = {entry.exchange.number: entry for entry in entries}
        # By which messages have secrets, then by all others.
        self._alike: dict[tuple[int, ...], dict[Texts, list[_Entry]]] = defaultdict(dict)
        for entry in sorted(entries, key=lambda entry: entry.rank):
            told = _without(entry.texts, entry.hiding)
            self._alike[entry.hiding].setdefault(told, []).append(entry)

    def texts(self, messages: WireMessages) -> Texts:
        """The messages, to be compared."""
        return tuple(self._comparable(tuple(message.items())) for message in messages)

    def pop(self, asked: Texts) -> Exchange | None:
        """The exchange that begins with this request, or `None`; it won't be found again."""
        fitting = [
            entry
            for hiding, alike in self._alike.items()
            if (entry := self._first(alike.get(_without(asked, hiding), []), asked)) is not None
        ]
        if not fitting:
            return None
        found = min(fitting, key=lambda entry: entry.rank)
        self.next_number += 1
        del self._waiting[found.exchange.number]
        self._alike[found.hiding][_without(asked, found.hiding)].remove(found)
        return found.exchange

    def nearest(self, asked: Texts) -> Texts | None:
        """Of the requests that were to be expected the most similar, or `None` if none was."""
        expected = [entry.texts for entry in self._waiting.values() if self._is_expected(entry)]
        return max(expected, key=lambda texts: count_equal(texts, asked), default=None)

    def _first(self, alike: list[_Entry], asked: Texts) -> _Entry | None:
        return next(
            (entry for entry in alike if self._is_expected(entry) and entry.fits(asked)), None
        )

    def _is_expected(self, entry: _Entry) -> bool:
        return self._is_concurrent or entry.exchange.number == self.next_number


def _entry(texts: Texts, exchange: Exchange) -> _Entry:
    hiding = tuple(number for number, text in enumerate(texts) if SECRET in text)
    told = sum(len(text.replace(SECRET, "")) for text in texts)
    return _Entry((-told, exchange.number), hiding, texts, exchange)


def _without(texts: Texts, hiding: tuple[int, ...]) -> Texts:
    return tuple(text for number, text in enumerate(texts) if number not in hiding)
