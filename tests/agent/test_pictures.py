"""Pictures reach listeners, and the models that see."""

from base64 import b64encode
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from inline_snapshot import snapshot
from PIL import Image

from cave_agent import CaveAgent, OpenAIServerModel, PythonRuntime, ScriptedModel, Variable
from cave_agent.events import PictureEvent
from cave_agent.models import (
    FallbackModel,
    LiteLLMModel,
    Model,
    RecordingModel,
    ReplayModel,
    RetryingModel,
    code,
)
from cave_agent.testing import ScriptedServer

pytestmark = pytest.mark.anyio


def album() -> PythonRuntime:
    return PythonRuntime(variables=[Variable("photo", Image.new("RGB", (3, 2)))])


async def test_a_picture_is_an_event_behind_the_cells_output() -> None:
    agent = CaveAgent(ScriptedModel(code("photo"), "Done."), runtime=album())

    events = [event async for event in agent.stream_events("Show the photo")]

    assert [event.type.value for event in events] == snapshot(
        ["code", "execution_output", "picture", "text", "final_response"]
    )
    assert isinstance(events[2], PictureEvent)
    assert events[2].picture.data_url.startswith("data:image/png;base64,iVBORw0KGgo")
    assert agent.messages[3].content == snapshot(
        """\
<output>
Image, 3 × 2 pixels, RGB
[picture, 3 x 2 pixels, shown to the user]
</output>
Go on, or state the result in a sentence.\
"""  # noqa: RUF001  # as people write it
    )


@pytest.mark.parametrize("sees", [True, False])
@pytest.mark.parametrize("make", [OpenAIServerModel, LiteLLMModel])
async def test_a_model_that_sees_is_sent_the_picture(make: Any, *, sees: bool) -> None:
    name = "m" if make is OpenAIServerModel else "openai/m"
    async with (
        ScriptedServer(code("photo"), "Black.", "Still black.") as server,
        make(name, server.base_url, sees_images=sees) as model,
    ):
        agent = CaveAgent(model, runtime=album())
        await agent.run("What is on the photo?")
        await agent.run("Again?")

    for request in server.requests[1:]:
        content = request["messages"][3]["content"]
        if not sees:
            assert isinstance(content, str)
            continue
        text, image = content
        assert text["type"] == "text"
        assert "3 x 2 pixels" in text["text"]
        (picture,) = agent.messages[3].pictures
        data = b64encode(picture.data).decode()
        assert image == {
            "type": "image_url",
            "image_url": {"url": f"data:image/png;base64,{data}"},
        }


class Seeing(Model):
    """A user's own model, which is given data URLs."""

    sees_images = True

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self._scripted = ScriptedModel(code("photo"), "Black.")

    async def call(self, messages: list[dict[str, Any]]) -> Any:
        self.asked = messages
        return await self._scripted.call(messages)


@pytest.mark.parametrize("wrap", [RetryingModel, lambda model: FallbackModel([model, Seeing()])])
async def test_what_wraps_a_model_that_sees_does_so_too(wrap: Any) -> None:
    inner = Seeing()

    await CaveAgent(wrap(inner), runtime=album()).run("What is on the photo?")

    assert [len(message.get("images", ())) for message in inner.asked] == [0, 0, 0, 1]


async def test_a_model_is_sent_the_latest_pictures_only() -> None:
    cell = code("display(*[photo.resize((n, 2)) for n in range(2, 8)])")
    inner = Seeing()
    inner._scripted = ScriptedModel(cell, cell, "Black.")

    await CaveAgent(inner, runtime=album()).run("What is on the photos?")

    assert [len(message.get("images", ())) for message in inner.asked] == [0, 0, 0, 2, 0, 6]


async def test_a_fallback_to_a_model_that_does_not_see_does_not_see() -> None:
    inner = Seeing()

    await CaveAgent(FallbackModel([inner, ScriptedModel()]), runtime=album()).run("Look")

    assert not any("images" in message for message in inner.asked)


async def test_a_cassette_has_no_images(tmp_path: Path) -> None:
    inner = Seeing()
    path = tmp_path / "seen.jsonl"
    await CaveAgent(RecordingModel(inner, path), runtime=album()).run("Look")

    response = await CaveAgent(ReplayModel(path), runtime=album()).run("Look")

    assert "images" in inner.asked[-1]
    assert "base64" not in path.read_text("utf-8")
    assert response.content == "Black."
    assert inner.cost(response.token_usage) in {None, Decimal()}


async def test_pictures_count_in_usage_that_nobody_reports() -> None:
    model = ScriptedModel(code("photo"), "Done.", code("photo"), "Done.")
    blind = await CaveAgent(model, runtime=album()).run("Show the photo")
    model.sees_images = True  # type: ignore[attr-defined]

    seeing = await CaveAgent(model, runtime=album()).run("Show the photo")

    assert seeing.token_usage.prompt_tokens == blind.token_usage.prompt_tokens + 1000
