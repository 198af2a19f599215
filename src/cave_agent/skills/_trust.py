"""Which folders of skills the user trusts: asked once, and again when anything in one has changed."""

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from cave_agent.errors import SkillTrustError
from cave_agent.runtime import uncaptured
from cave_agent.skills._seal import Seal, how_to_trust

_log = logging.getLogger("cave_agent.skills")

Ask: TypeAlias = Callable[[Seal], bool]
"""Asks the user whether a folder is to be trusted as it is now."""


class TrustedFolders:
    """The hashes of the folders that the user trusts, in a file.

    Args:
        path: The file; `cave-agent/trusted-skills` in the user's configuration unless given.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        self._path = Path(path) if path else _configuration() / "trusted-skills"
        self._added: set[str] = set()

    def __contains__(self, digest: str) -> bool:
        if digest in self._added:
            return True
        try:
            lines = self._path.read_text("utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return False
        except OSError as error:
            _log.warning("Which skills are trusted cannot be read: %s", error)
            return False
        return any(line.partition(" ")[0] == digest for line in lines)

    def add(self, seal: Seal) -> None:
        """Trust a folder from now on, for as long as it is as it was looked at.

        Raises:
            OSError: That cannot be written down, and holds for this object alone.
        """
        self._added.add(seal.digest)
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with open(descriptor, "a", encoding="utf-8") as file:  # noqa: PTH123  # no path
            file.write(f"{seal.digest} {str(seal.root)!r}\n")


@dataclass(frozen=True, slots=True)
class Guard:
    """Lets a folder be used as long as it is what the user trusts.

    Attributes:
        folder: What it guards.
        trusted: What the user trusts already.
        ask: Asks about the rest; without it, nothing more is trusted.
    """

    folder: Path
    trusted: TrustedFolders
    ask: Ask | None

    def check(self, before: Seal | None = None) -> Seal:
        """Look at the whole folder, and ask if need be; gives what may be used of it.

        Args:
            before: What it was when it was looked at before.

        Raises:
            SkillTrustError: It is not trusted.
            SkillFileError: It cannot be read.
        """
        seal = Seal.of(self.folder)
        if seal.digest in self.trusted:
            return seal
        if not self._may_use(seal):
            changed = "" if before is None else f" ({', '.join(seal.changes(before)):.200})"
            raise SkillTrustError(
                f"The skill in {str(self.folder)!r} comes with the project and is new, or has "
                f"changed since you trusted it{changed}. {how_to_trust(self.folder)}.",
                folder=str(self.folder),
            )
        try:
            self.trusted.add(seal)
        except OSError as error:
            _log.warning(
                "%r is trusted this time; it cannot be written down: %s", self.folder, error
            )
        return seal

    def _may_use(self, seal: Seal) -> bool:
        """Ask the user, and not whoever reads what the cell prints that may be running."""
        with uncaptured():
            return self.ask is not None and self.ask(seal)


def _configuration() -> Path:
    base = os.environ.get("XDG_CONFIG_HOME") or ""
    return (Path(base) if base else Path.home() / ".config") / "cave-agent"
