"""Parsing is not disturbed by what other threads do."""

import ast
import sys
import threading
from collections.abc import Iterator

import pytest

from cave_agent.security import syntax_tree

SOURCE = "def f(a, b=[1, (2, 3)]):\n    return [x * (y + 1) for x in a for y in b]\n" * 30


class Finalized:
    """Its collection, which may begin in the middle of a parse, lets other threads run."""

    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        for _ in range(50):
            pass


@pytest.fixture
def eager_threads() -> Iterator[None]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("eager_threads")
def test_threads_that_parse_at_once_are_no_failure() -> None:
    failures: list[BaseException] = []

    def parse(depth: int) -> None:
        if depth:
            parse(depth - 1)
            return
        for _ in range(60):
            _ = [Finalized() for _ in range(20)]
            try:
                syntax_tree(SOURCE)
            except SystemError as error:
                failures.append(error)

    threads = [threading.Thread(target=parse, args=(depth,)) for depth in (5, 100, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []


def test_a_tree_is_the_one_that_python_makes() -> None:
    assert ast.dump(syntax_tree(SOURCE)) == ast.dump(ast.parse(SOURCE))
