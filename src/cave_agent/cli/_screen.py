"""Draws a run on the terminal; it decides nothing."""

from typing import assert_never

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.syntax import Syntax
from rich.text import Text

from cave_agent.events import (
    CodeEvent,
    Event,
    ExecutionErrorEvent,
    ExecutionOutputEvent,
    ExecutionOutputExceededEvent,
    FinalResponseEvent,
    MaxStepsReachedEvent,
    ReasoningEvent,
    SecurityErrorEvent,
    TextEvent,
)
from cave_agent.models import Progress


class Screen:
    """The user's terminal.

    Args:
        console: Where to draw; standard output unless given.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)
        self._bar: Bar | None = None
        self._is_in_line = False

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
        self._stop_bar()
        self.say(text, "bold red")

    def show(self, event: Event) -> None:
        """One event of a run, as it happens."""
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
            case (
                ExecutionErrorEvent(content)
                | SecurityErrorEvent(content)
                | ExecutionOutputExceededEvent(content)
            ):
                self._block("failed", Text(content, "red"))
            case FinalResponseEvent():
                self._end_line()  # its text has been streamed
            case MaxStepsReachedEvent(content):
                self.problem(content)
            case _:
                assert_never(event)

    def progress(self, step: Progress) -> None:
        """How far a longer piece of work is."""
        if self._bar is None:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                DownloadColumn(),
                TimeRemainingColumn(),
            )
            self._bar = Bar(*columns, console=self._console)
            self._bar.start()
        tasks = [task for task in self._bar.tasks if task.description == step.what]
        task = tasks[0].id if tasks else self._bar.add_task(step.what)
        self._bar.update(task, completed=step.done, total=step.total)

    def ready(self) -> None:
        """Whatever showed its progress is done."""
        self._stop_bar()

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
