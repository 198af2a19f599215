"""What every test shares: the event loop of the product, and a tracer that stops cannot break."""

import threading

import coverage
import pytest


def pytest_configure() -> None:
    """Let no stop of a cell or finalizer come between coverage's taking and giving back its lock.

    Coverage takes it at each call, in two functions written in Python, where an exception from
    outside can arrive: the lock then stays taken, and every thread waits for it for ever.
    """
    measured = coverage.Coverage.current()
    collector = measured and measured._collector
    if collector is not None:
        lock = threading.RLock()  # its methods are C's, which nothing cuts off half-way
        collector.data_lock = lock
        for user in (collector, *collector.tracers):
            user.lock_data, user.unlock_data = lock.acquire, lock.release


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
