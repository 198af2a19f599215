"""Writes skills into folders, for tests to find."""

from pathlib import Path


def manifest(name: str, description: str = "Reads files.", body: str = "# Read\n") -> str:
    return f"---\nname: {name}\ndescription: {description}\n---\n{body}"


def write_skill(root: Path, name: str = "reader", **files: str | bytes) -> Path:
    """A skill in `root/name`; `scripts__sum_py` stands for `scripts/sum.py`."""
    folder = root / name
    folder.mkdir(parents=True)
    (folder / "SKILL.md").write_text(manifest(name), "utf-8")
    for key, content in files.items():
        write_file(folder / path_of(key), content)
    return folder


def write_file(path: Path, content: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def path_of(key: str) -> str:
    if "/" in key:
        return key
    head, _, suffix = key.replace("__", "/").rpartition("_")
    return f"{head}.{suffix}"
