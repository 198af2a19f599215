"""The command line: reads what the user wants, draws what happens."""

from cave_agent.cli._main import main

__all__ = ["main"]
