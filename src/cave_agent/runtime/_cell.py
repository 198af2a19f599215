"""What goes to a host and what comes back from it, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum

from cave_agent.events import Change, Picture
from cave_agent.runtime._summaries import Preview


class ErrorFeedbackMode(Enum):
    """How much of a failure the model reads.

    Attributes:
        PLAIN: A traceback of the cell's own frames, with source lines.
        MINIMAL: One line: where, what and why.
    """

    PLAIN = "Plain"
    MINIMAL = "Minimal"


class Hint(StrEnum):
    """A usual slip that was recognised in a cell; the agent finds the words."""

    FORGOTTEN_AWAIT = "forgotten_await"
    LOOP_IS_RUNNING = "loop_is_running"
    EXIT_IN_CELL = "exit_in_cell"
    MISSPELT = "misspelt"
    NO_MODULE = "no_module"
    NEVER_MADE = "never_made"
    NOT_IMPORTED = "not_imported"
    CHAINED_ASSIGNMENT = "chained_assignment"
    NOT_A_NOTEBOOK = "not_a_notebook"
    LIVE_OBJECT = "live_object"


@dataclass(frozen=True, slots=True)
class Cell:
    """A piece of code to run.

    Attributes:
        seconds: How long it may take; `None` for any time.
        feedback: How much of a failure goes into the result's text.
        previews: How much may be told of a variable.
        reports_changes: Whether anybody asks for changes.
        author: Who asks, if the namespace may have several; empty for nobody.
    """

    source: str
    seconds: float | None
    feedback: ErrorFeedbackMode
    previews: Mapping[str, Preview] = field(default_factory=dict[str, Preview])
    reports_changes: bool = False
    author: str = ""


@dataclass(frozen=True, slots=True)
class ExecutionResult:
    """The outcome of a cell.

    Attributes:
        error: The exception itself, if the cell failed or was refused.
        stdout: All that the model reads from: what was printed in order, the value of a last
            expression, and the traceback if the cell failed.
        hints: The usual slips that were recognised.
        meant: What a name that was misspelt probably means, or the import that it lacks; else the
            name that is missing, or not to be replaced.
        changes: The names that are new, changed or deleted.
        meanwhile: What other authors changed since this one's cell before.
        pictures: The figures and images that the cell showed.
        dropped: Characters that the cell printed and that were not kept, of very long outputs.
    """

    error: BaseException | None = None
    stdout: str = ""
    hints: tuple[Hint, ...] = ()
    meant: str = ""
    changes: tuple[Change, ...] = field(default=(), compare=False)
    pictures: tuple[Picture, ...] = ()
    dropped: int = 0
    meanwhile: tuple[Change, ...] = field(default=(), compare=False)

    @property
    def success(self) -> bool:
        """Whether the cell ran to its end."""
        return self.error is None


def check_source(source: object) -> None:
    """Refuse what is no cell.

    Raises:
        TypeError: It is no `str`.
    """
    if not isinstance(source, str):
        raise TypeError(
            f"A cell is a str of Python code, not {type(source).__name__}: {source!r:.80}"
        )
