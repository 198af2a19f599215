"""What a benchmark finds, as values."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
    """What a number must not pass.

    Attributes:
        text: The target as the table prints it.
        share: The number as a share of what it may be: 1 is the very limit.
    """

    text: str
    share: float

    @classmethod
    def at_most(cls, limit: float, number: float, text: str) -> "Limit":
        """A number that is good when it is small."""
        return cls(f"≤ {text}", number / limit)

    @classmethod
    def at_least(cls, limit: float, number: float, text: str) -> "Limit":
        """A number that is good when it is large."""
        return cls(f"≥ {text}", limit / number)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Attributes:
        beside: What the same work takes elsewhere: in a peer, or with nothing around it.
        beside_name: Where that is.
        limit: The target; `None` for what is only told.
    """

    group: str
    name: str
    ours: float
    unit: str
    limit: Limit | None = None
    beside: float | None = None
    beside_name: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours, as a multiple of what it is beside."""
        return self.ours / self.beside if self.beside else None

    @property
    def verdict(self) -> str:
        """Whether the target is met."""
        if self.limit is None:
            return ""
        return "met" if self.limit.share <= 1 else "not met"


@dataclass(frozen=True, slots=True)
class Effort:
    """How often things are repeated.

    Attributes:
        rounds: Turns that each of several competitors takes.
        scale: How much of the work in one process is done, 1 being all of it.
    """

    rounds: int
    scale: float

    def of(self, number: int) -> int:
        """As much of `number` as this effort does, and at least one."""
        return max(1, round(number * self.scale))


FULL = Effort(rounds=9, scale=1)
QUICK = Effort(rounds=2, scale=0.1)
