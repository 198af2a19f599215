"""What a cell changed in the namespace: names that are new, changed or gone."""

from collections.abc import Mapping
from types import FunctionType, ModuleType
from typing import Any

from cave_agent.events import Change
from cave_agent.runtime._foreign import attempt, class_name
from cave_agent.runtime._summaries import Preview, label, summarize
from cave_agent.runtime._traces import DEPTH, Trace, trace

_MANY = 50  # names, of which each is looked at less deep
_MOST = 1000  # changes of a cell
_MOST_PARTS = 64
_LONGEST = 160  # characters of a summary
_UNTOLD = (FunctionType, ModuleType, type)


def snapshot(namespace: Mapping[str, Any]) -> dict[str, Trace]:
    """A trace of every name that the model may know."""
    known = _known(namespace)
    return _traced(known, len(known))


def changes(
    before: Mapping[str, Trace],
    namespace: Mapping[str, Any],
    previews: Mapping[str, Preview],
    *,
    with_code: bool = False,
) -> tuple[Change, ...]:
    """What differs between a snapshot and the namespace now: first what is gone.

    Args:
        before: The snapshot.
        namespace: All names.
        previews: How much may be told of a variable.
        with_code: Whether functions and classes count that were there before and are others now.
    """
    after = _traced(_known(namespace), len(before))
    if not is_other(before, after):
        return ()
    levels: dict[str, Preview] = {name: previews.get(name, "schema") for name in (*after, *before)}
    found = [
        _change(name, before.get(name), now, value=namespace[name], preview=levels[name])
        for name, now in after.items()
        if is_other(then := before.get(name), now)
        and not (issubclass(now.kind, _UNTOLD) and (then is None or not with_code))
    ]
    gone = [
        Change(name, _short(then, levels[name]), None)
        for name, then in before.items()
        if name not in after
    ]
    return tuple((gone + found)[:_MOST])


def is_other(then: object, now: object) -> bool:
    """Whether two traces of a name differ; `None` is none."""
    return attempt(lambda: then != now, otherwise=True)  # a library's values may be broken


def _known(namespace: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value for name, value in namespace.items() if type(name) is str and name[:1] != "_"
    }


def _traced(known: Mapping[str, Any], names: int) -> dict[str, Trace]:
    """As deep as befits that number of names, which is the same before and after a cell."""
    depth = DEPTH if names <= _MANY else DEPTH - 1
    return {name: trace(value, depth) for name, value in known.items()}


def _change(
    name: str, before: Trace | None, now: Trace, *, value: object, preview: Preview
) -> Change:
    then = None if before is None else _short(before, preview)
    if before is None or before.kind is not now.kind:
        level: Preview = "name" if preview == "name" else "schema"
        return Change(name, then, summarize(value, level, budget=_LONGEST, called=name))
    nothing: list[str] = []
    parts = nothing if preview == "name" else attempt(lambda: _parts(before, now, value), nothing)
    return Change(name, then, _short(now, preview), tuple(parts))


def _parts(before: Trace, now: Trace, value: Any) -> list[str]:
    """The columns or attributes that came, went or changed."""
    then, there = before.places(), now.places()
    came = [at for name, at in there.items() if name not in then]
    went = [at for name, at in then.items() if name not in there]
    told = [f"+ {_label(now, at)}{_dtype(now, value, at)}" for at in came]
    told += [f"- {_label(before, at)}" for at in went]
    if before.size == now.size or before.labels is None:
        stayed = [(then[name], at) for name, at in there.items() if name in then]
        told += [_label(now, at) for was, at in stayed if _differs(before, now, was, at=at)]
    return told[:_MOST_PARTS]


def _differs(before: Trace, now: Trace, was: Any, *, at: Any) -> bool:
    """Whether a part differs, of those that were looked at both times."""
    return was in before.parts and at in now.parts and before.parts[was] != now.parts[at]


def _label(traced: Trace, at: Any) -> str:
    return label(at if traced.labels is None else traced.labels.columns[at])


def _dtype(traced: Trace, value: Any, at: Any) -> str:
    if traced.labels is None:  # an attribute of an object
        return ""
    return attempt(lambda: f" {value.dtypes.iloc[at]!s:.30}", "")


def _short(traced: Trace, preview: Preview) -> str:
    """Type and, unless that is private, size, as in `DataFrame 344×8`."""  # noqa: RUF002  # as people write it
    kind = "None" if traced.kind is type(None) else class_name(traced.kind)
    if traced.size is None or preview == "name":
        return kind
    return f"{kind} {'×'.join(map(str, traced.size))}"  # noqa: RUF001  # as people write it
