"""All attempts, by what they are about."""

from collections.abc import Mapping

from tests.isolation.abuse.ast_tricks import AST
from tests.isolation.abuse.attempt import Attempt
from tests.isolation.abuse.files import FILE
from tests.isolation.abuse.floods import FLOODS
from tests.isolation.abuse.network import NET
from tests.isolation.abuse.outputs import OUTPUT
from tests.isolation.abuse.processes import PROCESS
from tests.isolation.abuse.resources import RESOURCE
from tests.isolation.abuse.retrieved import RETRIEVE
from tests.isolation.abuse.secret_reads import SECRETS
from tests.isolation.abuse.tampering import TAMPER

GROUPS: Mapping[str, tuple[Attempt, ...]] = {
    "ast": AST,
    "file": FILE,
    "secrets": SECRETS,
    "net": NET,
    "process": PROCESS,
    "resource": RESOURCE,
    "output": OUTPUT,
    "retrieve": RETRIEVE,
    "tamper": (*TAMPER, *FLOODS),
}
"""The attempts of each group."""
