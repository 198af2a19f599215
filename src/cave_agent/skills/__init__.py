"""What an agent can learn: folders of instructions, scripts and live objects, taken up on demand."""

from importlib import import_module
from typing import TYPE_CHECKING

from cave_agent.errors import (
    ScriptError,
    SkillError,
    SkillFileError,
    SkillInjectionError,
    SkillLoadError,
    SkillTrustError,
    UnknownSkillError,
)
from cave_agent.skills._use import using

if TYPE_CHECKING:
    from cave_agent.skills._discovery import Scan, SkillDiscovery
    from cave_agent.skills._frontmatter import SkillFrontmatter
    from cave_agent.skills._injection import SkillInjection
    from cave_agent.skills._programs import ScriptResult
    from cave_agent.skills._registry import SkillRegistry
    from cave_agent.skills._scripts import ScriptRunner
    from cave_agent.skills._seal import Seal
    from cave_agent.skills._skill import Skill
    from cave_agent.skills._toolkit import Toolkit, equip
    from cave_agent.skills._trust import TrustedFolders
    from cave_agent.skills._yaml import Finding

_LATE = {
    "Finding": "_yaml",
    "Scan": "_discovery",
    "ScriptResult": "_programs",
    "ScriptRunner": "_scripts",
    "Skill": "_skill",
    "SkillDiscovery": "_discovery",
    "Seal": "_seal",
    "SkillFrontmatter": "_frontmatter",
    "SkillInjection": "_injection",
    "SkillRegistry": "_registry",
    "Toolkit": "_toolkit",
    "TrustedFolders": "_trust",
    "equip": "_toolkit",
}

__all__ = [
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
]


def __getattr__(name: str) -> object:
    """All but the errors: imported when a program first has to do with skills."""
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_LATE[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
