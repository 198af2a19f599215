"""Draws what a cell shows, if it is a figure or an image; imports no library of them."""

import struct
import sys
from collections.abc import Callable
from io import BytesIO
from math import sqrt
from typing import Any, TypeAlias

from cave_agent.events import Picture
from cave_agent.runtime._foreign import class_module, class_mro, class_name, class_of, inherited

Drawing: TypeAlias = Callable[[Any, int], object]
"""Gives the bytes of a PNG of a value, with so many pixels on its longest side at most."""

_TEXTS = frozenset({int, float, str, bool, list, tuple, dict, set})  # most of what cells show
# Models see no more, and refuse more than that: https://docs.claude.com/en/docs/build-with-claude/vision
_LONGEST_SIDE, _LONGEST_TAKEN = 1568, 8000  # pixels
_LARGEST = 5_000_000  # bytes that providers take
_TRIES = 3
_PLOTLY_SIZE = (700, 500)  # pixels of a figure that says nothing: plotly's `to_image`
_DEEP = ("I", "F")  # modes of PIL's with more than 8 bits a channel
_SHOWN_AS = {"1": "L", "P": "RGBA", "PA": "RGBA", "La": "LA", "RGBa": "RGBA"}
_IN_PNG = {"L", "LA", "RGB", "RGBA"}
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
        ValueError: The picture is too big to be sent, and cannot be made smaller.
    """
    side = _LONGEST_SIDE
    for _ in range(_TRIES):
        data = draw(value, side)
        if not isinstance(data, bytes) or not data.startswith(_SIGNATURE):
            return None
        width, height = struct.unpack(">II", data[_SIZE])
        if max(width, height) > _LONGEST_TAKEN:
            raise ValueError(f"its picture has {width:,} x {height:,} pixels, too many to be sent")
        if len(data) <= _LARGEST:
            return Picture(data, width, height) if width and height else None
        side = int(min(side, max(width, height)) * sqrt(_LARGEST / len(data)) * 0.9)
    raise ValueError(f"its picture has more than {_LARGEST:,} bytes")


def draws_itself(value: Any, _side: int) -> object:
    """What a value that follows IPython's convention draws."""
    return value._repr_png_()  # as everybody who shows it does


def _matplotlib(figure: Any, side: int) -> bytes:
    file, inches = BytesIO(), max(figure.get_size_inches())
    figure.savefig(file, format="png", dpi=min(figure.dpi, side / inches))
    return file.getvalue()


def _plotly(figure: Any, side: int) -> object:
    told = (figure.layout.width, figure.layout.height)
    longest = max(size or usual for size, usual in zip(told, _PLOTLY_SIZE, strict=True))
    return figure.to_image(format="png", scale=min(1, side / longest))


def _pil(image: Any, side: int) -> bytes:
    file, factor = BytesIO(), side / max(*image.size, 1)
    if image.mode.startswith(_DEEP):
        image = _in_eight_bits(image)
    elif image.mode not in _IN_PNG:
        image = image.convert(_SHOWN_AS.get(image.mode, "RGB"))
    if factor < 1:
        size = [max(1, round(length * factor)) for length in image.size]
        image = image.resize(size, reducing_gap=2.0)
    image.save(file, "PNG")
    return file.getvalue()


def _in_eight_bits(image: Any) -> Any:
    """From black for its least value to white for its greatest, as viewers show it."""
    numpy: Any = sys.modules.get("numpy")
    if numpy is None:
        return image.convert("L")
    values = numpy.asarray(image).astype("f8")
    is_finite = numpy.isfinite(values)
    known = values[is_finite]
    least, greatest = (known.min(), known.max()) if known.size else (0.0, 0.0)
    shown = numpy.where(is_finite, (values - least) * (255 / ((greatest - least) or 1)), 0)
    return sys.modules["PIL.Image"].fromarray(shown.clip(0, 255).astype("u1"))


_LIBRARIES: dict[str, Drawing] = {
    "matplotlib.figure.Figure": _matplotlib,
    "plotly.basedatatypes.BaseFigure": _plotly,
    "PIL.Image.Image": _pil,
}
