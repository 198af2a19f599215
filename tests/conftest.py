"""What every test shares: the event loop that the product runs on."""

import pytest


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
