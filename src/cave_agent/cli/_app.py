"""The commands of `cave-agent`."""

import logging
from importlib.util import find_spec
from typing import Annotated

import anyio
import typer

from cave_agent import __version__
from cave_agent.cli._demo import run_demo
from cave_agent.cli._model_choice import choose_model
from cave_agent.cli._screen import Screen
from cave_agent.cli._skills import skills
from cave_agent.errors import CaveAgentError, MissingExtraError, ModelError

app = typer.Typer(
    help="Agents that act by writing Python into a live runtime.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

app.add_typer(skills)


def _tell_version(asked: bool | None) -> None:  # noqa: FBT001  # what typer calls
    if asked:
        typer.echo(f"cave-agent {__version__}")
        raise typer.Exit


@app.callback()
def commands(
    version: Annotated[  # used by `_tell_version`
        bool | None,
        typer.Option("--version", callback=_tell_version, is_eager=True, help="Tell the version."),
    ] = None,
) -> None:
    """Agents that act by writing Python into a live runtime."""


@app.command()
def demo(
    model: Annotated[
        str,
        typer.Option(
            help="`auto`: what is at hand, a provider whose key is set, a server on this machine, or "
            "else `local`, the embedded model. Or a GGUF file, `hf:owner/repository/file`, or the "
            "URL of an OpenAI-compatible server, whose key is read from OPENAI_API_KEY."
        ),
    ] = "auto",
    model_id: Annotated[
        str | None, typer.Option(help="The model's name there.", show_default="chosen for you")
    ] = None,
) -> None:
    """Let a model analyse real measurements of penguins, and check what it did."""
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # it tells every retry
    screen = Screen()
    try:
        if find_spec("pandas") is None:
            raise MissingExtraError("The demo", extra="demo")
        is_right = anyio.run(_run, model, model_id, screen)
    except CaveAgentError as error:
        screen.problem(str(error))
        if isinstance(error, ModelError) and ("://" in model or model == "auto"):
            screen.say(
                "Here base_url is what --model says, or OPENAI_BASE_URL; model_id is what --model-id "
                "says; api_key is read from the environment."
            )
        raise typer.Exit(2) from error
    finally:
        screen.rest()
    raise typer.Exit(0 if is_right else 1)


async def _run(model: str, model_id: str | None, screen: Screen) -> bool:
    return await run_demo(await choose_model(model, model_id, screen), screen)
