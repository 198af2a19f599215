import pytest

from cave_agent.security import FunctionRule, SecurityChecker


def judged(code: str, *functions: str) -> list[str]:
    checker = SecurityChecker([FunctionRule(set(functions))])
    return [violation.message for violation in checker.check_code(code)]


def test_the_message_names_the_function_its_line_and_the_reason() -> None:
    checker = SecurityChecker([FunctionRule({"eval"}, description="use json.loads")])

    found = checker.check_code("x = 1\neval('1')")

    assert [violation.message for violation in found] == [
        "line 2: use of 'eval' is forbidden: use json.loads"
    ]


@pytest.mark.parametrize(
    "code",
    [
        "eval('1')",
        "e = eval",
        "@eval\ndef f(): ...",
        "def f(x=eval): ...",
        "def f(*, x=eval): ...",
        "f = lambda x=eval: x",
        "list(map(eval, ['1']))",
        "class A(eval): ...",
        "[eval][0]('1')",
        "{'e': eval}['e']('1')",
        "match x:\n    case eval(): ...",
        "match x:\n    case _ if eval(x): ...",
        "f'{eval(1)}'",
        "import builtins\nbuiltins.eval('1')",
        "import builtins as b\nb.eval('1')",
        "from builtins import eval as e",
        "from builtins import *\neval('1')",
        "__builtins__.eval('1')",
        "__builtins__['eval']('1')",
        "__builtins__.get('eval')",
        "__builtins__.__dict__['eval']",
        "__builtins__.__getitem__('eval')",
        "__builtins__.__getattribute__('eval')",
        "object.__getattribute__(__builtins__, 'eval')",
        "b = __builtins__\nobject.__getattribute__(b, 'eval')",
        "getattr(__builtins__, 'ev' + 'al')",
        "g = getattr\ng(__builtins__, 'ev' + 'al')",
        "getattr(*[__builtins__, 'eval'])",
        "name = 'ev' + 'al'\ngetattr(__builtins__, name)",
        "for name in ['abs', 'eval']:\n    getattr(__builtins__, name)",
        "getattr(__builtins__, 'eval' if x else 'abs')",
        "getattr(__builtins__, (n := 'eval'))",
        "getattr(__import__('builtins'), 'eval')",
        "(x or __builtins__).eval",
        "(__builtins__ if x else y).eval",
        "(b := __builtins__).eval",
        "[__builtins__][0].eval",
        "globals()['__builtins__']['eval']",
        "globals()['__builtins__'].eval",
        "globals()['eval']",
        "import builtins\nvars(builtins)['eval']",
        "import builtins\nbuiltins.__dict__['eval']",
        "import builtins\nd = vars(builtins)\nd['eval']",
        "import builtins\nvars(builtins).pop('eval')",
        "import sys\nsys.modules['builtins'].eval",
        "\N{FULLWIDTH LATIN SMALL LETTER E}val('1')",
    ],
)
def test_a_builtin_is_seen_however_it_is_reached(code: str) -> None:
    assert any("use of 'eval'" in message for message in judged(code, "eval"))


@pytest.mark.parametrize(
    "code",
    [
        "os.system('x')",
        "import os\nos.system('x')",
        "import os as o\no.system('x')",
        "import os\no = os\no.system('x')",
        "import os\ndef f(o=os): o.system('x')",
        "from os import system",
        "from os import *\nsystem('x')",
        "__import__('os').system('x')",
        "__import__('os.path').system('x')",
        "import importlib\nimportlib.import_module('os').system('x')",
        "import os\ngetattr(os, 'sys' + 'tem')('x')",
        "import os\nos.__dict__['system']('x')",
        "import os\nvars(os)['system']('x')",
        "import os\nos.system = print",
        "import sys\nsys.modules['os'].system('x')",
        "import os as o\nglobals()['o'].system('x')",
    ],
)
def test_a_member_of_a_module_is_seen_however_it_is_reached(code: str) -> None:
    assert any("use of 'os.system'" in message for message in judged(code, "os.system"))


def test_an_alias_is_named_beside_what_it_stands_for() -> None:
    code = "from os import system as s\ns('x')"

    assert judged(code, "os.system") == [
        "line 1: use of 'os.system' is forbidden",
        "line 2: use of 'os.system' (here called 's') is forbidden",
    ]


@pytest.mark.parametrize(
    "code",
    ["getattr(__builtins__, name)", "__builtins__[name]", "vars(__builtins__).get(name)"],
)
def test_a_builtin_with_a_computed_name_cannot_be_judged(code: str) -> None:
    assert judged(code, "eval") == [
        "line 1: a member of 'builtins' whose name is computed cannot be judged. Write the name out."
    ]


def test_a_computed_name_matters_only_where_something_is_forbidden() -> None:
    code = "import os\ngetattr(os, name)\nglobals()[name]\nimport sys\ngetattr(sys, name)"

    assert judged(code, "eval") == []
    assert judged(code, "os.system") == [
        "line 2: a member of 'os' whose name is computed cannot be judged. Write the name out."
    ]


@pytest.mark.parametrize(
    "code",
    [
        "frame.eval('a + b')",
        "model.eval()",
        "from re import compile",
        "eval = 3",
        "def eval(x): ...",
        "x.eval = 3",
        "evaluate('1')",
        "'eval'",
        "os.systematic()",
        "import os\nos.path.system",
        "d = {}\nd['eval']",
        "globals",
        "__builtins__.get()",
        "object.__getattribute__()",
        "getattr(x)",
    ],
)
def test_what_only_looks_alike_passes(code: str) -> None:
    assert judged(code, "eval", "os.system") == []


def test_a_builtin_may_be_written_with_its_module() -> None:
    assert judged("eval('1')", "builtins.eval") == ["line 1: use of 'eval' is forbidden"]


def test_the_other_home_of_open_is_known() -> None:
    assert judged("import io\nio.open('x')", "open") == ["line 2: use of 'open' is forbidden"]


def test_a_namespace_of_a_namespace_leads_nowhere() -> None:
    assert judged("d = vars(x)\nd = d.__dict__\nd = vars(d)\nd = d.__dict__", "eval") == []
