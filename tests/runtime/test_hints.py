"""The usual slips of a model, recognised."""

import gc

import pandas as pd
import pytest

from cave_agent.runtime import Hint, PythonRuntime, Variable

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(20, method="thread")]


async def hints_of(code: str) -> tuple[Hint, ...]:
    runtime = PythonRuntime()
    await runtime.execute("async def fetch(): return [1]\nimport asyncio, sys")
    hints = (await runtime.execute(code)).hints
    await runtime.execute("if asyncio.iscoroutine(globals().get('x')): x.close()")
    return hints


@pytest.mark.parametrize(
    "code",
    [
        "fetch()",
        "x = fetch()",
        "x = fetch()\nlen(x)",
        "x = fetch()\nx[0]",
        "x = fetch()\nfor i in x: pass",
        "x = fetch()\nx",
    ],
)
async def test_a_forgotten_await_is_pointed_out(code: str) -> None:
    hints = await hints_of(f"{code}\n")

    assert hints == (Hint.FORGOTTEN_AWAIT,)


_SERVICE = "class Service:\n    async def ask(self): return [1]\nservice = Service()"


@pytest.mark.filterwarnings("ignore")  # Python warns of the coroutine, too
@pytest.mark.parametrize(
    "code",
    [
        "fetch()[0]",
        "fetch().append(2)",
        "for i in fetch(): pass",
        "x = [i for i in fetch()]",
        "len(fetch())",
        "x = 1 + fetch()",
        "x = -fetch()",
        "fetch() < 3",
        "print(*fetch())",
        "sum(\n    fetch()\n)",
        "def use():\n    return fetch()[0]\nuse()",
        "service.ask()[0]",
    ],
)
async def test_what_is_used_without_await_is_pointed_out(code: str) -> None:
    hints = await hints_of(f"{_SERVICE}\n{code}")
    gc.collect()  # else the coroutine warns of itself in another test

    assert hints == (Hint.FORGOTTEN_AWAIT,)


@pytest.mark.parametrize(
    "code",
    [
        "(await fetch())['a']",
        "len(3)",
        "None[0]",
        "len(await asyncio.gather(fetch(), fetch()), 3)",
        "async def fail(): return fetch[0]\nawait asyncio.gather(fail())",
        "service.ask[0]",
        "service.tell()[0]",
        "(lambda: 3)()[0]",
        "import json\njson.loads(3)",
    ],
)
async def test_another_wrong_type_is_no_forgotten_await(code: str) -> None:
    assert Hint.FORGOTTEN_AWAIT not in await hints_of(f"{_SERVICE}\n{code}")


@pytest.mark.parametrize("code", ["exit()", "quit(0)", "sys.exit('done')", "raise SystemExit"])
async def test_leaving_the_process_is_pointed_out(code: str) -> None:
    assert await hints_of(code) == (Hint.EXIT_IN_CELL,)


@pytest.mark.parametrize("code", ["!pip install rich", "x = 1\n%matplotlib inline"])
async def test_a_line_of_a_notebook_is_pointed_out(code: str) -> None:
    assert await hints_of(code) == (Hint.NOT_A_NOTEBOOK,)


@pytest.mark.filterwarnings("ignore")  # pandas warns, too
@pytest.mark.parametrize(
    ("code", "meant"),
    [
        ("df['age'].fillna(30, inplace=True)", "df['age'] = df['age'].fillna(30)"),
        ("if True:\n    df.age.clip(upper=3, inplace=True)", "df.age = df.age.clip(upper=3)"),
        ("df['age'] = df['age'].fillna(30)", ""),
        ("df.fillna({'age': 30}, inplace=True)", ""),
        ("ages = [3, 1]\nages.sort()  # inplace=True", ""),
        ("df['age'].fillna(0, inplace=False)", ""),
        ("for name in ['age']:\n    df[name].fillna(0, inplace=True)", ""),
        ("def never(df):\n    df['age'].fillna(0, inplace=True)", ""),
        ("df['age'].drop_duplicates(inplace=True)", ""),
        ("df.columns.rename('id', inplace=True)", ""),
        ("df['age'].fillna(0, inplace=True)\ndf['age'] = df['age'].fillna(0)", ""),
    ],
)
async def test_a_change_of_a_copy_is_pointed_out_with_what_changes_the_frame(
    code: str, meant: str
) -> None:
    frame = pd.DataFrame({"age": [1.0, None]})

    result = await PythonRuntime(variables=[Variable("df", frame)]).execute(code)

    assert result.success
    assert result.hints == ((Hint.CHAINED_ASSIGNMENT,) if meant else ())
    assert result.meant == meant


async def test_what_was_warned_of_before_is_news_to_the_next_cell() -> None:
    runtime = PythonRuntime()
    await runtime.execute("__warningregistry__ = {'seen': 1}")

    assert (await runtime.execute("'__warningregistry__' in globals()")).stdout == "False\n"


@pytest.mark.parametrize("code", ["asyncio.run(fetch())", "r = asyncio.run(main=fetch())"])
async def test_a_loop_within_the_loop_is_pointed_out(code: str) -> None:
    assert await hints_of(code) == (Hint.LOOP_IS_RUNNING,)


