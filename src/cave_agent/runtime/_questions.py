"""What is asked about the objects of a namespace, there where they are: functions over all of it."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from types import ModuleType
from typing import Any

from cave_agent.runtime._describe import describe_made, describe_variables, kinds
from cave_agent.runtime._primitives import Variable, is_usable


def told_variables(  # noqa: PLR0917  # what is asked has no names
    namespace: Mapping[str, Any],
    variables: Iterable[Variable],
    told: AbstractSet[type],
    budget: int,
) -> str:
    """The injected variables as they are now, for the model to read."""
    return describe_variables(variables, namespace, told=told, budget=budget)


def told_made(namespace: Mapping[str, Any], known: AbstractSet[str]) -> str:
    """What the code itself has bound to public names, for the model to read."""
    return describe_made({name: namespace[name] for name in _made(namespace, known)})


def told_kinds(
    namespace: Mapping[str, Any], variables: Iterable[str], known: AbstractSet[str]
) -> dict[str, str]:
    """The variables, then what the code made, each with its type in words."""
    names = live_names(namespace, variables, known)
    return kinds({name: namespace[name] for name in names})


def live_names(
    namespace: Mapping[str, Any], variables: Iterable[str], known: AbstractSet[str]
) -> list[str]:
    """The variables that there are, then what the code made."""
    return [*(each for each in variables if each in namespace), *_made(namespace, known)]


def replaced(namespace: Mapping[str, Any], classes: Mapping[str, type]) -> list[str]:
    """Those of the names that a cell has bound to something else."""
    return [
        name for name, cls in classes.items() if name in namespace and namespace[name] is not cls
    ]


def _made(namespace: Mapping[str, Any], known: AbstractSet[str]) -> list[str]:
    """What the code itself has bound to public names, modules left out."""
    return [
        name
        for name, value in namespace.items()
        if name not in known
        and is_usable(name)
        and not name.startswith("_")
        and type(value) is not ModuleType
    ]
