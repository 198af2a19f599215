"""What a cell's failure looks like to the model: the cell's own frames, with source lines."""

from linecache import getline
from traceback import FrameSummary, StackSummary, TracebackException

from cave_agent.runtime._cell import ErrorFeedbackMode
from cave_agent.runtime._sources import Sources

_LONGEST_MESSAGE = 20_000


def format_error(error: BaseException, sources: Sources, mode: ErrorFeedbackMode) -> str:
    """The text of a failure, ending in a newline."""
    try:
        return _formatted(error, sources, mode)
    except Exception as broken:  # noqa: BLE001  # the error's class may lie about anything
        name: str = vars(type)["__name__"].__get__(type(error))
        return f"{name}: (it cannot be shown: {type(broken).__name__})\n"


def _formatted(error: BaseException, sources: Sources, mode: ErrorFeedbackMode) -> str:
    whole = TracebackException.from_exception(error, lookup_lines=False, compact=True)
    _keep_cells(whole, sources)
    if mode is ErrorFeedbackMode.MINIMAL:
        return _one_line(error, whole)
    return "".join(_shortened(part) for part in whole.format())


def _one_line(error: BaseException, whole: TracebackException) -> str:
    where = f" (line {whole.stack[-1].lineno})" if whole.stack else ""
    if isinstance(error, SyntaxError) and error.lineno is not None:
        where = f" (line {error.lineno})"
    whole.__notes__ = None  # they would be the last line
    what = list(whole.format_exception_only())[-1].rstrip("\n").replace("\n", " ")
    return f"{_shortened(what)}{where}\n"


def _shortened(text: str) -> str:
    if len(text) <= _LONGEST_MESSAGE:
        return text
    half = _LONGEST_MESSAGE // 2
    return f"{text[:half]} [… {len(text) - _LONGEST_MESSAGE:,} characters …] {text[-half:]}"


def _keep_cells(whole: TracebackException, sources: Sources) -> None:
    """Drop the frames of libraries and of the framework, in the whole chain of exceptions."""
    pending = [whole]
    while pending:
        one = pending.pop()
        one.stack = StackSummary.from_list(
            [
                _relabelled(frame, label)
                for frame in one.stack
                if (label := sources.label(frame.filename)) is not None
            ]
        )
        if label := sources.label(getattr(one, "filename", None)):
            one.filename = label
        pending += [other for other in (one.__cause__, one.__context__) if other is not None]
        pending += one.exceptions or []


def _relabelled(frame: FrameSummary, label: str) -> FrameSummary:
    return FrameSummary(
        label,
        frame.lineno,
        frame.name,
        line=getline(frame.filename, frame.lineno or 0),  # unstripped, as the columns count
        end_lineno=frame.end_lineno,
        colno=frame.colno,
        end_colno=frame.end_colno,
    )
