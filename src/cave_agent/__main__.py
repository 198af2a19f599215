"""`python -m cave_agent`."""

from cave_agent.cli import main

main()
