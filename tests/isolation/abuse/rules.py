"""The strictest rules on code that the package's own four can be."""

import sys

from cave_agent.security import AttributeRule, FunctionRule, ImportRule, RegexRule, SecurityChecker

_HARMLESS = {"math", "json", "re", "datetime", "asyncio", "itertools", "collections", "numpy", "pandas"}
_FUNCTIONS = {
    *("eval", "exec", "compile", "open", "__import__", "getattr", "setattr", "delattr", "globals"),
    *("locals", "vars", "input", "breakpoint", "dir", "memoryview", "type", "super", "object"),
}
_ATTRIBUTES = {
    *("__class__", "__base__", "__bases__", "__mro__", "__subclasses__", "__globals__", "__builtins__"),
    *("__self__", "__func__", "__closure__", "__code__", "__dict__", "__reduce__", "__reduce_ex__"),
    *("__getattribute__", "__getstate__", "__init__", "__loader__", "__spec__", "__import__"),
    *("__traceback__", "__wrapped__", "tb_frame", "gi_frame", "ag_frame", "cr_frame", "f_back"),
    *("f_globals", "f_locals", "f_builtins", "gi_code", "_key", "modules", "system", "popen"),
}


def strictest() -> SecurityChecker:
    """Rules that forbid all modules but the most harmless, and all that is known to lead further."""
    return SecurityChecker(
        [
            ImportRule(set(sys.stdlib_module_names) - _HARMLESS),
            FunctionRule(_FUNCTIONS),
            AttributeRule(_ATTRIBUTES),
            RegexRule(r"__(subclasses|globals|builtins|import)__|/proc/|\.ssh"),
        ]
    )
