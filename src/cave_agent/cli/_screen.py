"""Draws a run on the terminal; it decides nothing."""

from typing import TypeAlias, assert_never

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bar
from rich.status import Status
from rich.syntax import Syntax
from rich.text import Text

from cave_agent.events import (
    BudgetReachedEvent,
    CheckFailedEvent,
    CodeEvent,
    CompactedEvent,
    Event,
    ExecutionErrorEvent,
    ExecutionOutputEvent,
    ExecutionOutputExceededEvent,
    FinalResponseEvent,
    MaxStepsReachedEvent,
    OwnEvent,
    PictureEvent,
    ReasoningEvent,
    RefusalEvent,
    RetryEvent,
    SecurityErrorEvent,
    SubAgentEvent,
    TextEvent,
    TruncatedEvent,
)
from cave_agent.models import Progress

_Turning: TypeAlias = (
    RetryEvent
    | CompactedEvent
    | FinalResponseEvent
    | MaxStepsReachedEvent
    | BudgetReachedEvent
    | RefusalEvent
    | TruncatedEvent
)
_WIDE = 70  # columns that a bar with its name and times needs


class Screen:
    """The user's terminal.

    Args:
        console: Where to draw; standard output unless given.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)
        self._bar: Bar | None = None
        self._status: Status | None = None
        self._is_in_line = False
        self._speaker = ""

    def heading(self, text: str) -> None:
        """Begin a part."""
        self._end_line()
        self._console.print()
        self._console.print(Text(f"▶ {text}", "bold"))

    def say(self, text: str, style: str = "") -> None:
        """A line of the program's own."""
        self._end_line()
        self._console.print(Text(text, style))

    def problem(self, text: str) -> None:
        """What went wrong, and the way out."""
        self.rest()
        self.say(text, "bold red")

    def wait(self, text: str) -> None:
        """Show that something is going on until the next event."""
        self._end_line()
        self._status = self._console.status(Text(f"{text} …", "dim"))
        self._status.start()

    def show(self, event: Event) -> None:
        """One event of a run, or of one within it, as it happens."""
        self._stop_waiting()
        speaker = event.path if isinstance(event, SubAgentEvent) else ""
        if speaker != self._speaker:
            self._speaker = speaker
            self.say(f"▸ {speaker or 'back'}", "bold dim")
        self._show(event.event if isinstance(event, SubAgentEvent) else event)

    def _show(self, event: OwnEvent) -> None:
        match event:
            case TextEvent(content):
                self._stream(content, "")
            case ReasoningEvent(content):
                self._stream(content, "dim italic")
            case CodeEvent(content):
                self._block(
                    "cell",
                    Syntax(content.rstrip("\n"), "python", theme="ansi_dark", word_wrap=True),
                )
            case ExecutionOutputEvent(content) | ExecutionOutputExceededEvent(
                content, failed=False
            ):
                self._block("gave", Text(content or "(no output)", "green"))
                self.wait("reading")
            case PictureEvent(content):
                self.say(content, "green")
                self.wait("reading")
            case (
                ExecutionErrorEvent(content)
                | SecurityErrorEvent(content)
                | ExecutionOutputExceededEvent(content)
                | CheckFailedEvent(content)
            ):
                self._block("failed", Text(content, "red"))
                self.wait("reading")
            case _:
                self._show_turn(event)

    def _show_turn(self, event: _Turning) -> None:
        match event:
            case FinalResponseEvent():
                self._end_line()  # its text has been streamed
            case CompactedEvent(content):
                self.say(f"[{content}]", "dim")
                self.wait("thinking")
            case RetryEvent(content):
                self.say(f"[the reply starts over: {content}]", "yellow")
                self.wait("asking again")
            case BudgetReachedEvent(note=note) | TruncatedEvent(note=note):
                self.problem(note)  # the rest has been streamed
            case MaxStepsReachedEvent(content) | RefusalEvent(content):
                self.problem(content)
            case _:
                assert_never(event)

    def progress(self, step: Progress) -> None:
        """How far a longer piece of work is."""
        if self._bar is None:
            self._bar = Bar(*self._columns(), console=self._console)
            self._bar.start()
        tasks = [task for task in self._bar.tasks if task.description == step.what]
        task = tasks[0].id if tasks else self._bar.add_task(step.what, total=step.total)
        self._bar.update(task, completed=step.done, total=step.total)

    def rest(self) -> None:
        """Nothing is going on any more: no bar, no sign of waiting."""
        self._stop_bar()
        self._stop_waiting()

    def _columns(self) -> list[ProgressColumn]:
        bar = BarColumn(bar_width=None, finished_style="green")
        if self._console.width < _WIDE:
            return [bar, DownloadColumn()]
        return [TextColumn("{task.description}"), bar, DownloadColumn(), TimeRemainingColumn()]

    def _stop_waiting(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None

    def _stop_bar(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _stream(self, text: str, style: str) -> None:
        self._console.print(Text(text, style), end="", soft_wrap=True)
        self._is_in_line = not text.endswith("\n")

    def _block(self, title: str, body: Syntax | Text) -> None:
        self._end_line()
        self._console.print(Text(f"── {title} ", "dim"))
        self._console.print(body)

    def _end_line(self) -> None:
        if self._is_in_line:
            self._console.print()
            self._is_in_line = False
