"""The head of a SKILL.md, by the open standard (https://agentskills.io/specification)."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from cave_agent.skills._yaml import Entry, Finding, UnreadableError, Value, read_entries

LONGEST_NAME = 64
LONGEST_DESCRIPTION = 1024
_LONGEST_HEAD = 64_000  # characters, whatever it says
_LONGEST = {"description": LONGEST_DESCRIPTION, "compatibility": 500, "license": _LONGEST_HEAD}
_KEYS = ("name", "description", "license", "compatibility", "metadata", "allowed-tools")
_LONGEST_USABLE = 200  # characters of a name
_REQUIRED = _KEYS[:2]
_FENCED = re.compile(r"(\s*?)---[ \t]*\n(.*?)^---[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class SkillFrontmatter:
    """What a skill says of itself.

    Attributes:
        name: What it is called; equal to the name of its folder.
        description: What it does and when to use it.
        license: A name, or a file in the skill.
        compatibility: What it needs of its surroundings.
        metadata: Anything else, texts by texts.
        allowed_tools: Tools that it may use without asking, for agents that have such.
    """

    name: str
    description: str
    license: str | None = None
    compatibility: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])
    allowed_tools: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Manifest:
    """A SKILL.md: its head if it can be used, its body, and what is wrong with it."""

    frontmatter: SkillFrontmatter | None
    body: str
    findings: tuple[Finding, ...]


def read_manifest(text: str, *, folder: str) -> Manifest:
    """Read a SKILL.md as far as can be, and note every departure from the standard.

    Args:
        text: All of the file.
        folder: The name of the folder that it stands in.
    """
    parts = _FENCED.match(text)
    if parts is None:
        return Manifest(None, text, (_without_head(text),))
    findings: list[Finding] = []
    line = text.count("\n", 0, parts.start(2)) + 1
    if parts[1]:
        findings.append(Finding(line - 1, "the frontmatter does not begin in the first line"))
    if len(parts[2]) > _LONGEST_HEAD:
        message = f"the frontmatter is longer than {_LONGEST_HEAD:,} characters"
        return Manifest(None, "", (Finding(line, message, is_fatal=True),))
    try:
        entries, noted = read_entries(parts[2], first_line=line)
    except UnreadableError as error:
        return Manifest(None, "", (*findings, error.finding))
    findings += noted
    findings += _departures(entries, folder)
    is_usable = not any(finding.is_fatal for finding in findings)
    frontmatter = _frontmatter(entries) if is_usable else None
    in_order = tuple(sorted(findings, key=lambda finding: finding.line))
    return Manifest(frontmatter, text[parts.end() :].strip(), in_order)


def _without_head(text: str) -> Finding:
    if not text.strip():
        message = "the file is empty: begin with `---`, `name:`, `description:` and `---`"
    elif not text.lstrip().startswith("---"):
        message = "there is no frontmatter: begin with `---`, `name:`, `description:` and `---`"
    else:
        message = "the frontmatter has no end: close it with a line that is `---`"
    return Finding(1, message, is_fatal=True)


def _frontmatter(entries: Iterable[Entry]) -> SkillFrontmatter:
    values = {entry.key: entry.value for entry in entries}
    metadata = values.get("metadata")
    pairs = metadata.items() if isinstance(metadata, dict) else ()
    return SkillFrontmatter(
        name=normal_name(_text(values["name"])),
        description=_text(values["description"]).strip(),
        license=_text(values.get("license")) or None,
        compatibility=_text(values.get("compatibility")) or None,
        metadata=MappingProxyType({key: value for key, value in pairs if value is not None}),
        allowed_tools=_tools(values.get("allowed-tools")),
    )


def _text(value: Value) -> str:
    return value if isinstance(value, str) else ""


def _tools(value: Value) -> tuple[str, ...]:
    """Those between spaces; `Bash(git diff:*)` is one."""
    if isinstance(value, str):
        return tuple(re.findall(r"[^\s(,]+(?:\([^)]*\))?", value))
    return tuple(each for each in value if each is not None) if isinstance(value, tuple) else ()


def normal_name(name: str) -> str:
    """A name as it is compared: without the many ways in which Unicode writes one letter."""
    return unicodedata.normalize("NFKC", name.strip())


def _departures(entries: list[Entry], folder: str) -> list[Finding]:
    """What the standard would have otherwise."""
    findings = [
        Finding(entry.line, message) for entry in entries for message in _faults(entry, folder)
    ]
    by_key = {entry.key: entry for entry in entries}
    for key in _REQUIRED:
        entry = by_key.get(key)
        text = _text(entry.value).strip() if entry is not None else ""
        line = entry.line if entry is not None else 1
        if entry is not None and not isinstance(entry.value, str):
            findings.append(Finding(line, f"{key!r} is no text", is_fatal=True))
        elif not text:
            findings.append(
                Finding(line, f"{key!r} is missing; every skill has one", is_fatal=True)
            )
        elif key == "name" and not (text.isprintable() and len(text) <= _LONGEST_USABLE):
            message = f"no agent could call {text!r:.80}: it is too long, or does not show"
            findings.append(Finding(line, message, is_fatal=True))
    return findings


def _faults(entry: Entry, folder: str) -> list[str]:
    match entry.key:
        case "name":
            return name_faults(_text(entry.value), folder)
        case "metadata":
            return _metadata_faults(entry.value)
        case "allowed-tools":
            is_list = isinstance(entry.value, tuple) and None not in entry.value
            return (
                []
                if is_list or isinstance(entry.value, str)
                else ["'allowed-tools' are names with spaces between them"]
            )
        case key if key in _LONGEST:
            return _too_long(entry, _LONGEST[key])
        case key:
            known = ", ".join(_KEYS)
            return [f"the standard has {known}, not {key!r}; what is your own goes in 'metadata'"]


def name_faults(written: str, folder: str | None) -> list[str]:
    """What is wrong with a skill's name; `folder` is the name of its folder, if it has one."""
    name = normal_name(written)
    faults: list[str] = []
    if not name:
        return faults  # it is missing, which is told elsewhere
    if len(name) > LONGEST_NAME:
        faults.append(f"the name has {len(name)} characters, of at most {LONGEST_NAME}")
    if name != name.lower():
        faults.append(f"the name {name!r:.80} has capitals; write {_plain(name)!r:.80}")
    if not all(each.isalnum() or each == "-" for each in name):
        is_told = name != name.lower() or not _plain(name)
        other = "" if is_told else f"; write {_plain(name)!r:.80}"
        faults.append(
            f"the name {name!r:.80} has more in it than letters, digits and hyphens{other}"
        )
    if name.startswith("-") or name.endswith("-") or "--" in name:
        faults.append(f"the name {name!r:.80} has hyphens at an end, or two in a row")
    if folder is not None and normal_name(folder) != name:
        faults.append(f"the name is {name!r:.80}, and the folder {folder!r:.80}; make them equal")
    return faults


def _plain(name: str) -> str:
    """The nearest name that is fine."""
    words = "".join(each if each.isalnum() else " " for each in name.lower()).split()
    return "-".join(words)


def _too_long(entry: Entry, most: int) -> list[str]:
    if not isinstance(entry.value, str):
        return [f"{entry.key!r} is a text"] if entry.key not in _REQUIRED else []
    length = len(entry.value)
    return (
        [f"{entry.key!r} has {length:,} characters, of at most {most:,}"] if length > most else []
    )


def _metadata_faults(value: Value) -> list[str]:
    if isinstance(value, dict):
        return [
            f"{key!r} under 'metadata' is no text, and is left out"
            for key, each in value.items()
            if each is None
        ]
    return [] if value == "" else ["'metadata' is a mapping from texts to texts"]
