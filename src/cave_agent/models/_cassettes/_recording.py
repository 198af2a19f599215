"""Writes down what is asked of a model and what it replies; it changes neither."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from decimal import Decimal
from pathlib import Path
from types import TracebackType

from typing_extensions import override

from cave_agent.models._adapt import (
    call_model,
    checked_model,
    close_model,
    cost_of,
    open_stream,
    secrets_of,
    sees_images,
)
from cave_agent.models._cassettes._tape import Take, Tape
from cave_agent.models._protocol import (
    Delta,
    DeltaStream,
    Model,
    ModelResponse,
    TokenUsage,
    WireMessages,
)


class RecordingModel(Model):
    """Passes on to a model and back, and writes every exchange to a file for `ReplayModel`.

    The file is a cassette: readable JSON, a line an exchange, written when the exchange ends,
    however it ends. In the place of keys, tokens and passwords it has `[secret]`: of what the model
    tells in its `secrets`, of the values of environment variables named so, and of what looks like
    a key of a well-known provider. A secret of fewer than 8 characters is not taken for one.

    Args:
        model: What replies.
        path: The file to write, which must not exist yet; it is made at once.

    Raises:
        TypeError: `model` is no model; no file is made.
        CassetteError: There is a file at `path` already, or it cannot be written.
    """

    def __init__(self, model: Model, path: str | Path) -> None:
        self.model = checked_model(model)
        self._path = Path(path)
        self._tape = Tape(self._path, model)

    def __repr__(self) -> str:
        return f"RecordingModel({self.model!r}, {str(self._path)!r})"

    @property
    def secrets(self) -> tuple[str, ...]:
        """The model's, which must not be written down."""
        return secrets_of(self.model)

    @property
    def sees_images(self) -> bool:  # type: ignore[override]  # told by the model
        """Whether the model sees."""
        return sees_images(self.model)

    @override
    async def call(self, messages: WireMessages) -> ModelResponse:
        """The model's whole reply to `messages`.

        Raises:
            ModelError: There is no usable reply.
            CassetteError: The exchange cannot be written.
        """
        take = self._tape.begin(messages)
        try:
            take.heard = response = await call_model(self.model, messages)
        except BaseException as error:
            take.note(error)
            await self._tape.write(take, error)
            raise
        take.has_ended = True
        await self._tape.write(take)
        return response

    @override
    def stream(self, messages: WireMessages) -> DeltaStream:
        """The model's reply in the very pieces in which it comes.

        Raises:
            ModelError: There is no usable reply, or it broke off.
            CassetteError: The exchange cannot be written.
        """
        return _RecordedStream(self.model, messages, self._tape)

    @override
    def cost(self, usage: TokenUsage) -> Decimal | None:
        """What the model says that `usage` costs."""
        return cost_of(self.model, usage)

    @override
    async def aclose(self) -> None:
        """Close the model."""
        await close_model(self.model)


class _RecordedStream(AbstractAsyncContextManager[AsyncIterator[Delta]], AsyncIterator[Delta]):
    """A stream that is taken down as it is read."""

    def __init__(self, model: Model, messages: WireMessages, tape: Tape) -> None:
        self._model = model
        self._messages = messages
        self._tape = tape

    @override
    async def __aenter__(self) -> AsyncIterator[Delta]:
        self._heard: list[Delta] = []
        self._take: Take = self._tape.begin(self._messages)
        self._take.heard = self._heard
        try:
            self._opened = open_stream(self._model, self._messages)
            self._deltas = await self._opened.__aenter__()
        except BaseException as error:
            self._take.note(error)
            await self._tape.write(self._take, error)
            raise
        return self

    @override
    async def __anext__(self) -> Delta:
        try:
            delta = await anext(self._deltas)
        except StopAsyncIteration:
            self._take.has_ended = True
            raise
        except Exception as error:
            self._take.note(error)
            raise
        self._heard.append(delta)
        return delta

    @override
    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        passing = error
        try:
            return await self._opened.__aexit__(kind, error, traceback)
        except BaseException as raised:
            passing = raised
            if error is self._take.error:  # what the model makes of its own error, or a late one
                self._take.note(raised)
            raise
        finally:
            await self._tape.write(self._take, passing)
