"""Figures and images that cells show become pictures."""

import asyncio
import contextvars
import inspect
import struct
import subprocess
import sys
from collections import OrderedDict
from io import BytesIO
from textwrap import dedent
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib import _pylab_helpers
from PIL import Image

from cave_agent import Function, PythonRuntime, Variable

pytestmark = pytest.mark.anyio

plt.switch_backend("agg")


def sizes(pictures: Any) -> list[tuple[int, int]]:
    return [(each.width, each.height) for each in pictures]


@pytest.mark.parametrize(
    "cell",
    [
        "plt.plot([1, 2]); plt.show()",
        "fig, ax = plt.subplots()\nfig",
        "fig, ax = plt.subplots()\ndisplay(fig)\ndisplay(fig)",
        "plt.figure()\nprint(1 / 0)",
        "import asyncio\nplt.figure()\nawait asyncio.sleep(0)",
    ],
)
async def test_a_figure_is_shown_once_and_the_next_cell_begins_anew(cell: str) -> None:
    async with PythonRuntime() as runtime:
        await runtime.execute("import matplotlib.pyplot as plt")

        shown = await runtime.execute(cell)
        after = await runtime.execute("plt.get_fignums()")

    assert sizes(shown.pictures) == [(640, 480)]
    assert shown.pictures[0].data.startswith(b"\x89PNG")
    assert after.stdout == "[]\n"
    assert after.pictures == ()


async def test_figures_of_the_host_and_of_other_cells_are_not_shown() -> None:
    host = plt.figure()
    runtime, other = PythonRuntime(), PythonRuntime()

    async def elsewhere() -> None:
        await other.execute("import matplotlib.pyplot as plt\nplt.figure(figsize=(1, 1))")

    runtime.inject_function(Function(elsewhere))
    shown = await runtime.execute(
        "import matplotlib.pyplot as plt\nplt.figure()\nawait elsewhere()\nplt.figure()"
    )

    assert sizes(shown.pictures) == [(640, 480)] * 2
    assert plt.fignum_exists(host.number)
    plt.close(host)


@pytest.mark.parametrize(
    ("cell", "count"),
    [
        ("plt.plot([1, 2]); plt.show(); plt.close()", 1),
        ("plt.plot([1, 2]); plt.show(); plt.plot([2, 1]); plt.show()", 2),
        ("plt.plot([1, 2]); plt.savefig(io.BytesIO()); plt.close()", 0),
        ("plt.figure(1); plt.figure(2); plt.figure(1); plt.show()", 2),
        ("async def draw():\n    plt.figure()\nawait asyncio.gather(draw(), draw())", 2),
        ("await asyncio.to_thread(plt.figure)", 1),
        ("thread = threading.Thread(target=plt.figure)\nthread.start()\nthread.join()", 1),
    ],
)
async def test_what_was_open_when_a_cell_shows_is_shown_then(cell: str, count: int) -> None:
    async with PythonRuntime() as runtime:
        await runtime.execute("import asyncio, io, threading\nimport matplotlib.pyplot as plt")

        shown = await runtime.execute(cell)

    assert shown.success
    assert len(shown.pictures) == count
    assert plt.get_fignums() == []


async def test_figures_belong_to_the_cell_that_opens_them_however_cells_take_turns() -> None:
    runtime, other = PythonRuntime(), PythonRuntime()
    import_ = "import asyncio\nimport matplotlib.pyplot as plt\n"
    pause = "await asyncio.sleep(0)\n"

    first, second = await asyncio.gather(
        runtime.execute(f"{import_}{pause}plt.figure(figsize=(1, 1))\n{pause}"),
        other.execute(f"{import_}plt.figure(figsize=(2, 2))\n{pause}{pause}plt.show()"),
    )

    assert sizes(first.pictures) == [(100, 100)]
    assert sizes(second.pictures) == [(200, 200)]


