from hypothesis import example, given
from hypothesis import strategies as st

from cave_agent.errors import SecurityRuleError
from cave_agent.security import (
    AttributeRule,
    FunctionRule,
    ImportRule,
    RegexRule,
    SecurityChecker,
    SecurityViolation,
)


def checker() -> SecurityChecker:
    return SecurityChecker(
        [
            ImportRule({"os"}),
            FunctionRule({"eval", "os.system"}),
            AttributeRule({"__globals__"}),
            RegexRule(r"rm\s+-rf"),
        ]
    )


def codes() -> st.SearchStrategy[str]:
    """Expressions with `eval` somewhere inside."""
    return st.recursive(
        st.just("eval"),
        lambda inner: st.one_of(
            inner.map("({})".format),
            inner.map("[1, {}]".format),
            inner.map("f(x, {})".format),
            inner.map("f(k={})".format),
            inner.map("(lambda a={0}: a)".format),
            inner.map("[x for x in y if {}]".format),
            inner.map("{{'a': {}}}".format),
            inner.map("({}).method(1)[2:3]".format),
            inner.map("(1 if {} else 2)".format),
            inner.map("(not -x < {} or y)".format),
            inner.map("(w := {})".format),
            inner.map("[*{}]".format),
        ),
        max_leaves=12,
    )


def statements() -> st.SearchStrategy[str]:
    return st.sampled_from(
        [
            "{}",
            "x = y = {}",
            "x: int = {}",
            "x: {} = 1",
            "x += {}",
            "del x[{}]",
            "assert x, {}",
            "raise x from {}",
            "for x in {}: pass",
            "while {}: pass",
            "with {} as x: pass",
            "async def f(): await {}",
            "def f(x: {}): return 1",
            "@{}\nclass A: pass",
            "class A(metaclass={}): pass",
            "try: pass\nexcept {}: pass",
            "match x:\n    case [1] if {}: pass",
            "def f():\n    yield {}",
        ]
    )


@given(expression=codes(), statement=statements())
def test_a_forbidden_name_is_found_in_any_nesting(expression: str, statement: str) -> None:
    found = checker().check_code(statement.format(expression))

    assert any("use of 'eval'" in violation.message for violation in found)


@given(st.text())
@example("import os")
@example("\x0c")
@example("f'{x!r:{y}}'")
def test_any_text_is_judged_or_refused_by_the_error_for_it(text: str) -> None:
    try:
        found = checker().check_code(text)
    except SecurityRuleError:
        return

    assert all(isinstance(violation, SecurityViolation) for violation in found)


NAMES = st.sampled_from(["a", "b", "c", "getattr", "__builtins__", "vars", "globals()"])
VALUES = st.sampled_from(
    [
        "{}",
        "{}.__dict__",
        "{}[a]",
        "{} + 'x'",
        "'%s' % {}",
        "[{}, b]",
        "vars({})",
        "{}.a",
        "{}.join(b)",
    ]
)


@given(st.lists(st.tuples(st.sampled_from("abc"), VALUES, NAMES), max_size=12))
def test_names_bound_in_circles_come_to_an_end(lines: list[tuple[str, str, str]]) -> None:
    code = "\n".join(f"{target} = {value.format(name)}" for target, value, name in lines)

    assert isinstance(checker().check_code(code), list)
