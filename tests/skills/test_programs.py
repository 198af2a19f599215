"""Scripts that are programs run as such: bounded in what they get, print, take and leave behind."""

import asyncio
import importlib.util
import os
import py_compile
import shutil
import signal
import sys
from functools import partial
from pathlib import Path
from textwrap import dedent

import anyio
import anyio.to_thread
import pytest
from blockbuster import blockbuster_ctx
from tests.models.wheels import build_wheel

from cave_agent.errors import ScriptError
from cave_agent.skills._inline_metadata import dependencies_of, environment_of, python_for
from cave_agent.skills._programs import ScriptResult, run_program

pytestmark = pytest.mark.anyio

NEEDS_SETSID = pytest.mark.skipif(shutil.which("setsid") is None, reason="needs setsid")

ARGUMENTS = ["two words", "$HOME", "a;exit 3", "*", "'", "--help", ""]
NEEDS_TINY = dedent(
    """\
    # /// script
    # dependencies = ["tiny-greeting"]
    # ///
    import sys
    import tiny_greeting
    print(tiny_greeting.WORD, sys.argv[1:])
    """
)
HARMLESS = {
    *("PATH", "HOME", "USER", "LOGNAME", "TERM", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TEMP", "TMP"),
    *(
        "PYTHONDONTWRITEBYTECODE",
        "PYTHONPYCACHEPREFIX",
        "PYTHONIOENCODING",
        "PYTHONUNBUFFERED",
        "PYTHONUTF8",
    ),
}
LEAVES = """
exec 9> "$1"
echo held >&9
$2 sleep 600 &
echo $!
"""
"""Starts a child that keeps the output open, and a pipe for as long as it lives."""


def write(path: Path, text: str) -> Path:
    path.write_text(dedent(text).lstrip(), "utf-8")
    return path


@pytest.fixture
def held(tmp_path: Path) -> Path:
    """A pipe with a name; whoever reads it has to wait until no process holds it any more."""
    os.mkfifo(tmp_path / "held")
    return tmp_path / "held"


def descriptors_and_children() -> tuple[set[str], set[str]]:
    """What this process has, children that have died included."""
    tasks = Path("/proc/self/task").glob("*/children")
    children = {pid for task in tasks for pid in task.read_text().split()}
    return {path.name for path in Path("/proc/self/fd").iterdir()}, children


async def test_a_python_program_is_run_by_this_python_and_gets_its_arguments(
    tmp_path: Path,
) -> None:
    script = write(
        tmp_path / "show.py",
        """
        import sys
        print(sys.executable, sys.argv[1:], input.__name__)
        """,
    )

    result = await run_program(script, [1, 2.5, None, Path("a/b"), "é"])

    expected = f"{sys.executable} ['1', '2.5', 'None', 'a/b', 'é'] input\n"
    assert result == ScriptResult(0, expected, "")
    assert result.success


@pytest.mark.parametrize("name", ["show.py", "show.sh"])
async def test_arguments_meet_no_shell(tmp_path: Path, name: str) -> None:
    text = (
        "import sys\nprint(*sys.argv[1:], sep='|')\n" if name == "show.py" else 'IFS="|"; echo "$*"'
    )
    script = write(tmp_path / name, text)

    result = await run_program(script, ARGUMENTS)

    assert result == ScriptResult(0, "|".join(ARGUMENTS) + "\n", "")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("#!/usr/bin/env bash", "bash:hB"),
        ("#! /usr/bin/env  bash\r", "bash:hB"),
        ("#!/usr/bin/env -S bash -e", "bash:ehB"),
        ("#!/usr/bin/env -Sbash -e -u", "bash:ehuB"),
        ("#!/usr/bin/env --split-string=bash -e", "bash:ehB"),
        ("#!/usr/bin/env -S KIND=own bash -e", "own:ehB"),
        ("#!/bin/bash -e", "bash:ehB"),
        ("#!/nowhere/bin/bash -e", "bash:ehB"),
    ],
)
async def test_a_first_line_tells_what_runs_a_file_that_nobody_may_execute(
    tmp_path: Path, line: str, expected: str
) -> None:
    script = tmp_path / "tool"
    script.write_text(f"{line}\necho ${{KIND:-bash}}:$-\n", "utf-8", newline="")
    script.chmod(0o600)

    result = await run_program(script, [])

    assert result == ScriptResult(0, f"{expected}\n", "")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.sh", "echo hello"),
        ("a.bash", "[[ hello =~ (.*) ]] && echo ${BASH_REMATCH[1]}"),
        pytest.param(
            "a.mjs",
            "import process from 'node:process'; console.log(process.argv[2] ?? 'hello')",
            marks=pytest.mark.skipif(shutil.which("node") is None, reason="needs node"),
        ),
    ],
)
async def test_a_suffix_tells_what_runs_a_file_without_a_first_line(
    tmp_path: Path, name: str, text: str
) -> None:
    result = await run_program(write(tmp_path / name, text), [])

    assert result == ScriptResult(0, "hello\n", "")


