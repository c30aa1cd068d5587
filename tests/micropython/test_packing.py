"""Packing changes names and places, and nothing else."""

import ast
from collections.abc import Iterator
import contextlib
import io
import sys
from types import ModuleType

import pytest

from self_secure_device_board.packing.source import Module, PackError
from self_secure_device_board.packing.units import pack

LIMITS = """
LIMIT, OTHER = 7, 1 << 4
LARGE = 2 ** 40
unused = "nobody needs this"
"""
SHAPES = """
from .limits import LARGE, LIMIT
from . import limits

TABLE = {(1, 0): "grow", (2, 0): "shrink"}
CAUSES = {1: "grow", 2: "too small"}

class DropError(Exception):
    reason = "dropped"

class Base:
    '''A docstring costs nothing.'''

    size = LIMIT

    def __init__(self, width, *, depth=limits.OTHER):
        self._width = width
        self.depth = depth

    @property
    def area(self):
        return self._width * self.depth

class Shape(Base):
    def act(self, number):
        return getattr(self, "_" + TABLE[number, 0])(number)

    def _grow(self, by):
        self._width += by
        return [width + by for width in range(self._width) if width > LARGE - LARGE]

    def _shrink(self, by):
        raise DropError("smaller than before")

    def parts(self):
        from .late import total
        return total(self, lambda part: part.area)

def forgotten():
    return "nobody calls this"
"""
LATE = """
def total(shape, read):
    return sum(read(part) for part in (shape, shape))
"""
PROGRAM = """
from lib.shapes import CAUSES, DropError, Shape

def main():
    shape = Shape(3, depth=5)
    print(CAUSES[1], shape.area, shape.act(1), shape.size, shape.parts(), hasattr(shape, "depth"))
    try:
        shape.act(2)
    except DropError as error:
        print(error.reason)
"""
SOURCES = {"lib": "", "lib.limits": LIMITS, "lib.shapes": SHAPES, "lib.late": LATE, "program": PROGRAM}
PRINTED = "grow 15 [2, 3, 4] 7 40 True\ndropped\n"


def modules(**changed: str) -> Iterator[Module]:
    for name, text in (SOURCES | {key.replace("_", "."): value for key, value in changed.items()}).items():
        yield Module(name, "unit", ast.parse(text), name == "lib")


@pytest.fixture
def packed() -> Iterator[dict[str, str]]:
    """Pack the example; what its units' names import is forgotten afterwards."""
    units = pack(modules(), "program")
    yield units
    for name in units:
        sys.modules.pop(name, None)


def load(units: dict[str, str], name: str) -> ModuleType:
    module = sys.modules[name] = ModuleType(name)
    exec(compile(units[name], name, "exec"), vars(module))  # noqa: S102  # what the packer wrote
    return module


def test_a_packed_program_does_the_same(packed: dict[str, str]) -> None:
    load(packed, "late")
    started = load(packed, "unit0")
    with contextlib.redirect_stdout(io.StringIO()) as output:
        started.main()
    assert output.getvalue() == PRINTED


def test_what_a_function_imports_is_a_unit_of_its_own(packed: dict[str, str]) -> None:
    assert list(packed) == ["late", "unit0"] or list(packed) == ["unit0", "late"]
    assert "sum(" in packed["late"]
    assert "sum(" not in packed["unit0"]


@pytest.mark.parametrize("gone", ["LIMIT", "unused", "forgotten", "docstring", "_width", "Shape", "smaller"])
def test_names_texts_and_what_nobody_needs_are_gone(packed: dict[str, str], gone: str) -> None:
    assert gone not in packed["unit0"]


@pytest.mark.parametrize("kept", ["main", "depth", "range", "__init__"])
def test_names_that_others_know_stay(packed: dict[str, str], kept: str) -> None:
    assert kept in packed["unit0"]


def test_packing_twice_gives_the_same_bytes() -> None:
    assert pack(modules(), "program") == pack(modules(), "program")


def test_a_module_as_a_value_is_refused() -> None:
    text = "from lib import shapes\ndef main():\n    return shapes\n"
    with pytest.raises(PackError, match=r"uses the module lib\.shapes as a value"):
        pack(modules(program=text), "program")


def test_a_name_that_nobody_defines_is_refused() -> None:
    text = "from lib.shapes import missing\ndef main():\n    return missing\n"
    with pytest.raises(PackError, match=r"lib\.shapes has no missing"):
        pack(modules(program=text), "program")
