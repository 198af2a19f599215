import pytest

from cave_agent.security import ImportRule, SecurityChecker

COMPUTED = (
    "line {}: an import whose module is computed cannot be judged. Write a plain import statement."
)


def judged(code: str, *modules: str) -> list[str]:
    checker = SecurityChecker([ImportRule(set(modules or {"os"}))])
    return [violation.message for violation in checker.check_code(code)]


def test_a_forbidden_module_is_named_with_its_line() -> None:
    assert judged("x = 1\nimport os") == ["line 2: import of 'os' is forbidden"]


@pytest.mark.parametrize(
    "code",
    [
        "import os.path",
        "import os.path as p",
        "from os import path",
        "from os import path as p",
        "import json, os.path",
        "if True: import os.path",
        "from importlib import import_module as im; im('os.path')",
        "__import__('os.path')",
    ],
)
def test_a_submodule_of_a_forbidden_module_is_forbidden(code: str) -> None:
    assert judged(code) == ["line 1: import of 'os.path' is forbidden (module 'os')"]


def test_a_star_import_is_an_import() -> None:
    assert judged("from os.path import *") == [
        "line 1: import of 'os.path' is forbidden (module 'os')"
    ]


@pytest.mark.parametrize(
    "code",
    [
        "__import__('os')",
        "__import__(name='os')",
        "__import__('o' + 's')",
        "__import__('%s%s' % ('o', 's'))",
        "__import__('o%s' % 's')",
        "__import__(f'{\"o\"}s')",
        "__import__(f'{\"o\"!s}s')",
        "__import__(''.join(['o', 's']))",
        "__import__(''.join(('o', 's')))",
        "__import__('so'[::-1])",
        "__import__('x'.join('os').replace('x', ''))",
        "__import__('OS'.lower())",
        "__import__('{}{}'.format('o', 's'))",
        "__import__('xs'.replace('x', 'o'))",
        "__import__(*['os'])",
        "i = __import__; i('os')",
        "i: object = __import__; i('os')",
        "def load(i=__import__): return i('os')",
        "def load(*, x, i=__import__): return i('os')",
        "(lambda i=__import__: i('os'))()",
        "(i := __import__)('os')",
        "__builtins__.__import__('os')",
        "__builtins__['__import__']('os')",
        "getattr(__builtins__, '__imp' + 'ort__')('os')",
        "import builtins as b; b.__import__('os')",
        "import builtins; vars(builtins)['__import__']('os')",
        "import builtins; builtins.__dict__.get('__import__')('os')",
        "import importlib; importlib.import_module('os')",
        "import importlib; importlib.import_module(name='os')",
        "import importlib; importlib.__import__('os')",
        "import importlib as il; il.import_module('os')",
        "import importlib as il; load = il.import_module; load('os')",
        "import importlib; a, b = 1, importlib; b.import_module('os')",
        "import importlib; [a, *b] = [importlib, 1, 2]; a.import_module('os')",
        "import importlib; (a, b), c = (importlib, 1), 2; a.import_module('os')",
        "for m in [__import__('importlib')]: m.import_module('os')",
        "[m.import_module('os') for m in (__import__('importlib'),)]",
        "from importlib import *; import_module('os')",
        "from importlib import import_module; import_module('os')",
        "getattr(__import__('importlib'), 'import_module')('os')",
        "import sys; sys.modules['os']",
        "import sys; sys.modules.get('os')",
        "from sys import modules as m; m['os']",
        "import pkgutil; pkgutil.resolve_name('os')",
        "import runpy; runpy.run_module(mod_name='os')",
        "globals()['__builtins__']['__import__']('os')",
    ],
)
def test_an_import_by_call_is_an_import(code: str) -> None:
    assert "line 1: import of 'os' is forbidden" in judged(code)
    assert not any("computed" in message for message in judged(code))


def test_what_an_earlier_cell_imported_is_known_by_its_own_name() -> None:
    checker = SecurityChecker([ImportRule({"os"})])

    earlier = checker.check_code("from importlib import import_module")
    later = checker.check_code("import_module('os')")

    assert earlier == []
    assert [violation.message for violation in later] == ["line 1: import of 'os' is forbidden"]


def test_a_name_used_before_its_alias_is_bound_is_followed() -> None:
    code = "def load():\n    return later('os')\nfrom importlib import import_module as later"

    assert judged(code) == ["line 2: import of 'os' is forbidden"]


def test_aliases_that_go_round_in_circles_are_followed() -> None:
    code = "a = b\nb = a\nb = __import__\na('os')"

    assert judged(code) == ["line 4: import of 'os' is forbidden"]


@pytest.mark.parametrize(
    "code",
    [
        "__import__(input())",
        "__import__()",
        "__import__(**{'name': 'json'})",
        "__import__('%5s' % 'json')",
        "__import__('%d' % 'json')",
        "__import__('{:>5}'.format('json'))",
        "__import__('{}{}'.format('json'))",
        "__import__('json'.replace('a'))",
        "__import__(f'{3}json')",
        "__import__(f'{\"json\":>9}')",
        "__import__('json' * 2)",
        "__import__(name + 'json')",
        "name = 'json'; __import__(name)",
        "import importlib; importlib.import_module('.path', package)",
        "import importlib; importlib.import_module('..path', 'json')",
        "list(map(__import__, ['os']))",
        "list(map(i := __import__, ['os']))",
        "__import__(''.join({'o', 's'}))",
        "__import__('jsonjson'.replace('json', '', count=1))",
        "[__import__][0]",
        "print(__import__)",
        "__import__('json' + 'x' * 3)",
        f"__import__({'a' * 5000!r} + 'b')",
    ],
)
def test_an_import_that_is_computed_cannot_be_judged(code: str) -> None:
    assert judged(code) == [COMPUTED.format(1)]


def test_a_module_named_by_a_variable_is_seen_and_still_not_judged() -> None:
    found = judged("name = 'os'\n__import__(name)")

    assert found == [COMPUTED.format(2), "line 2: import of 'os' is forbidden"]


def test_many_possible_names_are_as_good_as_none() -> None:
    names = [f"m{number}" for number in range(40)]
    code = f"for name in {names!r}:\n    __import__(name + '.' + name)"

    assert COMPUTED.format(2) in judged(code)


def test_a_relative_name_counts_with_its_package() -> None:
    code = "import importlib\nimportlib.import_module('.path', 'os')"

    assert judged(code) == ["line 2: import of 'os.path' is forbidden (module 'os')"]


@pytest.mark.parametrize(
    "code",
    [
        "import osmosis",
        "from . import os",
        "from .os import path",
        "import json as os",
        "__import__('json')",
        "import importlib; importlib.import_module('json.decoder')",
        "import sys; sys.modules[name]",
        "os = 3; print(os)",
        "x: int",
    ],
)
def test_other_imports_pass(code: str) -> None:
    assert judged(code) == []


def test_a_forbidden_submodule_leaves_its_package_alone() -> None:
    code = "import os\nfrom os import path\nimport os.path.x"

    assert judged(code, "os.path") == [
        "line 2: import of 'os.path' is forbidden",
        "line 3: import of 'os.path.x' is forbidden (module 'os.path')",
    ]


def test_a_rule_without_modules_forbids_nothing() -> None:
    assert SecurityChecker([ImportRule(set())]).check_code("__import__(input())") == []