async def test_a_binary_is_run_as_it_is(tmp_path: Path) -> None:
    script = Path(shutil.copy(str(shutil.which("echo")), tmp_path / "echo"))

    result = await run_program(script, ["hello"])

    assert result == ScriptResult(0, "hello\n", "")


async def test_a_relative_script_is_found_from_here_wherever_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "where.sh", "pwd -P")
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(tmp_path)

    results = [
        await run_program(Path("where.sh"), []),
        await run_program(Path("where.sh"), [], cwd="elsewhere"),
        await run_program(Path("where.sh"), [], cwd=folder),
    ]

    assert [result.stdout for result in results] == [
        f"{tmp_path.resolve()}\n",
        f"{folder.resolve()}\n",
        f"{folder.resolve()}\n",
    ]


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("notes", "hello", r"'notes' does not tell what runs it.*#!/usr/bin/env bash"),
        ("empty", "#!\n", r"'empty' does not tell what runs it"),
        ("odd", "#!/bin/sh -c 'x\n", r"first line of 'odd' cannot be read: \"/bin/sh -c 'x\""),
        ("far", "#!/opt/nosuch-1 -x\n", r"'far' is run by '/opt/nosuch-1', which is not installed"),
        ("far", "#!/usr/bin/env nosuch-1\n", r"'far' is run by 'nosuch-1', which is not installed"),
    ],
)
async def test_what_cannot_be_run_is_told_with_the_way_out(
    tmp_path: Path, *, name: str, text: str, told: str
) -> None:
    script = write(tmp_path / name, text)
    script.chmod(0o700)

    with pytest.raises(ScriptError, match=told):
        await run_program(script, [])


