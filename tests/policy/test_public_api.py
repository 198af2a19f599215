"""What can be imported is written down here; a change of it is seen in the diff."""

import importlib
import pkgutil
from types import ModuleType

import pytest
from inline_snapshot import snapshot

import cave_agent


def _public_modules() -> list[ModuleType]:
    names = [
        info.name
        for info in pkgutil.walk_packages(cave_agent.__path__, "cave_agent.")
        if not any(part.startswith("_") for part in info.name.split("."))
    ]
    return [cave_agent, *map(importlib.import_module, sorted(names))]


_MODULES = _public_modules()


def test_the_public_names_are_these() -> None:
    assert {module.__name__: module.__all__ for module in _MODULES} == snapshot(
        {
            "cave_agent": [
                "AgentResponse",
                "AttributeRule",
                "CaveAgent",
                "Event",
                "EventType",
                "ExecutionStatus",
                "Function",
                "FunctionRule",
                "ImportRule",
                "LiteLLMModel",
                "LocalModel",
                "LogLevel",
                "Message",
                "MessageRole",
                "Model",
                "ModelResponse",
                "OpenAIServerModel",
                "PythonRuntime",
                "RegexRule",
                "ScriptedModel",
                "SecurityChecker",
                "SecurityError",
                "SecurityRule",
                "SecurityViolation",
                "Skill",
                "SkillDiscovery",
                "SkillFrontmatter",
                "SkillInjectionError",
                "SkillRegistry",
                "TokenUsage",
                "Type",
                "Variable",
            ],
            "cave_agent.agent": [
                "AgentBusyError",
                "AgentResponse",
                "AssistantMessage",
                "CaveAgent",
                "CodeExecutionMessage",
                "EventStream",
                "ExecutionResultMessage",
                "ExecutionStatus",
                "LogLevel",
                "Message",
                "MessageRole",
                "SkillMessage",
                "SystemMessage",
                "UserMessage",
            ],
            "cave_agent.cli": ["main"],
            "cave_agent.errors": [
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
            ],
            "cave_agent.events": [
                "BudgetReachedEvent",
                "Change",
                "CheckFailedEvent",
                "CodeEvent",
                "CompactedEvent",
                "Event",
                "EventType",
                "ExecutionErrorEvent",
                "ExecutionOutputEvent",
                "ExecutionOutputExceededEvent",
                "FinalResponseEvent",
                "MaxStepsReachedEvent",
                "OwnEvent",
                "Picture",
                "PictureEvent",
                "ReasoningEvent",
                "RefusalEvent",
                "RetryEvent",
                "SecurityErrorEvent",
                "SubAgentEvent",
                "TextEvent",
                "TruncatedEvent",
            ],
            "cave_agent.messages": [
                "AssistantMessage",
                "CodeExecutionMessage",
                "ExecutionResultMessage",
                "Message",
                "MessageRole",
                "SkillMessage",
                "SystemMessage",
                "UserMessage",
                "sendable",
            ],
            "cave_agent.models": [
                "CassetteError",
                "Delta",
                "DeltaStream",
                "FallbackModel",
                "FinishReason",
                "LiteLLMModel",
                "LocalModel",
                "LocalServer",
                "MissingExtraError",
                "Model",
                "ModelAuthenticationError",
                "ModelBillingError",
                "ModelConnectionError",
                "ModelContextError",
                "ModelError",
                "ModelProtocolError",
                "ModelRateLimitError",
                "ModelRefusalError",
                "ModelRequestError",
                "ModelResponse",
                "ModelServerError",
                "ModelStreamError",
                "ModelTimeoutError",
                "OpenAIServerModel",
                "Progress",
                "RecordingModel",
                "ReplayModel",
                "RetryingModel",
                "ScriptExhaustedError",
                "ScriptedModel",
                "SystemRole",
                "TimedStream",
                "TokenUsage",
                "UnknownPriceError",
                "WeightsError",
                "WireMessages",
                "call_model",
                "checked_model",
                "code",
                "cost_of",
                "detect",
                "open_stream",
                "sees_images",
            ],
            "cave_agent.parsing": [
                "BlockSplice",
                "Code",
                "FenceParser",
                "Reasoning",
                "Segment",
                "SegmentType",
                "StreamingTextParser",
                "Text",
                "TextSplice",
                "UnclosedCode",
                "is_program",
            ],
            "cave_agent.patterns": ["Make", "best_of", "critic_loop", "fan_out", "pipeline"],
            "cave_agent.prompts": ["PromptError", "fill", "load"],
            "cave_agent.runtime": [
                "Cell",
                "CellFunction",
                "CellTimeoutError",
                "Change",
                "DuplicateNameError",
                "ErrorFeedbackMode",
                "ExecutionResult",
                "Expectation",
                "Function",
                "Hint",
                "Host",
                "InProcessHost",
                "InvalidNameError",
                "Misfit",
                "Preview",
                "PythonRuntime",
                "RuntimeClosedError",
                "Summarizer",
                "Type",
                "TypeSchemaExtractor",
                "UnknownNameError",
                "Variable",
                "WorkerHost",
                "describe_functions",
                "describe_types",
                "describe_variables",
                "off_the_clock",
                "register_summarizer",
                "uncaptured",
                "waiting_for_agents",
            ],
            "cave_agent.sandbox": [
                "Cage",
                "Gate",
                "Layers",
                "Limits",
                "Sandbox",
                "Watch",
                "adopt_orphans",
                "confine",
                "enter",
                "excess_of",
                "gates_of",
                "jail_folder",
                "open_gates",
            ],
            "cave_agent.security": [
                "AttributeRule",
                "FunctionRule",
                "ImportRule",
                "RegexRule",
                "SecurityChecker",
                "SecurityError",
                "SecurityRule",
                "SecurityRuleError",
                "SecurityViolation",
                "check_checker",
                "refusal",
                "syntax_tree",
            ],
            "cave_agent.skills": [
                "Finding",
                "Scan",
                "ScriptError",
                "ScriptResult",
                "ScriptRunner",
                "Seal",
                "Skill",
                "SkillDiscovery",
                "SkillError",
                "SkillFileError",
                "SkillFrontmatter",
                "SkillInjection",
                "SkillInjectionError",
                "SkillLoadError",
                "SkillRegistry",
                "SkillTrustError",
                "Toolkit",
                "TrustedFolders",
                "UnknownSkillError",
                "equip",
                "using",
            ],
            "cave_agent.testing": [
                "CutStream",
                "Failure",
                "RawStream",
                "Reply",
                "Scripted",
                "ScriptedServer",
                "StalledStream",
                "check_host",
                "check_model",
            ],
        }
    )


