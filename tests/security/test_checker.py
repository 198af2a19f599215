import ast
import warnings

import pytest
from typing_extensions import override

from cave_agent.errors import SecurityError as ErrorInTheTree
from cave_agent.errors import SecurityRuleError
from cave_agent.security import (
    AttributeRule,
    FunctionRule,
    ImportRule,
    RegexRule,
    SecurityChecker,
    SecurityError,
    SecurityRule,
    SecurityViolation,
)


class NoPower(SecurityRule):
    def check(self, node: ast.AST) -> list[SecurityViolation]:
        return [SecurityViolation("no power")] if isinstance(node, ast.Pow) else []


class Broken(SecurityRule):
    @override
    def check(self, node: ast.AST) -> list[SecurityViolation]:
        raise KeyError("forgotten")


class Giving(SecurityRule):
    def __init__(self, given: object) -> None:
        self.given = given

    @override
    def check(self, node: ast.AST) -> list[SecurityViolation]:
        return self.given


def typical() -> SecurityChecker:
    return SecurityChecker(
        [
            ImportRule({"os", "subprocess", "socket"}),
            FunctionRule({"eval", "exec", "compile", "open", "os.system"}),
            AttributeRule({"__globals__", "__subclasses__", "__builtins__"}),
            RegexRule(r"rm\s+-rf"),
        ]
    )


ORDINARY = [
    """
import pandas as pd
from datetime import date
df = pd.read_csv("sales.csv")
df = df[df["year"] == 2024].T
df["share"] = df["amount"] / df["amount"].sum()
best = df.query("amount > 3").eval("amount * 2").sort_values(by="amount", ascending=False)
print(f"{best['amount'].mean():.2f} by {date.today():%Y-%m}", len(df))
""",
    """
class Node:
    __slots__ = ("next", "value")
    def __init__(self, value, next=None, *, scale=1):
        self.value, self.next = value, next
    def __repr__(self):
        return "Node({!r}, {0.value})".replace("0.", "") if self else ""
node = Node(1, Node(2))
while node:
    value: int = node.value
    node = node.next
""",
    """
import re, sys
async def fetch(names, *rest, **options):
    async with session() as s:
        async for row in s.rows(): yield {**row, "n": await row.count()}
pattern = re.compile(r"\\d+")
pairs = {k: v for k, v in zip("abc", [1, 2, 3]) if v > 1}
first, *others = sorted(pairs, key=lambda key: (-pairs[key], key))
text = ""
for name in ["a", "b", *others]:
    text = text + name
    print(getattr(sys, "path"), vars(node).get(name), "%d%%" % len(text), text[::-1], text[1:2])
match pairs:
    case {"a": 1, **more} | [None, *more]: pass
    case str(real) if (n := len(more)) > 1: del n
try:
    pass
except (ValueError, KeyError) as error:
    raise RuntimeError("no") from error
""",
]


@pytest.mark.parametrize("code", ORDINARY)
def test_ordinary_code_passes(code: str) -> None:
    assert typical().check_code(code) == []


def test_what_every_rule_finds_is_listed() -> None:
    code = "import os\neval('1')\nf.__globals__  # rm -rf"

    assert typical().check_code(code) == [
        SecurityViolation("line 1: import of 'os' is forbidden"),
        SecurityViolation("line 2: use of 'eval' is forbidden"),
        SecurityViolation("line 3: attribute '__globals__' is forbidden"),
        SecurityViolation(r"line 3: text that matches 'rm\\s+-rf' is forbidden"),
    ]


def test_without_rules_everything_passes() -> None:
    assert SecurityChecker().check_code("import os") == []


def test_a_rule_can_be_added_later() -> None:
    checker = SecurityChecker()
    checker.add_rule(FunctionRule({"os.system"}))

    assert checker.check_code("import os as o\no.system('x')") == [
        SecurityViolation("line 2: use of 'os.system' is forbidden")
    ]


def test_a_rule_of_ones_own_sees_every_node() -> None:
    assert SecurityChecker([NoPower()]).check_code("x = 2 ** 3") == [SecurityViolation("no power")]


def test_a_rule_built_on_another_sees_nodes_as_well_as_the_cell() -> None:
    class OsAndPower(ImportRule):
        def check(self, node: ast.AST) -> list[SecurityViolation]:
            return NoPower().check(node)

    assert SecurityChecker([OsAndPower({"os"})]).check_code("import os; 2 ** 3") == [
        SecurityViolation("line 1: import of 'os' is forbidden"),
        SecurityViolation("no power"),
    ]


