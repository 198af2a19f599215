"""Draws every result as a share of its target, so that all fit one scale."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.rows import Row

_MET, _MISSED = "#2f7d5b", "#c2452d"
_LEAST = 0.01  # shares below are drawn as this one
_ORIGIN = 0.008


def draw(rows: Sequence[Row], path: Path) -> None:
    """Write the chart as the kind of file that `path` says."""
    mpl.rcParams["svg.fonttype"] = "none"
    mpl.rcParams["svg.hashsalt"] = "benchmarks"
    judged = [row for row in rows if row.limit is not None]
    figure = Figure(figsize=(9.5, 1.3 + 0.3 * len(judged)), layout="constrained")
    axes: Axes = figure.subplots()
    numbers_at = 1.1 * max(1, *map(_share, judged))
    for place, row in enumerate(judged):
        color = _MET if row.verdict == "met" else _MISSED
        axes.barh(place, _share(row) - _ORIGIN, left=_ORIGIN, height=0.65, color=color)
        axes.text(numbers_at, place, _told(row), va="center", fontsize=8)
    axes.axvline(1, color="black", linewidth=1)
    axes.set_yticks(range(len(judged)), [_label(row) for row in judged])
    axes.set_ylim(len(judged) - 0.4, -0.6)
    axes.set_xscale("log")
    axes.set_xlim(_ORIGIN, numbers_at * 3)
    axes.set_xticks([0.01, 0.1, 0.5, 1, 2], ["1 %", "10 %", "50 %", "target", "2 x"])
    axes.minorticks_off()
    axes.grid(axis="x", alpha=0.25)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(left=False)
    axes.set_title("How much of its target each result takes (less is better)", loc="left")
    dated = {"metadata": {"Date": None}} if path.suffix == ".svg" else {}
    figure.savefig(path, **dated)


def _share(row: Row) -> float:
    assert row.limit is not None
    return max(row.limit.share, _LEAST)


def _label(row: Row) -> str:
    beside = f" / {row.beside_name}" if row.beside_name else ""
    return f"{row.group}: {row.name}{beside}"


def _told(row: Row) -> str:
    number = f"{row.ours:,.0f}" if row.ours >= 100 else f"{row.ours:.3g}"  # noqa: PLR2004  # three digits and more say enough
    ratio = "" if row.ratio is None else f" ({row.ratio:.2f} x)"
    return f"{number} {row.unit}{ratio}"