PLOTS = """\
import asyncio
import sys

from cave_agent import Function, PythonRuntime


def plot():
    import matplotlib.pyplot as plt

    plt.plot([1, 2])


async def main():
    shown = await PythonRuntime(functions=[Function(plot)]).execute("plot()")
    print(len(shown.pictures), sys.modules["matplotlib.pyplot"].get_fignums())
    assert tuple(each for each in sys.meta_path if "cave" in str(each)) == ()


assert "matplotlib" not in sys.modules
asyncio.run(main())
"""


def test_a_library_that_loads_pyplot_within_a_cell_is_shown_too() -> None:
    done = subprocess.run([sys.executable, "-c", PLOTS], capture_output=True, text=True, check=True)

    assert done.stdout == "1 []\n"


@pytest.mark.parametrize(
    "cell",
    [
        "plt.plot([1, 2]); plt.show()",
        "plt.title('mine')",
        "plt.figure(); plt.close('all'); plt.figure()",
        "plt.close(); plt.figure()",
        "import copy, pickle\nassert copy.deepcopy(plt.show) is pickle.loads(pickle.dumps(plt.show))\nplt.gcf()",
    ],
)
async def test_a_cell_neither_draws_into_figures_of_the_host_nor_closes_them(cell: str) -> None:
    host = plt.figure()
    runtime = PythonRuntime()
    await runtime.execute("import importlib\nimport matplotlib.pyplot as plt")

    shown = await runtime.execute(cell)

    assert shown.success
    assert len(shown.pictures) == 1
    assert plt.get_fignums() == [host.number]
    assert host.axes == []
    plt.close(host)


async def test_a_cell_may_draw_into_a_figure_that_it_was_given() -> None:
    host = plt.figure()
    runtime = PythonRuntime(variables=[Variable("host", host)])

    shown = await runtime.execute(
        "import matplotlib.pyplot as plt\nplt.figure(host)\nplt.plot([1, 2])"
    )

    assert len(shown.pictures) == 1
    assert len(host.axes) == 1
    assert plt.fignum_exists(host.number)
    plt.close(host)


@pytest.mark.parametrize(
    "opened", ["figure(1, clear=True)", "figure('sales')", "subplots(num='sales')"]
)
async def test_cells_that_take_turns_share_no_figure_whatever_they_call_it(opened: str) -> None:
    cell = f"""
        import asyncio
        import matplotlib.pyplot as plt
        plt.{opened}
        await asyncio.sleep(0)
        plt.plot([1, 2])
        await asyncio.sleep(0)
        lines = len(plt.gca().lines)
    """
    first, second = PythonRuntime(), PythonRuntime()

    shown = await asyncio.gather(first.execute(dedent(cell)), second.execute(dedent(cell)))

    assert [len(each.pictures) for each in shown] == [1, 1]
    assert (first.retrieve("lines"), second.retrieve("lines")) == (1, 1)
    assert plt.get_fignums() == []


async def test_the_host_has_its_own_figures_while_a_cell_waits() -> None:
    drawn: list[Any] = []

    async def hosts() -> None:
        drawn.append(plt.figure())
        plt.title("the host's")
        plt.close("all")
        drawn.append(plt.figure())

    async def beside() -> None:
        await asyncio.create_task(hosts(), context=contextvars.Context())

    runtime = PythonRuntime(functions=[Function(beside)])

    shown = await runtime.execute(
        "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nawait beside()\n"
        "for number in plt.get_fignums():\n    print(number, plt.gca().get_title())"
    )

    assert shown.stdout.startswith("1 \n")
    assert len(shown.pictures) == 1
    assert [plt.figure(number) for number in plt.get_fignums()] == drawn[1:]
    plt.close("all")


async def test_nothing_of_pyplot_differs_when_no_cell_runs() -> None:
    before = {**vars(plt), "figs": _pylab_helpers.Gcf.figs, "path": tuple(sys.meta_path)}

    await PythonRuntime().execute("import matplotlib.pyplot as plt\nplt.plot([1, 2])")

    assert before == {**vars(plt), "figs": _pylab_helpers.Gcf.figs, "path": tuple(sys.meta_path)}
    assert type(_pylab_helpers.Gcf.figs) is OrderedDict


