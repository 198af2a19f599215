"""Pictures: figures of matplotlib and plotly, images of PIL."""

from collections import Counter
from typing import Any

from cave_agent.runtime._summaries._look import Describe, Look, counted, cut


def _matplotlib(figure: Any, look: Look) -> str:
    axes = figure.axes
    titles = [cut(repr(one.get_title()), 60) for one in axes[:4] if one.get_title()]
    told = f" titled {', '.join(titles)}" if titles and look.shows_values else ""
    return f", {counted(len(axes), 'plot')}{told}"


def _plotly(figure: Any, look: Look) -> str:  # noqa: ARG001  # as every describer
    kinds = Counter(str(trace.type)[:20] for trace in figure.data[:100])
    told = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    return f", {counted(len(figure.data), 'trace')}{f' ({told})' if told else ''}"


def _image(image: Any, look: Look) -> str:  # noqa: ARG001  # as every describer
    width, height = image.size
    return f", {width} × {height} pixels, {image.mode}"  # noqa: RUF001  # as people write it


DESCRIBERS: dict[str, Describe] = {
    "matplotlib.figure.Figure": _matplotlib,
    "plotly.basedatatypes.BaseFigure": _plotly,
    "PIL.Image.Image": _image,
}
