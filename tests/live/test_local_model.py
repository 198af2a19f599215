"""The embedded default model, for real: 1.1 GB of weights, from the user's cache or index."""

import pytest

from cave_agent.models import LocalModel

pytestmark = [pytest.mark.anyio, pytest.mark.live, pytest.mark.timeout(240)]


async def test_the_default_model_says_hello() -> None:
    async with LocalModel(max_tokens=32) as model:
        response = await model.call([{"role": "user", "content": "Say hello"}])

    assert "hello" in response.content.lower()
    assert response.token_usage.total_tokens > 0


async def test_the_default_model_writes_a_block_of_python() -> None:
    asked = "Print the sum of 2 and 3. Answer with one block of Python code."
    messages = [{"role": "user", "content": asked}]
    async with LocalModel(max_tokens=128) as model, model.stream(messages) as deltas:
        reply = "".join([delta.text async for delta in deltas])

    assert "```python" in reply
    assert "print(" in reply