async def test_the_host_can_use_pyplot_as_ever() -> None:
    await PythonRuntime().execute("import matplotlib.pyplot as plt")

    figure = plt.figure()
    plt.show()

    assert plt.fignum_exists(figure.number)
    assert inspect.signature(plt.figure).parameters
    plt.close(figure)


async def test_a_figure_that_changed_is_shown_again() -> None:
    runtime = PythonRuntime(variables=[Variable("image", Image.new("RGB", (4, 4)))])

    shown = await runtime.execute(
        "display(image); image.putpixel((0, 0), (9, 9, 9)); display(image)"
    )

    assert len(shown.pictures) == 2


WORDLESS = """\
class Wordless(Exception):
    def __str__(self):
        raise ValueError

def draw(*args):
    raise Wordless

plt.figure().draw = draw
"""


@pytest.mark.parametrize(
    "cell",
    [
        WORDLESS,
        "def draw(*args):\n    raise SystemExit\nplt.figure().draw = draw",
        "plt.figure()\nplt.get_fignums = None",
        "plt.figure()\nplt.close = None",
        "plt.figure()\nplt.show = None",
        "def draw(*args):\n    raise KeyboardInterrupt\nplt.figure().draw = draw\n1 / 0",
        "def draw(*args):\n    raise SystemExit\nplt.figure().draw = draw\n1 / 0",
    ],
)
async def test_what_goes_wrong_while_drawing_is_no_failure_of_the_runtime(
    cell: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("get_fignums", "close", "show"):
        monkeypatch.setattr(plt, name, getattr(plt, name))  # is put back afterwards
    runtime = PythonRuntime()
    await runtime.execute("import matplotlib.pyplot as plt")

    await runtime.execute(cell)

    assert (await runtime.execute("1 + 1")).stdout == "2\n"
    monkeypatch.undo()
    plt.close("all")


async def test_the_figures_of_a_cell_that_was_stopped_are_closed() -> None:
    runtime = PythonRuntime()
    await runtime.execute("import matplotlib.pyplot as plt")

    await runtime.execute("plt.figure()\nwhile True: pass", timeout=0.05)
    shown = await runtime.execute("plt.plot([1, 2]); plt.show()")

    assert len(shown.pictures) == 1


async def test_a_figure_stays_live_though_it_was_shown() -> None:
    runtime = PythonRuntime()
    await runtime.execute("import matplotlib.pyplot as plt\nfig, ax = plt.subplots()")

    shown = await runtime.execute("ax.set_title('again')\nfig")

    assert sizes(shown.pictures) == [(640, 480)]
    assert runtime.retrieve("fig").axes[0].get_title() == "again"


@pytest.mark.parametrize("mode", ["RGB", "CMYK", "F", "1", "LA"])
async def test_an_image_is_shown_in_at_most_the_size_that_models_see(mode: str) -> None:
    runtime = PythonRuntime(variables=[Variable("image", Image.new(mode, (3200, 40)))])

    shown = await runtime.execute("image")

    assert sizes(shown.pictures) == [(1568, 20)]
    assert shown.stdout == f"Image, 3200 × 40 pixels, {mode}\n"  # noqa: RUF001  # as people write it


RAMP = np.linspace(0, 60_000, 64).reshape(8, 8)


@pytest.mark.parametrize("pixels", [RAMP.astype("u2"), RAMP.astype("i4"), RAMP.astype("f4") / 9e4])
async def test_a_deep_image_is_shown_from_black_to_white(pixels: Any) -> None:
    runtime = PythonRuntime(variables=[Variable("image", Image.fromarray(pixels))])

    (picture,) = (await runtime.execute("image")).pictures

    assert Image.open(BytesIO(picture.data)).getextrema() == (0, 255)


async def test_an_image_of_too_many_bytes_is_shown_smaller() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (1500, 1500, 3), dtype="u1")
    runtime = PythonRuntime(variables=[Variable("image", Image.fromarray(noise))])

    assert sizes((await runtime.execute("image")).pictures) == [(1160, 1160)]


