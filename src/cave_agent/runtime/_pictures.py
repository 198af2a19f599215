"""Draws what a cell shows, if it is a figure or an image; imports no library of them."""

import struct
from collections.abc import Callable
from io import BytesIO
from math import ceil
from typing import Any, TypeAlias

from cave_agent.events import Picture
from cave_agent.runtime._foreign import class_module, class_mro, class_name, class_of, inherited

Drawing: TypeAlias = Callable[[Any], object]
"""Gives the bytes of a PNG."""

_TEXTS = frozenset({int, float, str, bool, list, tuple, dict, set})  # most of what cells show
_LONGEST_SIDE = (
    1568  # pixels; models see no more: https://docs.claude.com/en/docs/build-with-claude/vision
)
_LARGEST = 5_000_000  # bytes that providers take
_IN_PNG = {"1", "L", "LA", "P", "RGB", "RGBA"}  # modes of PIL's that the format has
_IRREDUCIBLE = {"1", "P"}
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_SIZE = slice(16, 24)  # of a PNG: width and height, https://www.w3.org/TR/png-3/#11IHDR


def drawing_of(value: object) -> Drawing | None:
    """How a value is drawn; `None` if it is nothing to see."""
    cls = class_of(value)
    if type(cls) is type and cls in _TEXTS:
        return None
    names = (f"{class_module(base)}.{class_name(base)}" for base in class_mro(cls))
    draw = next((_LIBRARIES[name] for name in names if name in _LIBRARIES), None)
    if draw is None and inherited(cls, "_repr_png_") is not None:
        return draws_itself
    return draw


def drawn(value: object, draw: Drawing) -> Picture | None:
    """The picture; `None` if there is none after all.

    Raises:
        Exception: Whatever the library that draws it raises.
        ValueError: The picture is too big to be sent.
    """
    data = draw(value)
    if not isinstance(data, bytes) or not data.startswith(_SIGNATURE):
        return None
    if len(data) > _LARGEST:
        raise ValueError(f"its picture has {len(data):,} bytes, more than {_LARGEST:,}")
    return Picture(data, *struct.unpack(">II", data[_SIZE]))


def draws_itself(value: Any) -> object:
    """What a value that follows IPython's convention draws."""
    return value._repr_png_()  # as everybody who shows it does


def _matplotlib(figure: Any) -> bytes:
    file, inches = BytesIO(), max(figure.get_size_inches())
    figure.savefig(file, format="png", dpi=min(figure.dpi, _LONGEST_SIDE / inches))
    return file.getvalue()


def _plotly(figure: Any) -> object:
    return figure.to_image(format="png")


def _pil(image: Any) -> bytes:
    file, factor = BytesIO(), ceil(max(image.size) / _LONGEST_SIDE)
    if factor > 1:
        image = (image.convert("RGB") if image.mode in _IRREDUCIBLE else image).reduce(factor)
    image = image if image.mode in _IN_PNG else image.convert("RGB")
    image.save(file, "PNG")
    return file.getvalue()


_LIBRARIES: dict[str, Drawing] = {
    "matplotlib.figure.Figure": _matplotlib,
    "plotly.basedatatypes.BaseFigure": _plotly,
    "PIL.Image.Image": _pil,
}
