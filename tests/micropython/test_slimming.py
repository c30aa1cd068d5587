"""Packing leaves functions out; a program does the same without them, whatever its functions look like."""

import ast
from collections.abc import Iterator
import contextlib
import io
import sys
from types import ModuleType

import pytest

from self_secure_device_board.packing.source import Module
from self_secure_device_board.packing.units import pack

#: Programs, and how many functions are left of each, ``main`` and ``__init__`` included.
CASES = {
    "a call that is a statement, with returns in branches": (
        """
class Box:
    def __init__(self):
        self.log = []

    def put(self, number):
        self._note(number)
        self.log.append("after")

    def _note(self, number):
        if number < 0:
            self.log.append("negative")
            return
        if number == 0:
            return
        self.log.append("positive")

def main():
    for number in (-1, 0, 1):
        box = Box()
        box.put(number)
        print(box.log)
""",
        2,
    ),
    "a returned call, with a return from a loop": (
        """
def first(numbers, limit):
    return search(numbers, limit)

def search(numbers, limit):
    for number in numbers:
        if number > limit:
            return number
    return None

def main():
    print(first([1, 5, 9], 4), first([], 4))
""",
        2,
    ),
    "a value that goes into a variable, from either branch": (
        """
def name(number):
    text = kind(number)
    return text + "!"

def kind(number):
    if number % 2:
        return "odd"
    if number == 0:
        return "zero"
    return "even"

def main():
    print(name(1), name(0), name(2))
""",
        2,
    ),
    "a condition with statements before it": (
        """
class Counter:
    def __init__(self):
        self.count = 0

    def step(self):
        if self._full():
            return "full"
        return self.count

    def _full(self):
        self.count += 1
        return self.count > 2

def main():
    counter = Counter()
    print([counter.step(), counter.step(), counter.step()])
""",
        3,
    ),
    "arguments keep the order in which they are evaluated": (
        """
class Source:
    def __init__(self):
        self.number = 0

    def take(self):
        self.number += 1
        return self.number

def difference(left, right):
    return right - 10 * left

def main():
    source = Source()
    print(difference(source.take(), source.take()), difference(source.take(), source.number))
""",
        4,
    ),
    "an argument that is changed, and variables of the same name": (
        """
def whole(number, total):
    part(number)
    return number, total

def part(number):
    total = 0
    while number:
        total += number
        number -= 1
    print(total)

def main():
    print(whole(3, 7))
""",
        2,
    ),
    "a global that the caller has a variable of that name for": (
        """
label = "global"

def outer(items):
    label = len(items)
    return inner(items), label

def inner(items):
    return [label, *items]

def main():
    print(outer([1]), outer([]))
""",
        3,
    ),
    "properties, and one whose name is an attribute elsewhere": (
        """
class Shape:
    def __init__(self, width):
        self.width = width

    @property
    def area(self):
        return self.width * self.width

    @property
    def size(self):
        return self.area + self.width

class Point:
    size = 0

def main():
    shape = Shape(3)
    print(shape.area, shape.area, shape.size, Point.size)
""",
        3,
    ),
    "an error that is caught around the call": (
        """
class Trouble(Exception):
    reason = "trouble"

def guarded(number):
    try:
        check(number)
        return "fine"
    except Trouble as error:
        return error.reason

def check(number):
    if number > 1:
        raise Trouble

def main():
    print(guarded(1), guarded(2))
""",
        2,
    ),
    "generators, closures, recursion and functions as values stay": (
        """
def numbers(count):
    for number in range(count):
        yield number

def closure(step):
    def add(number):
        return number + step
    return add

def depth(number):
    return 0 if number == 0 else 1 + depth(number - 1)

def double(number):
    return 2 * number

def main():
    print(list(numbers(3)), closure(2)(3), depth(4), list(map(double, [1, 2])))
""",
        6,
    ),
    "defaults, arguments by name, and an argument called like a global": (
        """
def line(text, end="."):
    return text + end

def joined(first, second, between=" "):
    for part in second:
        first += between + part
    return first

def between():
    text = "global"
    return text + text

def main():
    print(line("a"), joined(second="bc", first="a"), joined("a", "b", between="-"), between(), between())
""",
        3,
    ),
    "a variable of an exception and of a comprehension": (
        """
def caught(error):
    attempt(error)
    return error

def attempt(number):
    try:
        print(1 // number)
    except ZeroDivisionError as error:
        print("by zero", [error is None for _ in (1, 2)])

def main():
    print(caught(0), caught(1))
""",
        2,
    ),
    "methods that nothing calls": (
        """
class Tool:
    def used(self):
        return "used"

    def unused(self):
        return self.nor_this()

    def nor_this(self):
        return "never"

def main():
    print(Tool().used(), hasattr(Tool(), "used"))
""",
        2,
    ),
    "byte strings of modules": (
        """
SIZE = 4
ZEROS = bytes(SIZE)
PAD = b"ab" * SIZE + b"c"
LONG = b"x" * 100

def main():
    print(ZEROS, PAD, len(LONG), ZEROS + PAD)
""",
        1,
    ),
}
PARTS = {
    "lib": "",
    "lib.tools": """
import math

BASE = 3

def scaled(number):
    return BASE * rounded(number)

def rounded(number):
    return math.floor(number) + shift(number)

def shift(number):
    return 1 if number > 2 else 0
""",
    "lib.user": """
from .tools import scaled

BASE = "another"

def twice(number):
    once = scaled(number)
    return BASE, once, once
""",
    "program": """
from lib.user import twice

def main():
    print(twice(1.5), twice(2.5))
""",
}


def printed(module: ModuleType) -> str:
    with contextlib.redirect_stdout(io.StringIO()) as output:
        module.main()
    return output.getvalue()


@pytest.fixture(autouse=True)
def modules() -> Iterator[None]:
    """Forget what a test has loaded."""
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


def load(name: str, text: str) -> ModuleType:
    module = sys.modules[name] = ModuleType(name)
    module.__package__ = name.rpartition(".")[0]
    exec(compile(text, name, "exec"), vars(module))  # noqa: S102  # a program of this file, or what the packer made of it
    return module


def packed(sources: dict[str, str]) -> dict[str, str]:
    units: dict[str, str] = pack([Module(name, "unit", ast.parse(text), name == "lib") for name, text in sources.items()], "program")
    return units


def functions(units: dict[str, str]) -> int:
    return sum(isinstance(node, ast.FunctionDef) for text in units.values() for node in ast.walk(ast.parse(text)))


@pytest.mark.parametrize(("text", "left"), CASES.values(), ids=list(CASES))
def test_a_program_does_the_same_with_fewer_functions(text: str, left: int) -> None:
    expected = printed(load("program", text))
    units = packed({"program": text})
    assert printed(load("unit0", units["unit0"])) == expected
    assert functions(units) == left, units["unit0"]


def test_a_function_that_moves_to_another_module_takes_its_imports_along() -> None:
    for name, text in PARTS.items():
        program = load(name, text)
    expected = printed(program)
    units = packed(PARTS)
    assert printed(load("unit0", units["unit0"])) == expected
    assert "import math" in units["unit0"]
    assert functions(units) == 2, units["unit0"]


def test_constant_byte_strings_are_written_out() -> None:
    text = packed({"program": CASES["byte strings of modules"][0]})["unit0"]
    assert r"b'\x00\x00\x00\x00'" in text
    assert "b'ababababc'" in text
    assert "b'x' * 100" in text  # longer than a constant is worth
