"""Words what the model reads of a skill once it is activated."""

import json
from contextlib import suppress
from pathlib import PurePosixPath

from cave_agent.errors import SkillFileError
from cave_agent.prompts import fill, load
from cave_agent.skills._folder import SkillFolder
from cave_agent.skills._injection import SkillInjection
from cave_agent.skills._script_head import ScriptHead, ScriptKind, script_head
from cave_agent.skills._skill import Skill

_TEMPLATES = {
    "scripts": "skill_scripts",
    "references": "skill_references",
    "assets": "skill_assets",
    "others": "skill_other_files",
}
_RUNNABLE = {".py", ".sh", ".bash", ".js", ".mjs"}
_MOST_LISTED = 6000  # characters of the names of files
_MOST_READ = 20  # scripts whose heads are looked at
_BIGGEST_READ = 20_000  # bytes of one


class SkillText(str):
    """Instructions, which a cell shows as they are and not in quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def activation_text(skill: Skill, injection: SkillInjection) -> str:
    """The instructions of a skill, its files, and what it has brought into the runtime."""
    parts: list[str] = []
    if skill.folder is not None:
        parts += _files(skill, skill.folder)
    if described := injection.describe():
        parts.append(fill(load("skill_exports"), exports=described))
    body = skill.body_content or load("skill_without_body")
    return fill(load("skill"), name=skill.name, body=body, parts="".join(f"{p}\n\n" for p in parts))


def _files(skill: Skill, folder: SkillFolder) -> list[str]:
    by_kind: dict[str, list[str]] = {}
    for file in folder.files():
        kind, _, name = file.partition("/")
        if kind in {"references", "assets"}:
            by_kind.setdefault(kind, []).append(name)
        elif kind == "scripts" or PurePosixPath(file).suffix in _RUNNABLE:
            by_kind.setdefault("scripts", []).append(file.removeprefix("scripts/"))
        else:
            by_kind.setdefault("others", []).append(file)
    parts: list[str] = []
    for kind, template in _TEMPLATES.items():
        names = by_kind.get(kind, [])
        listed = _calls(skill, folder, names) if kind == "scripts" else _listed(names)
        if listed:
            parts.append(fill(load(template), name=skill.name, files=listed))
    if parts:
        parts.append(fill(load("skill_folder"), folder=folder.root.resolve()))
    return parts


def _listed(names: list[str]) -> str:
    room, shown = _MOST_LISTED, list[str]()
    for name in names:
        room -= len(name) + 2
        if room < 0:
            shown.append(fill(load("skill_files_left_out"), count=len(names) - len(shown)))
            break
        shown.append(name)
    return ", ".join(shown)


def _calls(skill: Skill, folder: SkillFolder, scripts: list[str]) -> str:
    """Each script as it is called."""
    lines = [call for name in scripts[:_MOST_READ] if (call := _call(skill, folder, name))]
    if rest := scripts[_MOST_READ:]:
        lines.append(_listed(rest))
    return "\n".join(lines)


def _call(skill: Skill, folder: SkillFolder, name: str) -> str:
    """How a script is called; empty for what is only imported by others."""
    head = ScriptHead(ScriptKind.PROGRAM)
    if name.endswith(".py"):
        with suppress(SkillFileError, UnicodeDecodeError):  # the call will tell
            source = folder.read_bytes("scripts", name, most=_BIGGEST_READ).decode()
            head = script_head(source)
    if head.kind is ScriptKind.MODULE:
        return ""
    arguments = '"…"' if head.kind is ScriptKind.PROGRAM else head.arguments
    told = ", ".join(filter(None, [json.dumps(skill.name), json.dumps(name), arguments]))
    return f"await run_skill_script({told})" + (f"  # {head.doc}" if head.doc else "")
