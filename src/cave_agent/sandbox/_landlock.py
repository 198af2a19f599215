"""Landlock: which files a process may touch, https://docs.kernel.org/userspace-api/landlock.html."""

import os
import stat
import struct
from collections.abc import Iterable
from pathlib import Path

from cave_agent.sandbox._libc import syscall
from cave_agent.sandbox._syscalls import this_machine

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_MAKE_CHAR, _MAKE_BLOCK = 1 << 6, 1 << 11
_OF_FIRST_ABI = (1 << 13) - 1
_REFER, _TRUNCATE, _IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15  # of ABI 2, 3 and 5
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_BIND_TCP, _CONNECT_TCP = 1, 2  # of ABI 4
_SCOPES = 3  # abstract sockets and signals, of ABI 6
_GIVE_VERSION = 1
_RULE_OF_PATH = 1


def version() -> int:
    """The kernel's version of Landlock; 0 if it has none, or does not let it be used."""
    number = this_machine().numbers["landlock_create_ruleset"]
    try:
        return syscall("landlock_create_ruleset", number, None, 0, _GIVE_VERSION)
    except OSError:
        return 0


def restrict(
    *, read: Iterable[Path], write: Iterable[Path], abi: int, connects: bool = False
) -> None:
    """Take all files from this thread and what it starts, but these.

    From ABI 4 on it also takes TCP, from 6 on signals to others and abstract sockets.

    Args:
        read: What may be read and run, with all that is below.
        write: What may be read and changed, with all that is below.
        abi: The version whose means are used, at most the kernel's.
        connects: Whether TCP connections may be made all the same.

    Raises:
        OSError: The kernel refused that.
    """
    numbers = this_machine().numbers
    handled = _OF_FIRST_ABI
    for since, right in ((2, _REFER), (3, _TRUNCATE), (5, _IOCTL_DEV)):
        handled |= right if abi >= since else 0
    tcp = _BIND_TCP if connects else _BIND_TCP | _CONNECT_TCP
    words = [handled, *([tcp] if abi >= 4 else []), *([_SCOPES] if abi >= 6 else [])]  # noqa: PLR2004  # as above
    attributes = struct.pack(f"={len(words)}Q", *words)
    ruleset = syscall(
        "landlock_create_ruleset",
        numbers["landlock_create_ruleset"],
        attributes,
        len(attributes),
        0,
    )
    try:
        for path in read:
            _allow(ruleset, path, _EXECUTE | _READ_FILE | _READ_DIR)
        for path in write:
            _allow(ruleset, path, handled & ~(_EXECUTE | _IOCTL_DEV | _MAKE_CHAR | _MAKE_BLOCK))
        syscall("landlock_restrict_self", numbers["landlock_restrict_self"], ruleset, 0)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: Path, rights: int) -> None:
    """Allow this below a path, if there is such a thing."""
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return
    try:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        rule = struct.pack("=Qi", rights if is_folder else rights & _OF_FILES, descriptor)
        number = this_machine().numbers["landlock_add_rule"]
        syscall("landlock_add_rule", number, ruleset, _RULE_OF_PATH, rule, 0)
    finally:
        os.close(descriptor)
