"""Judges values by annotations that are more than a class; the judge is pydantic."""

import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from collections.abc import Set as AbstractSet
from functools import partial
from inspect import get_annotations
from operator import getitem
from types import UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    Never,
    NoReturn,
    TypeAlias,
    TypeVar,
    Union,
    get_args,
    get_origin,
)

from typing_extensions import is_typeddict

from cave_agent.runtime._foreign import attempt, class_module, class_of, inherited
from cave_agent.runtime._spelling import spelled
from cave_agent.runtime._types import classes_in, with_nested

Faults: TypeAlias = tuple[str, ...]
"""What is wrong inside a value, without telling it."""

Look: TypeAlias = Callable[[object], Faults | None]
"""Gives the faults of a value; `None` if it is as it should be."""

_ANNOTATIONS = {"typing", "typing_extensions", "types"}
_MODELS = ("__pydantic_fields__", "_fields")
_SEQUENCES = {list, tuple}
_LAZY = {Iterable, Iterator, Generator}
_MOST_FAULTS = 3
_MOST_COUNTED = 1000  # pydantic words all of them or none


def judge_of(annotation: Any) -> Look:
    """What tells the faults of a value, as pydantic sees them.

    Raises:
        TypeError: It is no annotation, or none that pydantic can judge.
    """
    is_dict = is_typeddict(annotation)
    is_plain = class_module(class_of(annotation)) in _ANNOTATIONS
    is_special = annotation is None or annotation is Any
    if not (is_dict or is_plain or is_special or get_origin(annotation)):
        raise TypeError(f"A type is expected, such as int or list[str], not {annotation!r:.80}.")
    from pydantic import ConfigDict, TypeAdapter, ValidationError  # noqa: PLC0415  # slow to import
    from pydantic.warnings import ArbitraryTypeWarning  # noqa: PLC0415  # as above

    config = None if is_dict else ConfigDict(arbitrary_types_allowed=True)
    try:
        with warnings.catch_warnings():  # what it only warns of, it would take anything for
            warnings.simplefilter("error", ArbitraryTypeWarning)
            judge: Any = TypeAdapter(_strict(annotation), config=config)
        judge.rebuild()  # which finds names that nothing defines
    except Exception as error:  # its own kinds are many, and annotations run code of their own
        why = str(error).partition("\n")[0]
        raise TypeError(f"No value can be judged by {spelled(annotation)}: {why}") from error
    fields = _field_names(annotation)

    def look(value: object) -> Faults | None:
        try:
            judge.validate_python(value, strict=True)
        except ValidationError as error:
            return tuple(_told(error, value, fields))
        return None

    return look


def check_class(cls: Any) -> None:
    """Refuse a class that cannot tell its instances.

    Raises:
        TypeError: It is a protocol, say, that is not `runtime_checkable`.
    """
    try:
        isinstance(None, cls)
    except TypeError as error:
        raise TypeError(f"No value can be told to be {spelled(cls)}: {error}") from error


def _strict(annotation: Any) -> Any:
    """The annotation with its models and named tuples taken for instances, nothing less.

    Else a dict would do for a model, and a tuple for a named one.

    Raises:
        TypeError: There is a part of it that judges nothing.
    """
    from pydantic import InstanceOf  # noqa: PLC0415  # as above

    origin, args = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, TypeVar) or annotation is Never or annotation is NoReturn:
        raise TypeError(f"{spelled(annotation)} stands for no type of values")
    if annotation is Any:
        return annotation
    if isinstance(annotation, type) and not is_typeddict(annotation):
        check_class(annotation)
        is_model = any(inherited(annotation, name) is not None for name in _MODELS)
        return InstanceOf[annotation] if is_model else annotation  # type: ignore[misc]  # made at run time
    if origin is Annotated:
        return Annotated[(_strict(args[0]), *args[1:])]
    if origin in {None, Literal, Callable} or not args:
        return annotation
    if origin in _LAZY:
        raise TypeError(f"{spelled(annotation)} tells its items only to who takes them; say list")
    parts = tuple(map(_strict, args))
    return Union[parts] if origin in {Union, UnionType} else origin[parts]  # noqa: UP007  # of any number


def _field_names(annotation: object) -> set[str]:
    nothing: dict[str, Any] = {}
    classes = with_nested(classes_in(annotation))
    return {name for cls in classes for name in attempt(partial(get_annotations, cls), nothing)}


def _told(error: Any, value: object, fields: AbstractSet[str]) -> Iterator[str]:
    """The first faults, and where they are: by index or field, not by key, which is a value."""
    if error.error_count() > _MOST_COUNTED:
        yield f"{error.error_count():,} faults"
        return
    for fault in error.errors(include_url=False, include_input=False)[:_MOST_FAULTS]:
        where = "".join(_steps(fault["loc"], value, fields))
        # The one message that quotes a value.
        is_tag = fault["type"] == "union_tag_invalid"
        why = f"the tag is none of {fault['ctx']['expected_tags']}" if is_tag else fault["msg"]
        yield f"{where and f'at {where}: '}{why:.120}"


def _steps(path: Iterable[Any], value: Any, fields: AbstractSet[str]) -> Iterator[str]:
    for step in path:
        is_index = class_of(value) in _SEQUENCES and isinstance(step, int)
        yield f"[{step!r}]" if is_index or (isinstance(step, str) and step in fields) else "[…]"
        if is_index or class_of(value) is dict:
            value = attempt(partial(getitem, value, step), value)  # else it tells of a union
