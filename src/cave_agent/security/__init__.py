"""Rules that refuse a cell before it runs: a guard-rail for mistakes, while the wall is a sandbox."""

from cave_agent.errors import SecurityError, SecurityRuleError
from cave_agent.security._checker import SecurityChecker, check_checker, refusal
from cave_agent.security._protocol import SecurityRule, SecurityViolation
from cave_agent.security._rules import AttributeRule, FunctionRule, ImportRule, RegexRule
from cave_agent.security._syntax import syntax_tree

__all__ = [
    "AttributeRule",
    "FunctionRule",
    "ImportRule",
    "RegexRule",
    "SecurityChecker",
    "SecurityError",
    "SecurityRule",
    "SecurityRuleError",
    "SecurityViolation",
    "check_checker",
    "refusal",
    "syntax_tree",
]
