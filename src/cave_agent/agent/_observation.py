"""Words what the model reads after a cell, and what listeners hear of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from cave_agent.errors import SecurityError
from cave_agent.events import (
    Change,
    Event,
    ExecutionErrorEvent,
    ExecutionOutputEvent,
    ExecutionOutputExceededEvent,
    Picture,
    SecurityErrorEvent,
)
from cave_agent.messages import SkillMessage
from cave_agent.prompts import fill, load
from cave_agent.runtime import ExecutionResult, Hint, PythonRuntime

_TEMPLATES = {
    Hint.NOT_IMPORTED: "observation_of_missing_import",
    Hint.CHAINED_ASSIGNMENT: "observation_of_unchanged_frame",
    Hint.LIVE_OBJECT: "observation_of_replacement",
}
"""Those of hints that say by themselves what is to be done."""


_MOST_CHANGES = 20
_MOST_PARTS = 8  # of one of them


@dataclass(frozen=True, slots=True)
class Observation:
    """What came of a cell: for the model, and for listeners."""

    text: str
    event: Event


async def observe(
    result: ExecutionResult,
    runtime: PythonRuntime,
    *,
    most: int,
    news: Sequence[SkillMessage] = (),
) -> Observation:
    """The observation of a cell, with at most `most` characters of its output.

    Of a longer output the whole text is kept in the runtime, under a name that is told.

    Args:
        result: What came of it.
        runtime: Where it ran.
        most: Characters of the output that the model reads.
        news: Instructions of skills that follow, and so need not be read in the output.
    """
    output = result.stdout.rstrip("\n")
    for each in news:
        output = output.replace(each.content, fill(load("skill_follows"), name=each.skill))
    if isinstance(result.error, SecurityError):
        output = output if len(output) <= most else f"{output[:most]} …"
        text = fill(load("observation_of_refusal"), output=output)
        return Observation(text, SecurityErrorEvent(output))
    kind = ExecutionOutputEvent if result.success else ExecutionErrorEvent
    event: Event = kind(output, result.changes)
    if len(output) > most:
        output = await _head_and_tail(output, result, runtime, most=most)
        failed = not result.success
        event = ExecutionOutputExceededEvent(output, failed=failed, changes=result.changes)
    if result.pictures:
        output = "\n".join(filter(None, [output, *map(in_words, result.pictures)]))
    template = load(_template(output, result))
    changes = _lines(result.changes) if result.changes else ""
    hints = _hints(result) if result.hints else ""
    if result.meanwhile:
        hints = _of_others(result.meanwhile) + hints
    words = {"output": output, "changes": changes, "hints": hints, "meant": result.meant}
    return Observation(fill(template, **words), event)


def in_words(picture: Picture) -> str:
    """A picture, for whoever does not see it."""
    return fill(load("picture"), width=picture.width, height=picture.height)


def _template(output: str, result: ExecutionResult) -> str:
    for hint in result.hints:
        if hint in _TEMPLATES:
            return _TEMPLATES[hint]
    if not result.success:
        return "observation_of_failure"
    return "observation" if output else "observation_of_no_output"


def _hints(result: ExecutionResult) -> str:
    """The hints but those that have a template of their own, each in a line."""
    return "".join(
        f"{fill(load(f'hint_{each}'), name=result.meant)}\n"
        for each in result.hints
        if each not in _TEMPLATES
    )


def _lines(changes: Sequence[Change]) -> str:
    """The first changes, each in a line, and how many more there are."""
    lines = [*map(_in_words, changes[:_MOST_CHANGES])]
    if (more := len(changes) - _MOST_CHANGES) > 0:
        lines.append(fill(load("change_others"), count=more))
    return "".join(f"{line}\n" for line in lines)


def _of_others(changed: Sequence[Change]) -> str:
    """What other agents have changed since, in a line."""
    gone = load("change_gone")
    names = [f"{each.name} ({each.after or gone})" for each in changed]
    told = ", ".join(names[-_MOST_CHANGES:])
    if (more := len(names) - _MOST_CHANGES) > 0:
        told += fill(load("change_other_parts"), count=more)
    return fill(load("meanwhile"), names=told) + "\n"


def _in_words(change: Change) -> str:
    if change.after is None:
        return fill(load("change_deleted"), name=change.name)
    if change.before is None:
        return fill(load("change_new"), name=change.name, after=change.after)
    parts = ", ".join(change.parts[:_MOST_PARTS])
    if (more := len(change.parts) - _MOST_PARTS) > 0:
        parts += fill(load("change_other_parts"), count=more)
    if change.before == change.after:
        return fill(load("change_inside"), name=change.name, parts=f": {parts}" if parts else "")
    sizes = {"before": change.before, "after": change.after}
    return fill(load("change"), name=change.name, **sizes, parts=f", {parts}" if parts else "")


async def _head_and_tail(
    output: str, result: ExecutionResult, runtime: PythonRuntime, *, most: int
) -> str:
    tail = most * 2 // 3  # an error stands at the end
    return fill(
        load("exceeded"),
        head=output[: most - tail],
        tail=output[len(output) - tail :],
        left_out=f"{len(output) + result.dropped - most:,}",
        total=f"{len(output) + result.dropped:,}",
        whole=load("exceeded_not_kept" if result.dropped else "exceeded_kept"),
        outcome="" if result.success else f", the cell failed with {type(result.error).__name__}",
        name=await runtime.keep_output(output),
    )
