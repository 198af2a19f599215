"""What a value of the runtime is expected to be; it is looked at, never changed or copied."""

from dataclasses import dataclass
from typing import Any

from typing_extensions import is_typeddict

from cave_agent.runtime._foreign import attempt, class_module, class_name, class_of
from cave_agent.runtime._judging import Faults, Look, check_class, judge_of
from cave_agent.runtime._primitives import check_name
from cave_agent.runtime._spelling import spelled
from cave_agent.runtime._summaries import Preview, summarize
from cave_agent.runtime._traces import trace
from cave_agent.runtime._types import classes_in

_LONGEST_FINDING = 160  # characters of what is found instead of what is expected


@dataclass(frozen=True, slots=True)
class Misfit:
    """A name that does not hold what is expected.

    Attributes:
        expected: The type, spelled as in code.
        found: What it holds instead; `None` if there is no such name.
        faults: What is wrong inside it, as far as that is known.
    """

    name: str
    expected: str
    found: str | None = None
    faults: tuple[str, ...] = ()


class Expectation:
    """A type that the value of a name shall have.

    A class expects its instances: `bool` is no `int` here, and an `int` will do for a `float`.
    What else annotates, such as `list[int]`, `X | None` or a `TypedDict`, is judged by pydantic,
    which is strict: it converts nothing.

    Args:
        name: What holds the value.
        annotation: A class, or what else annotates.

    Attributes:
        spelled: The annotation as a person would write it.
        classes: Those that it is made of.

    Raises:
        TypeError: It is neither, or pydantic cannot judge it.
        InvalidNameError: The name is none that code can write.
    """

    def __init__(self, name: str, annotation: Any) -> None:
        check_name(name)
        self.name = name
        self.spelled = spelled(annotation)
        self.classes = list(classes_in(annotation))
        self._look = _by_class(annotation) if _is_class(annotation) else judge_of(annotation)

    @staticmethod
    def mark(value: object) -> object:
        """What a later change of the value is told by, as far as a bounded look can tell."""
        return trace(value)

    def misfit(self, value: object, preview: Preview) -> Misfit | None:
        """Why the value is not what is expected; `None` if it is."""
        broken: Faults | None = ("it cannot be judged",)
        if (faults := attempt(lambda: self._look(value), broken)) is None:
            return None
        expected, found = self.spelled, summarize(value, preview, budget=_LONGEST_FINDING)
        kind = class_of(value)
        is_other = all(kind is not cls for cls in self.classes)
        if class_name(kind) == expected and is_other:
            expected, found = _qualified(self.classes[0], expected), _qualified(kind, found)
        return Misfit(self.name, expected, found, faults)


def _qualified(cls: type, text: str) -> str:
    module = class_module(cls)
    return text if module == "builtins" else f"{module}.{text}"


def _is_class(annotation: object) -> bool:
    return isinstance(annotation, type) and annotation is not Any and not is_typeddict(annotation)


def _by_class(cls: Any) -> Look:
    check_class(cls)
    accepted: Any = (int, float) if cls is float else cls

    def look(value: object) -> Faults | None:
        is_flag = isinstance(value, bool) and (cls is int or cls is float)
        return None if isinstance(value, accepted) and not is_flag else ()

    return look
