"""Records the cassettes anew with the embedded model: `python -m tests.models.record_cassettes`.

Names of conversations may follow, to record only these. A cassette is replaced only if every
request of its conversation was answered.
"""

import asyncio
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.models.conversations import CASSETTES, CONVERSATIONS

from cave_agent import ExecutionStatus
from cave_agent.models import LocalModel, RecordingModel


async def record(names: list[str]) -> None:
    async with LocalModel() as model:
        for name in names:
            with TemporaryDirectory(dir=CASSETTES) as folder:
                path = Path(folder) / f"{name}.jsonl"
                outcome = await CONVERSATIONS[name](RecordingModel(model, path))
                for response in outcome.responses:
                    print(f"{name}: {response}")
                    if response.status is not ExecutionStatus.SUCCESS:
                        sys.exit(f"{name} has no answer, so its cassette stays as it was.")
                path.replace(CASSETTES / path.name)


asyncio.run(record(sys.argv[1:] or list(CONVERSATIONS)))
