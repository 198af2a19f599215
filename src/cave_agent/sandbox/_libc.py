"""Calls into the kernel that Python's library has not, by ctypes; failures are `OSError` as usual."""

import ctypes
import os
from ctypes import c_long

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = c_long


def syscall(what: str, number: int, *args: int | bytes | ctypes.Array[ctypes.c_char] | None) -> int:
    """Make a system call.

    Args:
        what: Its name, for the error.
        number: Its number on this machine.
        args: Each whole number goes as a machine word.

    Raises:
        OSError: The kernel refused it.
    """
    words = [c_long(arg) if isinstance(arg, int) else arg for arg in args]
    return _checked(what, _libc.syscall(c_long(number), *words))


def prctl(what: str, option: int, *args: int | bytes) -> int:
    """Ask the kernel something about this process.

    Raises:
        OSError: The kernel refused it.
    """
    words = [ctypes.c_ulong(arg) if isinstance(arg, int) else arg for arg in args]
    words += [ctypes.c_ulong(0)] * (4 - len(words))
    return _checked(what, _libc.prctl(option, *words))


def unshare(flags: int) -> None:
    """Leave the namespaces that the flags name for new ones.

    Raises:
        OSError: The kernel refused it.
    """
    _checked("unshare", _libc.unshare(ctypes.c_int(flags)))


def mount(  # noqa: PLR0917  # the kernel's own
    source: str | None, target: str, kind: str | None, flags: int, options: str | None = None
) -> None:
    """Mount a file system, or change how one is mounted.

    Raises:
        OSError: The kernel refused it.
    """
    words = [each.encode() if each is not None else None for each in (source, target, kind)]
    data = options.encode() if options is not None else None
    _checked(f"mount on {target}", _libc.mount(*words, ctypes.c_ulong(flags), data))


def unmount(target: str) -> None:
    """Take a file system away, at the latest when nobody uses it any more.

    Raises:
        OSError: The kernel refused it.
    """
    lazily = 2
    _checked(f"umount of {target}", _libc.umount2(target.encode(), lazily))


def _checked(what: str, result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result
