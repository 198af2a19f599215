"""The names that cells which failed did not come to make."""

import dis
from collections.abc import Container, Iterable
from types import CodeType

_MOST = 100  # names that are remembered
_BINDING = {"STORE_NAME", "STORE_GLOBAL"}
_DELETING = {"DELETE_NAME", "DELETE_GLOBAL"}


class LostNames:
    """Names that the code of cells would have bound, had it not failed before; the latest of them."""

    def __init__(self) -> None:
        self._names: dict[str, None] = {}

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def note(self, codes: Iterable[CodeType], *, there: Container[str], but: str) -> None:
        """Note what a cell that failed binds in its code; what it deletes there was not to stay.

        Args:
            codes: The cell.
            there: The names that there are.
            but: One that is no loss.
        """
        bound, deleted = _bound_and_deleted(codes)
        self._names.update(dict.fromkeys(each for each in bound - {but} if each not in there))
        self.forget(deleted)
        for name in list(self._names)[:-_MOST]:
            del self._names[name]

    def forget(self, names: Container[str]) -> None:
        """Forget those that have been made since."""
        if self._names:
            self._names = {name: None for name in self._names if name not in names}


def _bound_and_deleted(codes: Iterable[CodeType]) -> tuple[set[str], set[str]]:
    bound, deleted = set[str](), set[str]()
    for code in codes:
        for each in dis.get_instructions(code):
            if each.opname in _BINDING:
                bound.add(each.argval)
            elif each.opname in _DELETING:
                deleted.add(each.argval)
    return bound, deleted
