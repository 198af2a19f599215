"""What confines the process in which isolated cells run."""

from cave_agent.sandbox._confinement import Cage, Layers, confine, jail_folder
from cave_agent.sandbox._gates import Gate, gates_of, open_gates
from cave_agent.sandbox._namespaces import adopt_orphans, enter
from cave_agent.sandbox._policy import Limits, Sandbox
from cave_agent.sandbox._watch import Watch, excess_of

__all__ = [
    "Cage",
    "Gate",
    "Layers",
    "Limits",
    "Sandbox",
    "Watch",
    "adopt_orphans",
    "confine",
    "enter",
    "excess_of",
    "gates_of",
    "jail_folder",
    "open_gates",
]
