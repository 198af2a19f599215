"""The commands that documents and messages name exist."""

import ast
import re
import tomllib

from tests.policy.source import MODULES, ROOT

_PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
_EXTRAS = set(_PROJECT["optional-dependencies"])
_TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
_DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
_TEXT = "\n".join(path.read_text("utf-8") for path in _DOCUMENTS)


def test_every_make_target_that_the_documents_name_exists() -> None:
    named = set(re.findall(r"(?:`|^)make ([a-z-]+)", _TEXT, re.MULTILINE))

    assert named >= {"demo", "test", "check"}
    assert named - _TARGETS == set()


def test_every_extra_that_the_documents_name_exists() -> None:
    named = set(re.findall(r"'\.\[([a-z-]+)\]'", _TEXT))

    assert named >= {"openai", "local"}
    assert named - _EXTRAS == set()


def test_every_extra_that_an_error_names_exists() -> None:
    named = {
        keyword.value.value
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "MissingExtraError"
        for keyword in node.keywords
        if keyword.arg == "extra" and isinstance(keyword.value, ast.Constant)
    }

    assert named >= {"openai", "local"}
    assert named - _EXTRAS == set()


def test_no_document_installs_by_name_since_the_name_is_taken() -> None:
    assert re.findall(r"pip install (?:-U |--upgrade )?cave-agent\S*", _TEXT) == []


def test_relative_links_in_the_documents_lead_somewhere() -> None:
    dead = {
        f"{path.relative_to(ROOT)}: {link}"
        for path in _DOCUMENTS
        for link in re.findall(r"\]\((?!https?://|#)([^)#\s]+)", path.read_text("utf-8"))
        if not (path.parent / link).exists()
    }

    assert dead == set()
