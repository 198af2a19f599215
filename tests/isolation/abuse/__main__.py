"""Prints how many attempts succeed: `python -m tests.isolation.abuse`.

Each runs in a process of its own, as it may be the end of that. Three columns: cells in a worker,
in the host's process, and there with rules on their code. An attempt also counts as one that
succeeded if the host ended, hung, or could not run the next cell.
"""

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib import import_module
from tempfile import TemporaryDirectory

import anyio
from tests.isolation.abuse.attempt import Attempt, Outcome
from tests.isolation.abuse.groups import GROUPS
from tests.isolation.abuse.rules import strictest
from tests.isolation.abuse.trial import tried, tried_here

COLUMNS = ("worker", "plain", "rules")
_SECONDS = {"worker": 40, "plain": 15, "rules": 15}
_MEMORY = 6 << 30


def main() -> None:
    """Try all, or what is named, and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", nargs="*", default=[], help="groups")
    parser.add_argument("--columns", nargs="*", default=COLUMNS)
    parser.add_argument("--one", nargs=3, metavar=("GROUP", "NUMBER", "COLUMN"))
    options = parser.parse_args()
    if options.one:
        _try_one(*options.one)
        return
    groups = [each for each in GROUPS if not options.only or each in options.only]
    tasks = [(g, n, c) for g in groups for n in range(len(GROUPS[g])) for c in options.columns]
    with (
        TemporaryDirectory(dir="/var/tmp", prefix="abuse-") as folder,
        ThreadPoolExecutor(2) as pool,
    ):
        os.environ["ABUSE_FOLDER"] = folder  # for what the dead leave behind
        how = dict(zip(tasks, pool.map(lambda task: _in_process(*task), tasks), strict=True))
    for group in groups:
        _print_group(group, options.columns, how)
    _print_sums(groups, options.columns, how)


def _print_group(
    group: str, columns: tuple[str, ...], how: dict[tuple[str, int, str], str]
) -> None:
    print(f"\n{group:46}" + "".join(f"{column:>12}" for column in columns))
    for number, attempt in enumerate(GROUPS[group]):
        cells = "".join(f"{how[group, number, column][:10]:>12}" for column in columns)
        print(f"  {attempt.name:44}{cells}")
        for column in columns:
            _, _, why = how[group, number, column].partition(": ")
            print(f"      {column}: {why}\n" if why else "", end="")


def _print_sums(
    groups: list[str], columns: tuple[str, ...], how: dict[tuple[str, int, str], str]
) -> None:
    print("\nsucceeded")
    for column in columns:
        sums = {g: [how[g, n, column] != "-" for n in range(len(GROUPS[g]))] for g in groups}
        told = "  ".join(f"{group} {sum(each)}/{len(each)}" for group, each in sums.items())
        total = sum(map(sum, sums.values())), sum(map(len, sums.values()))
        print(f"  {column:8}{total[0]}/{total[1]}:  {told}")


def _in_process(group: str, number: int, column: str) -> str:
    """How an attempt went, in a word."""
    command = [sys.executable, "-m", "tests.isolation.abuse", "--one", group, str(number), column]
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)  # the library's own
    process = subprocess.Popen(
        ["sh", "-c", '"$@"; exit $?', "sh", *command],  # so that a parent can be killed
        pass_fds=[writing],
        env={**os.environ, "ABUSE_TELL": str(writing)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.close(writing)
    try:
        process.wait(_SECONDS[column])
    except subprocess.TimeoutExpired:
        os.close(reading)
        return "hung"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    told = _told(reading)
    return json.loads(told) if told else "ended"


def _told(reading: int) -> bytes:
    """What is in a pipe by now: there may be processes left that hold its other end."""
    os.set_blocking(reading, False)  # the library's own
    try:
        return os.read(reading, 4096)
    except BlockingIOError:
        return b""
    finally:
        os.close(reading)


def _try_one(group: str, number: str, column: str) -> None:
    attempt = GROUPS[group][int(number)]
    tell = int(os.environ.pop("ABUSE_TELL"))
    os.set_inheritable(tell, False)  # the library's own
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if column == "worker":
        outcome = tried(attempt)
    else:
        import_module("pandas")  # for which a cell has no time
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        outcome = anyio.run(tried_here, attempt, strictest() if column == "rules" else None)
    os.write(tell, json.dumps(_word(attempt, outcome)).encode())
    os._exit(0)  # whatever the cell has left behind


def _word(attempt: Attempt, outcome: Outcome) -> str:
    if outcome.is_stuck:
        return "hung"
    if outcome.raised is not None:
        return f"broke: {outcome.raised!r:.100}"
    if attempt.succeeded(outcome):
        return "succeeded"
    if not outcome.works:
        return "broke"
    return "-"


if __name__ == "__main__":
    main()