async def test_an_interpreter_is_looked_for_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    own = write(tmp_path / "bin" / "nosuch-1", '#!/bin/sh\necho "own $1"\n')
    own.chmod(0o700)
    script = write(tmp_path / "tool", "#!/usr/bin/env -S nosuch-1 -x\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "bin")

    result = await run_program(script, [], cwd="bin")

    assert result == ScriptResult(0, "own -x\n", "")


@pytest.mark.parametrize(
    ("name", "args", "told"),
    [
        ("here.sh", ["a\0b"], r"The argument 'a\\x00b' has a NUL character.*stdin"),
        ("here.sh", ["x" * 10_000_000], r"'here.sh' could not be started: .*too long.*stdin"),
        ("here.sh", ["\ud800"], r"'here.sh' could not be started: .*surrogates"),
        ("gone.sh", [], r"'gone.sh' could not be started: .*No such file"),
        ("gone.py", [], r"'gone.py' could not be started: .*No such file"),
    ],
)
async def test_what_keeps_a_program_from_starting_is_told(
    tmp_path: Path, *, name: str, args: list[str], told: str
) -> None:
    write(tmp_path / "here.sh", "echo hello")

    with pytest.raises(ScriptError, match=told):
        await run_program(tmp_path / name, args)


async def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    script = write(tmp_path / "a.sh", "echo hello")

    with pytest.raises(ScriptError, match=r"no folder '.*nowhere' to run 'a.sh' in"):
        await run_program(script, [], cwd=tmp_path / "nowhere")


@pytest.mark.parametrize("timeout", [0, -1, float("nan")])
async def test_a_limit_is_more_than_nothing(tmp_path: Path, timeout: float) -> None:
    script = write(tmp_path / "a.sh", "echo hello")

    with pytest.raises(ScriptError, match="more than 0 s"):
        await run_program(script, [], timeout=timeout)


async def test_only_harmless_variables_get_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "PYTHONPATH", "LD_PRELOAD", "LC", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    script = write(tmp_path / "a.py", "import os\nprint(*os.environ)")

    result = await run_program(script, [])

    names = set(result.stdout.split())
    assert {"PATH", "LC_ALL"} <= names
    assert {name for name in names if not name.startswith("LC_")} <= HARMLESS


async def test_bytecode_in_the_folder_is_not_run(tmp_path: Path) -> None:
    source = write(tmp_path / "lines.py", "count = 1")
    evil = write(tmp_path / "evil.py", "count = 6")
    os.utime(evil, (1, 1))
    os.utime(source, (1, 1))
    compiled = py_compile.compile(str(evil), cfile=importlib.util.cache_from_source(str(source)))
    script = write(tmp_path / "a.py", "import lines\nprint(lines.count)")

    result = await run_program(script, [])

    assert compiled
    assert result.stdout == "1\n"


async def test_a_program_that_asks_finds_nothing(tmp_path: Path) -> None:
    script = write(tmp_path / "ask.py", "input('Name? ')")

    result = await run_program(script, [])

    assert result.exit_code == 1
    assert result.stdout == "Name? "
    assert result.stderr.endswith("EOFError: EOF when reading a line\n")


@pytest.mark.parametrize("stdin", ["é" * 500_000, b"x" * 1_000_000], ids=["str", "bytes"])
async def test_a_program_reads_what_it_is_given(tmp_path: Path, stdin: str | bytes) -> None:
    result = await run_program(write(tmp_path / "a.sh", "cat"), [], stdin=stdin)

    text = stdin if isinstance(stdin, str) else stdin.decode()
    assert result == ScriptResult(0, text, "")


async def test_a_program_need_not_read_what_it_is_given(tmp_path: Path) -> None:
    closes = write(tmp_path / "a.sh", "exec <&-; echo closed")
    ignores = write(tmp_path / "b.sh", "echo ignored")
    stops = write(tmp_path / "c.py", "import os\nos.read(0, 1)\nos.close(0)\nprint('x' * 900_000)")

    results = [await run_program(each, [], stdin="x" * 10**6) for each in (closes, ignores, stops)]

    assert [result.stdout for result in results] == ["closed\n", "ignored\n", "x" * 900_000 + "\n"]


async def test_of_what_is_printed_without_end_both_ends_are_kept(tmp_path: Path) -> None:
    source = (
        "import sys\n"
        "for each in 'abcdef': sys.stdout.write(each * 500_000)\n"
        "sys.stderr.write('x' * 1_000_000)"
    )
    script = write(tmp_path / "a.py", source)

    result = await run_program(script, [])

    note = "\n[2,000,000 characters were left out here]\n"
    assert result == ScriptResult(0, "a" * 500_000 + note + "f" * 500_000, "x" * 1_000_000)


async def test_bytes_that_are_no_text_are_replaced(tmp_path: Path) -> None:
    script = write(
        tmp_path / "a.py",
        r"""
        import sys
        sys.stdout.buffer.write(b"a\xffb\r\n\xc3")
        sys.stdout.flush()
        sys.stdout.buffer.write(b"\xa9 \xc3")
        """,
    )

    result = await run_program(script, [])

    assert result.stdout == "a\N{REPLACEMENT CHARACTER}b\r\né \N{REPLACEMENT CHARACTER}"


async def test_a_failure_is_a_result(tmp_path: Path) -> None:
    fails = write(tmp_path / "a.sh", "echo out; echo err >&2; exit 3")
    dies = write(tmp_path / "b.sh", "kill -9 $$")

    results = [await run_program(fails, []), await run_program(dies, [])]

    assert results == [ScriptResult(3, "out\n", "err\n"), ScriptResult(-9, "", "")]
    assert not results[0].success


@pytest.mark.parametrize(
    ("result", "shown"),
    [
        (ScriptResult(0, "", ""), ""),
        (ScriptResult(0, "out\n", ""), "out"),
        (ScriptResult(0, "out\n", "err\n"), "out\nerr"),
        (ScriptResult(2, "", "err"), "err\n[exit code 2]"),
        (ScriptResult(1, "out\n\n", ""), "out\n\n[exit code 1]"),
    ],
)
def test_a_result_shows_as_text(result: ScriptResult, shown: str) -> None:
    assert str(result) == shown


async def test_a_program_that_takes_too_long_is_killed_with_its_children(
    tmp_path: Path, held: Path
) -> None:
    script = write(tmp_path / "slow.sh", f"{LEAVES}printf 'last %0490d' 0\nwait")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(anyio.to_thread.run_sync, held.read_bytes)
        with pytest.raises(ScriptError) as caught:
            await run_program(script, [held], timeout=0.5)

    told = str(caught.value)
    assert "'slow.sh' took longer than its limit of 0.5 s, and was stopped" in told
    assert "last 000" in told
    assert len(told) < 800


async def test_a_silent_program_that_takes_too_long_is_told_as_such(tmp_path: Path) -> None:
    script = write(tmp_path / "slow.sh", "trap '' TERM INT HUP; while :; do :; done")

    with pytest.raises(ScriptError, match="It had printed nothing"):
        await run_program(script, [], timeout=0.1)


async def test_a_program_whose_scope_is_cancelled_is_killed_with_its_children(
    tmp_path: Path, held: Path
) -> None:
    script = write(tmp_path / "slow.sh", f"{LEAVES}wait")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(partial(run_program, script, [held], timeout=None))
        file = await anyio.to_thread.run_sync(held.open)
        await anyio.to_thread.run_sync(file.readline)
        tasks.cancel_scope.cancel()

    with file:
        assert file.read() == ""


async def test_a_program_whose_task_is_cancelled_while_it_starts_is_killed_with_its_children(
    tmp_path: Path, held: Path
) -> None:
    script = write(tmp_path / "slow.sh", f"{LEAVES}wait")
    task = asyncio.create_task(run_program(script, [held], timeout=None))
    file = await anyio.to_thread.run_sync(held.open)

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    with file:
        assert file.read() in {"", "held\n"}


async def test_what_a_program_leaves_behind_is_killed(tmp_path: Path, held: Path) -> None:
    script = write(tmp_path / "leaves.sh", LEAVES)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(anyio.to_thread.run_sync, held.read_bytes)
        result = await run_program(script, [held], timeout=None)

    assert result.success
    assert result.stdout.strip().isdigit()


@NEEDS_SETSID
async def test_a_child_that_escapes_with_the_output_is_not_waited_for(
    tmp_path: Path, held: Path
) -> None:
    script = write(tmp_path / "leaves.sh", LEAVES)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(anyio.to_thread.run_sync, held.read_bytes)
        result = await run_program(script, [held, "setsid"], timeout=None)
        os.kill(int(result.stdout), signal.SIGKILL)

    assert result.success


@NEEDS_SETSID
async def test_a_child_that_escapes_and_never_stops_printing_is_not_waited_for(
    tmp_path: Path,
) -> None:
    script = write(tmp_path / "leaves.sh", "setsid yes & echo $! >&2")

    result = await run_program(script, [], timeout=None)
    os.kill(int(result.stderr), signal.SIGKILL)

    assert result.success


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
async def test_nothing_stays_open_or_unburied(tmp_path: Path) -> None:
    script = write(tmp_path / "a.sh", 'cat; [ "$1" = ends ] || while :; do :; done')
    await run_program(script, ["ends"])
    before = descriptors_and_children()

    await run_program(script, ["ends"], stdin="x")
    with pytest.raises(ScriptError, match="took longer"):
        await run_program(script, ["lasts"], stdin="x", timeout=0.1)
    with pytest.raises(ScriptError, match="too long"):
        await run_program(script, ["x" * 10_000_000], stdin="x")

    assert descriptors_and_children() == before


async def test_the_event_loop_is_never_blocked(tmp_path: Path) -> None:
    python = write(tmp_path / "a.py", "print(input())")
    shell = write(tmp_path / "b.sh", "#!/usr/bin/env -S sh -e\ncat")

    with blockbuster_ctx("cave_agent.skills"):
        results = [
            await run_program(each, [], stdin="x\n", cwd=tmp_path) for each in (python, shell)
        ]

    assert [result.stdout for result in results] == ["x\n", "x\n"]


async def test_programs_run_side_by_side_and_in_any_thread(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "meeting")
    reads = write(tmp_path / "a.sh", "cat meeting")
    writes = write(tmp_path / "b.sh", "echo met > meeting")
    results: list[ScriptResult] = []

    async def run(script: Path) -> None:
        results.append(await run_program(script, [], cwd=tmp_path))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run, reads)
        tasks.start_soon(anyio.to_thread.run_sync, anyio.run, run, writes)

    assert sorted(result.stdout for result in results) == ["", "met\n"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("print('# /// script')\n", None),
        ("# /// script\n# dependencies = ['a']\n", None),
        ("# /// other\n# dependencies = ['a']\n# ///\n", None),
        (" # /// script\n # dependencies = ['a']\n # ///\n", None),
        ("# /// script\n#dependencies = ['a']\n# ///\n", None),
        ("# /// other\n# /// script\n# ///\n", None),
        ("# /// script\n# ///\n", None),
        ("# /// script\n# requires-python = '>=3.11'\n# ///\n", ()),
        ("# /// script\n# dependencies = []\n# ///\n", ()),
        ("import a\n\n# /// script\n#\n# dependencies = ['a>1', 'b']\n# ///", ("a>1", "b")),
        ("# /// script\r\n# dependencies = [\r\n#   'a',\r\n# ]\r\n# ///\r\n", ("a",)),
        ("# /// script\n# dependencies = ['a']\n# x = '''\n# ///\n# '''\n# ///\n", ("a",)),
        (
            "# /// x\n# y\n# ///\n\n# /// script\n# dependencies = ['a']\n# ///\n# Free text\n",
            ("a",),
        ),
    ],
)
def test_the_packages_of_a_script_are_those_of_its_block(
    source: str, expected: tuple[str, ...] | None
) -> None:
    assert dependencies_of(source) == expected


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (
            "pass\n# /// script\n# x = 1\n# y =\n# ///\n",
            r"block in line 2 is no TOML: .*line 4, col",
        ),
        ("# /// script\n# x = 1\n# ///\n\n# /// script\n# x = 1\n# ///\n", "in lines 1 and 5"),
        ("# /// script\n# dependencies = 'a'\n# ///\n", r"line 1 has the dependencies 'a'"),
        ("# /// script\n# dependencies = [1]\n# ///\n", r"has the dependencies \[1\]"),
    ],
)
async def test_a_broken_block_is_told_by_its_line(tmp_path: Path, source: str, told: str) -> None:
    with pytest.raises(ScriptError, match=told):
        await run_program(write(tmp_path / "a.py", source), [])


