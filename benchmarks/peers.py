"""The peers: other frameworks, each installed in an environment of its own."""

import os
import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Contender:
    """A framework that plays.

    Attributes:
        module: What `import` calls it.
        player: The module of `benchmarks.players` that plays with it.
        requirement: What pip installs; empty for what is installed here.
        variable: The environment variable that may name an environment that has it.
        beside: What else it needs to play.
    """

    name: str
    module: str
    player: str
    requirement: str = ""
    variable: str = ""
    beside: tuple[str, ...] = ()

    def python(self) -> str:
        """The interpreter that has it, made ready if need be."""
        if not self.requirement:
            return sys.executable
        named = os.environ.get(self.variable)
        environment = Path(named) if named else HERE / ".envs" / self.requirement
        python = environment / "bin" / "python"
        if not python.exists():
            self._install(environment)
        return str(python)

    def _install(self, environment: Path) -> None:
        venv.create(environment, with_pip=True)
        install = [environment / "bin" / "python", "-m", "pip", "install", "-qq"]
        try:
            subprocess.run([*install, self.requirement, *self.beside], check=True)
        except BaseException:
            shutil.rmtree(environment)  # else it would pass for ready the next time
            raise


OURS = Contender("cave-agent", "cave_agent", "cave")
PEERS = (
    Contender(
        "cave-agent 0.6.5",
        "cave_agent",
        "cave",
        "cave-agent==0.6.5",
        "BENCH_CAVE_AGENT",
        ("openai", "pandas", "numpy"),
    ),
    Contender("smolagents 1.26", "smolagents", "smol", "smolagents==1.26.0", "BENCH_SMOLAGENTS"),
)
KERNEL = Contender(
    "ipykernel 7.4", "ipykernel", "kernel", "ipykernel==7.4.0", "BENCH_IPYKERNEL", ("pandas",)
)  # fmt: skip


def run(contender: Contender, *arguments: str) -> str:
    """What its interpreter prints, run beside this package."""
    command = [contender.python(), *arguments]
    ran = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, cwd=HERE.parent)
    return ran.stdout
