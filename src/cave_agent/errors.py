"""The tree of every error that cave-agent raises on its own account; it holds no behaviour."""

from collections.abc import Sequence
from typing import Any, ClassVar, Self

__all__ = [
    "AgentBusyError",
    "AgentDepthError",
    "CassetteError",
    "CaveAgentError",
    "CellTimeoutError",
    "DuplicateNameError",
    "InvalidNameError",
    "LiveObjectError",
    "MissingExtraError",
    "ModelAuthenticationError",
    "ModelBillingError",
    "ModelConnectionError",
    "ModelContextError",
    "ModelError",
    "ModelProtocolError",
    "ModelRateLimitError",
    "ModelRefusalError",
    "ModelRequestError",
    "ModelServerError",
    "ModelStreamError",
    "ModelTimeoutError",
    "PromptError",
    "RuntimeClosedError",
    "ScriptError",
    "ScriptExhaustedError",
    "SecurityError",
    "SecurityRuleError",
    "SkillError",
    "SkillFileError",
    "SkillInjectionError",
    "SkillLoadError",
    "SkillTrustError",
    "SubAgentError",
    "UnknownNameError",
    "UnknownPriceError",
    "UnknownSkillError",
    "UnsupportedError",
    "WeightsError",
    "WorkerDiedError",
]


class CaveAgentError(Exception):
    """Root of the tree: catch this to catch whatever the framework raises itself."""


class MissingExtraError(CaveAgentError, ImportError):
    """A class was asked for whose optional dependency is not installed."""

    def __init__(self, what: str, *, extra: str) -> None:
        super().__init__(
            f"{what} needs the extra {extra!r}, which is not installed. "
            f"Install it from the clone with: pip install '.[{extra}]'"
        )
        self.extra = extra


class PromptError(CaveAgentError, ValueError):
    """A prompt template names a placeholder that nothing fills."""


class AgentBusyError(CaveAgentError, RuntimeError):
    """An agent was asked to run from inside its own cell or its own stream's reader."""


class AgentDepthError(CaveAgentError, RecursionError):
    """An agent was asked to run within too many runs of others."""


class SubAgentError(CaveAgentError):
    """An agent that a cell had asked to run did not do what it was asked for.

    Attributes:
        path: What the agents are called, the outermost first, such as `boss/cleaner`.
        response: How its run ended, if it ended by itself; else the cause is chained.
    """

    def __init__(self, message: str = "", *, path: str = "", response: Any = None) -> None:
        super().__init__(message)
        self.path = path
        self.response = response


class WorkerDiedError(CaveAgentError, RuntimeError):
    """The process in which cells ran has ended, and another took its place."""


class UnsupportedError(CaveAgentError, RuntimeError):
    """This machine, or this host, cannot do what was asked for; the message names what can."""


class RuntimeClosedError(CaveAgentError, RuntimeError):
    """A runtime was used after `aclose`."""


class CellTimeoutError(CaveAgentError, TimeoutError):
    """A cell ran longer than its limit and was stopped."""


class InvalidNameError(CaveAgentError, ValueError):
    """A name cannot be used in the runtime: it is no identifier, or a keyword."""


class DuplicateNameError(CaveAgentError, ValueError):
    """A name was injected that the runtime already has."""


class UnknownNameError(CaveAgentError, KeyError):
    """A name was asked for that the runtime does not have."""

    def __str__(self) -> str:
        return str(self.args[0])  # KeyError shows the repr, which hides a sentence in quotes


class LiveObjectError(CaveAgentError):
    """A cell was not run, since it would have put a new object in the place of an injected one.

    Attributes:
        name: The variable.
        statement: What of the cell would have done so.
    """

    def __init__(self, name: str, statement: str) -> None:
        super().__init__(
            f"{name!r} is a live object of the user, and `{statement:.200}` would put a new one in "
            "its place. If that is what was asked for, run the cell again as it is."
        )
        self.name = name
        self.statement = statement


class SecurityError(CaveAgentError):
    """A cell was refused by the runtime's security rules.

    Attributes:
        violations: One message for each thing that a rule refused.
    """

    def __init__(self, violations: Sequence[str]) -> None:
        super().__init__("\n".join(violations))
        self.violations = tuple(violations)

    def __reduce__(self) -> tuple[type[Self], tuple[tuple[str, ...]]]:
        return type(self), (self.violations,)


class SecurityRuleError(SecurityError):
    """A security rule itself failed, so the cell could not be judged and was not run."""


class ModelError(CaveAgentError):
    """A model did not give a usable reply; the conversation can be taken up again.

    Attributes:
        is_transient: Whether the same request, sent again, may well be answered.
        retry_after: Seconds that the provider asked to wait before, if it said so.
    """

    is_transient: ClassVar[bool] = False

    def __init__(self, message: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ModelConnectionError(ModelError):
    """Nothing answered at the model's address, or the connection broke."""

    is_transient = True


class ModelTimeoutError(ModelConnectionError):
    """The provider did not answer in time, or stopped in the middle of a reply."""


class ModelAuthenticationError(ModelError):
    """The provider refused the key."""


class ModelBillingError(ModelError):
    """The provider wants to be paid first: the account has no credit, or its quota is used up."""


class ModelRateLimitError(ModelError):
    """The provider asked to slow down."""

    is_transient = True


class ModelRequestError(ModelError):
    """The provider refused the request as it was sent; sending it again won't help."""


class ModelContextError(ModelRequestError):
    """The conversation is longer than the model can read."""


class ModelRefusalError(ModelRequestError):
    """The provider's content filter refused the request."""


class ModelServerError(ModelError):
    """The provider failed on its side."""

    is_transient = True


class ModelProtocolError(ModelError):
    """What answered does not speak the protocol: another program, or a wrong address."""


class ModelStreamError(ModelError):
    """A streamed reply ended before the model had finished it, or part of it was unreadable."""

    is_transient = True


class UnknownPriceError(CaveAgentError):
    """A run was to keep within a cost, and nobody knows what the model costs."""


class CassetteError(CaveAgentError):
    """A recording cannot be read, or does not go on as the conversation does."""


class ScriptExhaustedError(ModelError):
    """A scripted model or server was asked more often than it has replies."""


class WeightsError(ModelError):
    """A local model's weights are missing, damaged or could not be written."""


class SkillError(CaveAgentError):
    """A skill cannot be used as it was asked to; the conversation goes on."""


class SkillLoadError(SkillError, ValueError):
    """A folder or file is no skill, or two skills have one name."""


class UnknownSkillError(SkillError, KeyError):
    """A skill was named that the agent does not have."""

    def __str__(self) -> str:
        return str(self.args[0])  # as that of UnknownNameError


class SkillFileError(SkillError, FileNotFoundError):
    """A file of a skill is not there, lies outside of its folder, or cannot be read."""


class SkillInjectionError(SkillError):
    """What a skill brings into the runtime could not be made or bound; nothing of it was."""


class SkillTrustError(SkillError):
    """A skill's files are not those that the user trusts.

    Attributes:
        folder: Where they are.
    """

    def __init__(self, message: str, *, folder: str) -> None:
        super().__init__(message)
        self.folder = folder


class ScriptError(SkillError):
    """A skill's script failed, or could not be run."""
