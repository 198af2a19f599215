"""The embedded default model, for real: 1.1 GB of weights, from the user's cache or index."""

import pytest

from cave_agent import CaveAgent, PythonRuntime, Variable
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


async def test_a_program_that_is_longer_than_a_reply_may_be_runs_once_and_whole() -> None:
    runtime = PythonRuntime(variables=[Variable("numbers", [3, 4, 7, 10], "Some numbers")])
    request = (
        "Write one code block that assigns to `squares` a dict from each number of `numbers` to "
        "its square, to `cubes` a dict from each number to its cube, to `evens` the list of the "
        "even ones, to `total` the sum of all numbers, to `largest` the maximum and to `smallest` "
        "the minimum; then print all six."
    )

    async with LocalModel(max_tokens=80) as model:
        response = await CaveAgent(model, runtime=runtime, max_steps=12).run(request)

    assert response.steps_taken > 1 + len(response.code_snippets)  # it was cut
    assert runtime.retrieve("squares") == {3: 9, 4: 16, 7: 49, 10: 100}
    assert runtime.retrieve("smallest") == 3
    assert response.token_usage.cost == 0
