import pytest

from cave_agent.security import AttributeRule, SecurityChecker


def judged(code: str, *attributes: str) -> list[str]:
    checker = SecurityChecker([AttributeRule(set(attributes or {"__globals__"}))])
    return [violation.message for violation in checker.check_code(code)]


@pytest.mark.parametrize(
    "code",
    [
        "f.__globals__",
        "f.__globals__ = 1",
        "del f.__globals__",
        "f().g[0].__globals__",
        "getattr(f, '__globals__')",
        "getattr(f, '__glo' + 'bals__')",
        "getattr(f, '__glo' + 'bals__', None)",
        "getattr(f, '__slabolg__'[::-1])",
        "name = '__globals__'; getattr(f, name)",
        "g = getattr; g(f, '__globals__')",
        "__builtins__.getattr(f, '__globals__')",
        "__builtins__.__dict__['getattr'](f, '__globals__')",
        "setattr(f, '__globals__', 1)",
        "delattr(f, '__globals__')",
        "hasattr(f, '__globals__')",
        "import inspect; inspect.getattr_static(f, '__globals__')",
        "object.__getattribute__(f, '__globals__')",
        "f.__getattribute__('__globals__')",
        "f.__setattr__('__globals__', 1)",
        "type(f).__dict__['__globals__']",
        "vars(f)['__globals__']",
        "vars(f).get('__globals__')",
        "f.__dict__.get('__globals__')",
        "d = f.__dict__; d['__globals__']",
        "import operator; operator.attrgetter('__globals__')(f)",
        "import operator; operator.attrgetter('x', 'a.__globals__')(f)",
        "from operator import attrgetter as ag; ag('__globals__')(f)",
        "import operator; operator.methodcaller('__globals__')(f)",
        "'{0.__globals__}'.format(f)",
        "'{0.__globals__[x]!r:>5}'.format(f)",
        "'{:{0.__globals__}}'.format(f)",
        "'{0[:].__globals__}'.format(f)",
        "('{0.__glo' + 'bals__}').format(f)",
        "t = '{0.__globals__}'; t.format(f)",
        "r = '{0.__globals__}'.format; r(f)",
        "'{f.__globals__}'.format_map({'f': f})",
        "str.format('{0.__globals__}', f)",
        "import string; string.Formatter().format('{0.__globals__}', f)",
        "import string; string.Formatter().vformat('{0.__globals__}', [f], {})",
        "f'{f.__globals__}'",
        "from m import __globals__ as g",
        "__globals__",
    ],
)
def test_an_attribute_is_seen_in_every_spelling(code: str) -> None:
    assert judged(code) == ["line 1: attribute '__globals__' is forbidden"]


def test_a_class_pattern_reads_attributes() -> None:
    code = "match f:\n    case object(__globals__=g):\n        pass"

    assert judged(code) == ["line 2: attribute '__globals__' is forbidden"]


@pytest.mark.parametrize(
    "code",
    [
        "getattr(f, name)",
        "getattr(f, *names)",
        "'__globals__'",
        "d['__globals__']",
        "d.get('__globals__')",
        "'{0}.__globals__'.format(f)",
        "'{:.2f}'.format(f)",
        "f.globals",
        "operator = 1; operator.attrgetter(name)",
        "template.format()",
    ],
)
def test_what_only_looks_alike_passes(code: str) -> None:
    assert judged(code) == []


def test_a_variable_is_no_attribute() -> None:
    assert judged("name = 1\nprint(name)\nx.name", "name") == [
        "line 3: attribute 'name' is forbidden"
    ]