@pytest.mark.parametrize(
    "code",
    [
        "await fetch()",
        "x = await fetch()\nlen(x)",
        "x = asyncio.create_task(fetch())\nawait x",
        "await asyncio.gather(fetch(), fetch())",
        "fetch",
        "1 / 0",
        "raise RuntimeError('asyncio.run() cannot be called from a running event loop')",
        "x = (",
        "eval('!x')",
        "x = 1\n!=3",
        "x = 1\n%  (3)",
    ],
)
async def test_nothing_is_pointed_out_where_nothing_was_forgotten(code: str) -> None:
    assert await hints_of(code) == ()


async def test_a_forgotten_coroutine_under_a_name_can_be_awaited_later() -> None:
    runtime = PythonRuntime()
    await runtime.execute("async def fetch(): return 5")

    first = await runtime.execute("x = fetch()\nx")
    second = await runtime.execute("await x")

    assert first.hints == (Hint.FORGOTTEN_AWAIT,)
    assert (second.stdout, second.hints) == ("5\n", ())


async def test_a_coroutine_forgotten_in_an_earlier_cell_is_no_slip_of_a_later_one() -> None:
    runtime = PythonRuntime()
    await runtime.execute("async def fetch(): return 5\nx = fetch()")

    result = await runtime.execute("1")
    await runtime.execute("await x")

    assert result.hints == ()


@pytest.mark.parametrize("code", ["input()", "input('name? ')", "breakpoint()"])
async def test_asking_a_person_fails_at_once_and_says_what_to_do(code: str) -> None:
    result = await PythonRuntime().execute(code)

    assert isinstance(result.error, EOFError)
    assert "Nobody is there to answer" in result.stdout


class Lamp:
    def turn_off(self) -> None: ...


@pytest.mark.parametrize(
    ("code", "hint", "meant"),
    [
        ("pengins", Hint.MISSPELT, "penguins"),
        ("lamp.turnoff()", Hint.MISSPELT, "turn_off"),
        ("prnt(1)", Hint.MISSPELT, "print"),
        ("import pandsa", Hint.NO_MODULE, "pandsa"),
        ("from pandsa import x", Hint.NO_MODULE, "pandsa"),
        ("total + 1", Hint.NEVER_MADE, "total"),
        ("pd.concat([])", Hint.NOT_IMPORTED, "import pandas as pd"),
        ("math.pi", Hint.NOT_IMPORTED, "import math"),
    ],
)
async def test_a_name_that_is_not_there_is_pointed_out(code: str, hint: Hint, meant: str) -> None:
    runtime = PythonRuntime(variables=[Variable("penguins", []), Variable("lamp", Lamp())])
    await runtime.execute("part = 1 / 0\ntotal = part + 1")

    result = await runtime.execute(code)

    assert (result.hints, result.meant) == ((hint,), meant)


@pytest.mark.parametrize("code", ["xyz", "lamp.abc", "raise NameError", "raise NameError(name=3)"])
async def test_nothing_is_guessed_where_nothing_is_alike(code: str) -> None:
    runtime = PythonRuntime(variables=[Variable("lamp", Lamp())])

    assert (await runtime.execute(code)).hints == ()


async def test_what_failed_before_and_was_made_since_is_not_missing() -> None:
    runtime = PythonRuntime()
    await runtime.execute("total = 1 / 0")
    await runtime.execute("total = 1")

    result = await runtime.execute("del total\ntotal")

    assert Hint.NEVER_MADE not in result.hints


@pytest.mark.parametrize(
    "cells",
    [
        ("del tool", "tool"),
        ("tool = 1 / 0", "del tool", "tool"),
        ("del tool", "seen = tool + 1"),
        ("mine = 1", "del mine", "print(mine)"),
        ("mine = 1 / 0", "mine = 1\ndel mine", "mine"),
        ("mine = 1\ndel mine\n1 / 0", "mine"),
        ("try:\n    1 / 0\nexcept ZeroDivisionError as mine:\n    raise", "mine"),
    ],
)
async def test_a_name_that_a_cell_reads_or_deletes_was_not_to_be_made_by_it(
    cells: tuple[str, ...],
) -> None:
    runtime = PythonRuntime(variables=[Variable("tool", 1)])

    for cell in cells:
        await runtime.execute(cell)
    again = await runtime.execute(cells[-1])

    assert isinstance(again.error, NameError)
    assert Hint.NEVER_MADE not in again.hints


@pytest.mark.parametrize(
    "made",
    [
        "import json as mine",
        "from json import dumps as mine",
        "def mine(): pass",
        "class mine: pass",
        "for mine in [1]: pass",
        "with open('x') as mine: pass",
        "(first, *mine) = [1, 2]",
        "if (mine := 1): pass",
        "match 1:\n    case mine: pass",
        "mine: int = 1",
    ],
)
async def test_whatever_binds_a_name_was_to_make_it(made: str) -> None:
    runtime = PythonRuntime()
    await runtime.execute(f"1 / 0\n{made}")

    result = await runtime.execute("mine")

    assert (result.hints, result.meant) == ((Hint.NEVER_MADE,), "mine")


async def test_the_names_of_failed_cells_are_remembered_up_to_a_bound() -> None:
    runtime = PythonRuntime()
    for number in range(300):
        await runtime.execute(f"name_{number}_of_a_kind = 1 / 0")

    old = await runtime.execute("name_0_of_a_kind")
    new = await runtime.execute("name_299_of_a_kind")

    assert old.hints == ()
    assert new.hints == (Hint.NEVER_MADE,)
