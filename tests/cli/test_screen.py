"""What the terminal shows of each kind of event."""

from io import StringIO

import pytest
from inline_snapshot import snapshot
from rich.console import Console

from cave_agent.cli._screen import Screen
from cave_agent.events import (
    CodeEvent,
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


def screen_and_text(width: int = 80) -> tuple[Screen, StringIO]:
    text = StringIO()
    return Screen(Console(file=text, width=width, force_terminal=False)), text


def test_every_kind_of_event_is_drawn() -> None:
    screen, text = screen_and_text()

    screen.heading("A request")
    for event in (
        ReasoningEvent("Hm. "),
        TextEvent("Let me "),
        TextEvent("see."),
        CodeEvent("x = 1\n"),
        ExecutionOutputEvent(""),
        ExecutionErrorEvent("ValueError: no"),
        SecurityErrorEvent("line 1: refused"),
        ExecutionOutputExceededEvent("long"),
        TextEvent("Done"),
        FinalResponseEvent("Done"),
        MaxStepsReachedEvent("Stopped."),
    ):
        screen.show(event)

    assert [line.rstrip() for line in text.getvalue().split("\n")] == snapshot(
        [
            "",
            "▶ A request",
            "Hm. Let me see.",
            "── cell",
            "x = 1",
            "── gave",
            "(no output)",
            "── failed",
            "ValueError: no",
            "── failed",
            "line 1: refused",
            "── gave",
            "long",
            "Done",
            "Stopped.",
            "",
        ]
    )


def test_markup_in_a_reply_is_text() -> None:
    screen, text = screen_and_text()

    screen.show(TextEvent("[bold]x[/bold] [/]"))

    assert text.getvalue() == "[bold]x[/bold] [/]"


@pytest.mark.parametrize("width", [40, 80])
def test_progress_is_a_bar_that_ends_on_any_width(width: int) -> None:
    screen, text = screen_and_text(width)

    screen.progress(Progress("Fetching", 1, 4))
    screen.progress(Progress("Fetching", 4, 4))
    screen.rest()
    screen.rest()

    assert ("Fetching" in text.getvalue()) is (width == 80)
    assert "━ 4/4 bytes" in text.getvalue()


@pytest.mark.parametrize("end", ["show", "problem", "rest"])
def test_waiting_is_shown_until_something_happens(end: str) -> None:
    text = StringIO()
    screen = Screen(Console(file=text, width=80, force_terminal=True))
    ends = {
        "show": lambda: screen.show(TextEvent("Done.")),
        "problem": lambda: screen.problem("No."),
        "rest": screen.rest,
    }

    screen.wait("reading")
    hidden, shown = "\x1b[?25l", "\x1b[?25h"  # the cursor
    assert hidden in text.getvalue()
    assert shown not in text.getvalue()
    ends[end]()

    assert shown in text.getvalue()