def test_a_name_that_no_package_has_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"'cave_agent\.models' has no attribute 'Oracle'"):
        _ = cave_agent.models.Oracle
    with pytest.raises(AttributeError, match=r"'cave_agent' has no attribute 'Oracle'"):
        _ = cave_agent.Oracle


_TOOLS = {"TYPE_CHECKING", "import_module"}  # of packages whose names resolve late


@pytest.mark.parametrize("module", _MODULES, ids=lambda module: module.__name__)
def test_all_is_sorted_and_names_what_the_module_offers(module: ModuleType) -> None:
    is_package = hasattr(module, "__path__")
    offered = {
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and not isinstance(value, ModuleType)
        and (is_package or getattr(value, "__module__", None) == module.__name__)
    }

    assert module.__all__ == sorted(module.__all__)
    assert offered - _TOOLS <= set(module.__all__)
    assert all(hasattr(module, name) for name in module.__all__)  # also those that resolve late


def test_the_top_package_offers_the_very_objects_of_its_packages() -> None:
    homes = [module for module in _MODULES if module is not cave_agent]

    for name in cave_agent.__all__:
        offers = [getattr(home, name) for home in homes if name in home.__all__]
        assert offers, f"{name} is in no package of its own"
        assert all(offer is getattr(cave_agent, name) for offer in offers), name


@pytest.mark.parametrize("package", ["cave_agent", "cave_agent.models"])
def test_names_that_resolve_late_are_listed(package: str) -> None:
    module = importlib.import_module(package)

    assert set(module.__all__) <= set(dir(module))