def test_a_built_in_rule_can_judge_a_node_by_itself() -> None:
    tree = ast.parse("x = 1\nimport os as o; o.system('rm -rf /')")

    assert ImportRule({"os"}).check(tree) == [
        SecurityViolation("line 2: import of 'os' is forbidden")
    ]
    assert FunctionRule({"os.system"}).check(tree) == [
        SecurityViolation("line 2: use of 'os.system' is forbidden")
    ]
    assert RegexRule("rm -rf").check(tree.body[2]) == [
        SecurityViolation("line 1: text that matches 'rm -rf' is forbidden")
    ]


@pytest.mark.parametrize(
    "code", ["import os\nx = = 1", "x = '\ud800'; import os", "import os\0", "(" * 300]
)
def test_code_that_cannot_run_is_no_violation(code: str) -> None:
    assert typical().check_code(code) == []


def test_a_warning_does_not_hide_what_is_forbidden() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")

        found = typical().check_code("import os\nx = '\\d'")

    assert found == [SecurityViolation("line 1: import of 'os' is forbidden")]


def test_a_rule_that_raises_stops_the_cell() -> None:
    with pytest.raises(SecurityRuleError) as caught:
        SecurityChecker([Broken()]).check_code("x = 1")

    assert caught.value.violations == (
        "Rule 'Broken' raised KeyError: 'forgotten'. The cell was not run. Fix the rule.",
    )
    assert isinstance(caught.value.__cause__, KeyError)


@pytest.mark.parametrize(
    ("given", "how"),
    [
        (None, "returned NoneType, not a list"),
        ((), "returned tuple, not a list"),
        (["no"], "returned str in its list, not SecurityViolation"),
    ],
)
def test_a_rule_that_returns_something_else_stops_the_cell(given: object, how: str) -> None:
    with pytest.raises(SecurityRuleError) as caught:
        SecurityChecker([Giving(given)]).check_code("x = 1")

    assert caught.value.violations == (f"Rule 'Giving' {how}. The cell was not run. Fix the rule.",)


def test_what_is_no_rule_is_refused() -> None:
    with pytest.raises(TypeError, match="'os' is no security rule"):
        SecurityChecker(["os"])


@pytest.mark.parametrize("code", ["-" * 100_000 + "1", "x" + ".a" * 100_000])
def test_code_that_is_too_deep_to_parse_cannot_be_judged(code: str) -> None:
    with pytest.raises(SecurityRuleError, match="The cell cannot be judged") as caught:
        typical().check_code(code)

    assert isinstance(caught.value.__cause__, RecursionError | MemoryError)


@pytest.mark.parametrize(
    "code",
    [
        "os.system" + ".a" * 900,
        "x = " + "'a' + " * 900 + "eval",
        "[" * 90 + "eval" + "]" * 90,
        "f" + "(eval)" * 900,
    ],
)
def test_deep_code_is_judged(code: str) -> None:
    assert any("is forbidden" in violation.message for violation in typical().check_code(code))


@pytest.mark.parametrize("rule", [ImportRule, FunctionRule, AttributeRule])
def test_a_bare_string_where_a_set_belongs_is_refused(rule: type) -> None:
    with pytest.raises(TypeError) as caught:
        rule("os")

    name = rule.__name__
    assert str(caught.value) == f"{name} takes a set, not the string 'os'. Write {name}({{'os'}})."


@pytest.mark.parametrize("rule", [ImportRule, FunctionRule, AttributeRule])
@pytest.mark.parametrize("names", [{1}, {"os", None}, 3, {b"os"}])
def test_what_is_no_set_of_strings_is_refused(rule: type, names: object) -> None:
    with pytest.raises(TypeError, match="takes a set of"):
        rule(names)


@pytest.mark.parametrize(
    ("rule", "name"),
    [
        (ImportRule, ""),
        (ImportRule, "os."),
        (FunctionRule, "os.system()"),
        (AttributeRule, ".__globals__"),
        (AttributeRule, "a.b"),
    ],
)
def test_a_name_that_can_never_match_is_refused(rule: type, name: str) -> None:
    with pytest.raises(ValueError, match="which is no name"):
        rule({name})


def test_the_error_is_the_one_in_the_tree() -> None:
    assert SecurityError is ErrorInTheTree


def test_one_rule_without_a_list_is_refused() -> None:
    with pytest.raises(TypeError, match=r"Put it in a list: SecurityChecker\(\[rule\]\)"):
        SecurityChecker(NoPower())  # type: ignore[arg-type]


def test_names_that_hang_on_each_other_in_a_long_chain_are_refused_soon() -> None:
    chain = "\n".join(f"a{number} = a{number + 1}" for number in range(2000)) + "\na2000 = eval"

    with pytest.raises(SecurityRuleError, match="cannot be judged"):
        SecurityChecker([FunctionRule({"eval"})]).check_code(chain)


def test_a_cell_of_a_million_characters_is_not_judged() -> None:
    with pytest.raises(SecurityRuleError, match="The cell has 1,000,001 characters"):
        SecurityChecker([NoPower()]).check_code("x" * 1_000_001)
