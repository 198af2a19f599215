"""What the embedded model once said, played to the agent of now.

After a change of prompts or of `conversations.py`, record the cassettes again with
`python -m tests.models.record_cassettes`, and read the diff.
"""

import pytest
from inline_snapshot import snapshot
from tests.models.conversations import CASSETTES, CONVERSATIONS, Door

from cave_agent import ExecutionStatus
from cave_agent.models import ReplayModel

pytestmark = pytest.mark.anyio


async def test_the_recorded_model_still_raises_the_prices() -> None:
    outcome = await CONVERSATIONS["stock"](ReplayModel(CASSETTES / "stock.jsonl"))

    assert outcome.runtime.retrieve("stock") == [
        {"name": "apples", "count": 12, "price": 6},
        {"name": "pears", "count": 8, "price": 8},
        {"name": "plums", "count": 30, "price": 3},
    ]
    assert str(12 * 6 + 8 * 8 + 30 * 3) in outcome.responses[0].content


async def test_the_recorded_model_still_builds_on_its_first_turn() -> None:
    outcome = await CONVERSATIONS["guests"](ReplayModel(CASSETTES / "guests.jsonl"))

    assert outcome.runtime.retrieve("people") == 8
    assert outcome.runtime.retrieve("seats") == 10
    assert [response.status for response in outcome.responses] == [ExecutionStatus.SUCCESS] * 2


async def test_the_recorded_model_still_mends_what_failed() -> None:
    outcome = await CONVERSATIONS["door"](ReplayModel(CASSETTES / "door.jsonl"))

    assert outcome.runtime.retrieve("door") == Door(is_locked=False, is_open=True)
    assert outcome.responses[0].code_snippets == snapshot(
        (
            "door.open()\n",
            """\
door.unlock()
door.open()
""",
        )
    )
    assert outcome.responses[0].status is ExecutionStatus.SUCCESS


def test_every_cassette_is_of_a_conversation() -> None:
    assert {path.stem for path in CASSETTES.glob("*.jsonl")} == CONVERSATIONS.keys()
