"""The commands of `cave-agent`."""

from importlib.util import find_spec
from typing import Annotated

import anyio
import typer

from cave_agent.cli._demo import run_demo
from cave_agent.cli._model_choice import choose_model
from cave_agent.cli._screen import Screen
from cave_agent.errors import CaveAgentError, MissingExtraError

app = typer.Typer(
    help="Agents that act by writing Python into a live runtime.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def commands() -> None:
    """Keep `demo` a command of its own while it is the only one."""


@app.command()
def demo(
    model: Annotated[
        str,
        typer.Option(
            help="`local`, a GGUF file, `hf:owner/repository/file`, or the URL of an OpenAI-compatible server."
        ),
    ] = "local",
    model_id: Annotated[str, typer.Option(help="The model's name at that server.")] = "default",
) -> None:
    """Let a model analyse real measurements of penguins, and check what it did."""
    screen = Screen()
    try:
        if find_spec("pandas") is None:
            raise MissingExtraError("The demo", extra="demo")
        is_right = anyio.run(run_demo, choose_model(model, model_id, screen), screen)
    except CaveAgentError as error:
        screen.problem(str(error))
        raise typer.Exit(2) from error
    raise typer.Exit(0 if is_right else 1)
