"""The entry point of `cave-agent`; it can say which extra is missing when one is."""

import sys
from importlib.util import find_spec

from cave_agent.errors import MissingExtraError


def main() -> None:
    """Run the command line."""
    if not all(find_spec(name) for name in ("typer", "rich")):
        extra = "demo" if sys.argv[1:2] == ["demo"] else "cli"
        sys.exit(str(MissingExtraError("The command cave-agent", extra=extra)))
    from cave_agent.cli._app import app  # noqa: PLC0415  # needs the extra

    app()
