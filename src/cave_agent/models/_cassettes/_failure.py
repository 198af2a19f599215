"""An error of a model as a value that can be kept, and raised again."""

from dataclasses import asdict, dataclass

from cave_agent import errors
from cave_agent.errors import ModelError
from cave_agent.models._cassettes._values import as_object, field, if_told, names_of

_KINDS: dict[str, type[ModelError]] = {
    kind.__name__: kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, ModelError)
}


@dataclass(frozen=True, slots=True)
class Failure:
    """The error that a reply ended in.

    Attributes:
        kind: The name of its class; of a class that derives from one of `cave_agent.errors`,
            the name of that one.
        message: What it said.
        retry_after: Seconds that the provider asked to wait, if it said so.
    """

    kind: str
    message: str
    retry_after: float | None = None

    def as_error(self) -> ModelError:
        """The error, to be raised again; a `ModelError` if its class is not one of ours."""
        kind = _KINDS.get(self.kind)
        if kind is None:
            return ModelError(f"{self.kind}: {self.message}")
        return kind(self.message, retry_after=self.retry_after)


def failure_of(error: Exception) -> Failure:
    """What there is to keep of an error."""
    names = [kind.__name__ for kind in type(error).__mro__ if kind in _KINDS.values()]
    wait = error.retry_after if isinstance(error, ModelError) else None
    kind = names[0] if names else type(error).__name__
    return Failure(kind, str(error), None if wait is None else float(wait))


def failure_as_json(failure: Failure) -> dict[str, object]:
    """What `failure_from_json` reads."""
    return asdict(failure)


def failure_from_json(value: object) -> Failure:
    """What `failure_as_json` made.

    Raises:
        TypeError, ValueError: It is something else; the message says what.
    """
    told = as_object(value, names_of(Failure))
    wait = if_told(told.get("retry_after"), lambda _: field(told, "retry_after", float))
    return Failure(field(told, "kind", str), field(told, "message", str), wait)
