"""The rules on system calls, run by an interpreter of our own on both kinds of processors."""

import errno
import struct

import pytest

from cave_agent.sandbox._filter import program
from cave_agent.sandbox._rules import rules
from cave_agent.sandbox._syscalls import ARM64, X86_64, Machine

ALLOWED, KILLED = 0x7FFF0000, 0x80000000


def verdict(
    machine: Machine,
    call: str | int,
    *args: int,
    jailed: bool = False,
    knows_truncation: bool = True,
) -> int:
    """What the kernel would make of a call: https://docs.kernel.org/networking/filter.html."""
    steps = program(rules(jailed=jailed, guards_truncation=knows_truncation), machine)
    number = machine.numbers[call] if isinstance(call, str) else call
    data = struct.pack("=iIQ6Q", number, machine.audit, 0, *args, *[0] * (6 - len(args)))
    return run(steps, data)


def run(steps: bytes, data: bytes) -> int:
    at = accumulator = 0
    while True:
        code, if_true, if_false, value = struct.unpack_from("=HBBI", steps, 8 * at)
        at += 1
        match code:
            case 0x20:
                (accumulator,) = struct.unpack_from("=I", data, value)
            case 0x54:
                accumulator &= value
            case 0x15:
                at += if_true if accumulator == value else if_false
            case 0x35:
                at += if_true if accumulator >= value else if_false
            case 0x45:
                at += if_true if accumulator & value else if_false
            case 0x06:
                return int(value)
            case _:
                raise AssertionError(code)


def failing(error: int) -> int:
    return 0x00050000 | error


MACHINES = pytest.mark.parametrize("machine", [X86_64, ARM64], ids=lambda each: each.name)


@MACHINES
@pytest.mark.parametrize(
    ("call", "args", "expected"),
    [
        ("execve", (), failing(errno.EPERM)),
        ("ptrace", (), failing(errno.EPERM)),
        ("kill", (1, 9), failing(errno.EPERM)),
        ("mount", (), failing(errno.EPERM)),
        ("unshare", (), failing(errno.EPERM)),
        ("bpf", (), failing(errno.EPERM)),
        ("io_uring_setup", (), failing(errno.EPERM)),
        ("fchmod", (), failing(errno.EPERM)),
        ("socket", (2, 1), failing(errno.EACCES)),
        ("socketpair", (1, 1), ALLOWED),
        ("socketpair", (2, 1), failing(errno.EACCES)),
        ("clone3", (), failing(errno.ENOSYS)),
        ("clone", (0x10000,), ALLOWED),
        ("clone", (17,), failing(errno.EPERM)),
        ("prlimit64", (0, 7), ALLOWED),
        ("prlimit64", (1, 7), failing(errno.EPERM)),
        ("fcntl", (3, 8), failing(errno.EPERM)),
        ("fcntl", (3, 1033), ALLOWED),
        ("ioctl", (0, 0x5412), failing(errno.EPERM)),
        ("ioctl", (0, 0x5401), ALLOWED),
        ("prctl", (4,), failing(errno.EPERM)),
        ("prctl", (15,), ALLOWED),
        ("openat", (0, 0, 0x200), ALLOWED),
        (500, (), failing(errno.ENOSYS)),
        (0x40000000, (), failing(errno.ENOSYS)),
    ],
)
def test_calls_are_judged(
    call: str | int, args: tuple[int, ...], *, expected: int, machine: Machine
) -> None:
    assert verdict(machine, call, *args) == expected


@MACHINES
def test_files_are_not_emptied_where_landlock_does_not_know_of_it(machine: Machine) -> None:
    assert verdict(machine, "truncate", knows_truncation=False) == failing(errno.EPERM)
    assert verdict(machine, "openat", 0, 0, 0x200, knows_truncation=False) == failing(errno.EPERM)
    assert verdict(machine, "openat", 0, 0, 0x201, knows_truncation=False) == ALLOWED
    assert verdict(machine, "openat", 0, 0, 0, knows_truncation=False) == ALLOWED


@MACHINES
def test_calls_of_another_processor_kill(machine: Machine) -> None:
    steps = program(rules(jailed=False, guards_truncation=True), machine)

    assert run(steps, struct.pack("=iIQ6Q", 0, 0x40000003, *[0] * 7)) == KILLED
