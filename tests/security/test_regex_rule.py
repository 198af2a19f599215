import pytest

from cave_agent.security import RegexRule, SecurityChecker, SecurityViolation


def test_every_match_is_named_with_its_line_and_the_reason() -> None:
    checker = SecurityChecker([RegexRule(r"^rm \w", description="no shell")])

    found = checker.check_code('x = """\nrm a\nrm b\n"""  # rm c')

    assert found == [
        SecurityViolation(r"line 2: text that matches '^rm \\w' is forbidden: no shell"),
        SecurityViolation(r"line 3: text that matches '^rm \\w' is forbidden: no shell"),
    ]


def test_comments_are_text_too() -> None:
    checker = SecurityChecker([RegexRule("secret")])

    assert checker.check_code("x = 1  # secret secret") == [
        SecurityViolation("line 1: text that matches 'secret' is forbidden")
    ]


def test_a_pattern_that_is_none_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"RegexRule cannot use '\(oops'"):
        RegexRule("(oops")
