"""The strictest rules on code that the package's own four can be."""

from cave_agent.security import AttributeRule, FunctionRule, ImportRule, SecurityChecker

_MODULES = {
    *(
        "os",
        "sys",
        "io",
        "subprocess",
        "socket",
        "ctypes",
        "importlib",
        "shutil",
        "builtins",
        "runpy",
    ),
    *(
        "pickle",
        "marshal",
        "multiprocessing",
        "signal",
        "pathlib",
        "urllib",
        "http",
        "gc",
        "inspect",
    ),
    *("threading", "resource", "mmap", "sqlite3", "fcntl", "tempfile", "codecs", "posix", "pty"),
}
_FUNCTIONS = {
    *("eval", "exec", "compile", "open", "__import__", "getattr", "setattr", "delattr", "globals"),
    *("locals", "vars", "input", "breakpoint", "dir", "memoryview", "type", "super", "object"),
}
_ATTRIBUTES = {
    *(
        "__class__",
        "__base__",
        "__bases__",
        "__mro__",
        "__subclasses__",
        "__globals__",
        "__builtins__",
    ),
    *("__self__", "__func__", "__closure__", "__code__", "__dict__", "__reduce__", "__reduce_ex__"),
    *("__getattribute__", "__getstate__", "__init__", "__loader__", "__spec__", "__import__"),
    *("__traceback__", "__wrapped__", "tb_frame", "gi_frame", "ag_frame", "cr_frame", "f_back"),
    *("f_globals", "f_locals", "f_builtins", "gi_code", "_key", "modules", "system", "popen"),
}


def strictest() -> SecurityChecker:
    """Rules that forbid what is known to lead to files, processes, networks and the host's objects."""
    return SecurityChecker(
        [
            ImportRule(_MODULES),
            FunctionRule(_FUNCTIONS),
            AttributeRule(_ATTRIBUTES),
        ]
    )