async def test_a_big_figure_is_drawn_smaller() -> None:
    runtime = PythonRuntime(variables=[Variable("fig", plt.Figure(figsize=(100, 50)))])

    assert sizes((await runtime.execute("fig")).pictures) == [(1568, 784)]


class Drawn:
    def __init__(self, drawing: Any) -> None:
        self.drawing = drawing

    def __repr__(self) -> str:
        return "Drawn()"

    def _repr_png_(self) -> Any:
        if isinstance(self.drawing, Exception):
            raise self.drawing
        return self.drawing


PNG = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + struct.pack(">II", 3, 4)


@pytest.mark.parametrize(
    ("drawing", "expected", "said"),
    [
        (PNG, [(3, 4)], "Drawn()\n"),
        (None, [], "Drawn()\n"),
        ("<svg>", [], "Drawn()\n"),
        (PNG + b"x" * 5_000_000, [], "more than 5,000,000 bytes>\n"),
        (PNG[:16] + struct.pack(">II", 0, 4), [], "Drawn()\n"),
        (PNG[:16] + struct.pack(">II", 9000, 4), [], "9,000 x 4 pixels, too many to be sent>\n"),
        (KeyError("no\nfont"), [], "<Drawn, not drawn: KeyError: 'no\\nfont'>\n"),
    ],
)
async def test_what_draws_itself_is_asked_to(drawing: Any, expected: Any, said: str) -> None:
    runtime = PythonRuntime(variables=[Variable("drawn", Drawn(drawing))])

    shown = await runtime.execute("drawn")

    assert shown.success
    assert sizes(shown.pictures) == expected
    assert shown.stdout.endswith(said)


@pytest.mark.parametrize(("width", "scale"), [(None, 1), (15680, 0.1)])
async def test_a_figure_of_plotly_is_drawn_by_its_own_way(width: int | None, scale: float) -> None:
    graph_objects = pytest.importorskip("plotly.graph_objects")

    class Figure(graph_objects.Figure):
        def to_image(self, **options: Any) -> bytes:
            assert options == {"format": "png", "scale": scale}
            return PNG

    runtime = PythonRuntime(
        variables=[
            Variable("figure", Figure({"data": [{"y": [12345]}], "layout": {"width": width}}))
        ]
    )

    shown = await runtime.execute("figure")

    assert sizes(shown.pictures) == [(3, 4)]
    assert "12345" not in shown.stdout


async def test_a_cell_shows_a_few_pictures_at_most() -> None:
    runtime = PythonRuntime(variables=[Variable("drawn", [Drawn(PNG) for _ in range(10)])])

    shown = await runtime.execute("display(*drawn)")

    assert len(shown.pictures) == 8
    assert shown.stdout.count("not drawn: a cell shows 8 pictures at most") == 2


async def test_a_task_that_outlives_its_cell_shows_in_the_cell_that_runs_by_then() -> None:
    async with PythonRuntime() as runtime:
        await runtime.execute(
            "import asyncio\nevent = asyncio.Event()\n"
            "async def show():\n    await event.wait()\n    display('late')\n"
            "task = asyncio.create_task(show())"
        )

        shown = await runtime.execute("event.set()\nawait task")

    assert shown.stdout == "'late'\n"


async def test_what_cells_defined_can_be_called_by_the_host(
    capsys: pytest.CaptureFixture[str],
) -> None:
    runtime = PythonRuntime()
    await runtime.execute("def show(value):\n    display(value)")

    runtime.retrieve("show")("x")

    assert capsys.readouterr().out == "'x'\n"
