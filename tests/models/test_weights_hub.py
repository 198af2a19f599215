"""Weights from the model hub, over real HTTP to a hub on loopback."""

import sys
from pathlib import Path

import pytest
from tests.models.hub import serve_hub
from tests.models.wheels import weights_of

from cave_agent.errors import MissingExtraError, WeightsError
from cave_agent.models import Progress
from cave_agent.models._weights._find import find_weights

WEIGHTS = weights_of([b"GGUF"])
DATA = b"GGUF" + bytes(5000)
SPEC = "hf:someone/some-model/some.gguf"


def unheard(step: Progress) -> None:
    pass


@pytest.fixture(autouse=True)
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    return tmp_path / "hub"


def test_a_file_comes_from_the_hub_with_progress(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    heard: list[Progress] = []
    with serve_hub({"someone/some-model/some.gguf": DATA}) as endpoint:
        monkeypatch.setenv("HF_ENDPOINT", endpoint)
        path = find_weights(SPEC, WEIGHTS, heard.append)

    assert path.read_bytes() == DATA
    assert Progress("Downloading some.gguf", len(DATA), len(DATA)) in heard
    assert capfd.readouterr().out == ""


def test_a_file_that_the_hub_gave_before_needs_no_network(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serve_hub({"someone/some-model/some.gguf": DATA}) as endpoint:
        monkeypatch.setenv("HF_ENDPOINT", endpoint)
        find_weights(SPEC, WEIGHTS, unheard)
        monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")

    assert find_weights(SPEC, WEIGHTS, unheard).read_bytes() == DATA


def test_a_damaged_download_is_refused_and_removed(
    monkeypatch: pytest.MonkeyPatch, hub_cache: Path
) -> None:
    files = {"someone/some-model/some.gguf": DATA}
    damaged = {"someone/some-model/some.gguf": b"GGUF" + b"x" * 5000}
    with serve_hub(files, sent=damaged) as endpoint:
        monkeypatch.setenv("HF_ENDPOINT", endpoint)
        with pytest.raises(WeightsError, match="was damaged and is removed"):
            find_weights(SPEC, WEIGHTS, unheard)

    assert not [
        path for path in hub_cache.rglob("*") if path.is_file() and path.stat().st_size > 5000
    ]


def test_a_file_that_the_hub_does_not_have_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve_hub({}) as endpoint:
        monkeypatch.setenv("HF_ENDPOINT", endpoint)
        with pytest.raises(WeightsError, match="did not give 'hf:someone"):
            find_weights(SPEC, WEIGHTS, unheard)


def test_a_server_that_is_no_hub_is_an_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve_hub({"someone/some-model/some.gguf": DATA}, commit="") as endpoint:
        monkeypatch.setenv("HF_ENDPOINT", endpoint)
        with pytest.raises(WeightsError, match="Check the name, the network"):
            find_weights(SPEC, WEIGHTS, unheard)


@pytest.mark.parametrize("spec", ["hf:", "hf:only-owner", "hf:owner/repository", "hf:a//b"])
def test_a_name_that_is_no_file_is_refused(spec: str) -> None:
    with pytest.raises(WeightsError, match=r"'hf:owner/repository/file\.gguf'"):
        find_weights(spec, WEIGHTS, unheard)


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)

    with pytest.raises(MissingExtraError, match="'local'"):
        find_weights(SPEC, WEIGHTS, unheard)
