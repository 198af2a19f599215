"""The tables of parameters say what the signatures and docstrings say."""

import pytest
from tests.docs.parameter_tables import (
    CLASSES,
    README,
    described,
    marked,
    parameters,
    rendered,
    table,
)

_TEXT = README.read_text("utf-8")


def test_the_readme_has_a_table_for_every_class() -> None:
    assert sorted(marked(_TEXT)) == sorted(CLASSES)


@pytest.mark.parametrize("cls", CLASSES.values(), ids=CLASSES)
def test_every_parameter_is_described_and_no_other(cls: type) -> None:
    names = [parameter.name.strip("*=") for parameter in parameters(cls)]

    assert list(described(cls)) == names


def test_the_tables_of_the_readme_are_up_to_date() -> None:
    assert rendered(_TEXT) == _TEXT, "Run: python -m tests.docs.parameter_tables"


def test_a_table_shows_names_types_defaults_and_meanings() -> None:
    class Kettle:
        """Boils water.

        Args:
            litres: How much,
                at most.
            name: What it is called.
            extras: Anything else.
        """

        def __init__(self, litres: float, *, name: str | None = None, **extras: int) -> None: ...

    assert table(Kettle) == (
        "| parameter | type | default | meaning |\n"
        "|---|---|---|---|\n"
        "| `litres` | `float` | required | How much, at most. |\n"
        "| `name=` | `str \\| None` | `None` | What it is called. |\n"
        "| `**extras` | `int` |  | Anything else. |"
    )
