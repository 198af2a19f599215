"""Words what the model reads of a skill once it is activated."""

import json
import os
from collections.abc import Generator
from contextlib import suppress
from pathlib import PurePosixPath

from cave_agent.errors import SkillFileError
from cave_agent.prompts import fill, load
from cave_agent.skills._folder import MANIFESTS, SkillFolder, decoded
from cave_agent.skills._injection import SkillInjection
from cave_agent.skills._script_head import ScriptHead, ScriptKind, script_head
from cave_agent.skills._skill import Skill

_TEMPLATES = {
    "scripts": "skill_scripts",
    "references": "skill_references",
    "assets": "skill_assets",
    "others": "skill_other_files",
}
# Files that are no texts, whatever folder they are in.
_BINARY = {
    *(".png", ".jpg", ".jpeg", ".gif", ".webp", ".pdf", ".docx", ".xlsx", ".pptx", ".zip"),
    *(".ttf", ".otf", ".woff", ".woff2", ".parquet", ".mp3", ".mp4", ".wav", ".bin", ".gz"),
}
_RUNNABLE = {".py", ".sh", ".bash", ".js", ".mjs"}
_MOST_LISTED = 6000  # characters of the names of files
_MOST_READ = 20  # scripts whose heads are looked at
_BIGGEST_READ = 60_000  # bytes of one


class SkillText(str):
    """Instructions, which a cell shows as they are and not in quotes.

    Awaiting one gives it as it is: among functions that are async, models await those that are not.
    """

    __slots__ = ()

    def __await__(self) -> Generator[None, None, str]:
        yield from ()
        return self

    def __repr__(self) -> str:
        return str(self)


def activation_text(skill: Skill, injection: SkillInjection, *, most: int) -> str:
    """The instructions of a skill, its files, and what it brings into the runtime.

    Args:
        skill: Which.
        injection: What it brings.
        most: Characters of the instructions; where the rest is, is told.
    """
    parts: list[str] = []
    if skill.folder is not None:
        parts += _files(skill.name, skill.folder)
    if described := injection.describe():
        parts.append(fill(load("skill_exports"), exports=described))
    body = skill.body_content or load("skill_without_body")
    if len(body) > most:
        body = _cut(skill, body, most)
    told = "".join(f"{part}\n\n" for part in parts)
    return fill(load("skill"), name=quoted(skill.name), body=body, parts=told)


def _cut(skill: Skill, body: str, most: int) -> str:
    """The beginning of instructions, and how to read on where they are a file's."""
    words = {"body": body[:most], "left_out": f"{len(body) - most:,}"}
    if skill.folder is None:
        return fill(load("skill_cut_for_good"), **words)
    file = skill.folder.manifest.name
    start = skill.folder.read_text("", file).index(body) + most
    call = f"read_skill_reference({quoted(skill.name)}, {quoted(file)})[{start}:]"
    return fill(load("skill_cut"), call=call, **words)


def quoted(name: str) -> str:
    """A name as code and tags have it."""
    return json.dumps(name, ensure_ascii=False)


def _files(skill: str, folder: SkillFolder) -> list[str]:
    by_kind: dict[str, list[str]] = {}
    for file in filter(str.isprintable, folder.files()):
        kind, _, name = file.partition("/")
        if kind == "assets" or PurePosixPath(file).suffix.lower() in _BINARY:
            by_kind.setdefault("assets", []).append(
                name if kind == "assets" and name not in MANIFESTS else file
            )
        elif kind == "references":
            by_kind.setdefault(kind, []).append(file if name in MANIFESTS else name)
        elif _is_runnable(folder, file, is_script=kind == "scripts"):
            by_kind.setdefault("scripts", []).append(file.removeprefix("scripts/"))
        else:
            by_kind.setdefault("others", []).append(file)
    parts: list[str] = []
    for kind, template in _TEMPLATES.items():
        names = by_kind.get(kind, [])
        listed = _calls(skill, folder, names) if kind == "scripts" else _listed(names)
        if listed:
            parts.append(fill(load(template), name=quoted(skill), files=listed))
    if parts:
        parts.append(fill(load("skill_folder"), folder=os.path.realpath(folder.root)))
    return parts


def _is_runnable(folder: SkillFolder, file: str, *, is_script: bool) -> bool:
    """Whether it is Python or tells what runs it."""
    if PurePosixPath(file).suffix in _RUNNABLE:
        return True
    return is_script and folder.begins(file, b"#!")


def _listed(names: list[str]) -> str:
    room, shown = _MOST_LISTED, list[str]()
    for name in names:
        room -= len(name) + 2
        if room < 0:
            shown.append(fill(load("skill_files_left_out"), count=len(names) - len(shown)))
            break
        shown.append(name)
    return ", ".join(shown)


def _calls(skill: str, folder: SkillFolder, scripts: list[str]) -> str:
    """Each script as it is called."""
    lines = [call for name in scripts[:_MOST_READ] if (call := _call(skill, folder, name))]
    if rest := scripts[_MOST_READ:]:
        lines.append(fill(load("skill_other_scripts"), files=_listed(rest)))
    return "\n".join(lines)


def _call(skill: str, folder: SkillFolder, name: str) -> str:
    """How a script is called; empty for what is only imported by others."""
    head = ScriptHead(ScriptKind.PROGRAM)
    if name.endswith(".py"):
        with suppress(SkillFileError, ValueError):  # the call will tell
            source = decoded(folder.read_bytes("scripts", name, most=_BIGGEST_READ))
            head = script_head(source)
    if head.kind is ScriptKind.MODULE:
        return ""
    arguments = '"…"' if head.kind is ScriptKind.PROGRAM else head.arguments
    told = ", ".join(filter(None, [quoted(skill), quoted(name), arguments]))
    return f"await run_skill_script({told})" + (f"  # {head.doc}" if head.doc else "")