async def test_a_script_that_needs_nothing_is_run_by_this_python(tmp_path: Path) -> None:
    assert await python_for(tmp_path / "a.py", ()) == [sys.executable]


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package index of one package, an empty cache, and a PATH with nothing on it."""
    for name in ("bin", "index"):
        (tmp_path / name).mkdir()
    module = {"tiny_greeting/__init__.py": b"WORD = 'hello'\n"}
    build_wheel(tmp_path / "index", "tiny_greeting", module)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path / "index"


def environments(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "cache" / "cave-agent" / "environments").iterdir())


@pytest.mark.timeout(60)
async def test_packages_are_installed_once_with_pip_for_all_scripts_that_need_them(
    index: Path, tmp_path: Path
) -> None:
    first = write(tmp_path / "first.py", NEEDS_TINY)
    second = write(tmp_path / "second.py", NEEDS_TINY)
    results: list[ScriptResult] = []

    async def run(script: Path) -> None:
        results.append(await run_program(script, ["x"], timeout=20))

    async with anyio.create_task_group() as tasks:  # both make it, and the later one gives way
        tasks.start_soon(run, first)
        tasks.start_soon(run, second)
    shutil.rmtree(index)
    await run(first)

    assert results == [ScriptResult(0, "hello ['x']\n", "")] * 3
    assert len(environments(tmp_path)) == 1


@pytest.mark.timeout(60)
async def test_packages_that_cannot_be_installed_are_told_with_the_ways_out(
    index: Path, tmp_path: Path
) -> None:
    script = write(tmp_path / "a.py", NEEDS_TINY.replace("tiny-greeting", "tiny-absent"))

    with pytest.raises(ScriptError) as caught:
        await run_program(script, [])

    told = str(caught.value)
    assert told.startswith("The packages that 'a.py' needs could not be installed (exit code 1): ")
    assert "No matching distribution found for tiny-absent" in told
    assert "install the packages beside cave-agent" in told
    assert environments(tmp_path) == []


@pytest.mark.timeout(60)
async def test_what_is_in_the_way_of_an_environment_is_told(index: Path, tmp_path: Path) -> None:
    environment = environment_of(("tiny-greeting",))
    environment.parent.mkdir(parents=True)
    environment.write_text("")

    with pytest.raises(ScriptError, match=r"'a.py' could not be started: .*Not a directory"):
        await run_program(write(tmp_path / "a.py", NEEDS_TINY), [])

    assert environments(tmp_path) == [environment]


async def test_a_cache_that_cannot_be_written_is_told(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(write(tmp_path / "file", "no folder")))

    with pytest.raises(ScriptError, match=r"'a.py' could not be started: .*file/cave-agent"):
        await run_program(write(tmp_path / "a.py", NEEDS_TINY), [])


def test_the_cache_is_the_users_own_unless_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))

    folder = environment_of(("a", "b"))

    assert folder.is_relative_to(tmp_path)
    assert folder == environment_of(("b", "a", "a"))
    assert folder != environment_of(("a",))


@pytest.mark.parametrize(
    "dependency",
    ["./package", "package @ https://example.org/package.tar.gz", "--index-url=x", " -r x", ""],
)
async def test_pip_is_given_names_and_nothing_that_it_would_build(
    index: Path, tmp_path: Path, dependency: str
) -> None:
    script = write(tmp_path / "a.py", NEEDS_TINY.replace("tiny-greeting", dependency))

    with pytest.raises(ScriptError, match=r"'a.py' needs '.*only packages by name"):
        await run_program(script, [])
