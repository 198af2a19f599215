"""Arrays: numpy's and torch's."""

from typing import Any

from cave_agent.runtime._summaries._look import Describe, Look

_FIRST = 5
_MOST_FIELDS = 8  # of a structured array that are spelled
_LONGEST_DTYPE = 40  # characters


def _array(array: Any, look: Look) -> str:
    return f", shape {array.shape}, {_spelled(array.dtype)}{_values(array, look)}"


def _spelled(dtype: Any) -> str:
    fields = dtype.names or ()
    return f"{len(fields):,} fields" if len(fields) > _MOST_FIELDS else str(dtype)[:_LONGEST_DTYPE]


def _tensor(tensor: Any, look: Look) -> str:
    where = "" if tensor.device.type == "cpu" else f" on {tensor.device}"
    kind = str(tensor.dtype).removeprefix("torch.")
    gradient = ", requires_grad" if tensor.requires_grad else ""
    values = _values(tensor.detach(), look) if tensor.device.type == "cpu" else ""
    return f", shape {tuple(tensor.shape)}, {kind}{where}{gradient}{values}"


def _values(array: Any, look: Look) -> str:
    if not look.shows_values or not array.ndim or str(array.dtype) in {"object", "void"}:
        return ""
    first = array[(0,) * (array.ndim - 1)][:_FIRST].tolist()  # a view of the first row
    more = ", …" if array.shape[-1] > _FIRST or array.ndim > 1 else ""
    return f" = [{', '.join(f'{value!r:.20}' for value in first)}{more}]"


DESCRIBERS: dict[str, Describe] = {"numpy.ndarray": _array, "torch.Tensor": _tensor}
