"""Words rules about system calls as a program that the kernel runs before each of them.

The machine is that of classic BPF over `struct seccomp_data` (`linux/seccomp.h`, `linux/filter.h`):
an accumulator, forward jumps, and the number, the processor and six 64-bit arguments of the call.
"""

import errno
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto

from cave_agent.sandbox._syscalls import HIGHEST_KNOWN, Machine

_LOAD, _AND, _RETURN = 0x20, 0x54, 0x06  # BPF_LD|W|ABS, BPF_ALU|AND|K, BPF_RET|K
_JUMP_EQUAL, _JUMP_AT_LEAST, _JUMP_ANY_BIT = 0x15, 0x35, 0x45  # BPF_JMP|…|K
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16  # where they are in the data

ALLOW = 0x7FFF0000
_KILL = 0x80000000
_ERROR = 0x00050000


def refuse(error: int = errno.EPERM) -> int:
    """What makes a call fail with this error."""
    return _ERROR | error


class Relation(Enum):
    """What a test asks of an argument."""

    EQUAL = auto()
    DIFFERENT = auto()
    ANY_BIT = auto()


@dataclass(frozen=True, slots=True)
class Test:
    """A question about the low half of an argument, which is all that flags and pids have.

    Attributes:
        argument: Which, from 0.
        mask: The bits that count, for `EQUAL` and `DIFFERENT`.
    """

    argument: int
    relation: Relation
    value: int
    mask: int = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Rule:
    """What becomes of a system call if all tests hold.

    Attributes:
        call: Its name; a processor that has none of that name needs no rule.
        verdict: `ALLOW` or what `refuse` gives.
    """

    call: str
    verdict: int
    tests: tuple[Test, ...] = ()


def program(rules: Iterable[Rule], machine: Machine) -> bytes:
    """The program in which the first rule that fits decides, and what none fits is allowed.

    Calls of other processors' kinds kill the process; those that are newer than the rules, and
    those of x32, whose numbers are higher still, do not exist for it.
    """
    steps = [
        _step(_LOAD, _ARCHITECTURE),
        _step(_JUMP_EQUAL, machine.audit, (1, 0)),
        _step(_RETURN, _KILL),
        _step(_LOAD, _NUMBER),
    ]
    newest = HIGHEST_KNOWN + 1
    steps += [_step(_JUMP_AT_LEAST, newest, (0, 1)), _step(_RETURN, refuse(errno.ENOSYS))]
    for rule in rules:
        number = machine.numbers.get(rule.call)
        if number is not None:
            steps += _steps(rule, number)
    steps.append(_step(_RETURN, ALLOW))
    return b"".join(steps)


def _steps(rule: Rule, number: int) -> list[bytes]:
    """Those of a rule, built from its end: what does not fit jumps behind it."""
    steps = [_step(_RETURN, rule.verdict)]
    if rule.tests:
        steps.append(_step(_LOAD, _NUMBER))  # where the next rule expects it
    for test in reversed(rule.tests):
        steps[:0] = _test(test, behind=len(steps) - 1)
    return [_step(_JUMP_EQUAL, number, (0, len(steps))), *steps]


def _test(test: Test, *, behind: int) -> list[bytes]:
    """The steps of a test; if it fails, so many are left out."""
    load = [_step(_LOAD, _ARGUMENTS + 8 * test.argument)]
    match test.relation:
        case Relation.ANY_BIT:
            return [*load, _step(_JUMP_ANY_BIT, test.value, (0, behind))]
        case Relation.EQUAL:
            return [*load, _step(_AND, test.mask), _step(_JUMP_EQUAL, test.value, (0, behind))]
        case Relation.DIFFERENT:
            return [*load, _step(_AND, test.mask), _step(_JUMP_EQUAL, test.value, (behind, 0))]


def _step(code: int, value: int, jumps: tuple[int, int] = (0, 0)) -> bytes:
    """An instruction; `jumps` are the steps that are left out if a test is true, and if not."""
    return struct.pack("=HBBI", code, *jumps, value)
