"""Namespaces: a view of the system in which there is nothing but what a process is given.

See `namespaces(7)`, `user_namespaces(7)` and `pivot_root(2)`.
"""

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from cave_agent.sandbox._libc import mount, prctl, syscall, unmount, unshare
from cave_agent.sandbox._syscalls import this_machine

_NEW_MOUNTS, _NEW_UTS, _NEW_IPC = 0x00020000, 0x04000000, 0x08000000
_NEW_USER, _NEW_PID, _NEW_NET = 0x10000000, 0x20000000, 0x40000000
_READ_ONLY, _NO_SUID, _NO_DEVICES, _NO_EXEC, _REMOUNT = 1, 2, 4, 8, 32
_BIND, _RECURSIVE, _PRIVATE = 4096, 16384, 1 << 18
_DROP_FROM_BOUNDS = 24  # PR_CAPBSET_DROP
_AMBIENT, _CLEAR_AMBIENT = 47, 4  # PR_CAP_AMBIENT
_BE_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER
_CAPABILITIES = 64
_VERSION_OF_CAPSET = 0x20080522

_TOP = "/tmp"  # noqa: S108  # a folder that there is everywhere, to mount the new root on
_DEVICES = tuple(Path("/dev", each) for each in ("null", "zero", "urandom", "random", "full"))


def enter() -> None:
    """Leave for namespaces of its own; what is forked next is process 1 there.

    Raises:
        OSError: That is forbidden here.
    """
    user, group = os.geteuid(), os.getegid()
    unshare(_NEW_USER | _NEW_NET | _NEW_IPC | _NEW_PID | _NEW_MOUNTS | _NEW_UTS)
    with suppress(OSError):
        Path("/proc/self/setgroups").write_text("deny", "ascii")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1", "ascii")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1", "ascii")


def jail(
    read: Iterable[Path], write: Iterable[Path], *, size: int, texts: Mapping[Path, str]
) -> None:
    """Have a root of its own, with these files where they were, and a `/tmp` that is its own.

    Args:
        read: What can be read and run there.
        write: What can be changed there, too.
        size: Bytes that `/tmp` and `/dev/shm` may hold each, in memory.
        texts: Files that are other ones there.

    Raises:
        OSError: That is forbidden here.
    """
    mount(None, "/", None, _RECURSIVE | _PRIVATE)
    top = Path(_TOP)
    mount("tmpfs", _TOP, "tmpfs", _NO_SUID | _NO_DEVICES, "mode=755")
    (top / "new").mkdir()
    (top / "old").mkdir()
    _change_root(_TOP, f"{_TOP}/old")
    os.chdir("/")
    old, new = Path("/old"), Path("/new")
    mount("tmpfs", "/new", "tmpfs", _NO_SUID | _NO_DEVICES, "mode=755")
    for name in ("tmp", "dev/shm"):
        place = new / name
        place.mkdir(parents=True, exist_ok=True)
        mount("tmpfs", str(place), "tmpfs", _NO_SUID | _NO_DEVICES, f"size={size},mode=1777")
    for path in (*sorted(read), *_DEVICES):
        _bind(old, new, path, writable=False)  # devices can be written to even so
    for path in sorted(write):
        _bind(old, new, path, writable=True)
    for path, text in texts.items():
        _replace(new / path.relative_to("/"), text)
    (new / "proc").mkdir(exist_ok=True)
    mount("proc", "/new/proc", "proc", _READ_ONLY | _NO_SUID | _NO_DEVICES | _NO_EXEC)
    mount(None, "/new", None, _REMOUNT | _BIND | _READ_ONLY | _NO_SUID | _NO_DEVICES)
    os.chdir("/new")
    _change_root(".", ".")
    unmount(".")
    os.chdir("/")


def adopt_orphans() -> None:
    """Be the parent of all processes that this one is an ancestor of, whose own parents have ended.

    Raises:
        OSError: The kernel refused that.
    """
    prctl("PR_SET_CHILD_SUBREAPER", _BE_SUBREAPER, 1)


def drop_capabilities() -> None:
    """Give up what a user is allowed in namespaces of its own.

    Raises:
        OSError: The kernel refused that.
    """
    for each in range(_CAPABILITIES):
        try:
            prctl("PR_CAPBSET_DROP", _DROP_FROM_BOUNDS, each)
        except OSError:
            break  # there are no more, or it has none to begin with
    header = _VERSION_OF_CAPSET.to_bytes(4, "little") + bytes(4)
    syscall("capset", this_machine().numbers["capset"], header, bytes(24))
    with suppress(OSError):
        prctl("PR_CAP_AMBIENT", _AMBIENT, _CLEAR_AMBIENT)


def _change_root(root: str, place_of_old: str) -> None:
    number = this_machine().numbers["pivot_root"]
    syscall("pivot_root", number, root.encode(), place_of_old.encode())


def _bind(old: Path, new: Path, path: Path, *, writable: bool) -> None:
    """Have a file or folder of the old root in the new one, if there is such a thing."""
    source, target = _followed(old, path), new / path.relative_to("/")
    is_there = target.exists()  # in a folder that was bound, then
    if not source.exists() or (is_there and not writable):
        return
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
    elif not is_there:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    mount(str(source), str(target), None, _BIND | _RECURSIVE)
    if not writable:
        mount(None, str(target), None, _REMOUNT | _BIND | _READ_ONLY | _NO_SUID)


def _replace(target: Path, text: str) -> None:
    """Have a file say something else, be it in a folder that was bound."""
    source = Path("/", target.name)
    source.write_text(text, "utf-8")
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        target.touch()
    mount(str(source), str(target), None, _BIND)
    mount(None, str(target), None, _REMOUNT | _BIND | _READ_ONLY | _NO_SUID)


def _followed(old: Path, path: Path) -> Path:
    """Where a path of the old root leads, links that are absolute included."""
    place = old
    for part in path.parts[1:]:
        place /= part
        while place.is_symlink():
            to = place.readlink()
            place = old / to.relative_to("/") if to.is_absolute() else place.parent / to
    return place
